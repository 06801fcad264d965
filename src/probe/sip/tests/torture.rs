//! The answers of RFC 4475, and the tricks of its requests, applied to answers.
//!
//! Each function is named after the RFC's message, and cites its section.

use super::{FIELDS, answer_with, request, understood};
use crate::probe::sip::head::{Body, Fault, Head, Start};
use crate::probe::sip::incoming::Incoming;

/// A head must be readable as the RFC says, though it answers somebody else.
fn read(octets: &[u8]) -> Head<'_> {
    let head = Head::read(octets).unwrap();
    assert_eq!(request().answer(&head), None, "nobody else's answer is ours");
    head
}

#[test]
fn unreason_any_text_is_a_reason() {
    // RFC 4475 §3.1.1.12
    let text = "SIP/2.0 200 = 2**3 * 5**2 \u{43d}\u{43e} \u{441}\u{442}\u{43e} \u{434}\u{435}\u{432}\u{44f}\u{43d}\u{43e}\u{441}\u{442}\u{43e} \u{434}\u{435}\u{432}\u{44f}\u{442}\u{44c} - \u{43f}\u{440}\u{43e}\u{441}\u{442}\u{43e}\u{435}\r\n\
        Via: SIP/2.0/UDP 192.0.2.198;branch=z9hG4bK1324923\r\n\
        Call-ID: unreason.1234ksdfak3j2erwedfsASdf\r\n\
        CSeq: 35 INVITE\r\n\
        From: sip:user@example.com;tag=11141343\r\n\
        To: sip:user@example.edu;tag=2229\r\n\
        Content-Length: 154\r\n\
        Content-Type: application/sdp\r\n\r\n";
    let head = read(text.as_bytes());
    let Start::Answer { status: 200, reason } = head.start else { panic!("{head:?}") };
    assert!(std::str::from_utf8(reason).unwrap().starts_with("= 2**3 * 5**2 \u{43d}\u{43e}"));
    assert_eq!(head.call_id, Some(b"unreason.1234ksdfak3j2erwedfsASdf".as_slice()));
    assert_eq!(head.cseq, Some((b"INVITE".as_slice(), b"35".as_slice())));
    assert_eq!((head.branch, head.vias, head.body), (Some(b"z9hG4bK1324923".as_slice()), 1, Body::Octets(154)));
    let ours =
        understood(&answer_with("SIP/2.0 200 \u{43f}\u{440}\u{43e}\u{441}\u{442}\u{43e}\u{435}", FIELDS)).unwrap();
    assert_eq!(ours.line(), "200 \u{43f}\u{440}\u{43e}\u{441}\u{442}\u{43e}\u{435}");
}

#[test]
fn noreason_a_reason_may_be_empty() {
    // RFC 4475 §3.1.1.13
    let text = b"SIP/2.0 100 \r\n\
        Via: SIP/2.0/UDP 192.0.2.105;branch=z9hG4bK2398ndaoe\r\n\
        Call-ID: noreason.asndj203insdf99223ndf\r\n\
        CSeq: 35 INVITE\r\n\
        From: <sip:user@example.com>;tag=39ansfi3\r\n\
        To: <sip:user@example.edu>;tag=902jndnke3\r\n\
        Content-Length: 0\r\n\
        Contact: <sip:user@host105.example.com>\r\n\r\n";
    assert_eq!(read(text).start, Start::Answer { status: 100, reason: b"" });
    for start in ["SIP/2.0 200 ", "SIP/2.0 200", "sip/2.0 200  "] {
        assert_eq!(understood(&answer_with(start, FIELDS)).unwrap().line(), "200", "{start}");
    }
}

#[test]
fn scalarlg_too_large_numbers_are_nobodys_and_cut() {
    // RFC 4475 §3.1.2.5
    let text = b"SIP/2.0 503 Service Unavailable\r\n\
        Via: SIP/2.0/TCP host129.example.com;branch=z9hG4bKzzxdiwo34sw;received=192.0.2.129\r\n\
        To: <sip:user@example.com>\r\n\
        From: <sip:other@example.net>;tag=2easdjfejw\r\n\
        CSeq: 9292394834772304023312 OPTIONS\r\n\
        Call-ID: scalarlg.noase0of0234hn2qofoaf0232aewf2394r\r\n\
        Retry-After: 949302838503028349304023988\r\n\
        Warning: 1812 overture \"In Progress\"\r\n\
        Content-Length: 0\r\n\r\n";
    let head = read(text);
    assert_eq!(head.retry_after_secs, Some(u32::MAX));
    assert_eq!(head.cseq, Some((b"OPTIONS".as_slice(), b"9292394834772304023312".as_slice())));
    let long = FIELDS.replace("CSeq: 1", "CSeq: 4294967297");
    assert_eq!(understood(&answer_with("SIP/2.0 200 OK", &long)), None, "not 1 by wrapping around");
}

