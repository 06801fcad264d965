//! The records of the history, and the cursors into them.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use crate::engine::effect::TimedNotice;

/// One record.
#[derive(Clone, Debug, PartialEq)]
pub struct Record {
    /// Its number: one more than that of the record before.
    pub sequence: u64,
    /// What happened, and when.
    pub event: TimedNotice,
}

/// A place in the history: right behind a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cursor {
    /// Which run of the process the number is of: only where the history is kept on disk do the numbers go on.
    pub run: u64,
    /// The number of the last record that was read; 0 before the first.
    pub sequence: u64,
}

impl fmt::Display for Cursor {
    /// Prints what [`Cursor::from_str`] reads.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.run, self.sequence)
    }
}

impl FromStr for Cursor {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let (run, sequence) = text.split_once('.').ok_or(())?;
        Ok(Self { run: run.parse().map_err(drop)?, sequence: sequence.parse().map_err(drop)? })
    }
}

/// Some records in their order.
#[derive(Clone, Debug, PartialEq)]
pub struct Page {
    /// The records.
    pub records: Vec<Arc<Record>>,
    /// How many records between the cursor and the first of these were dropped from the ring.
    pub lost: u64,
    /// Whether the cursor was of another run: what it missed of that one cannot be counted.
    pub restarted: bool,
    /// Where to read on.
    pub next: Cursor,
}
