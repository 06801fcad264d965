//! Finds what can be written in a config and does nothing, as orders and reports have no way to a server without its API.

use std::collections::BTreeSet;

use crate::base::finding::Finding;
use crate::config::shape::File;
use crate::policy::Failback;

/// Returns a finding for each key that does nothing without the API; `posts` are the names under which states could be reported.
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
                "`failback = \"manual\"` waits for an order, and the server takes none: it has no `admin-socket`",
            )
            .at(placed.place.clone())
            .why("after a failover the service stays with its standby until that fails")
            .help("name an `admin-socket` in [server], or set a window such as \"window 02:00-04:00\"")
        })
        .collect();
    if let Some(first) = posts.first() {
        let message = format!("nothing can report the state `{first}`: the server has no `admin-socket`");
        let finding = Finding::warning("push-idle", message);
        findings.push(
            finding
                .why("the target counts as silent as soon as `patience` is over")
                .help("name an `admin-socket` in [server], or use another check"),
        );
    }
    findings
}
