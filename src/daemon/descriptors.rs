//! The limit of file descriptors, and how it is divided.

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
/// that listeners and store never starve by probes; `clients` is how many connections the listeners take at most.
pub(super) fn share(clients: u32) -> Shares {
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
    let all = usize::try_from(limit.current.unwrap_or(u64::MAX)).unwrap_or(usize::MAX);
    let others = OTHERS.saturating_add(usize::try_from(clients).unwrap_or(usize::MAX));
    let shares = Shares::of(all, others);
    if all < others || shares.probes != Limits::default() || shares.held == 0 {
        let help = "raise the limit: LimitNOFILE in a unit of systemd, ulimit -Hn in a shell; or lower `tcp-limit`";
        let (probes, held) = (shares.probes.in_flight, shares.held);
        warn!(descriptors = limit.current, probes, held, help, "few file descriptors");
    }
    shares
}

impl Shares {
    /// A quarter of few is for probes, and a quarter for held connections; of many all but what the others need is held.
    fn of(all: usize, others: usize) -> Self {
        let most = Limits::default();
        // While a connection is renewed it takes two.
        let rest = all.saturating_sub(others) / 10 * 9;
        let probes = Limits { in_flight: (all / 4).clamp(1, most.in_flight), ..most };
        Self { probes, held: rest.max(all / 4).min(MOST_HELD) }
    }
}

/// What is open at most beside connections of clients and held ones: 1,000 probes, files and listeners.
const OTHERS: usize = 1_100;
/// The most connections that are held.
const MOST_HELD: usize = 10_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn probes_listeners_and_held_connections_keep_their_descriptors() {
        for (descriptors, probes, held) in [
            (0, 1, 0),
            (64, 16, 16),
            (1_024, 256, 256),
            (4_096, 1_000, 1_791),
            (65_536, 1_000, 10_000),
            (usize::MAX, 1_000, 10_000),
        ] {
            let shares = Shares::of(descriptors, OTHERS + 1_000);
            assert_eq!((shares.probes.in_flight, shares.held), (probes, held), "{descriptors}");
        }
        assert_eq!(Shares::of(40_000, OTHERS + 30_000).held, 10_000, "many clients");
    }
}
