//! The maintenance of a host as `docs/operations.md` has it, with a client that asks all the time: what is announced as the
//! end of the last cached answer is the end.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::sleep;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde_json::Value;

use crate::client::{Answer, DECLARED, SIP, ask_within, wait_sip};
use crate::failover::quick;
use crate::operate::{call, json};
use crate::server::{Folder, SOON, Server, eventually};
use crate::target::{Hosts, Target};

/// An answer that came, and when, in milliseconds of Unix time.
struct Seen {
    asked: u64,
    came: u64,
    answer: Answer,
}

impl Seen {
    fn names(&self, host: &str) -> bool {
        self.answer.records.iter().any(|record| record.ends_with(host))
    }

    /// Returns when it leaves the caches.
    fn expires(&self) -> u64 {
        self.came + u64::from(self.answer.ttl.unwrap_or_default()) * 1_000
    }
}

fn millis() -> u64 {
    u64::try_from(SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis()).unwrap()
}

/// Asks each 50 ms until it is told to stop.
fn watch(server: SocketAddr, stop: &AtomicBool) -> Vec<Seen> {
    let mut seen = Vec::new();
    while !stop.load(Ordering::Relaxed) {
        let asked = millis();
        if let Some(answer) = ask_within(server, SIP, SOON) {
            seen.push(Seen { asked, came: millis(), answer });
        }
        sleep(Duration::from_millis(50));
    }
    seen
}

/// A server with short TTLs that has run longer than they are: before that it cannot know what is cached.
fn serve(folder: &Folder, hosts: &Hosts) -> Server {
    let config = folder.write("understudy.toml", quick("0s") + "ttl = 4\nunsettled-ttl = 1\n");
    let zone = folder.write("example.com.zone", hosts.zone());
    let server = Server::serve(&[&config, &zone], &folder.path("state"));
    server.answering();
    let started = millis();
    eventually("the longest TTL is over", || (millis() > started + 5_000).then_some(()));
    server
}

/// The commands of the section on rehearsals.
fn script() -> Vec<String> {
    let page = include_str!("../../docs/operations.md");
    let section = page.split("## A rehearsal").nth(1).unwrap();
    let block = section.split("```").nth(1).unwrap();
    block.lines().skip(1).filter(|line| !line.is_empty()).map(str::to_owned).collect()
}

#[test]
fn in_a_rehearsal_no_answer_names_the_drained_host_after_the_announced_moment() {
    let (folder, hosts) = (Folder::new(), Hosts::new());
    let mut targets: Vec<Target> = hosts.up().into();
    let server = serve(&folder, &hosts);
    let (address, state) = (server.address(), folder.path("state"));
    let files = [folder.path("understudy.toml"), folder.path("example.com.zone")];
    let stop = AtomicBool::new(false);
    let (seen, safe, cleared) = std::thread::scope(|scope| {
        let watch = scope.spawn(|| watch(address, &stop));
        let (mut safe, mut cleared) = (0, 0);
        for line in script() {
            let words: Vec<&str> = line.split_whitespace().collect();
            match words[..] {
                ["understudy", ref words @ ..] => {
                    let files = files.iter().filter(|_| words[0] == "simulate").map(|file| file.to_str().unwrap());
                    cleared = if words[0] == "clear" { millis() } else { cleared };
                    let (code, said) = call(&state, &words.iter().copied().chain(files).collect::<Vec<_>>());
                    assert_eq!(code, 0, "{line}: {said}");
                    if words[0] == "drain" {
                        assert!(said.ends_with("no answer names it, and no cache holds one\n"), "{said}");
                        safe = millis();
                    }
                }
                ["ssh", "sip-node1", "systemctl", "stop", _] => drop(targets.remove(0)),
                ["ssh", "sip-node1", "systemctl", "start", _] => targets.push(Target::up(hosts.node1)),
                _ => panic!("no such step: {line}"),
            }
        }
        wait_sip(address, DECLARED);
        stop.store(true, Ordering::Relaxed);
        (watch.join().unwrap(), safe, cleared)
    });
    let late = |seen: &&Seen| seen.names("sip-node1") && seen.came >= safe && seen.came < cleared;
    assert_eq!(seen.iter().filter(late).count(), 0);
    let cached = |seen: &&Seen| seen.names("sip-node1") && seen.asked < safe && seen.expires() > safe + 1_000;
    assert_eq!(seen.iter().filter(cached).count(), 0, "a cache may hold what is said to be gone");
    assert!(seen.iter().any(|seen| seen.names("sip-node1") && seen.asked < safe));
}

