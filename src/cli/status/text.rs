//! The status as text: the live table, whole, with the orders below it.

use std::time::Duration;

use crate::admin::view::{OrderView, StatusView, ZoneView};
use crate::base::duration::write_short;
use crate::cli::line::Line;
use crate::cli::live::{Frame, draw};
use crate::cli::paint::Tone;

/// Prints everything.
pub(super) fn page(status: &StatusView) -> Vec<Line> {
    let frame = Frame {
        title: title(status),
        notices: notices(status),
        news: &[],
        footer: footer(status),
        width: usize::MAX,
        height: usize::MAX,
    };
    let mut lines = draw(status, frame);
    let from_primaries = status.zones.iter().filter(|zone| zone.upstream_serial.is_some());
    let mut zones: Vec<Line> = from_primaries.map(|zone| Line::default().plain("  ").join(serials(zone))).collect();
    if !zones.is_empty() {
        lines.extend([Line::default(), Line::of(Tone::Bold, "zones from primaries")]);
        lines.append(&mut zones);
    }
    lines
}

/// Tells of a zone which serial is served, and which one its primary's version has.
fn serials(zone: &ZoneView) -> Line {
    let served = zone.serial.map_or_else(|| "not served".to_owned(), |serial| format!("serial {serial}"));
    let upstream = zone.upstream_serial.map(|serial| format!(", its primary's is {serial}"));
    Line::default().plain(format!("{}  {served}{}", zone.zone.trim_end_matches('.'), upstream.unwrap_or_default()))
}

/// Says whether the server is ready, and what it serves.
pub(in crate::cli) fn title(status: &StatusView) -> Line {
    let health = &status.health;
    let state = match &health.remark {
        _ if health.ready && health.live => Line::of(Tone::Good, "ready"),
        remark => Line::of(Tone::Bad, format!("not ready: {}", remark.as_deref().unwrap_or_default())),
    };
    let serials: Vec<u32> = status.zones.iter().filter_map(|zone| zone.serial).collect();
    let zones = match serials.as_slice() {
        [serial] => format!("serial {serial}"),
        serials => format!("{} zones", serials.len()),
    };
    let line = Line::of(Tone::Bold, format!("understudy {}", status.version)).plain(": ").join(state);
    line.put(Tone::Dim, format!(", generation {}, {zones}", status.generation))
}

/// Says what is wrong beside the services.
pub(in crate::cli) fn notices(status: &StatusView) -> Vec<String> {
    status.health.remark.iter().filter(|_| status.health.ready && status.health.live).cloned().collect()
}

/// Tells of the orders.
pub(in crate::cli) fn footer(status: &StatusView) -> Vec<Line> {
    if status.orders.is_empty() {
        return Vec::new();
    }
    let mut lines = vec![Line::default(), Line::of(Tone::Bold, "orders")];
    lines.extend(status.orders.iter().map(|given| Line::default().plain("  ").join(order(given, status.now_ms))));
    lines
}

/// Tells of an order: `7  sip-node1.example.com drained for 1h50m, by root: new kernel`.
pub(in crate::cli) fn order(order: &OrderView, now_ms: u64) -> Line {
    let left = |at: u64| write_short(Duration::from_millis(at.saturating_sub(now_ms)));
    // One that begins later lasts from then.
    let begin = order.from_ms.unwrap_or_default().max(now_ms);
    let lasts_from = |at: u64| write_short(Duration::from_millis(at.saturating_sub(begin)));
    let begins = order.from_ms.filter(|from| *from > now_ms).map(|from| format!(" in {}", left(from)));
    let lasts = order
        .until_ms
        .map_or_else(|| ", until it is cleared".to_owned(), |until| format!(", for {}", lasts_from(until)));
    let author = if order.author.is_empty() { String::new() } else { format!(", by {}", order.author) };
    let reason = if order.reason.is_empty() { String::new() } else { format!(": {}", order.reason) };
    let line = Line::of(Tone::Bold, order.id.to_string()).plain(format!("  {} ", order.on));
    let line = line.put(Tone::Soso, format!("{}{}", order.force, begins.unwrap_or_default()));
    let line = line.plain(format!("{lasts}{author}{reason}"));
    if order.idle == Some(true) { line.put(Tone::Soso, "; nothing of that name is there now") } else { line }
}
