//! The stored forms of what changes at each flip: a target's health, and a pool's memory.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use crate::health::Cause;

/// A target's belief.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeptHealth {
    pub(super) state: Cow<'static, str>,
    pub(super) at_ms: u64,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub(super) quiet_until_ms: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub(super) cause: Option<Cause>,
    /// Passes and failures while it is failing; a new run does not go on with them.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub(super) failing: Option<(u32, u32)>,
    /// Passes while it is recovering; a new run does not go on with them.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub(super) recovering: Option<u32>,
}

/// A pool's memory. A new run does not go on with holds: they begin anew.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeptMemory {
    pub(super) current: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub(super) last_failback_ms: Option<u64>,
    #[serde(rename = "strikes")]
    pub(super) flaps: u32,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub(super) last_good: Option<Vec<KeptListed>>,
    /// Since when each better tier holds.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub(super) holding: Vec<(u16, u64)>,
    /// Until when the answer is unsettled by what has happened.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub(super) unsettled_until_ms: Option<u64>,
}

/// A record of the last good set.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct KeptListed {
    pub(super) label: String,
    pub(super) half: u8,
    /// The priority that the member declares.
    pub(super) declared: u16,
    /// The priority and the weight that it bore.
    pub(super) priority: u16,
    pub(super) weight: u16,
}
