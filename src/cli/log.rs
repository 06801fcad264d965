//! `log`: what has happened in a running server.

use std::process::ExitCode;
use std::time::Duration;

use crate::admin::view::{EventView, HistoryView};
use crate::base::clock::{Clock, UnixTime};

use super::args::Log;
use super::line::{self, Line};
use super::paint::{Paint, Tone};
use super::remote::{Failed, Remote};
use super::{input, words};

/// Runs the command.
pub(super) fn run(args: &Log) -> ExitCode {
    match print(args) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failed) => failed.tell(),
    }
}

fn print(args: &Log) -> Result<(), Failed> {
    let remote = Remote::find(&args.reach)?;
    let now = Clock::start().now().wall;
    let since =
        args.since.map(|ago| now.as_millis().saturating_sub(u64::try_from(ago.as_millis()).unwrap_or(u64::MAX)));
    let mut after = None;
    loop {
        let query = [after.map(|cursor: String| format!("after={cursor}")), since.map(|at| format!("since_ms={at}"))];
        let query: Vec<String> = query.into_iter().flatten().collect();
        let page: HistoryView = remote.get(&format!("/v1/history?{}", query.join("&")))?;
        for told in tell(&page, args) {
            input::print(&told);
        }
        after = Some(page.next);
        if !page.more {
            if !args.follow {
                return Ok(());
            }
            std::thread::sleep(PAUSE);
        }
    }
}

/// Prints a page: a line of text or of JSON each.
fn tell(page: &HistoryView, args: &Log) -> Vec<String> {
    if args.json {
        return page.events.iter().map(|event| serde_json::to_string(event).unwrap_or_default() + "\n").collect();
    }
    let mut lines = Vec::new();
    if page.restarted {
        lines.push(Line::of(Tone::Soso, "the server was started anew: what the last run did last is not known"));
    } else if page.lost > 0 {
        lines.push(Line::of(Tone::Soso, format!("{} are no longer held", words::counted(lost(page), "event"))));
    }
    // Every change of an answer is a publication too.
    let events = page.events.iter().filter(|event| args.all || event.kind != PUBLISHED);
    lines.extend(events.map(line));
    vec![line::text(&lines, Paint::stdout())]
}

fn lost(page: &HistoryView) -> usize {
    usize::try_from(page.lost).unwrap_or(usize::MAX)
}

fn line(event: &EventView) -> Line {
    let tone = match (event.alarm, event.to.as_deref()) {
        (true, _) | (_, Some("down" | "leaving")) => Tone::Bad,
        (_, Some("up")) => Tone::Good,
        _ if event.moved.is_some() || event.kind == "isolated" || event.kind == "reload-failed" => Tone::Soso,
        _ => Tone::Plain,
    };
    Line::of(Tone::Dim, UnixTime::from_millis(event.at_ms).to_string()).plain("  ").put(tone, &event.text)
}

/// The kind of event that says that answers were changed.
const PUBLISHED: &str = "published";
/// How often it is asked whether more has happened.
const PAUSE: Duration = Duration::from_millis(500);
