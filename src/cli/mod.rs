//! The commands: one file or folder for each, and their output.
//!
//! ```text
//!  args ──▶ serve · check · probe · explain · simulate · replay · init · import · export · ready · demo
//!        └▶ status · watch · log · force · drain · clear · failback · drill · reload · transfers ─▶ remote: the API of a running server
//!               │              input: files and findings    offline: a core without probes
//!               ▼
//!           live: the table      words: what things are called ─▶ line: columns ─▶ paint: colours
//! ```
//!
//! **Invariant:** what a command prints is made by pure functions; only `input` and `live::screen` write it.
//!
//! Exit codes: 0 done; 1 findings, or a probe that failed; 2 wrong use or unreadable input; 3 could not start; 4 refused
//! by a running server.

pub mod args;
mod check;
mod completion;
mod demo;
mod drill;
mod examples;
mod exchange;
mod exit;
mod explain;
mod init;
mod input;
mod line;
mod live;
mod log;
mod manual;
mod offline;
mod order;
mod paint;
mod probe;
mod ready;
mod reload;
mod remote;
mod replay;
mod serve;
mod simulate;
mod status;
#[cfg(test)]
mod testing;
mod transfers;
mod watch;
mod words;

use std::process::ExitCode;

use clap::Parser;

pub use exit::{FINDINGS, REFUSED, START, USAGE};

use args::{Arguments, Command};

/// Reads the command line and does what it says.
pub fn run() -> ExitCode {
    if completion::answer() {
        return ExitCode::SUCCESS;
    }
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => {
            // Help and version are no errors; clap knows the stream and the code of each.
            let code = u8::try_from(error.exit_code()).unwrap_or(USAGE);
            return match error.print() {
                Ok(()) => ExitCode::from(code),
                Err(_) => ExitCode::from(USAGE),
            };
        }
    };
    paint::choose(arguments.color);
    match arguments.command {
        Command::Serve(args) => serve::run(&args),
        Command::Check(args) => check::run(&args),
        Command::Probe(args) => probe::run(&args),
        Command::Explain(args) => explain::run(&args),
        Command::Simulate(args) => simulate::run(&args),
        Command::Replay(args) => replay::run(&args),
        Command::Init(args) => init::run(&args),
        Command::Import(args) => exchange::import(&args),
        Command::Export(args) => exchange::export(&args),
        Command::Ready(args) => ready::run(&args),
        Command::Status(args) => status::run(&args),
        Command::Watch(args) => watch::run(&args),
        Command::Log(args) => log::run(&args),
        Command::Force(args) => order::force(&args),
        Command::Drain(args) => order::drain(&args),
        Command::Clear(args) => order::clear(&args),
        Command::Failback(args) => order::failback(&args),
        Command::Transfers(args) => transfers::run(&args),
        Command::Refresh(args) => transfers::refresh(&args),
        Command::Retransfer(args) => transfers::retransfer(&args),
        Command::Drill(args) => drill::run(&args),
        Command::Reload(args) => reload::run(&args),
        Command::Demo(args) => demo::run(&args),
        Command::Completions { shell } => completion::run(shell),
        Command::Man { of } => manual::run(of.as_deref()),
    }
}
