//! Runs one check once, and prints it step by step.
//!
//! ```text
//! tls://node1.example.com:5061/example.com at 127.0.0.1 (name=example.com)
//!   resolve          1.4 ms  127.0.0.1, ::1
//!   connect          0.2 ms  connected
//!   tls              3.1 ms  TLS 1.3, TLS13_AES_256_GCM_SHA384
//!   certificate              example.com, *.example.com; 54 days left (2027-01-14T00:00:00Z); issuer CN=Some CA
//!   pass             3.3 ms
//! ```

use std::io::{self, Write};
use std::time::Duration;

use serde_json::{Value, json};

use crate::base::clock::Clock;
use crate::cli::words::days_left;
use crate::health::Outcome;
use crate::probe::allow::{Access, DeclaredBy};
use crate::probe::{ProbeContext, ProbeReport, Spec, Step, run};

/// A target, and what the user calls it.
#[derive(Debug)]
pub(super) struct Asked {
    /// The URL, or the member.
    pub(super) label: String,
    pub(super) spec: Spec,
    /// How the name in the URL was resolved.
    pub(super) resolved: Option<Step>,
}

/// What the command needs.
#[derive(Debug)]
pub(super) struct Prober {
    /// The clock.
    pub(super) clock: Clock,
    /// What all probes share.
    pub(super) context: ProbeContext,
    /// What may be probed (`--allow`, `--deny`, or the config's).
    pub(super) access: Access,
    /// How it is told.
    pub(super) form: Form,
}

/// How a probe is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// For people.
    Text,
    /// One JSON object a line (`--json`).
    Json,
}

/// How it went; ordered, the worst last. Its number is the exit code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Went {
    /// Passed, or degraded: alive.
    Well,
    /// Failed, leaving, or not to be told for a fault of our own.
    Badly,
    /// Not probed: the address may not be.
    Refused,
}

impl Went {
    /// Returns the exit code.
    pub(super) const fn code(self) -> u8 {
        match self {
            Self::Well => 0,
            Self::Badly => 1,
            Self::Refused => 2,
        }
    }
}

impl Prober {
    /// Probes each in turn and tells it as it comes; returns how the worst went.
    pub(super) async fn tell_all(&self, targets: &[Asked], out: &mut impl Write) -> io::Result<Went> {
        let mut worst = Went::Well;
        if let (Form::Text, Some(warning)) = (self.form, self.context.warning()) {
            let of_tls = targets.iter().any(|asked| asked.spec.check.transport() == "tls");
            if of_tls {
                writeln!(out, "warning: {warning}")?;
            }
        }
        for asked in targets {
            worst = worst.max(self.tell(asked, out).await?);
        }
        out.flush()?;
        Ok(worst)
    }

    /// Probes once and tells it.
    async fn tell(&self, asked: &Asked, out: &mut impl Write) -> io::Result<Went> {
        let Asked { label, spec, resolved } = asked;
        if let Err(refused) = self.access.permits(spec.address.ip(), DeclaredBy::Us) {
            let mut value = identity(label, spec);
            merge(&mut value, json!({ "outcome": "refused", "cause": refused.to_string() }));
            match self.form {
                Form::Json => writeln!(out, "{value}")?,
                Form::Text => {
                    writeln!(out, "{}", title(label, spec))?;
                    writeln!(out, "  not probed: {refused}; name it with --allow to probe it nevertheless")?;
                }
            }
            return Ok(Went::Refused);
        }
        if self.form == Form::Text {
            writeln!(out, "{}", title(label, spec))?;
            out.flush()?;
        }
        let mut report = run(spec, &self.clock, &self.context).await;
        report.steps.splice(..0, resolved.clone());
        match self.form {
            Form::Json => {
                let mut value = identity(label, spec);
                merge(&mut value, report.json());
                writeln!(out, "{value}")?;
            }
            Form::Text => write_account(&report, out)?,
        }
        out.flush()?;
        Ok(match report.outcome {
            Outcome::Pass | Outcome::Degraded(_) => Went::Well,
            Outcome::Drain { .. } | Outcome::Fail { .. } | Outcome::Unknown(_) => Went::Badly,
        })
    }
}

/// Writes an account for people, each line behind two blanks.
pub(super) fn write_account(report: &ProbeReport, out: &mut impl Write) -> io::Result<()> {
    for step in &report.steps {
        line(out, step.what, Some(step.took), &step.saw)?;
    }
    if let Some(certificate) = &report.certificate {
        let names = if certificate.names.is_empty() { "no name".to_owned() } else { certificate.names.join(", ") };
        let left = days_left(certificate.days_left);
        let text = format!("{names}; {left} ({}); issuer {}", certificate.not_after, certificate.issuer);
        line(out, "certificate", None, &text)?;
    }
    for warning in &report.warnings {
        line(out, "warning", None, warning)?;
    }
    line(out, report.outcome.as_str(), Some(report.latency), report.outcome.cause().unwrap_or(""))
}

/// Writes `what`, how long it took, and what was seen, in columns.
fn line(out: &mut impl Write, what: &str, took: Option<Duration>, saw: &str) -> io::Result<()> {
    let took = took.map_or_else(String::new, |took| format!("{:.1} ms", took.as_secs_f64() * 1e3));
    let text = format!("  {what:<11} {took:>11}  {saw}");
    writeln!(out, "{}", text.trim_end())
}

/// Says what is probed, and where.
fn title(label: &str, spec: &Spec) -> String {
    let (kind, transport) = (spec.check.kind(), spec.check.transport());
    let over = if kind == transport { String::new() } else { format!(" over {transport}") };
    let parameters = spec.check.parameters();
    let with = if parameters.is_empty() { String::new() } else { format!(" ({parameters})") };
    if label.contains("://") {
        return format!("{label}{with}");
    }
    let named = if label == spec.address.to_string() { String::new() } else { format!("{label}: ") };
    format!("{named}{kind}{over} to {}{with}", spec.address)
}

/// Says the same in JSON.
fn identity(label: &str, spec: &Spec) -> Value {
    json!({
        "label": label,
        "address": spec.address.ip().to_string(),
        "port": spec.address.port(),
        "kind": spec.check.kind(),
        "transport": spec.check.transport(),
        "parameters": spec.check.parameters(),
    })
}

/// Adds the members of one JSON object to another.
fn merge(into: &mut Value, from: Value) {
    if let (Value::Object(into), Value::Object(from)) = (into, from) {
        into.extend(from);
    }
}
