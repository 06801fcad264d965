//! Plays a story: the engine, a prober that sees what the story says, a store, a clock that only the story moves.

use std::collections::{BTreeMap, VecDeque};
use std::net::{IpAddr, SocketAddr};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use hickory_proto::op::{Message, ResponseCode};
use hickory_proto::rr::RecordType;
use understudy::base::clock::{Mono, Now, UnixTime};
use understudy::base::finding::Severity;
use understudy::base::table::{RowId as _, Table};
use understudy::config::lower::{Options, lower};
use understudy::config::settings::Probing;
use understudy::config::shape;
use understudy::engine::core::COALESCE;
use understudy::engine::memory::Restored;
use understudy::engine::setup::{Setup, ZoneSetup};
use understudy::engine::{Core, Effect, Event, OrderId, Prepared, Refusal};
use understudy::health::orders::{Force, Order, Scope};
use understudy::health::{BrokenConnection, FailKind, Outcome, ProbeRequest, Report, TargetId, TargetReport};
use understudy::keys::source::Source;
use understudy::probe::allow::Access;
use understudy::probe::schedule::{Limits, Schedule};
use understudy::serve::{self, Context, QueryView, Transport};
use understudy::snapshot::{Snapshot, ZoneId};
use understudy::zone::parse::{NoSources, Origin, parse};
use understudy::zone::{Name, Rtype};

use crate::script::{End, Line, Order as Word, Script, Step, Terms};

/// Plays a story; returns the lines that went otherwise than told.
pub(crate) fn play(folder: &Path, name: &str, script: &Script) -> Vec<String> {
    let texts = script.zones.iter().map(|zone| {
        let text = std::fs::read_to_string(folder.join(&zone.file)).unwrap();
        text.lines().map(str::to_owned).chain(zone.added.clone()).map(|line| tidy(&line)).collect()
    });
    let mut stage = Stage::set(texts.collect(), &script.config);
    let mut wrong = Vec::new();
    for Line { number, step, expected } in &script.steps {
        let seen = stage.step(step);
        if !same(&seen, expected) {
            wrong.push(format!("{name}.scn:{number}: {step:?}\n  told {expected:#?}\n  seen {seen:#?}"));
        }
    }
    wrong
}

/// The engine and all around it.
struct Stage {
    core: Core,
    now: Now,
    /// The lines of each zone file.
    texts: Vec<Vec<String>>,
    /// How probes end, by the words of the story; the last that fits counts.
    ends: Vec<(Aim, End)>,
    schedule: Schedule,
    in_flight: Vec<Probe>,
    store: BTreeMap<String, Vec<u8>>,
    max_age: Duration,
    setup: u64,
    orders: Vec<(String, OrderId)>,
    /// What is served, and since when.
    served: Option<(Arc<Snapshot>, Mono)>,
    settled: bool,
}

/// A probe under way.
struct Probe {
    ends_at: Mono,
    setup: u64,
    target: TargetId,
    report: Report,
}

/// What a story means by a host or an address, with or without a port.
struct Aim {
    addresses: Vec<IpAddr>,
    port: Option<u16>,
}

impl Stage {
    fn set(texts: Vec<Vec<String>>, config: &str) -> Self {
        let now = Now { mono: Mono::START, wall: UnixTime::from_secs(MIDNIGHT) };
        let (setup, max_age) = read(&texts, config);
        let mut stage = Self {
            core: Core::new(Prepared::new(setup), &Restored::default(), now),
            now,
            texts,
            ends: Vec::new(),
            schedule: Schedule::new(Limits::default()),
            in_flight: Vec::new(),
            store: BTreeMap::new(),
            max_age,
            setup: 1,
            orders: Vec::new(),
            served: None,
            settled: false,
        };
        stage.tell_prober();
        stage.carry_out();
        stage
    }

