//! The metrics of transfers.

use std::sync::atomic::{AtomicI64, AtomicU64};

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

/// Handles of the counters; clones count into the same.
#[derive(Clone, Debug, Default)]
pub struct Metrics {
    outbound: Family<OutboundLabels, Counter<u64, AtomicU64>>,
    running: Gauge<i64, AtomicI64>,
    notify: Family<ResultLabels, Counter<u64, AtomicU64>>,
    inbound: Family<ResultLabels, Counter<u64, AtomicU64>>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OutboundLabels {
    kind: &'static str,
    result: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ResultLabels {
    result: &'static str,
}

impl Metrics {
    /// Registers the counters under `transfer_`.
    pub fn register(registry: &mut Registry) -> Self {
        let metrics = Self::default();
        let transfer = registry.sub_registry_with_prefix("transfer");
        transfer.register("outbound", "Queries for transfers, and what became of them", metrics.outbound.clone());
        transfer.register("running", "Transfers to secondaries that run", metrics.running.clone());
        transfer.register("notify", "NOTIFYs to secondaries, and what became of them", metrics.notify.clone());
        transfer.register("inbound", "Queries to primaries, and what came of them", metrics.inbound.clone());
        metrics
    }

    /// Counts a query for a transfer of a kind.
    pub fn outbound(&self, kind: &'static str, result: &'static str) {
        self.outbound.get_or_create_owned(&OutboundLabels { kind, result }).inc();
    }

    /// Counts a NOTIFY that is sent, or what becomes of it.
    pub(super) fn notified(&self, result: &'static str) {
        self.notify.get_or_create_owned(&ResultLabels { result }).inc();
    }

    /// Counts what came of a query to the primaries of a zone.
    pub(super) fn inbound(&self, result: &'static str) {
        self.inbound.get_or_create_owned(&ResultLabels { result }).inc();
    }

    pub(super) fn begun(&self) {
        self.running.inc();
    }

    pub(super) fn ended(&self) {
        self.running.dec();
    }
}
