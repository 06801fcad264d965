//! What `simulate` prints.

use serde_json::{Value, json};

use crate::cli::line::Line;
use crate::cli::offline::Belief;
use crate::cli::paint::Tone;
use crate::cli::words::{self, counted, headline, mark};
use crate::policy::ActiveTier;

use super::effect::{Effect, ServiceEffect};

/// For people: what changes first and in full; of the rest a line each, unless nothing is assumed.
pub(super) fn as_text(effect: &Effect, belief: &Belief) -> Vec<Line> {
    let mut page = vec![Line::of(belief.tone(), &belief.told)];
    if effect.services.is_empty() {
        page.push(Line::default());
        page.push(Line::default().plain("no service: the zones have no SRV set"));
        return page;
    }
    let whole = effect.down.is_empty();
    if !whole {
        page.push(Line::default().plain("assumed to be down: ").put(Tone::Bold, effect.down.join(", ")));
    }
    let (changed, same): (Vec<_>, Vec<_>) = effect.services.iter().partition(|service| whole || service.changes);
    for service in &changed {
        page.push(Line::default());
        page.extend(tell(service));
    }
    for addresses in &effect.addresses {
        page.push(Line::default());
        page.push(Line::of(Tone::Bold, addresses.name.trim_end_matches('.')));
        page.extend(addresses.answer.iter().map(|record| Line::default().plain("  ").plain(record)));
        if addresses.answer.is_empty() {
            page.push(Line::of(Tone::Bad, "  no address"));
        }
    }
    if !same.is_empty() {
        page.push(Line::default());
        page.push(Line::of(Tone::Dim, format!("{} would not change:", counted(same.len(), "service"))));
        let width = same.iter().map(|service| words::service(&service.pool).len()).max().unwrap_or(0);
        for service in same {
            let name = Line::default().plain("  ").plain(words::service(&service.pool));
            page.push(name.to(width + 4).join(headline(&service.pool)));
        }
    }
    page
}

fn tell(service: &ServiceEffect) -> Vec<Line> {
    let pool = &service.pool;
    let mut head = Line::of(Tone::Bold, words::service(pool)).plain("  ").join(headline(pool));
    if let Some(before) = service.before.filter(|before| *before != pool.decision.served) {
        head = head.put(Tone::Dim, format!("  (now {})", short(before)));
    }
    let mut page = vec![head, Line::of(Tone::Dim, format!("  {}", pool.decision.reason))];
    page.extend(service.answer.iter().map(|record| Line::default().plain("  ").plain(record)));
    let width = pool.members.iter().map(|member| member.label.len()).max().unwrap_or(0);
    for (member, placement) in pool.members.iter().zip(&pool.decision.placements) {
        let line = Line::default()
            .plain("    ")
            .join(mark(member, placement))
            .plain(format!(" tier {:<5} weight {:<5} {:width$}  ", member.priority, member.weight, member.label));
        page.push(line.put(if placement.lists() { Tone::Plain } else { Tone::Dim }, placement.to_string()));
    }
    page
}

fn short(served: ActiveTier) -> String {
    match served {
        ActiveTier::Tier(tier) => format!("tier {tier}"),
        ActiveTier::LastResort => "last resort".to_owned(),
        ActiveTier::AllDown => "all down".to_owned(),
    }
}

/// For programs.
pub(super) fn as_json(effect: &Effect, belief: &Belief) -> Value {
    let services = effect.services.iter().map(|service| {
        let pool = &service.pool;
        let members = pool.members.iter().zip(&pool.decision.placements).map(|(member, placement)| {
            json!({
                "member": member.label, "priority": member.priority, "weight": member.weight,
                "serves": member.verdict.serves(), "listed": placement.lists(), "placement": placement.to_string(),
            })
        });
        json!({
            "service": pool.name, "served": words::served(pool.decision.served), "tier": tier(pool.decision.served),
            "tested": !words::is_fixed(pool), "changes": service.changes,
            "before": service.before.map(|before| json!({ "served": words::served(before), "tier": tier(before) })),
            "reason": pool.decision.reason.to_string(), "ttl": pool.ttls, "answer": service.answer,
            "members": members.collect::<Vec<_>>(),
        })
    });
    let addresses = effect.addresses.iter().map(|name| json!({ "name": name.name, "answer": name.answer }));
    json!({
        "belief": belief.told, "state": belief.is_kept(), "source": belief.json(), "down": effect.down,
        "services": services.collect::<Vec<_>>(), "addresses": addresses.collect::<Vec<_>>(),
    })
}

/// Returns the tier that serves, if one does.
pub(in crate::cli) const fn tier(served: ActiveTier) -> Option<u16> {
    match served {
        ActiveTier::Tier(tier) => Some(tier),
        ActiveTier::LastResort | ActiveTier::AllDown => None,
    }
}
