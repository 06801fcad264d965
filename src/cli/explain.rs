//! `explain`: why a name is answered as it is. Offline, from the state folder if there is one.

use std::fmt::Write as _;
use std::process::ExitCode;
use std::time::Duration;

use serde_json::json;

use crate::base::clock::{Clock, Now};
use crate::base::finding::{Finding, Severity};
use crate::base::table::RowId;
use crate::config::{Input, Running};
use crate::engine::Core;
use crate::engine::setup::{Fill, HostSetup};
use crate::engine::status::{MemberStatus, PoolStatus, TargetStatus};
use crate::health::TargetId;
use crate::health::machine::State;
use crate::policy::{self, Failback, Served};
use crate::snapshot::ZoneId;
use crate::zone::{Name, Rtype};

use super::args::Explain;
use super::paint::Paint;
use super::simulate::{headline, records, served_word};
use super::{FINDINGS, USAGE, input, offline};

/// What the command's words mean.
struct Question {
    name: Name,
    rtype: Option<Rtype>,
    input: Input,
}

/// Runs the command.
pub(super) fn run(args: &Explain) -> ExitCode {
    let question = match read(args) {
        Ok(question) => question,
        Err(finding) => {
            input::tell(&[*finding], Severity::Error);
            return ExitCode::from(USAGE);
        }
    };
    let running = match input::load(&question.input) {
        Ok(running) => running,
        Err(code) => return code,
    };
    let down = offline::find(&running.setup, &args.down);
    if !down.unknown.is_empty() {
        let message = format!("no probed target is meant by {}", down.unknown.join(", "));
        input::tell(&[Finding::error("explain-unknown", message)], Severity::Error);
        return ExitCode::from(USAGE);
    }
    let now = Clock::start().now();
    let core = offline::core(&running, offline::restored(&running), &down.targets, now);
    let Some(page) = Page::find(&core, &running, &question) else {
        let message = format!("{} is in none of the zones", question.name);
        input::tell(&[Finding::error("explain-name", message)], Severity::Error);
        return ExitCode::from(FINDINGS);
    };
    let text = if args.json { format!("{:#}\n", page.as_json(now)) } else { page.as_text(now, Paint::stdout()) };
    input::print(&text);
    ExitCode::SUCCESS
}

fn read(args: &Explain) -> Result<Question, Box<Finding>> {
    let (files, words): (Vec<&String>, Vec<&String>) = args.what.iter().partition(|word| input::is_file(word));
    let (name, rtype) = match words.as_slice() {
        [name] => (name, None),
        [name, rtype] => (name, Some(rtype)),
        _ => {
            let finding = Finding::error("explain-usage", "a name and at most one type are needed");
            return Err(Box::new(
                finding.help("as in: understudy explain _sip._tcp.example.com SRV zones/example.com.zone"),
            ));
        }
    };
    let bad = |message: String| Box::new(Finding::error("explain-usage", message));
    let parsed = name.parse::<Name>().map_err(|error| bad(format!("{name} is no name: {error}")))?;
    let rtype = match rtype {
        Some(text) => Some(Rtype::parse(text).ok_or_else(|| bad(format!("{text} is no record type")))?),
        None => None,
    };
    let input = Input {
        files: files.into_iter().map(Into::into).collect(),
        state: input::state_choice(args.state.state.as_ref()),
        ..Input::default()
    };
    Ok(Question { name: parsed, rtype, input })
}

/// All that is said of one name.
struct Page<'a> {
    core: &'a Core,
    running: &'a Running,
    name: &'a Name,
    answer: Vec<String>,
    pools: Vec<PoolStatus>,
    host: Option<&'a HostSetup>,
}

impl<'a> Page<'a> {
    fn find(core: &'a Core, running: &'a Running, question: &'a Question) -> Option<Self> {
        let name = &question.name;
        let zone = zone_of(running, name)?;
        let types = core.snapshot().records(zone).filter(|(owner, _)| *owner == name).map(|(_, set)| set.rtype());
        let types: Vec<Rtype> = types.filter(|rtype| question.rtype.is_none_or(|only| only == *rtype)).collect();
        let answer = types.iter().flat_map(|rtype| records(core.snapshot(), zone, name, *rtype)).collect();
        let fills = |fills: &[Fill]| fills.iter().any(|fill| fill.owner == *name);
        let setup = core.setup();
        let followed = setup.follows.iter().filter(|follow| fills(&follow.fills)).map(|follow| follow.pool);
        let filled = setup.pools.iter().filter(|(_, pool)| fills(&pool.fills)).map(|(id, _)| id);
        let now = Clock::start().now();
        let pools = filled.chain(followed).filter_map(|id| core.pool_status(id, now)).collect();
        let host = setup.hosts.iter().find(|host| fills(&host.fills));
        Some(Self { core, running, name, answer, pools, host })
    }

