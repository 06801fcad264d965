//! Which targets are due: pure, with absolute times given by the caller.
//!
//! ```text
//!   due(at) ──▶ waiting, by time ──┬──▶ start ──▶ in flight ──▶ end ──▶ (next due)
//!                    ▲             │
//!                    └── held, by address, while the address had its starts of the last second
//! ```
//!
//! | limit | what happens at it |
//! |---|---|
//! | one probe a target | what falls due in flight starts after the end |
//! | starts a second on an address, in any second | the due ones of the address wait, the earliest due first |
//! | starts that met nobody, given back: thrice as many again | they count |
//! | starts a second in a /24 or /56, and in all | each gets the next free place |
//! | probes in flight in all | all wait, the earliest due first |
//! | one probe on an address of which all targets are silent | the due ones wait for its end |
//! | on an address of which many targets are silent, and for 10 s after: fewer starts a second; if all are, one in 5 s; for 2 s after that none | the due ones of the address wait |
//!
//! *Urgent* ones (a failure wants to be confirmed, a connection broke not long ago) go before all others wherever somebody
//! waits; the limits hold for them too. *Woken* ones (a connection broke just now) go beside the starts of their address,
//! once a second a target: all ports of a process that died are found at once. Where many are silent they are urgent only:
//! a connection that breaks there tells nothing new.
//!
//! The runner measures how late probes start. No target starves: one that has started is due later than those still
//! waiting.

mod networks;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::net::IpAddr;
use std::time::Duration;

use crate::base::clock::Mono;
use crate::base::table::{RowId, Table};
use crate::base::timers::Timers;
use crate::health::TargetId;
use crate::health::cadence::Priority;

use networks::Networks;

/// How much may be done at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Probes that start on one address within any second, at least 1.
    pub starts_per_address: usize,
    /// Probes in flight in all, at least 1; each takes one file descriptor.
    pub in_flight: usize,
    /// Probes that start in one /24 or /56 within a second, at least 1; as many urgent ones beside them.
    pub starts_per_network: u32,
    /// Probes that start within a second in all, at least 1; as many urgent ones beside them.
    pub starts: u32,
}

impl Default for Limits {
    /// Five starts a second on an address (Kamailio's flood guard bans at 8), 1,000 probes at once. A network with 250 servers
    /// of ten ports each, tested every 5 s, has its 500; ten thousand targets need 2,000.
    fn default() -> Self {
        Self { starts_per_address: 5, in_flight: 1_000, starts_per_network: 500, starts: 5_000 }
    }
}

/// Who is due, and who may start.
#[derive(Clone, Debug)]
pub struct Schedule {
    limits: Limits,
    setup: u64,
    targets: Table<TargetId, Target>,
    addresses: BTreeMap<IpAddr, Address>,
    /// Targets that are due and neither in flight nor held; the urgent ones apart.
    waiting: Timers<TargetId>,
    urgent: Timers<TargetId>,
    /// Addresses with held targets: when the next may start.
    reopening: Timers<IpAddr>,
    /// The places of routine probes, and those of urgent ones.
    routine_networks: Networks,
    urgent_networks: Networks,
    in_flight: usize,
    held: usize,
}

/// A probe that is to start now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Start {
    /// The setup that the target is of.
    pub setup: u64,
    /// Who.
    pub target: TargetId,
    /// When it was due; the rest is lateness.
    pub due: Mono,
    /// Whether it goes beside the starts that the address has in a second.
    pub free: bool,
}

#[derive(Clone, Copy, Debug)]
struct Target {
    /// Nothing if it is not probed.
    address: Option<IpAddr>,
    due: Option<Due>,
    /// When the probe began that is in flight.
    in_flight: Option<Mono>,
    /// When one last began beside the starts of the address.
    last_free: Option<Mono>,
    /// Whether its network has a place for it, now or later.
    has_place: bool,
}

/// When a target is due, and before whom it goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Due {
    priority: Priority,
    at: Mono,
}

