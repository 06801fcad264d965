//! A request that led to nothing: no server, or a refusal.

use std::fmt;
use std::io::{self, ErrorKind};
use std::path::Path;
use std::process::ExitCode;

use crate::admin::api::ErrorDetail;
use crate::base::finding::{Finding, Severity};
use crate::base::terminal::sanitize_lines;
use crate::cli::{FINDINGS, REFUSED, input};

/// What went wrong, and the exit code that says so.
#[derive(Debug)]
pub(in crate::cli) struct Failed {
    code: u8,
    /// What the server found wrong in what it read.
    findings: Vec<String>,
    finding: Box<Finding>,
}

impl fmt::Display for Failed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.finding.message)
    }
}

impl Failed {
    /// A refusal that the server need not be asked for.
    pub(in crate::cli) fn refused(finding: Finding) -> Self {
        Self { code: REFUSED, findings: Vec::new(), finding: Box::new(finding) }
    }

    /// There is no server to ask.
    pub(super) fn no_server(finding: Finding) -> Self {
        Self { code: FINDINGS, findings: Vec::new(), finding: Box::new(finding) }
    }

    /// The server has said no, or that it cannot.
    pub(super) fn answered(detail: ErrorDetail, is_fault: bool) -> Self {
        let mut finding = Finding::error("refused", detail.message);
        if let Some(help) = detail.help {
            finding = finding.help(help);
        }
        let code = if is_fault { FINDINGS } else { REFUSED };
        Self { code, findings: detail.findings, finding: Box::new(finding) }
    }

    /// Nobody answers.
    pub(super) fn unreachable(socket: &Path, error: &io::Error) -> Self {
        let help = if error.kind() == ErrorKind::PermissionDenied {
            "run it as the server's user, or as a member of its group"
        } else {
            "start one with `understudy serve`, or say where it takes orders with --socket"
        };
        let message = format!("no server answers at {}: {error}", socket.display());
        Self::no_server(Finding::error(NO_SERVER, message).help(help))
    }

    /// Something else answers there.
    pub(super) fn strange(what: &str) -> Self {
        let message = format!("what answers there is no understudy of this version: {what}");
        Self::no_server(Finding::error(NO_SERVER, message))
    }

    /// Returns whether there is no server to be asked.
    pub(in crate::cli) fn is_no_server(&self) -> bool {
        self.finding.id == NO_SERVER
    }

    /// Prints it, and returns the exit code.
    pub(in crate::cli) fn tell(&self) -> ExitCode {
        for found in &self.findings {
            input::print_error(&format!("{}\n", sanitize_lines(found)));
        }
        input::tell(std::slice::from_ref(&*self.finding), Severity::Error);
        ExitCode::from(self.code)
    }
}

/// The id of the finding that no server answers.
const NO_SERVER: &str = "no-server";
