//! The result of one probe, step by step.

use std::time::Duration;

use serde_json::{Value, json};

use crate::base::clock::{Mono, UnixTime};
use crate::health::{Cause, FailKind, Outcome, Report};

/// What one probe saw.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProbeReport {
    /// What it means.
    pub outcome: Outcome,
    /// When it began.
    pub began: Mono,
    /// How long it took to the answer that decided.
    pub latency: Duration,
    /// What was done, in order; the last one decided.
    pub steps: Vec<Step>,
    /// What works but should be fixed: an unknown issuer, a certificate near its end.
    pub warnings: Vec<String>,
    /// The certificate that the far side showed, also when it was refused.
    pub certificate: Option<Certificate>,
    /// Whether the target refused our credentials: they are not to be tried again as they are.
    pub refused: bool,
}

/// One step of a probe.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// What was done: `connect`, `tls`, `send`, `expect`.
    pub what: &'static str,
    /// How long it took.
    pub took: Duration,
    /// What was seen, in plain words.
    pub saw: String,
}

/// What is worth telling of a certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Certificate {
    /// The DNS names and addresses of its subject (SAN), in its own order, at most 32.
    pub names: Vec<String>,
    /// When it expires.
    pub not_after: UnixTime,
    /// Whole days left at the time of the probe; negative once it has expired.
    pub days_left: i64,
    /// Who issued it, as RFC 4514 text.
    pub issuer: String,
}

impl ProbeReport {
    /// Makes the account of a probe that broke inside.
    pub(super) fn broken(began: Mono, latency: Duration, cause: String) -> Self {
        let outcome = Outcome::Unknown(cause.into());
        Self { outcome, began, latency, steps: Vec::new(), warnings: Vec::new(), certificate: None, refused: false }
    }

    /// Returns whether it was refused before any server had work with it.
    pub(super) fn met_nobody(&self) -> bool {
        matches!(&self.outcome, Outcome::Fail { kind: FailKind::Conclusive, cause } if **cause == *NOBODY)
    }

    /// Returns what health needs of it.
    pub(super) fn into_health_report(self) -> Report {
        Report { outcome: self.outcome, began: self.began, latency: self.latency }
    }

    /// Returns it as JSON, times in milliseconds; `began` is left out, as only this process knows its clock.
    pub fn json(&self) -> Value {
        let steps: Vec<_> = (self.steps.iter())
            .map(|step| json!({ "what": step.what, "took_ms": millis(step.took), "saw": step.saw }))
            .collect();
        let certificate = self.certificate.as_ref().map(|certificate| {
            json!({
                "names": certificate.names,
                "not_after": certificate.not_after.to_string(),
                "days_left": certificate.days_left,
                "issuer": certificate.issuer,
            })
        });
        json!({
            "outcome": self.outcome.as_str(),
            "cause": self.outcome.cause(),
            "retry_after_secs": retry_after(&self.outcome).map(|after| after.as_secs()),
            "latency_ms": millis(self.latency),
            "steps": steps,
            "warnings": self.warnings,
            "certificate": certificate,
        })
    }
}

/// Returns an outcome with who saw it in front of its cause.
pub(super) fn because(outcome: &Outcome, label: &str) -> Outcome {
    let named = |cause: &Cause| Cause::from(format!("{label}: {cause}"));
    match outcome {
        Outcome::Pass => Outcome::Pass,
        Outcome::Degraded(cause) => Outcome::Degraded(named(cause)),
        Outcome::Drain { cause, retry_after } => Outcome::Drain { cause: named(cause), retry_after: *retry_after },
        Outcome::Fail { kind, cause } => Outcome::Fail { kind: *kind, cause: named(cause) },
        Outcome::Unknown(cause) => Outcome::Unknown(named(cause)),
    }
}

/// Returns how long a leaving target asks to be left alone.
const fn retry_after(outcome: &Outcome) -> Option<Duration> {
    match outcome {
        Outcome::Drain { retry_after, .. } => *retry_after,
        Outcome::Pass | Outcome::Degraded(_) | Outcome::Fail { .. } | Outcome::Unknown(_) => None,
    }
}

/// Returns milliseconds with three decimals.
fn millis(duration: Duration) -> f64 {
    (duration.as_secs_f64() * 1e6).round() / 1e3
}

/// The words for a refusal by the kernel or the network: no server was met.
pub(super) const NOBODY: &str = "connection refused";