#[derive(Clone, Debug, Default)]
struct Address {
    /// The last starts, oldest first; at most as many as may start within a second.
    starts: VecDeque<Mono>,
    /// When starts were given back in the last second, oldest first; at most [`GIVEN_BACK`] times the limit of starts.
    given_back: VecDeque<Mono>,
    /// Due targets that wait for the address: the urgent ones first, then by when they were due.
    held: BTreeSet<(Priority, Mono, TargetId)>,
    /// Whether all on it are silent, so that one is probed at a time; and whether one is.
    mute: bool,
    busy: bool,
    /// Until when no more than so many start within a second, as much was sent meanwhile.
    gentle: Option<(Mono, usize)>,
    /// When it answered again, if much was sent meanwhile: it reads all of that now.
    awake: Option<Mono>,
}

impl Schedule {
    /// Makes a schedule without targets.
    pub fn new(limits: Limits) -> Self {
        Self {
            limits: Limits {
                starts_per_address: limits.starts_per_address.max(1),
                in_flight: limits.in_flight.max(1),
                ..limits
            },
            routine_networks: Networks::new(limits.starts_per_network, limits.starts),
            urgent_networks: Networks::new(limits.starts_per_network, limits.starts),
            setup: 0,
            targets: Table::new(),
            addresses: BTreeMap::new(),
            waiting: Timers::new(),
            urgent: Timers::new(),
            reopening: Timers::new(),
            in_flight: 0,
            held: 0,
        }
    }

    /// Takes the targets of a new setup, with their addresses (nothing: not probed); none of them is due yet.
    ///
    /// Probes in flight keep their place among all until they end, those of targets that stay by [`Schedule::carry_on`];
    /// addresses remember their last starts.
    pub fn replace(&mut self, setup: u64, targets: impl IntoIterator<Item = Option<IpAddr>>, now: Mono) {
        self.setup = setup;
        self.waiting.clear();
        self.urgent.clear();
        self.reopening.clear();
        self.held = 0;
        self.routine_networks.forget_waiting(now);
        self.urgent_networks.forget_waiting(now);
        self.addresses.retain(|_, address| {
            address.held.clear();
            (address.mute, address.busy) = (false, false);
            address.starts.back().is_some_and(|&last| now < last + SECOND)
        });
        let target = |address: Option<IpAddr>| Target {
            address: address.map(|address| address.to_canonical()),
            due: None,
            in_flight: None,
            last_free: None,
            has_place: false,
        };
        self.targets = targets.into_iter().map(target).collect();
    }

    /// Says that a probe which began under the last setup is one of this target; returns whether it may be: one is in flight
    /// at a time.
    pub fn carry_on(&mut self, target: TargetId, began: Mono) -> bool {
        let row = self.targets.get_mut(target).filter(|row| row.address.is_some() && row.in_flight.is_none());
        row.is_some_and(|row| row.in_flight.replace(began).is_none())
    }

    /// Has a target share the probe of another that begins now: it is in flight with it, and what it was due for is met.
    /// Returns whether it may: it is probed, and not in flight.
    pub fn join(&mut self, target: TargetId, now: Mono) -> bool {
        let Some(row) = self.targets.get_mut(target) else { return false };
        let Some(address) = row.address.filter(|_| row.in_flight.is_none()) else { return false };
        row.in_flight = Some(now);
        if let Some(due) = row.due.take() {
            let state = self.addresses.get_mut(&address);
            if state.is_some_and(|state| state.held.remove(&(due.priority, due.at, target))) {
                self.held -= 1;
            }
            self.queue(due.priority).set(target, None);
        }
        true
    }

    /// Says that the probe has ended which a target shared.
    pub fn leave(&mut self, setup: u64, target: TargetId) {
        if setup == self.setup {
            self.settle(target);
        }
    }

    /// Says whether all targets on an address are silent: then one is probed at a time, as who hangs reads all of it later.
    pub fn set_mute(&mut self, address: IpAddr, mute: bool, now: Mono) {
        let state = self.addresses.entry(address.to_canonical()).or_default();
        if state.mute && !mute {
            state.awake = state.gentle.filter(|(until, _)| now < *until).map(|_| now);
        }
        state.mute = mute;
        self.set_idle(address, now);
    }

