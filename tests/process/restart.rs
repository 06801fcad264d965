//! The end of the process, kind or not, and the next start from what it left.

use std::net::{TcpListener, TcpStream, UdpSocket};
use std::path::Path;
use std::time::{Duration, Instant};

use crate::client::{DECLARED, STANDBY, ask_sip, fetch, serial, wait_sip};
use crate::failover::quick;
use crate::server::{Folder, Server, in_some_round, wait_for_state};
use crate::target::{Hosts, Target};

/// Starts with deaf targets and checks that the standby alone is answered before any probe can have said anything.
#[track_caller]
fn serves_the_standby_at_once(files: &[&Path], state: &Path, hosts: &Hosts) -> u32 {
    let deaf = hosts.deaf();
    let begin = Instant::now();
    let server = Server::serve(files, state);
    let address = server.address();
    server.answering();
    let answer = ask_sip(address);
    let metrics = fetch(server.metrics(), "/metrics");
    println!("same decision {:.2?} after the start, before any probe has ended", begin.elapsed());
    drop(deaf);

    assert!(answer.is(STANDBY), "{answer:?}");
    // Of the deaf targets nothing is known for as long as a test may take.
    assert!(!metrics.contains("\nunderstudy_probe_outcomes_total{"), "a probe has ended: {metrics}");
    serial(address)
}

#[test]
fn after_kill_9_the_same_decision_is_served_before_any_probe_has_ended_and_the_serial_grows() {
    let (folder, hosts) = (Folder::new(), Hosts::new());
    let state = folder.path("state");
    let config = folder.write("understudy.toml", quick("60s"));
    let zone = folder.write("example.com.zone", hosts.zone());
    let [node1, node2, standby] = hosts.up();
    let server = Server::serve(&[&config, &zone], &state);
    let address = server.address();
    server.answering();
    drop((node1, node2));
    wait_sip(address, STANDBY);
    wait_for_state(&state, "conclusive", 2);
    let before = serial(address);
    server.kill();
    drop(standby);

    let after = serves_the_standby_at_once(&[&config, &zone], &state, &hosts);
    assert!(after > before, "serial {after} after {before}");
}

#[test]
fn after_kill_9_the_standby_keeps_the_part_until_the_hold_is_over_though_all_are_up() {
    let (folder, hosts) = (Folder::new(), Hosts::new());
    let state = folder.path("state");
    let config = folder.write("understudy.toml", quick("2s"));
    let zone = folder.write("example.com.zone", hosts.zone());
    let [node1, node2, _standby] = hosts.up();
    let server = Server::serve(&[&config, &zone], &state);
    let address = server.address();
    server.answering();
    drop((node1, node2));
    wait_sip(address, STANDBY);
    wait_for_state(&state, "conclusive", 2);
    server.kill();

    let _returned = (Target::up(hosts.node1), Target::up(hosts.node2));
    let begin = Instant::now();
    let server = Server::serve(&[&config, &zone], &state);
    let address = server.address();
    server.answering();
    wait_sip(address, DECLARED);
    assert!(begin.elapsed() >= Duration::from_secs(2), "failback after {:?}", begin.elapsed());
}

#[test]
fn sigterm_writes_the_last_decision_closes_the_listeners_and_exits_0() {
    let (folder, hosts) = (Folder::new(), Hosts::new());
    let state = folder.path("state");
    let config = folder.write("understudy.toml", quick("60s"));
    let zone = folder.write("example.com.zone", hosts.zone());
    let [node1, node2, standby] = hosts.up();
    let mut server = Server::serve(&[&config, &zone], &state);
    let address = server.address();
    server.answering();
    let idle = TcpStream::connect(address).unwrap();
    drop((node1, node2));
    wait_sip(address, STANDBY);
    let before = serial(address);

    // At once: what is not on disk yet is written now.
    let (status, _) = server.terminate();
    assert_eq!(status.code(), Some(0));
    drop(idle);
    drop(standby);
    drop((UdpSocket::bind(address).unwrap(), TcpListener::bind(address).unwrap()));
    server.log.wait_from(0, &["\"stopped\""]);

    let after = serves_the_standby_at_once(&[&config, &zone], &state, &hosts);
    assert!(after > before, "serial {after} after {before}");
}

#[test]
fn sigterm_while_probes_hang_and_a_query_is_half_sent_ends_within_seconds() {
    in_some_round("it ends within seconds", || {
        let (folder, hosts) = (Folder::new(), Hosts::new());
        let zone = folder.write("example.com.zone", hosts.zone());
        let _deaf = hosts.deaf();
        let mut server = Server::serve(&[&zone], &folder.path("state"));
        let address = server.address();
        let mut half = TcpStream::connect(address).unwrap();
        std::io::Write::write_all(&mut half, &[0, 40, 1, 2]).unwrap();

        let (status, passed) = server.terminate();
        assert_eq!(status.code(), Some(0), "{}", server.log.text());
        passed < Duration::from_secs(5)
    });
}

#[test]
fn killed_at_any_moment_it_starts_again_with_a_right_answer_and_a_greater_serial() {
    let (folder, hosts) = (Folder::new(), Hosts::new());
    let state = folder.path("state");
    let config = folder.write("understudy.toml", quick("60s"));
    let zone = folder.write("example.com.zone", hosts.zone());
    let [mut node1, _node2, _standby] = hosts.up().map(Some);
    let mut last = 0;
    for round in 0..5 {
        let server = Server::serve(&[&config, &zone], &state);
        let address = server.address();
        server.answering();
        let serial = serial(address);
        assert!(serial > last, "serial {serial} after {last}");
        last = serial;
        // At the very moment of a change, with nothing known of what is on disk.
        if round % 2 == 0 {
            node1 = None;
            wait_sip(address, &["10 30 sip-node2", "20 0 sip-dr"]);
        } else {
            node1 = Some(Target::up(hosts.node1));
            wait_sip(address, DECLARED);
        }
        server.kill();
    }
    drop(node1);
}
