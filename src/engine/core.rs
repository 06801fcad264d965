//! The state, and what follows from an event. Pure.

use std::collections::{BTreeSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use crate::base::clock::{Mono, Now, UnixTime};
use crate::base::table::{RowId, Table};
use crate::health::cadence;
use crate::health::isolation::{INQUIRY, Network, News, Witnesses};
use crate::health::machine::{Health, State};
use crate::health::{Outcome, Report, TargetId};
use crate::policy::{self, Decision, Memory, Trigger};
use crate::snapshot::{Snapshot, ZoneId};

use super::effect::{Effect, Notice};
use super::judge::FillRow;
use super::memory::{self, Restored};
use super::orders::OrderBook;
use super::prepare::Prepared;
use super::serials::Serials;
use super::setup::PoolId;

/// Something that happened.
#[derive(Debug)]
pub enum Event {
    /// A probe has ended.
    Report {
        /// The number of the setup that it was made for; a report for another one is dropped.
        setup: u64,
        /// The target.
        target: TargetId,
        /// What was seen.
        report: Report,
    },
    /// A new setup takes the place of the old one.
    Reload {
        /// Its number.
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
    pub(super) number: u64,
    pub(super) prepared: Prepared,
    pub(super) targets: Table<TargetId, TargetRow>,
    pub(super) pools: Table<PoolId, PoolRow>,
    pub(super) hosts: Vec<HostRow>,
    pub(super) follows: Vec<FollowRow>,
    pub(super) zones: Table<ZoneId, Option<ZoneRow>>,
    pub(super) witnesses: Witnesses,
    pub(super) orders: OrderBook,
    pub(super) snapshot: Arc<Snapshot>,
    /// The fills whose value differs from the published one.
    pub(super) dirty: BTreeSet<Place>,
    /// A reload built a new image that waits for its publication.
    fresh: bool,
    publish_at: Option<Mono>,
    last_publication: Option<Mono>,
    pub(super) timers: BTreeSet<(Mono, Timer)>,
    /// Targets that only a witness's answer keeps from being down.
    awaiting: BTreeSet<TargetId>,
    /// Targets that must be known before the answers begin.
    unsettled: BTreeSet<TargetId>,
    settled: bool,
    pub(super) effects: VecDeque<Effect>,
}

/// What the engine knows of a target.
#[derive(Debug)]
pub(super) struct TargetRow {
    pub(super) health: Health,
    pub(super) seed: u64,
    /// The last report, and when it came.
    pub(super) last: Option<(UnixTime, Report)>,
}

/// What the engine knows of a pool.
#[derive(Debug)]
pub(super) struct PoolRow {
    pub(super) memory: Memory,
    pub(super) decision: Option<Decision>,
    pub(super) fills: Vec<FillRow>,
    pub(super) failback_ordered: bool,
    /// When it was decided last what is served, and it was not the same as before.
    pub(super) changed: Option<UnixTime>,
    pub(super) wake: Option<Mono>,
}

/// What the engine knows of a host.
#[derive(Debug)]
pub(super) struct HostRow {
    pub(super) settings: policy::Settings,
    /// Which of its addresses are in the answer.
    pub(super) stays: Vec<bool>,
    pub(super) fills: Vec<FillRow>,
    pub(super) wake: Option<Mono>,
}

/// What the engine knows of a name that follows a service.
#[derive(Debug)]
pub(super) struct FollowRow {
    pub(super) fills: Vec<FillRow>,
    pub(super) wake: Option<Mono>,
}

/// What the engine knows of a zone that is not broken.
#[derive(Debug)]
pub(super) struct ZoneRow {
    pub(super) serials: Serials,
}

/// Where a slot's value is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Place {
    Pool(PoolId, usize),
    Host(usize, usize),
    Follow(usize, usize),
}

/// What a timer is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Timer {
    Pool(PoolId),
    Host(usize),
    Follow(usize),
    Orders,
    Alive,
}

/// The shortest time between publications: what changes meanwhile shares one generation, one serial, one NOTIFY.
pub const COALESCE: Duration = Duration::from_millis(100);
/// How often the engine notes that it lives.
const HEARTBEAT: Duration = Duration::from_secs(30);
/// The window over which the first probes are spread at start-up.
const START_SPREAD: Duration = Duration::from_secs(1);

impl Core {
    /// Begins with what a former run left; the first snapshot is published at once.
    pub fn new(prepared: Prepared, restored: &Restored, now: Now) -> Self {
        Self::succeed(prepared, restored, Numbers { setup: 1, generation: 0 }, now)
    }

