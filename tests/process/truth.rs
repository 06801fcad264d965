//! Every 200 ms all that the program says of one service is compared: the answer with its extended error, `explain --json`,
//! `status --json`, `log`, the live table, the metrics and readiness; through failover, hold, failback, drains, all down,
//! silence and a broken reload.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use hickory_proto::op::{Edns, Message};
use hickory_proto::rr::rdata::opt::{EdnsCode, EdnsOption};
use serde_json::Value;

use crate::client::{Answer, DECLARED, SIP, STANDBY, ask, fetch, query, send};
use crate::operate::{call, json};
use crate::server::{Folder, Network, Program, SOON, eventually, send_signal};
use crate::target::{Hosts, PORT, Target};
use crate::terminal::{Kind, Terminal};

/// How often all is compared.
const EVERY: Duration = Duration::from_millis(200);
/// How long two may differ: the table is drawn each second, the state on disk is a moment behind, and the machine is busy.
const LATE: Duration = Duration::from_secs(5);
/// How long the preferred tier must hold.
const HOLD: Duration = Duration::from_secs(4);

/// The server, on a terminal of its own.
struct Stage {
    folder: Folder,
    files: [PathBuf; 2],
    terminal: Terminal,
    address: SocketAddr,
    metrics: SocketAddr,
    /// When a contradiction that still stands was first seen.
    contradicted: Option<Instant>,
    rounds: usize,
}

impl Stage {
    /// Serves the SIP zone, and a service whose only target may not be tested.
    fn new(hosts: &Hosts) -> Self {
        let folder = Folder::new();
        let denied = Network::new().take();
        let metrics = SocketAddr::from((Network::new().take(), 9153));
        let address = SocketAddr::from((Network::new().take(), 5300));
        let config = folder.write(
            "understudy.toml",
            format!(
                "version = 1\n[server]\nmetrics-listen = \"{metrics}\"\n[health]\ninterval = \"400ms\"\n\
                 fast-interval = \"200ms\"\ndown-interval = \"400ms\"\nconfirm-interval = \"100ms\"\ntimeout = \"2s\"\n\
                 probe-deny = [\"{denied}/32\"]\n[policy]\nhold = \"{}s\"\n",
                HOLD.as_secs()
            ),
        );
        let zone = folder.write(
            "example.com.zone",
            hosts.zone() + &format!("_blind._tcp IN SRV 10 0 {PORT} blind\nblind IN A {denied}\n"),
        );
        let kind = Kind { term: "xterm", rows: 60, columns: 200, with_log: false };
        let terminal = Terminal::serve(&folder, kind, &address.to_string(), &[&config, &zone]);
        let stage = Self { folder, files: [config, zone], terminal, address, metrics, contradicted: None, rounds: 0 };
        eventually("the start", || (stage.ready().0 == 0).then_some(()));
        stage
    }

    /// Lets the server read everything anew.
    fn reload(&self) {
        assert!(send_signal(&self.terminal.pid().unwrap(), "HUP"));
    }

    fn ready(&self) -> (i32, String) {
        Program::new(&["ready", "--state"]).argument(self.folder.path("state")).end()
    }

    /// Gives an order.
    #[track_caller]
    fn order(&self, words: &[&str]) {
        let (code, said) = call(&self.folder.path("state"), words);
        assert_eq!(code, 0, "{said}");
    }

    fn explain(&self, name: &str) -> Value {
        let mut program = Program::new(&["explain", name, "--json", "--state"]).argument(self.folder.path("state"));
        for file in &self.files {
            program = program.argument(file);
        }
        let (code, said) = program.end();
        assert_eq!(code, 0, "{said}");
        serde_json::from_str(&said).unwrap_or_else(|error| panic!("{error}: {said}"))
    }

    /// Compares until something is so; a contradiction that stays fails the test.
    fn until(&mut self, what: &str, is_so: impl Fn(&Told) -> bool) {
        let began = Instant::now();
        loop {
            let told = self.hear();
            match told.contradictions() {
                found if found.is_empty() => self.contradicted = None,
                found => {
                    let since = *self.contradicted.get_or_insert_with(Instant::now);
                    assert!(since.elapsed() < LATE, "{what}: {found:#?}\n{told:#?}");
                }
            }
            self.rounds += 1;
            if self.contradicted.is_none() && is_so(&told) {
                return;
            }
            assert!(began.elapsed() < SOON, "{what} was not seen: {told:#?}");
            std::thread::park_timeout(EVERY);
        }
    }

