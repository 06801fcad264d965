//! How deep a probe goes, and when the deep part is due: pure.
//!
//! Some checks have a part that costs the target more than the rest, such as a login. It is done at its own, slower
//! cadence, but only while it goes well: a failure that only the deep part sees would else be forgotten by the next
//! shallow pass, and a target that comes back proves all of itself.
//!
//! | of the last probes | the next one is |
//! |---|---|
//! | none, or the last one did not pass | deep |
//! | the last deep one passed, its interval is not over | shallow |
//! | the last deep one passed, its interval is over | deep |
//! | one said that the deep part must not be done again | shallow, for as long as the check stays the same |

use std::time::Duration;

use super::Account;
use crate::base::clock::Mono;
use crate::health::Outcome;

/// How much of a check is done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Depth {
    /// What costs little.
    Shallow,
    /// All of it.
    #[default]
    Deep,
}

/// What is remembered of a target's deep probes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Depths {
    /// When the last deep probe began, if it passed and all since did.
    passed: Option<Mono>,
    refused: bool,
}

impl Depths {
    /// Returns how deep a probe goes that begins now.
    pub fn next(&self, every: Duration, now: Mono) -> Depth {
        match self.passed {
            _ if self.refused => Depth::Shallow,
            Some(passed) if now.since(passed) < every => Depth::Shallow,
            Some(_) | None => Depth::Deep,
        }
    }

    /// Takes down how a probe went; returns whether it is the one that refused its deep part.
    pub fn note(&mut self, depth: Depth, account: &Account) -> bool {
        self.passed = match (&account.outcome, depth) {
            (Outcome::Pass, Depth::Deep) => Some(account.began),
            (Outcome::Pass, Depth::Shallow) => self.passed,
            // The checker's own fault says nothing.
            (Outcome::Unknown(_), _) => self.passed,
            (Outcome::Degraded(_) | Outcome::Drain { .. } | Outcome::Fail { .. }, _) => None,
        };
        let first = account.refused && !self.refused;
        self.refused |= account.refused;
        first
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::probe::attempt::{conclusive, unknown};

    const EVERY: Duration = Duration::from_secs(60);

    fn at(secs: u64) -> Mono {
        Mono::START + Duration::from_secs(secs)
    }

    fn account(secs: u64, outcome: Outcome) -> Account {
        Account { outcome, ..Account::broken(at(secs), Duration::ZERO, String::new()) }
    }

    #[test]
    fn what_goes_well_is_deep_once_an_interval() {
        let mut depths = Depths::default();
        let deep: Vec<u64> = (0..200)
            .step_by(5)
            .filter(|&secs| {
                let depth = depths.next(EVERY, at(secs));
                depths.note(depth, &account(secs, Outcome::Pass));
                depth == Depth::Deep
            })
            .collect();
        assert_eq!(deep, [0, 60, 120, 180]);
    }

    #[test]
    fn after_a_failure_all_is_deep_until_a_deep_one_passes() {
        let mut depths = Depths::default();
        depths.note(Depth::Deep, &account(0, Outcome::Pass));
        depths.note(Depth::Shallow, &account(5, unknown("no route")));
        assert_eq!(depths.next(EVERY, at(6)), Depth::Shallow);
        depths.note(Depth::Shallow, &account(6, conclusive("no")));
        assert_eq!(depths.next(EVERY, at(7)), Depth::Deep);
        depths.note(Depth::Deep, &account(7, unknown("no route")));
        assert_eq!(depths.next(EVERY, at(8)), Depth::Deep);
        depths.note(Depth::Deep, &account(8, Outcome::Pass));
        assert_eq!(depths.next(EVERY, at(9)), Depth::Shallow);
    }

    #[test]
    fn what_was_refused_is_not_tried_again() {
        let mut depths = Depths::default();
        let refused = Account { refused: true, ..account(0, Outcome::Pass) };
        assert!(depths.note(Depth::Deep, &refused));
        assert_eq!(depths.next(EVERY, at(10_000)), Depth::Shallow);
        depths.note(Depth::Shallow, &account(10_000, conclusive("no")));
        assert_eq!(depths.next(EVERY, at(20_000)), Depth::Shallow);
        assert!(!depths.note(Depth::Deep, &refused), "told once");
    }
}