    /// Begins where an engine that failed has ended.
    pub fn succeed(prepared: Prepared, restored: &Restored, from: Numbers, now: Now) -> Self {
        let first = Snapshot::first(Arc::clone(&prepared.image), prepared.empty_values(), from.generation);
        let first = Arc::new(first);
        let mut core = Self {
            number: from.setup,
            witnesses: Witnesses::new(&[], std::iter::empty()),
            prepared,
            targets: Table::new(),
            pools: Table::new(),
            hosts: Vec::new(),
            follows: Vec::new(),
            zones: Table::new(),
            orders: OrderBook::default(),
            snapshot: first,
            dirty: BTreeSet::new(),
            fresh: true,
            publish_at: None,
            last_publication: None,
            timers: BTreeSet::new(),
            awaiting: BTreeSet::new(),
            unsettled: BTreeSet::new(),
            settled: false,
            effects: VecDeque::new(),
        };
        for (id, order) in restored.orders() {
            core.orders.insert(id, order.clone());
        }
        core.fill_tables(restored, now);
        core.judge_all(Trigger::Start, now);
        core.probe_all(START_SPREAD, now);
        core.timers.insert((now.mono, Timer::Alive));
        core.publish(now);
        core.settle();
        core
    }

    fn fill_tables(&mut self, restored: &Restored, now: Now) {
        let setup = &self.prepared.setup;
        self.targets = setup.targets.iter().map(|(_, target)| TargetRow::new(&target.key, restored, now)).collect();
        for (id, pool) in setup.pools.iter() {
            let fills = self.prepared.pool_slots[id].iter().map(|slot| FillRow::new(*slot)).collect();
            let memory = restored.memory(pool, now).unwrap_or_default();
            let failback_ordered = restored.failback_ordered(&pool.name);
            self.pools.push(PoolRow { memory, failback_ordered, ..PoolRow::new(fills) });
        }
        self.hosts = (0..setup.hosts.len()).map(|number| HostRow::new(&self.prepared, number)).collect();
        self.follows = (0..setup.follows.len()).map(|number| FollowRow::new(&self.prepared, number)).collect();
        self.zones = setup
            .zones
            .iter()
            .map(|(_, zone)| {
                let declared = zone.zone.as_ref()?.serial();
                let ceiling = restored.ceiling(&zone.origin.to_string());
                Some(ZoneRow { serials: Serials::begin(declared, ceiling) })
            })
            .collect();
        self.meet_targets(restored, now);
    }

    /// Sets up what hangs on the targets: witnesses, and who must be known before the answers begin.
    pub(super) fn meet_targets(&mut self, restored: &Restored, now: Now) {
        let setup = &self.prepared.setup;
        let references: Vec<TargetId> =
            setup.references.iter().copied().filter(|id| setup.targets[*id].probed).collect();
        let probed = || setup.targets.iter().filter(|(_, target)| target.probed);
        self.witnesses = Witnesses::new(&references, probed().map(|(_, target)| target.key.address));
        if !self.settled {
            let unknown = probed().filter(|(_, target)| restored.health(&target.key, now).is_none());
            self.unsettled = unknown.map(|(id, _)| id).filter(|id| !references.contains(id)).collect();
        }
    }

    /// Takes in an event.
    pub fn handle(&mut self, event: Event, now: Now) {
        match event {
            Event::Report { setup, target, report } => {
                if setup == self.number && target.index() < self.targets.len() {
                    self.report(target, report, now);
                }
            }
            Event::Reload { setup, prepared } => self.reload(setup, *prepared, now),
            Event::Stop => self.keep_exactly(now),
        }
    }

    /// Returns when [`Self::handle_timeout`] wants to be called, if ever.
    pub fn poll_timeout(&self) -> Option<Mono> {
        let timer = self.timers.first().map(|(at, _)| *at);
        timer.into_iter().chain(self.publish_at).min()
    }

    /// Does what time alone makes due.
    pub fn handle_timeout(&mut self, now: Now) {
        while let Some((at, timer)) = self.timers.first().copied()
            && at <= now.mono
        {
            self.timers.pop_first();
            self.ring(timer, now);
        }
        if self.publish_at.is_some_and(|at| at <= now.mono) {
            self.publish(now);
        }
    }

    /// Returns the next effect, in the order in which they are to be carried out.
    pub fn poll_effect(&mut self) -> Option<Effect> {
        self.effects.pop_front()
    }

