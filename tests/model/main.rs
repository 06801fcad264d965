//! The engine against a reference that is too simple to be wrong, over generated stories.
//!
//! Everything happens at whole seconds. Half a second later, when coalescing is over, the published snapshot must hold what
//! the reference says, and looking at everything once more must change nothing.
//!
//! `PROPTEST_CASES` sets the number of stories; those that once failed stay in `main.regressions`, beside this file.

#![expect(clippy::unwrap_used, reason = "helpers of tests")]

mod reference;

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, Ipv6Addr};
use std::sync::Arc;
use std::time::Duration;

use proptest::prelude::*;
use proptest::test_runner::FileFailurePersistence;
use understudy::base::clock::{Mono, Now, UnixTime};
use understudy::base::finding::Severity;
use understudy::base::table::{RowId, Table};
use understudy::config::lower::{Options, lower};
use understudy::config::shape;
use understudy::engine::core::COALESCE;
use understudy::engine::memory::Restored;
use understudy::engine::setup::{Setup, ZoneSetup};
use understudy::engine::{Core, Effect, Event, Prepared};
use understudy::health::orders::{self, Force, Scope};
use understudy::health::{FailKind, NO_TRANSPORT, Outcome, Report, TargetId, TargetReport};
use understudy::keys::source::Source;
use understudy::probe::allow::Access;
use understudy::snapshot::{Snapshot, WeightedSet, ZoneId};
use understudy::zone::parse::{NoSources, Origin, parse};
use understudy::zone::serial::Soa;
use understudy::zone::{Name, Rrset, Rtype, Serial};

use reference::{Because, Order, Reference, Saw, ServedSet, key_of};

/// Something that happens.
#[derive(Clone, Debug)]
enum Step {
    Report(usize, Saw),
    Give { force: Force, scope: usize, begins: u64, lasts: Option<u64>, last: bool },
    Clear(usize),
    Failback(usize),
    Reload { config: usize, zone: usize },
    Restart { killed: bool },
    Wait(u64),
}

proptest! {
    #![proptest_config(cases(1))]

    #[test]
    fn the_engine_serves_what_the_rules_say(config in 0..CONFIGS.len(), steps in story()) {
        World::begin(config).play(&steps);
    }
}

proptest! {
    #![proptest_config(cases(8))]

    #[test]
    fn the_same_events_at_the_same_times_give_the_same_snapshots(config in 0..CONFIGS.len(), steps in story()) {
        let play = || {
            let mut world = World::begin(config);
            world.play(&steps);
            world.published
        };
        prop_assert_eq!(play(), play());
    }
}

/// A share of the cases that are set (256, or `PROPTEST_CASES`).
fn cases(share: u32) -> ProptestConfig {
    let set = ProptestConfig::default();
    let failure_persistence = FileFailurePersistence::WithSource("regressions");
    ProptestConfig { cases: set.cases / share, failure_persistence: Some(Box::new(failure_persistence)), ..set }
}

fn story() -> impl Strategy<Value = Vec<Step>> {
    let saw = prop_oneof![
        6 => Just(Saw::Pass),
        3 => Just(Saw::Full),
        2 => prop_oneof![Just(None), Just(Some(2)), Just(Some(9))].prop_map(Saw::Leaving),
        6 => Just(Saw::No),
        4 => Just(Saw::Silence),
        1 => Just(Saw::Nothing),
    ];
    // Reports come in runs, so that targets fall and rise.
    let reports = (any::<prop::sample::Index>(), saw, 1..4usize)
        .prop_map(|(target, saw, times)| vec![Step::Report(target.index(1_000), saw); times]);
    let force = prop_oneof![Just(Force::Up), Just(Force::Down), Just(Force::Drained)];
    let begins = prop_oneof![3 => Just(0u64), 1 => Just(3), 1 => 1..20u64];
    let lasts = prop_oneof![1 => Just(None), 2 => (1..40u64).prop_map(Some)];
    let give = (force, 0..SCOPES.len(), begins, lasts, any::<bool>())
        .prop_map(|(force, scope, begins, lasts, last)| vec![Step::Give { force, scope, begins, lasts, last }]);
    let step = prop_oneof![
        12 => reports,
        3 => give,
        2 => (0..8usize).prop_map(|order| vec![Step::Clear(order)]),
        1 => (0..8usize).prop_map(|pool| vec![Step::Failback(pool)]),
        1 => (0..CONFIGS.len(), 0..ZONES.len()).prop_map(|(config, zone)| vec![Step::Reload { config, zone }]),
        1 => any::<bool>().prop_map(|killed| vec![Step::Restart { killed }]),
        8 => prop_oneof![4 => 1..4u64, 2 => 4..30u64, 1 => Just(70u64)].prop_map(|secs| vec![Step::Wait(secs)]),
    ];
    prop::collection::vec(step, 1..40).prop_map(|steps| steps.concat())
}

