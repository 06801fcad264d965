//! How many transfers run at once.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use super::Metrics;

/// Counts the transfers that run; clones count the same.
#[derive(Clone, Debug)]
pub struct Permits {
    running: Arc<AtomicU32>,
    metrics: Metrics,
}

/// The right to run one transfer; it is given back when it is dropped.
#[derive(Debug)]
pub struct Permit(Permits);

impl Permits {
    /// Begins with no transfer.
    pub fn new(metrics: Metrics) -> Self {
        Self { running: Arc::default(), metrics }
    }

    /// Returns the counters.
    pub const fn metrics(&self) -> &Metrics {
        &self.metrics
    }

    /// Lets a transfer begin, unless `most` run already.
    pub fn take(&self, most: u32) -> Option<Permit> {
        let more = |running: u32| (running < most).then_some(running + 1);
        self.running.fetch_update(Ordering::Relaxed, Ordering::Relaxed, more).ok()?;
        self.metrics.begun();
        Some(Permit(self.clone()))
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        self.0.running.fetch_sub(1, Ordering::Relaxed);
        self.0.metrics.ended();
    }
}
