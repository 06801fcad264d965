//! The live table: services, tiers, targets, what is answered, TTL, last change. Pure: a status goes in, lines come out.

use crate::base::clock::Now;
use crate::engine::status::{MemberStatus, PoolStatus, Status, TargetStatus};
use crate::health::machine::State;
use crate::policy::{Placement, Served};

use super::explain::human;
use super::paint::Paint;
use super::simulate::headline;

/// What the table is drawn with.
pub(super) struct Frame<'a> {
    /// The line above it: where the server answers, and whether it is ready.
    pub(super) title: &'a str,
    /// The last thing that happened.
    pub(super) news: Option<&'a str>,
    /// The terminal's width and height in characters.
    pub(super) size: (usize, usize),
    pub(super) paint: Paint,
}

/// Draws the table; at most as many lines as the terminal has, the services with trouble first.
pub(super) fn draw(status: &Status, now: Now, frame: &Frame<'_>) -> Vec<String> {
    let (width, height) = frame.size;
    let paint = frame.paint;
    let mut lines = vec![fit(frame.title, width, |text| paint.bold(text))];
    if status.isolated {
        lines.push(fit("isolated: no witness answers, silent failures do not count", width, |text| paint.bad(text)));
    }
    let mut pools: Vec<&PoolStatus> = status.pools.iter().collect();
    pools.sort_by_key(|pool| trouble(pool));
    // The last lines are for the news and for how many services are not shown.
    let room = height.saturating_sub(lines.len() + 3);
    let mut shown = 0;
    let mut body = Vec::new();
    for pool in &pools {
        let block = draw_pool(pool, status, now, width, paint);
        if shown > 0 && body.len() + block.len() > room {
            break;
        }
        body.extend(block);
        shown += 1;
    }
    body.truncate(room.max(1));
    lines.append(&mut body);
    if shown < pools.len() {
        let rest = format!("and {} more services, all well or less troubled", pools.len() - shown);
        lines.push(fit(&rest, width, |text| paint.dim(text)));
    }
    if let Some(news) = frame.news {
        lines.push(String::new());
        lines.push(fit(news, width, |text| paint.dim(text)));
    }
    lines
}

/// Orders services: all down, last resort, standing in, well.
fn trouble(pool: &PoolStatus) -> (u8, String) {
    let best = pool.members.iter().map(|member| member.priority).min();
    let rank = match pool.decision.served {
        Served::AllDown => 0,
        Served::LastResort => 1,
        Served::Tier(tier) if Some(tier) != best => 2,
        Served::Tier(_) if pool.members.iter().any(|member| !member.verdict.serves()) => 3,
        Served::Tier(_) => 4,
    };
    (rank, pool.name.clone())
}

fn draw_pool(pool: &PoolStatus, status: &Status, now: Now, width: usize, paint: Paint) -> Vec<String> {
    let ttl = pool.ttls.iter().map(ToString::to_string).collect::<Vec<_>>().join("/");
    let changed = pool.changed.map_or_else(String::new, |at| format!(", changed {} ago", human(now.wall.since(at))));
    let name = pool.name.trim_end_matches('.');
    let mut lines = vec![
        String::new(),
        format!("{}  {}  {}", paint.bold(name), headline(pool, paint), paint.dim(format!("TTL {ttl}{changed}"))),
    ];
    let label_width = pool.members.iter().map(|member| member.label.len()).max().unwrap_or(0);
    let mut members: Vec<(&MemberStatus, &Placement)> = pool.members.iter().zip(&pool.decision.placements).collect();
    members.sort_by_key(|(member, _)| (member.half, member.priority));
    for (member, placement) in members {
        lines.push(draw_member(member, placement, status, (label_width, width), paint));
    }
    lines
}

fn draw_member(
    member: &MemberStatus,
    placement: &Placement,
    status: &Status,
    (label_width, width): (usize, usize),
    paint: Paint,
) -> String {
    let mark = if is_answered(placement) { paint.good("●") } else { paint.dim("○") };
    let targets: Vec<&TargetStatus> =
        member.targets.iter().filter_map(|id| status.targets.get(crate::base::table::RowId::index(*id))).collect();
    let states = if targets.is_empty() {
        paint.dim("not probed")
    } else {
        targets.iter().map(|target| state_word(target, paint)).collect::<Vec<_>>().join(" ")
    };
    let placement = placement.to_string();
    let label = format!("{:>5} {:>5}  {:label_width$}", member.priority, member.weight, member.label);
    let used = 4 + label.len() + 12;
    let cause =
        targets.iter().find_map(|target| target.cause.as_deref()).map_or_else(String::new, |c| format!(": {c}"));
    let rest = fit(&format!("{placement}{cause}"), width.saturating_sub(used), |text| paint.dim(text));
    format!("  {mark} {label}  {states}  {rest}")
}

/// Returns whether a member with this placement is in the answer.
const fn is_answered(placement: &Placement) -> bool {
    !matches!(placement, Placement::LeftOut(_))
}

fn state_word(target: &TargetStatus, paint: Paint) -> String {
    let word = if target.degraded { "degraded" } else { target.state.word() };
    match target.state {
        State::Up if !target.degraded => paint.good(word),
        State::Up | State::Unknown | State::Failing { .. } | State::Recovering { .. } => paint.soso(word),
        State::Down(_) => paint.bad(word),
    }
}

/// Cuts a text to a width and paints it.
fn fit(text: &str, width: usize, paint: impl Fn(&str) -> String) -> String {
    if text.chars().count() <= width {
        return paint(text);
    }
    let cut: String = text.chars().take(width.saturating_sub(1)).collect();
    paint(&format!("{cut}…"))
}
