//! Redraws the table in place, and lets log lines scroll above it.

use std::collections::VecDeque;
use std::fmt::Write as _;
use std::io::{self, IsTerminal as _};
use std::time::Duration;

use tokio::sync::oneshot;

use crate::base::clock::{Clock, UnixTime};
use crate::base::tasks::Tasks;
use crate::cli::line::Line;
use crate::cli::paint::{Paint, Tone};
use crate::daemon::Daemon;
use crate::daemon::logging::{Held, Logging};
use crate::engine::EngineHandle;
use crate::engine::history::{Follower, Page};
use crate::engine::status::Status;
use crate::serve::Readiness;

use super::table::{Frame, draw, tell};
use super::terminal::Terminal;

/// Returns whether standard output is a terminal on which a table can be drawn in place: not a dumb one, nor one without
/// a size.
pub(crate) fn can_draw() -> bool {
    let is_dumb = std::env::var_os("TERM").is_none_or(|term| term.is_empty() || term == "dumb");
    io::stdout().is_terminal() && !is_dumb && crossterm::terminal::size().is_ok_and(|size| size.0 > 0 && size.1 > 0)
}

/// A table that is being drawn.
pub(crate) struct Screen {
    stop: oneshot::Sender<()>,
    task: tokio::task::JoinHandle<()>,
}

impl Screen {
    /// Draws the table of a server until it is closed; meanwhile log lines are printed above it.
    ///
    /// `footer` gives lines that stand below it.
    ///
    /// # Errors
    /// If the system has no thread left for the terminal.
    pub(crate) fn open(
        daemon: &Daemon,
        logging: &Logging,
        footer: impl Fn() -> Vec<Line> + Send + 'static,
    ) -> io::Result<Self> {
        let (stop, stopped) = oneshot::channel();
        let addresses: Vec<String> = daemon.addresses().iter().map(ToString::to_string).collect();
        let painter = Painter {
            engine: daemon.engine(),
            readiness: daemon.readiness().clone(),
            clock: daemon.clock(),
            addresses: addresses.join(", "),
            news: VecDeque::new(),
            drawn: Vec::new(),
            held: logging.hold(),
            terminal: Terminal::open()?,
            certificates: Box::new(daemon.ending_certificates()),
            footer: Box::new(footer),
        };
        let engine = daemon.engine();
        let follower = engine.history().follow(engine.history().end());
        let task = Tasks::new().spawn("table", painter.work(follower, stopped));
        Ok(Self { stop, task })
    }

    /// Draws once more and leaves the table as it is.
    pub(crate) async fn close(self) {
        // The painter ends when it is told, or has ended before.
        let _ended = self.stop.send(());
        let _ended = self.task.await;
    }
}

struct Painter {
    engine: EngineHandle,
    readiness: Readiness,
    clock: Clock,
    addresses: String,
    news: VecDeque<(UnixTime, String)>,
    /// The columns of each line that was drawn last.
    drawn: Vec<usize>,
    held: Held,
    terminal: Terminal,
    certificates: Box<dyn Fn() -> Vec<String> + Send>,
    footer: Box<dyn Fn() -> Vec<Line> + Send>,
}

impl Painter {
    async fn work(mut self, mut follower: Follower, mut stopped: oneshot::Receiver<()>) {
        loop {
            let began = self.clock.now().mono;
            self.paint().await;
            // A picture of very many services takes its time: nine tenths of it are left to the engine.
            let pause = SETTLE.max(self.clock.now().mono.since(began) * 9);
            tokio::select! {
                biased;
                _ = &mut stopped => break,
                page = follower.next() => {
                    self.hear(page.as_ref());
                    tokio::select! {
                        biased;
                        _ = &mut stopped => break,
                        () = tokio::time::sleep(pause) => {}
                    }
                    // What came meanwhile is drawn with it.
                    self.hear(follower.pending().await.as_ref());
                }
                () = tokio::time::sleep(REFRESH.max(pause)) => {}
            }
        }
        self.paint().await;
        self.terminal.close().await;
    }

