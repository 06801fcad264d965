//! Real servers as Debian installs and configures them, each on a host of its own, judged by the built program with its
//! default settings: well, hung, resumed, killed, started again, and half-broken; and well for an hour, with the lines
//! that they log counted, and read by fail2ban.
//!
//! With every run a few of them are judged. All of them, and the tables of `docs/real-servers.md` and
//! `docs/allow-listing.md`, are made by `tests/interop_servers/all.sh`, which installs what is missing.
#![expect(clippy::unwrap_used, reason = "a test fails by it")]
#![expect(clippy::disallowed_methods, reason = "deadlines are kept by the real clock")]
#![expect(clippy::print_stderr, reason = "the table is what it is for")]

mod flood;
mod host;
#[path = "../process/server.rs"]
#[expect(dead_code, reason = "shared with other tests")]
mod server;
mod servers;
mod table;

use std::collections::BTreeMap;
use std::os::unix::fs::MetadataExt as _;
use std::process::Command;
use std::time::{Duration, Instant};

use host::{Host, Hub};
use server::{Folder, Log, Program, Server};
use servers::{BROKEN, Kind, WELL};
use table::{Change, Logged, show_hour, show_states};

/// How long a change may take: ejabberd alone starts for minutes where two dozen servers start at once.
const SOON: Duration = Duration::from_secs(400);

/// A service of the table.
#[derive(Clone, Copy)]
struct Service {
    /// The server's name, the domain below `example.test`.
    name: &'static str,
    labels: &'static str,
}

/// A server that is started: its name, its script and its services.
type Subject = (&'static str, &'static str, &'static [(&'static str, u16)]);

/// The checker and all servers.
struct Lab {
    _hub: Hub,
    hosts: Vec<Host>,
    services: Vec<Service>,
    checker: Server,
    _witness: Host,
    _folder: Folder,
}

impl Lab {
    /// Makes a host for each of these, and starts their servers and the checker.
    #[track_caller]
    fn new(servers: &[Subject]) -> Self {
        let is_root = std::fs::metadata("/proc/self").unwrap().uid() == 0;
        assert!(is_root, "these servers start as root only");
        let (hub, folder) = (Hub::new(), Folder::new());
        // While all others hang, it shows that the checker is connected.
        let script = format!(
            "start() {{ {} serve --static --state none --listen 10.78.0.250:53 {}; }}\n",
            env!("CARGO_BIN_EXE_understudy"),
            folder
                .write(
                    "witness.zone",
                    "$ORIGIN witness.test.\n@ 60 SOA ns h 1 1 1 1 1\n@ 60 NS ns\nns 60 A 127.0.0.1\n"
                )
                .display(),
        );
        let mut witness = hub.host(250, "witness", &script);
        witness.start();

        let mut records =
            "$ORIGIN example.test.\n$TTL 60\n@ SOA ns h 1 3600 600 604800 30\n@ NS ns\nns A 127.0.0.1\n".to_owned();
        let (mut hosts, mut services) = (Vec::new(), Vec::new());
        for (number, (name, script, gives)) in (2..).zip(servers) {
            let mut host = hub.host(number, name, script);
            host.start();
            records.push_str(&format!("node.{name} A {}\n", host.address));
            for (labels, port) in *gives {
                records.push_str(&format!("{labels}.{name} SRV 10 0 {port} node.{name}\n"));
                services.push(Service { name, labels });
            }
            hosts.push(host);
        }
        folder.write("example.test.zone", records);
        let config =
            "version = 1\n[health]\nreferences = [\"tcp://10.78.0.250:53\"]\n[[zone]]\nfile = \"example.test.zone\"\n";
        let config = folder.write("understudy.toml", config);
        let program = Program::new(&["serve", "--listen", "127.0.0.1:0", "--state", "none"]).argument(config);
        let checker = hub.program(program).start();
        Self { _hub: hub, hosts, services, checker, _witness: witness, _folder: folder }
    }

    /// Does something to every host, and waits until all services have become so.
    #[track_caller]
    fn play(&mut self, act: impl FnMut(&mut Host), to: &str) -> Vec<Option<Change>> {
        let (from, since) = (self.checker.log.len(), Instant::now());
        self.hosts.iter_mut().for_each(act);
        self.wait(from, to, since)
    }

    /// Waits until all services have become so; those of which only a connect is tested need not: who hangs is connected
    /// to by its kernel.
    #[track_caller]
    fn wait(&self, from: usize, to: &str, since: Instant) -> Vec<Option<Change>> {
        eprintln!("waiting for {} services to be {to}", self.services.len());
        loop {
            let changed = changed(&self.checker.log, from, &[to]);
            let find = |service: &Service| {
                let (at, cause) = changed.get(&service.owner())?.clone();
                Some(Change { after: at.saturating_duration_since(since), cause })
            };
            let found: Vec<Option<Change>> = self.services.iter().map(find).collect();
            let pairs = self.services.iter().zip(&found);
            let missing = pairs.filter(|(service, found)| found.is_none() && !service.is_connected_to_only());
            let missing: Vec<String> = missing.map(|(service, _)| service.owner()).collect();
            if missing.is_empty() {
                return found;
            }
            if since.elapsed() > SOON {
                self.tell(&missing);
                panic!("not {to} within {SOON:?}: {missing:?}");
            }
            std::thread::park_timeout(Duration::from_millis(100));
        }
    }

