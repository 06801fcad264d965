//! gRPC's own library, with a health service whose messages its own protobuf writes.

use std::fs;

use rustix::process::Signal;

use crate::certificates;
use crate::foreign::Foreign;
use crate::probe::{probe, probe_trusting, probe_with};

/// Starts the service on an address: plain on port 23051, in TLS on 23052.
fn start(address: &str) -> Foreign {
    let name = format!("grpc-{address}");
    // Debian's Python, whatever else is in PATH: it has the package.
    let program = ["/usr/bin/python3", "@/health.py", address];
    let mut server = Foreign::start(&name, &program, |folder| {
        certificates::write(folder);
        fs::write(folder.join("health.py"), include_str!("health.py")).unwrap();
    });
    server.wait_for(|| probe(&format!("tcp://{address}:23052")).passes());
    server
}

#[test]
fn what_serves_passes_and_what_does_not_drains() {
    let server = start("127.0.23.11");
    let ca = server.folder.join("ca.pem");
    for base in ["grpc://127.0.23.11:23051", "grpc+tls://127.0.23.11:23052"] {
        let ask = |service: &str| probe_trusting(&format!("{base}/shop.example/{service}"), &ca);
        ask("").saw("pass", "").step("call", "SERVING");
        ask("sip").saw("drain", "\"sip\" is NOT_SERVING");
        ask("new").saw("fail", "the state of \"new\" is UNKNOWN");
        ask("none").saw("fail", "\"none\" is not known here (NOT_FOUND)");
    }
    probe_trusting("grpc+tls://127.0.23.11:23052/other.example", &ca).saw("fail", "shop.example");
}

#[test]
fn a_stopped_service_is_silent_and_a_killed_one_refuses() {
    let mut server = start("127.0.23.12");
    let url = "grpc://127.0.23.12:23051/shop.example";
    server.signal(Signal::STOP);
    probe_with(url, &["--timeout", "0.5"]).saw("silent", "no answer within 500ms");
    probe("tcp://127.0.23.12:23051").saw("pass", "");
    server.signal(Signal::CONT);
    probe(url).saw("pass", "");
    server.kill();
    probe(url).saw("fail", "connection refused");
}

/// It speaks HTTP/2 alone: to the check of web servers it says so, or it closes the connection, whichever is first.
#[test]
fn the_check_of_web_servers_gets_an_answer_or_the_end() {
    let _server = start("127.0.23.13");
    let probed = probe("http://127.0.23.13:23051/shop.example");
    assert!(matches!(probed.told["outcome"].as_str(), Some("pass" | "fail")), "{probed:?}");
}