#[test]
fn the_announced_moment_is_that_of_the_last_answer_and_none_if_nobody_asked() {
    let (folder, hosts) = (Folder::new(), Hosts::new());
    let _targets = hosts.up();
    let server = serve(&folder, &hosts);
    let (address, state) = (server.address(), folder.path("state"));
    let drain = |host: &str| {
        let given: Value = json(&state, &["drain", host]);
        given["expires_ms"].as_u64().unwrap()
    };
    // Whoever asked last did so before the longest TTL.
    let quiet = drain("sip-node2");
    assert!(quiet <= millis(), "nobody has asked, and yet it is waited for {} ms", quiet.saturating_sub(millis()));
    let (code, said) = call(&state, &["drain", "sip-node2"]);
    assert!(code == 0 && said.contains("\nno cache holds an answer that names it\n"), "{said}");

    let stop = AtomicBool::new(false);
    let (seen, announced) = std::thread::scope(|scope| {
        let watch = scope.spawn(|| watch(address, &stop));
        wait_sip(address, &["10 70 sip-node1", "20 0 sip-dr"]);
        let announced = drain("sip-node1");
        wait_sip(address, &["20 0 sip-dr"]);
        stop.store(true, Ordering::Relaxed);
        (watch.join().unwrap(), announced)
    });
    let naming: Vec<&Seen> = seen.iter().filter(|seen| seen.names("sip-node1")).collect();
    let last = naming.iter().max_by_key(|seen| seen.came).unwrap();
    // It counts from when the server answered, which lies between question and answer, and in whole seconds.
    let ttl = u64::from(last.answer.ttl.unwrap()) * 1_000;
    assert!(announced >= last.asked + ttl, "{announced} < {} + {ttl}", last.asked);
    assert!(announced <= last.came + 4_000 + 1_000, "{announced} is long after {} + {ttl}", last.came);
}

#[test]
fn before_a_scheduled_drain_the_ttl_is_short_so_that_no_cache_holds_the_host_at_its_time() {
    let (folder, hosts) = (Folder::new(), Hosts::new());
    let _targets = hosts.up();
    let server = serve(&folder, &hosts);
    let (address, state) = (server.address(), folder.path("state"));
    let stop = AtomicBool::new(false);
    let (seen, announced) = std::thread::scope(|scope| {
        let watch = scope.spawn(|| watch(address, &stop));
        let given: Value = json(&state, &["drain", "sip-node1", "--in", "8s"]);
        wait_sip(address, &["10 30 sip-node2", "20 0 sip-dr"]);
        stop.store(true, Ordering::Relaxed);
        (watch.join().unwrap(), given["expires_ms"].as_u64().unwrap())
    });
    let naming: Vec<&Seen> = seen.iter().filter(|seen| seen.names("sip-node1")).collect();
    let mut ttls: Vec<u32> = naming.iter().filter_map(|seen| seen.answer.ttl).collect();
    ttls.dedup();
    assert!(ttls.first() == Some(&4) && ttls.last() == Some(&1) && ttls.is_sorted_by(|a, b| a > b), "{ttls:?}");
    let late = naming.iter().filter(|seen| seen.asked + u64::from(seen.answer.ttl.unwrap()) * 1_000 > announced);
    assert_eq!(late.count(), 0);
}