    /// Says that many targets of an address are silent: who hangs reads later all that was sent meanwhile, and flood guards
    /// count it. For a while no more than `starts` begin there within a second.
    pub fn be_gentle(&mut self, address: IpAddr, starts: usize, now: Mono) {
        self.addresses.entry(address.to_canonical()).or_default().gentle = Some((now + GENTLE_FOR, starts));
    }

    /// Says that a probe of an address has ended, so that the next may start.
    pub fn set_idle(&mut self, address: IpAddr, now: Mono) {
        let (address, limit) = (address.to_canonical(), self.limits.starts_per_address);
        let Some(state) = self.addresses.get_mut(&address) else { return };
        state.busy = false;
        if !state.held.is_empty() {
            let open = state.open_at(limit, now).unwrap_or(now);
            self.reopening.set(address, Some(open));
        }
    }

    /// Makes a target due, in flight or not; of several points the earliest counts until it has started, and the
    /// greatest haste. A point before the begin of the probe in flight is met by it. A target that is not probed, or not
    /// known, is left alone.
    pub fn due(&mut self, target: TargetId, at: Mono, priority: Priority) {
        let Some(row) = self.targets.get_mut(target) else { return };
        let Some(address) = row.address else { return };
        if row.in_flight.is_some_and(|began| at < began) {
            return;
        }
        let before = row.due;
        let due = before.map_or(Due { priority, at }, |before| before.sooner(Due { priority, at }));
        if before == Some(due) {
            return;
        }
        row.due = Some(due);
        if row.in_flight.is_some() {
            return;
        }
        if let Some(before) = before {
            if let Some(state) = self.addresses.get_mut(&address)
                && state.held.remove(&(before.priority, before.at, target))
            {
                if due.priority != Priority::Woken {
                    state.held.insert((due.priority, due.at, target));
                    return;
                }
                self.held -= 1;
            }
            self.queue(before.priority).set(target, None);
        }
        self.queue(due.priority).set(target, Some(due.at));
    }

    /// Counts something else that is begun on an address as one of its starts, if probes leave room for it; else tells
    /// when it may be tried again. One start a second is left to probes.
    ///
    /// # Errors
    /// The time of the next try.
    pub fn begin_other(&mut self, address: IpAddr, now: Mono) -> Result<(), Mono> {
        let limit = self.limits.starts_per_address;
        let state = self.addresses.entry(address.to_canonical()).or_default();
        let recent = state.starts.iter().filter(|start| now < **start + SECOND).count();
        if state.held.is_empty() && recent + 1 < limit.max(2) {
            state.note(now, limit);
            return Ok(());
        }
        Err(state.starts.iter().map(|start| *start + SECOND).find(|open| *open > now).unwrap_or(now + SECOND))
    }

    /// Returns when [`Schedule::start`] should be called next; nothing if only a new due or an end can change anything.
    pub fn next(&self) -> Option<Mono> {
        if self.in_flight >= self.limits.in_flight {
            return None;
        }
        [self.waiting.next(), self.urgent.next(), self.reopening.next()].into_iter().flatten().min()
    }

    /// Takes out a target that may start now, if there is one; it is in flight until [`Schedule::end`].
    pub fn start(&mut self, now: Mono) -> Option<Start> {
        while self.next().is_some_and(|next| next <= now) {
            let urgent = self.urgent.first().filter(|(at, _)| *at <= now);
            let (waiting, reopening) = (self.waiting.first(), self.reopening.first());
            let start = match (urgent, waiting, reopening) {
                (Some((at, &target)), ..) => self.take_urgent(at, target, now),
                (None, Some((due, _)), Some((open, &address))) if open < due => self.reopen(address, now),
                (None, Some((at, &target)), _) => self.take(Due { priority: Priority::Routine, at }, target, now),
                (None, None, Some((_, &address))) => self.reopen(address, now),
                (None, None, None) => None,
            };
            if start.is_some() {
                return start;
            }
        }
        None
    }

