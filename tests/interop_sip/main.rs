//! The check `sip` against Kamailio and SIPp, as the built program does it: by `probe`, and in what `serve` answers.
//!
//! Packages: `kamailio`, `kamailio-tls-modules`, `sip-tester`. They run as nobody if this runs as root, each test has its
//! own loopback addresses, and nothing leaves the machine.
#![expect(clippy::unwrap_used, reason = "a test stops at what it did not expect")]
#![expect(clippy::disallowed_methods, reason = "deadlines are kept by the real clock")]

#[path = "../process/client.rs"]
#[expect(dead_code, reason = "shared with other tests")]
mod client;
mod foreign;
mod kamailio;
mod probing;
#[path = "../process/server.rs"]
#[expect(dead_code, reason = "shared with other tests")]
mod server;
mod serving;
mod sipp;

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

    /// Asserts the outcome, part of its cause, and the exit code that goes with it.
    #[track_caller]
    fn is(&self, outcome: &str, cause: &str) {
        let code = i32::from(!matches!(outcome, "pass" | "degraded"));
        let told = self.account["cause"].as_str().unwrap_or("");
        assert!(self.outcome() == outcome && told.contains(cause) && self.code == code, "{outcome} {cause}: {self:#?}");
    }
}
