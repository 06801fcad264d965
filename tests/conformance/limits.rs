//! Limits against abuse: rates, amplification, who may ask.

use hickory_proto::op::ResponseCode::{NoError, Refused};
use understudy::serve::{AccessList, Client, Rates, Transport, TransportAcl};

use crate::support::{Answer, Server, client, name, query, query_with};

const ZONE: &str = "t. 60 SOA n. h. 1 2 3 4 60\nwww.t. 60 A 192.0.2.1\n*.w.t. 60 TXT wild\nsrv.t. 60 SRV 1 1 1 h.u.\n\
                    alias.t. 60 CNAME h.u.";
const OTHER: &str = "u. 60 SOA n. h. 1 2 3 4 60\nh.u. 60 A 192.0.2.2";

fn list(networks: &[&str]) -> AccessList {
    AccessList::only(networks.iter().map(|network| network.parse().unwrap()).collect())
}

/// Somebody who asks by UDP from elsewhere.
fn stranger() -> Client {
    Client { address: [198, 51, 100, 7].into(), ..client(Transport::Udp) }
}

#[test]
fn errors_have_a_rate_too_and_by_default_it_is_200() {
    let server = Server::new(&[ZONE]);
    let broken = &query("www.t. A", None)[..16];
    for packet in [broken, &query("elsewhere. A", Some(1232)), &query("no.t. A", None)] {
        let answers = (0..1_000).filter_map(|_| {
            let mut octets = Vec::new();
            server.responder.respond(packet, stranger(), &mut octets).map(|sent| sent.truncated)
        });
        let answers: Vec<bool> = answers.collect();
        let slipped = answers.len() - 200;
        assert_eq!((answers.len(), slipped), (600, 400), "every second one beyond the rate");
    }
    let mut octets = Vec::new();
    assert!(server.responder.respond(broken, client(Transport::Udp), &mut octets).is_some(), "not of this machine");
    assert!(server.metrics().contains("rate_limited_total{action=\"dropped\"} 1200"), "{}", server.metrics());
}

#[test]
fn beyond_the_rate_who_asks_by_udp_is_sent_to_tcp() {
    let server = Server::new(&[ZONE]);
    server.set(|settings| settings.rates = Rates { rate: 10, slip: 2, ..Rates::default() });
    let ask = |question: &str| {
        let mut octets = Vec::new();
        let sent = server.responder.respond(&query(question, Some(1232)), stranger(), &mut octets);
        sent.map(|_| Answer::read(octets))
    };
    // Names below a wildcard are one answer.
    let answers: Vec<Option<Answer>> = (0..40).map(|number| ask(&format!("a{number}.w.t. TXT"))).collect();
    let whole = answers.iter().flatten().filter(|answer| !answer.is_truncated() && answer.answer().len() == 1).count();
    let slipped = answers.iter().flatten().filter(|answer| answer.is_truncated() && answer.answer().is_empty());
    assert_eq!((whole, slipped.count(), answers.iter().filter(|answer| answer.is_none()).count()), (10, 15, 15));
    assert_eq!(ask("www.t. A").unwrap().answer().len(), 1, "another answer has its own rate");
    assert_eq!(server.ask_octets(&query("a.w.t. TXT", None), Transport::Tcp).answer().len(), 1);
}

#[test]
fn without_amplification_no_unproven_query_gets_more_than_it_sent() {
    let server = Server::new(&[ZONE]);
    server.set(|settings| settings.nsid = Some(b"n".repeat(200)));
    let cookie = server.ask_octets(&query_with("www.t. A", &[(10, b"12345678")]), Transport::Udp).option(10).unwrap();
    server.set(|settings| settings.amplification = false);
    for question in ["www.t. A", "t. SOA", "no.t. A", "a.w.t. TXT", "other. A"] {
        for packet in [
            query(question, None),
            query(question, Some(1232)),
            query_with(question, &[(3, b"")]),
            query_with(question, &[(10, b"12345678"), (3, b"")]),
            query_with(question, &[(12, &[0; 300])]),
        ] {
            let answer = server.ask_octets(&packet, Transport::Udp);
            // RFC 7873 §5.2.3: a first cookie is given, which is 16 octets longer than the client's.
            let most = packet.len() + if answer.option(10).is_some() { 16 } else { 0 };
            assert!(answer.octets.len() <= most, "{question}: {} for {}", answer.octets.len(), packet.len());
            let complete = server.ask_octets(&packet, Transport::Tcp);
            assert_eq!(
                answer.is_truncated(),
                answer.answer() != complete.answer() || answer.authority() != complete.authority()
            );
        }
    }
    let padded = server.ask_octets(&query_with("www.t. A", &[(12, &[0; 300])]), Transport::Udp);
    assert_eq!(padded.answer().len(), 1, "a long query may have a long answer");
    let proven = server.ask_octets(&query_with("www.t. A", &[(10, &cookie)]), Transport::Udp);
    assert_eq!(proven.answer().len(), 1, "and so may who holds a cookie");
}

#[test]
fn a_zone_that_is_not_for_a_client_does_not_exist_for_it() {
    let server = Server::new(&[ZONE, OTHER]);
    let ask = |question: &str| server.ask(question);
    assert_eq!((ask("srv.t. SRV").additional().len(), ask("alias.t. A").answer().len()), (1, 2));
    server.set(|settings| {
        settings.zones.insert(name("U."), list(&["192.0.2.0/24"]));
    });
    assert_eq!(ask("h.u. A").rcode(), Refused);
    assert_eq!((ask("srv.t. SRV").rcode(), ask("srv.t. SRV").additional().len()), (NoError, 0));
    assert_eq!(ask("alias.t. A").answer(), ["alias.t. 60 CNAME h.u."]);
    server.set(|settings| {
        settings.zones.insert(name("u."), list(&["127.0.0.0/8"]));
    });
    assert_eq!(ask("h.u. A").answer(), ["h.u. 60 A 192.0.2.2"]);
}

#[test]
fn a_transport_that_is_not_for_a_client_refuses() {
    let server = Server::new(&[ZONE]);
    server
        .set(|settings| settings.transport_acl = TransportAcl::default().with(Transport::Udp, list(&["192.0.2.0/24"])));
    assert_eq!(server.ask_octets(&query("www.t. A", None), Transport::Udp).rcode(), Refused);
    assert_eq!(server.ask_octets(&query("www.t. A", None), Transport::Tcp).rcode(), NoError);
}
