//! The program under test: one probe, told as JSON.

use std::path::Path;
use std::process::Command;

use serde_json::Value;

/// How a probe went.
#[derive(Debug)]
pub(crate) struct Probed {
    pub(crate) code: Option<i32>,
    pub(crate) told: Value,
}

/// Probes a URL.
#[track_caller]
pub(crate) fn probe(url: &str) -> Probed {
    probe_with(url, &[])
}

/// Probes a URL, trusting a CA.
#[track_caller]
pub(crate) fn probe_trusting(url: &str, ca: &Path) -> Probed {
    probe_with(url, &["--ca-file", &ca.display().to_string()])
}

/// Probes a URL with options.
#[track_caller]
pub(crate) fn probe_with(url: &str, options: &[&str]) -> Probed {
    run(Command::new(env!("CARGO_BIN_EXE_understudy")).args(["probe", url, "--json"]).args(options))
}

/// Probes the one target of a service of a config.
#[track_caller]
pub(crate) fn probe_service(config: &Path, owner: &str) -> Probed {
    run(Command::new(env!("CARGO_BIN_EXE_understudy")).arg("probe").arg(config).args([owner, "--json"]))
}

/// Runs a command that tells one probe.
#[track_caller]
pub(crate) fn run(command: &mut Command) -> Probed {
    let output = command.output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let told = serde_json::from_str(text.trim());
    let told = told.unwrap_or_else(|error| panic!("{error}: {text} {}", String::from_utf8_lossy(&output.stderr)));
    Probed { code: output.status.code(), told }
}

impl Probed {
    /// Asserts outcome and part of the cause; the exit code must fit.
    #[track_caller]
    pub(crate) fn saw(&self, outcome: &str, cause: &str) -> &Self {
        let text = self.told["cause"].as_str().unwrap_or_default();
        assert!(self.told["outcome"] == outcome && text.contains(cause), "{outcome} {cause}: {self:#?}");
        let code = if matches!(outcome, "pass" | "degraded") { 0 } else { 1 };
        assert_eq!(self.code, Some(code), "{self:#?}");
        self
    }

    /// Asserts what was seen in one of the steps.
    #[track_caller]
    pub(crate) fn step(&self, what: &str, saw: &str) -> &Self {
        let steps = self.told["steps"].as_array().unwrap();
        let found = steps.iter().any(|step| step["what"] == what && step["saw"].as_str().unwrap().contains(saw));
        assert!(found, "{what} {saw}: {self:#?}");
        self
    }

    pub(crate) fn passes(&self) -> bool {
        self.code == Some(0)
    }
}
