//! Answers of a zone signed with NSEC: the zone of appendix A, the queries of appendix B.

use understudy::serve::{Context, QueryView, Transport, answer, render};
use understudy::zone::Rtype;

use crate::signed::{ask_do, signed};
use crate::support::{Server, client, query};

/// The zone of appendix A; the keys and signatures are others.
const ZONE: &str = "$TTL 3600
example. SOA ns1.example. bugs.x.w.example. 1081539377 3600 300 3600000 3600
example. NS ns1.example.
example. NS ns2.example.
example. MX 1 xx.example.
example. DNSKEY 257 3 5 AQOy1bZVvpPqhg4j7EJoM9rI3ZmyEx2OzDBVrZy/lvI5CQePxXHZS4i8dANH4DX3tbHol61ek8EFMcsGXxKciJFHyhl94C+NwILQdzsUlSFovBZsyl/NX6yEbtw/xN9ZNcrbYvgjjZ/UVPZIySFNsgEYvh0z2542lzMKR4Dh8uZffQ==
example. NSEC a.example. NS SOA MX RRSIG NSEC DNSKEY
a.example. NS ns1.a.example.
a.example. NS ns2.a.example.
a.example. DS 57855 5 1 B6DCD485719ADCA18E5F3D48A2331627FDD3636B
a.example. NSEC ai.example. NS DS RRSIG NSEC
ns1.a.example. A 192.0.2.5
ns2.a.example. A 192.0.2.6
ai.example. A 192.0.2.9
ai.example. HINFO \"KLH-10\" \"ITS\"
ai.example. AAAA 2001:db8::f00:baa9
ai.example. NSEC b.example. A HINFO AAAA RRSIG NSEC
b.example. NS ns1.b.example.
b.example. NS ns2.b.example.
b.example. NSEC ns1.example. NS RRSIG NSEC
ns1.b.example. A 192.0.2.7
ns2.b.example. A 192.0.2.8
ns1.example. A 192.0.2.1
ns1.example. NSEC ns2.example. A RRSIG NSEC
ns2.example. A 192.0.2.2
ns2.example. NSEC *.w.example. A RRSIG NSEC
*.w.example. MX 1 ai.example.
*.w.example. NSEC x.w.example. MX RRSIG NSEC
x.w.example. MX 1 xx.example.
x.w.example. NSEC x.y.w.example. MX RRSIG NSEC
x.y.w.example. MX 1 xx.example.
x.y.w.example. NSEC xx.example. MX RRSIG NSEC
xx.example. A 192.0.2.10
xx.example. HINFO \"KLH-10\" \"TOPS-20\"
xx.example. AAAA 2001:db8::f00:baaa
xx.example. NSEC example. A HINFO AAAA RRSIG NSEC
";

