//! The state, and what follows from an event. Pure.
//!
//! ```text
//!  report ─┐                       ┌─▶ pools ─▶ hosts ─▶ followers ─┐
//!  command ├─▶ targets, orders ─▶ judge: who must be judged anew     ├─▶ slots: values ─▶ publish: one snapshot
//!  reload ─┤                       └──────────── timers ◀────────────┘
//!  time ───┘
//! ```

mod arrivals;
mod cached;
mod command;
mod formers;
mod judge;
mod outcomes;
mod picture;
mod publication;
mod publish;
mod rdata;
mod reload;
mod report;
mod slots;
#[cfg(test)]
pub(crate) mod tests;
mod timers;

use std::collections::{BTreeSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use crate::base::clock::{Mono, Now, UnixTime};
use crate::base::table::Table;
use crate::base::timers::Timers;
use crate::health::cadence::{self, Priority, RecheckRequest, SOON};
use crate::health::isolation::Witnesses;
use crate::health::machine::{Health, State};
use crate::health::push::PushStore;
use crate::health::{BrokenConnection, Cause, Outcome, ProbeRequest, Report, TargetId, TargetReport};
use crate::policy::{Decision, HostId, PoolId, PoolState, Trigger};
use crate::snapshot::{SlotId, SlotValue, Snapshot, ZoneId};

use super::effect::{Effect, Notice, TimedNotice};
use super::memory::{self, Change, Restored};
use super::orders::OrderBook;
use super::prepare::{Prepared, Users};
use super::serials::SerialBook;
use super::setup::{PoolSetup, TargetSetup};
use super::zone_histories::HistoryBook;
use arrivals::Arrivals;
pub use cached::Cached;
use outcomes::{Run, Silence};
use publication::Publication;
pub use publication::{COALESCE, GATHER};
use slots::SlotRow;
pub(super) use slots::ttl_of;
pub(super) use timers::Timer;

/// Something that happened.
#[derive(Debug)]
pub enum Event {
    /// A probe has ended.
    Report(TargetReport),
    /// A held connection broke: no outcome, but all targets on its address are probed at once.
    Broke(BrokenConnection),
    /// A new setup takes the place of the old one.
    Reload {
        /// Its number; one that is no higher than the present one is stale, and dropped.
        setup: u64,
        /// The setup.
        prepared: Box<Prepared>,
    },
    /// The process ends: what the next run wants to know exactly is kept.
    Stop,
}

/// Where an engine begins to count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Numbers {
    /// The number of its setup.
    pub setup: u64,
    /// The generation before its first one.
    pub generation: u64,
}

/// The engine's state. Events and time go in, effects come out; see the room's front page.
#[derive(Debug)]
pub struct Core {
    /// The number of the setup.
    number: u64,
    pub(super) prepared: Prepared,
    pub(super) targets: Table<TargetId, TargetRow>,
    pub(super) pools: Table<PoolId, PoolRow>,
    hosts: Table<HostId, HostRow>,
    pub(super) slots: Table<SlotId, SlotRow>,
    pub(super) serials: SerialBook,
    histories: HistoryBook,
    pub(super) witnesses: Witnesses,
    pub(super) orders: OrderBook,
    /// Which targets the reports of other setups are of.
    arrivals: Arrivals,
    /// What was posted from outside; checks read the runner's copy.
    push_store: PushStore,
    /// What was published last.
    pub(super) snapshot: Arc<Snapshot>,
    publication: Publication,
    pub(super) timers: Timers<Timer>,
    /// Targets that only a witness's answer keeps from being down.
    awaiting: BTreeSet<TargetId>,
    /// Targets that must be known before the answers begin.
    unsettled: BTreeSet<TargetId>,
    start: Start,
    /// Targets that were woken and not heard of since, and until when their outcomes are waited for.
    stragglers: (BTreeSet<TargetId>, Mono),
    /// What tells which answers prove something to the history on disk.
    silence: Silence,
    /// What the wall clock shows when the monotonic one is at its start: it moves only when a clock is set.
    epoch: UnixTime,
    effects: VecDeque<Effect>,
    /// Since when it is noted until when answers may be cached.
    remembers_since: UnixTime,
}

/// How far the start is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Start {
    /// Targets are not known yet.
    Waiting,
    /// All are known; what follows from it may still wait to be published.
    Known,
    /// The answers may begin.
    Told,
}

