//! Whether this server is ready: set by the daemon, read by every door.

use std::sync::Arc;

use arc_swap::{ArcSwap, Guard};

/// A shared value: clones read and set the same.
#[derive(Clone, Debug)]
pub struct Readiness(Arc<ArcSwap<Status>>);

/// One reading.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Status {
    /// Whether queries are answered; if not, silence sends clients to another server.
    pub answering: bool,
    /// Why the server is not ready; nothing if it is. It can answer and yet be not ready: a broken zone.
    pub fault: Option<String>,
}

impl Readiness {
    /// Begins silent.
    pub fn starting() -> Self {
        let status = Status { answering: false, fault: Some("starting".to_owned()) };
        Self(Arc::new(ArcSwap::from_pointee(status)))
    }

    /// Begins answering and ready.
    pub fn ready() -> Self {
        Self(Arc::new(ArcSwap::from_pointee(Status { answering: true, fault: None })))
    }

    /// Sets the status.
    pub fn set(&self, status: Status) {
        self.0.store(Arc::new(status));
    }

    /// Reads the status; hold it for one packet only.
    pub fn load(&self) -> Guard<Arc<Status>> {
        self.0.load()
    }
}
