//! The health of targets: turns the outcomes of probes into verdicts.
//!
//! **Invariant:** health knows neither DNS nor policy, and reads no clock: `now` is a parameter.

pub mod cadence;
mod exchange;
pub mod isolation;
pub mod machine;
pub mod members;
pub mod orders;
pub mod push;

use std::borrow::Cow;
use std::time::Duration;

use crate::base::clock::Mono;

pub use exchange::{BrokenConnection, NamedPost, ProbeRequest, TargetReport};

crate::row_id! {
    /// Numbers a target within one setup.
    TargetId
}

/// Why an outcome is as it is, in plain words: `connection refused`.
pub type Cause = Cow<'static, str>;

/// What one probe saw (product rules, "From outcome to health").
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It serves.
    Pass,
    /// It is alive but full.
    Degraded(Cause),
    /// It says that it is leaving.
    Drain {
        /// What it said.
        cause: Cause,
        /// How long it asks to be left alone; counted for at most 300 s.
        retry_after: Option<Duration>,
    },
    /// It does not serve.
    Fail {
        /// Whether the far side said no, or nothing was heard.
        kind: FailKind,
        /// What was seen.
        cause: Cause,
    },
    /// The checker's own fault: no descriptors, no route, no permission. Changes nothing.
    Unknown(Cause),
}

impl Outcome {
    /// Returns one word for it: `pass`, `degraded`, `drain`, `fail`, `silent` or `unknown`.
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::Degraded(_) => "degraded",
            Self::Drain { .. } => "drain",
            Self::Fail { kind: FailKind::Conclusive, .. } => "fail",
            Self::Fail { kind: FailKind::Silent, .. } => "silent",
            Self::Unknown(_) => "unknown",
        }
    }

    /// Returns why it is as it is; nothing for a pass.
    pub fn cause(&self) -> Option<&str> {
        match self {
            Self::Pass => None,
            Self::Degraded(cause) | Self::Drain { cause, .. } | Self::Fail { cause, .. } | Self::Unknown(cause) => {
                Some(cause)
            }
        }
    }
}

/// How sure a failure is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum FailKind {
    /// The far side said no: refused, reset, a wrong answer.
    Conclusive,
    /// Nothing was heard: a time-out, a host or net unreachable.
    Silent,
}

/// The transport of a target whose check sends nothing of its own, or whose pass is no answer: whether it passes tells
/// nothing of the network, so it bears no witness.
pub const NO_TRANSPORT: &str = "none";

/// One finished probe of a target.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// What it saw.
    pub outcome: Outcome,
    /// When it began; the cadence counts from here.
    pub began: Mono,
    /// How long it took, to the answer that decided.
    pub latency: Duration,
}

/// Who withholds something.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum By {
    /// The state machine.
    Health,
    /// The operator.
    Order,
}

/// What policy reads of a member of a pool.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Verdict {
    /// It may be served: it is *eligible*.
    Serve {
        /// Alive but full: it yields while others suffice.
        degraded: bool,
        /// Known up, forced up or unprobed by design; ignorance (not proven) may keep a tier active, but does not fail back.
        proven: bool,
        /// Whether a test or an order says so; if not, it is taken as up without being known.
        tested: bool,
    },
    /// It is left out, or put behind.
    Withhold {
        /// Who says so.
        by: By,
        /// Down because it said so, or drained by order while alive: the last resort before all is down.
        leaving: bool,
        /// Whether every known target is down by a conclusive failure or by order.
        conclusive: bool,
    },
}

impl Verdict {
    /// Returns whether the member is eligible.
    pub const fn serves(self) -> bool {
        matches!(self, Self::Serve { .. })
    }
}

/// The thresholds and the cadence of one target (`[health]`, `[[service]]`).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Settings {
    /// From probe to probe while up.
    pub interval: Duration,
    /// From probe to probe while it has been up for long and a held connection watches it; less than `interval` is as much.
    pub watched_interval: Duration,
    /// From probe to probe while unknown, failing or recovering.
    pub fast_interval: Duration,
    /// From probe to probe while down.
    pub down_interval: Duration,
    /// From a conclusive failure to the probe that confirms it, while failing.
    pub confirm_interval: Duration,
    /// The longest that a whole probe may take.
    pub timeout: Duration,
    /// Failures that take a target down, at least 1.
    pub fall: u32,
    /// Passes that bring a target up, at least 1.
    pub rise: u32,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            interval: Duration::from_secs(5),
            watched_interval: Duration::from_secs(5),
            fast_interval: Duration::from_secs(1),
            down_interval: Duration::from_secs(5),
            confirm_interval: Duration::from_millis(250),
            timeout: Duration::from_secs(2),
            fall: 3,
            rise: 2,
        }
    }
}
