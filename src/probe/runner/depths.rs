//! How deep each target's next probe goes.
//!
//! | the last deep probe | since then | next |
//! |---|---|---|
//! | passed less than `deep-interval` ago | every probe passed | shallow |
//! | passed | a probe did not pass | deep |
//! | did not pass, or there was none | – | deep |
//! | passed `deep-interval` ago or earlier | – | deep |
//!
//! So shallow probes cannot hide what a deep probe found, and a target recovers only by deep ones.

use std::time::Duration;

use crate::base::clock::Mono;
use crate::base::table::Table;
use crate::health::{Outcome, TargetId};
use crate::probe::Depth;

/// When the deep probe began that still vouches for each target.
#[derive(Debug, Default)]
pub(super) struct Depths(Table<TargetId, Option<Mono>>);

impl Depths {
    /// Takes so many targets of a new setup; `places` tells where those of the last one are now. The next probe of each
    /// other is deep.
    pub(super) fn replace(&mut self, places: &Table<TargetId, Option<TargetId>>, targets: usize) {
        let mut rows: Table<TargetId, Option<Mono>> = std::iter::repeat_n(None, targets).collect();
        for ((_, passed), (_, place)) in self.0.iter().zip(places.iter()) {
            if let Some(row) = place.and_then(|place| rows.get_mut(place)) {
                *row = *passed;
            }
        }
        self.0 = rows;
    }

    /// Chooses how deep a probe goes that begins now; `longest` is missing for checks whose probes are all the same.
    pub(super) fn choose(&self, target: TargetId, longest: Option<Duration>, now: Mono) -> Depth {
        match (self.0.get(target), longest) {
            (Some(Some(passed)), Some(longest)) if now.since(*passed) < longest => Depth::Shallow,
            (Some(_) | None, Some(_) | None) => Depth::Deep,
        }
    }

    /// Takes down how a probe ended.
    pub(super) fn learn(&mut self, target: TargetId, depth: Depth, began: Mono, outcome: &Outcome) {
        let Some(passed) = self.0.get_mut(target) else { return };
        match (outcome, depth) {
            (Outcome::Pass, Depth::Deep) => *passed = Some(began),
            (Outcome::Pass, Depth::Shallow) => {}
            // Our own fault says nothing against what was seen.
            (Outcome::Unknown(_), _) => {}
            (Outcome::Degraded(_) | Outcome::Drain { .. } | Outcome::Fail { .. }, _) => *passed = None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::clock::Clock;
    use crate::base::table::RowId;
    use crate::health::FailKind;

    #[test]
    fn what_a_deep_probe_found_is_not_passed_over_by_shallow_ones() {
        let (start, target) = (Clock::start().now().mono, TargetId::from_index(1));
        let longest = Some(Duration::from_secs(30));
        let at = |secs| start + Duration::from_secs(secs);
        let fail = Outcome::Fail { kind: FailKind::Conclusive, cause: "no".into() };
        let mut depths = Depths::default();
        let (nowhere, stays) = (Table::new(), [None, Some(target)].into_iter().collect());
        depths.replace(&nowhere, 2);
        for (secs, expected, outcome) in [
            (0, Depth::Deep, &Outcome::Pass),
            (5, Depth::Shallow, &Outcome::Pass),
            (10, Depth::Shallow, &Outcome::Unknown("no descriptors".into())),
            (29, Depth::Shallow, &Outcome::Pass),
            (30, Depth::Deep, &Outcome::Unknown("no descriptors".into())),
            (31, Depth::Deep, &fail),
            (32, Depth::Deep, &fail),
            (33, Depth::Deep, &Outcome::Pass),
            (34, Depth::Shallow, &fail),
            (35, Depth::Deep, &Outcome::Degraded("full".into())),
            (36, Depth::Deep, &Outcome::Pass),
            (37, Depth::Shallow, &Outcome::Pass),
        ] {
            let depth = depths.choose(target, longest, at(secs));
            assert_eq!(depth, expected, "after {secs} s");
            depths.learn(target, depth, at(secs), outcome);
        }
        assert_eq!(depths.choose(target, None, at(37)), Depth::Deep, "a check without a shallow way");
        depths.replace(&stays, 2);
        assert_eq!(depths.choose(target, longest, at(38)), Depth::Shallow, "it stays in a new setup");
        depths.replace(&nowhere, 2);
        assert_eq!(depths.choose(target, longest, at(39)), Depth::Deep, "another one");
    }
}
