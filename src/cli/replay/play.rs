//! Plays a tape to a core: the same outcomes and orders at the same times, judged by another config. Pure.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use crate::admin::view::Served;
use crate::base::clock::{Mono, Now, UnixTime};
use crate::engine::memory::Restored;
use crate::engine::setup::Setup;
use crate::engine::{Core, Effect, Event, Notice, OrderId, Prepared, Tested};
use crate::health::{Report, TargetId, TargetReport};

use super::tape::{Decided, Run, Step, Tape, What};
use super::timeline::Timelines;

/// What came of it.
#[derive(Debug, Default)]
pub(super) struct Played {
    /// What happened.
    pub(super) recorded: Timelines,
    /// What would have happened.
    pub(super) replayed: Timelines,
    /// How many outcomes were judged.
    pub(super) outcomes: u64,
    /// The targets of the config of which the history tells nothing.
    pub(super) unknown: BTreeSet<TargetId>,
    /// The targets whose outcomes are those of a check with other parameters at the same place.
    pub(super) alike: BTreeSet<TargetId>,
    /// The targets of the history that the config does not test.
    pub(super) strange: BTreeSet<String>,
    /// Orders that the config refuses, as sentences.
    pub(super) refused: Vec<String>,
}

/// A core, and where the targets of the history are in it.
struct Player<'a> {
    setup: &'a Setup,
    max_age: Duration,
    targets: BTreeMap<String, TargetId>,
    places: BTreeMap<String, Option<TargetId>>,
    /// What the core has kept: what the next run begins with.
    store: BTreeMap<String, Vec<u8>>,
    /// The numbers of orders in the core by those in the history.
    orders: BTreeMap<OrderId, OrderId>,
    base: UnixTime,
    told: BTreeSet<TargetId>,
    played: Played,
}

/// Plays a tape to cores of this setup.
pub(super) fn play(tape: Tape, setup: &Setup, max_age: Duration) -> Played {
    let probed = || setup.targets.iter().filter(|(_, target)| target.is_probed());
    let mut targets = BTreeMap::new();
    let mut places: BTreeMap<String, Option<TargetId>> = BTreeMap::new();
    for (id, target) in probed() {
        let key = target.key.to_string();
        // Of two at one place it is not known which is meant.
        places.entry(place(&key).to_owned()).and_modify(|found| *found = None).or_insert(Some(id));
        targets.insert(key, id);
    }
    let base = tape.span().map(|(begin, _)| begin).unwrap_or_default();
    let mut player = Player {
        setup,
        max_age,
        targets,
        places,
        store: BTreeMap::new(),
        orders: BTreeMap::new(),
        base,
        told: BTreeSet::new(),
        played: Played::default(),
    };
    for (number, run) in tape.runs.into_iter().enumerate() {
        player.run(run, number == 0);
    }
    player.played.unknown = probed().map(|(id, _)| id).filter(|id| !player.told.contains(id)).collect();
    player.played
}

