//! Real servers from Debian, each well, hung, killed, half-broken and started again, judged by the built program with its
//! default settings; `docs/real-servers.md` is made from what is seen.
//!
//! Packages: `dovecot-imapd`, `dovecot-pop3d`, `dovecot-managesieved`, `openssh-server`, `pure-ftpd`, `postfix`, `ngircd`,
//! `inspircd`, `slapd`, `krb5-kdc`, `krb5-admin-server`, `mosquitto`, `mariadb-server`, `postgresql`, `mumble-server`,
//! `haproxy`. Most of them start as root only. All listen on loopback, and nothing leaves the machine.
//!
//! `UPDATE_DOCS=1` writes the table, and `HEALTHY_SECONDS=3600` has the servers well for an hour before:
//!
//! ```text
//! UPDATE_DOCS=1 HEALTHY_SECONDS=3600 cargo test --locked --features interop --test interop_servers
//! ```
#![expect(clippy::unwrap_used, reason = "a test fails by it")]
#![expect(clippy::disallowed_methods, reason = "deadlines are kept by the real clock")]
#![expect(clippy::print_stderr, reason = "the table is what it is for")]

mod foreign;
mod mock;
#[path = "../process/server.rs"]
#[expect(dead_code, reason = "shared with other tests")]
mod server;
mod servers;
mod table;

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::os::unix::fs::MetadataExt as _;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use foreign::{Foreign, await_port};
use server::{Folder, Log, Network, Server};
use servers::{BROKEN, Kind, WELL};
use table::{Row, Table};

/// How long a change may take: three times the time of a protocol whose servers may be slow, and what a busy machine adds.
const SOON: Duration = Duration::from_secs(120);

/// A server of the table, running.
struct Subject {
    kind: &'static Kind,
    address: Ipv4Addr,
    folder: Folder,
    foreign: Option<Foreign>,
}

impl Subject {
    fn start(kind: &'static Kind, network: Network) -> Self {
        let (folder, address) = (Folder::new(), network.take());
        let foreign = Some((kind.start)(&folder, address));
        Self { kind, address, folder, foreign }
    }

    /// Starts it again, in the same folder.
    fn restart(&mut self) {
        self.foreign = None;
        self.foreign = Some((self.kind.start)(&self.folder, self.address));
    }

    fn signal(&self, name: &str) {
        self.foreign.as_ref().unwrap().signal(name);
    }

    /// How the program names the target.
    fn target(&self) -> String {
        format!("{}:{}", self.address, self.kind.port)
    }
}

/// Writes the zone and its config: each server is a service of its own, below a name of its own. A witness shows that the
/// program is connected while all of them are silent.
fn write(folder: &Folder, subjects: &[Subject], witness: SocketAddr) -> PathBuf {
    let records = subjects.iter().enumerate().map(|(number, subject)| {
        let Subject { kind, address, .. } = subject;
        format!("{} SRV 10 0 {} node{number}\nnode{number} A {address}\n", kind.owner(number), kind.port)
    });
    let zone = format!(
        "$ORIGIN example.test.\n$TTL 60\n@ SOA ns h 1 3600 600 604800 30\n@ NS ns\nns A 127.0.0.1\n{}",
        records.collect::<String>()
    );
    folder.write("example.test.zone", zone);
    folder.write(
        "understudy.toml",
        format!("version = 1\n[health]\nreferences = [\"tcp://{witness}\"]\n[[zone]]\nfile = \"example.test.zone\"\n"),
    )
}

/// Accepts connections for ever.
fn witness(network: Network) -> SocketAddr {
    let listener = TcpListener::bind((network.take(), 0)).unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        let mut held = Vec::new();
        while let Ok((stream, _)) = listener.accept() {
            held.push(stream);
            // The program closes the old ones.
            held.drain(..held.len().saturating_sub(16));
        }
    });
    address
}

/// The targets whose health has changed to one of these words, from a line of the log on: when, and why.
fn changed(log: &Log, from: usize, words: &[&str]) -> BTreeMap<String, (Instant, String)> {
    let mut changed = BTreeMap::new();
    for (at, line) in log.lines_from(from) {
        let Ok(line) = serde_json::from_str::<serde_json::Value>(&line) else { continue };
        let (Some(target), Some(to)) = (line["probe.target"].as_str(), line["health.to"].as_str()) else { continue };
        if words.contains(&to) {
            let cause = line["cause"].as_str().unwrap_or_default().to_owned();
            changed.entry(target.to_owned()).or_insert((at, cause));
        }
    }
    changed
}

