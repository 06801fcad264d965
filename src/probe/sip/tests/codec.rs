//! The request's octets; streams split at any place; no input causes a panic or unbounded memory.

use std::net::SocketAddr;

use proptest::prelude::*;

use super::{FIELDS, Parts, RANDOM, Request, answer_with, request, understood};
use crate::probe::sip::head::HEAD_MAX;
use crate::probe::sip::head::{Fault, Head, Start};
use crate::probe::sip::incoming::Incoming;

/// Reads all heads of a stream that comes in pieces of these lengths; checks the limit as it goes.
fn heads(octets: &[u8], pieces: &[usize]) -> Result<Vec<String>, Fault> {
    let (mut incoming, mut heads) = (Incoming::new(), Vec::new());
    let (mut rest, mut pieces) = (octets, pieces.iter().copied().cycle());
    while !rest.is_empty() {
        let (buffer, room) = incoming.room();
        assert!(room > 0, "there is room for more, or a fault");
        let (piece, later) = rest.split_at(pieces.next().unwrap_or(room).clamp(1, room).min(rest.len()));
        buffer.extend_from_slice(piece);
        assert!(buffer.len() <= HEAD_MAX);
        rest = later;
        while let Some(head) = incoming.next_head()? {
            heads.push(format!("{:?} {:?}", head.start, head.call_id));
        }
    }
    Ok(heads)
}

#[test]
fn the_request_is_the_one_that_real_servers_answered() {
    let text = String::from_utf8(request().octets().to_vec()).unwrap();
    let version = env!("CARGO_PKG_VERSION");
    assert_eq!(
        text,
        format!(
            "OPTIONS sip:example.com SIP/2.0\r\n\
             Via: SIP/2.0/UDP 192.0.2.9:40123;branch=z9hG4bKabababababababab;rport\r\n\
             Max-Forwards: 70\r\n\
             From: <sip:probe@192.0.2.9>;tag=abababab\r\n\
             To: <sip:example.com>\r\n\
             Call-ID: abababababababab\r\n\
             CSeq: 1 OPTIONS\r\n\
             Contact: <sip:probe@192.0.2.9:40123;transport=udp>\r\n\
             User-Agent: understudy/{version}\r\n\
             Accept: application/sdp\r\n\
             Content-Length: 0\r\n\r\n"
        )
    );
    assert_eq!(Head::read(text.as_bytes()).unwrap().start, Start::Request);
}

#[test]
fn hosts_of_uris_are_names_and_addresses_and_nothing_else() {
    let written = |domain: &str, local: &str| {
        let local: SocketAddr = local.parse().unwrap();
        let parts = Parts { domain, transport: "TLS", local, max_forwards: 0, random: [1; RANDOM] };
        Request::new(&parts).map(|request| String::from_utf8(request.octets().to_vec()).unwrap())
    };
    let text = written("2001:DB8::1", "[::1]:5").unwrap();
    for line in [
        "OPTIONS sip:[2001:db8::1] SIP/2.0\r\n",
        "Via: SIP/2.0/TLS [::1]:5;branch=",
        "Max-Forwards: 0\r\n",
        "From: <sip:probe@[::1]>;tag=",
        "To: <sip:[2001:db8::1]>\r\n",
        "Contact: <sip:probe@[::1]:5;transport=tls>\r\n",
    ] {
        assert!(text.contains(line), "{line}\n{text}");
    }
    for domain in ["", "a b", "a\r\nVia: x", "a;b", "a@b", "<a>", "\u{e4}.example", &"a".repeat(254)] {
        assert_eq!(written(domain, "127.0.0.1:1"), None, "{domain}");
    }
}

#[test]
fn only_the_final_answer_to_our_request_is_taken() {
    let octets = |start: &str| answer_with(start, FIELDS);
    for start in ["SIP/2.0 100 Trying", "SIP/2.0 199 Early", "OPTIONS sip:example.com SIP/2.0"] {
        assert_eq!(understood(&octets(start)), None, "{start}");
    }
    assert_eq!(understood(&octets("SIP/2.0 200 OK")).unwrap().status, 200);
    let bare = String::from_utf8(octets("SIP/2.0 699 No")).unwrap().replace("\r\n", "\n");
    assert_eq!(understood(bare.as_bytes()).unwrap().line(), "699 No");
}

#[test]
fn retry_after_is_read_without_comment_and_parameters() {
    let read = |value: &str| {
        let answer =
            understood(&answer_with("SIP/2.0 503 Full", &format!("{FIELDS}\r\nRetry-After: {value}"))).unwrap();
        answer.retry_after.map(|after| after.as_secs())
    };
    // RFC 3261 §20.33
    assert_eq!(read("18000;duration=3600"), Some(18_000));
    assert_eq!(read("120 (I'm in a meeting)"), Some(120));
    assert_eq!((read("0"), read("soon"), read(""), read("-5")), (Some(0), None, None, None));
}

