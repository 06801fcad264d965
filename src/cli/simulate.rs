//! `simulate`: what would be served if these were down. Offline.

use std::fmt::Write as _;
use std::process::ExitCode;

use serde_json::json;

use crate::base::clock::Clock;
use crate::base::finding::Severity;
use crate::config::{Input, Running};
use crate::engine::status::{PoolStatus, Status};
use crate::policy::Served;
use crate::snapshot::Snapshot;
use crate::zone::{Name, Rtype};

use super::args::Simulate;
use super::paint::Paint;
use super::{USAGE, input, offline};

/// Runs the command.
pub(super) fn run(args: &Simulate) -> ExitCode {
    let from = Input {
        files: args.sources.files.clone(),
        state: input::state_choice(args.state.state.as_ref()),
        ..Input::default()
    };
    let running = match input::load(&from) {
        Ok(running) => running,
        Err(code) => return code,
    };
    input::tell(&running.notes, Severity::Error);
    let supposed = offline::find(&running.setup, &args.down);
    if !supposed.unknown.is_empty() {
        input::tell(&[unknown_words(&running, &supposed.unknown)], Severity::Error);
        return ExitCode::from(USAGE);
    }
    let now = Clock::start().now();
    let restored = offline::restored(&running);
    let core = offline::core(&running, restored, &supposed.targets, now);
    let status = core.status(now);
    let text = if args.json {
        format!("{:#}\n", as_json(&status, core.snapshot(), &running))
    } else {
        as_text(&status, core.snapshot(), &running, Paint::stdout())
    };
    input::print(&text);
    ExitCode::SUCCESS
}

fn unknown_words(running: &Running, words: &[String]) -> crate::base::finding::Finding {
    let mut hosts: Vec<&str> =
        running.setup.pools.iter().flat_map(|(_, pool)| &pool.members).map(|member| member.label.as_str()).collect();
    hosts.sort_unstable();
    hosts.dedup();
    hosts.truncate(12);
    crate::base::finding::Finding::error(
        "simulate-unknown",
        format!("no probed target is meant by {}", words.join(", ")),
    )
    .help(format!("name a host, an address or host:port that is probed, such as {}", hosts.join(", ")))
}

fn as_text(status: &Status, snapshot: &Snapshot, running: &Running, paint: Paint) -> String {
    let mut out = String::new();
    for pool in &status.pools {
        let _ = writeln!(out, "{}  {}", paint.bold(&pool.name), headline(pool, paint));
        let _ = writeln!(out, "  {}", paint.dim(&pool.decision.reason));
        for fill in &running.setup.pools[pool.id].fills {
            for line in records(snapshot, fill.zone, &fill.owner, fill.rtype) {
                let _ = writeln!(out, "  {line}");
            }
        }
        for (member, placement) in pool.members.iter().zip(&pool.decision.placements) {
            let verdict = if member.verdict.serves() { paint.good("serves") } else { paint.bad("withheld") };
            let _ = writeln!(out, "    {} {} {}  {verdict}, {placement}", member.priority, member.weight, member.label);
        }
        out.push('\n');
    }
    if status.pools.is_empty() {
        out.push_str("no service: the zones have no SRV set\n");
    }
    out
}

/// Says in a few words who has the part.
pub(super) fn headline(pool: &PoolStatus, paint: Paint) -> String {
    let best = pool.members.iter().map(|member| member.priority).min();
    match pool.decision.served {
        Served::Tier(tier) if Some(tier) == best => paint.good(format!("tier {tier} serves")),
        Served::Tier(tier) => paint.soso(format!("tier {tier} stands in")),
        Served::LastResort => paint.bad("last resort"),
        Served::AllDown => paint.bad("all down"),
    }
}

/// Returns the records of one effective set, as in a zone file.
pub(super) fn records(snapshot: &Snapshot, zone: crate::snapshot::ZoneId, owner: &Name, rtype: Rtype) -> Vec<String> {
    let sets = snapshot.records(zone).filter(|(name, set)| *name == owner && set.rtype() == rtype);
    let line = |set: &crate::zone::Rrset, rdata: &[u8]| {
        format!("{owner} {} IN {rtype} {}", set.ttl(), crate::zone::write::rdata_text(rtype, rdata))
    };
    sets.flat_map(|(_, set)| set.rdatas().map(|rdata| line(set, rdata)).collect::<Vec<_>>()).collect()
}

fn as_json(status: &Status, snapshot: &Snapshot, running: &Running) -> serde_json::Value {
    let pools = status.pools.iter().map(|pool| {
        let answer = running.setup.pools[pool.id].fills.iter().flat_map(|fill| records(snapshot, fill.zone, &fill.owner, fill.rtype));
        let members = pool.members.iter().zip(&pool.decision.placements).map(|(member, placement)| {
            json!({
                "member": member.label, "priority": member.priority, "weight": member.weight,
                "serves": member.verdict.serves(), "placement": placement.to_string(),
            })
        });
        json!({
            "service": pool.name,
            "served": served_word(pool.decision.served),
            "tier": match pool.decision.served { Served::Tier(tier) => Some(tier), Served::LastResort | Served::AllDown => None },
            "reason": pool.decision.reason.to_string(),
            "ttl": pool.ttls,
            "answer": answer.collect::<Vec<_>>(),
            "members": members.collect::<Vec<_>>(),
        })
    });
    json!({ "services": pools.collect::<Vec<_>>() })
}

/// Returns the word for what is served.
pub(super) const fn served_word(served: Served) -> &'static str {
    match served {
        Served::Tier(_) => "tier",
        Served::LastResort => "last-resort",
        Served::AllDown => "all-down",
    }
}
