//! What a reload has changed.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::engine::status::Status;

/// What a reload has changed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct ReloadView {
    /// The number of the setup that was taken.
    pub setup: u64,
    /// The zones, services and targets that are new.
    pub added: Vec<String>,
    /// Those that are gone.
    pub removed: Vec<String>,
    /// How many zones, services and targets there are now.
    pub zones: usize,
    /// The services.
    pub services: usize,
    /// The targets.
    pub targets: usize,
    /// What counts from the next start on only, and other things to know.
    pub remarks: Vec<String>,
}

impl ReloadView {
    /// Compares the status before and after.
    pub fn of(setup: u64, before: &Status, after: &Status, remarks: Vec<String>) -> Self {
        let (was, is) = (names(before), names(after));
        Self {
            setup,
            added: is.difference(&was).cloned().collect(),
            removed: was.difference(&is).cloned().collect(),
            zones: after.zones.len(),
            services: after.pools.len(),
            targets: after.targets.len(),
            remarks,
        }
    }
}

fn names(status: &Status) -> BTreeSet<String> {
    let zones = status.zones.iter().map(|zone| format!("zone {}", zone.origin));
    let services = status.pools.iter().map(|pool| format!("service {}", pool.name));
    zones.chain(services).chain(status.targets.iter().map(|target| format!("target {}", target.name))).collect()
}