#[test]
fn a_reason_cannot_steer_a_terminal_nor_grow() {
    let answer = understood(&answer_with(&format!("SIP/2.0 200 {}", "x".repeat(5_000)), FIELDS)).unwrap();
    assert_eq!(answer.reason.len(), 64);
    // Control characters are no SIP at all; those beyond ASCII are escaped.
    assert_eq!(understood(&answer_with("SIP/2.0 200 a\u{1b}[2Jb", FIELDS)), None);
    assert_eq!(understood(&answer_with("SIP/2.0 200 a\u{85}b", FIELDS)).unwrap().reason, "a\\u{85}b");
}

#[test]
fn keepalives_and_bodies_between_messages_are_passed_over() {
    let mut octets = b"\r\n\r\n\r\n".to_vec();
    octets.extend(answer_with("SIP/2.0 100 Trying", &FIELDS.replace("Length: 0", "Length: 20000")));
    octets.extend(std::iter::repeat_n(b'\n', 20_000));
    octets.extend_from_slice(b"\r\n");
    octets.extend(answer_with("SIP/2.0 200 OK", FIELDS));
    for pieces in [&[usize::MAX][..], &[1], &[7, 1, 300]] {
        let found = heads(&octets, pieces).unwrap();
        assert_eq!(found.len(), 2, "{found:?}");
        assert!(found[1].starts_with("Answer { status: 200"), "{found:?}");
    }
}

#[test]
fn other_protocols_are_told_by_their_first_word() {
    for begin in [
        "HTTP/1.1 400 Bad",
        "SSH-2.0-OpenSSH_9.2\r\n\r\n",
        "220 mail.example ESMTP\r\n\r\n",
        "<?xml version='1.0'?>",
        "<stream",
        "RTSP/",
        "* OK IMAP4rev1 ready\r\n\r\n",
        "\u{15}\u{3}\u{3}",
        " SIP/2.0 200 OK",
        "a-word-that-is-longer-than-any-method",
    ] {
        assert_eq!(heads(begin.as_bytes(), &[usize::MAX]), Err(Fault::Other), "{begin}");
    }
    for begin in ["S", "SIP/", "SIP/2.0", "SIP/2.0 2", "sip/2.0 200 OK\r", "OPTIONS", "NOTIFY sip:a"] {
        assert_eq!(heads(begin.as_bytes(), &[usize::MAX]), Ok(Vec::new()), "{begin}");
    }
}

#[test]
fn a_head_that_does_not_end_is_given_up() {
    let mut octets = b"SIP/2.0 200 OK\r\n".to_vec();
    octets.extend(b"X-Long: value\r\n".repeat(2_000));
    assert_eq!(heads(&octets, &[1_000]), Err(Fault::Long));
}

proptest! {
    #[test]
    fn any_octets_are_no_answer_and_their_pieces_do_not_matter(octets in prop::collection::vec(any::<u8>(), 0..4_000), pieces in prop::collection::vec(1..400_usize, 1..4)) {
        prop_assert_eq!(understood(&octets), None);
        prop_assert_eq!(heads(&octets, &pieces), heads(&octets, &[usize::MAX]));
    }

    #[test]
    fn broken_answers_are_the_same_however_they_come(places in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8), cut in any::<prop::sample::Index>(), pieces in prop::collection::vec(1..400_usize, 1..4)) {
        let mut octets = answer_with("SIP/2.0 503 Full", &format!("{FIELDS}\r\nRetry-After: 5"));
        for (place, value) in places {
            let index = place.index(octets.len());
            octets[index] = value;
        }
        octets.truncate(cut.index(octets.len() + 1));
        prop_assert_eq!(heads(&octets, &pieces), heads(&octets, &[usize::MAX]));
        if let Some(answer) = understood(&octets) {
            prop_assert!(answer.line().len() <= octets.len());
            let start = Head::read(&octets).map(|head| head.start);
            prop_assert!(matches!(start, Ok(Start::Answer { .. })), "{:?}", start);
        }
    }

    #[test]
    fn pieces_do_not_matter(pieces in prop::collection::vec(1..400_usize, 1..6), bodies in prop::collection::vec(0..3_000_usize, 1..5)) {
        let mut octets = Vec::new();
        for (index, body) in bodies.iter().enumerate() {
            let fields = FIELDS.replace("Length: 0", &format!("Length: {body}")).replace("Call-ID: ", &format!("Call-ID: {index}"));
            octets.extend(answer_with("SIP/2.0 200 OK", &fields));
            octets.extend(vec![b'\n'; *body]);
        }
        let whole = heads(&octets, &[usize::MAX]).unwrap();
        prop_assert_eq!(whole.len(), bodies.len());
        prop_assert_eq!(heads(&octets, &pieces).unwrap(), whole);
    }

    #[test]
    fn fields_in_any_order_and_shape_are_the_same(order in Just(FIELDS.split("\r\n").collect::<Vec<_>>()).prop_shuffle(), compact: bool, folded: bool) {
        let mut fields = order.join("\r\n");
        if compact {
            fields = fields.replace("Via:", "v :").replace("Call-ID:", "I:").replace("Content-Length:", "l:");
        }
        if folded {
            fields = fields.replace(": ", ":\r\n\t ").replace(";branch=", " ;\r\n branch\t= ");
        }
        let answer = understood(&answer_with("SIP/2.0 200 OK", &fields));
        prop_assert_eq!(answer.map(|answer| answer.line()), Some("200 OK".to_owned()));
    }
}