/// What the engine knows of a target.
#[derive(Debug)]
pub(super) struct TargetRow {
    pub(super) health: Health,
    /// A number that is the same over restarts.
    seed: u64,
    /// When the next probe is due.
    due: Mono,
    /// What it owes since something happened at its address.
    woken: Option<RecheckRequest>,
    /// The last report, and when it came.
    pub(super) last: Option<(UnixTime, Report)>,
    /// The outcomes alike in a row.
    run: Run,
    /// How many of the last reports were unknown, in a row.
    unknowns: u32,
    /// Why it cannot be tested, as it is kept.
    noted: Option<Cause>,
}

/// What the engine knows of a pool.
#[derive(Debug, Default)]
pub(super) struct PoolRow {
    pub(super) memory: PoolState,
    pub(super) decision: Option<Decision>,
    failback_ordered: bool,
    /// When a failback is due if all stays as it is.
    pub(super) failback_at: Option<Mono>,
    /// The tier that fails back then, and since when it holds.
    pub(super) holding: Option<(u16, Mono)>,
    /// Until when what has happened leaves the answer unsettled, as it is kept.
    unsettled_until: Option<Mono>,
    /// When what is served last changed in this run.
    pub(super) changed: Option<UnixTime>,
    /// How often the active tier has changed in this run.
    pub(super) tier_changes: u64,
}

/// What the engine knows of a host.
#[derive(Debug)]
struct HostRow {
    /// Which of its addresses are in the answer.
    stays: Vec<bool>,
}

/// How soon it is looked again whether all that were woken have been heard of; together they wait for [`SOON`] at most.
const LOOK_AGAIN: Duration = Duration::from_millis(2);
/// How many effects keep their room when they are carried out.
const EFFECTS_ROOM: usize = 1_024;
/// How often the engine notes that it lives, and looks whether the wall clock was set.
const HEARTBEAT: Duration = Duration::from_secs(30);
/// The window over which the first probes are spread at start-up.
const START_SPREAD: Duration = Duration::from_secs(1);
/// How far the clocks may drift apart between two heartbeats before everything is judged anew.
const DRIFT: Duration = Duration::from_secs(1);

impl Core {
    /// Begins with what a former run left; the first snapshot is published at once.
    pub fn new(prepared: Prepared, restored: &Restored, now: Now) -> Self {
        Self::succeed(prepared, restored, Numbers { setup: 1, generation: 0 }, now)
    }

    /// Begins where an engine that failed has ended.
    pub fn succeed(prepared: Prepared, restored: &Restored, from: Numbers, now: Now) -> Self {
        let empty = vec![SlotValue::Empty { negative_ttl: 0 }; prepared.slots.len()];
        let setup = &prepared.setup;
        let mut kept = restored.histories();
        let stale = std::mem::take(&mut kept.stale);
        let mut core = Self {
            number: from.setup,
            targets: setup.targets.iter().map(|(_, target)| TargetRow::new(target, restored, now)).collect(),
            pools: setup.pools.iter().map(|(_, pool)| PoolRow::restored(pool, restored, now)).collect(),
            hosts: setup.hosts.iter().map(|(_, host)| HostRow { stays: vec![true; host.addresses.len()] }).collect(),
            slots: prepared.slots.iter().map(|_| SlotRow::default()).collect(),
            serials: SerialBook::new(&setup.zones, restored.ceilings()),
            histories: HistoryBook::new(kept),
            witnesses: Witnesses::new(&prepared.named_witnesses(), prepared.witnesses()),
            orders: OrderBook::new(restored.orders()),
            arrivals: Arrivals::default(),
            push_store: PushStore::default(),
            snapshot: Arc::new(Snapshot::first(Arc::clone(&prepared.image), empty, from.generation)),
            publication: Publication::default(),
            timers: Timers::default(),
            awaiting: BTreeSet::new(),
            unsettled: BTreeSet::new(),
            start: Start::Waiting,
            stragglers: (BTreeSet::new(), now.mono),
            silence: Silence::default(),
            epoch: epoch(now),
            effects: VecDeque::new(),
            remembers_since: now.wall,
            prepared,
        };
        core.push_store.expect(&core.prepared.setup.posts, now.mono);
        core.forget_strangers(restored, now);
        stale.into_iter().for_each(|key| core.persist((key, None)));
        core.wait_for_unknown();
        core.recall_unsettled(restored, now);
        core.judge_all(if restored.is_picture() { Trigger::Time } else { Trigger::Start }, now);
        if !restored.is_picture() && restored.isolated().is_some() {
            core.persist(memory::keep_isolated(false, now));
        }
        core.end_orders(now);
        core.probe_all(START_SPREAD, now);
        core.timers.set(Timer::Heartbeat, Some(now.mono));
        core.publish_whole(now);
        core.settle();
        core
    }

