//! What happened: a bounded ring of records that one task owns, read with cursors and followed live.
//!
//! ```text
//!  engine, reloads ─▶ Recorder ─▶ task: ring of the last records ─▶ read after a cursor, or follow
//! ```
//!
//! Readers pull: the task holds nothing for them. A reader that is too slow gets the number of lost records.

mod record;
mod ring;

use tokio::sync::{mpsc, oneshot, watch};

use crate::base::clock::UnixTime;

use super::effect::TimedNotice;
pub use record::{Cursor, Page, Record};
use ring::Ring;

/// How many records are held.
pub const RECORDS: usize = 4_096;
/// How many records a page holds at most.
pub const PAGE: usize = 512;
/// How many records, and how many reads, may wait for the task.
const QUEUE: usize = 256;

/// Writes into the history; it ends when all recorders are gone.
#[derive(Clone, Debug)]
pub struct Recorder(mpsc::Sender<TimedNotice>);

/// Reads the history.
#[derive(Clone, Debug)]
pub struct History {
    reads: mpsc::Sender<HistoryRead>,
    latest: watch::Receiver<Cursor>,
    start: Cursor,
}

/// Reads on and on; see [`History::follow`].
#[derive(Debug)]
pub struct Follower {
    history: History,
    cursor: Cursor,
}

/// One read.
#[derive(Debug)]
struct HistoryRead {
    after: Cursor,
    reply: oneshot::Sender<Page>,
}

/// The task that owns the ring, before it runs.
#[derive(Debug)]
pub struct Keeping {
    ring: Ring,
    records: mpsc::Receiver<TimedNotice>,
    reads: mpsc::Receiver<HistoryRead>,
    latest: watch::Sender<Cursor>,
}

/// Makes a history of at most `limit` records, for a run that began at `start`.
pub fn history(limit: usize, start: UnixTime) -> (Recorder, History, Keeping) {
    history_after(limit, start, 0)
}

/// Makes a history as [`history`] does; its numbers go on after that of the last record of the run before.
pub fn history_after(limit: usize, start: UnixTime, last: u64) -> (Recorder, History, Keeping) {
    let ring = Ring::new(limit, start.as_millis(), last);
    let (record, records) = mpsc::channel(QUEUE);
    let (reads, read) = mpsc::channel(QUEUE);
    let (latest, follow) = watch::channel(ring.end());
    let history = History { reads, start: ring.end(), latest: follow };
    (Recorder(record), history, Keeping { ring, records, reads: read, latest })
}

impl Keeping {
    /// Takes in records and answers reads until all recorders are gone.
    ///
    /// Biased: records first, so that the engine never waits for readers.
    pub async fn run(mut self) {
        loop {
            tokio::select! {
                biased;
                event = self.records.recv() => match event {
                    Some(event) => {
                        self.ring.push(event);
                        self.latest.send_replace(self.ring.end());
                    }
                    None => return,
                },
                // Without readers there is nothing to do but to record.
                Some(read) = self.reads.recv() => drop(read.reply.send(self.ring.read(read.after, PAGE))),
            }
        }
    }
}

impl Recorder {
    /// Records what happened.
    pub async fn record(&self, event: TimedNotice) {
        // At the end of the process nobody may keep it any more.
        drop(self.0.send(event).await);
    }
}

impl History {
    /// Returns the place behind the last record.
    pub fn end(&self) -> Cursor {
        *self.latest.borrow()
    }

    /// Returns the place before the first record of this run.
    pub const fn start(&self) -> Cursor {
        self.start
    }

    /// Returns at most [`PAGE`] records after a cursor; nothing once the history has ended.
    pub async fn read(&self, after: Cursor) -> Option<Page> {
        let (reply, page) = oneshot::channel();
        self.reads.send(HistoryRead { after, reply }).await.ok()?;
        page.await.ok()
    }

    /// Follows what happens after a cursor.
    pub fn follow(&self, after: Cursor) -> Follower {
        Follower { history: self.clone(), cursor: after }
    }
}

impl Follower {
    /// Waits for the next records; nothing once the history has ended.
    ///
    /// # Cancel safety
    ///
    /// It may be dropped and called again: no record is passed over.
    pub async fn next(&mut self) -> Option<Page> {
        let cursor = self.cursor;
        self.history.latest.wait_for(|end| *end != cursor).await.ok()?;
        self.pending().await
    }

    /// Reads what is there already, without waiting for more; nothing once the history has ended.
    ///
    /// # Cancel safety
    ///
    /// As [`Follower::next`].
    pub async fn pending(&mut self) -> Option<Page> {
        let page = self.history.read(self.cursor).await?;
        self.cursor = page.next;
        Some(page)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::tasks::Tasks;
    use crate::engine::Notice;

    fn event(number: u64) -> TimedNotice {
        TimedNotice { at: UnixTime::from_secs(number), setup: 1, notice: Notice::Isolated(true) }
    }

    fn numbers(page: &Page) -> Vec<u64> {
        page.records.iter().map(|record| record.sequence).collect()
    }

    #[tokio::test]
    async fn a_follower_gets_every_record_and_who_is_late_a_count() {
        let tasks = Tasks::new();
        let (recorder, history, keeping) = history(4, UnixTime::from_secs(7));
        let task = tasks.spawn("history", keeping.run());
        let (mut live, mut late) = (history.follow(history.start()), history.follow(history.start()));
        for number in 1..=10 {
            recorder.record(event(number)).await;
            let page = live.next().await.unwrap();
            assert_eq!((numbers(&page), page.lost), (vec![number], 0));
            assert_eq!(page.records[0].event, event(number));
        }
        let page = late.next().await.unwrap();
        assert_eq!((numbers(&page), page.lost), (vec![7, 8, 9, 10], 6));
        assert_eq!(history.read(history.end()).await.unwrap().records, []);
        drop(recorder);
        task.await.unwrap();
        assert_eq!(live.next().await, None);
    }

    #[tokio::test]
    async fn readers_that_are_gone_and_reads_that_wait_hold_up_no_record() {
        let tasks = Tasks::new();
        let (recorder, history, keeping) = history(RECORDS, UnixTime::from_secs(7));
        // Nobody has taken the reads yet, and their queue is full.
        let waiting: Vec<_> = (0..QUEUE).map(|_| oneshot::channel()).collect();
        for (reply, _) in waiting {
            history.reads.try_send(HistoryRead { after: history.start(), reply }).unwrap();
        }
        let task = tasks.spawn("history", keeping.run());
        for number in 0..1_000 {
            recorder.record(event(number)).await;
        }
        let page = history.read(history.start()).await.unwrap();
        assert_eq!((page.records.len(), page.lost, page.next.sequence), (PAGE, 0, PAGE as u64));
        drop((recorder, history));
        task.await.unwrap();
    }
}
