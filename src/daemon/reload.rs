//! Reads everything anew: a whole new setup, or the old one stays.

use std::fmt;
use std::sync::Arc;

use tracing::error;

use crate::base::finding::Finding;
use crate::config::Running;

use super::findings::log_findings;
use super::start::Daemon;

/// How config and zones are read anew.
#[derive(Clone)]
pub struct Read(Arc<dyn Fn() -> Result<Running, Vec<Finding>> + Send + Sync>);

impl Read {
    /// Wraps the function that reads.
    pub fn new(read: impl Fn() -> Result<Running, Vec<Finding>> + Send + Sync + 'static) -> Self {
        Self(Arc::new(read))
    }

    /// Reads.
    ///
    /// # Errors
    /// All findings that keep it from being used.
    pub fn read(&self) -> Result<Running, Vec<Finding>> {
        (self.0)()
    }
}

impl fmt::Debug for Read {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Read")
    }
}

impl Daemon {
    /// Reads anew, off the tasks that answer, and swaps, or keeps the old setup and says why. A zone that was good and
    /// is broken now stays in its last good version. Tells whether it swapped.
    pub async fn reload(&self, read: &Read) -> bool {
        let switch_lock = self.switcher.switch_lock().await;
        let read = read.clone();
        let result = tokio::task::spawn_blocking(move || read.read()).await;
        match result {
            Ok(Ok(running)) => {
                self.replace(switch_lock, running).await;
                true
            }
            Ok(Err(findings)) => {
                log_findings(&findings);
                error!(findings = findings.len(), "reload refused: everything stays as it was");
                false
            }
            Err(failure) => {
                error!(%failure, "reload failed: everything stays as it was");
                false
            }
        }
    }
}
