//! Reload: builds a complete new setup, or keeps the old one.

use tracing::error;

use crate::base::error::Chain;

use super::background;
use super::findings::log_findings;
use super::read::Read;
use super::start::Daemon;

impl Daemon {
    /// Reads anew, off the threads that answer, and swaps, or keeps the old setup and says why. A zone that was good and
    /// is broken now stays in its last good version. Tells whether it swapped.
    pub async fn reload(&self, read: &Read) -> bool {
        let switch_lock = self.switcher.switch_lock().await;
        let read = read.clone();
        let result = background::work("reload", move || read.read()).await;
        match result {
            Ok(Ok(running)) => {
                self.replace(switch_lock, running).await;
                true
            }
            Ok(Err(findings)) => {
                log_findings(&findings);
                self.tell_reload_failed(format!("{} findings in config or zones", findings.len())).await;
                error!(findings = findings.len(), "reload refused: everything stays as it was");
                false
            }
            Err(failure) => {
                let failure = Chain(&failure).to_string();
                self.tell_reload_failed(failure.clone()).await;
                error!(failure, "reload failed: everything stays as it was");
                false
            }
        }
    }
}
