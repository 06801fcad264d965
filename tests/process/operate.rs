//! The words of the operator to a running server: what it shows, what it takes, what it refuses.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use serde_json::Value;

use crate::client::{DECLARED, STANDBY, ask_sip, wait_sip};
use crate::failover::quick;
use crate::server::{Folder, Program, Server, eventually};
use crate::target::{Hosts, Target};

/// Calls the program for the server of a state folder; returns the exit code and all that is printed.
#[track_caller]
pub(crate) fn call(state: &Path, words: &[&str]) -> (i32, String) {
    Program::new(words).argument("--state").argument(state).variable("NO_COLOR", "1").variable("USER", "olga").end()
}

/// Calls it and reads the JSON that it prints.
#[track_caller]
pub(crate) fn json(state: &Path, words: &[&str]) -> Value {
    let words: Vec<&str> = words.iter().copied().chain(["--json"]).collect();
    let (code, said) = call(state, &words);
    assert_eq!(code, 0, "{said}");
    serde_json::from_str(&said).unwrap_or_else(|error| panic!("{error}: {said}"))
}

/// A server of the SIP zone with all its targets, and the folder of its state.
struct Stage {
    folder: Folder,
    hosts: Hosts,
    targets: Vec<Target>,
    server: Server,
}

impl Stage {
    fn new(hold: &str, more: &str) -> Self {
        let (folder, hosts) = (Folder::new(), Hosts::new());
        let config = folder.write("understudy.toml", quick(hold) + more);
        let zone = folder.write("example.com.zone", hosts.zone());
        let targets = hosts.up().into();
        let server = Server::serve(&[&config, &zone], &folder.path("state"));
        server.answering();
        Self { folder, hosts, targets, server }
    }

    fn call(&self, words: &[&str]) -> (i32, String) {
        call(&self.folder.path("state"), words)
    }

    fn json(&self, words: &[&str]) -> Value {
        json(&self.folder.path("state"), words)
    }
}

#[test]
fn a_drained_host_leaves_the_answer_and_comes_back_when_the_order_is_cleared() {
    let stage = Stage::new("0s", "");
    let address = stage.server.address();
    let (code, said) = stage.call(&["drain", "sip-node1", "--reason", "new kernel"]);
    assert_eq!(code, 0, "{said}");
    assert!(
        said.contains("order 1  sip-node1.example.com drained, until it is cleared, by olga: new kernel\n"),
        "{said}"
    );
    assert!(said.contains("  _sip._tcp.example.com  tier 10 serves\n"), "{said}");
    assert!(said.contains("the last cached answer that names it expires in "), "{said}");
    wait_sip(address, &["10 30 sip-node2", "20 0 sip-dr"]);

    let status = stage.json(&["status"]);
    assert_eq!(status["health"]["ready"], true, "{status}");
    let order = &status["orders"][0];
    assert_eq!((&order["on"], &order["author"]), (&"sip-node1.example.com".into(), &"olga".into()), "{order}");
    let member = status["services"][0]["members"].as_array().unwrap().iter().find(|member| member["weight"] == 70);
    assert_eq!(member.unwrap()["placement"], "left out: drained by order");
    let (_, said) = stage.call(&["status", "_sip._tcp.example.com"]);
    assert!(said.contains("\norders\n  1  sip-node1.example.com drained"), "{said}");

    assert_eq!(stage.call(&["clear", "sip-node1"]).0, 0);
    wait_sip(address, DECLARED);
    let (code, said) = stage.call(&["log"]);
    let has = |text: &str| said.lines().any(|line| line.ends_with(text));
    assert!(code == 0 && has("order 1: sip-node1.example.com drained, by olga: new kernel"), "{said}");
    assert!(has("order 1 cleared: sip-node1.example.com drained"), "{said}");
}

/// Nobody says that it is in force before it is.
#[test]
fn an_order_for_later_is_told_with_its_time() {
    let stage = Stage::new("0s", "");
    let (code, said) = stage.call(&["drain", "sip-node1", "--in", "30m", "--for", "1h"]);
    assert!(code == 0 && said.contains("order 1  sip-node1.example.com drained in 30m, for 1h, by olga\n"), "{said}");
    assert!(ask_sip(stage.server.address()).is(DECLARED));
    let (_, said) = stage.call(&["log"]);
    let given = said.lines().find_map(|line| line.split_once("order 1: sip-node1.example.com drained from "));
    let (from, rest) = given.unwrap_or_else(|| panic!("{said}")).1.split_once(" until ").unwrap();
    assert!(from.ends_with('Z') && rest.ends_with("Z, by olga"), "{from} {rest}");
    assert!(stage.server.log.text().contains("\"from\":\""), "the log tells it too");
}

