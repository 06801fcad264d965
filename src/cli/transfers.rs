//! `transfers`, `refresh` and `retransfer`: how zones come from primaries and go to secondaries, and two orders about it.

use std::process::ExitCode;
use std::time::Duration;

use crate::admin::api::{Taken, ZoneBody};
use crate::admin::view::{InboundView, NotifiedView, SentView, TransferView};
use crate::base::clock::{Clock, UnixTime};
use crate::base::duration::write_short;
use crate::base::finding::Finding;

use super::args::{Transfer, Transfers};
use super::line::{self, Line};
use super::paint::{Paint, Tone};
use super::remote::{Failed, Remote};
use super::words::counted;
use super::{input, offline};

/// Runs `transfers`.
pub(super) fn run(args: &Transfers) -> ExitCode {
    finish(print(args))
}

/// Runs `refresh`.
pub(super) fn refresh(args: &Transfer) -> ExitCode {
    finish(order(args, "/v1/refresh", "the primaries are asked for a newer version"))
}

/// Runs `retransfer`.
pub(super) fn retransfer(args: &Transfer) -> ExitCode {
    finish(order(args, "/v1/retransfer", "the whole zone is asked for"))
}

fn finish(result: Result<(), Failed>) -> ExitCode {
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(failed) => failed.tell(),
    }
}

fn order(args: &Transfer, path: &str, says: &str) -> Result<(), Failed> {
    let zone = args.zone.trim_end_matches('.');
    let _taken: Taken = Remote::find(&args.reach)?.post(path, &ZoneBody { zone: args.zone.clone() })?;
    let line =
        Line::of(Tone::Bold, zone).plain(format!(": {says}; `understudy transfers {zone}` tells what comes of it"));
    input::print(&line::text(&[line], Paint::stdout()));
    Ok(())
}

fn print(args: &Transfers) -> Result<(), Failed> {
    let all: Vec<TransferView> = Remote::find(&args.reach)?.get("/v1/transfers")?;
    let zones = select(all, &args.zones)?;
    input::print(&if args.json {
        serde_json::to_string_pretty(&zones).unwrap_or_default() + "\n"
    } else {
        line::text(&page(&zones, Clock::start().now().wall), Paint::stdout())
    });
    Ok(())
}

/// Leaves the zones that are named; all, if none is.
fn select(all: Vec<TransferView>, names: &[String]) -> Result<Vec<TransferView>, Failed> {
    let is_it = |view: &TransferView, name: &String| {
        view.zone.trim_end_matches('.').eq_ignore_ascii_case(name.trim_end_matches('.'))
    };
    for name in names {
        if !all.iter().any(|view| is_it(view, name)) {
            let finding = Finding::error("refused", format!("there is no zone {name} with transfers"));
            let near = offline::nearest_name(name, all.iter().map(|view| view.zone.trim_end_matches('.')));
            return Err(Failed::refused(match near {
                Some(near) => finding.help(format!("did you mean {near}?")),
                None => finding,
            }));
        }
    }
    let is_meant = |view: &TransferView| names.is_empty() || names.iter().any(|name| is_it(view, name));
    Ok(all.into_iter().filter(is_meant).collect())
}

fn page(zones: &[TransferView], now: UnixTime) -> Vec<Line> {
    if zones.is_empty() {
        return vec![Line::default().plain("no zone comes from a primary, and none was asked for by a secondary")];
    }
    zones.iter().flat_map(|zone| block(zone, now)).collect()
}

fn block(zone: &TransferView, now: UnixTime) -> Vec<Line> {
    let name = Line::of(Tone::Bold, zone.zone.trim_end_matches('.'));
    let serial = zone.serial.map_or_else(|| "not served".to_owned(), |serial| format!("serial {serial}"));
    let mut lines = vec![name.plain(format!("  {serial}"))];
    lines.extend(zone.inbound.iter().flat_map(|inbound| from(inbound, now)));
    lines.extend(zone.notified.iter().map(|told| notified(told, now)));
    lines.extend(zone.sent.iter().map(|sent| to(sent, now)));
    lines
}

/// Tells how a zone comes: from whom, how new it is, what went wrong.
fn from(inbound: &InboundView, now: UnixTime) -> Vec<Line> {
    let line = Line::default().plain(format!("  from {}: ", inbound.primaries.join(", ")));
    let line = match inbound.serial {
        _ if inbound.expired => line.put(Tone::Bad, "expired"),
        None => line.put(Tone::Bad, "never came"),
        Some(serial) => {
            let came = inbound
                .transferred_ms
                .map_or_else(|| ", came before this start".to_owned(), |at| format!(", came {} ago", ago(at, now)));
            line.plain(format!("its serial is {serial}{came}"))
        }
    };
    let newest = inbound.refreshed_ms.map(|at| format!("the newest {} ago", ago(at, now)));
    let next = inbound.next_ms.map_or_else(|| "asked now".to_owned(), |at| format!("asked again in {}", left(at, now)));
    let expires = inbound.expires_ms.filter(|_| !inbound.expired).map(|at| format!("expires in {}", left(at, now)));
    let times: Vec<String> = newest.into_iter().chain([next]).chain(expires).collect();
    let mut lines = vec![line, Line::of(Tone::Dim, format!("    {}", times.join(", ")))];
    if let (Some(at), Some(failure)) = (inbound.failed_ms, &inbound.failure) {
        let ago = ago(at, now);
        lines.push(match inbound.failures {
            0 => Line::of(Tone::Dim, format!("    failed last {ago} ago: {failure}")),
            count => {
                let times = counted(usize::try_from(count).unwrap_or(usize::MAX), "time");
                Line::of(Tone::Bad, format!("    failed {times} in a row, last {ago} ago: {failure}"))
            }
        });
    }
    lines
}

