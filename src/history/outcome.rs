//! Outcomes to lines and back. Pure.

use std::time::Duration;

use crate::base::clock::UnixTime;
use crate::engine::Tested;
use crate::health::{Cause, FailKind, Outcome};

use super::OutcomeLine;

/// A line has a word for its outcome that this version does not know.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("there is no outcome `{0}`")]
pub struct UnknownOutcome(String);

impl OutcomeLine {
    /// Makes it of what the engine tells.
    pub fn of(tested: Tested) -> Self {
        let Tested { target, at, age, outcome, untold } = tested;
        let retry_ms = match &outcome {
            Outcome::Drain { retry_after, .. } => retry_after.map(|after| whole(after.as_millis())),
            Outcome::Pass | Outcome::Degraded(_) | Outcome::Fail { .. } | Outcome::Unknown(_) => None,
        };
        Self {
            target,
            at_us: at.as_micros(),
            age_us: whole(age.as_micros()),
            outcome: outcome.as_str().to_owned(),
            cause: outcome.cause().map(str::to_owned),
            retry_ms,
            untold,
        }
    }

    /// Makes of it what the engine was told.
    ///
    /// # Errors
    /// [`UnknownOutcome`].
    pub fn restore(&self) -> Result<Tested, UnknownOutcome> {
        let cause: Cause = self.cause.clone().unwrap_or_default().into();
        let outcome = match self.outcome.as_str() {
            "pass" => Outcome::Pass,
            "degraded" => Outcome::Degraded(cause),
            "drain" => Outcome::Drain { cause, retry_after: self.retry_ms.map(Duration::from_millis) },
            "fail" => Outcome::Fail { kind: FailKind::Conclusive, cause },
            "silent" => Outcome::Fail { kind: FailKind::Silent, cause },
            "unknown" => Outcome::Unknown(cause),
            other => return Err(UnknownOutcome(other.to_owned())),
        };
        Ok(Tested {
            target: self.target.clone(),
            at: UnixTime::from_micros(self.at_us),
            age: Duration::from_micros(self.age_us),
            outcome,
            untold: self.untold,
        })
    }
}

fn whole(number: u128) -> u64 {
    u64::try_from(number).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_outcome_comes_back_as_it_was() {
        let cause = || Cause::from("why");
        for outcome in [
            Outcome::Pass,
            Outcome::Degraded(cause()),
            Outcome::Drain { cause: cause(), retry_after: Some(Duration::from_secs(7)) },
            Outcome::Drain { cause: cause(), retry_after: None },
            Outcome::Fail { kind: FailKind::Conclusive, cause: cause() },
            Outcome::Fail { kind: FailKind::Silent, cause: cause() },
            Outcome::Unknown(cause()),
        ] {
            let at = UnixTime::from_micros(1_700_000_000_123_456);
            let tested = Tested {
                target: "tcp 127.0.0.1:5060".to_owned(),
                at,
                age: Duration::from_micros(1_234),
                outcome,
                untold: 3,
            };
            assert_eq!(OutcomeLine::of(tested.clone()).restore().unwrap(), tested);
        }
    }
}