#[test]
fn what_cannot_be_ordered_is_refused_with_its_reason_and_changes_nothing() {
    let stage = Stage::new("0s", "");
    let address = stage.server.address();
    for (words, says) in [
        (&["drain", "sip-node7"][..], "did you mean sip-node1?"),
        (&["force", "down", "127.0.0.250"], "no member of a service is on 127.0.0.250"),
        (&["clear", "7"], "there is no order 7"),
        (&["failback", "_xmpp-client._tcp.example.com"], "there is no service _xmpp-client._tcp.example.com"),
        (&["status", "_sip._udp.example.com"], "did you mean _sip._tcp.example.com?"),
    ] {
        let (code, said) = stage.call(words);
        assert!(code == 4 && said.contains(says), "{words:?}: {code} {said}");
    }
    assert!(ask_sip(address).is(DECLARED));

    // The last eligible member of a service goes by a clear word only.
    for host in ["sip-node1", "sip-node2"] {
        assert_eq!(stage.call(&["force", "down", host]).0, 0);
    }
    wait_sip(address, STANDBY);
    let (code, said) = stage.call(&["drain", "sip-dr"]);
    assert!(code == 4 && said.contains("it takes the last eligible member of _sip._tcp.example.com"), "{said}");
    assert_eq!(stage.json(&["status"])["orders"].as_array().unwrap().len(), 2);
    assert_eq!(stage.call(&["drain", "sip-dr", "--last"]).0, 0);
    let (code, said) = stage.call(&["clear", "--all"]);
    assert!(code == 0 && said.lines().count() == 3, "{said}");
    wait_sip(address, DECLARED);
}

#[test]
fn a_service_that_waits_for_its_failback_goes_back_by_order() {
    let mut stage = Stage::new("0s", "[[service]]\nmatch = \"_sip._tcp.example.com\"\nfailback = \"manual\"\n");
    let address = stage.server.address();
    stage.targets.drain(..2).for_each(drop);
    wait_sip(address, STANDBY);
    let back: Vec<Target> = [stage.hosts.node1, stage.hosts.node2].map(Target::up).into();
    stage.targets.extend(back);
    eventually("the order is waited for", || {
        let reason = stage.json(&["status"])["services"][0]["reason"].to_string();
        reason.contains("waits for the order failback").then_some(())
    });
    assert!(ask_sip(address).is(STANDBY));
    let (code, said) = stage.call(&["failback", "_sip._tcp.example.com"]);
    assert_eq!((code, said.as_str()), (0, "_sip._tcp.example.com: failback ordered, tier 10 serves\n"));
    wait_sip(address, DECLARED);
    assert!(!stage.server.log.text().contains("failback-manual"), "the key is warned of, and does what it says");
}

#[test]
fn a_reload_says_what_came_and_went_or_why_it_was_refused() {
    let stage = Stage::new("0s", "");
    let zone = stage.hosts.zone();
    stage.folder.write("example.com.zone", format!("{zone}_xmpp-client._tcp SRV 10 0 5060 sip-node1\n"));
    let (code, said) = stage.call(&["reload"]);
    assert!(code == 0 && said.contains("  + service _xmpp-client._tcp.example.com.\n"), "{said}");
    stage.folder.write("understudy.toml", "version = 1\n[server]\nlisten = 7\n");
    let (code, said) = stage.call(&["reload"]);
    assert!(code == 4 && said.contains("everything stays as it was") && said.contains("understudy.toml:3"), "{said}");
    assert!(ask_sip(stage.server.address()).is(DECLARED));
}

