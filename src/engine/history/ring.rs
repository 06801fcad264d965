//! The last records, numbered without a gap. Pure.

use std::collections::VecDeque;
use std::sync::Arc;

use super::record::{Cursor, Page, Record};
use crate::engine::effect::TimedNotice;

/// At most so many of the last records.
///
/// **Invariant:** the numbers of the records that are held follow each other, and the last is that of the last record.
#[derive(Debug)]
pub(super) struct Ring {
    records: VecDeque<Arc<Record>>,
    limit: usize,
    /// The number before the first record of this run.
    start: u64,
    end: Cursor,
}

impl Ring {
    /// Makes an empty one for a run whose first record has the number after `start`.
    pub(super) fn new(limit: usize, run: u64, start: u64) -> Self {
        Self { records: VecDeque::new(), limit, start, end: Cursor { run, sequence: start } }
    }

    /// Adds a record; the oldest makes room.
    pub(super) fn push(&mut self, event: TimedNotice) {
        self.end.sequence += 1;
        if self.records.len() >= self.limit {
            self.records.pop_front();
        }
        self.records.push_back(Arc::new(Record { sequence: self.end.sequence, event }));
    }

    /// Returns the place behind the last record.
    pub(super) const fn end(&self) -> Cursor {
        self.end
    }

    /// Returns at most `max` records after a cursor. One of another run, or of records that are yet to come, begins anew.
    pub(super) fn read(&self, after: Cursor, max: usize) -> Page {
        let restarted = after.run != self.end.run || after.sequence > self.end.sequence;
        let after = if restarted { self.start } else { after.sequence.max(self.start) };
        let first = self.records.front().map_or(self.end.sequence + 1, |record| record.sequence);
        let lost = first.saturating_sub(after + 1);
        let skip = usize::try_from((after + 1).saturating_sub(first)).unwrap_or(usize::MAX);
        let records: Vec<_> = self.records.iter().skip(skip).take(max).cloned().collect();
        let sequence = records.last().map_or(after + lost, |record| record.sequence);
        Page { records, lost, restarted, next: Cursor { sequence, ..self.end } }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::base::clock::UnixTime;
    use crate::engine::Notice;

    fn ring(limit: usize, records: u64) -> Ring {
        let mut ring = Ring::new(limit, 1, 0);
        for number in 1..=records {
            let at = UnixTime::from_secs(number);
            ring.push(TimedNotice { at, setup: 1, notice: Notice::Isolated(true) });
        }
        ring
    }

    proptest! {
        #[test]
        fn what_is_read_and_what_is_lost_make_up_everything(
            limit in 1..20usize, records in 0..50u64, after in 0..60u64, max in 1..20usize,
        ) {
            let ring = ring(limit, records);
            let mut cursor = Cursor { run: 1, sequence: after };
            let mut next = if after > records { 1 } else { after + 1 };
            loop {
                let page = ring.read(cursor, max);
                prop_assert!(page.records.len() <= max.min(limit));
                next += page.lost;
                for record in &page.records {
                    prop_assert_eq!(record.sequence, next);
                    next += 1;
                }
                if page.records.is_empty() {
                    break;
                }
                cursor = page.next;
            }
            prop_assert_eq!(next, records + 1);
        }
    }

    #[test]
    fn numbers_go_on_where_the_last_run_ended() {
        let mut ring = Ring::new(2, 1, 40);
        for number in 1..=3 {
            let at = UnixTime::from_secs(number);
            ring.push(TimedNotice { at, setup: 1, notice: Notice::Isolated(true) });
        }
        let page = ring.read(Cursor { run: 1, sequence: 40 }, 8);
        assert_eq!(page.records.iter().map(|record| record.sequence).collect::<Vec<_>>(), [42, 43]);
        assert_eq!((page.lost, page.restarted), (1, false));
        assert_eq!(ring.read(Cursor { run: 7, sequence: 39 }, 8).lost, 1, "of another run");
    }

    #[test]
    fn a_cursor_of_another_run_begins_anew() {
        let page = ring(8, 3).read(Cursor { run: 2, sequence: 3 }, 8);
        assert_eq!((page.records.len(), page.lost, page.restarted), (3, 0, true));
        assert_eq!(page.next, Cursor { run: 1, sequence: 3 });
    }
}
