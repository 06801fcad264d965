//! Glue: what lies in the delegated domain must come along, or TC tells that it does not.

use hickory_proto::op::ResponseCode::NoError;
use understudy::serve::Transport;

use crate::support::{Server, query};

#[test]
fn glue_of_the_domain_comes_first_then_that_of_siblings() {
    let server = Server::new(&[
        "
        t. 60 SOA n. h. 1 2 3 4 60
        a.t. 60 NS ns.b.t.
        a.t. 60 NS ns.a.t.
        a.t. 60 NS ns.t.
        a.t. 60 NS ns.nowhere.
        a.t. 60 NS ns.other.
        b.t. 60 NS ns.b.t.
        ns.a.t. 60 A 192.0.2.1
        ns.a.t. 60 AAAA 2001:db8::1
        ns.b.t. 60 A 192.0.2.2
        ns.t. 60 A 192.0.2.3",
        "other. 60 SOA n. h. 1 2 3 4 60\nns.other. 60 A 192.0.2.4",
    ]);
    server.set(|settings| settings.minimal_responses = true);
    let referral = server.ask("www.a.t. A");
    assert_eq!((referral.rcode(), referral.is_authoritative(), referral.authority().len()), (NoError, false, 5));
    let mut glue = referral.additional();
    assert_eq!(glue[..2], ["ns.a.t. 60 A 192.0.2.1", "ns.a.t. 60 AAAA 2001:db8::1"]);
    glue[2..].sort();
    assert_eq!(glue[2..], ["ns.b.t. 60 A 192.0.2.2", "ns.other. 60 A 192.0.2.4", "ns.t. 60 A 192.0.2.3"]);
}

#[test]
fn only_missing_glue_of_the_domain_truncates() {
    let zone = |domain: &str| {
        let mut zone = "t. 60 SOA n. h. 1 2 3 4 60\na.t. 60 NS n0.sib.t.\nsib.t. 60 NS n0.sib.t.\n".to_owned();
        for number in 0..13 {
            zone += &format!("a.t. 60 NS n{number}.{domain}\nn{number}.{domain} 60 AAAA 2001:db8::{number}\n");
        }
        Server::new(&[&zone])
    };
    let truncated = |domain| {
        let answer = zone(domain).ask_octets(&query("www.a.t. A", Some(512)), Transport::Udp);
        assert!(answer.octets.len() <= 512 && answer.authority().len() >= 13 && answer.additional().len() < 13);
        answer.is_truncated()
    };
    assert!(truncated("a.t."));
    assert!(!truncated("sib.t."));
}

/// RFC 9471 §3.1: however many servers a cut has, the glue of its own domain is whole, or TC is set.
#[test]
fn the_glue_of_many_servers_is_whole_or_truncates() {
    let mut zone = "t. 60 SOA n. h. 1 2 3 4 60\n".to_owned();
    for number in 0..60 {
        zone += &format!("a.t. 60 NS n{number}.a.t.\nn{number}.a.t. 60 A 192.0.2.{number}\n");
        zone += &format!("n{number}.a.t. 60 AAAA 2001:db8::{number}\n");
    }
    let server = Server::new(&[&zone]);
    let referral = server.ask("www.a.t. A");
    assert_eq!((referral.is_truncated(), referral.authority().len(), referral.additional().len()), (false, 60, 120));
    for payload in [512, 1232, 4096] {
        let referral = server.ask_octets(&query("www.a.t. A", Some(payload)), Transport::Udp);
        assert!(referral.is_truncated() || referral.additional().len() == 120, "{payload}");
    }
}