#[test]
fn on_a_state_folder_that_is_read_only_an_order_is_in_force_and_the_operator_is_told() {
    let (folder, hosts) = (Folder::new(), Hosts::new());
    let config = folder.write("understudy.toml", quick("0s"));
    let zone = folder.write("example.com.zone", hosts.zone());
    let (state, runtime) = (folder.path("state"), folder.path("run"));
    let _targets = hosts.up();
    let mut first = Server::serve(&[&config, &zone], &state);
    first.answering();
    assert_eq!(first.terminate().0.code(), Some(0));
    std::fs::create_dir(&runtime).unwrap();
    let readable = [(state.clone(), 0o755), (state.join("state.journal"), 0o644), (runtime.clone(), 0o777)];
    for (path, mode) in readable {
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
    }
    let program = Server::program(&[&config, &zone], &state).variable("RUNTIME_DIRECTORY", &runtime);
    let Some(program) = program.unprivileged() else {
        println!("not shown: only root can start the program as another user");
        return;
    };
    let server = program.start();
    server.answering();
    let socket = runtime.join("admin.sock");
    let order = |words: &[&str]| Program::new(words).argument("--socket").argument(&socket).end();
    let (code, said) = order(&["drain", "sip-node1"]);
    assert!(code == 1 && said.contains("in force, but not on disk, so that a restart may forget it"), "{code} {said}");
    wait_sip(server.address(), &["10 30 sip-node2", "20 0 sip-dr"]);
    let (code, said) = order(&["clear", "sip-node1"]);
    assert!(code == 1 && said.contains("in force, but not on disk"), "{code} {said}");
    wait_sip(server.address(), DECLARED);
}

#[test]
fn explain_and_simulate_ask_the_server_that_runs() {
    let mut stage = Stage::new("1h", "");
    let (config, zone) = (stage.folder.path("understudy.toml"), stage.folder.path("example.com.zone"));
    let (config, zone) = (config.to_str().unwrap(), zone.to_str().unwrap());
    stage.targets.drain(..2).for_each(drop);
    wait_sip(stage.server.address(), STANDBY);
    let (code, said) = stage.call(&["explain", "_sip._tcp.example.com", config, zone]);
    assert!(code == 0 && said.starts_with("as the running server says it now, by "), "{said}");
    assert!(said.contains("_sip._tcp.example.com  tier 20 stands in\n"), "{said}");
    assert!(said.contains("; last probe ") && said.contains(": pass in "), "{said}");
    let explained = stage.json(&["explain", "_sip._tcp.example.com", config, zone]);
    let last = &explained["services"][0]["members"][0]["targets"][0]["last"];
    assert_eq!((&explained["source"]["from"], &last["outcome"]), (&"server".into(), &"fail".into()), "{explained}");
    let (code, said) = stage.call(&["simulate", config, zone, "--down", "sip-dr"]);
    assert!(code == 0 && said.contains("_sip._tcp.example.com  all down  (now tier 20)"), "{said}");
    let expect = |tier: &str| {
        let expected = format!("_sip._tcp.example.com={tier}");
        stage.call(&["simulate", config, zone, "--expect", &expected])
    };
    assert_eq!(expect("20").0, 0);
    let (code, said) = expect("10");
    assert!(code == 1 && said.contains("_sip._tcp.example.com would be at 20, and 10 is expected"), "{said}");
    assert_eq!(expect("ten").0, 2);
}

#[test]
fn beside_a_server_that_tests_nothing_all_is_told_as_declared() {
    let (folder, hosts) = (Folder::new(), Hosts::new());
    let (state, zone) = (folder.path("state"), folder.write("example.com.zone", hosts.zone()));
    let server = Server::program(&[&zone], &state).argument("--static").start();
    server.answering();
    let zone = zone.to_str().unwrap();
    let (code, said) = call(&state, &["explain", "_sip._tcp.example.com", zone]);
    assert_eq!(code, 0, "{said}");
    assert!(said.contains("it tests nothing, and serves every set as declared"), "{said}");
    assert!(said.contains("_sip._tcp.example.com. 300 IN SRV 10 70 "), "{said}");
    assert!(!said.contains("a dead target leaves"), "{said}");
    let (code, said) = call(&state, &["simulate", "--down", "sip-node1", zone]);
    assert!(code == 2 && said.contains("no tested target is meant by sip-node1"), "{code} {said}");
}

#[test]
fn without_a_server_the_commands_say_where_they_looked() {
    let folder = Folder::new();
    let (code, said) = call(&folder.path("state"), &["status"]);
    assert!(code == 1 && said.contains("no server takes orders: there is no "), "{code} {said}");
    let socket = folder.path("admin.sock");
    drop(std::os::unix::net::UnixListener::bind(&socket).unwrap());
    let (code, said) = Program::new(&["status", "--socket"]).argument(&socket).end();
    assert!(code == 1 && said.contains("no server answers at "), "{code} {said}");
}
