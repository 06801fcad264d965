//! Keeps the engine going: should it fail, the last snapshot is served on, readiness turns red, and a new engine is
//! built from the files and the store. A second failure within a minute ends the attempts.

use std::panic::AssertUnwindSafe;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use tokio::sync::mpsc;
use tracing::error;

use crate::base::clock::{Clock, Mono};
use crate::base::tasks::Tasks;
use crate::engine::driver::{Message, drive};
use crate::engine::memory::Restored;
use crate::engine::{Core, Prepared};
use crate::probe::runner::Command;
use crate::serve::{self, Readiness};

use super::outlet::Ways;
use super::reload::Read;

/// How soon after a failure another one ends the attempts.
const PATIENCE: Duration = Duration::from_secs(60);

/// The engine and what is needed to build it anew.
pub(super) struct Engine {
    pub(super) clock: Clock,
    pub(super) tasks: Tasks,
    pub(super) ways: Ways,
    pub(super) read: Read,
    pub(super) readiness: Readiness,
    pub(super) max_age: Duration,
}
