//! `watch`: the live table of a running server.

use std::collections::VecDeque;
use std::process::ExitCode;
use std::time::Duration;

use crate::admin::view::{HistoryView, StatusView};
use crate::base::clock::UnixTime;
use crate::base::finding::{Finding, Severity};

use super::args::Watch;
use super::line::Line;
use super::live::{Frame, can_draw, draw, picture};
use super::paint::Paint;
use super::remote::{Failed, Remote};
use super::{USAGE, input, status};

/// Runs the command.
pub(super) fn run(args: &Watch) -> ExitCode {
    if !can_draw() {
        let finding = Finding::error("terminal", "`watch` draws on a terminal, and this is none, or a dumb one");
        input::tell(
            &[finding.help("`understudy status` prints once, `understudy log --follow` as it happens")],
            Severity::Error,
        );
        return ExitCode::from(USAGE);
    }
    match watch(args) {
        Ok(never) => match never {},
        Err(failed) => failed.tell(),
    }
}

/// Draws until the server is gone; whoever watches ends it by Ctrl-C.
fn watch(args: &Watch) -> Result<std::convert::Infallible, Failed> {
    let remote = Remote::find(&args.reach)?;
    let mut news = VecDeque::new();
    let mut drawn: Vec<usize> = Vec::new();
    let mut after: Option<String> = None;
    loop {
        let query = after.map_or_else(String::new, |cursor| format!("?after={cursor}"));
        let page: HistoryView = remote.get(&format!("/v1/history{query}"))?;
        let events = page.events.into_iter().filter(|event| event.kind != "published");
        news.extend(events.map(|event| (UnixTime::from_millis(event.at_ms), event.text)));
        while news.len() > NEWS {
            news.pop_front();
        }
        after = Some(page.next);
        let status: StatusView = remote.get("/v1/status")?;
        let (width, height) = crossterm::terminal::size().unwrap_or((80, 24));
        // Not the last column: some terminals wrap when it is filled. One line is the cursor's.
        let (width, height) = (usize::from(width).max(2) - 1, usize::from(height).max(2) - 1);
        let frame = Frame {
            title: status::title(&status),
            notices: status::notices(&status),
            news: news.make_contiguous(),
            footer: status::footer(&status),
            width,
            height,
        };
        let lines = draw(&status, frame);
        input::print(&picture(&drawn, &[], &lines, width, Paint::stdout()));
        drawn = lines.iter().map(Line::columns).collect();
        std::thread::sleep(if page.more { Duration::ZERO } else { REFRESH });
    }
}

/// How often it is drawn.
const REFRESH: Duration = Duration::from_secs(1);
/// How many of the last things that happened are shown.
const NEWS: usize = 5;
