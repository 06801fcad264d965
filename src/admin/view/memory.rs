//! What a server believes and remembers: from it, `explain` and `simulate` decide as the server would.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::TargetView;

/// What a server believes and remembers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct MemoryView {
    /// Beliefs, memories and orders, under the keys of the state folder; their form may change with each version.
    pub kept: BTreeMap<String, Value>,
    /// The targets with their last outcomes.
    pub targets: Vec<TargetView>,
}
