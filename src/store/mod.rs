//! What must survive `kill -9`: a journal of keys and values in the state folder.
//!
//! Orders, policy memory, health with its age, serials and last-good sets are written as JSON by their owners; this
//! room sees keys (`order/…`, `memory/…`, `health/…`, `serial/…`, `last-good/…`) and bytes. No other room calls it:
//! they emit a key and a value, and the daemon passes them on.
//!
//! ```text
//! DIR/state.journal            a header line, then a line a change; the last line of a key counts
//! DIR/state.journal.new        the next journal while it is compacted; renamed over the old one
//! DIR/state.journal.corrupt    a journal with damaged lines, set aside at opening (then .corrupt.1 … .corrupt.9)
//! DIR/state.lock               locked while a server uses the folder; its process id
//! ```
//!
//! ```text
//! understudy state journal 1
//! 5f1d9a3c {"key":"order/7","value":{"drain":"sip-node1.example.com."}}
//! 03b2c417 {"key":"order/7"}                                              (a key that was removed)
//! ```
//!
//! **Invariant:** a change is acknowledged when it is on disk, and the journal on disk is at every moment a beginning of the
//! history of changes that includes all that were acknowledged.
//!
//! **Invariant:** this room does not know what a key or a value means.

mod change;
mod error;
mod folder;
mod journal;
mod line;
mod metrics;
mod task;
#[cfg(test)]
mod tests;

use std::path::Path;

use crate::base::file::{self, MAX_DATA};

pub use change::{Change, Entries};
pub use error::{OpenError, WriteError};
pub use task::{Persist, QUEUE, run};

use journal::Journal;
pub use line::{MAX_KEY, MAX_VALUE};
pub use metrics::Metrics;

/// An open state folder, or none (`--state none`); held by one process at a time.
#[derive(Debug)]
pub struct Store(Option<Journal>, Option<OpenError>);

impl Store {
    /// Opens the state folder, makes it if it is missing, and fixes its journal: a torn last line is dropped, a journal with
    /// other damage is set aside and its intact lines are kept.
    ///
    /// A disk that is full or only to be read is no error: see [`Store::refusal`].
    ///
    /// # Errors
    /// If the folder cannot be made, read or written, or another server uses it.
    pub fn open(dir: &Path) -> Result<Self, OpenError> {
        Journal::open(dir).map(|(journal, refusal)| Self(Some(journal), refusal))
    }

    /// Returns why nothing could be written when it was opened: what was kept is read, and writing is tried again.
    pub const fn refusal(&self) -> Option<&OpenError> {
        self.1.as_ref()
    }

    /// Makes a store that keeps nothing and acknowledges all.
    pub const fn none() -> Self {
        Self(None, None)
    }

    /// Writes changes in order and returns when they are on disk; blocks.
    ///
    /// # Errors
    /// If they are not on disk. They are remembered, and the next write or [`Store::repair`] tries to bring them there too.
    pub fn write(&mut self, changes: Vec<Change>) -> Result<(), WriteError> {
        self.0.as_mut().map_or(Ok(()), |journal| journal.write(changes))
    }

    /// Writes anew what an earlier failed write has left; does nothing if there is nothing; blocks.
    ///
    /// # Errors
    /// If the disk still refuses.
    pub fn repair(&mut self) -> Result<(), WriteError> {
        self.0.as_mut().map_or(Ok(()), Journal::repair)
    }

    /// Returns whether an earlier write failed and was not made good since.
    pub fn is_behind(&self) -> bool {
        self.0.as_ref().is_some_and(Journal::is_behind)
    }

    /// Returns all entries.
    pub fn entries(&self) -> &Entries {
        const NONE: &Entries = &Entries::new();
        self.0.as_ref().map_or(NONE, Journal::entries)
    }
}

/// Returns whether a server uses a state folder now.
pub fn in_use(dir: &Path) -> bool {
    folder::is_locked(dir)
}

/// Reads the entries of a state folder without its lock and without changing it, for offline commands; a server may be using
/// it. No folder or no journal is no entries; damaged lines are left out.
///
/// # Errors
/// If there is a journal that cannot be read, or a file in its place that is none.
pub fn read(dir: &Path) -> Result<Entries, OpenError> {
    let path = dir.join(folder::JOURNAL);
    match file::read(&path, MAX_DATA) {
        Ok(bytes) => {
            let decoded = line::decode(&bytes);
            if decoded.changes.is_empty() && decoded.damaged > 0 {
                let source = std::io::Error::new(std::io::ErrorKind::InvalidData, "it is no journal of understudy");
                return Err(OpenError::Read { path, source });
            }
            Ok(line::replay(decoded.changes))
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Entries::new()),
        Err(source) => Err(OpenError::Read { path, source }),
    }
}
