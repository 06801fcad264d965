//! Three-valued logic over outcomes. Pure.

use std::time::Duration;

use super::Rule;
use crate::health::{FailKind, Outcome};
use crate::probe::attempt::conclusive;

/// How many of the best parts must be good: the outcome is that of the last of them.
///
/// Sorted from the best to the worst (pass, degraded, unknown, drain, fail silent, fail conclusive), the *n*th outcome
/// is the answer to "at least *n*": it is good if *n* are, bad if even with all unknown ones fewer than *n* would be,
/// else unknown. So "any" is the first and "all" the last; a drain, its Retry-After and a degraded mark come along.
pub(super) fn rank(rule: Rule, parts: usize) -> usize {
    match rule {
        Rule::All => parts,
        Rule::Any | Rule::Not => 1,
        Rule::AtLeast(count) => count.clamp(1, parts.max(1)),
    }
}

/// Returns the part whose outcome is that of the whole, by its place; nothing if there are no parts.
pub(super) fn deciding<'o>(rule: Rule, outcomes: impl Iterator<Item = &'o Outcome>) -> Option<usize> {
    let mut places: Vec<(usize, &Outcome)> = outcomes.enumerate().collect();
    let wanted = rank(rule, places.len());
    // Of equal ones the first in the config decides, whichever end it is counted from.
    match rule {
        Rule::All => {
            places.sort_by_key(|(place, outcome)| (badness(outcome), std::cmp::Reverse(*place)));
        }
        Rule::Any | Rule::AtLeast(_) | Rule::Not => places.sort_by_key(|(_, outcome)| badness(outcome)),
    }
    places.get(wanted.checked_sub(1)?).map(|(place, _)| *place)
}

/// Returns whether the parts that have ended decide, whatever the others come to; `None` is one that has not.
pub(super) fn is_decided<'o>(rule: Rule, outcomes: impl Iterator<Item = Option<&'o Outcome>>) -> bool {
    let (mut parts, mut best, mut worst) = (0, 0, 0);
    for outcome in outcomes {
        parts += 1;
        best += usize::from(matches!(outcome, Some(Outcome::Pass)));
        worst += usize::from(matches!(outcome, Some(Outcome::Fail { kind: FailKind::Conclusive, .. })));
    }
    let wanted = rank(rule, parts);
    best >= wanted || worst + wanted > parts
}

/// Turns an outcome around: what is there must not be; what is leaving or gone is as wanted.
pub(super) fn negated(outcome: &Outcome, label: &str) -> Outcome {
    match outcome {
        Outcome::Pass => conclusive(format!("{label} passes, and must not")),
        Outcome::Degraded(cause) => conclusive(format!("{label} is degraded, and must not be there: {cause}")),
        Outcome::Drain { .. } | Outcome::Fail { .. } => Outcome::Pass,
        Outcome::Unknown(cause) => Outcome::Unknown(cause.clone()),
    }
}

