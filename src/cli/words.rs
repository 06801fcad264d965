//! How the commands name services, targets and certificates in their output.

use crate::base::duration::write_short;
use crate::engine::status::{MemberStatus, PoolStatus, TargetStatus};
use crate::health::Verdict;
use crate::health::machine::State;
use crate::policy::{ActiveTier, Placement};

use super::line::Line;
use super::paint::Tone;

/// How well a service is; ordered, the worst first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Condition {
    /// Nobody is up.
    AllDown,
    /// Only those that are leaving are left.
    LastResort,
    /// A later tier serves.
    StandsIn,
    /// The preferred tier serves, but not all members do.
    Thinned,
    /// Every member serves, but some of them were never tested.
    Untested,
    /// Every member serves.
    Well,
    /// It follows no health.
    Fixed,
}

impl Condition {
    /// Returns the words for services that are so.
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::AllDown => "all down",
            Self::LastResort => "at last resort",
            Self::StandsIn => "with a standby that stands in",
            Self::Thinned => "with some members down",
            Self::Untested => "with members that cannot be tested",
            Self::Well => "well",
            Self::Fixed => "served as declared",
        }
    }
}

/// Returns how well a service is.
pub(super) fn condition(pool: &PoolStatus) -> Condition {
    match pool.decision.served {
        ActiveTier::AllDown => Condition::AllDown,
        ActiveTier::LastResort => Condition::LastResort,
        ActiveTier::Tier(tier) if Some(tier) != preferred(pool) => Condition::StandsIn,
        ActiveTier::Tier(_) if pool.members.iter().any(|member| !member.verdict.serves()) => Condition::Thinned,
        ActiveTier::Tier(_) if is_fixed(pool) => Condition::Fixed,
        ActiveTier::Tier(_) if pool.members.iter().any(|member| member.untested.is_some()) => Condition::Untested,
        ActiveTier::Tier(_) => Condition::Well,
    }
}

/// Returns whether no member of a service has a target: no health can change what is served.
pub(super) fn is_fixed(pool: &PoolStatus) -> bool {
    pool.members.iter().all(|member| member.targets.is_empty())
}

/// Returns whether a test tells something of a member of a tier.
fn is_tested(pool: &PoolStatus, tier: u16) -> bool {
    pool.members.iter().any(|member| member.priority == tier && member.untested.is_none())
}

/// Returns the number of the preferred tier.
pub(super) fn preferred(pool: &PoolStatus) -> Option<u16> {
    pool.members.iter().map(|member| member.priority).min()
}

/// Says in a few words which tier is active.
pub(super) fn headline(pool: &PoolStatus) -> Line {
    let (tone, text) = match (condition(pool), pool.decision.served) {
        (Condition::Fixed, _) => (Tone::Dim, "served as declared, not tested".to_owned()),
        (Condition::StandsIn, ActiveTier::Tier(tier)) => {
            let back = pool.failback.map(|(better, due)| format!(", tier {better} fails back in {}", write_short(due)));
            let untested = if is_tested(pool, tier) { "" } else { ", not tested" };
            (Tone::Soso, format!("tier {tier} stands in{untested}{}", back.unwrap_or_default()))
        }
        (_, ActiveTier::Tier(tier)) if !is_tested(pool, tier) => {
            (Tone::Soso, format!("tier {tier} serves, not tested"))
        }
        (_, ActiveTier::Tier(tier)) => (Tone::Good, format!("tier {tier} serves")),
        (_, ActiveTier::LastResort) => (Tone::Bad, "last resort".to_owned()),
        (_, ActiveTier::AllDown) => (Tone::Bad, "all down".to_owned()),
    };
    Line::of(tone, text)
}

/// Returns the name of a service as people write it: without its final dot, the halves of a pair joined by ` + `.
pub(super) fn service(pool: &PoolStatus) -> String {
    pool.name.split('+').map(|half| half.trim_end_matches('.')).collect::<Vec<_>>().join(" + ")
}

/// Returns the mark that says whether a member is in the answer, and whether it is known to be alive.
pub(super) fn mark(member: &MemberStatus, placement: &Placement) -> Line {
    match member.verdict {
        _ if !placement.lists() => Line::of(Tone::Dim, "○"),
        Verdict::Withhold { leaving: false, .. } => Line::of(Tone::Bad, "×"),
        Verdict::Serve { tested: false, .. } => Line::of(Tone::Soso, "◐"),
        Verdict::Serve { .. } | Verdict::Withhold { leaving: true, .. } => Line::of(Tone::Good, "●"),
    }
}

/// The meaning of the marks, for a line below them.
pub(super) const LEGEND: &str = "● in the answer  ◐ in it, not tested  × in it, but down  ○ left out";

/// Returns the word for a target's state, in its colour.
pub(super) fn state(target: &TargetStatus) -> Line {
    let word = if target.degraded { "degraded" } else { target.state.as_str() };
    match target.state {
        State::Unknown => Line::of(Tone::Soso, "not tested"),
        State::Up if !target.degraded && target.untested.is_none() => Line::of(Tone::Good, word),
        State::Up | State::Failing { .. } | State::Recovering { .. } => Line::of(Tone::Soso, word),
        State::Down(_) => Line::of(Tone::Bad, word),
    }
}

/// Returns the word for what is served, as programs read it.
pub(super) const fn served(served: ActiveTier) -> &'static str {
    match served {
        ActiveTier::Tier(_) => "tier",
        ActiveTier::LastResort => "last-resort",
        ActiveTier::AllDown => "all-down",
    }
}

/// Says how long a certificate lasts, from the whole days left; negative once it has expired.
pub(super) fn days_left(days: i64) -> String {
    match days {
        -1 => "expired today".to_owned(),
        days if days < 0 => format!("expired {} days ago", days.unsigned_abs() - 1),
        0 => "less than a day left".to_owned(),
        1 => "1 day left".to_owned(),
        days => format!("{days} days left"),
    }
}

/// Prints a number with its noun, as in `1 zone` and `2 zones`.
pub(super) fn counted(count: usize, noun: &str) -> String {
    if count == 1 { format!("1 {noun}") } else { format!("{count} {noun}s") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_agree_with_their_nouns() {
        assert_eq!((counted(0, "zone"), counted(1, "zone")), ("0 zones".to_owned(), "1 zone".to_owned()));
    }
}
