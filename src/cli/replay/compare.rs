//! What happened beside what would have happened, service by service. Pure.

use std::collections::BTreeSet;
use std::time::Duration;

use crate::base::clock::UnixTime;
use crate::engine::setup::{PoolSetup, Setup};

use super::play::Played;
use super::tape::Decided;
use super::timeline::{Sums, Timeline};

/// One service, both ways.
#[derive(Debug)]
pub(super) struct Comparison {
    /// Its name.
    pub(super) service: String,
    /// Whether the config has it.
    pub(super) is_configured: bool,
    /// Its targets of which the history tells nothing.
    pub(super) unknown: Vec<String>,
    /// The decisions, those that are the same side by side.
    pub(super) rows: Vec<Row>,
    /// What happened, in sum.
    pub(super) recorded: Sums,
    /// What would have happened, in sum.
    pub(super) replayed: Sums,
}

/// A decision that happened, or would have happened, or both.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Row {
    /// What happened, and when.
    pub(super) recorded: Option<(UnixTime, Decided)>,
    /// What would have happened, and when.
    pub(super) replayed: Option<(UnixTime, Decided)>,
}

/// Compares all services, from a moment on: those with differences first.
pub(super) fn compare(played: &Played, setup: &Setup, since: UnixTime) -> Vec<Comparison> {
    let names: BTreeSet<&String> = played.recorded.services().chain(played.replayed.services()).collect();
    let mut all: Vec<Comparison> = names
        .into_iter()
        .map(|service| {
            let pool = setup.pools.iter().map(|(_, pool)| pool).find(|pool| pool.name == *service);
            let first = pool.and_then(|pool| pool.pool.members.iter().map(|member| member.priority).min());
            let (recorded, replayed) = (played.recorded.of(service), played.replayed.of(service));
            Comparison {
                service: service.clone(),
                is_configured: pool.is_some(),
                unknown: pool.map(|pool| unknown(played, setup, pool)).unwrap_or_default(),
                rows: rows(&recorded, &replayed, since),
                recorded: recorded.sums(first, since),
                replayed: replayed.sums(first, since),
            }
        })
        .collect();
    all.sort_by_key(|comparison| !comparison.differs());
    all
}

impl Comparison {
    /// Returns whether anything would have been decided otherwise.
    pub(super) fn differs(&self) -> bool {
        self.rows.iter().any(Row::differs)
    }
}

impl Row {
    /// Returns whether it stands on one side only.
    pub(super) const fn differs(&self) -> bool {
        self.recorded.is_none() || self.replayed.is_none()
    }

    /// Returns when it was, on either side.
    pub(super) fn at(&self) -> UnixTime {
        self.recorded.as_ref().or(self.replayed.as_ref()).map_or_else(UnixTime::default, |(at, _)| *at)
    }
}

fn unknown(played: &Played, setup: &Setup, pool: &PoolSetup) -> Vec<String> {
    let targets = pool.targets().filter(|id| played.unknown.contains(id));
    let names: BTreeSet<String> = targets.map(|id| setup.targets[*id].key.to_string()).collect();
    names.into_iter().collect()
}

/// Puts side by side what is decided alike within a moment.
fn rows(recorded: &Timeline, replayed: &Timeline, since: UnixTime) -> Vec<Row> {
    let of = |timeline: &Timeline| -> Vec<(UnixTime, Decided)> {
        timeline.decisions.iter().filter(|(at, _)| *at >= since).cloned().collect()
    };
    let (mut left, mut right) = (of(recorded).into_iter().peekable(), of(replayed).into_iter().peekable());
    let mut rows = Vec::new();
    loop {
        let (takes_left, takes_right) = match (left.peek(), right.peek()) {
            (None, None) => return rows,
            (Some(_), None) => (true, false),
            (None, Some(_)) => (false, true),
            (Some((a, was)), Some((b, would))) if was == would && a.since(*b).max(b.since(*a)) <= MOMENT => {
                (true, true)
            }
            (Some((a, _)), Some((b, _))) => (a <= b, a > b),
        };
        let recorded = if takes_left { left.next() } else { None };
        let replayed = if takes_right { right.next() } else { None };
        rows.push(Row { recorded, replayed });
    }
}

/// How far apart two decisions may be that count as the same.
const MOMENT: Duration = Duration::from_secs(1);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::admin::view::Served;

    fn timeline(decisions: &[(u64, u16)]) -> Timeline {
        let decided = |tier| Decided {
            service: "s".to_owned(),
            served: Served::Tier,
            tier: Some(tier),
            reason: format!("tier {tier} serves"),
        };
        let decisions = decisions.iter().map(|(at, tier)| (UnixTime::from_millis(*at), decided(*tier))).collect();
        let mut timeline = Timeline::default();
        timeline.decisions = decisions;
        timeline
    }

    #[test]
    fn what_is_alike_within_a_second_stands_side_by_side() {
        let left = timeline(&[(10_000, 20), (20_000, 10), (30_000, 20), (40_000, 10)]);
        let right = timeline(&[(10_900, 20), (20_000, 10), (32_000, 20), (40_000, 10)]);
        let rows = rows(&left, &right, UnixTime::default());
        let sides: Vec<(bool, bool)> =
            rows.iter().map(|row| (row.recorded.is_some(), row.replayed.is_some())).collect();
        assert_eq!(sides, [(true, true), (true, true), (true, false), (false, true), (true, true)]);
        let late = super::rows(&left, &right, UnixTime::from_millis(35_000));
        assert_eq!(late.len(), 1);
    }
}
