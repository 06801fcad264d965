//! How the commands name services, targets and certificates in their output.

use std::time::Duration;

use crate::admin::view::{MemberView, Served, ServiceView, TargetView};
use crate::base::duration::write_short;

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
            Self::Thinned => "with some members out",
            Self::Untested => "with members that cannot be tested",
            Self::Well => "well",
            Self::Fixed => "served as declared",
        }
    }
}

/// Returns how well a service is.
pub(super) fn condition(service: &ServiceView) -> Condition {
    match service.served {
        Served::AllDown => Condition::AllDown,
        Served::LastResort => Condition::LastResort,
        Served::Tier if service.tier != service.preferred() => Condition::StandsIn,
        Served::Tier if service.members.iter().any(|member| !member.serves) => Condition::Thinned,
        Served::Tier if !service.tested => Condition::Fixed,
        Served::Tier if service.members.iter().any(|member| member.untested.is_some()) => Condition::Untested,
        Served::Tier => Condition::Well,
    }
}

/// Returns whether a test tells something of a member of a tier.
fn is_tested(service: &ServiceView, tier: u16) -> bool {
    service.members.iter().any(|member| member.priority == tier && member.untested.is_none())
}

/// Says in a few words which tier is active.
pub(super) fn headline(service: &ServiceView) -> Line {
    let tier = service.tier.unwrap_or_default();
    let (tone, text) = match (condition(service), service.served) {
        (Condition::Fixed, _) => (Tone::Dim, "served as declared, not tested".to_owned()),
        (Condition::StandsIn, Served::Tier) => {
            let back = service.failback.map(|back| {
                format!(", tier {} fails back in {}", back.tier, write_short(Duration::from_millis(back.due_ms)))
            });
            let untested = if is_tested(service, tier) { "" } else { ", not tested" };
            (Tone::Soso, format!("tier {tier} stands in{untested}{}", back.unwrap_or_default()))
        }
        (_, Served::Tier) if !is_tested(service, tier) => (Tone::Soso, format!("tier {tier} serves, not tested")),
        (_, Served::Tier) => (Tone::Good, format!("tier {tier} serves")),
        (_, Served::LastResort) => (Tone::Bad, "last resort".to_owned()),
        (_, Served::AllDown) => (Tone::Bad, "all down".to_owned()),
    };
    Line::of(tone, text)
}

/// Returns the name of a service as people write it: without its final dot, the halves of a pair joined by ` + `.
pub(super) fn service(name: &str) -> String {
    name.split('+').map(|half| half.trim_end_matches('.')).collect::<Vec<_>>().join(" + ")
}

/// Returns the mark that says whether a member is in the answer, and whether it is known to be alive.
pub(super) fn mark(member: &MemberView) -> Line {
    if !member.listed {
        Line::of(Tone::Dim, "○")
    } else if !member.serves && !member.leaving {
        Line::of(Tone::Bad, "×")
    } else if !member.known {
        Line::of(Tone::Soso, "◐")
    } else {
        Line::of(Tone::Good, "●")
    }
}

/// The meaning of the marks, for a line below them.
pub(super) const LEGEND: &str = "● in the answer  ◐ in it, not tested  × in it, but down  ○ left out";

/// Returns the word for a target's state, in its colour.
pub(super) fn state(target: &TargetView) -> Line {
    let word = if target.degraded { "degraded" } else { target.state.as_str() };
    match target.state.as_str() {
        "unknown" => Line::of(Tone::Soso, "not tested"),
        "up" if !target.degraded && target.untested.is_none() => Line::of(Tone::Good, word),
        "down" | "leaving" => Line::of(Tone::Bad, word),
        _ => Line::of(Tone::Soso, word),
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
