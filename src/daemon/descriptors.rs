//! How many file descriptors there are, and how many of them probes may take.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tracing::{info, warn};

use crate::probe::schedule::Limits;

/// Raises the soft limit of descriptors to the hard one, as nothing here is afraid of large numbers, and shares them out:
/// a quarter is for probes, so that the doors and the store never starve by them.
pub(super) fn share() -> Limits {
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
    let limits = limits(limit.current.unwrap_or(u64::MAX));
    if limits.in_flight < Limits::default().in_flight {
        let help = "raise the limit (LimitNOFILE in a unit of systemd, ulimit -Hn in a shell) if probes are late";
        warn!(descriptors = limit.current, probes_at_once = limits.in_flight, help, "few file descriptors");
    }
    limits
}

fn limits(descriptors: u64) -> Limits {
    let most = Limits::default();
    let share = usize::try_from(descriptors / 4).unwrap_or(usize::MAX);
    Limits { in_flight: share.clamp(1, most.in_flight), ..most }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn probes_take_a_quarter_and_never_more_than_the_default() {
        for (descriptors, probes) in
            [(0, 1), (64, 16), (1_024, 256), (4_000, 1_000), (524_288, 1_000), (u64::MAX, 1_000)]
        {
            assert_eq!(limits(descriptors).in_flight, probes, "{descriptors}");
        }
    }
}
