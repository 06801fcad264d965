//! What time alone makes due.

use std::collections::{BTreeMap, BTreeSet};

use crate::base::clock::Mono;
use crate::engine::setup::PoolId;

/// What a timer is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::engine) enum Timer {
    /// A pool may decide otherwise, or its TTL changes.
    Pool(PoolId),
    /// A host's TTL changes, or an order over it begins or ends.
    Host(usize),
    /// The TTL of a name that follows a service changes.
    Follow(usize),
    /// An order is over.
    Orders,
    /// The engine notes that it lives.
    Heartbeat,
}

/// At most one point for each timer.
#[derive(Debug, Default)]
pub(in crate::engine) struct Timers {
    by_time: BTreeSet<(Mono, Timer)>,
    by_timer: BTreeMap<Timer, Mono>,
}

impl Timers {
    /// Sets a timer, or stops it.
    pub(super) fn set(&mut self, timer: Timer, at: Option<Mono>) {
        let before = match at {
            Some(at) => self.by_timer.insert(timer, at),
            None => self.by_timer.remove(&timer),
        };
        if before == at {
            return;
        }
        before.map(|before| self.by_time.remove(&(before, timer)));
        at.map(|at| self.by_time.insert((at, timer)));
    }

    /// Takes out a timer that is due; of several the earliest.
    pub(super) fn ring(&mut self, now: Mono) -> Option<Timer> {
        let (_, timer) = self.by_time.first().copied().filter(|(at, _)| *at <= now)?;
        self.by_time.pop_first();
        self.by_timer.remove(&timer);
        Some(timer)
    }

    /// Stops the timers of a setup that is gone.
    pub(super) fn stop_judgements(&mut self) {
        let stays = |timer: &Timer| match timer {
            Timer::Pool(_) | Timer::Host(_) | Timer::Follow(_) => false,
            Timer::Orders | Timer::Heartbeat => true,
        };
        self.by_time.retain(|(_, timer)| stays(timer));
        self.by_timer.retain(|timer, _| stays(timer));
    }

    /// Returns when the first timer is due.
    pub(super) fn next(&self) -> Option<Mono> {
        self.by_time.first().map(|(at, _)| *at)
    }

    /// Returns when a timer is due.
    pub(in crate::engine) fn at(&self, timer: Timer) -> Option<Mono> {
        self.by_timer.get(&timer).copied()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn at(secs: u64) -> Mono {
        Mono::START + Duration::from_secs(secs)
    }

    #[test]
    fn a_timer_rings_once_at_its_last_point() {
        let mut timers = Timers::default();
        timers.set(Timer::Host(1), Some(at(5)));
        timers.set(Timer::Host(1), Some(at(9)));
        timers.set(Timer::Orders, Some(at(7)));
        timers.set(Timer::Host(2), Some(at(6)));
        timers.set(Timer::Host(2), None);
        assert_eq!(timers.next(), Some(at(7)));
        assert_eq!(
            [8, 8, 9, 9].map(|secs| timers.ring(at(secs))),
            [Some(Timer::Orders), None, Some(Timer::Host(1)), None]
        );
        assert_eq!(timers.next(), None);
    }
}
