//! How many transfers run at once.

use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use crate::base::clock::UnixTime;
use crate::zone::Name;

use super::{Ledger, Metrics, SentStatus};

/// Counts the transfers that run; clones count the same.
#[derive(Clone, Debug)]
pub struct Permits {
    running: Arc<AtomicU32>,
    metrics: Metrics,
    ledger: Ledger,
}

/// The right to run one transfer; it is given back when it is dropped.
#[derive(Debug)]
pub struct Permit(Permits);

impl Permits {
    /// Begins with no transfer; those that end are noted in `ledger`.
    pub fn new(metrics: Metrics, ledger: Ledger) -> Self {
        Self { running: Arc::default(), metrics, ledger }
    }

    /// Returns the counters.
    pub const fn metrics(&self) -> &Metrics {
        &self.metrics
    }

    /// Returns when a zone from primaries expires if none of them answers; nothing if it comes from none.
    pub fn expiry(&self, origin: &Name) -> Option<UnixTime> {
        self.ledger.expiry(origin)
    }

    /// Lets a transfer begin, unless `most` run already.
    pub fn take(&self, most: u32) -> Option<Permit> {
        let more = |running: u32| (running < most).then_some(running + 1);
        self.running.fetch_update(Ordering::Relaxed, Ordering::Relaxed, more).ok()?;
        self.metrics.begun();
        Some(Permit(self.clone()))
    }
}

impl Permit {
    /// Notes the transfer that ends.
    pub(super) fn note(&self, origin: &Name, client: IpAddr, status: SentStatus) {
        self.0.ledger.sent(origin, client, status);
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        self.0.running.fetch_sub(1, Ordering::Relaxed);
        self.0.metrics.ended();
    }
}
