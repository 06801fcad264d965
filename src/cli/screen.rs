//! The live table on a terminal: asks for the picture, draws it over the last one.

use std::fmt::Write as _;
use std::time::Duration;

use tokio::sync::{broadcast, oneshot};

use crate::base::clock::Clock;
use crate::base::tasks::Tasks;
use crate::daemon::{Daemon, Viewer};
use crate::engine::Notice;
use crate::serve::Readiness;

use super::input;
use super::paint::Paint;
use super::table::{Frame, draw};

/// A table that is being drawn.
pub(super) struct Screen {
    stop: oneshot::Sender<()>,
    task: tokio::task::JoinHandle<()>,
}

/// How often the table is drawn when nothing happens.
const REFRESH: Duration = Duration::from_secs(1);
/// How long after a change the table is drawn: what comes together is drawn once.
const SETTLE: Duration = Duration::from_millis(50);

impl Screen {
    /// Draws the table of a server until it is closed.
    ///
    /// `footer` gives lines that stand below it.
    pub(super) fn open(daemon: &Daemon, footer: impl Fn() -> Vec<String> + Send + 'static) -> Self {
        let (stop, stopped) = oneshot::channel();
        let addresses: Vec<String> = daemon.addresses().iter().map(ToString::to_string).collect();
        let painter = Painter {
            viewer: daemon.viewer(),
            readiness: daemon.readiness().clone(),
            clock: daemon.clock(),
            addresses: addresses.join(", "),
            news: None,
            drawn: 0,
            footer: Box::new(footer),
        };
        let task = Tasks::new().spawn("table", painter.work(daemon.notices(), stopped));
        Self { stop, task }
    }

    /// Draws once more and leaves the table as it is.
    pub(super) async fn close(self) {
        // The painter ends when it is told, or has ended before.
        let _ended = self.stop.send(());
        let _ended = self.task.await;
    }
}

struct Painter {
    viewer: Viewer,
    readiness: Readiness,
    clock: Clock,
    addresses: String,
    news: Option<String>,
    drawn: usize,
    footer: Box<dyn Fn() -> Vec<String> + Send>,
}

impl Painter {
    async fn work(mut self, mut notices: broadcast::Receiver<Notice>, mut stopped: oneshot::Receiver<()>) {
        loop {
            self.paint().await;
            tokio::select! {
                biased;
                _ = &mut stopped => break,
                notice = notices.recv() => {
                    if let Ok(notice) = notice {
                        self.news = tell(&notice).or(self.news.take());
                    }
                    tokio::time::sleep(SETTLE).await;
                }
                () = tokio::time::sleep(REFRESH) => {}
            }
        }
        self.paint().await;
    }

    async fn paint(&mut self) {
        let Some(status) = self.viewer.status().await else { return };
        let (width, height) = crossterm::terminal::size().unwrap_or((100, 30));
        let title = {
            let readiness = self.readiness.load();
            let state =
                readiness.fault.as_deref().map_or_else(|| "ready".to_owned(), |fault| format!("not ready: {fault}"));
            format!("understudy on {}: {state}, generation {}", self.addresses, status.generation)
        };
        let footer = (self.footer)();
        let size = (usize::from(width), usize::from(height).saturating_sub(footer.len()));
        let frame = Frame { title: &title, news: self.news.as_deref(), size, paint: Paint::stdout() };
        let mut lines = draw(&status, self.clock.now(), &frame);
        lines.extend(footer);
        let mut text = String::new();
        if self.drawn > 0 {
            let _ = write!(text, "\u{1b}[{}A", self.drawn);
        }
        for line in &lines {
            let _ = write!(text, "\r{line}\u{1b}[K\n");
        }
        text.push_str("\u{1b}[J");
        self.drawn = lines.len();
        input::print(&text);
    }
}

/// Tells a notice in a line; nothing for what the table shows by itself.
pub(super) fn tell(notice: &Notice) -> Option<String> {
    match notice {
        Notice::Target { target, from, to, cause } => {
            let cause = cause.as_ref().map_or_else(String::new, |cause| format!(" ({cause})"));
            Some(format!("{target}: {from} → {to}{cause}"))
        }
        Notice::Decision { pool, reason, .. } => Some(format!("{}: {reason}", pool.trim_end_matches('.'))),
        Notice::Isolated(true) => Some("isolated: no witness answers".to_owned()),
        Notice::Isolated(false) => Some("no longer isolated".to_owned()),
        Notice::Published { .. } => None,
    }
}
