//! Writes findings to the log.

use tracing::{debug, error, warn};

use crate::base::finding::{Finding, Severity};

/// Logs findings, each with its place.
pub(super) fn log_findings(findings: &[Finding]) {
    for finding in findings {
        let place = finding.place.as_ref().map(|place| format!("{}:{}:{}", place.file, place.line, place.column));
        match finding.severity {
            Severity::Error => error!(finding = finding.id, place, help = finding.help, "{}", finding.message),
            Severity::Warning => warn!(finding = finding.id, place, help = finding.help, "{}", finding.message),
            Severity::Note => debug!(finding = finding.id, place, "{}", finding.message),
        }
    }
}
