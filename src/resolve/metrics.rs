//! The metrics of this room.

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

use super::book::{AddressReply, Addresses};

/// What the room counts; clones are the same counters.
#[derive(Clone, Debug, Default)]
pub struct Metrics {
    lookups: Family<[(&'static str, &'static str); 1], Counter>,
    hosts: Gauge,
    unresolved: Gauge,
}

impl Metrics {
    /// Makes the counters and registers them under `resolve_`.
    pub fn register(registry: &mut Registry) -> Self {
        let metrics = Self::default();
        let resolve = registry.sub_registry_with_prefix("resolve");
        resolve.register("lookups", "Questions to the resolver by result", metrics.lookups.clone());
        resolve.register("hosts", "Hosts outside of the zones that are tested", metrics.hosts.clone());
        resolve.register("unresolved", "Those of them without a known address", metrics.unresolved.clone());
        metrics
    }

    /// Counts an answer.
    pub(super) fn heard(&self, answer: &AddressReply) {
        let result = match answer {
            AddressReply::Addresses { .. } => "addresses",
            AddressReply::Nothing { .. } => "nothing",
            AddressReply::Failed(_) => "failed",
        };
        self.lookups.get_or_create(&[("result", result)]).inc();
    }

    /// Measures how many hosts are wanted, and how many are known.
    pub(super) fn measure(&self, hosts: usize, known: &Addresses) {
        let count = |number: usize| i64::try_from(number).unwrap_or(i64::MAX);
        self.hosts.set(count(hosts));
        self.unresolved.set(count(hosts.saturating_sub(known.len())));
    }
}
