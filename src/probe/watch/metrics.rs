//! The metrics of held connections.

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

use super::held::Meaning;

/// What is counted of held connections; clones are the same counters.
#[derive(Clone, Debug, Default)]
pub(in crate::probe) struct Metrics {
    held: Gauge,
    unheld: Gauge,
    ends: Family<[(&'static str, &'static str); 1], Counter>,
    renewals: Counter,
}

impl Metrics {
    /// Shows them under `watch_`.
    pub(in crate::probe) fn expose(&self, registry: &mut Registry) {
        let watch = registry.sub_registry_with_prefix("watch");
        watch.register("held", "Places where a connection is held", self.held.clone());
        watch.register(
            "unheld",
            "Places where none is held, as too many are, or as they broke too often",
            self.unheld.clone(),
        );
        watch.register("ends", "Held connections that the far side ended, by what that meant", self.ends.clone());
        watch.register("renewals", "Held connections that another one replaced in time", self.renewals.clone());
    }

    /// Counts a connection that the far side ended.
    pub(super) fn ended(&self, meaning: Meaning) {
        let word = match meaning {
            Meaning::Limit => "limit",
            Meaning::Break => "break",
            Meaning::Leaving => "leaving",
            Meaning::Nothing => return,
        };
        self.ends.get_or_create(&[("meaning", word)]).inc();
    }

    /// Counts a renewal.
    pub(super) fn renewed(&self) {
        self.renewals.inc();
    }

    /// Takes how many places are held, and how many are not although they should be.
    pub(super) fn measure(&self, held: usize, unheld: usize) {
        let size = |number| i64::try_from(number).unwrap_or(i64::MAX);
        self.held.set(size(held));
        self.unheld.set(size(unheld));
    }
}
