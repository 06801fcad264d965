//! `check --live`: every target is probed once, several at a time, never two at once on an address.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;
use serde_json::Value;

use crate::base::clock::Clock;
use crate::base::finding::{Finding, Severity};
use crate::base::tasks::Tasks;
use crate::cli::words::{counted, days_left};
use crate::config::Running;
use crate::engine::setup::{MemberSetup, Setup};
use crate::health::Outcome;
use crate::probe::{self, ProbeContext, ProbeReport, Spec};
use crate::zone::Name;

/// What one probe saw.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Seen {
    /// The members that rest on the target.
    pub(super) members: Vec<String>,
    /// The target, as in `tls 192.0.2.1:5061 example.com`.
    pub(super) target: String,
    /// The outcome's word, or `untested`.
    pub(super) outcome: &'static str,
    /// Why.
    pub(super) cause: Option<String>,
    /// How long it took to the answer that decided, in milliseconds; nothing if it was not probed.
    pub(super) latency_ms: Option<f64>,
    /// What was done, in order, as `probe --json` tells it.
    pub(super) steps: Value,
    /// Whole days left of the certificate that was shown.
    pub(super) certificate_days: Option<i64>,
    #[serde(skip)]
    findings: Vec<Finding>,
}

/// Probes every target that may be probed; returns what was seen in the order of the setup, and the findings.
pub(super) async fn probe_all(running: &Running) -> (Vec<Seen>, Vec<Finding>) {
    let (clock, context, tasks) = (Clock::start(), Arc::new(ProbeContext::from_system()), Tasks::new());
    let mut findings = Vec::new();
    let mut by_address: BTreeMap<IpAddr, Vec<(usize, Spec)>> = BTreeMap::new();
    for (place, (_, spec)) in running.specs.iter().enumerate() {
        if let Some(spec) = spec {
            by_address.entry(spec.address.ip()).or_default().push((place, spec.clone()));
        }
    }
    let mut waiting = by_address.into_values();
    let mut under_way = tasks.set("live-probe");
    let mut accounts: BTreeMap<usize, ProbeReport> = BTreeMap::new();
    loop {
        while under_way.len() < AT_ONCE
            && let Some(specs) = waiting.next()
        {
            let context = Arc::clone(&context);
            under_way.spawn(async move {
                let mut accounts = Vec::new();
                for (place, spec) in specs {
                    if !accounts.is_empty() {
                        tokio::time::sleep(PACE).await;
                    }
                    accounts.push((place, probe::run(&spec, &clock, &context).await));
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
        let target = target.key.to_string();
        let seen = match accounts.get(&place) {
            Some(report) => Seen::of(&target, members, report),
            None => Seen::untested(&target, members),
        };
        findings.extend(seen.findings.iter().cloned());
        all.push(seen);
    }
    findings.extend(same_machines(&running.setup, &running.outside.hosts));
    if let Some(warning) = context.warning().filter(|_| running.specs.iter().any(|(_, spec)| is_tls(spec.as_ref()))) {
        findings.push(Finding::warning("live-roots", warning));
    }
    (all, findings)
}

/// Finds standby members outside of the zones all of whose addresses a better tier of their service has; of those in the
/// zones the lint says so.
fn same_machines(of: &Setup, foreign: &[Name]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (_, pool) in of.pools.iter() {
        let mut members: Vec<_> = pool.pool.members.iter().zip(&pool.members).collect();
        members.sort_by_key(|(member, _)| member.priority);
        let addresses = |setup: &MemberSetup| -> BTreeSet<IpAddr> {
            setup.targets.iter().map(|id| of.targets[*id].key.address).collect()
        };
        let outside = |setup: &MemberSetup| setup.data.host().is_some_and(|host| foreign.contains(host));
        for (place, (member, setup)) in members.iter().enumerate() {
            let own = addresses(setup);
            let better = members.iter().take(place).find(|(other, others)| {
                other.priority < member.priority
                    && other.half == member.half
                    && !own.is_empty()
                    && (outside(setup) || outside(others))
                    && own.is_subset(&addresses(others))
            });
            if let Some((_, primary)) = better {
                let message =
                    format!("{}: the standby {} is the same machine as {}", pool.name, setup.label, primary.label);
                let finding = Finding::warning("srv-standby-same-machine", message);
                let finding = finding.why("when the machine fails, its standby fails with it");
                findings.push(finding.help("put the standby on another machine, best at another site"));
            }
        }
    }
    findings
}

impl Seen {
    fn of(target: &str, members: Vec<String>, report: &ProbeReport) -> Self {
        let why = report.outcome.cause().map(ToString::to_string);
        let whose = if members.is_empty() { String::new() } else { format!("{}: ", members.join(", ")) };
        let because = why.as_deref().map_or_else(String::new, |why| format!(": {why}"));
        let find = |severity, id, what: &str| Finding {
            severity,
            ..Finding::note(id, format!("{whose}{target} {what}{because}"))
        };
        let mut findings = match &report.outcome {
            Outcome::Pass => Vec::new(),
            Outcome::Degraded(_) => vec![find(Severity::Warning, "live-degraded", "is alive, but full")],
            Outcome::Drain { .. } => vec![find(Severity::Warning, "live-leaving", "says that it is leaving")],
            Outcome::Fail { .. } => {
                let finding = find(Severity::Error, "live-down", "does not serve");
                vec![finding.help("`understudy probe` with the zone and the service's name tells it step by step")]
            }
            Outcome::Unknown(_) => vec![find(Severity::Warning, "live-unknown", "could not be tested from here")],
        };
        for warning in &report.warnings {
            findings.push(Finding::warning("live-warning", format!("{whose}{target}: {warning}")));
        }
        Self {
            target: target.to_owned(),
            outcome: report.outcome.as_str(),
            cause: why,
            latency_ms: Some(report.latency.as_secs_f64() * 1e3),
            steps: report.json()["steps"].take(),
            certificate_days: report.certificate.as_ref().map(|certificate| certificate.days_left),
            members,
            findings,
        }
    }

    /// A target that `probe-allow` does not name. The lint says so where it matters.
    fn untested(target: &str, members: Vec<String>) -> Self {
        Self {
            members,
            target: target.to_owned(),
            outcome: "untested",
            cause: Some("outside of what `probe-allow` names".to_owned()),
            latency_ms: None,
            steps: Value::Array(Vec::new()),
            certificate_days: None,
            findings: Vec::new(),
        }
    }
}

/// Prints what was seen for people, a line for each target, in columns.
pub(super) fn table(all: &[Seen]) -> String {
    let members = |seen: &Seen| seen.members.join(", ");
    let width = |of: &dyn Fn(&Seen) -> usize| all.iter().map(of).max().unwrap_or_default().min(WIDEST);
    let (first, second) = (width(&|seen| members(seen).len()), width(&|seen| seen.target.len()));
    let line = |seen: &Seen| {
        let latency = seen.latency_ms.map_or_else(String::new, |latency| format!("{latency:.1} ms"));
        let days = seen.certificate_days.map(|days| format!("certificate: {}", days_left(days)));
        let rest: Vec<String> = seen.cause.clone().into_iter().chain(days).collect();
        let (outcome, target, rest) = (seen.outcome, &seen.target, rest.join("; "));
        let line = format!("{outcome:<8} {latency:>10}  {:<first$}  {target:<second$}  {rest}", members(seen));
        format!("{}\n", line.trim_end())
    };
    let mut lines: String = all.iter().map(line).collect();
    let dated = all.iter().filter_map(|seen| Some((seen.certificate_days?, seen)));
    let count = dated.clone().count();
    if let Some((days, first)) = dated.min_by_key(|(days, _)| *days) {
        let whose = first.members.first().unwrap_or(&first.target);
        lines +=
            &format!("{}; the first to end is that of {whose}: {}\n", counted(count, "certificate"), days_left(days));
    }
    lines
}

fn is_tls(spec: Option<&Spec>) -> bool {
    spec.is_some_and(|spec| spec.check.transport() == "tls")
}

/// How many addresses are probed at once.
const AT_ONCE: usize = 64;
/// From probe to probe on an address: five a second.
const PACE: Duration = Duration::from_millis(200);
/// The widest column: longer words push the rest of their line to the right.
const WIDEST: usize = 96;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::testing::resolved;

    #[test]
    fn a_standby_elsewhere_on_the_same_machine_is_found() {
        let zone = "$ORIGIN example.com.\n$TTL 30\n@ IN SOA ns1 h 1 3600 600 604800 30\n@ IN NS ns1\nns1 IN A 127.0.0.1\n\
                    _a._tcp IN SRV 10 0 80 one.example.net.\n_a._tcp IN SRV 20 0 80 two.example.net.\n\
                    _b._tcp IN SRV 10 0 80 one.example.net.\n_b._tcp IN SRV 20 0 80 three.example.net.\n";
        let hosts = ["one", "two", "three"].map(|host| format!("{host}.example.net").parse::<Name>().unwrap());
        let addresses = ["127.0.0.7", "127.0.0.7", "127.0.0.8"].map(|address| vec![address.parse().unwrap()]);
        let setup = resolved(zone, &hosts.iter().cloned().zip(addresses).collect());
        let found = same_machines(&setup, &hosts);
        let said: Vec<&str> = found.iter().map(|finding| finding.message.as_str()).collect();
        assert_eq!(
            said,
            ["_a._tcp.example.com.: the standby two.example.net:80 is the same machine as one.example.net:80"]
        );
    }

    #[test]
    fn certificates_are_summarised_by_the_first_that_ends() {
        let seen = |target: &str, certificate_days| Seen {
            members: Vec::new(),
            target: target.to_owned(),
            outcome: "pass",
            cause: None,
            latency_ms: None,
            steps: Value::Null,
            certificate_days,
            findings: Vec::new(),
        };
        let text = table(&[seen("a", Some(90)), seen("b", Some(3)), seen("c", None)]);
        assert_eq!(text.lines().last(), Some("2 certificates; the first to end is that of b: 3 days left"));
        assert_eq!(table(&[seen("c", None)]).lines().count(), 1);
    }
}
