//! The live table: services, tiers, targets, the answer, TTL, last change. Pure: maps a status to lines.

use crate::base::clock::{Now, UnixTime};
use crate::base::duration::write_short;
use crate::base::table::RowId;
use crate::cli::line::Line;
use crate::cli::paint::Tone;
use crate::cli::words::{self, Condition, condition, counted, headline, mark};
use crate::engine::Notice;
use crate::engine::status::{MemberStatus, PoolStatus, Status, TargetStatus};
use crate::health::machine::State;
use crate::policy::Placement;

/// What stands around the table, and how large it may be.
pub(super) struct Frame<'a> {
    /// The line above it: where the server answers, and whether it is ready.
    pub(super) title: Line,
    /// What is wrong beside the services.
    pub(super) notices: Vec<String>,
    /// The last things that happened, the newest last.
    pub(super) news: &'a [(UnixTime, String)],
    /// Lines that always stand at its end.
    pub(super) footer: Vec<Line>,
    /// The terminal's columns.
    pub(super) width: usize,
    /// The most lines.
    pub(super) height: usize,
}

/// Draws the table, the services with trouble first: in full as long as there is room, then a line each, then counted.
pub(super) fn draw(status: &Status, now: Now, frame: Frame<'_>) -> Vec<Line> {
    let mut lines = vec![frame.title];
    if status.isolated {
        lines.push(Line::of(Tone::Bad, "isolated: no witness answers, so silent failures do not count"));
    }
    lines.extend(frame.notices.iter().map(|notice| Line::of(Tone::Soso, notice)));
    lines.truncate(MOST_NOTICES);
    let ending = ending(frame.news, frame.footer, now, frame.height);
    let room = frame.height.saturating_sub(lines.len() + ending.len());
    let has_members = status.pools.iter().any(|pool| !words::is_fixed(pool)) && room >= ROOM_FOR_HEADS;
    if has_members {
        lines.push(Line::default());
        lines.push(Line::of(Tone::Dim, HEADS));
        let body = body(status, now, room - 2);
        // The heads stand in the place of the blank line before the first service.
        let blank = body.iter().take(1).filter(|line| line.columns() == 0).count();
        lines.extend(body.into_iter().skip(blank));
        lines.push(Line::of(Tone::Dim, words::LEGEND));
    } else {
        lines.extend(body(status, now, room));
    }
    lines.extend(ending);
    lines.truncate(frame.height.max(1));
    lines.into_iter().map(|line| line.cut(frame.width)).collect()
}

/// Draws the news, as far as there is room for more than them, and the footer.
fn ending(news: &[(UnixTime, String)], footer: Vec<Line>, now: Now, height: usize) -> Vec<Line> {
    let shown = news.len().min(height.saturating_sub(footer.len()) / 4);
    let mut lines = Vec::new();
    if shown > 0 {
        lines.push(Line::default());
    }
    for (at, text) in news.iter().skip(news.len() - shown) {
        let ago = write_short(now.wall.since(*at));
        lines.push(Line::of(Tone::Dim, format!("{ago:>5} ago  {text}")));
    }
    lines.extend(footer);
    lines
}

fn body(status: &Status, now: Now, room: usize) -> Vec<Line> {
    if status.pools.is_empty() {
        return vec![Line::default(), Line::default().plain("all is served as declared: no SRV set follows health")];
    }
    let mut pools: Vec<(Condition, &PoolStatus)> = status.pools.iter().map(|pool| (condition(pool), pool)).collect();
    pools.sort_by(|(a, first), (b, second)| a.cmp(b).then_with(|| first.name.cmp(&second.name)));
    // With one service more than fits, those that are well take a line each.
    let whole = pools.iter().map(|(_, pool)| block_height(pool)).sum::<usize>() <= room;
    let (mut lines, mut shown) = (Vec::new(), 0);
    for (condition, pool) in &pools {
        let in_full = whole || *condition < Condition::Well;
        let block = if in_full { block(pool, status, now) } else { vec![head(pool, now)] };
        // The last line tells how many are left.
        let left = usize::from(shown + 1 < pools.len());
        if lines.len() + block.len() + left <= room {
            lines.extend(block);
        } else if in_full && lines.len() + FEW_MEMBERS + left <= room {
            lines.extend(worst(block, room - lines.len() - left));
        } else if lines.len() + 1 + left <= room {
            lines.push(head(pool, now));
        } else {
            break;
        }
        shown += 1;
    }
    if let Some(rest) = pools.get(shown..).filter(|rest| !rest.is_empty()) {
        lines.push(Line::of(Tone::Dim, remainder(rest)));
    }
    lines
}

/// Counts what is not shown, by how well it is.
fn remainder(rest: &[(Condition, &PoolStatus)]) -> String {
    let mut counts: Vec<(Condition, usize)> = Vec::new();
    for (condition, _) in rest {
        match counts.last_mut() {
            Some((last, count)) if last == condition => *count += 1,
            Some(_) | None => counts.push((*condition, 1)),
        }
    }
    let parts: Vec<String> =
        counts.iter().map(|(condition, count)| format!("{count} {}", condition.as_str())).collect();
    format!("and {}: {}", counted(rest.len(), "more service"), parts.join(", "))
}

/// Cuts a block that is higher than the room for it; its members stand with the worst first then.
fn worst(block: Vec<Line>, room: usize) -> Vec<Line> {
    let (mut lines, mut members) = (block, Vec::new());
    members.extend(lines.drain(2..));
    members.sort_by_key(|line: &Line| !line.is(Tone::Bad));
    let shown = room.saturating_sub(3).min(members.len());
    let left = members.len() - shown;
    lines.extend(members.into_iter().take(shown));
    lines.push(Line::of(Tone::Dim, format!("  and {}", counted(left, "more member"))));
    lines
}