impl Player<'_> {
    fn now(&self, wall: UnixTime) -> Now {
        Now { mono: Mono::START + wall.since(self.base), wall }
    }

    fn wall(&self, mono: Mono) -> UnixTime {
        self.base + mono.since(Mono::START)
    }

    fn run(&mut self, run: Run, is_first: bool) {
        let begin = self.now(run.begin);
        self.note_recorded_begin(&run);
        // Of a run that was killed the history knows the last line, and the server knew when it lived last.
        let believed = run.kept.iter().flatten().any(|(key, _)| key.starts_with("health/"));
        if is_first {
            self.store = run.kept.unwrap_or_default();
        }
        let (restored, _) = Restored::read(&self.store, if believed { Duration::MAX } else { self.max_age });
        let restored = if is_first && !self.store.is_empty() { restored.as_picture() } else { restored };
        let mut core = Core::new(Prepared::new(self.setup.clone()), &restored, begin);
        self.collect(&mut core);
        for pool in core.status(begin).pools {
            let (served, tier) = Served::of(pool.decision.served);
            let reason = pool.decision.reason.to_string();
            self.played.replayed.begin(Decided { service: pool.name, served, tier, reason }, run.begin);
        }
        for Step { at, what } in run.steps {
            self.advance(&mut core, at);
            self.step(&mut core, what, self.now(at));
            self.collect(&mut core);
        }
        self.advance(&mut core, run.end);
        if run.is_stopped {
            core.handle(Event::Stop, self.now(run.end));
            self.collect(&mut core);
        }
        self.played.recorded.end(run.end);
        self.played.replayed.end(run.end);
    }

    /// Notes what the server answered with when its run began, as far as the history says.
    fn note_recorded_begin(&mut self, run: &Run) {
        for (key, value) in run.kept.iter().flatten() {
            let Some(service) = key.strip_prefix("memory/") else { continue };
            let memory: serde_json::Value = serde_json::from_slice(value).unwrap_or_default();
            let Some(tier) = memory["current"].as_u64().and_then(|tier| u16::try_from(tier).ok()) else { continue };
            let reason = format!("tier {tier} serves");
            let decided = Decided { service: service.to_owned(), served: Served::Tier, tier: Some(tier), reason };
            self.played.recorded.begin(decided, run.begin);
        }
    }

    /// Does what time alone makes due before a moment.
    fn advance(&mut self, core: &mut Core, until: UnixTime) {
        let until = self.now(until).mono;
        while let Some(at) = core.poll_timeout().filter(|at| *at <= until) {
            core.handle_timeout(self.now(self.wall(at)));
            self.collect(core);
        }
    }

    fn step(&mut self, core: &mut Core, what: What, now: Now) {
        match what {
            What::Tested(tested) => self.test(core, tested, now),
            What::Given(id, order) => match core.give(order.clone(), true, now) {
                Ok(own) => drop(self.orders.insert(id, own)),
                Err(refusal) => self.played.refused.push(format!("order {id} ({}): {refusal}", order.scope)),
            },
            // One of before the history has its number in the picture.
            What::Cleared(id) => drop(core.clear(self.orders.remove(&id).unwrap_or(id), now)),
            What::FailBack(service) => {
                if let Err(refusal) = core.fail_back(&service, now) {
                    self.played.refused.push(format!("failback: {refusal}"));
                }
            }
            What::Decided(decided) => self.played.recorded.decide(decided, now.wall),
        }
    }

    fn test(&mut self, core: &mut Core, tested: Tested, now: Now) {
        let same = self.targets.get(&tested.target).copied();
        let alike = || self.places.get(place(&tested.target)).copied().flatten().filter(|id| self.has_no_own(*id));
        let Some(target) = same.or_else(alike) else {
            self.played.strange.insert(tested.target);
            return;
        };
        if same.is_none() {
            self.played.alike.insert(target);
        }
        self.told.insert(target);
        self.played.outcomes += 1;
        let report = Report { outcome: tested.outcome, began: now.mono - tested.age, latency: tested.age };
        core.handle(Event::Report(TargetReport { setup: 1, target, report }), now);
    }

    /// Returns whether the history has had nothing of a target itself: what it has of one alike stands in then.
    fn has_no_own(&self, id: TargetId) -> bool {
        !self.told.contains(&id) || self.played.alike.contains(&id)
    }

    /// Takes what the core does: what it keeps, and what it decides.
    fn collect(&mut self, core: &mut Core) {
        while let Some(effect) = core.poll_effect() {
            match effect {
                Effect::Persist { key, value } => match value {
                    Some(value) => drop(self.store.insert(key, value.into_octets())),
                    None => drop(self.store.remove(&key)),
                },
                Effect::Notice(event) => {
                    if let Notice::Decision { pool, reason, .. } = event.notice {
                        let (served, tier) = Served::by(&reason);
                        let decided = Decided { service: pool, served, tier, reason: reason.to_string() };
                        self.played.replayed.decide(decided, event.at);
                    }
                }
                Effect::Publish(_) | Effect::Probe(_) | Effect::Post(_) | Effect::Tested(_) | Effect::Settled => {}
            }
        }
    }
}

/// Returns what of a target's name its place is: kind, transport, address and port.
fn place(target: &str) -> &str {
    let end = target.match_indices(' ').nth(1).map_or(target.len(), |(at, _)| at);
    &target[..end]
}
