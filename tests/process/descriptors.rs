//! No file descriptor is left: probes learn nothing then, and nobody is taken down for it.

use std::net::{SocketAddr, TcpStream};
use std::process::Command;
use std::time::Duration;

use crate::client::{ask, metric};
use crate::failover::quick;
use crate::server::{Folder, Server, eventually, stays};
use crate::target::Hosts;

const LOAD: &str = "_load._tcp.example.com. SRV";
const DECLARED: &[&str] = &["10 30 sip-node2", "10 70 sip-node1", "20 0 sip-dr"];
const UNKNOWN: &str = "understudy_probe_outcomes_total{kind=\"tcp\",outcome=\"unknown\"}";

const ANSWERS: &str = "understudy_dns_responses_total{transport=\"udp\",rcode=\"noerror\"}";
/// The first takes three seconds, in which every target is tested three times on an idle machine; each is longer than the last.
const ROUNDS: usize = 8;

#[test]
fn without_descriptors_outcomes_are_unknown_nobody_is_down_and_questions_are_answered() {
    let (folder, hosts) = (Folder::new(), Hosts::new());
    let config = quick("1s").replace("[server]", "[server]\ntcp-idle = \"10m\"\ntcp-limit-per-client = 1000");
    let config = folder.write("understudy.toml", config);
    let zone = folder.write("example.com.zone", hosts.zone().replace("_sip._tcp", "_load._tcp"));
    let [node1, _node2, _standby] = hosts.up();
    let mut program = Server::program(&[&config, &zone], &folder.path("state"));
    let mut limited = Command::new("sh");
    limited.args(["-c", "ulimit -n 64; exec \"$0\" \"$@\""]);
    limited.arg(program.command.get_program()).args(program.command.get_args());
    program.command = limited;
    let server = program.start();
    let (address, metrics) = (server.address(), server.metrics());
    server.answering();
    server.log.wait_from(0, &["few file descriptors"]);
    assert!(ask(address, LOAD).is(DECLARED));
    assert_eq!(metric(metrics, UNKNOWN), 0.0);

    let from = server.log.len();
    // A round without a test in it (a busy machine) shows nothing: the next one does.
    let learnt = (1..=ROUNDS).any(|round| {
        take_all(address, 10 * round);
        eventually("metrics again", || (metric(metrics, ANSWERS) > 0.0).then_some(()));
        metric(metrics, UNKNOWN) > 0.0
    });
    assert!(learnt, "no outcome was unknown");
    let log = server.log.text();
    assert!(!log.lines().skip(from).any(|line| line.contains("health changed")), "{log}");

    // Judgement goes on.
    drop(node1);
    eventually("the other two", || ask(address, LOAD).is(&["10 30 sip-node2", "20 0 sip-dr"]).then_some(()));
}

/// Clients that say nothing take all descriptors that there are, for some time.
fn take_all(address: SocketAddr, whiles: usize) {
    let idle: Vec<TcpStream> =
        (0..100).map_while(|_| TcpStream::connect_timeout(&address, Duration::from_secs(5)).ok()).collect();
    assert!(idle.len() >= 64, "{}", idle.len());
    for _ in 0..whiles {
        stays("all are served", || ask(address, LOAD).is(DECLARED));
    }
}
