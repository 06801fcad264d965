//! Drills: a failover that is played in production, and taken back.

use std::thread::sleep;
use std::time::Duration;

use serde_json::Value;

use crate::client::{DECLARED, STANDBY, wait_sip};
use crate::failover::quick;
use crate::operate::{call, json};
use crate::server::{Folder, Server, eventually};
use crate::target::{Hosts, Target};

const SERVICE: &str = "_sip._tcp.example.com";

fn serve(folder: &Folder, hosts: &Hosts) -> Server {
    let config = folder.write("understudy.toml", quick("1h"));
    let zone = folder.write("example.com.zone", hosts.zone());
    let server = Server::serve(&[&config, &zone], &folder.path("state"));
    server.answering();
    server
}

/// Waits until every target has been tested.
fn all_up(folder: &Folder) {
    eventually("all targets are up", || {
        let status = json(&folder.path("state"), &["status"]);
        status["targets"].as_array().unwrap().iter().all(|target| target["state"] == "up").then_some(())
    });
}

#[test]
fn in_a_drill_the_standby_serves_and_then_all_is_as_before() {
    let (folder, hosts) = (Folder::new(), Hosts::new());
    let _targets = hosts.up();
    let server = serve(&folder, &hosts);
    all_up(&folder);
    let (state, report) = (folder.path("state"), folder.path("drill.md"));
    let orders = std::thread::scope(|scope| {
        let drill =
            scope.spawn(|| call(&state, &["drill", SERVICE, "--for", "4s", "--report", report.to_str().unwrap()]));
        wait_sip(server.address(), STANDBY);
        let orders = json(&state, &["status"])["orders"].clone();
        let (code, said) = drill.join().unwrap();
        assert_eq!(code, 0, "{said}");
        assert!(said.contains("  tier 20 serves\n") && said.contains("is at tier 10 again\n"), "{said}");
        orders
    });
    let orders = orders.as_array().unwrap();
    assert!(
        orders.len() == 2 && orders.iter().all(|order| order["until_ms"].is_u64()),
        "they end by themselves: {orders:?}"
    );
    wait_sip(server.address(), DECLARED);
    assert_eq!(json(&state, &["status"])["orders"], Value::Array(Vec::new()));
    let report = std::fs::read_to_string(report).unwrap();
    assert!(
        report.contains("Result: passed\n") && report.contains("- stood in: sip-dr.example.com:5060 (tier 20)\n"),
        "{report}"
    );
}

#[test]
fn a_drill_goes_back_when_the_standby_fails() {
    let (folder, hosts) = (Folder::new(), Hosts::new());
    let [_node1, _node2, standby] = hosts.up();
    let server = serve(&folder, &hosts);
    all_up(&folder);
    let state = folder.path("state");
    std::thread::scope(|scope| {
        let drill = scope.spawn(|| call(&state, &["drill", SERVICE, "--for", "1h", "--json"]));
        wait_sip(server.address(), STANDBY);
        sleep(Duration::from_secs(2));
        drop(standby);
        let (code, said) = drill.join().unwrap();
        let report: Value = serde_json::from_str(&said).unwrap_or_else(|error| panic!("{error}: {said}"));
        assert_eq!((code, &report["passed"]), (1, &Value::Bool(false)), "{report}");
        let doubt = report["doubts"][0].to_string();
        assert!(
            doubt.contains("a target of the standby is not well") || doubt.contains("has left the standby"),
            "{doubt}"
        );
    });
    wait_sip(server.address(), &["10 30 sip-node2", "10 70 sip-node1"]);
    assert_eq!(json(&state, &["status"])["orders"], Value::Array(Vec::new()));
}

#[test]
fn a_drill_that_would_be_an_outage_is_refused() {
    let (folder, hosts) = (Folder::new(), Hosts::new());
    let targets: Vec<Target> = hosts.up().into_iter().take(2).collect();
    let server = serve(&folder, &hosts);
    wait_sip(server.address(), &["10 30 sip-node2", "10 70 sip-node1"]);
    let state = folder.path("state");
    let (code, said) = call(&state, &["drill", SERVICE]);
    assert!(code == 4 && said.contains("a drill would be an outage"), "{code} {said}");
    let (code, said) = call(&state, &["drill", "_sip._tpc.example.com"]);
    assert!(code == 4 && said.contains("did you mean _sip._tcp.example.com?"), "{code} {said}");
    assert_eq!(json(&state, &["status"])["orders"], Value::Array(Vec::new()));
    drop(targets);
}
