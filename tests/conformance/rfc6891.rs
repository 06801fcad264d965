//! EDNS, and the limits of an answer over UDP.

use hickory_proto::op::ResponseCode::{BADSIG, FormErr, NoError};
use understudy::serve::Transport;

use crate::support::{Answer, Server, client, query};

fn large() -> Server {
    let mut zone = "t. 60 SOA n. h. 1 2 3 4 60\n".to_owned();
    for number in 0..8 {
        zone += &format!("_s._tcp.t. 60 SRV 10 1 5060 host-{number}.t.\nhost-{number}.t. 60 A 192.0.2.{number}\n");
        zone += &format!("host-{number}.t. 60 AAAA 2001:db8::{number}\n");
    }
    for number in 0..30 {
        zone += &format!("big.t. 60 TXT {number:040}\n");
    }
    zone += "cut.t. 60 NS ns.cut.t.\nns.cut.t. 60 A 192.0.2.1\n";
    Server::new(&[&zone])
}

/// RFC 2181 §9, RFC 6891 §7: whole sets, never too long, the OPT record kept.
#[test]
fn an_answer_keeps_every_limit() {
    let server = large();
    for limit in 512..=1300 {
        for (question, needed) in [("_s._tcp.t. SRV", 8), ("big.t. TXT", 30)] {
            let answer = server.ask_octets(&query(question, Some(limit)), Transport::Udp);
            assert!(answer.octets.len() <= usize::from(limit.min(1232)), "{question} {limit}");
            assert_eq!(answer.message.edns.as_ref().map(|edns| edns.max_payload()), Some(1232));
            let count = answer.message.answers.len();
            assert_eq!(answer.is_truncated(), count < needed, "{question} {limit}");
            assert!(count == 0 || count == needed, "{question} {limit}: a set in pieces");
        }
    }
    assert!(!server.ask_octets(&query("big.t. TXT", Some(1300)), Transport::Tcp).is_truncated());
}

#[test]
fn without_opt_the_limit_is_512_and_the_answer_has_none() {
    let server = large();
    let answer = server.ask_octets(&query("big.t. TXT", None), Transport::Udp);
    assert!(answer.is_truncated() && answer.octets.len() <= 512 && answer.message.edns.is_none());
    let small = server.ask_octets(&query("_s._tcp.t. SRV", Some(0)), Transport::Udp);
    assert!(small.octets.len() <= 512 && small.message.answers.len() == 8);
}

#[test]
fn a_higher_version_is_badvers_with_opt() {
    let server = large();
    let mut packet = query("big.t. TXT", Some(1232));
    let version = packet.len() - 5;
    packet[version] = 1;
    let answer = server.ask_octets(&packet, Transport::Udp);
    assert_eq!(
        (answer.rcode(), answer.message.edns.as_ref().unwrap().version()),
        (BADSIG, 0),
        "hickory names code 16 after its use in TSIG"
    );
}

#[test]
fn two_opt_records_are_a_format_error() {
    let server = large();
    let mut packet = query("big.t. TXT", Some(1232));
    let opt = packet[packet.len() - 11..].to_vec();
    packet.extend_from_slice(&opt);
    packet[11] = 2;
    let mut octets = Vec::new();
    assert!(server.responder.respond(&packet, client(Transport::Udp), &mut octets).is_some());
    assert_eq!(Answer::read(octets).rcode(), FormErr);
}

/// RFC 6891 §6.1.1: who can be told of EDNS is told, whatever else is wrong.
#[test]
fn an_answer_to_a_readable_opt_record_has_one_whatever_its_code() {
    let server = large();
    let good = query("big.t. TXT", Some(1232));
    for opcode in [1_u8, 2, 4, 5, 15] {
        let mut packet = good.clone();
        packet[2] = opcode << 3;
        let answer = octets_of(&server, &packet);
        assert_eq!((answer.len(), answer[2], answer[3]), (12 + 11, 0x80 | opcode << 3, 4), "opcode {opcode}");
        assert_eq!(answer[4..15], [0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 41], "opcode {opcode}");
    }
    let without_question = [&[0x12, 0x34, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1], &good[good.len() - 11..]].concat();
    let answer = octets_of(&server, &without_question);
    assert_eq!((answer.len(), answer[3], answer[11]), (12 + 11, 1, 1), "no question, but an OPT record");
}

fn octets_of(server: &Server, packet: &[u8]) -> Vec<u8> {
    let mut octets = Vec::new();
    assert!(server.responder.respond(packet, client(Transport::Udp), &mut octets).is_some());
    octets
}

/// RFC 5001.
#[test]
fn nsid_is_told_to_who_asks_if_configured() {
    let server = large();
    let mut packet = query("t. SOA", Some(1232));
    let length = packet.len() - 1;
    packet[length] = 4;
    packet.extend_from_slice(&[0, 3, 0, 0]);
    let nsid = |server: &Server| {
        let answer = server.ask_octets(&packet, Transport::Udp);
        assert_eq!(answer.rcode(), NoError);
        answer.octets.windows(3).any(|window| window == b"ns7")
    };
    assert!(!nsid(&server));
    server.set(|settings| settings.nsid = Some(b"ns7".to_vec()));
    assert!(nsid(&server));
}

/// RFC 3225 §3.
#[test]
fn the_do_bit_is_copied() {
    let mut packet = query("t. SOA", Some(1232));
    let flags = packet.len() - 4;
    packet[flags] = 0x80;
    let answer = large().ask_octets(&packet, Transport::Udp);
    assert!(answer.message.edns.as_ref().unwrap().flags().dnssec_ok);
}
