//! The start: silence until all is known or patience ends, readiness, broken zones.

use std::net::{SocketAddr, TcpListener};
use std::time::{Duration, Instant};

use hickory_proto::op::ResponseCode;

use crate::client::{Answer, DECLARED, SIP, ask, ask_sip, ask_within, query, send_tcp, wait_sip};
use crate::failover::quick;
use crate::server::{Folder, Network, Program, SOON, Server, eventually, in_some_round};
use crate::target::{Hosts, Target};

/// Runs `understudy ready`.
pub(crate) fn ready(server: SocketAddr) -> (i32, String) {
    Program::new(&["ready", "--server", &server.to_string()]).end()
}

const READY: &str = "ready.understudy. TXT CH";

#[test]
fn a_start_with_unknown_targets_is_silent_and_not_ready_for_three_seconds_then_answers_as_declared() {
    in_some_round("all is asked before patience ends", || {
        let (folder, hosts) = (Folder::new(), Hosts::new());
        let zone = folder.write("example.com.zone", hosts.zone());
        let _deaf = hosts.deaf();
        let begin = Instant::now();
        let server = Server::serve(&[&zone], "none".as_ref());
        let address = server.address();

        let not_ready = (1, format!("{address} is not ready: starting\n"));
        let is_starting = ask(address, READY).records == ["not ready: starting"]
            && ready(address) == not_ready
            && ask_within(address, SIP, Duration::from_millis(300)).is_none()
            && send_tcp(address, &query(SIP), Duration::from_millis(300)).is_none();
        // Who has come by a connection is answered when the start is over.
        let patient = std::thread::spawn(move || send_tcp(address, &query(SIP), SOON));

        let waited = server.answering() - begin;
        assert!(waited >= Duration::from_secs(3), "{waited:?}");
        assert!(ask_sip(address).is(DECLARED));
        assert!(Answer::read(&patient.join().unwrap().unwrap()).is(DECLARED));
        assert_eq!(ask(address, READY).records, ["ready"]);
        assert_eq!(ready(address), (0, format!("{address} is ready\n")));
        is_starting
    });
}

#[test]
fn a_start_answers_as_soon_as_every_target_is_known() {
    let (folder, hosts) = (Folder::new(), Hosts::new());
    let zone = folder.write("example.com.zone", hosts.zone());
    let _up = hosts.up();
    let server = Server::serve(&[&zone], "none".as_ref());
    server.address();
    let (_, line) = server.log.wait_from(0, &["\"answering\""]);
    assert_eq!(line["every_target_known"], true);
}

#[test]
fn a_static_start_answers_at_once_as_declared() {
    let (folder, hosts) = (Folder::new(), Hosts::new());
    let zone = folder.write("example.com.zone", hosts.zone());
    in_some_round("it does not wait for patience to end", || {
        let server = Server::program(&[&zone], "none".as_ref()).argument("--static").start();
        let listening = server.log.wait_from(0, &["listening on UDP and TCP"]).0;
        let waited = server.answering() - listening;
        assert!(ask_sip(server.address()).is(DECLARED));
        waited < Duration::from_secs(2)
    });
}

#[test]
fn ready_says_no_where_no_server_is() {
    let address = SocketAddr::from((Network::new().take(), 5300));
    let (code, said) = ready(address);
    assert_eq!(code, 1);
    assert!(said.starts_with(&format!("{address} gives no answer: ")), "{said}");
}

#[test]
fn a_broken_zone_among_good_ones_is_servfail_with_its_line_in_the_log_and_a_remark_of_readiness() {
    let (folder, hosts) = (Folder::new(), Hosts::new());
    let zone = folder.write("example.com.zone", hosts.zone());
    let broken = folder.write("example.net.zone", hosts.zone().replace("A 127.0.0.1", "A 127.0.0"));
    let broken_text = std::fs::read_to_string(&broken).unwrap().replace("example.com", "example.net");
    folder.write("example.net.zone", broken_text);
    let _up = hosts.up();
    let server = Server::serve(&[&zone, &broken], "none".as_ref());
    let address = server.address();
    server.answering();

    assert!(ask_sip(address).is(DECLARED));
    assert_eq!(ask(address, "_sip._tcp.example.net. SRV").rcode, ResponseCode::ServFail);
    let (_, line) = server.log.wait_from(0, &["example.net.zone:5:"]);
    assert_eq!(line["level"], "ERROR", "{line}");
    let reason = "broken zones are answered SERVFAIL: example.net.";
    // Records are sorted.
    assert_eq!(ask(address, READY).records, [reason, "ready"]);
    assert_eq!(ready(address), (0, format!("{address} is ready\n{reason}\n")));
    let live = Program::new(&["ready", "--live", "--server", &address.to_string()]).end();
    assert_eq!(live, (0, format!("{address} is live\n")));
    drop(server);

    let config = folder.write("understudy.toml", "version = 1\n[server]\nready = \"every-zone\"\n");
    let server = Server::serve(&[&config, &zone, &broken], "none".as_ref());
    let address = server.address();
    server.answering();
    assert_eq!(ready(address), (1, format!("{address} is not ready: {reason}\n")));
}

