//! The checks `stun` and `turn` against coturn and ejabberd, as the built program does them: by `probe`, and in what
//! `serve` answers.
//!
//! Packages: `coturn`, `ejabberd`. They run as nobody if this runs as root, each test has its own loopback addresses,
//! and nothing leaves the machine.
#![expect(clippy::unwrap_used, reason = "a test stops at what it did not expect")]
#![expect(clippy::disallowed_methods, reason = "deadlines are kept by the real clock")]

#[path = "../process/client.rs"]
#[expect(dead_code, reason = "shared with other tests")]
mod client;
mod coturn;
mod ejabberd;
#[path = "../interop_sip/foreign.rs"]
mod foreign;
mod logins;
mod probing;
#[path = "../process/server.rs"]
#[expect(dead_code, reason = "shared with other tests")]
mod server;
mod serving;

use serde_json::Value;
use server::Program;

/// What one probe told.
#[derive(Debug)]
struct Told {
    code: i32,
    account: Value,
}

/// Runs `understudy probe --json` with these words; one target.
#[track_caller]
fn probe(words: &[&str]) -> Told {
    let (code, said) = Program::new(&[&["probe", "--json"], words].concat()).end();
    let account = said.lines().find_map(|line| serde_json::from_str(line).ok()).unwrap_or_else(|| panic!("{said}"));
    Told { code, account }
}

impl Told {
    fn outcome(&self) -> &str {
        self.account["outcome"].as_str().unwrap()
    }

    /// What the steps saw, each behind its name.
    fn steps(&self) -> Vec<String> {
        let steps = self.account["steps"].as_array().unwrap().iter();
        steps.map(|step| format!("{}: {}", step["what"].as_str().unwrap(), step["saw"].as_str().unwrap())).collect()
    }

    fn warnings(&self) -> Vec<&str> {
        self.account["warnings"].as_array().unwrap().iter().map(|warning| warning.as_str().unwrap()).collect()
    }

    /// Asserts the outcome, part of its cause, and the exit code that goes with it.
    #[track_caller]
    fn is(&self, outcome: &str, cause: &str) {
        let code = i32::from(!matches!(outcome, "pass" | "degraded"));
        let told = self.account["cause"].as_str().unwrap_or("");
        assert!(self.outcome() == outcome && told.contains(cause) && self.code == code, "{outcome} {cause}: {self:#?}");
    }
}
