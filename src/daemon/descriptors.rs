//! How many file descriptors there are, and who may take how many of them.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tracing::{info, warn};

use crate::probe::schedule::Limits;

/// What each may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Shares {
    /// Probes at once, among other limits.
    pub(super) probes: Limits,
    /// Connections that are held open beside the probes.
    pub(super) held: usize,
}

/// Raises the soft limit of descriptors to the hard one, as nothing here is afraid of large numbers, and shares them out so
/// that doors and store never starve by probes.
pub(super) fn share() -> Shares {
    let mut limit = getrlimit(Resource::Nofile);
    // No number means that there is no limit.
    let below = |current: u64| limit.maximum.is_none_or(|most| current < most);
    if limit.current.is_some_and(below) {
        let wanted = Rlimit { current: limit.maximum, ..limit };
        match setrlimit(Resource::Nofile, wanted) {
            Ok(()) => limit = wanted,
            Err(error) => info!(%error, "the limit of descriptors stays as it is"),
        }
    }
    let shares = Shares::of(limit.current.unwrap_or(u64::MAX));
    if shares.probes != Limits::default() || shares.held == 0 {
        let help = "raise the limit: LimitNOFILE in a unit of systemd, ulimit -Hn in a shell";
        let (probes, held) = (shares.probes.in_flight, shares.held);
        warn!(descriptors = limit.current, probes, held, help, "few file descriptors");
    }
    shares
}

impl Shares {
    /// A quarter of few is for probes, and a quarter for held connections; of many all but what the others need is held.
    fn of(descriptors: u64) -> Self {
        let (most, all) = (Limits::default(), usize::try_from(descriptors).unwrap_or(usize::MAX));
        // While a connection is renewed it takes two.
        let rest = all.saturating_sub(OTHERS) / 10 * 9;
        let probes = Limits { in_flight: (all / 4).clamp(1, most.in_flight), ..most };
        Self { probes, held: rest.max(all / 4).min(MOST_HELD) }
    }
}

/// What else is open at most: 1,000 probes, 1,000 connections of clients, files and listeners.
const OTHERS: usize = 2_100;
/// The most connections that are held.
const MOST_HELD: usize = 10_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn probes_doors_and_held_connections_keep_their_descriptors() {
        for (descriptors, probes, held) in [
            (0, 1, 0),
            (64, 16, 16),
            (1_024, 256, 256),
            (4_096, 1_000, 1_791),
            (65_536, 1_000, 10_000),
            (u64::MAX, 1_000, 10_000),
        ] {
            let shares = Shares::of(descriptors);
            assert_eq!((shares.probes.in_flight, shares.held), (probes, held), "{descriptors}");
        }
    }
}
