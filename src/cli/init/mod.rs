//! `init`: a commented config for zones that are there already.

mod page;

use std::fs::OpenOptions;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use crate::base::finding::{Finding, Severity};
use crate::config::{Input, StateChoice};

use super::args::Init;
use super::{FINDINGS, USAGE, input};

/// Runs the command.
pub(super) fn run(args: &Init) -> ExitCode {
    let from = Input { files: args.zones.clone(), state: Some(StateChoice::Nothing), ..Input::default() };
    let running = match input::load(&from) {
        Ok(running) => running,
        Err(code) => return code,
    };
    input::tell(&running.findings, Severity::Error);
    let zones = match args.zones.iter().map(|zone| whole(zone)).collect::<Result<Vec<_>, _>>() {
        Ok(zones) => zones,
        Err(finding) => return refuse(*finding),
    };
    let page = page::write(&running, &zones);
    let Some(path) = &args.output else {
        input::print(&page);
        return ExitCode::SUCCESS;
    };
    // A config that somebody has written stays.
    let written = OpenOptions::new().write(true).create_new(true).open(path);
    match written.and_then(|mut file| file.write_all(page.as_bytes())) {
        Ok(()) => {
            let name = path.display();
            input::say(&format!(
                "{name} is written; look through it, then:\n  understudy check {name}\n  understudy serve {name}\n"
            ));
            ExitCode::SUCCESS
        }
        Err(error) => refuse(Finding::error("init", format!("cannot write {}: {error}", path.display()))),
    }
}

fn refuse(finding: Finding) -> ExitCode {
    let code = if finding.id == "init" { FINDINGS } else { USAGE };
    input::tell(&[finding], Severity::Error);
    ExitCode::from(code)
}

/// Returns the path of a zone from the root on: the config may be moved to another folder.
fn whole(zone: &Path) -> Result<PathBuf, Box<Finding>> {
    if zone.as_os_str() == "-" {
        return Err(Box::new(Finding::error("input", "a config names files, and standard input is none")));
    }
    let missing = |error| Finding::error("input", format!("cannot find {}: {error}", zone.display()));
    zone.canonicalize().map_err(|error| Box::new(missing(error)))
}
