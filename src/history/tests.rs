use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

use serde_json::{Map, json};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::*;
use crate::base::clock::{Clock, UnixTime};
use crate::base::tasks::Tasks;
use crate::engine::history::{Record, Recorder, history_after};
use crate::engine::{EngineHandle, Notice, Tested, TimedNotice};
use crate::health::Outcome;

/// A folder that goes with the test.
struct Scratch(PathBuf);

impl Scratch {
    fn new() -> Self {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let dir = std::env::temp_dir().join(format!("understudy-history-{}-{number}", std::process::id()));
        std::fs::create_dir_all(&dir).unwrap();
        Self(dir)
    }

    fn first(&self) -> PathBuf {
        self.0.join("history.journal")
    }

    fn second(&self) -> PathBuf {
        self.0.join("history.journal.1")
    }

    fn lines(&self) -> Vec<Line> {
        Lines::of_folder(&self.0).unwrap().map(Result::unwrap).collect()
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        drop(std::fs::remove_dir_all(&self.0));
    }
}

/// A run of the task; the test tells it what happens.
struct Run {
    recorder: Recorder,
    outcomes: OutcomeSender,
    metrics: Metrics,
    stop: CancellationToken,
    tasks: Tasks,
    task: tokio::task::JoinHandle<()>,
}

/// Begins a run; nobody answers in the engine's stead.
fn run(dir: &Path, limit: u64) -> Run {
    let (tasks, clock, stop) = (Tasks::new(), Clock::start(), CancellationToken::new());
    let last = Past::new(dir).last().unwrap_or(0);
    let (recorder, history, keeping) = history_after(64, clock.now().wall, last);
    drop(tasks.spawn("history", keeping.run()));
    let metrics = Metrics::default();
    let (sender, outcomes) = outcomes(&metrics);
    let (inbox, _) = mpsc::channel(1);
    let recording = Recording {
        dir: dir.to_owned(),
        limit,
        events: history.follow(history.start()),
        view,
        outcomes,
        engine: EngineHandle::new(inbox, history),
        clock,
        metrics: metrics.clone(),
    };
    let kept = [("alive".to_owned(), b"{\"at_ms\":7}".to_vec())].into();
    let first = First { at: UnixTime::from_secs(7), kept };
    let stopped = stop.clone();
    let task = tasks.spawn("history-writer", recording.run(first, async move { stopped.cancelled().await }));
    Run { recorder, outcomes: sender, metrics, stop, tasks, task }
}

impl Run {
    async fn tell(&self, seconds: u64) {
        let notice = TimedNotice { at: UnixTime::from_secs(seconds), setup: 1, notice: Notice::Isolated(true) };
        self.recorder.record(notice).await;
    }

    async fn stop(self) {
        // What was told is in the memory before it is stopped.
        tokio::task::yield_now().await;
        self.stop.cancel();
        self.task.await.unwrap();
        drop(self.recorder);
        self.tasks.stop();
    }
}

#[expect(clippy::unnecessary_wraps, reason = "the shape that the task wants")]
fn view(record: &Record) -> Option<EventLine> {
    let rest: Map<_, _> = [("text".to_owned(), json!("what happened"))].into_iter().collect();
    Some(EventLine { sequence: record.sequence, at_ms: record.event.at.as_millis(), rest })
}

fn tested(target: &str) -> Tested {
    let at = UnixTime::from_secs(9);
    Tested { target: target.to_owned(), at, age: Default::default(), outcome: Outcome::Pass, untold: 0 }
}

