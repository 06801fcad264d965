//! The metrics of this room.

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

/// What the room measures; clones are the same.
#[derive(Clone, Debug, Default)]
pub struct Metrics {
    behind: Gauge,
    lost: Counter,
}

impl Metrics {
    /// Makes the metrics and registers them under `history_`.
    pub fn register(registry: &mut Registry) -> Self {
        let metrics = Self::default();
        let history = registry.sub_registry_with_prefix("history");
        history.register("behind", "1 while the history cannot be written to its disk, else 0", metrics.behind.clone());
        let help = "Events and outcomes that the history on disk lacks, as the disk refused or was too slow";
        history.register("lost", help, metrics.lost.clone());
        metrics
    }

    /// Measures whether the disk refuses.
    pub(super) fn measure(&self, behind: bool) {
        self.behind.set(i64::from(behind));
    }

    /// Returns whether the disk refuses.
    #[cfg(test)]
    pub(super) fn is_behind(&self) -> bool {
        self.behind.get() != 0
    }

    /// Counts what is lost.
    pub(super) fn lose(&self, lines: u64) {
        self.lost.inc_by(lines);
    }

    /// Returns how much is lost in all.
    pub(super) fn lost(&self) -> u64 {
        self.lost.get()
    }
}
