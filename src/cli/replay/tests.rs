use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;

use super::compare::{Comparison, Row, compare};
use super::play::{Played, play};
use super::tape::Tape;
use crate::admin::view::EventView;
use crate::base::clock::{Mono, Now, UnixTime};
use crate::cli::testing::{SIP, setup};
use crate::engine::history::Record;
use crate::engine::memory::Restored;
use crate::engine::setup::Setup;
use crate::engine::{Core, Effect, Event, Prepared};
use crate::health::orders::{Force, Order, Scope};
use crate::health::{FailKind, Outcome, Report, TargetId, TargetReport};
use crate::history::{Line, OutcomeLine, Picture, Start, Stop};
use crate::policy::Failback;

const MAX_AGE: Duration = Duration::from_secs(300);
const END: UnixTime = UnixTime::from_secs(4_000_000_000);
const SERVICE: &str = "_sip._tcp.example.com.";

/// A server without sockets: a core that probes a world, and the history that it writes.
struct Server {
    setup: Setup,
    core: Core,
    /// What the clock shows, in microseconds since the begin.
    time: u64,
    store: BTreeMap<String, Vec<u8>>,
    lines: Vec<Line>,
    sequence: u64,
    /// When each target is probed next.
    probes: BTreeMap<TargetId, u64>,
    /// What each target answers.
    world: BTreeMap<TargetId, Outcome>,
    /// How often each target refuses before it answers so.
    refusals: BTreeMap<TargetId, u32>,
}

fn at(micros: u64) -> Now {
    let passed = Duration::from_micros(micros);
    Now { mono: Mono::START + passed, wall: UnixTime::from_secs(1_800_000_000) + passed }
}

fn refused() -> Outcome {
    Outcome::Fail { kind: FailKind::Conclusive, cause: "connection refused".into() }
}

fn silent() -> Outcome {
    Outcome::Fail { kind: FailKind::Silent, cause: "timed out".into() }
}

impl Server {
    fn start(setup: Setup) -> Self {
        let core = Core::new(Prepared::new(setup.clone()), &Restored::default(), at(0));
        let world = setup.targets.ids().map(|id| (id, Outcome::Pass)).collect();
        let (store, lines, probes) = (BTreeMap::new(), Vec::new(), BTreeMap::new());
        let mut server =
            Self { setup, core, time: 0, store, lines, sequence: 0, probes, world, refusals: BTreeMap::new() };
        server.begin();
        server
    }

    /// As the daemon begins to write.
    fn begin(&mut self) {
        let now = at(self.time);
        let kept = self.core.picture(now).into_iter();
        let kept = kept.map(|(key, value)| (key, serde_json::from_slice::<Value>(&value).unwrap())).collect();
        self.lines.push(Line::Start(Start { at_us: now.wall.as_micros(), version: "0".to_owned() }));
        self.lines.push(Line::Picture(Picture { at_us: now.wall.as_micros(), kept: Some(kept) }));
        self.take();
    }

    /// Ends it, in order or by a crash, and begins anew later.
    fn restart(&mut self, in_order: bool, later: Duration) {
        if in_order {
            self.core.handle(Event::Stop, at(self.time));
            self.take();
            self.lines.push(Line::Stop(Stop { at_us: at(self.time).wall.as_micros() }));
        }
        self.time += micros(later);
        self.probes.clear();
        let (restored, unreadable) = Restored::read(&self.store, MAX_AGE);
        assert_eq!(unreadable, [""; 0]);
        self.core = Core::new(Prepared::new(self.setup.clone()), &restored, at(self.time));
        self.begin();
    }

    fn take(&mut self) {
        while let Some(effect) = self.core.poll_effect() {
            match effect {
                Effect::Persist { key, value: Some(value) } => drop(self.store.insert(key, value.into_octets())),
                Effect::Persist { key, value: None } => drop(self.store.remove(&key)),
                Effect::Probe(request) => {
                    self.probes.insert(request.target, micros(request.at.since(Mono::START)));
                }
                Effect::Tested(tested) => self.lines.push(Line::Outcome(OutcomeLine::of(*tested))),
                Effect::Notice(event) => {
                    self.sequence += 1;
                    let line = EventView::kept(&Record { sequence: self.sequence, event });
                    self.lines.extend(line.map(Line::Event));
                }
                Effect::Publish(_) | Effect::Post(_) | Effect::Settled => {}
            }
        }
    }

