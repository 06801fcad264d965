//! The page as text.

use std::fmt::Write as _;

use crate::admin::view::{MemberView, TargetView};
use crate::base::clock::UnixTime;
use crate::base::duration::write_short;
use crate::cli::line::Line;
use crate::cli::paint::Tone;
use crate::cli::words::{self, headline, mark};
use crate::engine::setup::HostSetup;
use crate::engine::status::PoolStatus;
use crate::health::TargetId;
use crate::health::machine::State;

use super::flip;
use super::page::Page;

/// Prints a page.
pub(super) fn of(page: &Page<'_>) -> Vec<Line> {
    let mut lines = vec![Line::of(page.belief.tone(), &page.belief.told), Line::default()];
    let mut head = Line::of(Tone::Bold, page.name.to_string());
    if let Some(remark) = &page.answer.remark {
        let tone = if page.answer.rcode == "NOERROR" { Tone::Plain } else { Tone::Soso };
        head = head.plain("  ").put(
            tone,
            if page.answer.rcode == "NOERROR" { remark.clone() } else { format!("{}: {remark}", page.answer.rcode) },
        );
    }
    lines.push(head);
    lines.extend(page.answer.records.iter().map(|record| Line::default().plain("  ").plain(record)));
    for pool in &page.services {
        lines.push(Line::default());
        lines.extend(service(page, pool));
    }
    if let Some(setup) = page.host {
        lines.push(Line::default());
        lines.extend(host(page, setup));
    }
    if page.services.is_empty() && page.host.is_none() && !page.answer.records.is_empty() {
        lines.push(Line::default());
        lines.push(Line::default().plain("served as declared: these records follow no health"));
    }
    lines
}

fn service(page: &Page<'_>, pool: &PoolStatus) -> Vec<Line> {
    let row = |what: &str, text: String| Line::of(Tone::Dim, format!("  {what:<6}")).plain(text);
    let view = page.view(pool);
    let mut lines = vec![Line::of(Tone::Bold, words::service(&pool.name)).plain("  ").join(headline(&view))];
    lines.push(row("why", pool.decision.reason.to_string()));
    lines.extend(page.ttls(pool).into_iter().map(|ttl| row("ttl", ttl)));
    lines.extend(flip::of(page.core, pool).into_iter().map(|next| row("next", next)));
    let width = pool.members.iter().map(|member| member.label.len()).max().unwrap_or(0);
    for (member, shown) in pool.members.iter().zip(&view.members) {
        let MemberView { member: label, priority, weight, placement, .. } = shown;
        let text = format!(" tier {priority:<5} weight {weight:<5} {label:width$}  {placement}");
        lines.push(Line::default().plain("  ").join(mark(shown)).plain(text));
        lines.extend(member.targets.iter().map(|id| target(page, *id)));
        if let Some(why) = member.untested.as_ref().filter(|_| member.targets.is_empty() && view.tested) {
            lines.push(Line::of(Tone::Soso, format!("      not tested: {why}; taken as up")));
        }
    }
    lines
}

fn host(page: &Page<'_>, setup: &HostSetup) -> Vec<Line> {
    let mut lines = vec![Line::of(Tone::Bold, page.name.to_string().trim_end_matches('.')).plain("  host")];
    let rule = "an address leaves when every target on it is withheld and another one of the host serves";
    lines.push(Line::of(Tone::Dim, "  why   ").plain(rule));
    for used in &page.uses {
        let text = format!("{}, tier {}: {}", used.service, used.priority, used.placement);
        lines.push(Line::of(Tone::Dim, "  in    ").plain(text));
    }
    for (address, targets) in &setup.addresses {
        lines.push(Line::default().plain(format!("  {address}")));
        lines.extend(targets.iter().map(|id| target(page, *id)));
    }
    lines
}

/// Tells of one target: what it is, its state, for how long, its counters, why.
fn target(page: &Page<'_>, id: TargetId) -> Line {
    let target = page.target(id);
    let status = &target.status;
    let line = Line::default().plain(format!("      {}  ", status.name));
    if status.state == State::Unknown {
        let why = status.untested.as_ref().map_or_else(String::new, |why| format!(": {why}"));
        return line.put(Tone::Soso, format!("taken as up, never tested{why}"));
    }
    if page.belief.assumes(id) {
        return line.put(Tone::Soso, format!("assumed to be {}", status.state.as_str()));
    }
    let line = line.join(words::state(&TargetView::of(status, page.now.wall)));
    let mut rest = String::new();
    if let Some(why) = &status.untested {
        let _ = write!(rest, ", cannot be tested now: {why};");
    }
    if let Some(held) = target.held(page.now).filter(|_| status.state != State::Unknown) {
        let _ = write!(rest, " for {held}");
    }
    let (fall, rise) = status.thresholds;
    match status.state {
        State::Failing { passes, fails } => {
            let _ = write!(rest, " ({fails} of {fall} failures, {passes} of {rise} passes)");
        }
        State::Recovering { passes } => {
            let _ = write!(rest, " ({passes} of {rise} passes)");
        }
        State::Unknown | State::Up | State::Down(_) => {}
    }
    if let Some(cause) = &status.cause {
        let _ = write!(rest, ": {cause}");
    }
    if let Some(last) = &target.last {
        let ago = write_short(page.now.wall.since(UnixTime::from_millis(last.at_ms)));
        let _ = write!(rest, "; last probe {ago} ago: {} in {:.1} ms", last.outcome, last.latency_ms);
    }
    line.plain(rest)
}
