//! What hooks count.

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::registry::Registry;

/// What hooks count; clones are the same counters.
#[derive(Clone, Debug, Default)]
pub struct Metrics(Family<[(&'static str, String); 2], Counter>);

impl Metrics {
    /// Makes the counters and registers them.
    pub fn register(registry: &mut Registry) -> Self {
        let metrics = Self::default();
        let help = "Events for hooks, by the hook's name: delivered, failed (given up) and lost (it was too slow)";
        registry.register("hook_events", help, metrics.0.clone());
        metrics
    }

    pub(super) fn count(&self, hook: &str, result: &'static str, events: u64) {
        self.0.get_or_create(&[("hook", hook.to_owned()), ("result", result.to_owned())]).inc_by(events);
    }

    /// Returns how many events of a hook came to this.
    #[cfg(test)]
    pub(super) fn counted(&self, hook: &str, result: &'static str) -> u64 {
        self.0.get_or_create(&[("hook", hook.to_owned()), ("result", result.to_owned())]).get()
    }
}
