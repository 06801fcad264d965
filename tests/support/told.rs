//! One probe by the built program, and what it told.

use crate::server::Program;
use serde_json::Value;

/// What one probe told.
#[derive(Debug)]
pub(crate) struct Told {
    pub(crate) code: i32,
    pub(crate) report: Value,
}

/// Runs `understudy probe --json` with these words; one target.
#[track_caller]
pub(crate) fn probe(words: &[&str]) -> Told {
    let (code, said) = Program::new(&[&["probe", "--json"], words].concat()).end();
    let report = said.lines().find_map(|line| serde_json::from_str(line).ok()).unwrap_or_else(|| panic!("{said}"));
    Told { code, report }
}

impl Told {
    pub(crate) fn outcome(&self) -> &str {
        self.report["outcome"].as_str().unwrap()
    }

    /// What the steps saw, each behind its name.
    pub(crate) fn steps(&self) -> Vec<String> {
        let steps = self.report["steps"].as_array().unwrap().iter();
        steps.map(|step| format!("{}: {}", step["what"].as_str().unwrap(), step["saw"].as_str().unwrap())).collect()
    }

    pub(crate) fn warnings(&self) -> Vec<&str> {
        self.report["warnings"].as_array().unwrap().iter().map(|warning| warning.as_str().unwrap()).collect()
    }

    /// Asserts the outcome, part of its cause, and the exit code that goes with it.
    #[track_caller]
    pub(crate) fn is(&self, outcome: &str, cause: &str) {
        let code = i32::from(!matches!(outcome, "pass" | "degraded"));
        let told = self.report["cause"].as_str().unwrap_or("");
        assert!(self.outcome() == outcome && told.contains(cause) && self.code == code, "{outcome} {cause}: {self:#?}");
    }
}
