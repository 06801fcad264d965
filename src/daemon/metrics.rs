//! The metrics of the process itself.

use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

/// Whether the process is whole; clones count together.
#[derive(Clone, Debug, Default)]
pub struct Metrics {
    /// Vital tasks that have ended.
    pub(super) tasks_lost: Gauge,
    /// 1 while the engine does not reply.
    pub(super) engine_hung: Gauge,
}

impl Metrics {
    /// Makes them and registers them by name.
    pub fn register(registry: &mut Registry) -> Self {
        let metrics = Self::default();
        let help = "Vital tasks that have ended and are not restarted";
        registry.register("tasks_lost", help, metrics.tasks_lost.clone());
        registry.register("engine_hung", "Whether the engine does not reply", metrics.engine_hung.clone());
        metrics
    }
}