struct World {
    core: Core,
    /// Seconds since the story began.
    secs: u64,
    /// When the process that runs was started.
    started: u64,
    setup: u64,
    store: BTreeMap<String, Vec<u8>>,
    reference: Reference,
    snapshot: Arc<Snapshot>,
    /// Every publication: when, the generation, the serial, the data.
    published: Vec<(u64, u64, Serial, Data)>,
}

/// All sets of a zone but its SOA.
type Data = BTreeMap<(String, Rtype), ServedSet>;

impl World {
    fn begin(config: usize) -> Self {
        let setup = setup(config, 0);
        let core = Core::new(Prepared::new(setup.clone()), &Restored::default(), now(0, 0));
        let mut world = Self {
            snapshot: Arc::clone(core.snapshot()),
            core,
            secs: 0,
            started: 0,
            setup: 1,
            store: BTreeMap::new(),
            reference: Reference::new(setup),
            published: Vec::new(),
        };
        world.carry_out(0);
        world
    }

    fn play(&mut self, steps: &[Step]) {
        for step in steps {
            self.take(step);
        }
        self.tick();
    }

    /// Lets a second pass, having compared in its middle.
    fn tick(&mut self) {
        self.run_to(self.secs * 1_000 + 500);
        self.compare();
        self.run_to((self.secs + 1) * 1_000);
        self.secs += 1;
        self.reference.look(Because::Other, self.secs);
    }

    fn take(&mut self, step: &Step) {
        let (secs, now) = (self.secs, self.now());
        match *step {
            Step::Report(target, saw) => {
                let target = target % self.reference.setup.targets.len();
                let (id, report) = (TargetId::from_index(target), report(saw, now.mono));
                self.core.handle(Event::Report(TargetReport { setup: self.setup, target: id, report }), now);
                self.reference.report(target, saw, secs);
            }
            Step::Give { force, scope, begins, lasts, last } => {
                let scope = Scope::parse(SCOPES[scope]).unwrap();
                let (from, until) = (secs + begins, lasts.map(|lasts| secs + begins + lasts));
                let given = orders::Order {
                    force,
                    scope: scope.clone(),
                    from: (begins > 0).then(|| wall(from)),
                    until: until.map(wall),
                    reason: "model".to_owned(),
                    author: "model".to_owned(),
                };
                let order = Order { force, scope, from, until };
                let refused = self.reference.robs(&order, secs) && !last;
                let taken = self.core.give(given, last, now);
                assert_eq!(taken.is_err(), refused, "{step:?}");
                if let Ok(id) = taken {
                    self.reference.orders.insert(id, order);
                    self.reference.look(Because::Other, secs);
                }
            }
            Step::Clear(number) => {
                let id = self.reference.orders.keys().nth(number).copied();
                if let Some(id) = id {
                    assert!(self.core.clear(id, now));
                    self.reference.orders.remove(&id);
                    self.reference.look(Because::Other, secs);
                }
            }
            Step::Failback(pool) => {
                let pool = pool % self.reference.setup.pools.len();
                let name = self.core.setup().pools.iter().nth(pool).unwrap().1.name.clone();
                self.core.fail_back(&name, now).unwrap();
                self.reference.fail_back(pool, secs);
            }
            Step::Reload { config, zone } => {
                self.setup += 1;
                let setup = setup(config, zone);
                let prepared = Box::new(Prepared::new(setup.clone()));
                self.core.handle(Event::Reload { setup: self.setup, prepared }, now);
                self.reference.reload(setup, secs);
            }
            Step::Restart { killed } => self.restart(killed),
            Step::Wait(secs) => (0..secs).for_each(|_| self.tick()),
        }
        self.run_to(self.secs * 1_000);
    }