    /// Lets time pass: what is due is probed, and answers after a moment.
    fn pass(&mut self, time: Duration) {
        let end = self.time + micros(time);
        loop {
            let probe = self.probes.iter().map(|(id, at)| (*at, *id)).min();
            let timeout = self.core.poll_timeout().map(|at| micros(at.since(Mono::START)));
            let next = probe.map(|(at, _)| at).into_iter().chain(timeout).min().unwrap_or(u64::MAX);
            if next > end {
                break;
            }
            self.time = self.time.max(next);
            if timeout.is_some_and(|at| at <= self.time) {
                self.core.handle_timeout(at(self.time));
            } else if let Some((_, target)) = probe {
                self.probes.remove(&target);
                let mut outcome = self.world[&target].clone();
                if let Some(left) = self.refusals.get_mut(&target).filter(|left| **left > 0) {
                    *left -= 1;
                    outcome = refused();
                }
                // Nobody else answers meanwhile: what is silent is so for longer.
                let latency = if outcome == silent() { 40_000 } else { 1_000 + target_number(target) * 137 };
                let answered = self.time + latency;
                // As in the daemon, time comes first.
                while let Some(due) = self.core.poll_timeout().map(|due| micros(due.since(Mono::START))) {
                    if due > answered {
                        break;
                    }
                    self.core.handle_timeout(at(due));
                    self.take();
                }
                self.time = answered;
                let (now, latency) = (at(self.time), Duration::from_micros(latency));
                let report = Report { outcome, began: now.mono - latency, latency };
                self.core.handle(Event::Report(TargetReport { setup: 1, target, report }), now);
            }
            self.take();
        }
        self.time = end;
    }

    /// Has the targets on an address answer so from now on.
    fn set(&mut self, address: &str, outcome: &Outcome) {
        for (id, target) in self.setup.targets.iter() {
            if target.key.address.to_string() == address {
                self.world.insert(id, outcome.clone());
            }
        }
    }

    fn order(&mut self, force: Force, on: &str, lasts: Duration) -> u64 {
        let now = at(self.time);
        let scope = Scope::parse(on).unwrap();
        let (reason, author) = (String::new(), "olga".to_owned());
        let order = Order { force, scope, from: None, until: Some(now.wall + lasts), reason, author };
        let id = self.core.give(order, true, now).unwrap();
        self.take();
        id
    }

    /// Plays the history to another setup.
    fn replay(&self, setup: &Setup) -> (Played, Vec<Comparison>) {
        let lines = self.lines.iter().cloned().map(Ok::<_, std::io::Error>);
        let mut tape = Tape::read(lines, END).unwrap();
        tape.runs.last_mut().unwrap().end = at(self.time).wall;
        let played = play(tape, setup, MAX_AGE);
        let compared = compare(&played, setup, UnixTime::default());
        (played, compared)
    }
}

fn target_number(id: TargetId) -> u64 {
    u64::try_from(crate::base::table::RowId::index(id)).unwrap()
}

fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap()
}

