//! When a target is probed next.

use std::time::Duration;

use super::machine::{Down, Health, State};
use super::{Outcome, Report, Settings};
use crate::base::clock::Mono;
use crate::base::hash::StableHash;

/// Before whom a probe goes where somebody waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Priority {
    /// As urgent ones, and beside the starts that an address has in a second: a held connection broke there. Once a second
    /// a target.
    Woken,
    /// Before all that are not urgent: a failure wants to be confirmed, or something happened at the address.
    Urgent,
    /// By the time when it is due.
    Routine,
}

/// What a target still owes since something happened at its address, such as a held connection that broke: a probe at
/// once, or after the one in flight if that did not fail; as long as they pass, others 50 ms, `confirm-interval` and
/// `fast-interval` after it.
///
/// A process that dies closes its connections one after the other, its listener perhaps last: the first probe may still be
/// taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RecheckRequest {
    /// When it happened.
    at: Mono,
    /// When the first probe after that began.
    first: Option<Mono>,
}

impl RecheckRequest {
    /// Wakes a target.
    pub const fn at(now: Mono) -> Self {
        Self { at: now, first: None }
    }

    /// Returns when the next probe is due, given when it would be without, and what is owed from then on.
    pub fn next_probe(self, report: &Report, settings: &Settings, otherwise: Mono, now: Mono) -> (Mono, Option<Self>) {
        let failed = is_failure(&report.outcome);
        if report.began < self.at && !failed {
            return (now, Some(self));
        }
        let first = self.first.unwrap_or(report.began);
        let last = first + settings.fast_interval.max(settings.confirm_interval).max(SOON);
        // What failed has seen what happened.
        if failed {
            return (otherwise.min(last).max(now), None);
        }
        let steps = [SOON, settings.confirm_interval, settings.fast_interval].map(|after| first + after);
        match steps.into_iter().filter(|step| *step > report.began).min() {
            Some(next) => (otherwise.min(next).max(now), (next < last).then_some(Self { first: Some(first), ..self })),
            None => (otherwise.max(now), None),
        }
    }

    /// Returns whether the first probe after it has passed, so that the one after 50 ms tells more.
    pub const fn is_passed_once(&self) -> bool {
        self.first.is_some()
    }
}

/// How soon a probe is repeated that passed right after a held connection broke.
pub const SOON: Duration = Duration::from_millis(50);

const fn is_failure(outcome: &Outcome) -> bool {
    match outcome {
        Outcome::Fail { .. } => true,
        Outcome::Pass | Outcome::Degraded(_) | Outcome::Drain { .. } | Outcome::Unknown(_) => false,
    }
}

/// Returns when the next probe is due after `report`, which has just been taken in.
///
/// Counted from the begin of the last probe, never before its end (`now`). `seed` is the target's own number, the same
/// over restarts: jitter is a hash of it and the probe's number, and only shortens, by 0 to 10 %.
pub fn next_probe(health: &Health, report: &Report, settings: &Settings, seed: u64, now: Mono) -> Mono {
    let interval = match health.state() {
        State::Up => settings.interval,
        State::Failing { .. } if health.wants_confirmation() => settings.confirm_interval,
        State::Unknown | State::Failing { .. } | State::Recovering { .. } => settings.fast_interval,
        State::Down(Down::Leaving) => settings.down_interval,
        State::Down(Down::Conclusive | Down::Silent) => back_off(settings.down_interval, now.since(health.since())),
    };
    let shortened = shorten(interval, seed, health.probes());
    let due = match report.outcome {
        // The checker's own fault is not fixed by asking sooner.
        Outcome::Unknown(_) => report.began + shortened.max(settings.fast_interval),
        Outcome::Pass | Outcome::Degraded(_) | Outcome::Drain { .. } | Outcome::Fail { .. } => report.began + shortened,
    };
    due.max(now)
}

/// Returns from probe to probe of a target that has been down for so long: a sixth of that time, at most [`RAREST`], if it
/// is more than its interval. A firewall that counts attempts renews its block with each of them.
fn back_off(interval: Duration, down: Duration) -> Duration {
    interval.max((down / 6).min(RAREST))
}

/// The longest time to which the probes of a target that is down are spread, unless its own interval is longer.
const RAREST: Duration = Duration::from_secs(30);

/// Shortens `interval` by 0 to 10 %, the same for the same seed and probe number.
fn shorten(interval: Duration, seed: u64, number: u64) -> Duration {
    let part = u32::try_from(mix(seed, number) % 1_024).unwrap_or(0);
    interval - interval * part / 10_240
}

/// Returns the place of a target's first probe within `window`, the same for the same seed.
pub fn spread(window: Duration, seed: u64) -> Duration {
    window * u32::try_from(mix(seed, 0) % 65_536).unwrap_or(0) / 65_536
}

