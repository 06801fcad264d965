//! The metrics of the process itself, of what it tests, and of its zones.

use std::fmt;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric as _};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::gauge::{ConstGauge, Gauge};
use prometheus_client::registry::Registry;

use super::certificates::CertificateWatch;
use super::coverage::Latest;
use super::readiness::ReadinessState;

/// What is counted of the process, its targets and its zones; clones count together.
#[derive(Clone, Debug, Default)]
pub struct Metrics {
    /// Vital tasks that have ended.
    pub(super) tasks_lost: Gauge,
    /// 1 while the engine does not reply.
    pub(super) engine_hung: Gauge,
    /// What is tested.
    pub(super) coverage: Latest,
    /// Which certificates end when.
    pub(super) certificates: CertificateWatch,
    /// Whether the server is ready; the metrics of zones are read from it.
    pub(super) readiness_state: ReadinessState,
}

impl Metrics {
    /// Makes them and registers them by name.
    pub fn register(registry: &mut Registry) -> Self {
        let metrics = Self::default();
        let help = "Vital tasks that have ended and are not restarted";
        registry.register("tasks_lost", help, metrics.tasks_lost.clone());
        registry.register("engine_hung", "Whether the engine does not reply", metrics.engine_hung.clone());
        registry.register_collector(Box::new(metrics.coverage.clone()));
        registry.register_collector(Box::new(metrics.certificates.clone()));
        registry.register_collector(Box::new(ZonesView(metrics.readiness_state.clone())));
        metrics
    }
}

/// The zones that are not served as their files say, read at each scrape.
#[derive(Debug)]
struct ZonesView(ReadinessState);

impl Collector for ZonesView {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), fmt::Error> {
        let (broken, stale) = self.0.zones();
        let help = "Zones whose files are broken and that are answered SERVFAIL";
        let mut metric = encoder.encode_descriptor("zone_broken", help, None, MetricType::Gauge)?;
        for origin in broken {
            ConstGauge::new(1_i64).encode(metric.encode_family(&[("zone", origin.to_string())])?)?;
        }
        let help = "Zones whose files are broken and that are served in an older version: when that was read";
        let mut metric =
            encoder.encode_descriptor("zone_stale_read_timestamp_seconds", help, None, MetricType::Gauge)?;
        for served in stale {
            let read = i64::try_from(served.read.as_secs()).unwrap_or(i64::MAX);
            ConstGauge::new(read).encode(metric.encode_family(&[("zone", served.zone.origin.to_string())])?)?;
        }
        Ok(())
    }
}
