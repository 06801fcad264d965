//! `check`: looks for mistakes in config and zones; with `--live` it also probes the targets.

mod live;
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
use report::{Examined, Format, View};

/// Runs the command.
pub(super) fn run(args: &Check) -> ExitCode {
    if let Some(id) = &args.explain {
        return rules::run(id);
    }
    let from = Input { files: args.sources.files.clone(), fixed: args.fixed, lint: true, ..Input::default() };
    let (findings, examined) = match examine(&from, args.live) {
        Ok(found) => found,
        Err(error) => {
            input::tell(&[Finding::error("runtime", error.to_string())], Severity::Error);
            return ExitCode::from(USAGE);
        }
    };
    let mut out = Vec::new();
    let view = View {
        format: if args.json { Format::Json } else { Format::Text },
        min_severity: args.min_severity,
        grouped: !args.all,
        colour: Paint::stdout().colours(),
        width: input::stdout_width(),
    };
    if report::print(&findings, &examined, view, &mut out).is_err() {
        return ExitCode::from(USAGE);
    }
    let text = String::from_utf8_lossy(&out);
    if args.json {
        input::print(&text);
    } else {
        input::say(&text);
    }
    if findings.iter().any(|finding| UNREADABLE.contains(&finding.id)) {
        return ExitCode::from(USAGE);
    }
    ExitCode::from(report::exit_code(&findings, args.deny))
}

fn examine(from: &Input, live: bool) -> std::io::Result<(Vec<Finding>, Examined)> {
    let mut examined = Examined::default();
    Ok(match config::load(from, &input::ProcessEnvironment) {
        Ok(mut running) => {
            examined.files.extend(running.files.iter().map(|file| file.display().to_string()));
            examined.allowed = running.allowed;
            for zone in running.setup.zones.iter().filter_map(|(_, zone)| zone.zone.as_ref()) {
                examined.add_zone(zone);
            }
            let mut found = Vec::new();
            if live {
                let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
                let (resolved, (seen, probed)) = runtime.block_on(async {
                    let resolved = input::resolve(&mut running).await;
                    (resolved, live::probe_all(&running).await)
                });
                found.extend(resolved.into_iter().filter(|finding| !running.findings.contains(finding)));
                found.extend(probed);
                examined.live = Some(seen);
            }
            found.extend(running.findings);
            (settle(found), examined)
        }
        Err(findings) => {
            examined.files.extend(from.files.iter().map(|file| file.display().to_string()));
            (settle(findings), examined)
        }
    })
}

/// Leaves out what is said twice, and judges as one who looks for mistakes, not as one who starts a server.
fn settle(mut findings: Vec<Finding>) -> Vec<Finding> {
    let told: HashSet<&str> = findings.iter().map(|finding| finding.id).collect();
    let mut errors = findings.iter().filter(|finding| finding.severity == Severity::Error);
    let explained = errors.any(|finding| finding.id != NO_ZONE);
    let twice = config::TWINS.iter().filter(|(_, linted)| told.contains(linted)).map(|(lowered, _)| *lowered);
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
/// What follows from the errors of all zones.
const NO_ZONE: &str = "zone-none";
