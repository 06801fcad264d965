//! Knot as a target: a zone, one answer that does not fit into a datagram.

use std::fs;

use rustix::process::Signal;

use crate::foreign::Foreign;
use crate::probe::{probe, probe_with};

fn start(address: &str) -> Foreign {
    let program = ["knotd", "-c", "@/knot.conf"];
    let mut knot = Foreign::start(&format!("knot-{address}"), &program, |folder| {
        let inside = folder.display().to_string();
        fs::write(folder.join("knot.conf"), CONFIG.replace("@FOLDER", &inside).replace("@ADDRESS", address)).unwrap();
        let mut zone = ZONE.to_owned();
        for number in 0..40 {
            zone.push_str(&format!("large TXT \"{number} {}\"\n", "x".repeat(60)));
        }
        fs::write(folder.join("shop.example.zone"), zone).unwrap();
    });
    knot.wait_for(|| probe(&format!("dns://{address}:23053/shop.example")).passes());
    knot
}

#[test]
fn a_zone_that_is_served_passes_and_others_fail() {
    let _knot = start("127.0.23.21");
    probe("dns://127.0.23.21:23053/shop.example").saw("pass", "").step("ask", "NOERROR, 1 record");
    probe("dns+tcp://127.0.23.21:23053/shop.example/A").saw("pass", "");
    probe("dns://127.0.23.21:23053/other.example").saw("fail", "answered REFUSED");
    probe("dns://127.0.23.21:23053/none.shop.example").saw("fail", "answered NXDOMAIN");
    probe("dns://127.0.23.21:23053/shop.example/AAAA").saw("fail", "without a record of type AAAA");
}

#[test]
fn an_answer_that_is_cut_off_is_fetched_over_tcp() {
    let _knot = start("127.0.23.22");
    let large = probe("dns://127.0.23.22:23053/large.shop.example/TXT");
    large.saw("pass", "").step("ask", "cut off").step("ask", "NOERROR, 40 records");
}

#[test]
fn a_stopped_server_is_silent_and_a_killed_one_refuses() {
    let mut knot = start("127.0.23.23");
    let url = "dns://127.0.23.23:23053/shop.example";
    knot.signal(Signal::STOP);
    probe_with(url, &["--timeout", "0.5"]).saw("silent", "no answer within 500ms");
    probe("tcp://127.0.23.23:23053").saw("pass", "");
    knot.signal(Signal::CONT);
    probe(url).saw("pass", "");
    knot.kill();
    probe(url).saw("fail", "connection refused");
}

const CONFIG: &str = r#"
server:
    rundir: "@FOLDER"
    listen: @ADDRESS@23053
    udp-workers: 1
    tcp-workers: 1
    background-workers: 1
log:
  - target: stderr
    any: info
database:
    storage: "@FOLDER/db"
zone:
  - domain: shop.example
    storage: "@FOLDER"
    file: shop.example.zone
"#;

const ZONE: &str = "$ORIGIN shop.example.
$TTL 30
@ SOA ns hostmaster 1 3600 600 86400 30
@ NS ns
@ A 127.0.23.21
ns A 127.0.23.21
";