#[test]
fn bigcode_a_status_has_three_digits() {
    // RFC 4475 §3.1.2.19
    let text = b"SIP/2.0 4294967301 better not break the receiver\r\n\
        Via: SIP/2.0/UDP 192.0.2.105;branch=z9hG4bK2398ndaoe\r\n\
        Call-ID: bigcode.asdof3uj203asdnf3429uasdhfas3ehjasdfas9i\r\n\
        CSeq: 353494 INVITE\r\n\
        From: <sip:user@example.com>;tag=39ansfi3\r\n\
        To: <sip:user@example.edu>;tag=902jndnke3\r\n\
        Content-Length: 0\r\n\
        Contact: <sip:user@host105.example.com>\r\n\r\n";
    assert_eq!(Head::read(text), Err(Fault::Status));
    for start in ["SIP/2.0 65736 OK", "SIP/2.0 099 OK", "SIP/2.0 700 OK", "SIP/2.0 -20 OK", "SIP/2.0 +20 OK", "SIP/2.0"]
    {
        assert_eq!(Head::read(&answer_with(start, FIELDS)), Err(Fault::Status), "{start}");
    }
}

#[test]
fn bcast_an_answer_with_two_vias_went_astray() {
    // RFC 4475 §3.3.10
    let text = b"SIP/2.0 200 OK\r\n\
        Via: SIP/2.0/UDP 192.0.2.198;branch=z9hG4bK1324923\r\n\
        Via: SIP/2.0/UDP 255.255.255.255;branch=z9hG4bK1saber23\r\n\
        Call-ID: bcast.0384840201234ksdfak3j2erwedfsASdf\r\n\
        CSeq: 35 INVITE\r\n\
        From: sip:user@example.com;tag=11141343\r\n\
        To: sip:user@example.edu;tag=2229\r\n\
        Content-Length: 154\r\n\
        Content-Type: application/sdp\r\n\
        Contact: <sip:user@host28.example.com>\r\n\r\n";
    assert_eq!(read(text).vias, 2);
    for two in ["\r\nVia: SIP/2.0/UDP 255.255.255.255;branch=z9hG4bK1saber23", "\r\nv: SIP/2.0/UDP h"] {
        assert_eq!(understood(&answer_with("SIP/2.0 200 OK", &format!("{FIELDS}{two}"))), None, "{two}");
    }
    let listed = FIELDS.replace(";rport=40123", ";rport=40123, SIP/2.0/UDP 255.255.255.255;branch=z9hG4bK1saber23");
    assert_eq!(understood(&answer_with("SIP/2.0 200 OK", &listed)), None);
}

#[test]
fn wsinv_blanks_folds_compact_names_and_any_case_change_nothing() {
    // RFC 4475 §3.1.1.1
    let text = b"SIP/2.0 200 OK\r\n\
        TO :\r\n sip:example.com ;   tag    = 1918181833n\r\n\
        from   : \"J Rosenberg \\\\\\\"\"       <sip:probe@192.0.2.9>\r\n  ;\r\n  tag = 98asjd8\r\n\
        i \t: \r\n\t abababababababab\r\n\
        cseq: 1\r\n  OPTIONS\r\n\
        v:  SIP  / 2.0  / UDP     192.0.2.9:40123   ; ext=\"a,b;branch=x\\\",\" ;\r\n  BRANCH  =   z9HG4BKABABabababababab  \r\n\
        Subject : \r\n\
        NewFangledHeader:   newfangled value\r\n continued newfangled value\r\n\
        UnknownHeaderWithUnusualValue: ;;,,;;,;\r\n\
        l: 0\r\n\r\n";
    let ours = understood(text).unwrap();
    assert_eq!(ours.line(), "200 OK");
}

#[test]
fn dblreq_what_follows_a_message_is_not_its_own() {
    // RFC 4475 §3.1.1.8: in a datagram it is left alone. On a stream it is the next message.
    let mut octets = answer_with("SIP/2.0 200 OK", FIELDS);
    octets.extend_from_slice(b"INVITE sip:joe@example.com SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.15\r\n\r\n");
    assert_eq!(understood(&octets).unwrap().line(), "200 OK");
    let mut incoming = Incoming::new();
    incoming.room().0.extend_from_slice(&octets);
    assert!(incoming.next_head().unwrap().is_some_and(|head| matches!(head.start, Start::Answer { .. })));
    assert_eq!(incoming.next_head().unwrap().unwrap().start, Start::Request);
    assert_eq!(incoming.next_head(), Ok(None));
}