    /// Tells what is known of these services, and what the servers logged last.
    fn tell(&self, missing: &[String]) {
        for host in &self.hosts {
            let logged = host.logged();
            let last: Vec<&str> = logged.lines().rev().take(3).collect();
            eprintln!("{}: {last:?}", host.address);
        }
        let lines = self.checker.log.text();
        let said = lines.lines().filter(|line| missing.iter().any(|owner| line.contains(owner.as_str())));
        said.for_each(|line| eprintln!("{line}"));
    }
}

impl Service {
    /// Whether nothing but a TCP connect is inferred from its labels.
    fn is_connected_to_only(&self) -> bool {
        self.labels == "_redis._tcp"
    }

    fn owner(&self) -> String {
        format!("{}.{}.example.test", self.labels, self.name)
    }
}

/// The services whose health has changed to one of these words, from a line of the log on: when first, and why.
fn changed(log: &Log, from: usize, words: &[&str]) -> BTreeMap<String, (Instant, String)> {
    let mut changed = BTreeMap::new();
    for (at, line) in log.lines_from(from) {
        let Ok(line) = serde_json::from_str::<serde_json::Value>(&line) else { continue };
        let (Some(services), Some(to)) = (line["service"].as_str(), line["health.to"].as_str()) else { continue };
        if words.contains(&to) {
            let cause = line["reason"].as_str().unwrap_or_default();
            for service in services.split([',', '+', ' ']) {
                let service = service.trim_end_matches('.').to_owned();
                changed.entry(service).or_insert_with(|| (at, cause.to_owned()));
            }
        }
    }
    changed
}

/// The servers of this run: all if the variable is set.
fn chosen() -> Vec<&'static Kind> {
    let all = std::env::var_os("REAL_SERVERS").is_some();
    WELL.iter().filter(|kind| all || kind.always).collect()
}

#[test]
fn real_servers_are_judged_as_they_are() {
    let kinds = chosen();
    let servers: Vec<_> = kinds.iter().map(|kind| (kind.name, kind.script, kind.services)).collect();
    let begin = Instant::now();
    let mut lab = Lab::new(&servers);
    lab.wait(0, "up", begin);
    let hung = lab.play(|host| host.signal("STOP"), "down");
    let resumed = lab.play(|host| host.signal("CONT"), "up");
    let killed = lab.play(Host::kill, "down");
    let restarted = lab.play(Host::start, "up");
    let (services, states) = (lab.services.clone(), [hung, resumed, killed, restarted]);
    drop(lab);

    let mut broken = Vec::new();
    if std::env::var_os("REAL_SERVERS").is_some() {
        let servers: Vec<_> = BROKEN.iter().map(|kind| (kind.name, kind.script, kind.services)).collect();
        let begin = Instant::now();
        let lab = Lab::new(&servers);
        let down = lab.wait(0, "down", begin);
        let what = |name| BROKEN.iter().find(|broken| broken.name == name).unwrap().what;
        broken = lab
            .services
            .iter()
            .zip(down)
            .filter_map(|(service, down)| Some((what(service.name), service.labels, down?)))
            .collect();
    }
    let services: Vec<_> = services.iter().map(|service| (service.name, service.labels)).collect();
    show_states(&services, &states, &broken);
}

/// Takes an hour, so it runs if it is asked for: `REAL_SERVERS_SECONDS=3600`.
#[test]
fn real_servers_are_never_down_while_they_are_well_and_ban_nobody() {
    let Ok(seconds) = std::env::var("REAL_SERVERS_SECONDS") else { return };
    let seconds: u64 = seconds.parse().unwrap();
    let kinds = chosen();
    let servers: Vec<_> = kinds.iter().map(|kind| (kind.name, kind.script, kind.services)).collect();
    let begin = Instant::now();
    let lab = Lab::new(&servers);
    lab.wait(0, "up", begin);
    std::thread::sleep(Duration::from_secs(10));

    let from = lab.checker.log.len();
    let before: Vec<usize> = lab.hosts.iter().map(|host| host.logged().lines().count()).collect();
    std::thread::sleep(Duration::from_secs(seconds));
    let wrong = changed(&lab.checker.log, from, &["down", "failing", "leaving", "degraded"]);
    let rows: Vec<_> = kinds
        .iter()
        .zip(&lab.hosts)
        .zip(before)
        .map(|((kind, host), before)| {
            let logged = host.logged();
            let during: Vec<&str> = logged.lines().skip(before).collect();
            let matched: Vec<(&str, usize)> =
                kind.filters.iter().map(|filter| (*filter, matches(filter, &logged, &lab._folder))).collect();
            eprintln!("{}: {} lines, {matched:?}; the last {:?}", kind.name, during.len(), during.last());
            Logged {
                server: kind.name,
                services: kind.services.len(),
                lines: during.len() as u64 * 3600 / seconds,
                matched,
            }
        })
        .collect();
    show_hour(seconds, &rows, &wrong.keys().cloned().collect::<Vec<_>>());
    let down = changed(&lab.checker.log, from, &["down", "leaving"]);
    assert!(down.is_empty(), "{down:?}");
    for Logged { server, matched, .. } in &rows {
        let banned = matched.iter().find(|(filter, count)| !filter.contains("aggressive") && *count > 0);
        assert!(banned.is_none(), "{server}: {banned:?}");
    }
}

/// How many failures a filter of fail2ban counts; some lines that it matches are none.
#[track_caller]
fn matches(filter: &str, log: &str, folder: &Folder) -> usize {
    let file = folder.write("fail2ban.log", log);
    let output = Command::new("fail2ban-regex").args(["-o", "ip"]).arg(file).arg(filter).output().unwrap();
    assert!(output.status.success(), "fail2ban-regex {filter}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).lines().filter(|line| !line.is_empty()).count()
}