    /// Says that a probe has ended.
    pub fn end(&mut self, setup: u64, target: TargetId) {
        self.in_flight = self.in_flight.saturating_sub(1);
        if setup == self.setup {
            self.settle(target);
        }
    }

    /// Takes a target out of flight.
    fn settle(&mut self, target: TargetId) {
        if let Some(row) = self.targets.get_mut(target) {
            row.in_flight = None;
            if let Some(due) = row.due {
                self.queue(due.priority).set(target, Some(due.at));
            }
        }
    }

    /// Gives back the start of a probe at `began` that met no server, as a refused one: no server had work with it. So a
    /// dead host, of which each target wants to be confirmed, is found dead without waiting.
    pub fn give_back(&mut self, address: IpAddr, began: Mono, now: Mono) {
        let (address, limit) = (address.to_canonical(), self.limits.starts_per_address);
        let Some(state) = self.addresses.get_mut(&address) else { return };
        state.given_back.retain(|&at| now < at + SECOND);
        let Some(place) = state.starts.iter().position(|&start| start == began) else { return };
        if state.given_back.len() >= limit.saturating_mul(GIVEN_BACK) {
            return;
        }
        state.starts.remove(place);
        state.given_back.push_back(now);
        if !state.held.is_empty() {
            let open = state.open_at(limit, now).unwrap_or(now);
            self.reopening.set(address, Some(open));
        }
    }

    /// Returns the number of probes in flight.
    pub const fn in_flight(&self) -> usize {
        self.in_flight
    }

    /// Returns the number of due targets that their address holds back.
    pub const fn held(&self) -> usize {
        self.held
    }

    const fn queue(&mut self, priority: Priority) -> &mut Timers<TargetId> {
        match priority {
            Priority::Woken | Priority::Urgent => &mut self.urgent,
            Priority::Routine => &mut self.waiting,
        }
    }

    /// Takes the first of the urgent targets; one that was woken need not wait for its address.
    fn take_urgent(&mut self, at: Mono, target: TargetId, now: Mono) -> Option<Start> {
        let row = self.targets.get_mut(target)?;
        let is_woken = row.due.is_some_and(|due| due.priority == Priority::Woken);
        let is_spared =
            row.address.and_then(|address| self.addresses.get(&address)).is_some_and(|address| address.is_spared(now));
        if is_woken && !is_spared && row.last_free.is_none_or(|last| last + SECOND <= now) {
            row.last_free = Some(now);
            self.urgent.set(target, None);
            return Some(self.begin(target, at, true, now));
        }
        if let Some(due) = row.due.as_mut().filter(|_| is_woken) {
            due.priority = Priority::Urgent;
        }
        self.take(Due { priority: Priority::Urgent, at }, target, now)
    }

    /// Takes the first target of a queue: it starts, or is held by its address.
    fn take(&mut self, due: Due, target: TargetId, now: Mono) -> Option<Start> {
        self.queue(due.priority).set(target, None);
        let row = self.targets.get_mut(target)?;
        let address = row.address?;
        // It was due then, however long its network made it wait.
        let due = Due { at: row.due.map_or(due.at, |due| due.at), ..due };
        let networks = match due.priority {
            Priority::Routine => &mut self.routine_networks,
            Priority::Woken | Priority::Urgent => &mut self.urgent_networks,
        };
        if !std::mem::replace(&mut row.has_place, true) {
            let open = networks.take(address, now);
            if open > now {
                self.queue(due.priority).set(target, Some(open));
                return None;
            }
        }
        let state = self.addresses.entry(address).or_default();
        let open = state.open_at(self.limits.starts_per_address, now);
        // Those already held go first, or have their turn at once.
        if state.held.is_empty() && open.is_none_or(|open| open <= now) && !state.is_taken() {
            state.busy = true;
            state.note(now, self.limits.starts_per_address);
            return Some(self.begin(target, due.at, false, now));
        }
        let is_first = state.held.is_empty();
        state.held.insert((due.priority, due.at, target));
        self.held += 1;
        if is_first && !self.addresses.get(&address).is_some_and(Address::is_taken) {
            self.reopening.set(address, Some(open.unwrap_or(now)));
        }
        None
    }

