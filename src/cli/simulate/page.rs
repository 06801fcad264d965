//! What `simulate` prints.

use serde_json::{Value, json};

use crate::admin::view::Served;
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
        let width = same.iter().map(|service| words::service(&service.view.service).len()).max().unwrap_or(0);
        for service in same {
            let name = Line::default().plain("  ").plain(words::service(&service.view.service));
            page.push(name.to(width + 4).join(headline(&service.view)));
        }
    }
    page
}

fn tell(service: &ServiceEffect) -> Vec<Line> {
    let view = &service.view;
    let mut head = Line::of(Tone::Bold, words::service(&view.service)).plain("  ").join(headline(view));
    if let Some(before) = service.before.filter(|before| *before != service.served) {
        head = head.put(Tone::Dim, format!("  (now {})", short(before)));
    }
    let mut page = vec![head, Line::of(Tone::Dim, format!("  {}", view.reason))];
    page.extend(service.answer.iter().map(|record| Line::default().plain("  ").plain(record)));
    let width = view.members.iter().map(|member| member.member.len()).max().unwrap_or(0);
    for member in &view.members {
        let line = Line::default()
            .plain("    ")
            .join(mark(member))
            .plain(format!(" tier {:<5} weight {:<5} {:width$}  ", member.priority, member.weight, member.member));
        page.push(line.put(if member.listed { Tone::Plain } else { Tone::Dim }, &member.placement));
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
        let view = &service.view;
        let members = view.members.iter().map(|member| {
            json!({
                "member": member.member, "priority": member.priority, "weight": member.weight,
                "serves": member.serves, "listed": member.listed, "placement": member.placement,
            })
        });
        let before = service.before.map(Served::of);
        json!({
            "service": view.service, "served": view.served, "tier": view.tier, "tested": view.tested,
            "changes": service.changes, "before": before.map(|(served, tier)| json!({ "served": served, "tier": tier })),
            "reason": view.reason, "ttl": view.ttl, "answer": service.answer,
            "members": members.collect::<Vec<_>>(),
        })
    });
    let addresses = effect.addresses.iter().map(|name| json!({ "name": name.name, "answer": name.answer }));
    json!({
        "belief": belief.told, "state": belief.is_kept(), "source": belief.json(), "down": effect.down,
        "services": services.collect::<Vec<_>>(), "addresses": addresses.collect::<Vec<_>>(),
    })
}