    fn step(&mut self, step: &Step) -> Vec<String> {
        match step {
            Step::Probes { what, end } => {
                let aim = self.aim(what);
                self.ends.push((aim, *end));
            }
            Step::Break { what } => {
                let Aim { addresses, port } = self.aim(what);
                for address in addresses {
                    let address = SocketAddr::new(address, port.unwrap_or(0));
                    let event = Event::Broke(BrokenConnection { address, cause: "closed".into() });
                    self.core.handle(event, self.now);
                }
            }
            Step::Order { order, what, terms } => return self.order(*order, what, *terms),
            Step::Clear { what } => {
                let orders = std::mem::take(&mut self.orders);
                let (cleared, left): (Vec<_>, _) = orders.into_iter().partition(|(of, _)| of == what);
                self.orders = left;
                for (_, id) in cleared {
                    self.core.clear(id, self.now);
                }
            }
            Step::Failback { owner } => {
                let owner = self.name(owner).to_string();
                self.core.fail_back(&owner, self.now).unwrap();
            }
            Step::Reload { config } => self.reload(config),
            Step::Zone { record, comes } => {
                let (text, record) = (&mut self.texts[0], tidy(record));
                let before = text.len();
                text.retain(|line| *line != record);
                assert!(*comes || text.len() < before, "no such record: {record}");
                text.extend(comes.then_some(record));
            }
            Step::Restart { killed, after } => self.restart(*killed, *after),
            Step::Wait(span) => self.pass(*span),
            Step::Clock(span) => self.now.wall = self.now.wall + *span,
            Step::Ask { name, rtype } => return self.ask(name, rtype),
            Step::Why { name, .. } => {
                let owner = self.name(name).to_string();
                let pools = self.core.setup().pools.iter();
                let pool = pools.filter(|(_, pool)| pool.is_named(&owner)).map(|(id, _)| id).next().unwrap();
                return vec![self.core.pool_status(pool, self.now).unwrap().decision.reason.to_string()];
            }
            Step::State { what } => {
                let aim = self.aim(what);
                let targets = self.core.setup().targets.iter();
                let meant = targets.filter(|(_, target)| aim.meets(target.key.address, target.key.port));
                let words = meant.map(|(id, _)| self.core.target_status(id, self.now.mono).state.as_str());
                return vec![words.collect::<Vec<_>>().join(" ")];
            }
            Step::Isolated => {
                let isolated = self.core.status(self.now).isolated;
                return vec![if isolated { "yes" } else { "no" }.to_owned()];
            }
        }
        self.pass(Duration::ZERO);
        Vec::new()
    }

    fn order(&mut self, word: Word, what: &str, terms: Terms) -> Vec<String> {
        let (host, port) = split(what);
        let scope = match (host.parse::<IpAddr>(), port) {
            (Ok(address), port) => Scope::Address(address, port),
            (Err(_), None) => Scope::parse(&self.name(host).to_string()).unwrap(),
            (Err(_), Some(port)) => Scope::parse(&format!("{}:{port}", self.name(host))).unwrap(),
        };
        let force = match word {
            Word::Up => Force::Up,
            Word::Down => Force::Down,
            Word::Drain => Force::Drained,
        };
        let begins = self.now.wall + terms.begins;
        let order = Order {
            force,
            scope,
            from: (!terms.begins.is_zero()).then_some(begins),
            until: terms.lasts.map(|lasts| begins + lasts),
            reason: "the story says so".to_owned(),
            author: "the story".to_owned(),
        };
        match self.core.give(order, terms.last, self.now) {
            Ok(id) => self.orders.push((what.to_owned(), id)),
            Err(Refusal::TakesLast(_)) => return vec!["refused".to_owned()],
            Err(refusal) => panic!("a story gives orders that can be taken: {refusal}"),
        }
        self.pass(Duration::ZERO);
        Vec::new()
    }

