//! The task that writes the history, beside the engine: nobody waits for it.

use std::collections::BTreeMap;
use std::future::Future;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use tokio::sync::mpsc;
use tokio::time::{sleep_until, timeout};
use tracing::{error, info};

use crate::base::clock::{Clock, Mono, UnixTime};
use crate::engine::history::{Follower, Page, Record};
use crate::engine::{EngineHandle, Tested};

use super::files::Files;
use super::line::{EventLine, Line, Lost, Passed, Picture, Start, Stop};
use super::{Metrics, OutcomeLine};

/// Hands outcomes to the task; what finds no room is lost and counted.
#[derive(Clone, Debug)]
pub struct OutcomeSender(Option<(mpsc::Sender<Tested>, Metrics)>);

/// The task, before it runs.
#[derive(Debug)]
pub struct Recording {
    /// The state folder.
    pub dir: PathBuf,
    /// How many octets each of the two files takes.
    pub limit: u64,
    /// What happens.
    pub events: Follower,
    /// Makes what is written of an event; nothing for one that is not kept.
    pub view: fn(&Record) -> Option<EventLine>,
    /// What is judged.
    pub outcomes: mpsc::Receiver<Tested>,
    /// Who pictures what is believed when a new file begins.
    pub engine: EngineHandle,
    /// When.
    pub clock: Clock,
    /// What is counted.
    pub metrics: Metrics,
}

/// What a run begins with.
#[derive(Debug)]
pub struct First {
    /// When.
    pub at: UnixTime,
    /// What it believes then, as the state keeps it.
    pub kept: BTreeMap<String, Vec<u8>>,
}

/// Makes the way of the outcomes to the task.
pub fn outcomes(metrics: &Metrics) -> (OutcomeSender, mpsc::Receiver<Tested>) {
    let (sender, outcomes) = mpsc::channel(QUEUE);
    (OutcomeSender(Some((sender, metrics.clone()))), outcomes)
}

impl OutcomeSender {
    /// Makes one where no history is kept.
    pub const fn none() -> Self {
        Self(None)
    }

    /// Hands an outcome over; never waits.
    pub fn send(&self, tested: Tested) {
        if let Some((sender, metrics)) = &self.0
            && sender.try_send(tested).is_err()
        {
            metrics.lose(1);
        }
    }
}

/// What is written next, as far as there is room for it.
#[derive(Debug)]
struct Waiting {
    lines: Vec<u8>,
    /// How much was lost when that was told last.
    told: u64,
    metrics: Metrics,
}

impl Recording {
    /// Writes what comes until `stop` ends, and then what is there.
    pub async fn run(mut self, first: First, stop: impl Future<Output = ()> + Send) {
        let mut files = Files::new(&self.dir, self.limit);
        let mut waiting = Waiting { lines: Vec::new(), told: 0, metrics: self.metrics.clone() };
        let version = env!("CARGO_PKG_VERSION").to_owned();
        waiting.push(&Line::Start(Start { at_us: first.at.as_micros(), version }));
        waiting.push(&picture(first.kept, first.at, self.limit));
        // When a disk that refuses is asked again.
        let mut retry: Option<Mono> = None;
        let mut ended = false;
        tokio::pin!(stop);
        let mut batch = Vec::new();
        while !ended {
            let now = self.clock.now();
            if retry.is_none_or(|at| at <= now.mono) {
                waiting.tell_lost(now.wall);
                let result;
                (files, result) = self.write(files, &mut waiting).await;
                self.tell(&mut retry, &result);
            }
            if retry.is_none() && files.is_full() {
                let result;
                (files, result) = self.rotate(files, &mut waiting).await;
                self.tell(&mut retry, &result);
                continue;
            }
            let again = retry.map(|at| self.clock.instant(at));
            tokio::select! {
                biased;
                () = &mut stop => ended = true,
                () = sleep_until(again.unwrap_or_else(|| self.clock.instant(now.mono))), if again.is_some() => {}
                Some(page) = self.events.next() => self.take_page(&page, &mut waiting),
                1.. = self.outcomes.recv_many(&mut batch, QUEUE) => {
                    batch.drain(..).for_each(|tested| waiting.push(&Line::Outcome(OutcomeLine::of(tested))));
                }
                // Whoever tells anything is gone.
                else => ended = true,
            }
        }
        while let Some(page) = self.events.pending().await.filter(|page| !page.records.is_empty()) {
            self.take_page(&page, &mut waiting);
        }
        while let Ok(tested) = self.outcomes.try_recv() {
            waiting.push(&Line::Outcome(OutcomeLine::of(tested)));
        }
        waiting.push(&Line::Stop(Stop { at_us: self.clock.now().wall.as_micros() }));
        if let (_, Err(cause)) = self.write(files, &mut waiting).await {
            error!(error = %cause, "the end of the history cannot be written");
        }
    }