fn block_height(pool: &PoolStatus) -> usize {
    2 + pool.members.len()
}

fn block(pool: &PoolStatus, status: &Status, now: Now) -> Vec<Line> {
    let mut lines = vec![Line::default(), head(pool, now)];
    let mut members: Vec<(&MemberStatus, &Placement)> = pool.members.iter().zip(&pool.decision.placements).collect();
    members.sort_by_key(|(member, _)| (member.half, member.priority));
    let label = members.iter().map(|(member, _)| member.label.chars().count()).max().unwrap_or(0);
    let states: Vec<Line> = members.iter().map(|(member, _)| states(&targets(member, status))).collect();
    let state = states.iter().map(Line::columns).max().unwrap_or(0);
    for ((member, placement), states) in members.iter().zip(states) {
        lines.push(row(member, placement, &targets(member, status), states, (label, state)));
    }
    lines
}

/// Draws `_sip._tcp.example.com  tier 10 serves  TTL 30  changed 5s ago`.
fn head(pool: &PoolStatus, now: Now) -> Line {
    let mut ttls: Vec<String> = pool.ttls.iter().map(ToString::to_string).collect();
    ttls.dedup();
    let changed =
        pool.changed.map_or_else(String::new, |at| format!(", changed {} ago", write_short(now.wall.since(at))));
    let flaps = if pool.flaps > 1 { format!(", flaps {}", pool.flaps) } else { String::new() };
    let line = Line::of(Tone::Bold, words::service(pool)).plain("  ").join(headline(pool));
    line.put(Tone::Dim, format!("  TTL {}{changed}{flaps}", ttls.join("/")))
}

/// Draws `  ● 10 70  sip-node1.example.com:5060  up 12s  as declared`.
fn row(
    member: &MemberStatus,
    placement: &Placement,
    targets: &[&TargetStatus],
    states: Line,
    (label, state): (usize, usize),
) -> Line {
    let line = Line::default().plain("  ").join(mark(member, placement));
    let line = line.plain(format!(" {:>5} {:>5}  {}", member.priority, member.weight, member.label));
    let line = line.to(LABEL + label + 2).join(states).to(LABEL + label + 2 + state + 2);
    let cause = targets.iter().find_map(|target| target.cause.as_deref()).or(member.untested.as_deref());
    let cause = cause.map_or_else(String::new, |cause| format!("{cause}; "));
    line.put(Tone::Dim, format!("{cause}{placement}"))
}

/// Draws the state of each target, and for how long the first has it.
fn states(targets: &[&TargetStatus]) -> Line {
    let Some(first) = targets.first() else { return Line::of(Tone::Dim, "not tested") };
    let mut line = Line::default();
    if targets.iter().all(|target| target.state == State::Unknown) {
        return words::state(first);
    }
    for (place, target) in targets.iter().enumerate() {
        line = line.plain(if place == 0 { "" } else { " " }).join(words::state(target));
    }
    let never = first.state == State::Unknown;
    if never { line } else { line.put(Tone::Dim, format!(" {}", write_short(first.held))) }
}

fn targets<'s>(member: &MemberStatus, status: &'s Status) -> Vec<&'s TargetStatus> {
    member.targets.iter().filter_map(|id| status.targets.get(id.index())).collect()
}

/// Tells a notice in a line; nothing for what the table shows by itself.
pub(super) fn tell(notice: &Notice) -> Option<String> {
    match notice {
        Notice::Target { target, address, hosts, from, to, cause, .. } => {
            let cause = cause.as_ref().map_or_else(String::new, |cause| format!(" ({cause})"));
            let who = hosts.first().map_or_else(|| target.clone(), |host| format!("{host} at {}", address.ip()));
            let others = if hosts.len() > 1 { format!(" and {} more", hosts.len() - 1) } else { String::new() };
            Some(format!("{who}{others}: {from} → {to}{cause}"))
        }
        Notice::Decision { pool, reason, .. } => Some(format!("{}: {reason}", pool.trim_end_matches('.'))),
        Notice::Isolated(true) => Some("isolated: no witness answers".to_owned()),
        Notice::Isolated(false) => Some("no longer isolated".to_owned()),
        Notice::Ordered(id, order) => Some(format!("order {id}: {} {}", order.scope, order.force.as_str())),
        Notice::Cleared(id, order) => Some(format!("order {id} cleared: {} {}", order.scope, order.force.as_str())),
        Notice::Ended(id, order) => Some(format!("order {id} ended: {} {}", order.scope, order.force.as_str())),
        Notice::FailbackOrdered(service) => Some(format!("{}: failback ordered", service.trim_end_matches('.'))),
        Notice::ReloadFailed(reason) => Some(format!("reload failed: {reason}")),
        // A target that the test behind it finds well has nothing to tell.
        Notice::Broke { .. } | Notice::Published { .. } | Notice::Reloaded => None,
    }
}

/// The heads of the columns.
const HEADS: &str = "     PRIO WEIGHT MEMBER AND STATE OF EACH ADDRESS, WHY";
/// The heads and the legend take two lines more; below this many they are left out.
const ROOM_FOR_HEADS: usize = 12;
/// A service with trouble is shown with at least one member, if there are so many lines.
const FEW_MEMBERS: usize = 4;
/// The most lines above the services.
const MOST_NOTICES: usize = 6;

/// Where the label of a member begins: mark, priority and weight stand before it.
const LABEL: usize = 17;
