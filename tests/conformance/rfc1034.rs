//! The algorithm of §4.3.2: zones, cuts, aliases.

use std::sync::Arc;

use hickory_proto::op::ResponseCode::{NXDomain, NoError, Refused, ServFail};
use understudy::snapshot::{Pick, SlotValue, WeightedSet};
use understudy::zone::Rtype;

use crate::support::{Server, name};

const PARENT: &str = "
    t. 60 SOA n.t. h. 1 2 3 4 60
    t. 60 NS n.t.
    n.t. 60 A 192.0.2.53
    www.t. 60 A 192.0.2.1
    www.t. 60 TXT x
    a.ent.t. 60 A 192.0.2.2
    alias.t. 60 CNAME WWW.t.
    far.t. 60 CNAME www.other.
    away.t. 60 CNAME www.nowhere.
    dangling.t. 60 CNAME nothing.t.
    loop1.t. 60 CNAME loop2.t.
    loop2.t. 60 CNAME loop1.t.
    down.t. 60 CNAME x.sub.t.
    sub.t. 60 NS ns.sub.t.
    sub.t. 60 DS 000108010101010101010101010101010101010101010101
    ns.sub.t. 60 A 192.0.2.54
    child.t. 60 NS n.t.
    child.t. 60 DS 000108010202020202020202020202020202020202020202";
const CHILD: &str = "
    child.t. 60 SOA n.t. h. 7 2 3 4 60
    child.t. 60 NS n.t.
    www.child.t. 60 A 192.0.2.77";
const OTHER: &str = "
    other. 60 SOA n. h. 1 2 3 4 60
    www.other. 60 A 192.0.2.80";
const SOA: &str = "t. 60 SOA n.t. h. 1 2 3 4 60";
const REFERRAL: &str = "sub.t. 60 NS ns.sub.t.";
const GLUE: &str = "ns.sub.t. 60 A 192.0.2.54";

fn server() -> Server {
    Server::new(&[PARENT, CHILD, OTHER, "broken."])
}

#[test]
fn names_that_exist() {
    let server = server();
    server.ask("www.t. A").is(NoError, true, "www.t. 60 A 192.0.2.1", "", "");
    server.ask("www.t. AAAA").is(NoError, true, "", SOA, "");
    server.ask("ent.t. A").is(NoError, true, "", SOA, "");
    server.ask("nothing.t. A").is(NXDomain, true, "", SOA, "");
    server.ask("x.www.t. A").is(NXDomain, true, "", SOA, "");
    server.ask("t. NS").is(NoError, true, "t. 60 NS n.t.", "", "n.t. 60 A 192.0.2.53");
}

#[test]
fn names_in_no_zone_are_refused_and_those_of_a_broken_zone_fail() {
    let server = server();
    server.ask("nowhere. A").is(Refused, false, "", "", "");
    server.ask(". NS").is(Refused, false, "", "", "");
    server.ask("www.broken. A").is(ServFail, false, "", "", "");
}

#[test]
fn below_and_at_a_cut_is_a_referral_without_authority() {
    let server = server();
    for question in ["www.sub.t. A", "sub.t. NS", "sub.t. SOA", "sub.t. A", "ns.sub.t. A"] {
        server.ask(question).is(NoError, false, "", REFERRAL, GLUE);
    }
}

#[test]
fn ds_at_a_cut_is_answered_by_the_parent() {
    let server = server();
    let answer = server.ask("sub.t. DS");
    assert!(answer.is_authoritative() && answer.answer().len() == 1 && answer.authority().is_empty());
    assert_eq!(server.ask("child.t. DS").answer().len(), 1, "though the child is here too");
    server.ask("www.sub.t. DS").is(NoError, false, "", REFERRAL, GLUE);
    server.ask("t. DS").is(NoError, true, "", SOA, "");
}

#[test]
fn the_deepest_zone_answers() {
    let server = server();
    server.ask("www.child.t. A").is(NoError, true, "www.child.t. 60 A 192.0.2.77", "", "");
    server.ask("x.child.t. A").is(NXDomain, true, "", "child.t. 60 SOA n.t. h. 7 2 3 4 60", "");
    server.ask("child.t. SOA").is(NoError, true, "child.t. 60 SOA n.t. h. 7 2 3 4 60", "", "");
}

