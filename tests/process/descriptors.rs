//! No file descriptor is left: probes learn nothing then, and nobody is taken down for it.

use std::net::TcpStream;
use std::process::Command;
use std::time::Duration;

use crate::client::{ask, metric};
use crate::failover::quick;
use crate::server::{Folder, Server, eventually, stays};
use crate::target::Hosts;

const LOAD: &str = "_load._tcp.example.com. SRV";
const DECLARED: &[&str] = &["10 30 sip-node2", "10 70 sip-node1", "20 0 sip-dr"];
const UNKNOWN: &str = "understudy_probe_outcomes_total{kind=\"tcp\",outcome=\"unknown\"}";

#[test]
fn without_descriptors_outcomes_are_unknown_nobody_is_down_and_questions_are_answered() {
    let (folder, hosts) = (Folder::new(), Hosts::new());
    let config = quick("1s").replace("[server]", "[server]\ntcp-idle = \"60s\"\ntcp-limit-per-client = 1000");
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

    // Clients that say nothing take all that there are.
    let idle: Vec<TcpStream> =
        (0..100).map_while(|_| TcpStream::connect_timeout(&address, Duration::from_secs(1)).ok()).collect();
    assert!(idle.len() >= 64, "{}", idle.len());
    let from = server.log.len();
    for _ in 0..10 {
        stays("all are served", || ask(address, LOAD).is(DECLARED));
    }
    drop(idle);
    let learnt = || (metric(metrics, UNKNOWN) > 0.0).then_some(());
    eventually("outcomes that were unknown", learnt);
    let log = server.log.text();
    assert!(!log.lines().skip(from).any(|line| line.contains("health changed")), "{log}");

    // Judgement goes on.
    drop(node1);
    eventually("the other two", || ask(address, LOAD).is(&["10 30 sip-node2", "20 0 sip-dr"]).then_some(()));
}
