//! Hosts outside of the zones: Knot has their addresses, unbound is the system's resolver, the built program tests them.
//!
//! Packages: `knot`, `unbound`. Each test has its own loopback addresses; nothing leaves the machine.
#![expect(clippy::unwrap_used, reason = "a test fails by it")]
#![expect(clippy::disallowed_methods, reason = "deadlines are kept by the real clock")]

#[path = "../process/client.rs"]
#[expect(dead_code, reason = "shared with other tests")]
mod client;
mod foreign;
#[path = "../process/server.rs"]
#[expect(dead_code, reason = "shared with other tests")]
mod server;
#[path = "../process/target.rs"]
#[expect(dead_code, reason = "shared with other tests")]
mod target;

use std::net::Ipv4Addr;
use std::path::PathBuf;

use client::{ask, wait_sip};
use foreign::{Authority, Resolver};
use hickory_proto::op::ResponseCode;
use server::{Folder, Network, Program, Server, eventually, stays, wait_for_state};
use target::{PORT, Target};

/// Members whose hosts are all somebody else's.
const ZONE: &str = "$ORIGIN example.com.\n$TTL 300\n@ IN SOA ns1 hostmaster 1 3600 600 604800 30\n@ IN NS ns1\n\
    ns1 IN A 127.0.0.1\n_sip._tcp IN SRV 10 0 5060 node.out.example.\n_sip._tcp IN SRV 20 0 5060 standby.out.example.\n";
const BOTH: &[&str] = &["10 0 node", "20 0 standby"];
const STANDBY: &[&str] = &["20 0 standby"];

/// A config in which others' servers are tested often, and on loopback, as they are ours in truth.
fn config(folder: &Folder, resolver: &str) -> PathBuf {
    let text = format!(
        "version = 1\n[health]\nresolver = \"{resolver}\"\nprobe-allow = [\"127.0.0.0/8\"]\n[policy]\nhold = \"1s\"\n[[zone]]\nfile = \"example.com.zone\"\n\
         [[service]]\nmatch = \"_sip._tcp.example.com\"\ncheck = {{ kind = \"tcp\" }}\ninterval = \"400ms\"\n\
         fast-interval = \"200ms\"\ndown-interval = \"400ms\"\nconfirm-interval = \"100ms\"\n"
    );
    folder.write("example.com.zone", ZONE);
    folder.write("understudy.toml", text)
}

fn records(node: Ipv4Addr, standby: Ipv4Addr) -> String {
    format!("node CNAME a\na A {node}\nstandby A {standby}\n")
}

#[test]
fn hosts_of_others_are_judged_where_they_are_now_and_a_dead_resolver_takes_nobody_down() {
    let (folder, network) = (Folder::new(), Network::new());
    let [first, second, standby] = [network.take(), network.take(), network.take()];
    let mut authority = Authority::start(&folder, &records(first, standby));
    let mut resolver = Resolver::start(&folder, &authority);
    let config = config(&folder, &resolver.place.to_string());
    let (node, _standby) = (Target::up(first), Target::up(standby));
    let server = Server::serve(&[&config], &folder.path("state"));
    let address = server.address();
    server.answering();
    wait_sip(address, BOTH);

    // It dies where it is: the standby becomes active. Its addresses are never answered from here.
    drop(node);
    wait_sip(address, STANDBY);
    assert_eq!(ask(address, "node.out.example. A").rcode, ResponseCode::Refused);
    let (code, told) = explain(&config, &folder);
    assert!(code == 0 && told.contains(&format!("{first}:{PORT}")) && told.contains("refused"), "{told}");

    // It moves: within the TTL the new address is tested, and the part goes back. The standby kept its health.
    let from = server.log.len();
    let moved = Target::up(second);
    authority.change(&records(second, standby));
    server.log.wait_from(from, &["addresses changed", "node.out.example.", &second.to_string()]);
    wait_sip(address, BOTH);
    let log = server.log.text();
    assert!(!log.lines().skip(from).any(|line| line.contains(&standby.to_string())), "{log}");

    // The resolver dies: what is known stays, and is judged.
    let from = server.log.len();
    resolver.kill();
    server.log.wait_from(from, &["cannot be resolved", "node.out.example."]);
    stays("both serve", || ask(address, "_sip._tcp.example.com. SRV").is(BOTH));
    drop(moved);
    wait_sip(address, STANDBY);
    wait_for_state(&folder.path("state"), "conclusive", 1);

    // A crash: the next run knows the addresses and what was believed of them, without any resolver.
    server.kill();
    let server = Server::serve(&[&config], &folder.path("state"));
    let address = server.address();
    server.answering();
    assert!(ask(address, "_sip._tcp.example.com. SRV").is(STANDBY), "{}", server.log.text());

    // The name is taken away: that is ignorance, which may keep a tier active, but does not fail back.
    authority.change(&format!("standby A {standby}\n"));
    resolver.revive();
    server.log.wait_from(0, &["addresses changed", "node.out.example."]);
    stays("the standby serves", || ask(address, "_sip._tcp.example.com. SRV").is(STANDBY));
    let (_, told) = explain(&config, &folder);
    assert!(told.contains("not tested: no address of its host is known"), "{told}");
}