    /// Takes over until when the answers of a pictured run are unsettled.
    fn recall_unsettled(&mut self, restored: &Restored, now: Now) {
        for (id, pool) in self.prepared.setup.pools.iter() {
            let Some(until) = restored.unsettled_until(&pool.name, now) else { continue };
            for &slot in &self.prepared.pool_slots[id] {
                self.slots[slot].unsettle(until);
            }
        }
    }

    /// Takes in an event.
    pub fn handle(&mut self, event: Event, now: Now) {
        match event {
            Event::Report(report) => {
                if let Some(target) = self.arrivals.place(&report, self.number)
                    && self.prepared.setup.targets.get(target).is_some_and(|target| target.is_probed())
                {
                    self.report(target, report.report, now);
                }
            }
            Event::Broke(BrokenConnection { address, cause }) => self.wake(address, cause, now),
            Event::Reload { setup, prepared } if setup > self.number => self.reload(setup, *prepared, now),
            Event::Reload { .. } => {}
            Event::Stop => self.keep_exactly(now),
        }
    }

    /// Returns when [`Self::handle_timeout`] wants to be called, if ever.
    pub fn poll_timeout(&self) -> Option<Mono> {
        self.timers.next().into_iter().chain(self.publication.due()).min()
    }

    /// Does what time alone makes due.
    pub fn handle_timeout(&mut self, now: Now) {
        while self.timers.next().is_some_and(|at| at <= now.mono) {
            self.handle_due_timers(now);
        }
        if self.publication.due().is_some_and(|at| at <= now.mono) {
            let (stragglers, until) = &self.stragglers;
            if !stragglers.is_empty() && now.mono < *until {
                self.publication.put_off((now.mono + LOOK_AGAIN).min(*until));
                return;
            }
            self.publish(now);
            self.settle();
        }
    }

    /// Judges what time has made due as one: judged one by one, a name that follows a service would see the pool as it is now
    /// and its hosts as they were.
    fn handle_due_timers(&mut self, now: Now) {
        let (mut users, mut follows) = (Users { pools: Vec::new(), hosts: Vec::new() }, BTreeSet::new());
        while let Some((_, timer)) = self.timers.take_due(now.mono) {
            match timer {
                Timer::Pool(pool) => users.pools.push(pool),
                Timer::Host(host) => users.hosts.push(host),
                Timer::Follow(follow) => drop(follows.insert(follow)),
                Timer::Orders => self.end_orders(now),
                Timer::Heartbeat => self.beat(now),
            }
        }
        self.judge_with(users, follows, Trigger::Time, now);
    }

    /// Returns the next effect, in the order in which they are to be carried out.
    pub fn poll_effect(&mut self) -> Option<Effect> {
        let effect = self.effects.pop_front();
        // A start asks for a probe of every target: that room is not needed again.
        if effect.is_none() && self.effects.capacity() > EFFECTS_ROOM {
            self.effects = VecDeque::new();
        }
        effect
    }

    /// Judges everything anew, and returns how many slots changed by it: anything above 0 is a bug, since whatever an
    /// event concerns was judged with it.
    pub fn audit(&mut self, now: Now) -> usize {
        let before: Vec<Option<SlotValue>> = self.slots.iter().map(|(_, row)| row.value.clone()).collect();
        self.judge_all(Trigger::Time, now);
        self.slots.iter().zip(before).filter(|((_, row), before)| row.value != *before).count()
    }

    /// Returns the snapshot published last.
    pub const fn snapshot(&self) -> &Arc<Snapshot> {
        &self.snapshot
    }

    /// Notes that the engine lives; judges everything anew if a clock was set.
    fn beat(&mut self, now: Now) {
        self.persist(memory::keep_alive(now));
        self.timers.set(Timer::Heartbeat, Some(now.mono + HEARTBEAT));
        let before = std::mem::replace(&mut self.epoch, epoch(now));
        if before.since(self.epoch).max(self.epoch.since(before)) > DRIFT {
            self.end_orders(now);
            self.judge_all(Trigger::Time, now);
        }
    }

    /// Waits for every target that may be probed and is not known.
    fn wait_for_unknown(&mut self) {
        if self.start != Start::Waiting {
            return;
        }
        let references = self.prepared.references();
        let waiting = self.targets.iter().filter(|(id, row)| {
            self.prepared.setup.targets[*id].is_probed() && !is_known(row.health.state()) && !references.contains(id)
        });
        self.unsettled = waiting.map(|(id, _)| id).collect();
    }

