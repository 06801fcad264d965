//! The live table: services, tiers, targets, the answer, TTL, last change. Pure: maps a status to lines.

use std::collections::HashMap;
use std::time::Duration;

use crate::admin::view::{MemberView, ServiceView, StatusView, TargetView};
use crate::base::clock::UnixTime;
use crate::base::duration::write_short;
use crate::cli::line::Line;
use crate::cli::paint::Tone;
use crate::cli::words::{self, Condition, condition, counted, headline, mark};
use crate::engine::Notice;

/// What stands around the table, and how large it may be.
pub(in crate::cli) struct Frame<'a> {
    /// The line above it: where the server answers, and whether it is ready.
    pub(in crate::cli) title: Line,
    /// What is wrong beside the services.
    pub(in crate::cli) notices: Vec<String>,
    /// The last things that happened, the newest last.
    pub(in crate::cli) news: &'a [(UnixTime, String)],
    /// Lines that always stand at its end.
    pub(in crate::cli) footer: Vec<Line>,
    /// The terminal's columns.
    pub(in crate::cli) width: usize,
    /// The most lines.
    pub(in crate::cli) height: usize,
}

/// Draws the table, the services with trouble first: in full as long as there is room, then a line each, then counted.
pub(in crate::cli) fn draw(status: &StatusView, frame: Frame<'_>) -> Vec<Line> {
    let mut lines = vec![frame.title];
    if status.isolated {
        lines.push(Line::of(Tone::Bad, "isolated: no witness answers, so silent failures do not count"));
    }
    lines.extend(frame.notices.iter().map(|notice| Line::of(Tone::Soso, notice)));
    lines.truncate(MOST_NOTICES);
    let ending = ending(frame.news, frame.footer, status.now_ms, frame.height);
    let room = frame.height.saturating_sub(lines.len() + ending.len());
    let has_members = status.services.iter().any(|service| service.tested) && room >= ROOM_FOR_HEADS;
    if has_members {
        lines.push(Line::default());
        lines.push(Line::of(Tone::Dim, HEADS));
        let body = body(status, room - 2);
        // The heads stand in the place of the blank line before the first service.
        let blank = body.iter().take(1).filter(|line| line.columns() == 0).count();
        lines.extend(body.into_iter().skip(blank));
        lines.push(Line::of(Tone::Dim, words::LEGEND));
    } else {
        lines.extend(body(status, room));
    }
    lines.extend(ending);
    lines.truncate(frame.height.max(1));
    lines.into_iter().map(|line| line.cut(frame.width)).collect()
}

/// Draws the news, as far as there is room for more than them, and the footer.
fn ending(news: &[(UnixTime, String)], footer: Vec<Line>, now_ms: u64, height: usize) -> Vec<Line> {
    let shown = news.len().min(height.saturating_sub(footer.len()) / 4);
    let mut lines = Vec::new();
    if shown > 0 {
        lines.push(Line::default());
    }
    for (at, text) in news.iter().skip(news.len() - shown) {
        let ago = ago(now_ms, at.as_millis());
        lines.push(Line::of(Tone::Dim, format!("{ago:>5} ago  {text}")));
    }
    lines.extend(footer);
    lines
}

fn body(status: &StatusView, room: usize) -> Vec<Line> {
    if status.services.is_empty() {
        return vec![Line::default(), Line::default().plain("all is served as declared: no SRV set follows health")];
    }
    let targets = status.targets.iter().map(|target| (target.target.as_str(), target)).collect();
    let mut services: Vec<(Condition, &ServiceView)> =
        status.services.iter().map(|service| (condition(service), service)).collect();
    services.sort_by(|(a, first), (b, second)| a.cmp(b).then_with(|| first.service.cmp(&second.service)));
    // With one service more than fits, those that are well take a line each.
    let whole = services.iter().map(|(_, service)| block_height(service)).sum::<usize>() <= room;
    let (mut lines, mut shown) = (Vec::new(), 0);
    for (condition, service) in &services {
        let in_full = whole || *condition < Condition::Well;
        let block = if in_full { block(service, &targets, status.now_ms) } else { vec![head(service, status.now_ms)] };
        // The last line tells how many are left.
        let left = usize::from(shown + 1 < services.len());
        if lines.len() + block.len() + left <= room {
            lines.extend(block);
        } else if in_full && lines.len() + FEW_MEMBERS + left <= room {
            lines.extend(worst(block, room - lines.len() - left));
        } else if lines.len() + 1 + left <= room {
            lines.push(head(service, status.now_ms));
        } else {
            break;
        }
        shown += 1;
    }
    if let Some(rest) = services.get(shown..).filter(|rest| !rest.is_empty()) {
        lines.push(Line::of(Tone::Dim, remainder(rest)));
    }
    lines
}

