//! `explain`: why a name is answered as it is: by a running server, else offline, from the state folder if there is one.

mod flip;
mod json;
mod page;
mod question;
#[cfg(test)]
mod tests;
mod text;

use std::process::ExitCode;

use crate::base::clock::Clock;
use crate::base::finding::Severity;

use super::args::Explain;
use super::offline;
use super::paint::Paint;
use super::simulate::all_known;
use super::{USAGE, input, line};
use page::Page;
use question::Question;

/// Runs the command.
pub(super) fn run(args: &Explain) -> ExitCode {
    let question = match Question::read(args) {
        Ok(question) => question,
        Err(finding) => {
            input::tell(&[*finding], Severity::Error);
            return ExitCode::from(USAGE);
        }
    };
    let now = Clock::start().now();
    let (running, mut belief) = match offline::load(&question.input, now) {
        Ok(loaded) => loaded,
        Err(code) => return code,
    };
    let down = offline::find(&running.setup, &args.down);
    if let Err(code) = all_known(&running, &down) {
        return code;
    }
    let core = belief.core(&running.setup, &down.targets, now);
    let name = match question.resolve(core.snapshot(), &running.setup) {
        Ok(name) => name,
        Err(finding) => {
            input::tell(&[*finding], Severity::Error);
            return ExitCode::from(USAGE);
        }
    };
    let page = Page::find(&core, &belief, name, question.rtype, now);
    if args.json {
        input::print(&format!("{:#}\n", json::of(&page)));
    } else {
        input::say(&line::text(&text::of(&page), Paint::stdout()));
    }
    ExitCode::SUCCESS
}