/// Waits until the condition holds: the task works on its own thread.
async fn until(what: impl Fn() -> bool) {
    for _ in 0..2_000 {
        if what() {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    panic!("it never came");
}

#[tokio::test]
async fn what_happens_is_written_and_its_numbers_go_on_after_a_torn_line() {
    let dir = Scratch::new();
    let first = run(&dir.0, 1 << 20);
    first.tell(10).await;
    first.tell(11).await;
    first.outcomes.send(tested("tcp 127.0.0.1:1"));
    until(|| Past::new(&dir.0).last().unwrap() == 2).await;
    first.stop().await;
    assert_eq!(std::fs::metadata(dir.first()).unwrap().permissions().mode() & 0o777, 0o600);

    // As `kill -9` may leave it.
    let mut octets = std::fs::read(dir.first()).unwrap();
    octets.extend_from_slice(b"{\"event\":{\"sequence\":3,\"at_");
    std::fs::write(dir.first(), octets).unwrap();

    let second = run(&dir.0, 1 << 20);
    second.tell(12).await;
    until(|| Past::new(&dir.0).last().unwrap() == 3).await;
    second.stop().await;
    let past = Past::new(&dir.0);
    let numbers =
        |wanted: &Wanted| -> Vec<u64> { past.events(wanted).unwrap().iter().map(|event| event.sequence).collect() };
    assert_eq!(numbers(&Wanted::ALL), [1, 2, 3]);
    assert_eq!(numbers(&Wanted { since_ms: 11_000, until_ms: 12_000, ..Wanted::ALL }), [2]);
    assert_eq!(numbers(&Wanted { after: 1, before: 3, ..Wanted::ALL }), [2]);
    assert_eq!(numbers(&Wanted { most: 1, ..Wanted::ALL }), [1]);
    let mut lines = Lines::of_folder(&dir.0).unwrap();
    let kinds: Vec<&str> = lines
        .by_ref()
        .map(|line| match line.unwrap() {
            Line::History(_) => "history",
            Line::Start(_) => "start",
            Line::Stop(_) => "stop",
            Line::Picture(_) => "picture",
            Line::Event(_) | Line::Passed(_) => "event",
            Line::Outcome(_) => "outcome",
            Line::Lost(_) => "lost",
        })
        .filter(|kind| !matches!(*kind, "event" | "outcome"))
        .collect();
    assert_eq!(kinds, ["history", "start", "picture", "stop", "start", "picture", "stop"]);
    assert_eq!(lines.unreadable(), 1, "the torn one");
    let outcomes = dir.lines().into_iter().filter(|line| matches!(line, Line::Outcome(_))).count();
    assert_eq!(outcomes, 1);
}

#[tokio::test]
async fn two_files_hold_the_latest_and_never_more_than_their_size() {
    let dir = Scratch::new();
    let limit = 4_096;
    let run = run(&dir.0, limit);
    for number in 1..=400 {
        run.tell(number).await;
        // One after the other, so that the files are looked at between.
        until(|| Past::new(&dir.0).last().unwrap() == number).await;
        for file in [dir.first(), dir.second()] {
            let size = std::fs::metadata(file).map_or(0, |metadata| metadata.len());
            assert!(size <= limit + 200, "{size}");
        }
    }
    run.stop().await;
    let numbers: Vec<u64> =
        Past::new(&dir.0).events(&Wanted::ALL).unwrap().iter().map(|event| event.sequence).collect();
    assert!(numbers.windows(2).all(|pair| pair[0] + 1 == pair[1]), "{numbers:?}");
    assert!(*numbers.first().unwrap() > 1 && *numbers.last().unwrap() == 400, "{numbers:?}");
}

#[tokio::test(start_paused = true)]
async fn a_disk_that_refuses_is_told_and_asked_again_and_what_has_no_room_is_counted() {
    let dir = Scratch::new();
    std::fs::remove_dir_all(&dir.0).unwrap();
    let run = run(&dir.0, 1 << 20);
    run.tell(10).await;
    until(|| run.metrics.is_behind()).await;
    // More than may wait: the rest is counted.
    let long = "x".repeat(100_000);
    for _ in 0..20 {
        run.outcomes.send(tested(&long));
    }
    until(|| run.metrics.lost() > 0).await;
    std::fs::create_dir_all(&dir.0).unwrap();
    until(|| !run.metrics.is_behind()).await;
    run.tell(11).await;
    until(|| Past::new(&dir.0).last().unwrap() == 2).await;
    let lost = run.metrics.lost();
    run.stop().await;
    let told: u64 = dir.lines().iter().map(|line| if let Line::Lost(lost) = line { lost.lines } else { 0 }).sum();
    assert_eq!((told, lost), (lost, 20 - written(&dir)));
}

fn written(dir: &Scratch) -> u64 {
    dir.lines().iter().map(|line| u64::from(matches!(line, Line::Outcome(_)))).sum()
}

#[tokio::test]
async fn a_full_queue_costs_outcomes_and_no_time() {
    let metrics = Metrics::default();
    let (sender, mut outcomes) = outcomes(&metrics);
    let room = outcomes.capacity();
    for _ in 0..room + 3 {
        sender.send(tested("tcp 127.0.0.1:1"));
    }
    assert_eq!(metrics.lost(), 3);
    assert_eq!(outcomes.recv().await, Some(tested("tcp 127.0.0.1:1")));
}

#[tokio::test(start_paused = true)]
async fn no_link_is_written_through() {
    let dir = Scratch::new();
    let elsewhere = dir.0.join("elsewhere");
    std::fs::write(&elsewhere, b"of somebody else").unwrap();
    std::os::unix::fs::symlink(&elsewhere, dir.first()).unwrap();
    let run = run(&dir.0, 1 << 20);
    until(|| run.metrics.is_behind()).await;
    run.stop().await;
    assert_eq!(std::fs::read(&elsewhere).unwrap(), b"of somebody else");
}

#[test]
fn a_picture_that_is_longer_than_a_quarter_of_a_file_is_left_out() {
    let kept = |picture: &Line| matches!(picture, Line::Picture(Picture { kept: Some(_), .. }));
    let value = || [("health/x".to_owned(), b"\"0123456789\"".to_vec())].into();
    assert!(kept(&task::picture(value(), UnixTime::default(), 80)));
    assert!(!kept(&task::picture(value(), UnixTime::default(), 79)));
}