    /// Hears all at once, as far as that is possible.
    fn hear(&self) -> Told {
        let before = self.answer();
        let explained = self.explain("_sip._tcp.example.com");
        let blind = self.explain("_blind._tcp.example.com");
        let status = json(&self.folder.path("state"), &["status"]);
        let history = call(&self.folder.path("state"), &["log"]).1;
        let metrics = fetch(self.metrics, "/metrics");
        let table = self.terminal.table();
        let log = std::fs::read_to_string(self.folder.path("log")).unwrap();
        let ready = self.ready().1;
        let (answer, extended) = self.answer();
        let changed = before.0.records != answer.records;
        Told { answer, extended, changed, explained, blind, status, history, metrics, table, log, ready }
    }

    /// The answer, and its extended error.
    fn answer(&self) -> (Answer, Option<String>) {
        let mut message = Message::from_vec(&query(SIP)).unwrap();
        let mut edns = Edns::new();
        edns.set_max_payload(4096);
        message.edns = Some(edns);
        let octets = send(self.address, &message.to_vec().unwrap(), SOON).expect("an answer");
        let options = Message::from_vec(&octets).unwrap().edns.map(|edns| edns.options().clone());
        let extended = options.and_then(|options| match options.get(EdnsCode::Unknown(15)) {
            Some(EdnsOption::Unknown(_, data)) => Some(String::from_utf8_lossy(data.get(2..)?).into_owned()),
            _ => None,
        });
        (Answer::read(&octets), extended)
    }
}

/// All that was said in one round.
#[derive(Debug)]
struct Told {
    answer: Answer,
    extended: Option<String>,
    /// Whether the answer changed within the round: then nothing can be compared.
    changed: bool,
    explained: Value,
    blind: Value,
    status: Value,
    history: String,
    metrics: String,
    table: String,
    log: String,
    ready: String,
}

impl Told {
    fn service(&self) -> &Value {
        &self.explained["services"][0]
    }

    fn metric(&self, name: &str) -> Option<&str> {
        self.metrics.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '))
    }

    /// The hosts of the service that an order keeps out, as `explain` says.
    fn drained(&self) -> Vec<String> {
        let members = self.service()["members"].as_array().into_iter().flatten();
        let drained = members.filter(|member| {
            member["placement"].as_str().is_some_and(|placement| placement.ends_with("drained by order"))
        });
        drained.filter_map(|member| Some(member["member"].as_str()?.split('.').next()?.to_owned())).collect()
    }

    /// How many milliseconds `explain` counts down to the failback.
    fn failback_ms(&self) -> Option<u64> {
        self.service()["failback"]["due_ms"].as_u64()
    }

