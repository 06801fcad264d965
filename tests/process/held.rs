//! Held connections: a target's process dies, says farewell, or hangs; what is measured is the answer.

use std::io::Write as _;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::time::{Duration, Instant};

use crate::client::{DECLARED, STANDBY, ask_sip, metric, query, wait_sip};
use crate::server::{Folder, Program, Server, eventually};
use crate::target::{Hosts, PORT, Target};

/// Polling alone would notice nothing within a test: what is noticed at all is noticed by a held connection.
const RARE: &str = "version = 1\n[server]\nmetrics-listen = \"127.0.0.1:0\"\n[health]\ninterval = \"1h\"\n";
/// The targets speak no SIP.
const TCP: &str = "[[service]]\nmatch = \"_sip._tcp.example.com\"\ncheck = { kind = \"tcp\" }\n";

/// A target that is a process of its own: another DNS server, which keeps idle connections for long and answers
/// questions on them.
fn process(folder: &Folder, ip: Ipv4Addr) -> Server {
    let config = folder.write(&format!("{ip}.toml"), "version = 1\n[server]\ntcp-idle = \"10m\"\n");
    let zone = folder.write("target.example.zone", ZONE);
    let listen = SocketAddr::from((ip, PORT)).to_string();
    let program = Program::new(&["serve", "--static", "--state", "none", "--listen", &listen]);
    let server = program.argument(config).argument(zone).start();
    server.answering();
    server
}

const ZONE: &str = "$ORIGIN target.example.\n$TTL 60\n@ SOA ns h 1 3600 600 86400 60\n@ NS ns\nns A 127.0.0.1\n";

/// A server under test whose preferred hosts are processes, with a connection held to each of three.
fn stage(settings: &str) -> (Folder, Server, [Server; 2], Server, Hosts) {
    let (folder, hosts) = (Folder::new(), Hosts::new());
    let targets = [process(&folder, hosts.node1), process(&folder, hosts.node2)];
    let standby = process(&folder, hosts.standby);
    let config = folder.write("understudy.toml", format!("{RARE}{settings}{TCP}"));
    let zone = folder.write("example.com.zone", hosts.zone());
    let server = Server::serve(&[&config, &zone], "none".as_ref());
    server.answering();
    let metrics = server.metrics();
    eventually("three held connections", || (metric(metrics, "understudy_watch_held") >= 3.0).then_some(()));
    (folder, server, targets, standby, hosts)
}

/// Kills both preferred hosts and returns how long the answer took to change.
fn die(server: &Server, targets: &[Server; 2]) -> Duration {
    let address = server.address();
    assert!(ask_sip(address).is(DECLARED));
    let begin = Instant::now();
    for target in targets {
        target.signal("KILL");
    }
    wait_sip(address, STANDBY);
    begin.elapsed()
}

#[test]
fn a_process_that_is_killed_leaves_the_answer_at_once() {
    let (_folder, server, targets, _standby, _) = stage("fall = 1\n");
    let passed = die(&server, &targets);
    println!("fall = 1: the answer changed {passed:.2?} after the first SIGKILL");
}

#[test]
fn with_default_thresholds_a_killed_process_leaves_the_answer_too() {
    let (_folder, server, targets, _standby, _) = stage("");
    let passed = die(&server, &targets);
    println!("defaults: the answer changed {passed:.2?} after the first SIGKILL");
    assert!(metric(server.metrics(), "understudy_watch_ends_total{meaning=\"break\"}") >= 2.0);
}

#[test]
fn without_watch_nothing_is_held_and_only_polling_notices() {
    let (folder, hosts) = (Folder::new(), Hosts::new());
    let config = folder.write("understudy.toml", format!("{RARE}watch = false\n{TCP}"));
    let zone = folder.write("example.com.zone", hosts.zone());
    let [node1, _node2, _standby] = hosts.up();
    let server = Server::serve(&[&config, &zone], "none".as_ref());
    server.answering();
    drop(node1);
    crate::server::stays("the declared set", || ask_sip(server.address()).is(DECLARED));
    assert!(metric(server.metrics(), "understudy_watch_held") < 1.0);
}

#[test]
fn a_server_that_says_farewell_on_the_held_connection_is_leaving() {
    let (folder, hosts) = (Folder::new(), Hosts::new());
    let config = folder.write("understudy.toml", format!("{RARE}{TCP}"));
    let zone = folder.write("example.com.zone", hosts.zone());
    let listener = TcpListener::bind((hosts.node1, PORT)).unwrap();
    let _others = (Target::up(hosts.node2), Target::up(hosts.standby));
    let server = Server::serve(&[&config, &zone], "none".as_ref());
    let mut probe = listener.accept().unwrap().0;
    std::io::copy(&mut probe, &mut std::io::sink()).unwrap();
    drop(probe);
    let mut held = listener.accept().unwrap().0;
    server.answering();
    held.write_all(b"<stream:error><system-shutdown xmlns='urn:ietf:params:xml:ns:xmpp-streams'/>").unwrap();
    let (_, line) = server.log.wait_from(0, &["health changed", "\"leaving\""]);
    assert_eq!(line["probe.target"], format!("tcp {}:{PORT}", hosts.node1));
    wait_sip(server.address(), &["10 30 sip-node2", "20 0 sip-dr"]);
}

#[test]
fn a_hung_process_is_found_by_polling_although_its_connection_stands() {
    let octets = [&[0_u8, 0], query("target.example. SOA").as_slice()].concat();
    let length = u8::try_from(octets.len() - 2).unwrap();
    let send: String = octets.iter().map(|octet| format!("\\u{octet:04x}")).collect();
    let send = send.replacen("\\u0000\\u0000", &format!("\\u0000\\u{length:04x}"), 1);
    let settings = format!(
        "interval = \"1s\"\nfast-interval = \"500ms\"\ntimeout = \"500ms\"\nfall = 2\n[[service]]\n\
         match = \"_sip._tcp.example.com\"\ncheck = {{ kind = \"tcp\", send = \"{send}\", expect = \"target\" }}\n"
    );
    let (folder, hosts) = (Folder::new(), Hosts::new());
    let targets = [process(&folder, hosts.node1), process(&folder, hosts.node2)];
    let _standby = process(&folder, hosts.standby);
    let config = folder.write("understudy.toml", format!("version = 1\n[health]\n{settings}"));
    let zone = folder.write("example.com.zone", hosts.zone());
    let server = Server::serve(&[&config, &zone], "none".as_ref());
    server.answering();
    assert!(ask_sip(server.address()).is(DECLARED));
    let begin = Instant::now();
    // By reference: a target that is dropped is killed, and its connections end.
    for target in &targets {
        target.signal("STOP");
    }
    wait_sip(server.address(), STANDBY);
    let passed = begin.elapsed();
    println!("SIGSTOP: the answer changed after {passed:.2?}");
    // The promise is interval + fall * timeout and half a second; benches/detect measures it.
    let log = server.log.text();
    assert!(!log.contains("held connection broke") && !log.contains("refused"), "{log}");
}