    fn restart(&mut self, killed: bool) {
        if !killed {
            self.core.handle(Event::Stop, self.now());
        }
        self.carry_out(self.secs * 1_000);
        (self.started, self.setup) = (self.secs, 1);
        let (restored, unreadable) = Restored::read(&self.store, Duration::from_secs(300));
        assert_eq!(unreadable, Vec::<String>::new());
        self.core = Core::new(Prepared::new((*self.reference.setup).clone()), &restored, self.now());
        self.reference.restart(self.secs);
        // A new process counts its own generations and publishes at once.
        let (.., serial, data) = self.published.pop().unwrap();
        self.published.push((0, 0, serial, data));
        self.carry_out(self.secs * 1_000);
    }

    /// Does what time makes due up to `end`, in milliseconds.
    fn run_to(&mut self, end: u64) {
        loop {
            let at = self.core.poll_timeout().map(|at| millis(at) + self.started * 1_000);
            let Some(at) = at.filter(|at| *at <= end) else { break };
            self.core.handle_timeout(now(at.max(self.secs * 1_000), self.started));
            self.carry_out(at.max(self.secs * 1_000));
        }
        self.carry_out(end);
    }

    fn carry_out(&mut self, at: u64) {
        while let Some(effect) = self.core.poll_effect() {
            match effect {
                Effect::Publish(snapshot) => self.publish(snapshot, at),
                Effect::Persist { key, value: Some(value) } => drop(self.store.insert(key, value.into_octets())),
                Effect::Persist { key, value: None } => drop(self.store.remove(&key)),
                Effect::Probe(_) | Effect::Post(_) | Effect::Notice(_) | Effect::Tested(_) | Effect::Settled => {}
            }
        }
    }

    fn publish(&mut self, snapshot: Arc<Snapshot>, at: u64) {
        let (serial, data) = read(&snapshot, WeightedSet::transferred);
        if let Some((before_at, generation, before, same)) = self.published.last() {
            assert!(snapshot.generation() > *generation);
            if *generation > 0 {
                assert!(at - before_at >= u64::try_from(COALESCE.as_millis()).unwrap(), "too soon: {before_at}, {at}");
                assert_eq!(serial != *before, data != *same, "the serial tells of changes: {before} {serial}");
            }
            assert!(serial == *before || serial.is_after(*before), "{serial} after {before}");
        }
        self.published.push((at, snapshot.generation(), serial, data));
        self.snapshot = snapshot;
    }

    fn compare(&mut self) {
        let (_, data) = read(&self.snapshot, WeightedSet::all);
        for (key, told) in &self.reference.served {
            let nothing = (told.0, Vec::new());
            let seen = data.get(key).unwrap_or(&nothing);
            assert_eq!(seen, told, "{key:?} at {} s", self.secs);
        }
        let zone = self.reference.setup.zones.iter().next().unwrap().1.zone.clone().unwrap();
        for (owner, sets) in zone.nodes() {
            for set in sets.iter().filter(|set| set.rtype() != Rtype::SOA) {
                let key = (owner.to_string(), set.rtype());
                if !self.reference.served.contains_key(&key) {
                    assert_eq!(data.get(&key), Some(&texts(set)), "{key:?} follows nothing");
                }
            }
        }
        for (_, pool) in self.reference.setup.pools.iter().filter(|(_, pool)| pool.fills[0].rtype == Rtype::SRV) {
            for (fill, (ttl, records)) in pool.fills.iter().map(|fill| (fill, &data[&key_of(fill)])) {
                assert!(!records.is_empty() && (1..=fill.ttl).contains(ttl), "{} {ttl} {records:?}", fill.owner);
            }
        }
        let now = now(self.secs * 1_000 + 500, self.started);
        assert_eq!(self.core.audit(now), 0, "at {} s", self.secs);
    }