    /// The tier that is active, as the records say: the standby is listed behind an active tier 10.
    fn tier(&self) -> &'static str {
        match (&self.answer, self.explained["services"][0]["served"].as_str()) {
            (answer, _) if answer.is(STANDBY) => "20",
            (_, Some("all-down")) => "-1",
            _ => "10",
        }
    }

    /// Returns each pair that says different things of the service.
    fn contradictions(&self) -> Vec<String> {
        let mut found = Vec::new();
        let mut must = |holds: bool, what: String| {
            if !holds {
                found.push(what);
            }
        };
        // Of the service that is never tested nobody says that it is up, at any moment.
        let blind = &self.blind["services"][0];
        let reason = blind["reason"].as_str().unwrap_or_default();
        must(reason == "tier 10 serves: 1 member taken as up, not tested", format!("explain: {reason}"));
        let target = &blind["members"][0]["targets"][0];
        must(target["untested"] == "in a network that `probe-deny` names", format!("explain: {target}"));
        let members = |state| {
            self.metric(&format!(
                "understudy_service_members{{service=\"_blind._tcp.example.com.\",state=\"{state}\"}}"
            ))
        };
        must(members("up") == Some("0") && members("not-tested") == Some("1"), "metrics: the blind service".to_owned());
        must(self.table.contains("tier 10 serves, not tested"), "table: the blind service".to_owned());
        must(
            self.ready.contains(" is ready") && self.ready.contains("cannot be tested"),
            format!("ready: {}", self.ready),
        );
        if self.changed {
            return found;
        }

        let tier = self.tier();
        let told = self.service();
        let explained = match told["served"].as_str() {
            Some("all-down") => "-1".to_owned(),
            _ => told["tier"].to_string(),
        };
        must(explained == tier, format!("explain: tier {explained}, answer: tier {tier}"));
        let mut records: Vec<String> = (self.explained["answer"].as_array().into_iter().flatten())
            .filter_map(|record| {
                let words: Vec<&str> = record.as_str()?.split_whitespace().collect();
                Some(format!("{} {} {}", words.get(4)?, words.get(5)?, words.get(7)?.split('.').next()?))
            })
            .collect();
        records.sort();
        must(records == self.answer.records, format!("explain: {records:?}, answer: {:?}", self.answer.records));
        let ttl = told["ttl"][0].as_u64();
        must(ttl == self.answer.ttl.map(u64::from), format!("explain: TTL {ttl:?}, answer: {:?}", self.answer.ttl));

        let metric = self.metric("understudy_service_tier{service=\"_sip._tcp.example.com.\"}");
        must(metric == Some(tier), format!("metrics: tier {metric:?}, answer: tier {tier}"));
        let head = match tier {
            "20" => "tier 20 stands in",
            "-1" => "all down",
            _ => "tier 10 serves",
        };
        must(self.table.contains(head), format!("table: not {head}"));

        // Who is drained, and nobody else, is so everywhere.
        let drained = self.drained();
        let orders = self.status["orders"].as_array().map_or(0, Vec::len);
        must(orders == drained.len(), format!("status: {orders} orders, explain: {drained:?} drained"));
        for (metric, said) in [
            ("understudy_orders", self.metric("understudy_orders")),
            (
                "understudy_service_members",
                self.metric("understudy_service_members{service=\"_sip._tcp.example.com.\",state=\"by-order\"}"),
            ),
        ] {
            must(said == Some(&orders.to_string()), format!("metrics: {metric} is {said:?}, status: {orders} orders"));
        }
        for host in ["sip-node1", "sip-node2", "sip-dr"] {
            let is_drained = drained.iter().any(|drained| drained == host);
            let is_named = self.answer.records.iter().any(|record| record.ends_with(host));
            must(!(is_drained && is_named), format!("answer: names {host}, which is drained"));
            let row = self.table.lines().find(|line| line.contains(host));
            let says_so = row.is_some_and(|row| row.contains("drained by order"));
            must(says_so == is_drained, format!("table: {row:?}, explain: {drained:?} drained"));
            // The last word of the history about it is the order, or that it was cleared.
            let order = format!("{host}.example.com drained");
            let last = self.history.lines().rev().find(|line| line.contains(&order));
            let is_given = last.is_some_and(|line| !line.contains(" cleared: "));
            must(is_given == is_drained, format!("history: {last:?}, explain: {drained:?} drained"));
        }
        let mut services = self.status["services"].as_array().into_iter().flatten();
        let served = services.find(|service| service["service"] == "_sip._tcp.example.com.");
        let same = |key: &str| served.is_some_and(|served| served[key] == told[key]);
        must(same("served") && same("tier") && same("reason"), format!("status: {served:?}, explain: {told}"));

        let extended = self.extended.as_deref().unwrap_or_default();
        match (tier, self.failback_ms()) {
            ("20", Some(left)) => {
                let secs = extended.rsplit("fails back in ").next().and_then(|text| text.strip_suffix('s'));
                let secs = secs.and_then(|secs| secs.parse::<u64>().ok());
                // They were heard one after the other.
                must(
                    secs.is_some_and(|secs| secs * 1_000 <= left + 1_000),
                    format!("extended: {extended}, explain: {left} ms"),
                );
                must(left <= u64::try_from(HOLD.as_millis()).unwrap(), format!("explain: {left} ms of {HOLD:?}"));
                must(
                    extended.starts_with("standby: tier 20 is active, tier 10 is healthy since "),
                    extended.to_owned(),
                );
            }
            ("20", None) => {
                let why = match drained.len() {
                    0 => "failed",
                    1 => "failed (1 of 2 members out by order)",
                    _ => "is out by order",
                };
                must(extended == format!("standby: tier 20 is active, tier 10 {why}"), extended.to_owned());
            }
            ("-1", _) => must(extended.starts_with("all members down"), extended.to_owned()),
            _ => must(extended.is_empty(), extended.to_owned()),
        }
        // The last failover in the log is that to the active tier.
        let last = self.log.lines().rev().find(|line| line.contains("moved=\"failover"));
        let is_it = last.is_none_or(|line| tier != "20" || line.contains("from tier 10 to tier 20"));
        must(is_it && (tier != "20" || last.is_some()), format!("log: {last:?}"));
        found
    }
}

