//! What `understudy serve` answers while relays die and hang, and how it logs in.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;

use crate::client::ask;
use crate::coturn::{Coturn, DOMAIN, PORT, TLS};
use crate::server::{Folder, Server, eventually};

const BOTH: &[&str] = &["10 0 node", "20 0 standby"];
const STANDBY: &[&str] = &["20 0 standby"];
const SERVICES: [(&str, u16); 6] = [
    ("_stun._udp", PORT),
    ("_stun._tcp", PORT),
    ("_stuns._tcp", TLS),
    ("_turn._udp", PORT),
    ("_turn._tcp", PORT),
    ("_turns._tcp", TLS),
];

/// A config in which all happens soon, and its zone: every service of a relay, on two hosts.
fn config(folder: &Folder, node: Ipv4Addr, standby: Ipv4Addr, more: &str) -> PathBuf {
    let records = SERVICES
        .map(|(service, port)| format!("{service} IN SRV 10 0 {port} node\n{service} IN SRV 20 0 {port} standby\n"));
    let zone = format!(
        "$ORIGIN {DOMAIN}.\n$TTL 60\n@ IN SOA ns1 hostmaster 1 3600 600 604800 30\n@ IN NS ns1\nns1 IN A 127.0.0.1\n\
         node IN A {node}\nstandby IN A {standby}\n{}",
        records.concat()
    );
    folder.write("relay.example.zone", zone);
    let text = format!(
        "version = 1\n[health]\ninterval = \"1s\"\nfast-interval = \"500ms\"\ndown-interval = \"1s\"\n\
         confirm-interval = \"200ms\"\ntimeout = \"700ms\"\nfall = 2\n[policy]\nhold = \"1s\"\n[[zone]]\n\
         file = \"relay.example.zone\"\n{more}"
    );
    folder.write("understudy.toml", text)
}

#[track_caller]
fn wait(server: SocketAddr, records: &[&str]) {
    for (service, _) in SERVICES {
        let question = format!("{service}.{DOMAIN}. SRV");
        eventually(&format!("{question}: {records:?}"), || ask(server, &question).is(records).then_some(()));
    }
}

#[test]
fn every_service_of_a_relay_flips_to_the_standby_and_back() {
    let (folder, mut node, standby) = (Folder::new(), Coturn::start(), Coturn::start());
    let config = config(&folder, node.address, standby.address, "");
    let server = Server::serve(&[&config], "none".as_ref());
    server.answering();
    let address = server.address();
    wait(address, BOTH);
    node.signal("STOP");
    wait(address, STANDBY);
    node.signal("CONT");
    wait(address, BOTH);
    node.kill();
    wait(address, STANDBY);
}

#[test]
fn a_server_logs_in_once_an_interval_and_stops_where_it_is_refused() {
    let (folder, node, standby) = (Folder::new(), Coturn::start(), Coturn::start());
    let check = |file: &str| {
        format!(
            "[[service]]\nmatch = \"_turn._udp.{DOMAIN}\"\ncheck = {{ kind = \"turn\", user = \"probe\", \
             password-file = \"{file}\" }}\n"
        )
    };
    folder.write("wrong", "swordfish");
    folder.write("right", "sesame");
    let config_path = config(&folder, node.address, standby.address, &check("wrong"));
    let server = Server::serve(&[&config_path], "none".as_ref());
    server.answering();
    let incorrect = || node.log().matches("credentials are incorrect").count();
    let refused = |count: usize| {
        let lines = server.log.text().lines().filter(|line| line.contains("credentials refused")).count();
        (lines == count).then_some(())
    };
    eventually("both relays refuse", || refused(2));
    // Some probes later, and after a reload of the same, nothing more was tried.
    let asked = || node.log().matches("error 401").count();
    let before = asked();
    eventually("more probes", || (asked() >= before + 8).then_some(()));
    server.reload("reloaded");
    let before = asked();
    eventually("more probes", || (asked() >= before + 8).then_some(()));
    assert_eq!(incorrect(), 1, "{}", node.log());
    wait(server.address(), BOTH);

    // Another password is another check: it is tried, and taken.
    config(&folder, node.address, standby.address, &check("right"));
    server.reload("reloaded");
    eventually("an allocation that is given back", || node.log().contains("lifetime=0").then_some(()));
    let log = server.log.text();
    assert!(!log.contains("swordfish") && !log.contains("sesame"), "{log}");
    assert_eq!(incorrect(), 1);
}