    /// Lets the answers begin once nobody is waited for, and what follows from the first outcomes is published.
    fn settle(&mut self) {
        if self.start == Start::Waiting && self.unsettled.is_empty() {
            self.start = Start::Known;
        }
        if self.start == Start::Known && self.publication.due().is_none() {
            self.start = Start::Told;
            self.effects.push_back(Effect::Settled);
        }
    }

    fn probe_all(&mut self, window: Duration, now: Now) {
        for id in self.targets.ids() {
            let at = now.mono + cadence::spread(window, self.targets[id].seed);
            self.probe(id, at, Priority::Routine);
        }
    }

    fn probe(&mut self, target: TargetId, at: Mono, priority: Priority) {
        if self.prepared.setup.targets[target].is_probed() {
            self.targets[target].due = at;
            self.effects.push_back(Effect::Probe(ProbeRequest { setup: self.number, target, at, priority }));
        }
    }

    /// Drops what a former run kept of targets that this setup does not have: their beliefs must not come back later.
    fn forget_strangers(&mut self, restored: &Restored, now: Now) {
        let targets = self.prepared.setup.targets.iter().filter(|(_, target)| target.is_probed());
        let known = targets.map(|(_, target)| target.key.to_string()).collect();
        for key in restored.stale(&known, now) {
            self.persist((key, None));
        }
    }

    fn keep_exactly(&mut self, now: Now) {
        let exact: Vec<_> = self.serials.exact().collect();
        for (origin, serial) in exact {
            self.persist(memory::keep_serial(&origin, serial));
        }
        self.persist(memory::keep_alive(now));
    }

    /// Tells the operator.
    fn notify(&mut self, notice: Notice, now: Now) {
        let event = TimedNotice { at: now.wall, setup: self.number, notice };
        self.effects.push_back(Effect::Notice(event));
    }

    /// Returns the origins of the zones that pools stand in, each once.
    fn zones_of(&self, pools: &[PoolId]) -> Vec<String> {
        let fills = pools.iter().flat_map(|pool| &self.prepared.setup.pools[*pool].fills);
        let mut zones: Vec<ZoneId> = fills.map(|fill| fill.zone).collect();
        zones.sort_unstable();
        zones.dedup();
        zones.into_iter().map(|zone| self.prepared.origins[zone].clone()).collect()
    }

    fn persist(&mut self, (key, value): Change) {
        self.effects.push_back(Effect::Persist { key, value });
    }
}

impl TargetRow {
    fn new(setup: &TargetSetup, restored: &Restored, now: Now) -> Self {
        let health = restored.health(&setup.key, now).filter(|_| setup.is_probed());
        let health = health.unwrap_or_else(|| Health::unknown(now.mono));
        let noted = restored.untested(&setup.key);
        Self {
            health,
            seed: setup.key.stable_id(),
            due: now.mono,
            woken: None,
            last: None,
            run: Run::default(),
            unknowns: 0,
            noted,
        }
    }

    /// Says why no test tells anything of the target now; nothing if tests do.
    pub(super) fn untested(&self, setup: &TargetSetup) -> Option<Cause> {
        if let Some(barrier) = setup.barrier {
            return Some(barrier.into());
        }
        let never = *self.health.state() == State::Unknown;
        match (&self.last, &self.noted) {
            (Some((_, report)), _) if never || self.unknowns >= setup.settings.fall => match &report.outcome {
                Outcome::Unknown(cause) => Some(cause.clone()),
                Outcome::Pass | Outcome::Degraded(_) | Outcome::Drain { .. } | Outcome::Fail { .. } => None,
            },
            (Some(_), _) => None,
            // In a picture, what the run that is pictured has noted.
            (None, Some(noted)) => Some(noted.clone()),
            (None, None) => never.then(|| "no test has ended yet".into()),
        }
    }
}

impl PoolRow {
    /// Begins with what a former run left of a pool.
    pub(super) fn restored(pool: &PoolSetup, restored: &Restored, now: Now) -> Self {
        let memory = restored.memory(pool, now).unwrap_or_default();
        Self { memory, failback_ordered: restored.failback_ordered(&pool.name), ..Self::default() }
    }
}

/// Returns whether a target in this state need not be waited for at the start.
const fn is_known(state: &State) -> bool {
    matches!(state, State::Up | State::Down(_))
}

fn epoch(now: Now) -> UnixTime {
    UnixTime::default() + now.wall.since(UnixTime::default() + now.mono.since_start())
}
