//! `replay` over what a real server has recorded: the same config decides the same, another one as it should.

use std::path::Path;

use serde_json::Value;

use crate::client::{DECLARED, STANDBY, wait_sip};
use crate::failover::quick;
use crate::operate::call;
use crate::server::{Folder, Server, eventually};
use crate::target::{Hosts, Target};

/// Plays the history of a state folder to a config; returns the code and the JSON.
#[track_caller]
fn replay(state: &Path, config: &Path, zone: &Path, more: &[&str]) -> (i32, Value) {
    let words = [&["replay", config.to_str().unwrap(), zone.to_str().unwrap(), "--json"], more].concat();
    let (code, said) = call(state, &words);
    (code, serde_json::from_str(&said).unwrap_or_else(|error| panic!("{error}: {said}")))
}

#[track_caller]
fn sip(told: &Value) -> &Value {
    let services = told["services"].as_array().unwrap();
    services.iter().find(|service| service["service"] == "_sip._tcp.example.com.").unwrap()
}

/// Waits until the history tells so many times that both members are up again: so it has all that was before.
fn settled(state: &Path, times: usize) {
    eventually("both in the history", || {
        let text = std::fs::read_to_string(state.join("history.journal")).unwrap_or_default();
        (text.matches("\"reason\":\"tier 10 serves: 2 of 2 members up\"").count() >= times).then_some(())
    });
}

#[test]
fn the_same_config_decides_as_was_decided_over_kill_9_and_another_one_as_it_says() {
    let (folder, hosts) = (Folder::new(), Hosts::new());
    let state = folder.path("state");
    let config = folder.write("understudy.toml", quick("0s"));
    let zone = folder.write("example.com.zone", hosts.zone());
    let [node1, node2, standby] = hosts.up();
    let server = Server::serve(&[&config, &zone], &state);
    server.answering();
    drop((node1, node2));
    wait_sip(server.address(), STANDBY);
    let (node1, node2) = (Target::up(hosts.node1), Target::up(hosts.node2));
    wait_sip(server.address(), DECLARED);
    settled(&state, 1);
    server.kill();

    let server = Server::serve(&[&config, &zone], &state);
    server.answering();
    drop((node1, node2));
    wait_sip(server.address(), STANDBY);
    drop(standby);
    eventually("all down", || {
        let (_, said) = call(&state, &["log"]);
        said.contains("all members down").then_some(())
    });
    let _back = (Target::up(hosts.node1), Target::up(hosts.node2));
    wait_sip(server.address(), &DECLARED[..2]);
    settled(&state, 2);
    drop(server);

    let (code, told) = replay(&state, &config, &zone, &["--same"]);
    let service = sip(&told);
    assert!(code == 0 && told["differs"] == false, "{service:#}");
    assert!(told["runs"] == 2 && told["unknown_targets"].as_array().unwrap().is_empty(), "{told:#}");
    assert!(service["decisions"].as_array().unwrap().len() >= 6, "{service:#}");
    let (was, would) = (&service["happened"], &service["would_have"]);
    for sum in ["failovers", "failbacks"] {
        assert_eq!(was[sum], would[sum], "{sum}");
    }
    for sum in ["standby_secs", "all_down_secs"] {
        let (was, would) = (was[sum].as_f64().unwrap(), would[sum].as_f64().unwrap());
        assert!(was > 0.0 && (was - would).abs() < 0.1, "{sum}: {was} {would}");
    }
    // A copy tells the same.
    let copy = folder.path("copy");
    std::fs::copy(state.join("history.journal"), &copy).unwrap();
    let (code, copied) = replay(Path::new("none"), &config, &zone, &["--history", copy.to_str().unwrap()]);
    assert!(code == 0 && copied["services"] == told["services"], "{copied:#}");

    // With more patience than any of it lasted nothing would have failed over.
    let patient = folder.write("patient.toml", quick("0s").replace("[policy]", "fall = 100\n[policy]"));
    let (code, told) = replay(&state, &patient, &zone, &["--same"]);
    assert!(code == 1 && told["differs"] == true, "{told:#}");
    assert!(sip(&told)["happened"]["failovers"].as_u64().unwrap() >= 2, "{told:#}");
    assert_eq!(sip(&told)["would_have"]["failovers"], 0, "{told:#}");
    // With a failback by order only the standby would have served on.
    let manual = quick("0s").replace("hold = \"0s\"", "failback = \"manual\"");
    let manual = folder.write("manual.toml", manual);
    let (code, told) = replay(&state, &manual, &zone, &[]);
    assert!(code == 0 && sip(&told)["would_have"]["failbacks"] == 0, "{:#}", sip(&told));
    let words = ["replay", manual.to_str().unwrap(), zone.to_str().unwrap()];
    let (code, said) = call(&state, &words);
    assert!(code == 0 && said.contains("would have been") && said.contains("on standby"), "{said}");

    // What the history does not know is said.
    let moved = folder
        .write("moved.zone", hosts.zone().replace(&format!("sip-dr IN A {}", hosts.standby), "sip-dr IN A 127.0.0.7"));
    let (code, told) = replay(&state, &config, &moved, &[]);
    let unknown = told["unknown_targets"].as_array().unwrap();
    assert!(code == 0 && unknown.len() == 1 && unknown[0].as_str().unwrap().contains("127.0.0.7"), "{told:#}");
    let (code, said) = call(&folder.path("nowhere"), &words);
    assert!(code == 2 && said.contains("there is no history in"), "{said}");
}
