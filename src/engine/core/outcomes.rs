//! Which outcomes are told to the history on disk: enough to judge them again, and few while all goes on as it was.
//!
//! Told are the first [`EXACT`] of a run of outcomes alike, then the one at each fourfold length of the run, and every
//! one that something was counted by or followed from: while a target is failing or recovering, witnesses that were
//! asked, and the first answer after a silent failure. `fall` and
//! `rise` are at most 100, so what is between can be put in at an even pace.

use crate::base::clock::Mono;
use crate::health::Outcome;
use crate::health::isolation::{Endpoint, Sound, Witnesses};
use crate::health::machine::State;

/// The outcomes alike that a target had in a row.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Run {
    /// How many.
    alike: u32,
    /// How many were not told since the last that was: all like that one.
    untold: u32,
    /// Whether the next one is told however it ends: the target was asked as a witness.
    is_asked: bool,
}

/// The last silent failure, until somebody's answer proves that the network is there.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Silence(Option<(Endpoint, Mono)>);

impl Run {
    /// Has the next outcome told: the target was asked as a witness.
    pub(super) const fn ask(&mut self) {
        self.is_asked = true;
    }

    /// Takes in an outcome that follows `last`; returns how many before it were not told, if this one is to be told.
    pub(super) fn take(&mut self, last: Option<&Outcome>, outcome: &Outcome, matters: bool) -> Option<u32> {
        self.alike = match last {
            Some(last) if last.as_str() == outcome.as_str() => self.alike.saturating_add(1),
            // One pass is all there is to know of a target that was not known.
            None if *outcome == Outcome::Pass => EXACT,
            Some(_) | None => 1,
        };
        let is_told = matters || std::mem::take(&mut self.is_asked) || is_told(self.alike);
        if is_told {
            return Some(std::mem::take(&mut self.untold));
        }
        self.untold = self.untold.saturating_add(1);
        None
    }
}

impl Silence {
    /// Takes in what a probe told; returns whether it is the first that proves the network since the last silence.
    pub(super) fn hear(&mut self, endpoint: Endpoint, began: Mono, sound: Sound, witnesses: &Witnesses) -> bool {
        match sound {
            Sound::Silence => self.0 = Some((endpoint, began)),
            Sound::Answer => {
                let proves = |(silent, began)| witnesses.proof(silent).is_some_and(|answered| answered > began);
                return self.0.take_if(|silence| proves(*silence)).is_some();
            }
            Sound::Nothing => {}
        }
        false
    }
}

/// Returns whether an outcome says what is believed already, so that nothing is counted by it but degraded ones.
pub(super) const fn confirms(state: &State, outcome: &Outcome) -> bool {
    matches!(
        (state, outcome),
        (State::Unknown | State::Up, Outcome::Pass | Outcome::Degraded(_))
            | (State::Down(_), Outcome::Fail { .. } | Outcome::Drain { .. })
            | (_, Outcome::Unknown(_))
    )
}

/// Returns whether the outcome is told that makes a run so long.
fn is_told(length: u32) -> bool {
    length <= EXACT
        || (length.is_multiple_of(EXACT)
            && (length / EXACT).is_power_of_two()
            && (length / EXACT).ilog2().is_multiple_of(2))
}

/// How many outcomes at the begin of a run are told one by one.
const EXACT: u32 = 10;

#[cfg(test)]
mod tests {
    use super::*;

    fn told(outcomes: impl IntoIterator<Item = Outcome>) -> Vec<(usize, u32)> {
        let (mut run, mut last, mut told) = (Run::default(), None, Vec::new());
        for (number, outcome) in outcomes.into_iter().enumerate() {
            told.extend(run.take(last.as_ref(), &outcome, false).map(|untold| (number + 1, untold)));
            last = Some(outcome);
        }
        told
    }

    fn fail() -> Outcome {
        Outcome::Fail { kind: crate::health::FailKind::Conclusive, cause: "refused".into() }
    }

    #[test]
    fn a_day_of_passes_is_told_a_few_times_and_none_is_forgotten() {
        let all = told(std::iter::repeat_n(Outcome::Pass, 8_640));
        assert_eq!(all, [(1, 0), (31, 29), (151, 119), (631, 479), (2551, 1919)]);
    }

    #[test]
    fn what_changes_is_told_one_by_one() {
        let outcomes = [vec![Outcome::Pass; 20], vec![fail(); 12], vec![Outcome::Pass; 15]].concat();
        let told = told(outcomes);
        let numbers: Vec<usize> = told.iter().map(|(number, _)| *number).collect();
        let wanted: Vec<usize> = [1].into_iter().chain(21..=30).chain(33..=42).collect();
        assert_eq!(numbers, wanted);
    }

    #[test]
    fn a_witness_that_was_asked_is_told() {
        let mut run = Run::default();
        assert_eq!(run.take(None, &Outcome::Pass, false), Some(0));
        assert_eq!(run.take(Some(&Outcome::Pass), &Outcome::Pass, false), None);
        run.ask();
        assert_eq!(run.take(Some(&Outcome::Pass), &Outcome::Pass, false), Some(1));
        assert_eq!(run.take(Some(&Outcome::Pass), &Outcome::Pass, true), Some(0));
        assert_eq!(run.take(Some(&Outcome::Pass), &Outcome::Pass, false), None);
    }
}
