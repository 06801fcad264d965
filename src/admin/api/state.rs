//! What the handlers work with: the engine, the clock, the health of the process and the way to a reload.

use std::fmt;
use std::sync::Arc;

use prometheus_client::registry::Registry;
use tokio::sync::{mpsc, oneshot};

use crate::admin::metrics::Told;
use crate::admin::view::HealthView;
use crate::base::clock::Clock;
use crate::engine::EngineHandle;
use crate::history::Past;
use crate::transfer::TransferHandle;
use crate::zone::Name;

/// What the handlers work with; clones are the same.
#[derive(Clone)]
pub struct Api {
    /// The engine.
    pub engine: EngineHandle,
    /// The history on disk, if one is kept.
    pub past: Option<Past>,
    /// The transfers.
    pub transfers: TransferHandle,
    /// The clock.
    pub clock: Clock,
    /// The way to who reloads.
    pub reload: mpsc::Sender<ReloadRequest>,
    /// The metrics.
    pub registry: Arc<Registry>,
    /// Tells whether others may have copies of these zones, of whose answers nothing is known here; it must not block.
    pub has_secondaries: Arc<HasSecondaries>,
    /// Tells whether the server is live and ready; it must not block.
    pub told: Arc<dyn Fn() -> Told + Send + Sync>,
}

/// Tells whether others may have copies of zones.
pub type HasSecondaries = dyn Fn(&[Name]) -> bool + Send + Sync;

/// A wish that config and zones be read anew.
#[derive(Debug)]
pub struct ReloadRequest(pub oneshot::Sender<Result<Reloaded, ReloadRefused>>);

/// A reload that was done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reloaded {
    /// The number of the setup.
    pub setup: u64,
    /// What the operator should know, such as keys that count from the next start on.
    pub remarks: Vec<String>,
}

/// A reload that was refused: everything is as it was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReloadRefused {
    /// What is wrong, one text for each finding.
    pub findings: Vec<String>,
}

impl Api {
    /// Tells whether the server is live and ready.
    pub fn health(&self) -> HealthView {
        let Told { live, ready } = (self.told)();
        HealthView {
            live: live.is_ok(),
            ready: ready.is_ok(),
            remark: live.err().or_else(|| ready.unwrap_or_else(Some)),
        }
    }
}

impl fmt::Debug for Api {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Api")
    }
}
