//! What `explain` prints, from a fixed zone.

use std::time::Duration;

use clap::Parser as _;

use crate::cli::args::{Arguments, Command, Explain};
use crate::cli::testing::{SIP, core, now, plain, setup};
use crate::engine::setup::Setup;

use super::page::Page;
use super::question::Question;
use super::{json, text};

fn args(words: &str) -> Explain {
    let words = ["understudy", "explain"].into_iter().chain(words.split_whitespace());
    let Command::Explain(args) = Arguments::try_parse_from(words).unwrap().command else { panic!("another command") };
    args
}

fn explained(words: &str, down: &[&str]) -> (String, serde_json::Value) {
    explained_by(&setup(SIP), words, down)
}

fn explained_by(setup: &Setup, words: &str, down: &[&str]) -> (String, serde_json::Value) {
    let (core, belief) = core(setup, down);
    let question = Question::read(&args(words)).unwrap();
    let name = question.resolve(core.snapshot(), setup).unwrap();
    let page = Page::find(&core, &belief, name, question.rtype, now());
    (plain(&text::of(&page)), json::of(&page))
}

#[test]
fn a_name_may_be_short_dotted_and_in_any_case() {
    for words in ["_sip._tcp", "_SIP._tcp.example.com", "_sip._tcp.example.com. SRV", "srv _sip._tcp"] {
        let (text, json) = explained(words, &[]);
        assert!(text.contains("_tcp.example.com  tier 10 serves\n"), "{words}: {text}");
        assert_eq!(json["services"][0]["tier"], 10, "{words}");
    }
}

#[test]
fn a_failover_tells_rule_ttl_and_what_would_flip_it() {
    let (text, json) = explained("_sip._tcp", &["sip-node1", "sip-node2"]);
    for line in [
        "  why   tier 20 serves since tier 10 failed: 0 of 2 members up, needs 1\n",
        "  ttl   30 s = min(declared 300, ttl 30); 5 s while a change may be near, and 30 s after one\n",
        "becomes active again when it holds again, and has held for 1m\n",
        "  next  a dead target leaves after 3 failures: within 1s while a connection to it is held, else 6s; 11s if it is silent\n",
        "  ○ tier 10    weight 30    sip-node2.example.com:5060  left out: down\n      sip+tcp 127.0.0.12:5060 domain=example.com  assumed to be down\n",
        "  ● tier 20    weight 0     sip-dr.example.com:5060     as declared\n      sip+tcp 127.0.0.21:5060 domain=example.com  assumed to be up\n",
    ] {
        assert!(text.contains(line), "{line}\n{text}");
    }
    let target = &json["services"][0]["members"][0]["targets"][0];
    assert_eq!((&target["state"], &target["fall"], &target["tested"]), (&"down".into(), &3.into(), &true.into()));
    assert_eq!(json["rcode"], "NOERROR");
}

#[test]
fn without_a_hold_the_better_tier_is_back_as_soon_as_it_holds() {
    let mut setup = setup(SIP);
    let services = setup.pools.iter().map(|(_, pool)| pool.clone()).map(|mut pool| {
        pool.pool.settings.hold = Duration::ZERO;
        pool
    });
    setup.pools = services.collect();
    let (text, _) = explained_by(&setup, "_sip._tcp", &["sip-node1", "sip-node2"]);
    assert!(text.contains("becomes active again as soon as it holds again\n"), "{text}");
}

#[test]
fn when_all_are_down_the_first_that_returns_serves() {
    let (text, _) = explained("_sip._tcp", &["sip-node1", "sip-node2", "sip-dr"]);
    assert!(
        text.contains("next  the first target that passes 2 probes serves at once: within 6s of its return\n"),
        "{text}"
    );
    assert!(text.contains("ttl   5 s, as a change may be near (unsettled-ttl 5); else 30 s"), "{text}");
}

#[test]
fn a_service_without_a_check_is_served_as_declared() {
    let (text, json) = explained("_foo._udp", &[]);
    assert!(text.contains("_foo._udp.example.com  served as declared, not tested\n"), "{text}");
    assert!(text.contains("next  nothing: no target of this service is tested"), "{text}");
    assert_eq!(json["services"][0]["tested"], false);
}

#[test]
fn a_host_tells_where_it_is_a_member() {
    let (text, json) = explained("sip-node1", &["127.0.0.13"]);
    assert!(text.contains("  sip-node1.example.com. 30 IN A 127.0.0.11\n\nsip-node1.example.com  host\n"), "{text}");
    assert!(text.contains("  in    _sip._tcp.example.com, tier 10: as declared\n"), "{text}");
    assert!(
        text.contains("  127.0.0.13\n      sip+tcp 127.0.0.13:5060 domain=example.com  assumed to be down"),
        "{text}"
    );
    assert_eq!(json["member_of"].as_array().unwrap().len(), 2);
}

#[test]
fn names_that_are_not_there_are_told_as_the_server_answers_them() {
    for (words, told) in [
        ("sip-nod1", "NXDOMAIN: no such name, and nothing below it; did you mean sip-node1.example.com?"),
        ("sip-dr AAAA", "NODATA: the name has no AAAA, but A"),
        ("_tcp.example.com", "NODATA: the name has no record, there are names below it"),
        (
            "a.wild",
            "the name is not there: *.wild.example.com. answers for it\n  a.wild.example.com. 300 IN A 127.0.0.5",
        ),
        ("x.sub", "delegated at sub.example.com.: other servers have authority\n  sub.example.com. 300 IN NS ns.sub"),
        ("ns1", "served as declared: these records follow no health"),
    ] {
        let (text, _) = explained(words, &[]);
        assert!(text.contains(told), "{words}: {text}");
    }
}

#[test]
fn what_is_no_question_is_told_with_the_right_form() {
    for (words, message) in [
        ("a.zone", "there are files, but no name"),
        ("one two", "neither one nor two is a record type, and one name is explained at a time"),
        ("one two three", "a name and at most one type are needed, not 3 words"),
        ("a..b", "a..b is no name: "),
    ] {
        let finding = Question::read(&args(words)).unwrap_err();
        assert!(finding.message.starts_with(message), "{words}: {}", finding.message);
        assert!(finding.help.unwrap().contains("understudy explain _sip._tcp"));
    }
    let setup = setup(SIP);
    let (core, _) = core(&setup, &[]);
    let far = Question::read(&args("_sip._tcp.example.org.")).unwrap().resolve(core.snapshot(), &setup).unwrap_err();
    assert_eq!(far.message, "_sip._tcp.example.org. lies in none of the zones");
    assert_eq!(far.help.unwrap(), "did you mean _sip._tcp.example.com?");
}