    fn ring(&mut self, timer: Timer, now: Now) {
        match timer {
            Timer::Pool(pool) => {
                self.pools[pool].wake = None;
                self.judge_pool(pool, Trigger::Time, now);
            }
            Timer::Host(host) => {
                self.hosts[host].wake = None;
                self.judge_host(host, now);
            }
            Timer::Follow(follow) => {
                self.follows[follow].wake = None;
                self.judge_follow(follow, now);
            }
            Timer::Orders => self.orders_changed(now),
            Timer::Alive => {
                let (key, value) = memory::keep_alive(now);
                self.effects.push_back(Effect::Persist { key, value });
                self.timers.insert((now.mono + HEARTBEAT, Timer::Alive));
            }
        }
    }

    fn report(&mut self, id: TargetId, report: Report, now: Now) {
        let target = &self.prepared.setup.targets[id];
        let answered = match report.outcome {
            Outcome::Pass | Outcome::Degraded(_) | Outcome::Drain { .. } => true,
            Outcome::Fail { kind, .. } => kind == crate::health::FailKind::Conclusive,
            Outcome::Unknown(_) => false,
        };
        let news = self.witnesses.hear(id, target.key.address, report.began, answered);
        self.take_news(news, now);

        let target = &self.prepared.setup.targets[id];
        let guard = self.witnesses.guard(target.key.address);
        let row = &mut self.targets[id];
        let before = (row.health.state().clone(), row.health.is_degraded());
        row.health.step(&report, &target.settings, guard, now.mono);
        let at = cadence::next_probe(&row.health, &report, &target.settings, row.seed, now.mono);
        row.last = Some((now.wall, report));
        self.effects.push_back(Effect::Probe { setup: self.number, target: id, at });
        self.after_step(id, &before, now);
        self.inquire(now);
    }

    /// Follows up a change of a target's health: notice, store, and everything that rests on it.
    fn after_step(&mut self, id: TargetId, before: &(State, bool), now: Now) {
        let row = &self.targets[id];
        if row.health.awaits_witness() {
            self.awaiting.insert(id);
        } else {
            self.awaiting.remove(&id);
        }
        let (state, degraded) = before;
        if row.health.state() == state && row.health.is_degraded() == *degraded {
            return;
        }
        let key = &self.prepared.setup.targets[id].key;
        if row.health.state().word() != state.word() {
            self.effects.push_back(Effect::Notice(Notice::Target {
                target: key.to_string(),
                from: state.word(),
                to: row.health.state().word(),
                cause: row.health.cause().cloned(),
            }));
            let (key, value) = memory::keep_health(key, &row.health, now);
            self.effects.push_back(Effect::Persist { key, value });
        }
        if matches!(row.health.state(), State::Up | State::Down(_)) {
            self.unsettled.remove(&id);
        }
        self.settle();
        self.judge_users(id, now);
    }

    fn judge_users(&mut self, id: TargetId, now: Now) {
        let users = self.prepared.users[id.index()].clone();
        for host in users.hosts {
            self.judge_host(host, now);
        }
        for pool in users.pools {
            self.judge_pool(pool, Trigger::Health, now);
        }
    }

    pub(super) fn settle(&mut self) {
        if !self.settled && self.unsettled.is_empty() {
            self.settled = true;
            self.effects.push_back(Effect::Settled);
        }
    }

    fn take_news(&mut self, news: News, now: Now) {
        match news {
            News::None => {}
            News::Answered(began, network) => {
                for id in self.awaiting.clone() {
                    let own = Network::of(self.prepared.setup.targets[id].key.address);
                    if network != Some(own) {
                        self.change_health(id, now, |health| {
                            health.condemn(began, now.mono);
                        });
                    }
                }
            }
            News::Isolated => self.effects.push_back(Effect::Notice(Notice::Isolated(true))),
            News::Thawed => {
                self.effects.push_back(Effect::Notice(Notice::Isolated(false)));
                for id in self.targets.ids() {
                    self.change_health(id, now, |health| health.thaw(now.mono));
                }
                self.probe_all(START_SPREAD, now);
            }
        }
    }

    fn change_health(&mut self, id: TargetId, now: Now, change: impl FnOnce(&mut Health)) {
        let health = &mut self.targets[id].health;
        let before = (health.state().clone(), health.is_degraded());
        change(health);
        self.after_step(id, &before, now);
    }

    /// Drops from those waited for what is known or gone after a reload.
    pub(super) fn forget_settled(&mut self) {
        let targets = &self.targets;
        self.unsettled
            .retain(|id| targets.get(*id).is_some_and(|row| !matches!(row.health.state(), State::Up | State::Down(_))));
        self.awaiting = targets.iter().filter(|(_, row)| row.health.awaits_witness()).map(|(id, _)| id).collect();
    }

