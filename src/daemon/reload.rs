//! Reload: builds a complete new setup, or keeps the old one.

use tracing::error;

use crate::admin::api::{ReloadRefused, Reloaded};
use crate::base::error::Chain;

use super::background;
use super::findings::log_findings;
use super::read::Read;
use super::start::Daemon;

impl Daemon {
    /// Reads anew, off the threads that answer, and swaps, or keeps the old setup and says why. A zone that was good and
    /// is broken now stays in its last good version.
    ///
    /// # Errors
    /// [`ReloadRefused`]: everything is as it was.
    pub async fn reload(&self, read: &Read) -> Result<Reloaded, ReloadRefused> {
        let switch_lock = self.switcher.switch_lock().await;
        let read = read.clone();
        let result = background::work("reload", move || read.read()).await;
        match result {
            Ok(Ok(running)) => {
                let lost = || ReloadRefused { findings: vec!["the new setup could not be indexed".to_owned()] };
                self.replace(switch_lock, running).await.ok_or_else(lost)
            }
            Ok(Err(findings)) => {
                log_findings(&findings);
                self.tell_reload_failed(format!("{} findings in config or zones", findings.len())).await;
                error!(findings = findings.len(), "reload refused: everything stays as it was");
                Err(ReloadRefused { findings: findings.iter().map(ToString::to_string).collect() })
            }
            Err(failure) => {
                let failure = Chain(&failure).to_string();
                self.tell_reload_failed(failure.clone()).await;
                error!(failure, "reload failed: everything stays as it was");
                Err(ReloadRefused { findings: vec![failure] })
            }
        }
    }
}
