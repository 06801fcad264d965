//! What `simulate` prints, from a fixed zone.

use crate::cli::offline;
use crate::cli::testing::{SIP, core, now, plain, setup};

use super::effect::Effect;
use super::page;

fn pages(down: &[&str]) -> (String, serde_json::Value) {
    let setup = setup(SIP);
    let (before, _) = core(&setup, &[]);
    let (after, belief) = core(&setup, down);
    let words: Vec<String> = down.iter().map(|word| (*word).to_owned()).collect();
    let effect = Effect::of(&before, &after, &offline::find(&setup, &words), now());
    (plain(&page::as_text(&effect, &belief)), page::as_json(&effect, &belief))
}

#[test]
fn short_names_addresses_and_ports_mean_the_same_target() {
    for words in [["sip-node2"], ["SIP-node2.example.com."], ["127.0.0.12"], ["127.0.0.12:5060"], ["sip-node2:5060"]] {
        let (text, _) = pages(&words);
        assert!(text.contains("left out: down") && text.contains("sip-node1.example.com.\n"), "{words:?}: {text}");
    }
}

#[test]
fn the_standby_stands_in_and_what_does_not_change_takes_a_line() {
    let (text, json) = pages(&["sip-node1", "sip-node2"]);
    assert!(text.contains("_sip._tcp.example.com  tier 20 stands in  (now tier 10)\n"), "{text}");
    assert!(text.contains("  _sip._tcp.example.com. 30 IN SRV 20 0 5060 sip-dr.example.com.\n"), "{text}");
    assert!(
        text.contains("1 service would not change:\n  _foo._udp.example.com  served as declared, not tested"),
        "{text}"
    );
    let service = &json["services"][0];
    assert_eq!((&service["served"], &service["tier"], &service["changes"]), (&"tier".into(), &20.into(), &true.into()));
    assert_eq!(service["before"]["tier"], 10);
    assert_eq!(json["services"][1]["tested"], false);
    assert_eq!(json["down"].as_array().unwrap().len(), 3);
}

#[test]
fn an_address_that_leaves_its_host_is_told() {
    let (text, json) = pages(&["127.0.0.13"]);
    assert!(text.contains("\nsip-node1.example.com\n  sip-node1.example.com. 30 IN A 127.0.0.11\n"), "{text}");
    assert_eq!(json["addresses"][0]["answer"].as_array().unwrap().len(), 1);
}

#[test]
fn without_anything_down_each_service_is_told_in_full() {
    let (text, _) = pages(&[]);
    assert!(!text.contains("would not change") && !text.contains("assumed"), "{text}");
    assert!(text.contains("tier 10 serves: 2 of 2 members up"), "{text}");
}
