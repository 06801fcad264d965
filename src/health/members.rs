//! From targets to members: the verdict that policy reads.

use super::machine::{Down, Health, State};
use super::orders::Force;
use super::{By, Verdict};

/// One target as a member or an address sees it: the belief, and the order over it.
#[derive(Clone, Copy, Debug)]
pub struct TargetView<'a> {
    /// The belief.
    pub health: &'a Health,
    /// The strongest order that covers it.
    pub force: Option<Force>,
}

impl TargetView<'_> {
    /// Returns whether something is known of it: a probe has told, or an order.
    pub fn is_known(&self) -> bool {
        self.force.is_some() || *self.health.state() != State::Unknown
    }

    /// Returns whether it serves: by order, else by state.
    pub fn serves(&self) -> bool {
        match self.force {
            Some(force) => force == Force::Up,
            None => self.health.state().serves(),
        }
    }

    fn is_proven(&self) -> bool {
        self.force == Some(Force::Up) || (self.force.is_none() && *self.health.state() == State::Up)
    }

    fn is_leaving(&self) -> bool {
        match self.force {
            Some(Force::Drained) => matches!(self.health.state(), State::Up | State::Failing { .. }),
            Some(Force::Down | Force::Up) => false,
            None => matches!(self.health.state(), State::Down(Down::Leaving)),
        }
    }

    fn is_conclusive(&self) -> bool {
        match self.force {
            Some(force) => force != Force::Up,
            None => matches!(self.health.state(), State::Down(Down::Conclusive)),
        }
    }
}

/// Returns the verdict of a member with these targets.
///
/// It serves if any *known* target serves; else it is withheld if any is known; else it serves. A family that the
/// checker cannot reach so neither saves a member nor marks it down.
pub fn verdict<'a>(targets: impl Iterator<Item = TargetView<'a>> + Clone) -> Verdict {
    let known = targets.filter(TargetView::is_known);
    let serving = known.clone().filter(TargetView::serves);
    if serving.clone().next().is_some() {
        return Verdict::Serve {
            degraded: serving.clone().all(|target| target.health.is_degraded()),
            proven: serving.clone().any(|target| target.is_proven()),
            tested: true,
        };
    }
    if known.clone().next().is_none() {
        return Verdict::Serve { degraded: false, proven: false, tested: false };
    }
    Verdict::Withhold {
        by: if known.clone().all(|target| target.force.is_some()) { By::Order } else { By::Health },
        leaving: known.clone().any(|target| target.is_leaving()),
        conclusive: known.clone().all(|target| target.is_conclusive()),
    }
}

/// What is believed of a member without targets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Belief {
    /// Nothing: its host has no known address.
    Nothing,
    /// It is alive: it is not probed, by design.
    ByDesign,
    /// It is down: its host is known to have no address.
    Nowhere,
}