    /// Starts the first target that an address holds.
    fn reopen(&mut self, address: IpAddr, now: Mono) -> Option<Start> {
        self.reopening.set(address, None);
        let limit = self.limits.starts_per_address;
        let state = self.addresses.get_mut(&address).filter(|state| !state.is_taken())?;
        let (_, due, target) = state.held.pop_first()?;
        state.busy = true;
        state.note(now, limit);
        self.held -= 1;
        let start = self.begin(target, due, false, now);
        let state = self.addresses.get(&address)?;
        if !state.held.is_empty() && !state.is_taken() {
            let open = state.open_at(self.limits.starts_per_address, now).unwrap_or(now);
            self.reopening.set(address, Some(open));
        }
        Some(start)
    }

    fn begin(&mut self, target: TargetId, due: Mono, free: bool, now: Mono) -> Start {
        if let Some(row) = self.targets.get_mut(target) {
            row.due = None;
            row.has_place = false;
            row.in_flight = Some(now);
        }
        self.in_flight += 1;
        Start { setup: self.setup, target, due, free }
    }
}

impl Due {
    /// Returns the earlier point with the greater haste.
    fn sooner(self, other: Self) -> Self {
        Self { priority: self.priority.min(other.priority), at: self.at.min(other.at) }
    }
}

impl Address {
    /// Returns whether the next start waits for the end of the probe in flight.
    const fn is_taken(&self) -> bool {
        self.mute && self.busy
    }

    /// Returns whether fewer probes than ever start there, as who hangs reads all of them later.
    fn is_spared(&self, now: Mono) -> bool {
        self.mute || self.gentle.is_some_and(|(until, _)| now < until)
    }

    /// Notes a start.
    fn note(&mut self, now: Mono, per_second: usize) {
        if self.starts.len() >= per_second {
            self.starts.pop_front();
        }
        self.starts.push_back(now);
    }

    /// Returns when the next probe may start; nothing if at any time.
    fn open_at(&self, per_second: usize, now: Mono) -> Option<Mono> {
        let gentle = self.gentle.filter(|(until, _)| now < *until);
        if gentle.is_some() && self.mute {
            return self.starts.back().map(|last| *last + MUTE_PAUSE);
        }
        let awake = self.awake.filter(|awake| now < *awake + AWAKENING);
        if awake.is_some() {
            return awake.map(|awake| awake + AWAKENING);
        }
        let per_second = gentle.map_or(per_second, |(_, starts)| per_second.min(starts));
        // The last so many starts lie within a second until the first of them is a second old.
        let first = self.starts.iter().rev().nth(per_second.saturating_sub(1))?;
        Some(*first + SECOND)
    }
}

/// Returns a target's place in a window over which first probes are spread: even, and the same in every run.
///
/// Neighbouring numbers fall far apart (multiplication by the golden ratio), so that the targets of one host, which
/// stand side by side, do not start together.
pub fn spread(target: TargetId, window: Duration) -> Duration {
    let index = u64::try_from(target.index()).unwrap_or(u64::MAX);
    let share = index.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32;
    let nanos = u128::from(share).saturating_mul(window.as_nanos()) >> 32;
    Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
}

/// How many times the limit of starts may be given back within a second: refusals are cheap, but not free.
const GIVEN_BACK: usize = 3;
/// For how long fewer probes start on an address once many of its targets were silent. Kamailio's flood guard bans who
/// sends 16 requests within 2 s, and counts what waited in its sockets: over UDP, and over TCP from connections that are
/// closed since.
const GENTLE_FOR: Duration = Duration::from_secs(10);
/// For how long none starts on an address that was mute and answers again: what comes then is counted together with what it
/// reads now.
const AWAKENING: Duration = Duration::from_secs(2);
/// From start to start where all of many targets are silent.
const MUTE_PAUSE: Duration = Duration::from_secs(5);
const SECOND: Duration = Duration::from_secs(1);

#[cfg(test)]
mod tests;