#[test]
fn ready_finds_the_server_by_its_state_folder() {
    let (folder, hosts) = (Folder::new(), Hosts::new());
    let zone = folder.write("example.com.zone", hosts.zone());
    let state = folder.path("state");
    let server = Server::program(&[&zone], &state).argument("--static").start();
    server.answering();
    let address = server.address();
    let ready = || Program::new(&["ready"]).variable("STATE_DIRECTORY", &state).end();
    eventually("the address in the state folder", || (ready() == (0, format!("{address} is ready\n"))).then_some(()));
}

#[test]
fn with_strict_zones_a_broken_zone_refuses_the_start() {
    let (folder, hosts) = (Folder::new(), Hosts::new());
    let config = folder.write("understudy.toml", "version = 1\n[server]\nstrict-zones = true\n");
    let zone = folder.write("example.com.zone", hosts.zone());
    let broken =
        folder.write("example.net.zone", "@ 60 IN SOA ns1 hostmaster 1 2 3 4 5\n@ 60 IN NS ns1\nns1 60 IN A x\n");
    let (code, said) = Server::program(&[&config, &zone, &broken], "none".as_ref()).end();
    assert_eq!(code, 2, "{said}");
    assert!(said.contains("example.net.zone:3:"), "{said}");
}

#[test]
fn ready_asks_where_the_config_of_the_environment_says() {
    let (folder, hosts) = (Folder::new(), Hosts::new());
    let address = SocketAddr::from((Network::new().take(), 5300));
    folder.write("example.com.zone", hosts.zone());
    let text = format!("version = 1\n[server]\nlisten = [\"{address}\"]\n[[zone]]\nfile = \"example.com.zone\"\n");
    let config = folder.write("understudy.toml", text);
    let ready = || Program::new(&["ready"]).variable("UNDERSTUDY_CONFIG", &config).end();
    assert_eq!(ready().0, 1);
    let program = Program::new(&["serve", "--static", "--state", "none"]).variable("UNDERSTUDY_CONFIG", &config);
    let server = program.start();
    server.answering();
    assert_eq!(ready(), (0, format!("{address} is ready\n")));
    assert!(ask_sip(address).is(DECLARED));
}

#[test]
fn targets_and_listeners_may_be_of_ipv6() {
    if TcpListener::bind("[::1]:0").is_err() {
        println!("not shown: this machine has no ::1");
        return;
    }
    let any = "[::1]:0".parse().unwrap();
    let [node1, node2] = [Target::at(any), Target::at(any)];
    let [port1, port2] = [&node1, &node2].map(|node| node.address().port());
    let folder = Folder::new();
    let text = format!(
        "$ORIGIN example.com.\n$TTL 300\n@ IN SOA ns1 hostmaster 1 3600 600 604800 30\n@ IN NS ns1\nns1 IN AAAA ::1\n\
         _sip._tcp IN SRV 10 1 {port1} node\n_sip._tcp IN SRV 20 2 {port2} node\nnode IN AAAA ::1\n"
    );
    let zone = folder.write("example.com.zone", text);
    let config = folder.write("understudy.toml", quick("60s"));
    let server = Server::program(&[&config, &zone], "none".as_ref()).argument("--listen").argument("[::1]:0").start();
    server.answering();
    let address = server.address();
    let v6 = server.log.wait_from(0, &["listening on UDP and TCP", "[::1]"]).1["listen"].as_str().unwrap().to_owned();
    let v6: SocketAddr = v6.parse().unwrap();
    assert!(send_tcp(v6, &query(SIP), SOON).is_some());
    assert_eq!(ready(v6).0, 0);
    assert!(ask_sip(address).is(&["10 1 node", "20 2 node"]));
    drop(node1);
    wait_sip(address, &["20 2 node"]);
}
