//! The metrics of transfers.

use std::sync::atomic::{AtomicI64, AtomicU64};

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

use crate::base::clock::UnixTime;
use crate::zone::Name;

use super::ledger::InboundStatus;

/// Handles of the counters; clones count into the same.
#[derive(Clone, Debug, Default)]
pub struct Metrics {
    outbound: Family<OutboundLabels, Counter<u64, AtomicU64>>,
    running: Gauge<i64, AtomicI64>,
    notify: Family<ResultLabels, Counter<u64, AtomicU64>>,
    inbound: Family<ResultLabels, Counter<u64, AtomicU64>>,
    serial: Family<ZoneLabels, Gauge<i64, AtomicI64>>,
    refreshed: Family<ZoneLabels, Gauge<i64, AtomicI64>>,
    expires: Family<ZoneLabels, Gauge<i64, AtomicI64>>,
    failures: Family<ZoneLabels, Gauge<i64, AtomicI64>>,
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

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ZoneLabels {
    zone: String,
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
        let zone = transfer.sub_registry_with_prefix("zone");
        zone.register("serial", "The serial of the version that came last from a primary", metrics.serial.clone());
        zone.register(
            "refreshed_seconds",
            "When a primary last said which version is the newest, in seconds since 1970",
            metrics.refreshed.clone(),
        );
        zone.register(
            "expires_seconds",
            "When the zone expires if no primary answers, in seconds since 1970",
            metrics.expires.clone(),
        );
        zone.register("failures", "How many times in a row no primary gave what is of use", metrics.failures.clone());
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

    /// Tells how a zone from primaries stands.
    pub(super) fn stands(&self, origin: &Name, status: &InboundStatus) {
        let labels = ZoneLabels { zone: origin.to_string() };
        let secs = |at: UnixTime| i64::try_from(at.as_secs()).unwrap_or(i64::MAX);
        let known = [
            (&self.serial, status.serial.map(|serial| i64::from(serial.0))),
            (&self.refreshed, status.refreshed.map(secs)),
            (&self.expires, status.expires.map(secs)),
            (&self.failures, Some(i64::from(status.failures))),
        ];
        for (family, value) in known {
            match value {
                Some(value) => drop(family.get_or_create_owned(&labels).set(value)),
                None => drop(family.remove(&labels)),
            }
        }
    }

    /// Forgets a zone that no longer comes from primaries.
    pub(super) fn forget(&self, origin: &Name) {
        let labels = ZoneLabels { zone: origin.to_string() };
        for family in [&self.serial, &self.refreshed, &self.expires, &self.failures] {
            family.remove(&labels);
        }
    }

    pub(super) fn begun(&self) {
        self.running.inc();
    }

    pub(super) fn ended(&self) {
        self.running.dec();
    }
}