#[test]
fn clerr_ncl_and_mcl01_a_length_that_lies_spoils_what_follows_only() {
    // RFC 4475 §3.1.2.2, §3.1.2.3, §3.3.9
    for (length, body) in [
        ("9999", Body::Octets(9999)),
        ("-999", Body::Unclear),
        ("13\r\nContent-Length: 12", Body::Unclear),
        ("13\r\nl: 13", Body::Octets(13)),
        ("99999999999999999999999", Body::Unclear),
        ("", Body::Unclear),
    ] {
        let fields = FIELDS.replace("Content-Length: 0", &format!("Content-Length: {length}"));
        let octets = answer_with("SIP/2.0 200 OK", &fields);
        assert_eq!(Head::read(&octets).unwrap().body, body, "{length}");
        assert_eq!(understood(&octets).unwrap().line(), "200 OK");
        let mut incoming = Incoming::new();
        incoming.room().0.extend_from_slice(&octets);
        assert!(incoming.next_head().unwrap().is_some());
        let wanted = if body == Body::Unclear { Err(Fault::Length) } else { Ok(None) };
        assert_eq!(incoming.next_head(), wanted, "{length}");
    }
}

#[test]
fn badinv01_stray_separators_do_not_hide_the_branch() {
    // RFC 4475 §3.1.2.1
    let fields = FIELDS.replace(";branch=", ";;,;,, ;branch=");
    assert_eq!(understood(&answer_with("SIP/2.0 200 OK", &fields)), None, "several Vias, the first without a branch");
    let fields = FIELDS.replace(";branch=", ";; ;branch=");
    assert!(understood(&answer_with("SIP/2.0 200 OK", &fields)).is_some());
}

#[test]
fn badbranch_and_inv2543_answers_without_our_branch_are_not_ours() {
    // RFC 4475 §3.2.1, §3.4
    for other in ["branch=z9hG4bK", "branch=", "branch", "x=y", "received=192.0.2.9;branch=z9hG4bKababababababaaaa"] {
        let fields = FIELDS.replace("branch=z9hG4bKabababababababab", other);
        assert_eq!(understood(&answer_with("SIP/2.0 200 OK", &fields)), None, "{other}");
    }
}

#[test]
fn badvers_another_version_is_told() {
    // RFC 4475 §3.1.2.16
    for start in ["SIP/7.0 200 OK", "SIP/2.00 200 OK", "SIP/ 200 OK"] {
        assert_eq!(Head::read(&answer_with(start, FIELDS)), Err(Fault::Version), "{start}");
    }
    assert_eq!(Head::read(&answer_with("OPTIONS sip:t@example.com SIP/7.0", FIELDS)), Err(Fault::Other));
}

#[test]
fn mismatch02_the_method_of_cseq_counts() {
    // RFC 4475 §3.1.2.18
    for other in ["1 INVITE", "1 options", "OPTIONS", "1", "", "01 OPTIONS", "2 OPTIONS", "1OPTIONS"] {
        let fields = FIELDS.replace("1 OPTIONS", other);
        assert_eq!(understood(&answer_with("SIP/2.0 200 OK", &fields)), None, "{other}");
    }
}

#[test]
fn insuf_an_answer_without_its_fields_is_nobodys() {
    // RFC 4475 §3.3.1
    for field in ["Via:", "Call-ID:", "CSeq:"] {
        let fields: Vec<_> = FIELDS.split("\r\n").filter(|line| !line.starts_with(field)).collect();
        assert_eq!(understood(&answer_with("SIP/2.0 200 OK", &fields.join("\r\n"))), None, "{field}");
    }
}

#[test]
fn longreq_long_values_are_read_up_to_the_limit() {
    // RFC 4475 §3.1.1.7
    let long =
        format!("{FIELDS}\r\nUnknown-{}: {}\r\nTo: {}", "Long".repeat(60), "value ".repeat(300), "t".repeat(2_000));
    let octets = answer_with("SIP/2.0 200 OK", &long);
    assert!(octets.len() > 4_000);
    assert!(understood(&octets).is_some());
    let mut incoming = Incoming::new();
    incoming.room().0.extend_from_slice(&octets);
    assert!(incoming.next_head().unwrap().is_some());
}