fn notified(told: &NotifiedView, now: UnixTime) -> Line {
    let line = Line::default().plain(format!("  told {} of serial {}: ", told.secondary, told.serial));
    let ago = ago(told.at_ms, now);
    match (told.state.as_str(), told.rcode) {
        ("acknowledged", _) => line.plain(format!("acknowledged {ago} ago")),
        ("waiting", _) => line.put(Tone::Soso, format!("no answer yet, sent {ago} ago")),
        (state, Some(rcode)) => line.put(Tone::Bad, format!("{state} with RCODE {rcode}, {ago} ago")),
        (state, None) => line.put(Tone::Bad, format!("{state}, {ago} ago")),
    }
}

fn to(sent: &SentView, now: UnixTime) -> Line {
    let serial = sent.serial.map_or_else(String::new, |serial| format!(" to serial {serial}"));
    let records = counted(usize::try_from(sent.records).unwrap_or(usize::MAX), "record");
    let kind = sent.kind.to_uppercase();
    let line = Line::default().plain(format!(
        "  sent {}: {kind}{serial}, {records}, {} ago",
        sent.client,
        ago(sent.at_ms, now)
    ));
    if sent.whole { line } else { line.put(Tone::Soso, ", not taken to its end") }
}

fn ago(at_ms: u64, now: UnixTime) -> String {
    write_short(now.since(UnixTime::from_millis(at_ms)))
}

fn left(at_ms: u64, now: UnixTime) -> String {
    write_short(Duration::from_millis(at_ms.saturating_sub(now.as_millis())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_that_is_known_of_the_transfers_of_a_zone_is_told() {
        let zone = TransferView {
            zone: "example.com.".to_owned(),
            serial: Some(12),
            inbound: Some(InboundView {
                primaries: vec!["127.0.0.1:53".to_owned(), "[::1]:53".to_owned()],
                serial: Some(7),
                transferred_ms: Some(40_000),
                refreshed_ms: Some(95_000),
                next_ms: Some(160_000),
                expires_ms: Some(7_300_000),
                failures: 2,
                failed_ms: Some(99_000),
                failure: Some("127.0.0.1:53: connection refused".to_owned()),
                ..InboundView::default()
            }),
            notified: [("acknowledged", None), ("refused", Some(5)), ("unanswered", None)]
                .map(|(state, rcode)| NotifiedView {
                    secondary: "127.0.0.2:53".to_owned(),
                    serial: 12,
                    at_ms: 98_000,
                    state: state.to_owned(),
                    rcode,
                })
                .into(),
            sent: vec![SentView {
                client: "127.0.0.2".to_owned(),
                at_ms: 98_000,
                serial: Some(12),
                kind: "ixfr".to_owned(),
                records: 6,
                whole: false,
            }],
        };
        let text = line::text(&page(&[zone], UnixTime::from_millis(100_000)), Paint::new(false));
        assert_eq!(
            text,
            "example.com  serial 12\n  from 127.0.0.1:53, [::1]:53: its serial is 7, came 1m ago\n    \
             the newest 5s ago, asked again in 1m, expires in 2h\n    \
             failed 2 times in a row, last 1s ago: 127.0.0.1:53: connection refused\n  \
             told 127.0.0.2:53 of serial 12: acknowledged 2s ago\n  \
             told 127.0.0.2:53 of serial 12: refused with RCODE 5, 2s ago\n  \
             told 127.0.0.2:53 of serial 12: unanswered, 2s ago\n  \
             sent 127.0.0.2: IXFR to serial 12, 6 records, 2s ago, not taken to its end\n"
        );
    }

    #[test]
    fn a_zone_that_never_came_or_has_expired_is_no_zone_that_is_served() {
        let never = InboundView { primaries: vec!["127.0.0.1:53".to_owned()], ..InboundView::default() };
        let expired = InboundView { serial: Some(7), expired: true, expires_ms: Some(1), ..never.clone() };
        let told = |inbound| {
            let zone = TransferView { zone: "t.".to_owned(), inbound: Some(inbound), ..TransferView::default() };
            line::text(&page(&[zone], UnixTime::from_millis(100_000)), Paint::new(false))
        };
        assert_eq!(told(never), "t  not served\n  from 127.0.0.1:53: never came\n    asked now\n");
        assert_eq!(told(expired), "t  not served\n  from 127.0.0.1:53: expired\n    asked now\n");
    }
}