/// Waits until all of these have become so; returns for each how long it took since `since`, and why it is so.
#[track_caller]
fn wait(log: &Log, from: usize, subjects: &[Subject], to: &str, since: Instant) -> Vec<(Duration, String)> {
    let end = Instant::now() + SOON;
    loop {
        let changed = changed(log, from, &[to]);
        let find = |subject: &Subject| {
            let place = subject.target();
            changed
                .iter()
                .find(|(target, _)| has(target, &place))
                .map(|(_, (at, cause))| (at.saturating_duration_since(since), cause.clone()))
        };
        let found: Vec<_> = subjects.iter().map(find).collect();
        if let Some(all) = found.iter().cloned().collect() {
            return all;
        }
        let missing: Vec<_> = subjects
            .iter()
            .zip(&found)
            .filter(|(_, found)| found.is_none())
            .map(|(subject, _)| subject.kind.name)
            .collect();
        assert!(Instant::now() < end, "not {to} within {SOON:?}: {missing:?}");
        std::thread::park_timeout(Duration::from_millis(100));
    }
}

/// Returns whether a target's name has this address and port.
fn has(target: &str, place: &str) -> bool {
    target.split([' ', '/']).any(|part| part == place)
}

#[test]
fn real_servers_are_judged_as_they_are() {
    let is_root = std::fs::metadata("/proc/self").unwrap().uid() == 0;
    assert!(is_root, "dovecot, sshd, postfix and others start as root only");
    let healthy = std::env::var("HEALTHY_SECONDS").map_or(20, |text| text.parse().unwrap());
    let (folder, network) = (Folder::new(), Network::new());
    let mut subjects: Vec<Subject> = WELL.iter().map(|kind| Subject::start(kind, network)).collect();
    let witness = witness(network);
    let config = write(&folder, &subjects, witness);
    let begin = Instant::now();
    let server = Server::serve(&[&config], &folder.path("state"));
    server.answering();
    wait(&server.log, 0, &subjects, "up", begin);

    // Well for a time: nothing else is ever said of any of them.
    let from = server.log.len();
    let logged: Vec<usize> = subjects.iter().map(|subject| subject.foreign.as_ref().unwrap().lines()).collect();
    std::thread::sleep(Duration::from_secs(healthy));
    let wrong = changed(&server.log, from, &["down", "failing", "leaving", "degraded"]);
    assert!(wrong.is_empty(), "{wrong:?}");
    let logged: Vec<usize> = subjects
        .iter()
        .zip(logged)
        .map(|(subject, before)| subject.foreign.as_ref().unwrap().lines().saturating_sub(before))
        .collect();

    let play = |subjects: &mut Vec<Subject>, act: &dyn Fn(&mut Subject), to: &str| {
        let from = server.log.len();
        let since = Instant::now();
        subjects.iter_mut().for_each(act);
        wait(&server.log, from, subjects, to, since)
    };
    let hung = play(&mut subjects, &|subject| subject.signal("STOP"), "down");
    let resumed = play(&mut subjects, &|subject| subject.signal("CONT"), "up");
    let killed = play(&mut subjects, &|subject| subject.foreign.as_mut().unwrap().kill(), "down");
    let restarted = play(&mut subjects, &Subject::restart, "up");

    let mut table = Table::new(healthy);
    for (index, subject) in subjects.iter().enumerate() {
        table.add(&Row {
            server: subject.kind.name,
            service: subject.kind.label,
            lines: (logged[index], subject.kind.reads_own_log),
            hung: hung[index].clone(),
            resumed: resumed[index].0,
            killed: killed[index].clone(),
            restarted: restarted[index].0,
        });
    }
    table.add_broken(&broken(network, witness));
    table.show();
}

/// Starts those that greet or accept and are dead behind it; each must be down. Returns why.
fn broken(network: Network, witness: SocketAddr) -> Vec<(&'static Kind, Duration, String)> {
    let folder = Folder::new();
    let subjects: Vec<Subject> = BROKEN.iter().map(|kind| Subject::start(kind, network)).collect();
    subjects.iter().for_each(|subject| await_port(subject.address, subject.kind.port));
    let config = write(&folder, &subjects, witness);
    let since = Instant::now();
    let server = Server::serve(&[&config], &folder.path("state"));
    let down = wait(&server.log, 0, &subjects, "down", since);
    subjects.iter().zip(down).map(|(subject, (took, cause))| (subject.kind, took, cause)).collect()
}
