//! Odd queries get an answer too, the right one; and what is asked about the server itself.

use hickory_proto::op::ResponseCode::{FormErr, NoError, NotImp, Refused};
use understudy::serve::{Client, Status, Transport};

use crate::support::{Answer, Server, client, query};

fn server() -> Server {
    Server::new(&["t. 60 SOA n. h. 1 2 3 4 60\nt. 60 A 192.0.2.1"])
}

#[test]
fn types_and_classes() {
    let server = server();
    for (question, rcode) in [
        ("t. TYPE1000", NoError),
        ("t. AXFR", Refused),
        ("t. IXFR", Refused),
        ("t. OPT", FormErr),
        ("t. TSIG", FormErr),
        ("t. MAILB", NotImp),
        ("t. MAILA", NotImp),
        ("t. TKEY", NotImp),
        ("t. TYPE0", NoError),
        ("t. TYPE200", NoError),
        ("t. A 4", Refused),
        ("t. A 255", NoError),
        ("t. A CH", Refused),
    ] {
        assert_eq!(server.ask(question).rcode(), rcode, "{question}");
    }
    let any_class = server.ask("t. A 255");
    assert_eq!((any_class.answer(), any_class.is_authoritative()), (vec!["t. 60 A 192.0.2.1".to_owned()], false));
    let mut octets = Vec::new();
    assert!(server.responder.respond(&query("t. AXFR", None), client(Transport::Udp), &mut octets).is_some());
    assert_eq!(octets[3] & 15, 4, "RFC 5936 §4.2");
}

#[test]
fn other_opcodes_are_not_implemented() {
    let server = server();
    for opcode in [1u8, 2, 4, 5, 6, 15] {
        let mut packet = query("t. A", None);
        packet[2] = opcode << 3;
        let mut octets = Vec::new();
        assert!(server.responder.respond(&packet, client(Transport::Udp), &mut octets).is_some());
        assert_eq!((octets.len(), octets[2], octets[3]), (12, 0x80 | opcode << 3, 4));
    }
}

#[test]
fn the_question_comes_back_as_it_was_asked() {
    let mut packet = query("T. A", None);
    packet[2] |= 1;
    packet[3] = 0x10;
    let answer = server().ask_octets(&packet, Transport::Udp);
    assert_eq!(answer.octets[12..19], packet[12..]);
    assert_eq!((answer.octets[2], answer.octets[3]), (0x85, 0), "QR AA RD; CD is cleared (RFC 4035 §3.1.6)");
    assert_eq!(answer.octets.len(), 19 + 16, "the owner is a pointer to the question");
}

#[test]
fn responses_and_scraps_meet_silence() {
    let server = server();
    let mut response = query("t. A", None);
    response[2] |= 0x80;
    assert!(server.is_silent(&response));
    assert!(server.is_silent(&[0; 11]));
    assert!(server.is_silent(&[]));
}

#[test]
fn readiness_is_told_even_before_answers_are_given() {
    let server = server();
    let ready = |wanted: &str| server.ask("ready.understudy. TXT CH").is(NoError, true, wanted, "", "");
    ready("ready.understudy. 0 TXT ready");
    server.responder.readiness().set(Status { fault: Some("starting".to_owned()), ..Status::default() });
    ready("ready.understudy. 0 TXT not ready: starting");
    assert!(server.is_silent(&query("t. A", None)));
    assert!(server.is_silent(&query("version.bind. TXT CH", None)));
}

/// A fault may name zones, which are no business of others.
#[test]
fn what_is_wrong_is_told_on_this_machine_alone() {
    let server = server();
    let fault = Some("broken zones are answered SERVFAIL: secret.example.".to_owned());
    server.responder.readiness().set(Status { answering: true, fault, ..Status::default() });
    let ready = query("ready.understudy. TXT CH", Some(1232));
    for (address, is_told) in [("127.0.0.1", true), ("::1", true), ("198.51.100.7", false), ("2001:db8::7", false)] {
        for transport in [Transport::Udp, Transport::Tcp] {
            let client = Client { address: address.parse().unwrap(), ..client(transport) };
            let mut octets = Vec::new();
            server.responder.respond(&ready, client, &mut octets).unwrap();
            let text = Answer::read(octets).answer().concat();
            assert!(text.contains("not ready"), "{address}: {text}");
            assert_eq!(text.contains("secret"), is_told, "{address}: {text}");
        }
    }
}

/// RFC 4892.
#[test]
fn version_and_id_are_told_only_if_configured() {
    let server = server();
    for question in ["version.bind. TXT CH", "version.server. TXT CH", "id.server. TXT CH", "hostname.bind. TXT CH"] {
        assert_eq!(server.ask(question).rcode(), Refused);
    }
    server.set(|settings| (settings.version, settings.nsid) = (Some("v".to_owned()), Some(b"ns7".to_vec())));
    server.ask("Version.Bind. TXT CH").is(NoError, true, "Version.Bind. 0 TXT v", "", "");
    server.ask("id.server. TXT CH").is(NoError, true, "id.server. 0 TXT ns7", "", "");
    server.set(|settings| settings.nsid = Some(vec![0xff, 0, 0xfe]));
    let answer = server.ask("id.server. TXT CH");
    // Not the end of the message: an OPT record follows.
    let rdata = [0, 4, 3, 0xff, 0, 0xfe];
    assert!(answer.octets.windows(rdata.len()).any(|octets| octets == rdata), "{:02x?}", answer.octets);
}