    fn reload(&mut self, config: &str) {
        let (setup, max_age) = read(&self.texts, config);
        let prepared = Box::new(Prepared::new(setup));
        self.max_age = max_age;
        let keys: Vec<_> = self.core.setup().targets.iter().map(|(_, target)| target.key.clone()).collect();
        self.setup += 1;
        self.core.handle(Event::Reload { setup: self.setup, prepared }, self.now);
        self.tell_prober();
        // As the runner does: what is in flight to a target that stays goes on under the new setup.
        for probe in &mut self.in_flight {
            let mut targets = self.core.setup().targets.iter();
            let same = targets.find(|(_, target)| target.key == keys[probe.target.index()]).map(|(id, _)| id);
            if let Some(target) = same.filter(|target| self.schedule.carry_on(*target, probe.report.began)) {
                (probe.setup, probe.target) = (self.setup, target);
            }
        }
    }

    fn restart(&mut self, killed: bool, after: Duration) {
        if !killed {
            self.core.handle(Event::Stop, self.now);
            self.carry_out();
        }
        let setup = self.core.setup().clone();
        self.now = Now { mono: Mono::START, wall: self.now.wall + after };
        let (restored, unreadable) = Restored::read(&self.store, self.max_age);
        assert_eq!(unreadable, Vec::<String>::new());
        self.core = Core::new(Prepared::new(setup), &restored, self.now);
        self.in_flight.clear();
        self.schedule = Schedule::new(Limits::default());
        (self.setup, self.served, self.settled) = (1, None, false);
        self.tell_prober();
        self.carry_out();
    }

    fn tell_prober(&mut self) {
        let targets = self.core.setup().targets.iter();
        let addresses: Vec<_> = targets.map(|(_, target)| target.is_probed().then_some(target.key.address)).collect();
        self.schedule.replace(self.setup, addresses, self.now.mono);
    }

    /// Lets time pass, with everything that is due on the way.
    fn pass(&mut self, span: Duration) {
        let end = self.now.after(span);
        self.carry_out();
        while let Some(at) = self.next().filter(|at| *at <= end.mono) {
            self.now = self.now.after(at.since(self.now.mono));
            if self.core.poll_timeout().is_some_and(|at| at <= self.now.mono) {
                self.core.handle_timeout(self.now);
            }
            self.finish_probes();
            self.carry_out();
            while let Some(start) = self.schedule.start(self.now.mono) {
                self.begin_probe(start.setup, start.target);
            }
        }
        self.now = end;
    }

    fn next(&self) -> Option<Mono> {
        let ends = self.in_flight.iter().map(|probe| probe.ends_at).min();
        [self.core.poll_timeout(), self.schedule.next(), ends].into_iter().flatten().min()
    }

    fn begin_probe(&mut self, setup: u64, target: TargetId) {
        let row = &self.core.setup().targets[target];
        let mut ends = self.ends.iter().rev().filter(|(aim, _)| aim.meets(row.key.address, row.key.port));
        let end = ends.next().map_or(End::Pass, |(_, end)| *end);
        let (latency, outcome) = match end {
            End::Pass => (MOMENT, Outcome::Pass),
            End::Full => (MOMENT, Outcome::Degraded("full".into())),
            End::Leaving => (MOMENT, Outcome::Drain { cause: "leaving".into(), retry_after: None }),
            End::Blind => (Duration::ZERO, Outcome::Unknown("no descriptors".into())),
            End::Refused => (Duration::ZERO, Outcome::Fail { kind: FailKind::Conclusive, cause: "refused".into() }),
            End::Silent => (row.settings.timeout, Outcome::Fail { kind: FailKind::Silent, cause: "time-out".into() }),
        };
        let began = self.now.mono;
        let report = Report { outcome, began, latency };
        self.in_flight.push(Probe { ends_at: began + latency, setup, target, report });
    }

