//! `check`: looks for mistakes in config and zones, offline.

use std::process::ExitCode;

use crate::base::finding::{Finding, Severity};
use crate::config::{self, Input};

use super::args::{Check, Format};
use super::check::{self, Examined};
use super::paint::Paint;
use super::{USAGE, input};

/// Runs the command.
pub(super) fn run(args: &Check) -> ExitCode {
    if let Some(id) = &args.explain {
        return explain(id);
    }
    let from = Input { files: args.sources.files.clone(), fixed: args.fixed, lint: true, ..Input::default() };
    let mut examined = Examined::default();
    let findings = match config::load(&from, &input::ProcessEnvironment) {
        Ok(running) => {
            for file in &running.files {
                examined.add(file.display().to_string(), None);
            }
            for zone in running.setup.zones.iter().filter_map(|(_, zone)| zone.zone.as_ref()) {
                examined.add_zone(zone);
            }
            running.notes
        }
        Err(findings) => {
            for file in &from.files {
                examined.add(file.display().to_string(), None);
            }
            findings
        }
    };
    let format = match args.format {
        Format::Text => check::Format::Text,
        Format::Json => check::Format::Json,
    };
    let mut out = Vec::new();
    if check::print(&findings, &examined, format, &mut out, Paint::stdout().colours()).is_err() {
        return ExitCode::from(USAGE);
    }
    input::print(&String::from_utf8_lossy(&out));
    if findings.iter().any(|finding| UNREADABLE.contains(&finding.id)) {
        return ExitCode::from(USAGE);
    }
    ExitCode::from(check::exit_code(&findings, args.deny))
}

/// Findings that mean that there was nothing to look at: wrong use, not a mistake in a file.
const UNREADABLE: &[&str] = &["file-read", "config-none", "config-two"];

fn explain(id: &str) -> ExitCode {
    let mut out = Vec::new();
    match check::explain(id, &mut out) {
        Ok(true) => {
            input::print(&String::from_utf8_lossy(&out));
            ExitCode::SUCCESS
        }
        Ok(false) | Err(_) => {
            let ids = check::rule_ids().collect::<Vec<_>>().join(", ");
            let finding = Finding::error("check-explain", format!("there is no rule {id}"));
            input::tell(&[finding.help(format!("the rules are {ids}"))], Severity::Error);
            ExitCode::from(USAGE)
        }
    }
}
