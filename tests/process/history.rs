//! The history on disk: told over restarts and without a server, bounded, and never in the way.

use std::path::Path;

use serde_json::{Value, json};

use crate::admin::post;
use crate::client::{DECLARED, STANDBY, ask_sip, fetch, wait_sip};
use crate::failover::quick;
use crate::operate::call;
use crate::server::{Folder, Server, eventually};
use crate::target::{Hosts, Target};

/// The events that `log` tells.
#[track_caller]
fn events(state: &Path, words: &[&str]) -> Vec<Value> {
    let (code, said) = call(state, &[&["log", "--json"], words].concat());
    assert_eq!(code, 0, "{said}");
    said.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn numbers(events: &[Value]) -> Vec<u64> {
    events.iter().map(|event| event["sequence"].as_u64().unwrap()).collect()
}

fn is_failover(event: &Value) -> bool {
    event["kind"] == "decision" && event["tier"] == 20
}

#[test]
fn the_history_is_told_over_kill_9_and_without_a_server_and_its_numbers_go_on() {
    let (folder, hosts) = (Folder::new(), Hosts::new());
    let state = folder.path("state");
    let config = folder.write("understudy.toml", quick("0s"));
    let zone = folder.write("example.com.zone", hosts.zone());
    let [node1, node2, _standby] = hosts.up();
    let server = Server::serve(&[&config, &zone], &state);
    server.answering();
    let socket = state.join("admin.sock");
    let order = json!({ "force": "up", "on": "sip-node2", "for_ms": 3_600_000, "reason": "why not", "author": "olga" });
    assert_eq!(post(&socket, "/v1/orders", &order).0, 201);
    assert_eq!(post(&socket, "/v1/failback", &json!({ "service": "_sip._tcp.example.com" })).0, 200);
    drop(node1);
    // The order keeps the other one up: it is in the answer alone.
    eventually("one of two", || events(&state, &[]).iter().any(|event| event["to"] == "down").then_some(()));
    let first = eventually("all of it is on disk", || {
        let past = std::fs::read_to_string(state.join("history.journal")).unwrap_or_default();
        let told = events(&state, &[]);
        let has = |number: &u64| past.contains(&format!("\"sequence\":{number}"));
        let last = *numbers(&told).last().unwrap();
        let is_there = |event: &Value| event["kind"] == "published" || has(&event["sequence"].as_u64().unwrap());
        (told.iter().all(is_there) && has(&last)).then_some(told)
    });
    server.kill();

    // Nobody runs: the state folder tells it.
    let kept = |events: &[Value]| {
        let kept = events.iter().filter(|event| event["kind"] != "published");
        kept.cloned().collect::<Vec<_>>()
    };
    assert_eq!(events(&state, &[]), kept(&first));
    let (code, said) = call(&state, &["log", "--since", "1h"]);
    assert!(code == 0 && said.contains("NO SERVER RUNS on"), "{said}");
    assert!(said.contains("order 1: sip-node2.example.com up until") && said.contains("by olga: why not"), "{said}");

    drop(node2);
    let server = Server::serve(&[&config, &zone], &state);
    server.answering();
    assert!(ask_sip(server.address()).records.iter().all(|record| !record.contains("sip-node1")));
    let order = events(&state, &["--since", "1h"]).iter().find_map(|event| event["order"]["id"].as_u64()).unwrap();
    let (code, said) = call(&state, &["clear", &order.to_string()]);
    assert_eq!(code, 0, "{said}");
    wait_sip(server.address(), STANDBY);

    // This run alone, and both.
    let own = events(&state, &[]);
    let both = events(&state, &["--since", "1h"]);
    assert!(own.iter().any(is_failover) && !first.iter().any(is_failover), "{own:?}");
    assert_eq!(kept(&both)[..kept(&first).len()], kept(&first));
    for told in [&own, &both] {
        assert!(numbers(told).windows(2).all(|pair| pair[0] < pair[1]), "{:?}", numbers(told));
    }
    assert!(numbers(&own)[0] > *numbers(&first).last().unwrap());
    // What is asked for, and no more.
    let node1 = events(&state, &["--since", "1h", "sip-node1"]);
    assert!(!node1.is_empty() && node1.iter().all(|event| event["text"].as_str().unwrap().contains("sip-node1")));
    assert_eq!(events(&state, &["--since", "1h", "--until", "2026-01-01"]), [Value::Null; 0]);
    let now = &both.last().unwrap()["at_ms"].as_u64().unwrap() / 1_000;
    assert_eq!(events(&state, &["--since", "2026-01-01", "--until", "1h"]), [Value::Null; 0], "{now}");
    let (code, said) = call(&state, &["log", "--since", "yesterday"]);
    assert!(code == 2 && said.contains("a date such as 2026-11-30T18:00:00Z"), "{said}");
}

#[test]
fn a_history_that_cannot_be_written_is_told_and_served_through() {
    let (folder, hosts) = (Folder::new(), Hosts::new());
    let state = folder.path("state");
    let config = folder.write("understudy.toml", quick("0s"));
    let zone = folder.write("example.com.zone", hosts.zone());
    // A folder where the file should be: as with a full disk, every write fails.
    std::fs::create_dir_all(state.join("history.journal")).unwrap();
    let [node1, node2, _standby] = hosts.up();
    let server = Server::serve(&[&config, &zone], &state);
    server.answering();
    server.log.wait_from(0, &["the history cannot be written"]);
    let behind = || fetch(server.metrics(), "/metrics").contains("\nunderstudy_history_behind 1\n");
    eventually("the metric", || behind().then_some(()));
    drop((node1, node2));
    wait_sip(server.address(), STANDBY);
    let _back = (Target::up(hosts.node1), Target::up(hosts.node2));
    wait_sip(server.address(), DECLARED);
    // Once there is room again, what has waited is written.
    std::fs::remove_dir(state.join("history.journal")).unwrap();
    server.log.wait_from(0, &["the history is written again"]);
    eventually("what happened meanwhile", || {
        let past = std::fs::read_to_string(state.join("history.journal")).unwrap_or_default();
        (past.contains("\"tier\":20") && past.contains("\"moved\":\"failback")).then_some(())
    });
}

#[test]
fn two_files_of_the_configured_size_are_kept_and_each_begins_with_a_picture() {
    let (folder, hosts) = (Folder::new(), Hosts::new());
    let state = folder.path("state");
    let config = folder.write("understudy.toml", quick("0s") + "[state]\nhistory-size = 65536\n");
    let zone = folder.write("example.com.zone", hosts.zone());
    let _up = hosts.up();
    let mut server = Server::serve(&[&config, &zone], &state);
    server.answering();
    let socket = state.join("admin.sock");
    let reason = "x".repeat(400);
    let (first, second) = (state.join("history.journal"), state.join("history.journal.1"));
    for _ in 0..250 {
        let order = json!({ "force": "up", "on": "sip-node2", "for_ms": 3_600_000, "reason": reason });
        let (status, answer) = post(&socket, "/v1/orders", &order);
        assert_eq!(status, 201, "{answer}");
        let (code, _) = crate::admin::send(
            &socket,
            &format!("DELETE /v1/orders/{} HTTP/1.1\r\nhost: x\r\n\r\n", answer["order"]["id"]),
        );
        assert_eq!(code, 200);
    }
    let length = |file: &Path| std::fs::metadata(file).map_or(0, |metadata| metadata.len());
    eventually("a second file", || (length(&second) >= 65_536).then_some(()));
    for file in [&first, &second] {
        assert!(length(file) < 65_536 + 40_000, "{}", length(file));
    }
    let begin = eventually("a picture", || {
        let text = std::fs::read_to_string(&first).unwrap();
        text.contains("{\"picture\":").then_some(text)
    });
    let mut lines = begin.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    assert_eq!(lines.next().unwrap(), json!({ "history": { "version": 1 } }));
    let kept = lines.find_map(|line| line.get("picture").cloned()).unwrap()["kept"].clone();
    let keys: Vec<&String> = kept.as_object().unwrap().keys().collect();
    assert!(keys.iter().filter(|key| key.starts_with("health/")).count() == 3, "{keys:?}");
    assert!(keys.iter().any(|key| key.starts_with("memory/")), "{keys:?}");
    server.terminate();
    let told = numbers(&events(&state, &[]));
    assert!(told[0] > 1 && told.windows(2).all(|pair| pair[0] < pair[1]), "{told:?}");
}

#[test]
fn with_size_0_none_is_written() {
    let (folder, hosts) = (Folder::new(), Hosts::new());
    let state = folder.path("state");
    let config = folder.write("understudy.toml", quick("0s") + "[state]\nhistory-size = 0\n");
    let zone = folder.write("example.com.zone", hosts.zone());
    let _up = hosts.up();
    let mut server = Server::serve(&[&config, &zone], &state);
    server.answering();
    let told = events(&state, &["--since", "1h"]);
    assert!(!told.is_empty(), "of this run it is told from memory");
    server.terminate();
    assert!(!state.join("history.journal").exists());
}
