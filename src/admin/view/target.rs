//! One target: what is believed of it, its counters and its last outcome.

use std::net::SocketAddr;

use serde::{Deserialize, Serialize};

use crate::base::clock::UnixTime;
use crate::engine::status::TargetStatus;
use crate::health::machine::State;

use super::time::millis;

/// One target.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct TargetView {
    /// What it is: check, address and port, parameters.
    pub target: String,
    /// Its address and port.
    pub address: SocketAddr,
    /// The belief: `unknown`, `up`, `failing`, `down` or `recovering`.
    pub state: String,
    /// Since when.
    pub since_ms: u64,
    /// Why no test tells anything of it now; nothing if tests do.
    pub untested: Option<String>,
    /// Whether it is alive but full.
    pub degraded: bool,
    /// Why it is not, or not plainly, up.
    pub cause: Option<String>,
    /// The passes in a row that are counted.
    pub passes: u32,
    /// The failures that are counted.
    pub fails: u32,
    /// How many failures take it down.
    pub fall: u32,
    /// How many passes bring it up.
    pub rise: u32,
    /// The last outcome.
    pub last: Option<OutcomeView>,
}

/// What one probe saw.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct OutcomeView {
    /// When.
    pub at_ms: u64,
    /// What: `pass`, `degraded`, `drain`, `fail`, `silent` or `unknown`.
    pub outcome: String,
    /// Why it is no pass.
    pub cause: Option<String>,
    /// How long it took.
    pub latency_ms: f64,
}

impl TargetView {
    /// Makes it of a picture.
    pub fn of(target: &TargetStatus, wall: UnixTime) -> Self {
        let (passes, fails) = match target.state {
            State::Failing { passes, fails } => (passes, fails),
            State::Recovering { passes } => (passes, 0),
            State::Unknown | State::Up | State::Down(_) => (0, 0),
        };
        let last = target.last.as_ref().map(|(at, outcome, latency)| OutcomeView {
            at_ms: at.as_millis(),
            outcome: outcome.as_str().to_owned(),
            cause: outcome.cause().map(str::to_owned),
            latency_ms: latency.as_secs_f64() * 1e3,
        });
        Self {
            target: target.name.clone(),
            address: target.address,
            state: target.state.as_str().to_owned(),
            since_ms: wall.as_millis().saturating_sub(millis(target.held)),
            untested: target.untested.clone(),
            degraded: target.degraded,
            cause: target.cause.clone(),
            passes,
            fails,
            fall: target.thresholds.0,
            rise: target.thresholds.1,
            last,
        }
    }

    /// Returns whether nothing was ever heard of it.
    pub fn is_unknown(&self) -> bool {
        self.state == State::Unknown.as_str()
    }
}
