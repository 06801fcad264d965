//! Who is due: pure, with absolute times given by the caller.
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
//! | probes in flight in all | all wait, the earliest due first |
//!
//! What waits is late; the runner measures it. Nobody starves: who has started is due later than who still waits.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::net::IpAddr;
use std::time::Duration;

use crate::base::clock::Mono;
use crate::base::table::{RowId, Table};
use crate::health::TargetId;

/// How much may be done at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Probes that start on one address within any second, at least 1.
    pub starts_per_address: usize,
    /// Probes in flight in all, at least 1; each takes one file descriptor.
    pub in_flight: usize,
}

impl Default for Limits {
    /// Five starts a second on an address (Kamailio's flood guard bans at 8), 1,000 probes at once.
    fn default() -> Self {
        Self { starts_per_address: 5, in_flight: 1_000 }
    }
}

/// Who is due, and who may start.
#[derive(Clone, Debug)]
pub struct Schedule {
    limits: Limits,
    setup: u64,
    targets: Table<TargetId, Target>,
    addresses: BTreeMap<IpAddr, Address>,
    /// Targets that are due and neither in flight nor held: when, who.
    waiting: BTreeSet<(Mono, TargetId)>,
    /// Addresses with held targets: when the next may start.
    reopening: BTreeSet<(Mono, IpAddr)>,
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
}

#[derive(Clone, Copy, Debug)]
struct Target {
    /// Nothing if it is not probed.
    address: Option<IpAddr>,
    due: Option<Mono>,
    in_flight: bool,
}

#[derive(Clone, Debug, Default)]
struct Address {
    /// The last starts, oldest first; at most as many as may start within a second.
    starts: VecDeque<Mono>,
    /// Due targets that wait for the address: when due, who.
    held: BTreeSet<(Mono, TargetId)>,
}

impl Schedule {
    /// Makes a schedule without targets.
    pub fn new(limits: Limits) -> Self {
        Self {
            limits: Limits { starts_per_address: limits.starts_per_address.max(1), in_flight: limits.in_flight.max(1) },
            setup: 0,
            targets: Table::new(),
            addresses: BTreeMap::new(),
            waiting: BTreeSet::new(),
            reopening: BTreeSet::new(),
            in_flight: 0,
            held: 0,
        }
    }

    /// Takes the targets of a new setup, with their addresses (nothing: not probed); none of them is due yet.
    ///
    /// Probes in flight keep their place among all until they end, and addresses remember their last starts.
    pub fn replace(&mut self, setup: u64, targets: impl IntoIterator<Item = Option<IpAddr>>, now: Mono) {
        self.setup = setup;
        self.waiting.clear();
        self.reopening.clear();
        self.held = 0;
        self.addresses.retain(|_, address| {
            address.held.clear();
            address.starts.back().is_some_and(|&last| now < last + SECOND)
        });
        let target = |address: Option<IpAddr>| Target {
            address: address.map(|address| address.to_canonical()),
            due: None,
            in_flight: false,
        };
        self.targets = targets.into_iter().map(target).collect();
    }

    /// Makes a target due, in flight or not; of several points the earliest counts until it has started. A target
    /// that is not probed, or not known, is left alone.
    pub fn due(&mut self, target: TargetId, at: Mono) {
        let Some(row) = self.targets.get_mut(target) else { return };
        let Some(address) = row.address else { return };
        let before = row.due;
        if before.is_some_and(|before| before <= at) {
            return;
        }
        row.due = Some(at);
        if row.in_flight {
            return;
        }
        if let Some(before) = before {
            if let Some(state) = self.addresses.get_mut(&address)
                && state.held.remove(&(before, target))
            {
                state.held.insert((at, target));
                return;
            }
            self.waiting.remove(&(before, target));
        }
        self.waiting.insert((at, target));
    }

    /// Returns when [`Schedule::start`] should be called next; nothing if only a new due or an end can change anything.
    pub fn next(&self) -> Option<Mono> {
        if self.in_flight >= self.limits.in_flight {
            return None;
        }
        let waiting = self.waiting.first().map(|&(at, _)| at);
        let reopening = self.reopening.first().map(|&(at, _)| at);
        waiting.into_iter().chain(reopening).min()
    }

    /// Takes out the targets that may start now; each is in flight until [`Schedule::end`].
    pub fn start(&mut self, now: Mono) -> Vec<Start> {
        let mut starts = Vec::new();
        while self.next().is_some_and(|next| next <= now) {
            let waiting = self.waiting.first().copied();
            let reopening = self.reopening.first().copied();
            let start = match (waiting, reopening) {
                (Some((due, _)), Some((open, address))) if open < due => self.reopen(address, now),
                (Some((due, target)), _) => self.take(due, target, now),
                (None, Some((_, address))) => self.reopen(address, now),
                (None, None) => None,
            };
            starts.extend(start);
        }
        starts
    }

    /// Says that a probe has ended.
    pub fn end(&mut self, setup: u64, target: TargetId) {
        self.in_flight = self.in_flight.saturating_sub(1);
        if setup != self.setup {
            return;
        }
        if let Some(row) = self.targets.get_mut(target) {
            row.in_flight = false;
            if let Some(due) = row.due {
                self.waiting.insert((due, target));
            }
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

    /// Takes the first waiting target: it starts, or is held by its address.
    fn take(&mut self, due: Mono, target: TargetId, now: Mono) -> Option<Start> {
        self.waiting.remove(&(due, target));
        let address = self.targets.get(target)?.address?;
        let state = self.addresses.entry(address).or_default();
        let open = state.open_at(self.limits.starts_per_address);
        // Those already held were due earlier.
        if state.held.is_empty() && open.is_none_or(|open| open <= now) {
            return Some(self.begin(address, target, due, now));
        }
        if state.held.is_empty() {
            self.reopening.insert((open.unwrap_or(now), address));
        }
        state.held.insert((due, target));
        self.held += 1;
        None
    }

    /// Starts the first target that an address holds.
    fn reopen(&mut self, address: IpAddr, now: Mono) -> Option<Start> {
        self.reopening.pop_first();
        let (due, target) = self.addresses.get_mut(&address)?.held.pop_first()?;
        self.held -= 1;
        let start = self.begin(address, target, due, now);
        let state = self.addresses.get(&address)?;
        if !state.held.is_empty() {
            self.reopening.insert((state.open_at(self.limits.starts_per_address).unwrap_or(now), address));
        }
        Some(start)
    }

    fn begin(&mut self, address: IpAddr, target: TargetId, due: Mono, now: Mono) -> Start {
        if let Some(row) = self.targets.get_mut(target) {
            row.due = None;
            row.in_flight = true;
        }
        let state = self.addresses.entry(address).or_default();
        if state.starts.len() >= self.limits.starts_per_address {
            state.starts.pop_front();
        }
        state.starts.push_back(now);
        self.in_flight += 1;
        Start { setup: self.setup, target, due }
    }
}

impl Address {
    /// Returns when the next probe may start; nothing if at any time.
    fn open_at(&self, per_second: usize) -> Option<Mono> {
        let oldest = self.starts.front().filter(|_| self.starts.len() >= per_second)?;
        Some(*oldest + SECOND)
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

const SECOND: Duration = Duration::from_secs(1);

#[cfg(test)]
mod tests;
