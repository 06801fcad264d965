//! Finds what can be written in a config and does nothing yet, because this version has no way for orders and reports.

use std::collections::BTreeSet;

use crate::base::finding::Finding;
use crate::config::shape::File;
use crate::policy::Failback;

/// Returns a finding for each key that does nothing yet; `posts` are the names under which states could be reported.
pub(super) fn judge_idle(file: &File, posts: &BTreeSet<String>) -> Vec<Finding> {
    let services = file.services.iter().map(|entry| &entry.policy);
    let policies =
        std::iter::once(&file.policy).chain(services).chain(file.addresses.iter().map(|entry| &entry.policy));
    let manual =
        policies.filter_map(|policy| policy.failback.as_ref()).filter(|placed| placed.value == Failback::Manual);
    let mut findings: Vec<Finding> = manual
        .map(|placed| {
            Finding::warning(
                "failback-manual",
                "`failback = \"manual\"` waits for an order, and this version takes none",
            )
            .at(placed.place.clone())
            .why("after a failover the service stays with its standby until that fails")
            .help("leave it out, or set a longer `hold`, or a window such as \"window 02:00-04:00\"")
        })
        .collect();
    if let Some(first) = posts.first() {
        let message = format!("nothing can report the state `{first}`: this version has no interface for reports");
        let finding = Finding::warning("push-idle", message);
        findings
            .push(finding.why("the target counts as silent as soon as `patience` is over").help("use another check"));
    }
    findings
}
