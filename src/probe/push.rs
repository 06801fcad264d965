//! The check `push`: reads what somebody posted from outside. It sends nothing.

use std::time::Duration;

use super::attempt::{Attempt, Ending, Probe};
use crate::health::Outcome;
use crate::health::push::Expired;

/// Parameters of [`Check::Push`](super::Check::Push).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Push {
    /// The name that it is posted under.
    pub name: String,
    /// How long nothing may come, from the start of the server on.
    pub patience: Duration,
    /// What a state that has run out means.
    pub expired: Expired,
}

impl Probe for Push {
    const KIND: &'static str = "push";

    fn transport(&self) -> &'static str {
        crate::health::NO_TRANSPORT
    }

    fn parameters(&self) -> String {
        let expired = match self.expired {
            Expired::Down => "",
            Expired::Unknown => " expired=unknown",
        };
        format!("name=\"{}\" patience={:?}{expired}", self.name.escape_default(), self.patience)
    }

    fn has_port(&self) -> bool {
        false
    }

    fn posts(&self) -> Vec<(&str, Duration)> {
        vec![(&self.name, self.patience)]
    }

    async fn run(&self, attempt: &mut Attempt<'_>) -> Ending {
        attempt.begin("read");
        let now = attempt.clock.now().mono;
        match attempt.context.push_store().outcome(&self.name, self.patience, self.expired, now) {
            Outcome::Pass => {
                attempt.saw("posted up");
                Ok(())
            }
            other @ (Outcome::Degraded(_) | Outcome::Drain { .. } | Outcome::Fail { .. } | Outcome::Unknown(_)) => {
                Err(attempt.fails(other))
            }
        }
    }
}
