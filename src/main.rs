//! The program: parses its arguments and runs the command.

use std::process::ExitCode;

fn main() -> ExitCode {
    understudy::cli::run()
}
