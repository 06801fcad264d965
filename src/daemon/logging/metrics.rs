//! The metrics of the log.

use std::fmt;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric as _};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::registry::Registry;

/// Registers the count of log lines that standard error did not take.
pub fn register(registry: &mut Registry) {
    registry.register_collector(Box::new(Dropped));
}

/// Reads the count at each scrape: the log is older than any registry.
#[derive(Debug)]
struct Dropped;

impl Collector for Dropped {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), fmt::Error> {
        let help = "Log lines that were dropped because standard error did not take them";
        let metric = encoder.encode_descriptor("log_lines_dropped", help, None, MetricType::Counter)?;
        ConstCounter::new(super::dropped()).encode(metric)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_count_is_exposed_under_its_name() {
        let mut registry = Registry::with_prefix("understudy");
        register(&mut registry);
        let mut text = String::new();
        prometheus_client::encoding::text::encode(&mut text, &registry).unwrap();
        assert!(text.contains("\nunderstudy_log_lines_dropped_total 0\n"), "{text}");
    }
}