    /// Asks up to five witnesses, up ones first and of different networks where there are, why a target is silent.
    fn inquire(&mut self, now: Now) {
        let Some(&silent) = self.awaiting.first() else { return };
        if self.witnesses.is_inquiring() || self.witnesses.is_isolated() {
            return;
        }
        let targets = &self.prepared.setup.targets;
        let address = targets[silent].key.address;
        let (mut up, mut other) = (Vec::new(), Vec::new());
        let mut networks = BTreeSet::new();
        for (id, target) in targets.iter().filter(|(_, target)| target.probed) {
            let network = Network::of(target.key.address);
            if !self.witnesses.may_testify(id, network, address) {
                continue;
            }
            if *self.targets[id].health.state() == State::Up && networks.insert(network) {
                up.push(id);
            } else {
                other.push(id);
            }
            if up.len() == INQUIRY {
                break;
            }
        }
        other.sort_by_key(|id| *self.targets[*id].health.state() != State::Up);
        let asked: Vec<TargetId> = up.into_iter().chain(other).take(INQUIRY).collect();
        self.witnesses.inquire(address, asked.iter().copied(), now.mono);
        for target in asked {
            self.effects.push_back(Effect::Probe { setup: self.number, target, at: now.mono });
        }
    }

    pub(super) fn probe_all(&mut self, window: Duration, now: Now) {
        for (id, _) in self.prepared.setup.targets.iter().filter(|(_, target)| target.probed) {
            let at = now.mono + cadence::spread(window, self.targets[id].seed);
            self.effects.push_back(Effect::Probe { setup: self.number, target: id, at });
        }
    }

    /// Wants a publication: now, or when the last one is old enough.
    pub(super) fn want_publication(&mut self, now: Now) {
        if self.dirty.is_empty() && !self.fresh {
            self.publish_at = None;
        } else if self.publish_at.is_none() {
            let earliest = self.last_publication.map_or(now.mono, |last| last + COALESCE);
            self.publish_at = Some(earliest.max(now.mono));
        }
    }

    /// Wants everything to be published anew, as the image changed.
    pub(super) fn want_fresh(&mut self, now: Now) {
        self.fresh = true;
        self.want_publication(now);
    }

    fn publish(&mut self, now: Now) {
        self.publish_at = None;
        self.last_publication = Some(now.mono);
        let generation = self.snapshot.generation() + 1;
        let (next, zones) = if std::mem::take(&mut self.fresh) {
            self.dirty.clear();
            self.whole_snapshot(generation)
        } else {
            self.next_snapshot()
        };
        self.snapshot = Arc::new(next);
        self.effects.push_back(Effect::Publish(Arc::clone(&self.snapshot)));
        self.keep_ceilings();
        self.effects.push_back(Effect::Notice(Notice::Published { generation, zones }));
    }

    fn keep_ceilings(&mut self) {
        for (id, row) in self.zones.iter_mut() {
            if let Some(ceiling) = row.as_mut().and_then(|row| row.serials.new_ceiling()) {
                let origin = self.prepared.setup.zones[id].origin.to_string();
                let (key, value) = memory::keep_serial(&origin, ceiling);
                self.effects.push_back(Effect::Persist { key, value });
            }
        }
    }

    fn keep_exactly(&mut self, now: Now) {
        for (id, row) in self.zones.iter() {
            if let Some(row) = row {
                let origin = self.prepared.setup.zones[id].origin.to_string();
                let (key, value) = memory::keep_serial(&origin, row.serials.current());
                self.effects.push_back(Effect::Persist { key, value });
            }
        }
        let (key, value) = memory::keep_alive(now);
        self.effects.push_back(Effect::Persist { key, value });
    }

    /// Returns the snapshot published last.
    pub const fn snapshot(&self) -> &Arc<Snapshot> {
        &self.snapshot
    }
}

impl PoolRow {
    pub(super) fn new(fills: Vec<FillRow>) -> Self {
        let memory = Memory::default();
        Self { memory, decision: None, fills, failback_ordered: false, changed: None, wake: None }
    }
}

impl TargetRow {
    pub(super) fn new(key: &super::setup::TargetKey, restored: &Restored, now: Now) -> Self {
        let health = restored.health(key, now).unwrap_or_else(|| Health::unknown(now.mono));
        Self { health, seed: seed(key), last: None }
    }
}

/// Returns a number for a target that is the same over restarts.
pub(super) fn seed(key: &super::setup::TargetKey) -> u64 {
    use std::hash::{DefaultHasher, Hash, Hasher};
    let mut hasher = DefaultHasher::new();
    key.hash(&mut hasher);
    hasher.finish()
}
