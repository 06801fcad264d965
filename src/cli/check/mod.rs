//! `check`: looks for mistakes in config and zones, offline.

mod report;
mod rules;
#[cfg(test)]
mod tests;

use std::collections::HashSet;
use std::process::ExitCode;

use crate::base::finding::{Finding, Severity};
use crate::config::{self, Input};

use super::args::Check;
use super::paint::Paint;
use super::{USAGE, input};
use report::Examined;

/// Runs the command.
pub(super) fn run(args: &Check) -> ExitCode {
    if let Some(id) = &args.explain {
        return rules::run(id);
    }
    let from = Input { files: args.sources.files.clone(), fixed: args.fixed, lint: true, ..Input::default() };
    let (findings, examined) = examine(&from);
    let mut out = Vec::new();
    if report::print(&findings, &examined, args.format, &mut out, Paint::stdout().colours()).is_err() {
        return ExitCode::from(USAGE);
    }
    input::print(&String::from_utf8_lossy(&out));
    if findings.iter().any(|finding| UNREADABLE.contains(&finding.id)) {
        return ExitCode::from(USAGE);
    }
    ExitCode::from(report::exit_code(&findings, args.deny))
}

fn examine(from: &Input) -> (Vec<Finding>, Examined) {
    let mut examined = Examined::default();
    match config::load(from, &input::ProcessEnvironment) {
        Ok(running) => {
            examined.files.extend(running.files.iter().map(|file| file.display().to_string()));
            for zone in running.setup.zones.iter().filter_map(|(_, zone)| zone.zone.as_ref()) {
                examined.add_zone(zone);
            }
            (settle(running.notes), examined)
        }
        Err(findings) => {
            examined.files.extend(from.files.iter().map(|file| file.display().to_string()));
            (settle(findings), examined)
        }
    }
}

/// Leaves out what is said twice, and judges as one who looks for mistakes, not as one who starts a server.
fn settle(mut findings: Vec<Finding>) -> Vec<Finding> {
    let told: HashSet<&str> = findings.iter().map(|finding| finding.id).collect();
    let mut errors = findings.iter().filter(|finding| finding.severity == Severity::Error);
    let explained = errors.any(|finding| finding.id != NO_ZONE);
    let twice = TWICE.iter().filter(|(_, linted)| told.contains(linted)).map(|(lowered, _)| *lowered);
    let left_out: Vec<&str> = twice.chain(explained.then_some(NO_ZONE)).collect();
    findings.retain(|finding| !left_out.contains(&finding.id));
    for finding in findings.iter_mut().filter(|finding| finding.id == "target-documentation") {
        // An example says so on purpose; only a server that shall run has to be warned.
        finding.severity = Severity::Note;
    }
    findings
}

/// Findings that mean that there was nothing to look at: wrong use, not a mistake in a file.
const UNREADABLE: &[&str] = &["file-read", "config-none", "config-two"];
/// What is found when files become a setup, and what the lint says of the same with its place.
const TWICE: &[(&str, &str)] = &[
    ("target-documentation", "address-documentation"),
    ("target-port-zero", "srv-port-zero"),
    ("check-none", "service-unprobed"),
    ("host-outside", "srv-target-out-of-zone"),
];
/// What follows from the errors of all zones.
const NO_ZONE: &str = "zone-none";