#[test]
fn without_a_resolver_members_are_served_as_declared_and_the_log_says_why() {
    let folder = Folder::new();
    let config = config(&folder, "absent/resolv.conf");
    let server = Server::serve(&[&config], &folder.path("state"));
    let address = server.address();
    server.answering();
    assert!(ask(address, "_sip._tcp.example.com. SRV").is(BOTH));
    let log = server.log.text();
    assert!(log.contains("resolver-none") && log.contains("absent/resolv.conf"), "{log}");
}

#[test]
fn check_live_and_probe_resolve_names_and_tell_how_each_target_went() {
    let (folder, network) = (Folder::new(), Network::new());
    let [node, standby] = [network.take(), network.take()];
    let authority = Authority::start(&folder, &records(node, standby));
    let resolver = Resolver::start(&folder, &authority);
    let config = config(&folder, &resolver.place.to_string());
    let up = Target::up(node);
    let check = |more: &[&str]| {
        let arguments: Vec<&str> = ["check", "--live"].iter().chain(more).copied().collect();
        Program::new(&arguments).argument(&config).end()
    };

    let (code, told) = check(&[]);
    assert_eq!(code, 1, "{told}");
    let passed = told.lines().find(|line| line.starts_with("pass ")).unwrap_or_else(|| panic!("{told}"));
    let words: Vec<&str> = passed.split_whitespace().skip(3).collect();
    assert_eq!(words, [&format!("node.out.example:{PORT}"), "tcp", &format!("{node}:{PORT}")], "{told}");
    assert!(
        told.contains(&format!("standby.out.example:{PORT}: tcp {standby}:{PORT} does not serve: connection refused")),
        "{told}"
    );
    let also = Target::up(standby);
    let (code, told) = check(&["--json"]);
    let json: serde_json::Value = serde_json::from_str(&told).unwrap();
    // Both pass, and what is left is that one of the names is an alias.
    assert_eq!((code, json["targets"].as_array().unwrap().len()), (1, 2), "{told}");
    let findings = json["findings"].as_array().unwrap().iter();
    let errors: Vec<&str> =
        findings.filter(|row| row["severity"] == "error").filter_map(|row| row["message"].as_str()).collect();
    assert_eq!(errors, ["the target node.out.example. is an alias (CNAME) of a.out.example."]);
    assert!(json["targets"].as_array().unwrap().iter().all(|target| target["outcome"] == "pass"), "{told}");

    let probe = |what: &str| {
        let place = resolver.place.to_string();
        Program::new(&["probe", "--resolver", &place, what]).end()
    };
    let (code, told) = probe(&format!("tcp://node.out.example:{PORT}"));
    assert!(code == 0 && told.contains(&format!("tcp://node.out.example:{PORT} at {node}")), "{code} {told}");
    assert!(told.contains("  resolve  ") && told.contains(&format!(" ms  {node}\n")), "{told}");
    drop((up, also));
    assert_eq!(probe(&format!("tcp://node.out.example:{PORT}")).0, 1);
    let (code, told) = probe("tcp://gone.out.example:5060");
    assert!(code == 2 && told.contains("gone.out.example. cannot be probed: it has no address"), "{code} {told}");
}

fn explain(config: &std::path::Path, folder: &Folder) -> (i32, String) {
    // The journal is written by another task: what was answered is there soon.
    eventually("the state", || {
        let program = Program::new(&["explain", "_sip._tcp.example.com", "--state"]);
        let told = program.argument(folder.path("state")).argument(config).end();
        (told.0 != 0 || told.1.contains("down") || told.1.contains("not tested")).then_some(told)
    })
}