fn mix(seed: u64, number: u64) -> u64 {
    StableHash::new(b"understudycadenc").number(seed).number(number).finish()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::health::FailKind;
    use crate::health::machine::Guard;

    fn after(outcomes: &[Outcome]) -> (Health, Report) {
        let mut health = Health::unknown(Mono::START);
        let mut last = Report { outcome: Outcome::Pass, began: Mono::START, latency: Duration::ZERO };
        for outcome in outcomes {
            last.outcome = outcome.clone();
            health.step(&last, &Settings::default(), Guard::Off, Mono::START);
        }
        (health, last)
    }

    fn fail(kind: FailKind) -> Outcome {
        Outcome::Fail { kind, cause: "x".into() }
    }

    #[test]
    fn each_state_has_its_interval_shortened_by_at_most_a_tenth() {
        use FailKind::{Conclusive, Silent};
        for (outcomes, secs) in [
            (vec![Outcome::Pass], 5.0),
            (vec![Outcome::Unknown("x".into())], 1.0),
            (vec![fail(Silent)], 1.0),
            (vec![fail(Conclusive)], 0.25),
            (vec![fail(Conclusive), Outcome::Pass], 1.0),
            (vec![fail(Conclusive), Outcome::Unknown("x".into())], 1.0),
            (vec![fail(Silent), fail(Silent), fail(Silent)], 5.0),
            (vec![fail(Silent), fail(Silent), fail(Silent), Outcome::Pass], 1.0),
        ] {
            let (health, last) = after(&outcomes);
            for seed in 0..200 {
                let due = next_probe(&health, &last, &Settings::default(), seed, Mono::START);
                let secs_until = due.since(Mono::START).as_secs_f64();
                assert!(secs_until <= secs && secs_until >= secs * 0.9, "{outcomes:?}: {secs_until}");
            }
        }
    }

    #[test]
    fn jitter_and_spread_are_the_same_for_ever() {
        let second = Duration::from_secs(1);
        assert_eq!([shorten(second, 7, 1), shorten(second, 7, 2)].map(|time| time.as_micros()), [945312, 988476]);
        assert_eq!([spread(second, 7), spread(second, 8)].map(|time| time.as_micros()), [809036, 130599]);
    }

    #[test]
    fn what_is_down_for_long_is_probed_more_rarely() {
        let (health, last) = after(&[fail(FailKind::Silent), fail(FailKind::Silent), fail(FailKind::Silent)]);
        for (down, secs) in [(0, 5.0), (30, 5.0), (60, 10.0), (180, 30.0), (86_400, 30.0)] {
            let now = Mono::START + Duration::from_secs(down);
            let report = Report { began: now, ..last.clone() };
            let due = next_probe(&health, &report, &Settings::default(), 7, now).since(now).as_secs_f64();
            assert!(due <= secs && due >= secs * 0.9, "{due} after {down} s");
        }
        let slow = Settings { down_interval: Duration::from_secs(300), ..Settings::default() };
        let now = Mono::START + Duration::from_secs(86_400);
        let due = next_probe(&health, &Report { began: now, ..last }, &slow, 7, now).since(now);
        assert!(due >= Duration::from_secs(270), "{due:?}");
    }

    #[test]
    fn never_before_the_last_probe_ended() {
        let (health, last) = after(&[fail(FailKind::Conclusive)]);
        let end = Mono::START + Duration::from_secs(2);
        assert_eq!(next_probe(&health, &last, &Settings::default(), 7, end), end);
    }

    #[test]
    fn a_woken_target_is_probed_at_once_and_soon_again_as_long_as_it_passes() {
        let settings = Settings::default();
        let at = |millis| Mono::START + Duration::from_millis(millis);
        let report = |began| Report { outcome: Outcome::Pass, began: at(began), latency: Duration::ZERO };
        let failed = |began| Report { outcome: fail(FailKind::Conclusive), ..report(began) };
        let woken = RecheckRequest::at(at(100));
        assert_eq!(woken.next_probe(&report(50), &settings, at(5_050), at(150)), (at(150), Some(woken)), "in flight");
        assert_eq!(woken.next_probe(&failed(50), &settings, at(300), at(150)), (at(300), None), "in flight, failed");
        assert_eq!(woken.next_probe(&failed(50), &settings, at(5_050), at(150)), (at(1_050), None), "and down");
        let (mut due, mut owed) = (at(100), Some(woken));
        let mut began = Vec::new();
        while let Some(request) = owed {
            began.push(due.since(at(100)).as_millis());
            (due, owed) =
                request.next_probe(&Report { began: due, ..report(0) }, &settings, due + settings.interval, due);
        }
        assert_eq!((began, due), (vec![0, 50, 250], at(1_100)));
        let (_, passed) = woken.next_probe(&report(150), &settings, at(5_150), at(160));
        assert!(!woken.is_passed_once() && passed.unwrap().is_passed_once());
        let failed = passed.unwrap().next_probe(&failed(200), &settings, at(450), at(201));
        assert_eq!(failed, (at(450), None), "the cadence of what fails is sooner");
        let long = woken.next_probe(&report(150), &settings, at(9_000), at(2_150));
        assert_eq!(long.0, at(2_150), "it took long");
    }

    #[test]
    fn first_probes_spread_over_the_window() {
        let window = Duration::from_secs(1);
        let early = (0..1_000).filter(|seed| spread(window, *seed) < window / 2).count();
        assert!((400..600).contains(&early), "{early} of 1000 in the first half");
    }
}
