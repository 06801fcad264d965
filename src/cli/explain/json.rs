//! The page as JSON.

use serde_json::{Value, json};

use crate::admin::view::Served;
use crate::engine::status::PoolStatus;
use crate::health::TargetId;
use crate::health::machine::State;

use super::flip;
use super::page::Page;

/// Makes one object of a page; what is not known is null.
pub(super) fn of(page: &Page<'_>) -> Value {
    let uses = page.uses.iter().map(|used| {
        json!({
            "service": used.service, "priority": used.priority, "listed": used.placement.lists(),
            "placement": used.placement.to_string(),
        })
    });
    let addresses = page.host.into_iter().flat_map(|host| &host.addresses).map(|(address, targets)| {
        let targets: Vec<Value> = targets.iter().map(|id| target(page, *id)).collect();
        json!({ "address": address.to_string(), "targets": targets })
    });
    json!({
        "belief": page.belief.told, "state": page.belief.is_kept(), "source": page.belief.json(),
        "name": page.name.to_string(), "rcode": page.answer.rcode, "remark": page.answer.remark,
        "answer": page.answer.records,
        "services": page.services.iter().map(|pool| service(page, pool)).collect::<Vec<_>>(),
        "addresses": addresses.collect::<Vec<_>>(), "member_of": uses.collect::<Vec<_>>(),
    })
}

fn service(page: &Page<'_>, pool: &PoolStatus) -> Value {
    let members = pool.members.iter().zip(&pool.decision.placements).map(|(member, placement)| {
        json!({
            "member": member.label, "priority": member.priority, "weight": member.weight,
            "serves": member.verdict.serves(), "listed": placement.lists(), "placement": placement.to_string(),
            "targets": member.targets.iter().map(|id| target(page, *id)).collect::<Vec<_>>(),
        })
    });
    let (served, tier) = Served::of(pool.decision.served);
    json!({
        "service": pool.name, "served": served, "tier": tier, "tested": page.view(pool).tested, "reason": pool.decision.reason.to_string(), "flaps": pool.flaps,
        "ttl": pool.ttls, "ttl_why": page.ttls(pool), "next": flip::of(page.core, pool),
        "failback": pool.failback.map(|(tier, due)| json!({ "tier": tier, "due_ms": u64::try_from(due.as_millis()).unwrap_or(u64::MAX) })),
        "again_ms": pool.again.map(|again| u64::try_from(again.as_millis()).unwrap_or(u64::MAX)),
        "members": members.collect::<Vec<_>>(),
    })
}

fn target(page: &Page<'_>, id: TargetId) -> Value {
    let target = page.target(id);
    let status = &target.status;
    let (passes, fails) = match status.state {
        State::Failing { passes, fails } => (passes, fails),
        State::Recovering { passes } => (passes, 0),
        State::Unknown | State::Up | State::Down(_) => (0, 0),
    };
    json!({
        "target": status.name, "tested": status.untested.is_none(), "untested": status.untested, "state": status.state.as_str(), "assumed": page.belief.assumes(id), "degraded": status.degraded,
        "since_ms": target.since.map(crate::base::clock::UnixTime::as_millis), "cause": status.cause,
        "passes": passes, "fails": fails, "fall": status.thresholds.0, "rise": status.thresholds.1, "last": target.last,
    })
}
