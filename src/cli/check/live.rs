//! `check --live`: every target is probed once, several at a time, never two at once on an address.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;

use crate::base::clock::Clock;
use crate::base::finding::{Finding, Severity};
use crate::base::tasks::Tasks;
use crate::config::Running;
use crate::health::Outcome;
use crate::probe::account::{cause, word};
use crate::probe::{self, Account, Spec, Tools};

/// What one probe saw.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Seen {
    /// The members that rest on the target.
    pub(super) members: Vec<String>,
    /// The target, as in `tls 192.0.2.1:5061 example.com`.
    pub(super) target: String,
    /// The outcome's word.
    pub(super) outcome: &'static str,
    /// Why.
    pub(super) cause: Option<String>,
    /// How long it took to the answer that decided, in milliseconds.
    pub(super) latency_ms: f64,
    /// Whole days left of the certificate that was shown.
    pub(super) certificate_days: Option<i64>,
    #[serde(skip)]
    findings: Vec<Finding>,
}

/// Probes every target that may be probed; returns what was seen in the order of the setup, and the findings.
pub(super) async fn probe_all(running: &Running) -> (Vec<Seen>, Vec<Finding>) {
    let (clock, tools, tasks) = (Clock::start(), Arc::new(Tools::from_system()), Tasks::new());
    let mut findings = Vec::new();
    let mut by_address: BTreeMap<IpAddr, Vec<(usize, Spec)>> = BTreeMap::new();
    for (place, (_, spec)) in running.specs.iter().enumerate() {
        if let Some(spec) = spec {
            by_address.entry(spec.address.ip()).or_default().push((place, spec.clone()));
        }
    }
    let mut waiting = by_address.into_values();
    let mut under_way = tasks.set("live-probe");
    let mut accounts: BTreeMap<usize, Account> = BTreeMap::new();
    loop {
        while under_way.len() < AT_ONCE
            && let Some(specs) = waiting.next()
        {
            let tools = Arc::clone(&tools);
            under_way.spawn(async move {
                let mut accounts = Vec::new();
                for (place, spec) in specs {
                    if !accounts.is_empty() {
                        tokio::time::sleep(PACE).await;
                    }
                    accounts.push((place, probe::run(&spec, &clock, &tools).await));
                }
                accounts
            });
        }
        let Some((_, ended)) = under_way.next().await else { break };
        accounts.extend(ended.unwrap_or_default());
    }
    let mut members: Vec<Vec<String>> = vec![Vec::new(); running.setup.targets.len()];
    for member in running.setup.pools.iter().flat_map(|(_, pool)| &pool.members) {
        for id in &member.targets {
            let labels = members.get_mut(crate::base::table::RowId::index(*id));
            if let Some(labels) = labels.filter(|labels| !labels.contains(&member.label)) {
                labels.push(member.label.clone());
            }
        }
    }
    let mut all = Vec::new();
    for ((place, (_, target)), members) in running.setup.targets.iter().enumerate().zip(members) {
        let Some(account) = accounts.get(&place) else { continue };
        let seen = Seen::of(&target.key.to_string(), members, account);
        findings.extend(seen.findings.iter().cloned());
        all.push(seen);
    }
    if let Some(warning) = tools.warning().filter(|_| running.specs.iter().any(|(_, spec)| is_tls(spec.as_ref()))) {
        findings.push(Finding::warning("live-roots", warning));
    }
    (all, findings)
}

impl Seen {
    fn of(target: &str, members: Vec<String>, account: &Account) -> Self {
        let why = cause(&account.outcome).map(ToString::to_string);
        let whose = if members.is_empty() { String::new() } else { format!("{}: ", members.join(", ")) };
        let because = why.as_deref().map_or_else(String::new, |why| format!(": {why}"));
        let find = |severity, id, what: &str| Finding {
            severity,
            ..Finding::note(id, format!("{whose}{target} {what}{because}"))
        };
        let mut findings = match &account.outcome {
            Outcome::Pass => Vec::new(),
            Outcome::Degraded(_) => vec![find(Severity::Warning, "live-degraded", "is alive, but full")],
            Outcome::Drain { .. } => vec![find(Severity::Warning, "live-leaving", "says that it is leaving")],
            Outcome::Fail { .. } => vec![find(Severity::Error, "live-down", "does not serve")],
            Outcome::Unknown(_) => vec![find(Severity::Warning, "live-unknown", "could not be tested from here")],
        };
        for warning in &account.warnings {
            findings.push(Finding::warning("live-warning", format!("{whose}{target}: {warning}")));
        }
        Self {
            target: target.to_owned(),
            outcome: word(&account.outcome),
            cause: why,
            latency_ms: account.latency.as_secs_f64() * 1e3,
            certificate_days: account.certificate.as_ref().map(|certificate| certificate.days_left),
            members,
            findings,
        }
    }

    /// Prints it for people.
    pub(super) fn line(&self) -> String {
        let days = self.certificate_days.map_or_else(String::new, |days| format!("; certificate: {days} days left"));
        let cause = self.cause.as_deref().map_or_else(String::new, |cause| format!("; {cause}"));
        let (outcome, latency, target) = (self.outcome, self.latency_ms, &self.target);
        format!("{outcome:<9} {latency:>8.1} ms  {target}  {}{cause}{days}", self.members.join(", "))
    }
}

fn is_tls(spec: Option<&Spec>) -> bool {
    spec.is_some_and(|spec| spec.check.transport() == "tls")
}

/// How many addresses are probed at once.
const AT_ONCE: usize = 64;
/// From probe to probe on an address: five a second.
const PACE: Duration = Duration::from_millis(200);