fn secs(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn sip(compared: &[Comparison]) -> &Comparison {
    compared.iter().find(|service| service.service == SERVICE).unwrap()
}

/// A failover of some minutes, a short disturbance, a restart and an order.
fn week() -> Server {
    let mut server = Server::start(setup(SIP));
    let tier = ["127.0.0.11", "127.0.0.12", "127.0.0.13"];
    server.pass(secs(600));
    tier.iter().for_each(|address| server.set(address, &refused()));
    server.pass(secs(300));
    tier.iter().for_each(|address| server.set(address, &Outcome::Pass));
    server.pass(secs(3_000));
    // Two failures in a row, and no third.
    let disturbed = server.setup.targets.iter().filter(|(_, target)| tier.contains(&&*target.key.address.to_string()));
    server.refusals = disturbed.map(|(id, _)| (id, 2)).collect();
    server.pass(secs(600));
    server.restart(false, secs(20));
    server.pass(secs(100));
    server.order(Force::Drained, "sip-node1.example.com", secs(200));
    server.pass(secs(400));
    tier.iter().for_each(|address| server.set(address, &silent()));
    server.pass(secs(120));
    server.restart(true, secs(5));
    server.pass(secs(200));
    tier.iter().for_each(|address| server.set(address, &Outcome::Pass));
    server.pass(secs(3_600));
    server
}

#[test]
fn the_same_config_decides_the_same() {
    let server = week();
    let (played, compared) = server.replay(&server.setup);
    assert!(played.unknown.is_empty() && played.strange.is_empty() && played.alike.is_empty(), "{played:?}");
    let sip = sip(&compared);
    assert!(sip.rows.len() >= 8, "{} decisions", sip.rows.len());
    let differing: Vec<&Row> = sip.rows.iter().filter(|row| row.differs()).collect();
    assert!(differing.is_empty(), "{differing:#?}");
    for row in &sip.rows {
        let ((was, _), (would, _)) = (row.recorded.clone().unwrap(), row.replayed.clone().unwrap());
        let apart = was.since(would).max(would.since(was));
        assert!(apart <= Duration::from_millis(1), "{apart:?}");
    }
    assert_eq!((sip.recorded.failovers, sip.recorded.failbacks), (2, 2));
    assert_eq!((sip.replayed.failovers, sip.replayed.failbacks), (2, 2));
    assert!(sip.recorded.standby > secs(500) && sip.recorded.all_down.is_zero(), "{:?}", sip.recorded);
    assert!(sip.recorded.standby.abs_diff(sip.replayed.standby) < Duration::from_millis(20));
    // The time in which no server ran is nobody's.
    let (from, to) = (at(0).wall, at(server.time).wall);
    assert!(sip.replayed.known <= to.since(from) - secs(25), "{:?}", sip.replayed);
}

#[test]
fn a_lower_fall_would_have_failed_over_at_the_short_disturbance_too() {
    let server = week();
    let mut other = server.setup.clone();
    for (_, target) in other.targets.iter_mut() {
        let settings = Arc::make_mut(&mut target.settings);
        (settings.fall, settings.rise) = (1, 10);
    }
    let (_, compared) = server.replay(&other);
    assert!(compared[0].differs() && compared[0].service == SERVICE, "differences come first");
    let sip = sip(&compared);
    assert_eq!((sip.recorded.failovers, sip.replayed.failovers), (2, 3));
    let disturbed = at(micros(secs(3_900))).wall;
    let failover = sip
        .rows
        .iter()
        .find_map(|row| row.replayed.clone().filter(|(at, decided)| *at >= disturbed && decided.tier == Some(20)));
    let (when, _) = failover.unwrap();
    assert!(when.since(disturbed) < secs(10), "{when}");
}

#[test]
fn a_higher_rise_and_a_longer_hold_would_have_kept_the_standby_longer() {
    let server = week();
    let usual = sip(&server.replay(&server.setup).1).replayed;
    let mut slower = server.setup.clone();
    slower.targets.iter_mut().for_each(|(_, target)| Arc::make_mut(&mut target.settings).rise = 60);
    let sums = sip(&server.replay(&slower).1).replayed;
    // Sixty passes take five minutes; outcomes without a line of their own are put in between those that have one.
    let longer = sums.standby - usual.standby;
    assert!(longer > secs(300) && longer < secs(900), "{longer:?}");

    let mut patient = server.setup.clone();
    patient.pools.iter_mut().for_each(|(_, pool)| pool.pool.settings.hold += secs(120));
    let sums = sip(&server.replay(&patient).1).replayed;
    let longer = sums.standby - usual.standby;
    assert!(longer >= secs(240) && longer < secs(900), "{longer:?}");
}

#[test]
fn without_a_failback_the_standby_would_have_stayed() {
    let server = week();
    let mut manual = server.setup.clone();
    manual.pools.iter_mut().for_each(|(_, pool)| pool.pool.settings.failback = Failback::Manual);
    let (_, compared) = server.replay(&manual);
    let sip = sip(&compared);
    assert_eq!((sip.replayed.failovers, sip.replayed.failbacks), (1, 0));
    assert!(sip.replayed.standby > sip.recorded.standby + secs(3_000), "{:?}", sip.replayed);
}

#[test]
fn what_the_history_does_not_know_is_said_and_is_neither_up_nor_down() {
    let server = week();
    let zone = SIP.replace("127.0.0.21", "127.0.0.22").replace("5060 sip-node2", "5061 sip-node2");
    let (played, compared) = server.replay(&setup(&zone));
    let sip = sip(&compared);
    assert_eq!(sip.unknown.len(), 2, "{:?}", sip.unknown);
    assert!(sip.unknown.iter().any(|name| name.contains("127.0.0.22:5060")), "{:?}", sip.unknown);
    assert_eq!(played.strange.len(), 2, "{:?}", played.strange);
    let page = super::page::Page {
        setup: &setup(&zone),
        played: &played,
        services: &compared,
        source: "here".to_owned(),
        runs: 1,
        from: at(0).wall,
        to: at(server.time).wall,
        lost: 3,
        unreadable: 0,
    };
    let text = crate::cli::line::text(&page.as_text(), crate::cli::paint::Paint::new(false));
    assert!(text.contains("2 targets: the history tells nothing of them, so they are neither up nor down"), "{text}");
    assert!(text.contains("2 targets: in the history, and not tested by this config"), "{text}");
    assert!(text.contains("the history lacks 3 lines"), "{text}");
    let json = page.as_json();
    assert_eq!(json["unknown_targets"].as_array().unwrap().len(), 2);
    assert_eq!(json["services"][0]["unknown_targets"].as_array().unwrap().len(), 2, "{json:#}");
}

#[test]
fn a_history_that_begins_in_the_middle_begins_with_its_picture() {
    let mut server = Server::start(setup(SIP));
    server.pass(secs(100));
    for address in ["127.0.0.11", "127.0.0.12", "127.0.0.13"] {
        server.set(address, &refused());
    }
    server.pass(secs(60));
    // As when the files were exchanged: all that was before is gone.
    let now = at(server.time);
    let kept = server.core.picture(now).into_iter();
    let kept = kept.map(|(key, value)| (key, serde_json::from_slice::<Value>(&value).unwrap())).collect();
    server.lines = vec![Line::Picture(Picture { at_us: now.wall.as_micros(), kept: Some(kept) })];
    server.pass(secs(60));
    for address in ["127.0.0.11", "127.0.0.12", "127.0.0.13"] {
        server.set(address, &Outcome::Pass);
    }
    server.pass(secs(600));
    let (_, compared) = server.replay(&server.setup);
    let sip = sip(&compared);
    assert!(!sip.rows.is_empty() && !sip.differs(), "{:#?}", sip.rows);
    assert_eq!((sip.recorded.failovers, sip.recorded.failbacks), (0, 1));
    assert!(sip.recorded.standby > secs(60) && sip.recorded.standby.abs_diff(sip.replayed.standby) < secs(1));
}

#[test]
fn thousands_of_random_moments_are_judged_the_same_again() {
    for seed in 1..=12_u64 {
        let mut state = seed;
        let mut random = |below: u64| {
            // The constants of Knuth's MMIX.
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 33) % below
        };
        let mut server = Server::start(setup(SIP));
        let addresses = ["127.0.0.11", "127.0.0.12", "127.0.0.13", "127.0.0.21"];
        for _ in 0..150 {
            let address = addresses[usize::try_from(random(4)).unwrap()];
            match random(12) {
                0..4 => server.set(address, &Outcome::Pass),
                4..6 => server.set(address, &refused()),
                6..8 => server.set(address, &silent()),
                8 => server.set(address, &Outcome::Unknown("no route".into())),
                9 => server.set(address, &Outcome::Degraded("slow".into())),
                10 => drop(server.order(Force::Down, "sip-node2.example.com", secs(30 + random(100)))),
                _ => server.restart(random(2) == 0, secs(random(400))),
            }
            server.pass(Duration::from_millis(500 + random(60_000)));
        }
        let (_, compared) = server.replay(&server.setup);
        let sip = sip(&compared);
        let differing: Vec<&Row> = sip.rows.iter().filter(|row| row.differs()).collect();
        assert!(
            differing.is_empty(),
            "seed {seed}: {} of {}: {:#?}",
            differing.len(),
            sip.rows.len(),
            differing.first()
        );
        assert!(sip.rows.len() > 20, "seed {seed}: {}", sip.rows.len());
    }
}