    fn as_text(&self, now: Now, paint: Paint) -> String {
        let mut out = String::new();
        let _ = writeln!(out, "{}", paint.bold(self.name));
        for line in &self.answer {
            let _ = writeln!(out, "  {line}");
        }
        if self.answer.is_empty() {
            let _ = writeln!(out, "  no such record: NODATA, or NXDOMAIN if nothing stands at or below the name");
        }
        for pool in &self.pools {
            self.tell_pool(&mut out, pool, now, paint);
        }
        if let Some(host) = self.host {
            self.tell_host(&mut out, host, now, paint);
        }
        if !self.answer.is_empty() && self.pools.is_empty() && self.host.is_none() {
            let _ = writeln!(out, "\nserved as declared: it follows no health");
        }
        out
    }

    fn tell_pool(&self, out: &mut String, pool: &PoolStatus, now: Now, paint: Paint) {
        let _ = writeln!(out, "\n{}  {}", paint.bold(&pool.name), headline(pool, paint));
        let _ = writeln!(out, "  rule: {}", pool.decision.reason);
        for line in self.ttl_lines(pool) {
            let _ = writeln!(out, "  ttl: {line}");
        }
        for (member, placement) in pool.members.iter().zip(&pool.decision.placements) {
            let _ = writeln!(
                out,
                "  {} weight {} {}: {placement}",
                paint.bold(format!("tier {}", member.priority)),
                member.weight,
                member.label
            );
            for target in &member.targets {
                let status = self.core.target_status(*target, now.mono);
                let _ = writeln!(out, "    {}", target_line(&status, paint));
            }
            if member.targets.is_empty() {
                let _ = writeln!(out, "    {}", paint.dim("not probed"));
            }
        }
        let _ = writeln!(out, "  next: {}", self.next_flip(pool));
    }

    fn tell_host(&self, out: &mut String, host: &HostSetup, now: Now, paint: Paint) {
        let _ = writeln!(out, "\nhost {}", paint.bold(self.name));
        let _ = writeln!(out, "  rule: an address leaves when every target on it is withheld and another one serves");
        for (address, targets) in &host.addresses {
            let _ = writeln!(out, "  {address}");
            for target in targets {
                let _ = writeln!(out, "    {}", target_line(&self.core.target_status(*target, now.mono), paint));
            }
        }
    }

    /// The arithmetic of rule 9, for each set of the pool.
    fn ttl_lines(&self, pool: &PoolStatus) -> Vec<String> {
        let setup = &self.core.setup().pools[pool.id];
        let settings = &setup.pool.settings;
        let line = |(fill, ttl): (&Fill, &u32)| {
            let (settled, unsettled) = (policy::settled(fill.ttl, settings), policy::unsettled(fill.ttl, settings));
            let state = if *ttl == settled { "settled" } else { "unsettled" };
            format!(
                "{ttl} s, {state}: min(declared {}, ttl {}) = {settled}, unsettled {unsettled}",
                fill.ttl, settings.ttl
            )
        };
        setup.fills.iter().zip(&pool.ttls).map(line).collect()
    }

    /// What would change the answer, and when.
    fn next_flip(&self, pool: &PoolStatus) -> String {
        let settings = &self.core.setup().pools[pool.id].pool.settings;
        let best = pool.members.iter().map(|member| member.priority).min();
        match pool.decision.served {
            Served::Tier(tier) if Some(tier) == best => {
                let serving = pool.members.iter().filter(|m| m.priority == tier && m.verdict.serves());
                let labels: Vec<&str> = serving.map(|member| member.label.as_str()).collect();
                let by = labels.join(", ");
                if pool.members.iter().any(|member| member.priority > tier) {
                    format!("the standby takes the part when tier {tier} no longer holds (served by {by})")
                } else {
                    format!("all is down when nobody of tier {tier} serves any more (served by {by})")
                }
            }
            Served::Tier(_) => match (pool.again, &settings.failback) {
                (Some(again), _) => format!("time alone may change it in {}", human(again)),
                (None, Failback::Manual) => "a better tier takes the part back by order only".to_owned(),
                (None, Failback::Auto | Failback::Window { .. }) => {
                    format!("a better tier takes the part back when it has held for {}", human(settings.hold))
                }
            },
            Served::LastResort | Served::AllDown => "the first member that serves again".to_owned(),
        }
    }