    fn hear(&mut self, page: Option<&Page>) {
        let events = page.into_iter().flat_map(|page| &page.records).map(|record| &record.event);
        self.news.extend(events.filter_map(|event| Some((event.at, tell(&event.notice)?))));
        while self.news.len() > NEWS {
            self.news.pop_front();
        }
    }

    async fn paint(&mut self) {
        let Ok(status) = self.engine.status().await else { return };
        // Log lines that are held back wait with the picture.
        let Some(place) = self.terminal.place() else { return };
        let (width, height) = crossterm::terminal::size().unwrap_or((80, 24));
        // Not the last column: some terminals wrap when it is filled. One line is the cursor's.
        let (width, height) =
            (usize::from(width).saturating_sub(1).max(1), usize::from(height).saturating_sub(1).max(1));
        let frame = Frame {
            title: self.title(&status),
            notices: self.notices(),
            news: self.news.make_contiguous(),
            footer: (self.footer)(),
            width,
            height,
        };
        let lines = draw(&status, self.clock.now(), frame);
        place.send(picture(&self.drawn, &self.held.take(), &lines, width, Paint::stdout()));
        self.drawn = lines.iter().map(Line::columns).collect();
    }

    /// Returns what is wrong beside the services.
    fn notices(&self) -> Vec<String> {
        let mut notices: Vec<String> = self.readiness.load().remark.clone().into_iter().collect();
        let ending = (self.certificates)();
        notices.extend(ending.iter().take(FEW).cloned());
        if let Some(more) = ending.len().checked_sub(FEW).filter(|more| *more > 0) {
            notices.push(format!("certificates that expire soon: {more} more"));
        }
        notices
    }

    fn title(&self, status: &Status) -> Line {
        let readiness = self.readiness.load();
        let state = match &readiness.fault {
            None => Line::of(Tone::Good, "ready"),
            Some(fault) => Line::of(Tone::Bad, format!("not ready: {fault}")),
        };
        let serials: Vec<String> =
            status.zones.iter().filter_map(|zone| zone.serial).map(|serial| serial.to_string()).collect();
        let numbers = match serials.as_slice() {
            [serial] => format!(", serial {serial}"),
            serials => format!(", {} zones", serials.len()),
        };
        let line = Line::of(Tone::Bold, format!("understudy on {}", self.addresses)).plain(": ").join(state);
        line.put(Tone::Dim, format!(", generation {}{numbers}", status.generation))
    }
}

/// Makes what the terminal is sent: back to the begin of the old table, log lines, the new table, nothing below it.
fn picture(drawn: &[usize], logged: &[String], lines: &[Line], width: usize, paint: Paint) -> String {
    // Lines that were drawn for a wider terminal have been wrapped by it.
    let rows: usize = drawn.iter().map(|columns| columns.div_ceil(width + 1).max(1)).sum();
    let mut text = String::from("\r");
    if rows > 0 {
        let _ = write!(text, "\u{1b}[{rows}A");
    }
    for line in logged {
        let _ = write!(text, "{}\u{1b}[K\r\n", line.trim_end());
    }
    for line in lines {
        let _ = write!(text, "{}\u{1b}[K\r\n", line.print(paint));
    }
    text.push_str("\u{1b}[J");
    text
}

/// The most certificates that are named.
const FEW: usize = 2;
/// How often the table is drawn when nothing happens.
const REFRESH: Duration = Duration::from_secs(1);
/// How long after a change the table is drawn: what comes together is drawn once.
const SETTLE: Duration = Duration::from_millis(50);
/// How many of the last things that happened are shown.
const NEWS: usize = 5;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn log_lines_scroll_by_above_and_the_old_table_is_drawn_over() {
        let lines = [Line::default().plain("a"), Line::default().plain("b")];
        let text = picture(&[5, 12], &["WARN x\n".to_owned()], &lines, 9, Paint::new(false));
        // The second line of the old table, of 12 columns, takes two rows of 10.
        assert_eq!(text, "\r\x1b[3AWARN x\x1b[K\r\na\x1b[K\r\nb\x1b[K\r\n\x1b[J");
        assert_eq!(picture(&[], &[], &lines[..1], 9, Paint::new(false)), "\ra\x1b[K\r\n\x1b[J");
    }
}