/// Response code, AA, and the three sections. The apex's NS set, which the appendix shows beside positive answers, is
/// left out here.
type Row = (&'static str, u16, bool, &'static [&'static str], &'static [&'static str], &'static [&'static str]);

const APPENDIX_B: &[Row] = &[
    (
        "x.w.example. MX",
        0,
        true,
        &["x.w.example. MX signed"],
        &[],
        &["xx.example. A signed", "xx.example. AAAA signed"],
    ),
    ("ml.example. A", 3, true, &[], &["b.example. NSEC signed", "example. NSEC signed", "example. SOA signed"], &[]),
    ("ns1.example. MX", 0, true, &[], &["example. SOA signed", "ns1.example. NSEC signed"], &[]),
    (
        "mc.a.example. MX",
        0,
        false,
        &[],
        &["a.example. DS signed", "a.example. NS"],
        &["ns1.a.example. A", "ns2.a.example. A"],
    ),
    (
        "mc.b.example. MX",
        0,
        false,
        &[],
        &["b.example. NS", "b.example. NSEC signed"],
        &["ns1.b.example. A", "ns2.b.example. A"],
    ),
    (
        "a.z.w.example. MX",
        0,
        true,
        &["a.z.w.example. MX signed"],
        &["x.y.w.example. NSEC signed"],
        &["ai.example. A signed", "ai.example. AAAA signed"],
    ),
    (
        "a.z.w.example. AAAA",
        0,
        true,
        &[],
        &["*.w.example. NSEC signed", "example. SOA signed", "x.y.w.example. NSEC signed"],
        &[],
    ),
    ("example. DS", 0, true, &[], &["example. NSEC signed", "example. SOA signed"], &[]),
];

#[test]
fn answers_as_appendix_b() {
    let server = Server::of(vec![signed(ZONE)]);
    for (question, rcode, authoritative, answer, authority, additional) in APPENDIX_B {
        let (said, sections) = ask_do(&server, question);
        assert_eq!((said.rcode, said.authoritative), (*rcode, *authoritative), "{question}");
        assert_eq!(sections, [*answer, *authority, *additional], "{question}");
    }
}

/// §3.1.3.2: an empty non-terminal has no NSEC; the one before it ends below it.
#[test]
fn an_empty_non_terminal_is_proven_by_the_name_before_it() {
    let server = Server::of(vec![signed(ZONE)]);
    for (question, proof) in [("w.example. A", "ns2.example."), ("y.w.example. A", "x.w.example.")] {
        let (said, [_, authority, _]) = ask_do(&server, question);
        assert_eq!(said.rcode, 0);
        let mut wanted = ["example. SOA signed".to_owned(), format!("{proof} NSEC signed")];
        wanted.sort();
        assert_eq!(authority, wanted, "{question}");
    }
}

/// §3.1.4.1: DS belongs to the parent's side; without one the proof is that of the cut.
#[test]
fn no_ds_at_an_insecure_cut_is_proven() {
    let server = Server::of(vec![signed(ZONE)]);
    let (said, sections) = ask_do(&server, "b.example. DS");
    assert!(said.authoritative && said.rcode == 0);
    assert_eq!(sections[1], ["b.example. NSEC signed", "example. SOA signed"]);
}

/// §3.1: without DO no signature and no proof, but what is asked for.
#[test]
fn without_do_there_are_no_signatures() {
    let server = Server::of(vec![signed(ZONE)]);
    for (question, ..) in APPENDIX_B {
        let said = server.ask(question);
        let sections = [said.answer(), said.authority(), said.additional()];
        let secure = |line: &String| line.contains("RRSIG") || line.contains("NSEC") || line.contains(" DS ");
        assert!(!sections.iter().flatten().any(secure), "{question}: {sections:?}");
    }
    assert_eq!(server.ask("ns1.example. NSEC").message.answers.len(), 1);
    assert_eq!(server.ask("xx.example. RRSIG").message.answers.len(), 4);
    assert_eq!(server.ask("example. DNSKEY").message.answers.len(), 1);
}

/// §3.1.1: a set and its signatures stay together, or TC says that they do not.
#[test]
fn a_set_never_loses_its_signature_to_the_limit() {
    let server = Server::of(vec![signed(ZONE)]);
    let mut packet = query("a.z.w.example. MX", Some(512));
    let flags = packet.len() - 4;
    packet[flags] = 0x80;
    for limit in 100u16..=800 {
        let view = QueryView::parse(&packet).unwrap();
        let responder = &server.responder;
        let (snapshot, status) = (responder.reader().load(), responder.readiness().load());
        let (settings, secrets) = (responder.settings().load(), responder.secrets().load());
        let client = client(Transport::Udp);
        let context = Context { settings: &settings, status: &status, client, secrets: &secrets, rotation: 0 };
        let plan = answer(&snapshot, &view, &context);
        let mut octets = Vec::new();
        let truncated = render(&plan, &view, usize::from(limit), &mut octets);
        let said = crate::message::Said::read(&octets).unwrap();
        let of = |rtype: Rtype| said.answer.iter().filter(|record| record.rtype == rtype).count();
        assert_eq!(of(Rtype::MX), of(Rtype::RRSIG), "{limit}");
        assert_eq!(truncated, of(Rtype::MX) == 0 || said.authority.len() < 2, "{limit}");
        assert_eq!(truncated, said.truncated);
    }
}