    fn now(&self) -> Now {
        now(self.secs * 1_000, self.started)
    }
}

fn now(at_ms: u64, started: u64) -> Now {
    let since_start = Duration::from_millis(at_ms - started * 1_000);
    Now { mono: Mono::START + since_start, wall: wall(0) + Duration::from_millis(at_ms) }
}

fn wall(secs: u64) -> UnixTime {
    UnixTime::from_secs(1_800_000_000 + secs)
}

/// Milliseconds since the start of the process, rounded up.
fn millis(at: Mono) -> u64 {
    u64::try_from(at.since_start().as_nanos().div_ceil(1_000_000)).unwrap()
}

fn report(saw: Saw, began: Mono) -> Report {
    let outcome = match saw {
        Saw::Pass => Outcome::Pass,
        Saw::Full => Outcome::Degraded("full".into()),
        Saw::Leaving(after) => Outcome::Drain { cause: "leaving".into(), retry_after: after.map(Duration::from_secs) },
        Saw::No => Outcome::Fail { kind: FailKind::Conclusive, cause: "no".into() },
        Saw::Silence => Outcome::Fail { kind: FailKind::Silent, cause: "silence".into() },
        Saw::Nothing => Outcome::Unknown("own fault".into()),
    };
    Report { outcome, began, latency: Duration::ZERO }
}

fn setup(config: usize, zone: usize) -> Setup {
    let source = Source::new("model.toml", format!("version = 1\n{}\n{ADDRESSES}", CONFIGS[config]));
    let (file, findings) = shape::read(&source);
    assert!(findings.iter().all(|f| f.severity != Severity::Error), "{findings:?}");
    let text = format!("{HEAD}{}", ZONES[zone]);
    let parsed = parse("model.zone", text.as_bytes(), Origin::Unknown, &mut NoSources);
    let zone = parsed.zone.unwrap_or_else(|| panic!("{:?}", parsed.findings));
    let zones: Table<ZoneId, ZoneSetup> =
        [ZoneSetup { origin: zone.origin().clone(), zone: Some(Arc::new(zone)), is_judged_upstream: false }]
            .into_iter()
            .collect();
    let lowered = lower(&file, zones, &Access::default(), Options::default());
    assert!(lowered.findings.iter().all(|f| f.severity != Severity::Error), "{:?}", lowered.findings);
    let mut setup = lowered.setup;
    // None bears witness, so silence needs none: guards are proved by stories, and beside the code.
    for (_, target) in setup.targets.iter_mut() {
        target.key.transport = NO_TRANSPORT;
    }
    setup
}

/// Reads the serial and all other sets; `of` says which records count of a set of which each answer holds a part.
fn read(snapshot: &Snapshot, of: fn(&WeightedSet) -> &Arc<Rrset>) -> (Serial, Data) {
    let mut serial = Serial(0);
    let mut data = Data::new();
    for node in snapshot.nodes(ZoneId::from_index(0)) {
        for set in node.sets() {
            if set.rtype() == Rtype::SOA {
                serial = Soa::read(set.rdatas().next().unwrap()).unwrap().serial;
            } else {
                let set = node.set(set.rtype()).and_then(|set| set.weighted()).map_or(set, of);
                data.insert((node.owner().to_string(), set.rtype()), texts(set));
            }
        }
    }
    (serial, data)
}

fn texts(set: &Rrset) -> ServedSet {
    let name = |wire: &[u8]| Name::from_wire(wire).unwrap().to_string();
    let records = match set.rtype() {
        Rtype::SRV => set.srvs().map(|s| format!("{} {} {} {}", s.priority, s.weight, s.port, name(s.host))).collect(),
        Rtype::A => set.rdatas().map(|r| Ipv4Addr::from(<[u8; 4]>::try_from(r).unwrap()).to_string()).collect(),
        Rtype::AAAA => set.rdatas().map(|r| Ipv6Addr::from(<[u8; 16]>::try_from(r).unwrap()).to_string()).collect(),
        Rtype::CNAME => set.rdatas().map(name).collect(),
        _ => set.rdatas().map(|rdata| format!("{rdata:?}")).collect(),
    };
    (set.ttl(), records)
}

