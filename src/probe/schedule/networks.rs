//! How many probes a second may go to one network, and to all: no zone makes the server a scanner. Pure.
//!
//! Each start takes a place in the network's second. Who finds none is given the next free one, and comes back then without
//! being asked again: so a hundred thousand targets of one network cost what they cost, once each.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::Duration;

use crate::base::clock::Mono;
use crate::base::prefix::IpPrefix;

/// Places for starts, in all and by network.
#[derive(Clone, Debug)]
pub(super) struct Networks {
    per_network: Pace,
    in_all: Pace,
    all: Places,
    networks: BTreeMap<IpPrefix, Places>,
}

/// So many starts a second.
#[derive(Clone, Copy, Debug)]
struct Pace {
    a_second: u32,
}

/// The places of one network: when the next after all those given would be, if each took its share of a second.
#[derive(Clone, Copy, Debug, Default)]
struct Places {
    next: Option<Mono>,
}

impl Networks {
    /// Makes places for so many starts a second.
    pub(super) const fn new(per_network: u32, in_all: u32) -> Self {
        Self {
            per_network: Pace { a_second: per_network },
            in_all: Pace { a_second: in_all },
            all: Places { next: None },
            networks: BTreeMap::new(),
        }
    }

    /// Takes a place for a start on an address; returns when it may start.
    pub(super) fn take(&mut self, address: IpAddr, now: Mono) -> Mono {
        let network = IpPrefix::around(address, V4, V6);
        if self.networks.len() > MOST_KEPT {
            self.networks.retain(|_, places| places.next.is_some_and(|next| now < next));
        }
        let places = self.networks.entry(network).or_default();
        places.take(self.per_network, now).max(self.all.take(self.in_all, now))
    }

    /// Gives up the places that were given for later: whoever waits asks again.
    pub(super) fn forget_waiting(&mut self, now: Mono) {
        let cut = |places: &mut Places| places.next = places.next.map(|next| next.min(now + SECOND));
        cut(&mut self.all);
        self.networks.values_mut().for_each(cut);
    }
}

impl Places {
    /// A whole second's starts may come at once; beyond them each has to wait its turn.
    fn take(&mut self, pace: Pace, now: Mono) -> Mono {
        let next = self.next.map_or(now, |next| next.max(now));
        self.next = Some(next + SECOND / pace.a_second.max(1));
        let ahead = next.since(now);
        if ahead < SECOND { now } else { now + (ahead - SECOND) + SECOND / pace.a_second.max(1) }
    }
}

/// The lengths of the prefixes that are one network.
const V4: u8 = 24;
const V6: u8 = 56;
const SECOND: Duration = Duration::from_secs(1);
/// So many networks are kept before those without waiting starts are forgotten.
const MOST_KEPT: usize = 10_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_network_has_so_many_starts_a_second_and_others_are_not_touched() {
        let mut networks = Networks::new(100, 1_000);
        let now = Mono::START;
        let mut later: Vec<Mono> = (0..=255).map(|last| networks.take([10, 0, 0, last].into(), now)).collect();
        later.sort_unstable();
        for second in 0..2 {
            let (begin, end) = (now + SECOND * second, now + SECOND * (second + 1));
            let starts = later.iter().filter(|at| (begin..end).contains(at)).count();
            assert!(starts <= 200, "{starts} in second {second}");
        }
        assert_eq!(later.iter().filter(|at| **at == now).count(), 100);
        assert!(later.last().is_some_and(|last| *last > now + SECOND), "{later:?}");
        assert_eq!(networks.take([10, 0, 1, 1].into(), now), now);
        assert_eq!(networks.take("2001:db8:0:1::1".parse().unwrap(), now), now);
        networks.forget_waiting(now);
        assert!(networks.take([10, 0, 0, 1].into(), now) <= now + SECOND / 100);
    }

    #[test]
    fn all_networks_together_have_a_limit_too() {
        let mut networks = Networks::new(100, 500);
        let starts =
            (0..2_000u32).map(|number| networks.take(number.wrapping_mul(65_536).to_be_bytes().into(), Mono::START));
        assert_eq!(starts.filter(|at| *at == Mono::START).count(), 500);
    }
}
