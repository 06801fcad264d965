//! Runs foreign tools.

use std::process::Command;

/// Runs a tool and returns what it printed; a missing one is named.
#[track_caller]
pub(crate) fn run(tool: &str, arguments: &[&str]) -> String {
    let output = Command::new(tool).args(arguments).env("HOME", "/nonexistent").output();
    let output = output.unwrap_or_else(|error| panic!("{tool} cannot be run ({error}): install its package"));
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}
