//! What the room counts.

use std::sync::atomic::AtomicU64;

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::Registry;

/// Labels of [`Metrics::probes`]: the check's kind and the outcome's word.
type KindAndOutcome = [(&'static str, &'static str); 2];

/// What the room counts; clones are the same counters.
#[derive(Clone, Debug)]
pub struct Metrics {
    probes: Family<KindAndOutcome, Counter>,
    latency: Family<[(&'static str, &'static str); 1], Histogram>,
    lateness: Histogram,
    in_flight: Gauge,
    held: Gauge,
    unsent: Gauge,
    dropped: Counter<u64, AtomicU64>,
}
