//! The metrics of this room.

use std::time::Duration;

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::{Registry, Unit};

use super::{ProbeReport, watch};

/// What the room counts; clones are the same counters.
#[derive(Clone, Debug)]
pub struct Metrics {
    probes: Family<[Label; 2], Counter>,
    latency: Family<[Label; 1], Histogram>,
    lateness: Histogram,
    in_flight: Gauge,
    held: Gauge,
    unsent: Gauge,
    dropped: Counter,
    pub(super) watch: watch::metrics::Metrics,
}

type Label = (&'static str, &'static str);

impl Metrics {
    /// Makes the counters and registers them under `probe_`.
    pub fn register(registry: &mut Registry) -> Self {
        let metrics = Self::default();
        let probe = registry.sub_registry_with_prefix("probe");
        probe.register("outcomes", "Probes by kind of check and outcome", metrics.probes.clone());
        probe.register_with_unit(
            "latency",
            "From the begin of a probe to the answer that decided",
            Unit::Seconds,
            metrics.latency.clone(),
        );
        probe.register_with_unit(
            "lateness",
            "From the time that a probe was due to its begin",
            Unit::Seconds,
            metrics.lateness.clone(),
        );
        probe.register("in_flight", "Probes that have begun and are not reported yet", metrics.in_flight.clone());
        probe.register("held", "Targets that are due, held back by the rate of their address", metrics.held.clone());
        probe.register("unsent", "Accounts that wait for room in the engine's queue", metrics.unsent.clone());
        probe.register("dropped_commands", "Commands for a setup that is gone", metrics.dropped.clone());
        metrics.watch.expose(registry);
        metrics
    }

    /// Counts a probe that begins.
    pub(super) fn started(&self, lateness: Duration) {
        self.lateness.observe(lateness.as_secs_f64());
    }

    /// Counts a probe that has ended.
    pub(super) fn finished(&self, kind: &'static str, report: &ProbeReport) {
        self.probes.get_or_create(&[("kind", kind), ("outcome", report.outcome.as_str())]).inc();
        self.latency.get_or_create(&[("kind", kind)]).observe(report.latency.as_secs_f64());
    }

    /// Counts a command for a setup that is gone.
    pub(super) fn dropped(&self) {
        self.dropped.inc();
    }

    /// Takes the sizes of what waits.
    pub(super) fn measure(&self, in_flight: usize, held: usize, unsent: usize) {
        let size = |number| i64::try_from(number).unwrap_or(i64::MAX);
        self.in_flight.set(size(in_flight));
        self.held.set(size(held));
        self.unsent.set(size(unsent));
    }
}

impl Default for Metrics {
    /// Makes counters that nobody reads.
    fn default() -> Self {
        // 1 ms to 8 s: a time-out of 2 s lies inside.
        let buckets = || Histogram::new(exponential_buckets(0.001, 2.0, 14));
        Self {
            probes: Family::default(),
            latency: Family::new_with_constructor(buckets),
            lateness: buckets(),
            in_flight: Gauge::default(),
            held: Gauge::default(),
            unsent: Gauge::default(),
            dropped: Counter::default(),
            watch: watch::metrics::Metrics::default(),
        }
    }
}
