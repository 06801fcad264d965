//! When a better tier becomes active again: ripening, flaps, windows (product rule 3).
//!
//! | `failback` | a better tier that holds by proven members is ripe |
//! |---|---|
//! | any, with the order `failback` | at once; the order is used up |
//! | `auto` | when it has held for the hold |
//! | `manual` | never by itself |
//! | `window` | when it has held for the hold, and the window is open |
//!
//! The hold is `hold` × 2^(flaps − 1), at most 1 h or `hold`.
//!
//! | the active tier is lost by health | flaps |
//! |---|---|
//! | to another tier, within 1 h of the last failback | one more |
//! | to another tier, later | 1 |
//! | with no failback since the last time; by order or reload; to last resort or all down | as they were |

use std::time::Duration;

use super::tiers::{Tier, TierSummary};
use super::{Failback, PoolState, Settings, Waits};
use crate::base::clock::{Mono, Now, UnixTime};

/// Notes since when the tiers better than that of `priority` hold by proven members.
pub(super) fn hold_on(summary: &TierSummary<'_>, priority: u16, held: &[(u16, Mono)], now: Mono) -> Vec<(u16, Mono)> {
    let since = |tier: &Tier| held.iter().find(|(p, _)| *p == tier.priority).map_or(now, |(_, since)| *since);
    summary.before(priority).filter(|t| t.tally.holds && t.proven).map(|t| (t.priority, since(t))).collect()
}

/// Returns how long a better tier must hold.
pub fn hold(settings: &Settings, flaps: u32) -> Duration {
    let doublings = flaps.saturating_sub(1).min(MAX_DOUBLINGS);
    settings.hold.saturating_mul(1 << doublings).min(settings.hold.max(MAX_HOLD))
}

/// Returns how long until a tier that holds since `since` is ripe; nothing if only an order can make it so.
pub(super) fn ripe_in(settings: &Settings, flaps: u32, since: Mono, now: Now) -> Option<Duration> {
    let held_in = (since + hold(settings, flaps)).since(now.mono);
    match settings.failback {
        Failback::Auto => Some(held_in),
        Failback::Manual => None,
        Failback::Window { from, to } => Some(held_in + opens_in(from, to, now.wall + held_in)),
    }
}

/// Tells what keeps a better tier from serving.
pub(super) fn waits(settings: &Settings, flaps: u32, tier: &Tier) -> Waits {
    if !tier.tally.holds {
        return Waits::Failed;
    }
    if !tier.proven {
        return Waits::Proof;
    }
    let hold = hold(settings, flaps);
    match settings.failback {
        Failback::Auto => Waits::Hold(hold),
        Failback::Manual => Waits::Order,
        Failback::Window { from, to } => Waits::Window { hold, from, to },
    }
}

/// Counts a failover by health.
pub(super) fn flap(memory: &mut PoolState, now: Mono) {
    // Taken: a second failover without a failback between leaves the flaps.
    if let Some(failback) = memory.last_failback.take() {
        memory.flaps = if now.since(failback) <= FLAP_WITHIN { memory.flaps.max(1).saturating_add(1) } else { 1 };
    }
}

/// Returns how long after `at` the daily window is open next: zero within it. A window without length is always open.
fn opens_in(from: u16, to: u16, at: UnixTime) -> Duration {
    let (from, to) = (u64::from(from) * MINUTE_MS % DAY_MS, u64::from(to) * MINUTE_MS % DAY_MS);
    let time = at.as_millis() % DAY_MS;
    let into = (time + DAY_MS - from) % DAY_MS;
    let length = (to + DAY_MS - from) % DAY_MS;
    if length == 0 || into < length { Duration::ZERO } else { Duration::from_millis(DAY_MS - into) }
}

/// The longest hold that flaps can make.
const MAX_HOLD: Duration = Duration::from_secs(3_600);

/// More doublings than this pass [`MAX_HOLD`] for every hold that can be set.
const MAX_DOUBLINGS: u32 = 30;

/// A failover this soon after a failback is a flap.
const FLAP_WITHIN: Duration = Duration::from_secs(3_600);

const MINUTE_MS: u64 = 60_000;
const DAY_MS: u64 = 86_400_000;

#[cfg(test)]
mod tests {
    use super::*;

    const NIGHT: (u16, u16) = (22 * 60, 4 * 60);

    fn opens(window: (u16, u16), hour: u64, minute: u64) -> u64 {
        opens_in(window.0, window.1, UnixTime::from_secs(86_400 * 20_000 + hour * 3_600 + minute * 60)).as_secs() / 60
    }

    #[test]
    fn a_window_opens_at_its_first_minute_and_is_shut_at_its_last() {
        let window = (2 * 60, 4 * 60);
        assert_eq!(opens(window, 1, 59), 1);
        assert_eq!(opens(window, 2, 0), 0);
        assert_eq!(opens(window, 3, 59), 0);
        assert_eq!(opens(window, 4, 0), 22 * 60);
    }

    #[test]
    fn a_window_may_span_midnight() {
        assert_eq!(opens(NIGHT, 21, 0), 60);
        assert_eq!(opens(NIGHT, 23, 0), 0);
        assert_eq!(opens(NIGHT, 0, 0), 0);
        assert_eq!(opens(NIGHT, 4, 0), 18 * 60);
    }

    #[test]
    fn a_window_from_a_minute_to_itself_is_always_open() {
        assert_eq!(opens((60, 60), 13, 7), 0);
        assert_eq!(opens((0, 24 * 60), 13, 7), 0);
    }

    #[test]
    fn strikes_double_the_hold_up_to_an_hour() {
        let settings = Settings::default();
        let holds = [0, 1, 2, 3, 6, 7, 8, u32::MAX].map(|flaps| hold(&settings, flaps).as_secs());
        assert_eq!(holds, [60, 60, 120, 240, 1_920, 3_600, 3_600, 3_600]);
    }

    #[test]
    fn a_hold_above_an_hour_is_not_cut() {
        let settings = Settings { hold: Duration::from_secs(7_200), ..Settings::default() };
        assert_eq!(hold(&settings, 1).as_secs(), 7_200);
        assert_eq!(hold(&settings, 9).as_secs(), 7_200);
    }
}