    fn finish_probes(&mut self) {
        let now = self.now.mono;
        let (mut over, left): (Vec<Probe>, _) =
            std::mem::take(&mut self.in_flight).into_iter().partition(|probe| probe.ends_at <= now);
        self.in_flight = left;
        over.sort_by_key(|probe| (probe.ends_at, probe.target));
        for Probe { setup, target, report, .. } in over {
            if matches!(&report.outcome, Outcome::Fail { kind: FailKind::Conclusive, .. }) {
                let address = self.core.setup().targets[target].key.address;
                self.schedule.give_back(address, report.began, now);
            }
            self.schedule.end(setup, target);
            self.core.handle(Event::Report(TargetReport { setup, target, report }), self.now);
        }
    }

    fn carry_out(&mut self) {
        while let Some(effect) = self.core.poll_effect() {
            match effect {
                Effect::Publish(snapshot) => {
                    if let Some((before, at)) = &self.served {
                        assert!(snapshot.generation() > before.generation(), "a generation twice");
                        assert!(self.now.mono.since(*at) >= COALESCE, "published too soon");
                    }
                    self.served = Some((snapshot, self.now.mono));
                }
                Effect::Probe(ProbeRequest { setup, target, at, priority }) => {
                    if setup == self.setup {
                        self.schedule.due(target, at, priority);
                    }
                }
                Effect::Persist { key, value: Some(value) } => drop(self.store.insert(key, value.into_octets())),
                Effect::Persist { key, value: None } => drop(self.store.remove(&key)),
                Effect::Post(_) | Effect::Notice(_) | Effect::Tested(_) => {}
                Effect::Settled => self.settled = true,
            }
        }
    }

    fn ask(&self, name: &str, rtype: &str) -> Vec<String> {
        let one = |word: &str| vec![word.to_owned()];
        let answering = self.settled || self.now.mono.since_start() >= SILENCE;
        let Some((snapshot, _)) = self.served.as_ref().filter(|_| answering) else { return one("nothing") };
        let packet = question(&self.name(name), Rtype::parse(rtype).unwrap());
        let query = QueryView::parse(&packet).unwrap();
        let status = serve::Status { answering: true, ..serve::Status::default() };
        let settings = serve::Settings::default();
        let client = serve::Client::new(([127, 0, 0, 1], 53).into(), Transport::Tcp, self.now);
        let secrets = serve::Secrets::new([1; 16]);
        let context = Context { settings: &settings, status: &status, client, secrets: &secrets, rotation: 0 };
        let plan = serve::answer(snapshot, &query, &context);
        let mut octets = Vec::new();
        serve::render(&plan, &query, serve::limit(&query, &context), &mut octets);
        let message = Message::from_vec(&octets).unwrap();
        let code = message.metadata.response_code;
        if code != ResponseCode::NoError {
            let known = [(ResponseCode::NXDomain, "NXDOMAIN"), (ResponseCode::ServFail, "SERVFAIL")];
            return known
                .iter()
                .find(|(known, _)| *known == code)
                .map_or_else(|| vec![code.to_string()], |(_, word)| one(word));
        }
        if message.answers.is_empty() {
            let soa = message.authorities.iter().find(|record| record.record_type() == RecordType::SOA);
            return vec![format!("NODATA {}", soa.unwrap().ttl)];
        }
        message.answers.iter().map(|record| format!("{} {}", record.ttl, record.data)).collect()
    }

    fn name(&self, text: &str) -> Name {
        Name::parse(text.as_bytes(), Some(&origin(&self.texts[0]))).unwrap()
    }

    fn aim(&self, what: &str) -> Aim {
        let (host, port) = split(what);
        if let Ok(address) = host.parse() {
            return Aim { addresses: vec![address], port };
        }
        let name = self.name(host);
        let zones = self.core.setup().zones.iter().filter_map(|(_, zone)| zone.zone.as_ref());
        let sets = zones.flat_map(|zone| zone.rrsets(&name).to_vec());
        let addresses: Vec<IpAddr> = sets.flat_map(|set| addresses(&set)).collect();
        assert!(!addresses.is_empty(), "{what} has no address");
        Aim { addresses, port }
    }
}

