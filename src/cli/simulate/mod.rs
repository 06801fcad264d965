//! `simulate`: what would be served if these were down. Offline.

mod effect;
mod expect;
mod page;
#[cfg(test)]
mod tests;

use std::process::ExitCode;

use crate::base::clock::Clock;
use crate::base::finding::{Finding, Severity};
use crate::config::{Input, Running};

use super::args::Simulate;
use super::offline::{self, Assumed};
use super::paint::Paint;
use super::{FINDINGS, USAGE, input, line};
use effect::Effect;

/// Runs the command.
pub(super) fn run(args: &Simulate) -> ExitCode {
    let from = Input {
        files: args.sources.files.clone(),
        state: input::state_choice(args.state.state.as_ref()),
        ..Input::default()
    };
    let now = Clock::start().now();
    let (running, mut belief) = match offline::load(&from, now) {
        Ok(loaded) => loaded,
        Err(code) => return code,
    };
    let assumed = offline::find(&running.setup, &args.down);
    if let Err(code) = all_known(&running, &assumed) {
        return code;
    }
    let before = belief.clone().core(&running.setup, &Default::default(), now);
    let core = belief.core(&running.setup, &assumed.targets, now);
    let effect = Effect::of(&before, &core, &assumed, now);
    if args.json {
        input::print(&format!("{:#}\n", page::as_json(&effect, &belief)));
    } else {
        input::say(&line::text(&page::as_text(&effect, &belief), Paint::stdout()));
    }
    let unmet = expect::unmet(&effect, &args.expect);
    input::tell(&unmet, Severity::Error);
    if unmet.is_empty() { ExitCode::SUCCESS } else { ExitCode::from(FINDINGS) }
}

/// Tells which words of `--down` mean nothing, and what would be right.
///
/// # Errors
/// The exit code, if there are any.
pub(super) fn all_known(running: &Running, assumed: &Assumed) -> Result<(), ExitCode> {
    if assumed.unknown.is_empty() {
        return Ok(());
    }
    let told = |word: &String| {
        Finding::error("down-unknown", format!("no tested target is meant by {word}"))
            .help(offline::suggest_target(running, word))
    };
    input::tell(&assumed.unknown.iter().map(told).collect::<Vec<_>>(), Severity::Error);
    Err(ExitCode::from(USAGE))
}