    fn take_page(&self, page: &Page, waiting: &mut Waiting) {
        self.metrics.lose(page.lost);
        let mut passed = None;
        for record in &page.records {
            match (self.view)(record) {
                Some(event) => {
                    passed = None;
                    waiting.push(&Line::Event(event));
                }
                None => passed = Some(Passed { sequence: record.sequence }),
            }
        }
        passed.into_iter().for_each(|passed| waiting.push(&Line::Passed(passed)));
    }

    /// Begins a new file with a picture of what is believed.
    async fn rotate(&self, files: Files, waiting: &mut Waiting) -> (Files, io::Result<()>) {
        let (files, result) = self.blocking(files, Files::rotate).await;
        // An engine that does not answer is told of elsewhere.
        if result.is_ok()
            && let Ok(Ok(kept)) = timeout(PATIENCE, self.engine.picture()).await
        {
            waiting.push(&picture(kept, self.clock.now().wall, self.limit));
        }
        (files, result)
    }

    /// Writes what waits; what fails waits on.
    async fn write(&self, files: Files, waiting: &mut Waiting) -> (Files, io::Result<()>) {
        if waiting.lines.is_empty() {
            return (files, Ok(()));
        }
        let lines = Arc::new(std::mem::take(&mut waiting.lines));
        let written = Arc::clone(&lines);
        let (files, result) = self.blocking(files, move |files| files.append(&written)).await;
        if result.is_err() {
            waiting.lines = Arc::unwrap_or_clone(lines);
        }
        (files, result)
    }

    /// Works with the files on a thread that may wait for the disk.
    async fn blocking(
        &self,
        mut files: Files,
        work: impl FnOnce(&mut Files) -> io::Result<()> + Send + 'static,
    ) -> (Files, io::Result<()>) {
        let done = tokio::task::spawn_blocking(move || {
            let result = work(&mut files);
            (files, result)
        });
        done.await.unwrap_or_else(|lost| (Files::new(&self.dir, self.limit), Err(io::Error::other(lost))))
    }

    /// Tells whether the disk refuses, when that changes, and when it is asked again.
    fn tell(&self, retry: &mut Option<Mono>, result: &io::Result<()>) {
        match (result, retry.is_some()) {
            (Err(cause), false) => error!(error = %cause, retry = "every 5 s", "the history cannot be written"),
            (Ok(()), true) => info!("the history is written again"),
            (Err(_), true) | (Ok(()), false) => {}
        }
        *retry = result.is_err().then(|| self.clock.now().mono + RETRY);
        self.metrics.measure(result.is_err());
    }
}

impl Waiting {
    /// Adds a line, if there is room for it.
    fn push(&mut self, line: &Line) {
        if self.lines.len() >= ROOM {
            self.metrics.lose(1);
            return;
        }
        line.write(&mut self.lines);
    }

    /// Adds a line that says how much was lost since the last one that does.
    fn tell_lost(&mut self, at: UnixTime) {
        let lost = self.metrics.lost();
        if lost > self.told && self.lines.len() < ROOM {
            let lines = lost - self.told;
            self.told = lost;
            self.push(&Line::Lost(Lost { at_us: at.as_micros(), lines }));
        }
    }
}

/// Makes the line of a picture; one of more than a quarter of a file of this size is left out.
pub(super) fn picture(kept: BTreeMap<String, Vec<u8>>, at: UnixTime, limit: u64) -> Line {
    let octets: usize = kept.iter().map(|(key, value)| key.len() + value.len()).sum();
    let fits = u64::try_from(octets).unwrap_or(u64::MAX) <= limit / 4;
    let read = |(key, value): (String, Vec<u8>)| Some((key, serde_json::from_slice::<Value>(&value).ok()?));
    let kept = fits.then(|| kept.into_iter().filter_map(read).collect());
    Line::Picture(Picture { at_us: at.as_micros(), kept })
}

/// How many outcomes may wait for the task.
const QUEUE: usize = 4_096;
/// How many octets of lines wait for a disk that refuses or is slow; more are lost.
const ROOM: usize = 1 << 20;
/// How long a disk that refused is left alone.
const RETRY: Duration = Duration::from_secs(5);
/// How long the engine may take to picture what is believed.
const PATIENCE: Duration = Duration::from_secs(10);