impl Aim {
    fn meets(&self, address: IpAddr, port: u16) -> bool {
        self.addresses.contains(&address) && self.port.is_none_or(|own| own == port)
    }
}

/// Reads zones and config; returns too how old stored health may be.
fn read(texts: &[Vec<String>], config: &str) -> (Setup, Duration) {
    let source = Source::new("story.toml", format!("version = 1\n{config}"));
    let (file, findings) = shape::read(&source);
    let mut errors: VecDeque<_> = findings.into_iter().filter(|f| f.severity == Severity::Error).collect();
    let zones: Table<ZoneId, ZoneSetup> = texts
        .iter()
        .map(|lines| {
            let parsed = parse("story.zone", lines.join("\n").as_bytes(), Origin::Unknown, &mut NoSources);
            ZoneSetup { origin: origin(lines), zone: parsed.zone.map(Arc::new), is_judged_upstream: false }
        })
        .collect();
    let probing = file.probing.over(&Probing::default());
    let access = Access { allow: probing.probe_allow.unwrap_or_default(), deny: probing.probe_deny };
    let lowered = lower(&file, zones, &access, Options::default());
    errors.extend(lowered.findings.into_iter().filter(|f| f.severity == Severity::Error));
    assert_eq!(errors.pop_front(), None);
    (lowered.setup, file.state.max_age.map_or(MAX_AGE, |placed| placed.value))
}

fn origin(lines: &[String]) -> Name {
    let origin = lines.iter().find_map(|line| line.strip_prefix("$ORIGIN "));
    origin.expect("each zone of a story has an $ORIGIN").parse().unwrap()
}

fn addresses(set: &understudy::zone::Rrset) -> Vec<IpAddr> {
    let address = |rdata: &[u8]| match set.rtype() {
        Rtype::A => <[u8; 4]>::try_from(rdata).ok().map(IpAddr::from),
        Rtype::AAAA => <[u8; 16]>::try_from(rdata).ok().map(IpAddr::from),
        _ => None,
    };
    set.rdatas().filter_map(address).collect()
}

fn question(name: &Name, rtype: Rtype) -> Vec<u8> {
    let mut packet = vec![0, 7, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0];
    packet.extend_from_slice(name.wire());
    packet.extend_from_slice(&rtype.0.to_be_bytes());
    packet.extend_from_slice(&[0, 1]);
    packet
}

/// Splits `HOST:PORT`; an IPv6 address with a port stands in brackets.
fn split(what: &str) -> (&str, Option<u16>) {
    if what.parse::<IpAddr>().is_ok() {
        return (what, None);
    }
    match what.rsplit_once(':') {
        Some((host, port)) => (host.trim_matches(['[', ']']), Some(port.parse().unwrap())),
        None => (what, None),
    }
}

/// A record or a line of a zone file with single blanks.
fn tidy(line: &str) -> String {
    line.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Compares; a negative TTL counts only where the story names it, and one line may name two answers.
fn same(seen: &[String], expected: &[String]) -> bool {
    let is_one = |(seen, told): (&String, &String)| told.split(" or ").any(|told| told == seen);
    let is_told = seen.len() == expected.len() && seen.iter().zip(expected).all(is_one);
    is_told || matches!((seen, expected), ([seen], [told]) if told == "NODATA" && seen.starts_with("NODATA "))
}

/// 2026-11-21T00:00:00Z.
const MIDNIGHT: u64 = 1_795_219_200;
/// How long a probe takes that is answered.
const MOMENT: Duration = Duration::from_millis(10);
/// How long the start may be silent.
const SILENCE: Duration = Duration::from_secs(3);
/// The default of `[state] max-age`.
const MAX_AGE: Duration = Duration::from_secs(300);
