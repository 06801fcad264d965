//! What `understudy serve` answers while Kamailio fails in part, is stopped, and dies.

use std::net::SocketAddr;

use crate::client::ask;
use crate::kamailio::{DOMAIN, Kamailio, PORT};
use crate::server::{Folder, Server, eventually};
use crate::sipp::{self, Sipp};

const BOTH: &[&str] = &["10 0 node", "20 0 standby"];
const STANDBY: &[&str] = &["20 0 standby"];

/// A config in which all happens soon, and its zone: a service over UDP and one over TCP, on two hosts.
fn config(folder: &Folder, hosts: [(std::net::Ipv4Addr, u16); 2]) -> std::path::PathBuf {
    let [(node, port), (standby, standby_port)] = hosts;
    let records = ["_udp", "_tcp"].map(|transport| {
        format!("_sip.{transport} IN SRV 10 0 {port} node\n_sip.{transport} IN SRV 20 0 {standby_port} standby\n")
    });
    let zone = format!(
        "$ORIGIN {DOMAIN}.\n$TTL 60\n@ IN SOA ns1 hostmaster 1 3600 600 604800 30\n@ IN NS ns1\nns1 IN A 127.0.0.1\n\
         node IN A {node}\nstandby IN A {standby}\n{}",
        records.concat()
    );
    folder.write("voice.example.zone", zone);
    let text = "version = 1\n[health]\ninterval = \"400ms\"\nfast-interval = \"200ms\"\ndown-interval = \"400ms\"\n\
        confirm-interval = \"100ms\"\ntimeout = \"700ms\"\n[policy]\nhold = \"1s\"\n[[zone]]\nfile = \"voice.example.zone\"\n";
    folder.write("understudy.toml", text)
}

#[track_caller]
fn wait(server: SocketAddr, transport: &str, records: &[&str]) {
    let question = format!("_sip.{transport}.{DOMAIN}. SRV");
    eventually(&format!("{question}: {records:?}"), || ask(server, &question).is(records).then_some(()));
}

#[test]
fn each_transport_follows_what_kamailio_answers_over_it() {
    let (folder, mut node, standby) = (Folder::new(), Kamailio::start(), Kamailio::start());
    let config = config(&folder, [(node.address, PORT), (standby.address, PORT)]);
    let server = Server::serve(&[&config], "none".as_ref());
    server.answering();
    let address = server.address();
    wait(address, "_udp", BOTH);
    wait(address, "_tcp", BOTH);

    node.signal_udp_worker("STOP");
    wait(address, "_udp", STANDBY);
    assert!(ask(address, &format!("_sip._tcp.{DOMAIN}. SRV")).is(BOTH), "TCP is well");
    node.signal_udp_worker("CONT");
    wait(address, "_udp", BOTH);

    node.signal("STOP");
    wait(address, "_udp", STANDBY);
    wait(address, "_tcp", STANDBY);
    node.signal("CONT");
    wait(address, "_udp", BOTH);
    wait(address, "_tcp", BOTH);

    node.kill();
    wait(address, "_udp", STANDBY);
    wait(address, "_tcp", STANDBY);
}

#[test]
fn a_server_that_says_it_is_leaving_is_out_after_one_answer() {
    let (folder, node, standby) = (Folder::new(), Sipp::start("udp", "503 Bye\nRetry-After: 60"), Kamailio::start());
    let config = config(&folder, [(node.address, sipp::PORT), (standby.address, PORT)]);
    let server = Server::serve(&[&config], "none".as_ref());
    server.answering();
    let (_, line) = server.log.wait_from(0, &["Retry-After 60 s"]);
    assert_eq!(
        [line["health.from"].as_str(), line["health.to"].as_str()],
        [Some("unknown"), Some("leaving")],
        "{line}"
    );
    wait(server.address(), "_udp", STANDBY);
}