#[test]
fn nothing_that_is_said_of_a_service_contradicts_anything_else() {
    let hosts = Hosts::new();
    let [node1, node2, standby] = hosts.up();
    let mut stage = Stage::new(&hosts);
    stage.until("all is well", |told| told.answer.is(DECLARED));

    drop((node1, node2));
    stage.until("failover", |told| told.answer.is(STANDBY));
    stage.until("the failed tier", |told| told.failback_ms().is_none());

    let [node1, node2] = [Target::up(hosts.node1), Target::up(hosts.node2)];
    stage.until("hold", |told| told.answer.is(STANDBY) && told.failback_ms().is_some());
    stage.until("failback", |told| told.answer.is(DECLARED) && told.failback_ms().is_none());

    // One host drained, then both, by order alone; then one of them dies, and the order over it is taken back.
    stage.order(&["drain", "sip-node1", "--reason", "new kernel"]);
    stage.until("drained", |told| told.answer.records == ["10 30 sip-node2", "20 0 sip-dr"]);
    stage.order(&["drain", "sip-node2"]);
    stage.until("the tier drained", |told| told.answer.is(STANDBY) && told.drained().len() == 2);
    drop(node2);
    stage.order(&["clear", "sip-node2"]);
    stage.until("one drained, one dead", |told| {
        told.answer.is(STANDBY) && told.drained().len() == 1 && told.failback_ms().is_none()
    });
    let node2 = Target::up(hosts.node2);
    stage.order(&["clear", "sip-node1"]);
    stage.until("the hold after the drain", |told| told.failback_ms().is_some() && told.drained().is_empty());
    stage.until("all is well again", |told| told.answer.is(DECLARED) && told.failback_ms().is_none());

    drop((node1, node2, standby));
    stage.until("all down", |told| told.service()["served"] == "all-down");
    let targets = hosts.up();
    stage.until("the return", |told| told.service()["served"] == "tier" && told.answer.is(DECLARED));

    let broken = std::fs::read_to_string(&stage.files[1]).unwrap().replace("20 0 5060", "20 zero 5060");
    let good = std::fs::read(&stage.files[1]).unwrap();
    let kept = stage.folder.write("good.zone", &good);
    stage.folder.write("example.com.zone", broken);
    stage.reload();
    eventually("the remark of readiness", || {
        stage.ready().1.contains("example.com. is served as it was read at").then_some(())
    });
    assert!(
        fetch(stage.metrics, "/metrics")
            .contains("understudy_zone_stale_read_timestamp_seconds{zone=\"example.com.\"}")
    );
    assert!(ask(stage.address, SIP).is(DECLARED));
    stage.folder.write("example.com.zone", std::fs::read(kept).unwrap());
    stage.reload();
    eventually("no remark", || (!stage.ready().1.contains("is served as it was")).then_some(()));

    // All targets fall silent at once: the checker may be cut off, so nothing changes, and nobody says otherwise.
    targets.iter().for_each(Target::hang);
    stage.until("silence", |told| told.explained["source"]["isolated_ms"].is_u64());
    stage.until("isolation", |told| told.answer.is(DECLARED) && told.table.contains("isolated"));
    println!("{} rounds", stage.rounds);

    stage.terminal.press_q();
}