/// Returns the verdict of a member without targets: it serves unless orders over all its addresses say otherwise.
///
/// One that is unprobed by design counts as alive, since nobody knows better; of one whose host has no known address
/// nothing is believed; one whose host has none is down.
pub fn untested(belief: Belief, forces: impl Iterator<Item = Option<Force>>) -> Verdict {
    let by_design = belief == Belief::ByDesign;
    let (mut serves, mut up, mut drained) = (None, false, false);
    for force in forces {
        serves = Some(serves.unwrap_or(false) || matches!(force, None | Some(Force::Up)));
        up |= force == Some(Force::Up);
        drained |= force == Some(Force::Drained);
    }
    if belief == Belief::Nowhere && !up && serves != Some(false) {
        return Verdict::Withhold { by: By::Health, leaving: false, conclusive: true };
    }
    if serves.unwrap_or(true) {
        return Verdict::Serve { degraded: false, proven: by_design || up, tested: up };
    }
    Verdict::Withhold { by: By::Order, leaving: by_design && drained, conclusive: true }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::base::clock::Mono;
    use crate::health::machine::Guard;
    use crate::health::{Outcome, Report, Settings};

    fn believed(state: State) -> Health {
        match state {
            State::Failing { .. } => {
                let mut health = Health::unknown(Mono::START);
                let fail = Outcome::Fail { kind: crate::health::FailKind::Silent, cause: "x".into() };
                let report = Report { outcome: fail, began: Mono::START, latency: Duration::ZERO };
                health.step(&report, &Settings::default(), Guard::Off, Mono::START);
                health
            }
            other @ (State::Unknown | State::Up | State::Down(_) | State::Recovering { .. }) => {
                Health::restored(&other, None, None, Mono::START)
            }
        }
    }

    fn judge(targets: &[(&Health, Option<Force>)]) -> Verdict {
        verdict(targets.iter().map(|(health, force)| TargetView { health, force: *force }))
    }

    #[test]
    fn known_targets_decide_and_unknown_ones_only_when_alone() {
        let (unknown, up) = (believed(State::Unknown), believed(State::Up));
        let failing = believed(State::Failing { passes: 0, fails: 1 });
        let (dead, gone) = (believed(State::Down(Down::Conclusive)), believed(State::Down(Down::Leaving)));
        let serve = |proven| Verdict::Serve { degraded: false, proven, tested: true };
        let withheld = |by, leaving, conclusive| Verdict::Withhold { by, leaving, conclusive };
        for (targets, expected) in [
            (vec![(&unknown, None)], Verdict::Serve { degraded: false, proven: false, tested: false }),
            (vec![(&unknown, None), (&up, None)], serve(true)),
            (vec![(&unknown, None), (&dead, None)], withheld(By::Health, false, true)),
            (vec![(&dead, None), (&up, None)], serve(true)),
            (vec![(&failing, None)], serve(false)),
            (vec![(&gone, None), (&dead, None)], withheld(By::Health, true, false)),
            (vec![(&dead, Some(Force::Up))], serve(true)),
            (vec![(&unknown, Some(Force::Down))], withheld(By::Order, false, true)),
            (vec![(&up, Some(Force::Drained))], withheld(By::Order, true, true)),
            (vec![(&failing, Some(Force::Drained))], withheld(By::Order, true, true)),
            (vec![(&dead, Some(Force::Drained))], withheld(By::Order, false, true)),
            (vec![(&unknown, Some(Force::Drained))], withheld(By::Order, false, true)),
            (vec![(&up, Some(Force::Down)), (&dead, None)], withheld(By::Health, false, true)),
        ] {
            assert_eq!(judge(&targets), expected, "{targets:?}");
        }
    }

    #[test]
    fn without_targets_only_orders_withhold() {
        let (down, drained, up) = (Some(Force::Down), Some(Force::Drained), Some(Force::Up));
        let serve = |proven, tested| Verdict::Serve { degraded: false, proven, tested };
        let withheld = |leaving| Verdict::Withhold { by: By::Order, leaving, conclusive: true };
        let gone = Verdict::Withhold { by: By::Health, leaving: false, conclusive: true };
        for (forces, expected) in
            [(vec![], gone), (vec![None], gone), (vec![up], serve(true, true)), (vec![down], withheld(false))]
        {
            assert_eq!(untested(Belief::Nowhere, forces.iter().copied()), expected, "{forces:?}");
        }
        for (by_design, forces, expected) in [
            (true, vec![], serve(true, false)),
            (true, vec![None], serve(true, false)),
            (true, vec![drained], withheld(true)),
            (true, vec![down], withheld(false)),
            (true, vec![down, None], serve(true, false)),
            (false, vec![None], serve(false, false)),
            (false, vec![up], serve(true, true)),
            (false, vec![drained], withheld(false)),
        ] {
            let belief = if by_design { Belief::ByDesign } else { Belief::Nothing };
            assert_eq!(untested(belief, forces.iter().copied()), expected, "{by_design} {forces:?}");
        }
    }
}