/// Counts what is not shown, by how well it is.
fn remainder(rest: &[(Condition, &ServiceView)]) -> String {
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

fn block_height(service: &ServiceView) -> usize {
    2 + service.members.len()
}

/// The targets by their names.
type Targets<'s> = HashMap<&'s str, &'s TargetView>;

fn block(service: &ServiceView, known: &Targets<'_>, now_ms: u64) -> Vec<Line> {
    let mut lines = vec![Line::default(), head(service, now_ms)];
    let mut members: Vec<&MemberView> = service.members.iter().collect();
    members.sort_by_key(|member| (member.half, member.priority));
    let label = members.iter().map(|member| member.member.chars().count()).max().unwrap_or(0);
    let states: Vec<Line> = members.iter().map(|member| states(&targets(member, known), now_ms)).collect();
    let state = states.iter().map(Line::columns).max().unwrap_or(0);
    for (member, states) in members.iter().zip(states) {
        lines.push(row(member, &targets(member, known), states, (label, state)));
    }
    lines
}

/// Draws `_sip._tcp.example.com  tier 10 serves  TTL 30  changed 5s ago`.
fn head(service: &ServiceView, now_ms: u64) -> Line {
    let mut ttls: Vec<String> = service.ttl.iter().map(ToString::to_string).collect();
    ttls.dedup();
    let changed = service.changed_ms.map_or_else(String::new, |at| format!(", changed {} ago", ago(now_ms, at)));
    let flaps = if service.flaps > 1 { format!(", flaps {}", service.flaps) } else { String::new() };
    let line = Line::of(Tone::Bold, words::service(&service.service)).plain("  ").join(headline(service));
    line.put(Tone::Dim, format!("  TTL {}{changed}{flaps}", ttls.join("/")))
}

/// Draws `  ● 10 70  sip-node1.example.com:5060  up 12s  as declared`.
fn row(member: &MemberView, targets: &[&TargetView], states: Line, (label, state): (usize, usize)) -> Line {
    let line = Line::default().plain("  ").join(mark(member));
    let line = line.plain(format!(" {:>5} {:>5}  {}", member.priority, member.weight, member.member));
    let line = line.to(LABEL + label + 2).join(states).to(LABEL + label + 2 + state + 2);
    let cause = targets.iter().find_map(|target| target.cause.as_deref()).or(member.untested.as_deref());
    let cause = cause.map_or_else(String::new, |cause| format!("{cause}; "));
    line.put(Tone::Dim, format!("{cause}{}", member.placement))
}

/// Draws the state of each target, and for how long the first has it.
fn states(targets: &[&TargetView], now_ms: u64) -> Line {
    let Some(first) = targets.first() else { return Line::of(Tone::Dim, "not tested") };
    let mut line = Line::default();
    if targets.iter().all(|target| target.is_unknown()) {
        return words::state(first);
    }
    for (place, target) in targets.iter().enumerate() {
        line = line.plain(if place == 0 { "" } else { " " }).join(words::state(target));
    }
    if first.is_unknown() { line } else { line.put(Tone::Dim, format!(" {}", ago(now_ms, first.since_ms))) }
}

fn targets<'s>(member: &MemberView, known: &Targets<'s>) -> Vec<&'s TargetView> {
    member.targets.iter().filter_map(|name| known.get(name.as_str()).copied()).collect()
}

/// Writes how long ago a moment was.
fn ago(now_ms: u64, at_ms: u64) -> String {
    write_short(Duration::from_millis(now_ms.saturating_sub(at_ms)))
}

/// Tells a notice in a line; nothing for what the table shows by itself.
pub(super) fn tell(notice: &Notice) -> Option<String> {
    match notice {
        // A target that the test behind it finds well has nothing to tell.
        Notice::Broke { .. } | Notice::Published { .. } | Notice::Reloaded => None,
        Notice::Target { .. }
        | Notice::Decision { .. }
        | Notice::Isolated(_)
        | Notice::Ordered(..)
        | Notice::Cleared(..)
        | Notice::Ended(..)
        | Notice::FailbackOrdered(_)
        | Notice::ReloadFailed(_)
        | Notice::Certificate { .. }
        | Notice::Transfer { .. } => Some(notice.to_string()),
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
