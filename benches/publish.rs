//! A target flips: from the report to the publisher's swap, in a small setup and in a large one.
//!
//! Each service has three members in two tiers, each on a host of its own: six records. A failover costs what it changes,
//! so both sizes must take the same time; the limit is 200 µs.

#![expect(clippy::unwrap_used, reason = "a benchmark")]
#![expect(clippy::print_stdout, reason = "it tells its figures")]

use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;

use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use understudy::base::clock::{Clock, Mono, Now, UnixTime};
use understudy::base::table::{RowId, Table};
use understudy::config::lower::{Options, lower};
use understudy::config::shape;
use understudy::engine::memory::Restored;
use understudy::engine::setup::ZoneSetup;
use understudy::engine::{Core, Effect, Event, Prepared};
use understudy::health::{FailKind, Outcome, Report, TargetId, TargetReport};
use understudy::keys::source::Source;
use understudy::probe::allow::Access;
use understudy::snapshot::{Publisher, ZoneId};
use understudy::zone::parse::{NoSources, Origin, load};

const SMALL: usize = 1_000;
const LARGE: usize = 100_000;

/// An engine and its publisher, without disk and probes.
struct Bench {
    core: Core,
    publisher: Publisher,
    now: Now,
    targets: usize,
    flips: usize,
}

impl Bench {
    fn new(services: usize) -> Self {
        let parsed = load("bench.zone", zone(services).as_bytes(), Origin::Unknown, &mut NoSources);
        let zone = Arc::new(parsed.zone.unwrap());
        let zones: Table<ZoneId, ZoneSetup> =
            [ZoneSetup { origin: zone.origin().clone(), zone: Some(zone), is_judged_upstream: false }]
                .into_iter()
                .collect();
        let config = "version = 1\n[health]\nfall = 1\nrise = 1\n".to_owned();
        let (file, _) = shape::read(&Source::new("bench.toml", config));
        let setup = lower(&file, zones, &Access::default(), Options::default()).setup;
        let targets = setup.targets.len();
        let now = Now { mono: Mono::START, wall: UnixTime::from_secs(1_800_000_000) };
        let core = Core::new(Prepared::new(setup), &Restored::default(), now);
        let publisher = Publisher::new((**core.snapshot()).clone());
        let mut bench = Self { core, publisher, now, targets, flips: 0 };
        bench.settle();
        bench
    }

    /// Passes every target once.
    fn settle(&mut self) {
        for target in 0..self.targets {
            self.report(target, Outcome::Pass);
        }
        self.now = self.now.after(Duration::from_secs(60));
        self.carry_out();
    }

    /// Flips one target, far from the one before, and publishes.
    fn flip(&mut self) {
        let target = (self.flips / 2).wrapping_mul(7_919) % self.targets;
        let outcome = if self.flips.is_multiple_of(2) {
            Outcome::Fail { kind: FailKind::Conclusive, cause: "connection refused".into() }
        } else {
            Outcome::Pass
        };
        self.flips += 1;
        self.now = self.now.after(Duration::from_millis(150));
        self.report(target, outcome);
        self.carry_out();
    }

    fn report(&mut self, target: usize, outcome: Outcome) {
        let report = Report { outcome, began: self.now.mono, latency: Duration::ZERO };
        self.core
            .handle(Event::Report(TargetReport { setup: 1, target: TargetId::from_index(target), report }), self.now);
    }

    fn carry_out(&mut self) {
        while self.core.poll_timeout().is_some_and(|at| at <= self.now.mono) {
            self.core.handle_timeout(self.now);
        }
        while let Some(effect) = self.core.poll_effect() {
            if let Effect::Publish(snapshot) = effect {
                assert!(self.publisher.publish((*snapshot).clone()) || snapshot.generation() == 1);
            }
        }
    }
}

fn zone(services: usize) -> String {
    let mut text = String::from(
        "$ORIGIN example.\n$TTL 300\n@ SOA ns1 hostmaster 1 3600 600 86400 60\n@ NS ns1\nns1 A 10.0.0.1\n",
    );
    for n in 0..services {
        let [_, b, c, d] = u32::try_from(n).unwrap().to_be_bytes();
        for (host, priority) in [(1, 10), (2, 10), (3, 20)] {
            writeln!(text, "_sip._tcp.s{n} SRV {priority} 5 5060 h{host}.s{n}").unwrap();
            writeln!(text, "h{host}.s{n} A 1{host}.{b}.{c}.{d}").unwrap();
        }
    }
    text
}

fn flips(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("flip");
    let mut medians = Vec::new();
    for services in [SMALL, LARGE] {
        let mut bench = Bench::new(services);
        group.bench_function(BenchmarkId::from_parameter(services), |bencher| bencher.iter(|| bench.flip()));
        medians.push(median(&mut bench));
    }
    let [small, large] = medians[..] else { return };
    println!(
        "flip: {small:?} in {SMALL} services, {large:?} in {LARGE}: ratio {:.2}",
        large.as_secs_f64() / small.as_secs_f64()
    );
}

/// Returns the median of a thousand flips.
fn median(bench: &mut Bench) -> Duration {
    let clock = Clock::start();
    let mut times: Vec<Duration> = (0..1_000)
        .map(|_| {
            let begin = clock.now().mono;
            bench.flip();
            clock.now().mono.since(begin)
        })
        .collect();
    times.sort_unstable();
    times[times.len() / 2]
}

criterion_group!(benches, flips);
criterion_main!(benches);
