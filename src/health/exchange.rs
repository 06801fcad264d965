//! What the engine asks of the probes and what they tell it: one struct for each, known to both.

use std::net::SocketAddr;

use super::cadence::Priority;
use super::push::PushReport;
use super::{Cause, Report, TargetId};
use crate::base::clock::Mono;

/// Asks for a probe of one target; of several points of time the earliest counts until the probe has started.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ProbeRequest {
    /// The number of the setup that the target is of; one of another setup is dropped.
    pub setup: u64,
    /// Which.
    pub target: TargetId,
    /// When; a point in the past is now.
    pub at: Mono,
    /// Before whom it goes.
    pub priority: Priority,
}

/// What a probe of a target saw, or what the target said unasked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TargetReport {
    /// The number of the setup that the target is of; it counts for the same target in every later one.
    pub setup: u64,
    /// Which.
    pub target: TargetId,
    /// What was seen.
    pub report: Report,
}

/// A held connection broke: no outcome, but all targets on its address are to be probed at once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BrokenConnection {
    /// Where.
    pub address: SocketAddr,
    /// What was seen.
    pub cause: Cause,
}

/// A state that was posted, for the checks that read it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NamedPost {
    /// The name that it is posted under.
    pub name: String,
    /// What is said.
    pub post: PushReport,
}
