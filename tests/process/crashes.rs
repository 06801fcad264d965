//! A process with six ports crashes at any moment: how soon all its services are gone from the answers.
//!
//! `CRASHES=60 cargo test --test process crashes -- --nocapture` measures; by default it is a few rounds.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::time::{Duration, Instant};

use crate::client::{ask, metric};
use crate::server::{Folder, Network, Program, Server, eventually};

const PORTS: std::ops::Range<u16> = 5060..5066;
const ZONE: &str = "$ORIGIN target.example.\n$TTL 60\n@ SOA ns h 1 3600 600 86400 60\n@ NS ns\nns A 127.0.0.1\n";
const CONFIG: &str = "version = 1\n[server]\nmetrics-listen = \"127.0.0.1:0\"\n[health]\nfall = 1\nrise = 1\n\
    interval = \"2s\"\ndown-interval = \"1s\"\n[[service]]\nmatch = \"_sip._tcp.*.example.com\"\n\
    check = { kind = \"tcp\" }\n";

/// Another DNS server on all ports of an address.
fn process(config: &Path, zone: &Path, ip: Ipv4Addr) -> Server {
    let listen: Vec<String> = PORTS.map(|port| SocketAddr::from((ip, port)).to_string()).collect();
    let words = ["serve", "--static", "--state", "none"].into_iter();
    let words = words.chain(listen.iter().flat_map(|listen| ["--listen", listen.as_str()]));
    let server = Program::new(&words.collect::<Vec<_>>()).argument(config).argument(zone).start();
    server.answering();
    server
}

#[test]
fn all_services_of_a_process_that_crashes_are_gone_at_once() {
    let rounds: usize = std::env::var("CRASHES").map_or(3, |rounds| rounds.parse().unwrap());
    let (folder, network) = (Folder::new(), Network::new());
    let (preferred, standby) = (network.take(), network.take());
    let idle = folder.write("target.toml", "version = 1\n[server]\ntcp-idle = \"10m\"\n");
    let target_zone = folder.write("target.zone", ZONE);
    let mut zone = "$ORIGIN example.com.\n$TTL 300\n@ SOA ns h 1 1 1 1 30\n@ NS ns\nns A 127.0.0.1\n".to_owned();
    zone += &format!("one A {preferred}\ntwo A {standby}\n");
    for port in PORTS {
        zone += &format!("_sip._tcp.p{port} SRV 10 0 {port} one\n_sip._tcp.p{port} SRV 10 0 {port} two\n");
    }
    let zone = folder.write("example.com.zone", zone);
    let config = folder.write("understudy.toml", CONFIG);
    let _standby = process(&idle, &target_zone, standby);
    let mut target = process(&idle, &target_zone, preferred);
    let server = Server::serve(&[&config, &zone], "none".as_ref());
    let (address, metrics) = (server.address(), server.metrics());
    server.answering();
    let questions: Vec<String> = PORTS.map(|port| format!("_sip._tcp.p{port}.example.com. SRV")).collect();
    let lists =
        |question: &String, host: &str| ask(address, question).records.iter().any(|record| record.contains(host));

    let mut took = Vec::new();
    for round in 0..rounds {
        eventually("all twelve are held", || (metric(metrics, "understudy_watch_held") >= 12.0).then_some(()));
        eventually("all are served", || questions.iter().all(|question| lists(question, "one")).then_some(()));
        // At another point of the cadence each time.
        let phase = u64::try_from(round).unwrap() * 377 % 2_000;
        std::thread::sleep(Duration::from_millis(200 + phase));
        target.signal("KILL");
        let began = Instant::now();
        eventually("all are gone", || questions.iter().all(|question| !lists(question, "one")).then_some(()));
        took.push(began.elapsed());
        drop(target);
        target = process(&idle, &target_zone, preferred);
    }
    took.sort_unstable();
    let within = |millis| took.iter().filter(|took| **took <= Duration::from_millis(millis)).count();
    let (median, most) = (took[rounds / 2], took[rounds - 1]);
    println!(
        "{rounds} crashes: median {median:.1?}, most {most:.1?}; {} within 100 ms, {} within 300 ms",
        within(100),
        within(300)
    );
    assert!(median < Duration::from_secs(1), "{took:?}");
}