    fn as_json(&self, now: Now) -> serde_json::Value {
        let target = |id: &TargetId| target_json(&self.core.target_status(*id, now.mono));
        let member = |(member, placement): (&MemberStatus, &policy::Placement)| {
            json!({
                "member": member.label, "priority": member.priority, "weight": member.weight,
                "serves": member.verdict.serves(), "placement": placement.to_string(),
                "targets": member.targets.iter().map(target).collect::<Vec<_>>(),
            })
        };
        let pools = self.pools.iter().map(|pool| {
            json!({
                "service": pool.name, "served": served_word(pool.decision.served),
                "reason": pool.decision.reason.to_string(), "ttl": self.ttl_lines(pool), "strikes": pool.strikes,
                "next": self.next_flip(pool),
                "members": pool.members.iter().zip(&pool.decision.placements).map(member).collect::<Vec<_>>(),
            })
        });
        let addresses = self.host.into_iter().flat_map(|host| &host.addresses).map(|(address, targets)| {
            json!({ "address": address.to_string(), "targets": targets.iter().map(target).collect::<Vec<_>>() })
        });
        json!({
            "name": self.name.to_string(), "answer": self.answer,
            "services": pools.collect::<Vec<_>>(), "addresses": addresses.collect::<Vec<_>>(),
            "generation": self.core.snapshot().generation(), "zones": self.running.setup.zones.len(),
        })
    }
}

/// Returns the zone that a name is in: the one with the longest origin.
fn zone_of(running: &Running, name: &Name) -> Option<ZoneId> {
    let within = running.setup.zones.iter().filter(|(_, zone)| name.is_within(&zone.origin));
    within.max_by_key(|(_, zone)| zone.origin.label_count()).map(|(id, _)| ZoneId::from_index(id.index()))
}

/// Tells one target in a line.
pub(super) fn target_line(status: &TargetStatus, paint: Paint) -> String {
    let state = status.state.word();
    let painted = match status.state {
        State::Up => paint.good(state),
        State::Unknown | State::Failing { .. } | State::Recovering { .. } => paint.soso(state),
        State::Down(_) => paint.bad(state),
    };
    let mut line = format!("{}  {painted}", status.name);
    let (fall, rise) = status.thresholds;
    match status.state {
        State::Failing { passes, fails } => {
            let _ = write!(line, " ({fails} of {fall} failures, {passes} of {rise} passes)");
        }
        State::Recovering { passes } => {
            let _ = write!(line, " ({passes} of {rise} passes)");
        }
        State::Unknown | State::Up | State::Down(_) => {}
    }
    if status.degraded {
        line.push_str(", degraded");
    }
    if let Some(cause) = &status.cause {
        let _ = write!(line, ": {cause}");
    }
    if !status.probed {
        line.push_str(" (not probed: outside of `allow`)");
    }
    line
}

fn target_json(status: &TargetStatus) -> serde_json::Value {
    let (passes, fails) = match status.state {
        State::Failing { passes, fails } => (passes, fails),
        State::Recovering { passes } => (passes, 0),
        State::Unknown | State::Up | State::Down(_) => (0, 0),
    };
    json!({
        "target": status.name, "state": status.state.word(), "degraded": status.degraded, "cause": status.cause,
        "probed": status.probed, "passes": passes, "fails": fails,
        "fall": status.thresholds.0, "rise": status.thresholds.1,
    })
}

/// Prints a time in whole seconds, as in `1m30s`.
pub(super) fn human(duration: Duration) -> String {
    let secs = duration.as_secs() + u64::from(duration.subsec_nanos() > 0);
    match (secs / 3_600, secs % 3_600 / 60, secs % 60) {
        (0, 0, s) => format!("{s}s"),
        (0, m, 0) => format!("{m}m"),
        (0, m, s) => format!("{m}m{s:02}s"),
        (h, 0, 0) => format!("{h}h"),
        (h, m, _) => format!("{h}h{m:02}m"),
    }
}
