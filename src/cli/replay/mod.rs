//! `replay`: what another config would have made of what has happened.
//!
//! ```text
//!  history ─▶ tape: runs of steps ─▶ play: a core, the clock of the history ─▶ timelines ─▶ compare ─▶ page
//! ```
//!
//! **Invariant:** nothing is probed and no packet is sent: the outcomes are those that the server has recorded.

mod compare;
mod page;
mod play;
mod tape;
#[cfg(test)]
mod tests;
mod timeline;

use std::path::Path;
use std::process::ExitCode;

use crate::base::clock::Clock;
use crate::base::finding::{Finding, Severity};
use crate::config::Input;
use crate::history::Lines;
use crate::store;

use super::args::Replay;
use super::paint::Paint;
use super::{FINDINGS, USAGE, input, line, offline};
use compare::Comparison;
use page::Page;
use tape::Tape;

/// Runs the command.
pub(super) fn run(args: &Replay) -> ExitCode {
    replay(args).unwrap_or_else(|finding| {
        input::tell(&[*finding], Severity::Error);
        ExitCode::from(USAGE)
    })
}

fn replay(args: &Replay) -> Result<ExitCode, Box<Finding>> {
    let from = Input {
        files: args.sources.files.clone(),
        state: input::state_choice(args.state.state.as_ref()),
        ..Input::default()
    };
    let mut running = match input::load(&from) {
        Ok(running) => running,
        Err(code) => return Ok(code),
    };
    offline::recall(&mut running);
    input::tell(&running.findings, Severity::Error);
    let now = Clock::start().now().wall;
    let until = args.until.map_or(now, |until| until.at(now));
    let (mut lines, source) = open(args.history.as_deref(), running.state.folder.as_deref())?;
    let unreadable =
        |error| Box::new(Finding::error("history-unreadable", format!("{source} cannot be read: {error}")));
    let mut tape = Tape::read(&mut lines, until).map_err(unreadable)?;
    let is_running = args.history.is_none() && running.state.folder.as_deref().is_some_and(store::in_use);
    if let Some(last) = tape.runs.last_mut().filter(|run| is_running && !run.is_stopped) {
        last.end = last.end.max(until);
    }
    let Some((begin, end)) = tape.span() else {
        let finding = Finding::error("history-none", format!("there is no history in {source}"));
        return Err(Box::new(finding.help("a server writes one to its state folder, unless `history-size` is 0")));
    };
    let since = args.since.map_or(begin, |since| since.at(now).max(begin));
    let (runs, lost, strange) = (tape.runs.len(), tape.lost, tape.strange);
    let played = play::play(tape, &running.setup, running.state.max_age);
    let services = compare::compare(&played, &running.setup, since);
    let page = Page {
        setup: &running.setup,
        played: &played,
        services: &services,
        source,
        runs,
        from: since,
        to: end,
        lost,
        unreadable: lines.unreadable() + strange,
    };
    if args.json {
        input::print(&format!("{:#}\n", page.as_json()));
    } else {
        input::say(&line::text(&page.as_text(), Paint::stdout()));
    }
    let is_other = services.iter().any(Comparison::differs);
    Ok(if args.same && is_other { ExitCode::from(FINDINGS) } else { ExitCode::SUCCESS })
}

/// Opens a history: the file that is named, else that of the state folder.
fn open(file: Option<&Path>, folder: Option<&Path>) -> Result<(Lines, String), Box<Finding>> {
    let (opened, source) = match (file, folder) {
        (Some(file), _) if file.is_dir() => (Lines::of_folder(file), file),
        (Some(file), _) => (Lines::of_file(file), file),
        (None, Some(folder)) => (Lines::of_folder(folder), folder),
        (None, None) => {
            let finding = Finding::error("history-none", "no state is kept, so there is no history");
            return Err(Box::new(finding.help("name a file with --history")));
        }
    };
    let source = source.display().to_string();
    match opened {
        Ok(lines) => Ok((lines, source)),
        Err(error) => {
            let finding = Finding::error("history-unreadable", format!("{source} cannot be read: {error}"));
            Err(Box::new(finding.help("run it as a user who may read it, or name a copy with --history")))
        }
    }
}