#[test]
fn aliases_are_followed_within_and_between_zones() {
    let server = server();
    server.ask("alias.t. A").is(NoError, true, "alias.t. 60 CNAME WWW.t.\nWWW.t. 60 A 192.0.2.1", "", "");
    server.ask("alias.t. MX").is(NoError, true, "alias.t. 60 CNAME WWW.t.", SOA, "");
    server.ask("far.t. A").is(NoError, true, "far.t. 60 CNAME www.other.\nwww.other. 60 A 192.0.2.80", "", "");
    server.ask("away.t. A").is(NoError, true, "away.t. 60 CNAME www.nowhere.", "", "");
    server.ask("down.t. A").is(NoError, true, "down.t. 60 CNAME x.sub.t.", REFERRAL, GLUE);
    server.ask("alias.t. CNAME").is(NoError, true, "alias.t. 60 CNAME WWW.t.", "", "");
}

#[test]
fn a_loop_of_aliases_ends() {
    let loops = "loop1.t. 60 CNAME loop2.t.\nloop2.t. 60 CNAME loop1.t.";
    server().ask("loop1.t. A").is(NoError, true, loops, "", "");
}

/// RFC 1034 §3.6.2 wants a limit; the client asks on from the last alias.
#[test]
fn a_long_chain_of_aliases_is_answered_in_part() {
    for (rtype, records) in [("CNAME", 12), ("DNAME", 24)] {
        let mut zone = "t. 60 SOA n. h. 1 2 3 4 60\n".to_owned();
        for number in 0..20 {
            zone += &format!("c{number}.t. 60 {rtype} c{}.t.\n", number + 1);
        }
        let answer = Server::new(&[&zone]).ask(if rtype == "CNAME" { "c0.t. A" } else { "x.c0.t. A" });
        assert_eq!((answer.rcode(), answer.answer().len()), (NoError, records), "{rtype}");
    }
}

/// RFC 6604 §3.
#[test]
fn the_response_code_tells_of_the_last_alias() {
    server().ask("dangling.t. A").is(NXDomain, true, "dangling.t. 60 CNAME nothing.t.", SOA, "");
}

/// RFC 8482 §4.1.
#[test]
fn any_gets_one_set() {
    let answer = server().ask("www.t. ANY").answer();
    assert_eq!(answer, ["www.t. 60 A 192.0.2.1"]);
}

#[test]
fn the_root_zone_answers_for_every_name() {
    let server = Server::new(&["
        . 60 SOA n. h. 1 2 3 4 60
        . 60 NS n.
        n. 60 A 192.0.2.53
        com. 60 NS n.com.
        n.com. 60 A 192.0.2.54"]);
    server.ask(". NS").is(NoError, true, ". 60 NS n.", "", "n. 60 A 192.0.2.53");
    server.ask("nothing. A").is(NXDomain, true, "", ". 60 SOA n. h. 1 2 3 4 60", "");
    server.ask("www.com. A").is(NoError, false, "", "com. 60 NS n.com.", "n.com. 60 A 192.0.2.54");
}

/// RFC 2181 §10.1: a name has one CNAME record, also where each answer chooses among several by weight.
#[test]
fn an_alias_that_is_drawn_by_weight_is_one_record_and_leads_on() {
    let mut server = Server::with_slots(&[PARENT, OTHER], &[(0, "alias.t.", Rtype::CNAME)]);
    let records = [(name("WWW.t."), 0), (name("www.other."), 9)].map(|(name, weight)| (name.wire().to_vec(), weight));
    let drawn = WeightedSet::new(Rtype::CNAME, 30, &records, Pick::One, 1);
    server.publish(0, SlotValue::Weighted(Arc::new(drawn)));
    let alias = "alias.t. 30 CNAME www.other.";
    server.ask("alias.t. A").is(NoError, true, &format!("{alias}\nwww.other. 60 A 192.0.2.80"), "", "");
    server.ask("alias.t. CNAME").is(NoError, true, alias, "", "");
    server.ask("alias.t. ANY").is(NoError, true, alias, "", "");
    let records = records.map(|(name, _)| (name, 1));
    let drawn = WeightedSet::new(Rtype::CNAME, 30, &records, Pick::One, 1);
    server.publish(0, SlotValue::Weighted(Arc::new(drawn)));
    // Each query has a number of its own, and draws by itself.
    let mut leads = [0; 2];
    for number in 0..200_u16 {
        let mut packet = crate::support::query("alias.t. CNAME", Some(1232));
        packet.splice(..2, number.to_be_bytes());
        let answer = server.ask_octets(&packet, understudy::serve::Transport::Tcp).answer();
        assert_eq!(answer.len(), 1, "{answer:?}");
        leads[usize::from(answer[0].ends_with("other."))] += 1;
    }
    assert!(leads.iter().all(|count| *count > 60), "{leads:?}");
}