/// Orders outcomes from the best to the worst.
fn badness(outcome: &Outcome) -> (u8, Duration) {
    match outcome {
        Outcome::Pass => (0, Duration::ZERO),
        Outcome::Degraded(_) => (1, Duration::ZERO),
        Outcome::Unknown(_) => (2, Duration::ZERO),
        Outcome::Drain { retry_after, .. } => (3, retry_after.unwrap_or_default()),
        Outcome::Fail { kind: FailKind::Silent, .. } => (4, Duration::ZERO),
        Outcome::Fail { kind: FailKind::Conclusive, .. } => (5, Duration::ZERO),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::probe::attempt::{silent, unknown};

    /// The third value is in the middle.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
    enum Truth {
        Bad,
        Unknown,
        Good,
    }

    fn truth(outcome: &Outcome) -> Truth {
        match outcome {
            Outcome::Pass | Outcome::Degraded(_) => Truth::Good,
            Outcome::Unknown(_) => Truth::Unknown,
            Outcome::Drain { .. } | Outcome::Fail { .. } => Truth::Bad,
        }
    }

    fn whole(rule: Rule, parts: &[Outcome]) -> Outcome {
        parts[deciding(rule, parts.iter()).unwrap()].clone()
    }

    fn drain(secs: u64) -> Outcome {
        Outcome::Drain { cause: "leaving".into(), retry_after: Some(Duration::from_secs(secs)) }
    }

    fn degraded() -> Outcome {
        Outcome::Degraded("full".into())
    }

    fn outcome() -> impl Strategy<Value = Outcome> {
        prop_oneof![
            Just(Outcome::Pass),
            Just(degraded()),
            Just(unknown("?")),
            (0u64..400).prop_map(drain),
            Just(silent("quiet")),
            Just(conclusive("no")),
        ]
    }

    #[test]
    fn the_tables_of_all_and_any_hold() {
        for (parts, all, any) in [
            (vec![Outcome::Pass, Outcome::Pass], "pass", "pass"),
            (vec![Outcome::Pass, degraded()], "degraded", "pass"),
            (vec![Outcome::Pass, unknown("?")], "unknown", "pass"),
            (vec![degraded(), unknown("?")], "unknown", "degraded"),
            (vec![unknown("?"), drain(1)], "drain", "unknown"),
            (vec![unknown("?"), conclusive("no")], "fail", "unknown"),
            (vec![Outcome::Pass, drain(1)], "drain", "pass"),
            (vec![drain(1), silent("quiet")], "silent", "drain"),
            (vec![silent("quiet"), conclusive("no")], "fail", "silent"),
        ] {
            assert_eq!((whole(Rule::All, &parts).as_str(), whole(Rule::Any, &parts).as_str()), (all, any), "{parts:?}");
        }
    }

    #[test]
    fn of_several_drains_all_waits_for_the_longest_and_any_for_the_shortest() {
        let parts = [drain(10), drain(30), drain(20)];
        assert_eq!(whole(Rule::All, &parts), drain(30));
        assert_eq!(whole(Rule::Any, &parts), drain(10));
        assert_eq!(whole(Rule::AtLeast(2), &parts), drain(20));
    }

    #[test]
    fn of_equal_causes_the_first_is_told() {
        let parts = [Outcome::Pass, conclusive("first"), conclusive("second")];
        assert_eq!(whole(Rule::All, &parts), conclusive("first"));
        assert_eq!(whole(Rule::Any, &parts[1..]), conclusive("first"));
    }

    #[test]
    fn nothing_decides_where_nothing_is() {
        assert_eq!(deciding(Rule::All, [].into_iter()), None);
    }

    proptest! {
        #[test]
        fn at_least_counts_as_three_valued_logic_does(
            parts in prop::collection::vec(outcome(), 1..8),
            count in 1usize..8,
        ) {
            let count = count.min(parts.len());
            let good = parts.iter().filter(|part| truth(part) == Truth::Good).count();
            let unknown = parts.iter().filter(|part| truth(part) == Truth::Unknown).count();
            let expected = if good >= count {
                Truth::Good
            } else if good + unknown < count {
                Truth::Bad
            } else {
                Truth::Unknown
            };
            prop_assert_eq!(truth(&whole(Rule::AtLeast(count), &parts)), expected);
        }

        #[test]
        fn all_is_the_least_and_any_the_most(parts in prop::collection::vec(outcome(), 1..8)) {
            let truths = || parts.iter().map(truth);
            prop_assert_eq!(Some(truth(&whole(Rule::All, &parts))), truths().min());
            prop_assert_eq!(Some(truth(&whole(Rule::Any, &parts))), truths().max());
            prop_assert_eq!(whole(Rule::AtLeast(1), &parts), whole(Rule::Any, &parts));
            prop_assert_eq!(
                badness(&whole(Rule::AtLeast(parts.len()), &parts)),
                badness(&whole(Rule::All, &parts))
            );
        }

        #[test]
        fn de_morgan_holds(parts in prop::collection::vec(outcome(), 1..8)) {
            let negatives: Vec<Outcome> = parts.iter().map(|part| negated(part, "it")).collect();
            let not_all = truth(&negated(&whole(Rule::All, &parts), "it"));
            prop_assert_eq!(not_all, truth(&whole(Rule::Any, &negatives)));
            let not_any = truth(&negated(&whole(Rule::Any, &parts), "it"));
            prop_assert_eq!(not_any, truth(&whole(Rule::All, &negatives)));
        }

        #[test]
        fn what_is_decided_early_stays_decided(
            parts in prop::collection::vec((outcome(), any::<bool>()), 1..8),
            count in 1usize..8,
        ) {
            for rule in [Rule::All, Rule::Any, Rule::AtLeast(count.min(parts.len()))] {
                let early = || parts.iter().map(|(part, ended)| ended.then_some(part));
                if is_decided(rule, early()) {
                    let all: Vec<Outcome> = parts.iter().map(|(part, _)| part.clone()).collect();
                    let known = whole(rule, &all);
                    // Those under way may come to the best or to the worst.
                    for other in [Outcome::Pass, conclusive("no")] {
                        let parts: Vec<Outcome> = early().map(|part| part.unwrap_or(&other).clone()).collect();
                        prop_assert_eq!(truth(&whole(rule, &parts)), truth(&known));
                    }
                }
            }
        }
    }
}
