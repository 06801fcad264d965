//! The metrics of this room.

use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

/// What the room measures; clones are the same gauge.
#[derive(Clone, Debug, Default)]
pub struct Metrics {
    behind: Gauge,
}

impl Metrics {
    /// Makes the gauge and registers it under `state_`.
    pub fn register(registry: &mut Registry) -> Self {
        let metrics = Self::default();
        let state = registry.sub_registry_with_prefix("state");
        state.register("behind", "1 while the state cannot be written to its disk, else 0", metrics.behind.clone());
        metrics
    }

    /// Measures whether the disk refuses.
    pub(super) fn measure(&self, behind: bool) {
        self.behind.set(i64::from(behind));
    }
}