const HEAD: &str = "$ORIGIN example.\n$TTL 300
@ SOA ns1 hostmaster 1 3600 600 86400 60
@ NS ns1
ns1 A 10.1.0.99
www A 10.1.0.80
go CNAME a
web A 10.1.0.8
web A 10.1.0.7
web A 10.2.0.8
web AAAA fd00:1::8
web AAAA fd00:2::8
www AAAA fd00:3::1
a A 10.1.0.1
a A 10.1.0.9
b A 10.1.0.2
a AAAA fd00:1::1
c AAAA fd00:2::1
c A 10.2.0.1
d 3 A 10.2.0.2
t1 A 10.1.0.51
t2 A 10.2.0.51
_turn._udp SRV 10 0 3478 t1
_turn._udp SRV 20 0 3478 t2
";
const ZONES: [&str; 3] = [
    "_sip._tcp SRV 10 70 5060 a\n_sip._tcp SRV 10 30 5060 b\n_sip._tcp SRV 20 0 5060 c\n_sip._tcp SRV 30 0 5060 d
_xmpp-client._tcp 3 SRV 10 0 5222 a\n_xmpp-client._tcp 3 SRV 20 0 5222 c
_xmpps-client._tcp SRV 10 0 5223 a\n_xmpps-client._tcp SRV 20 0 5223 c\n",
    "_sip._tcp SRV 20 70 5060 a\n_sip._tcp SRV 20 30 5060 c\n_sip._tcp SRV 65530 0 5060 d
_xmpp-client._tcp SRV 10 0 5222 b\n_xmpp-client._tcp SRV 10 0 5222 c
_xmpps-client._tcp SRV 20 0 5223 c\n",
    "_sip._tcp SRV 10 0 5060 a\n_sip._tcp SRV 10 0 5060 b\n_sip._tcp SRV 10 0 5060 c\n_sip._tcp SRV 20 1 5060 d
_xmpp-client._tcp SRV 10 0 5222 a\n_xmpp-client._tcp SRV 20 0 5222 b
_xmpps-client._tcp SRV 10 5 5223 a\n_xmpps-client._tcp SRV 10 6 5223 c\n",
];
const CONFIGS: [&str; 5] = [
    "",
    "[health]\nfall = 2\nrise = 1\n[policy]\nhold = \"5s\"\nttl = 8\nunsettled-ttl = 2\nfailed = \"demote\"\nall-down = \"last-good\"",
    "[health]\nfall = 1\n[policy]\nhold = \"3s\"\nttl = 4\nstandby = \"hidden\"\npromote = \"renumber\"\nall-down = \"closed\"\nmin-up = 2",
    "[health]\nfall = 2\n[policy]\nhold = \"4s\"\nttl = 3\nfailback = \"manual\"\nmin-up = \"60%\"",
    "[health]\nfall = 1\nrise = 1\n[policy]\nhold = \"2s\"\nttl = 6\nunsettled-ttl = 3",
];
const ADDRESSES: &str = r#"
[[address]]
name = "www.example"
follows = "_sip._tcp.example"
[[address]]
name = "web.example"
tiers = [["10.1.0.8 weight 3", "10.1.0.7", "fd00:1::8"], ["10.2.0.8", "fd00:2::8"]]
check = { kind = "tcp", port = 80 }
[[alias]]
name = "go.example"
tiers = [["a.example weight 2", "b.example"], ["c.example"], ["d.example weight 9"]]
check = { kind = "tcp", port = 80 }
"#;
const SCOPES: [&str; 11] = [
    "a.example",
    "b.example",
    "c.example",
    "d.example",
    "t1.example",
    "t2.example",
    "a.example:5060",
    "c.example:5223",
    "10.1.0.1",
    "10.2.0.8",
    "10.1.0.9:5060",
];
