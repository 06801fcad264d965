//! The history of a zone as it is seen from one version: a snapshot's part, which costs the same however long it is.

use std::sync::{Arc, Weak};

use super::Difference;
use crate::zone::Serial;

/// A version, and the way to the one before it for as long as the history has that one.
#[derive(Debug)]
pub(super) struct Version {
    pub(super) difference: Arc<Difference>,
    older: Weak<Self>,
}

/// The versions up to one of them, as far back as the history still has them.
#[derive(Clone, Debug)]
pub struct HistoryView {
    newest: Arc<Version>,
}

impl Version {
    /// Makes the version that comes after one, or the first.
    pub(super) fn after(older: Option<&Arc<Self>>, difference: Arc<Difference>) -> Arc<Self> {
        Arc::new(Self { difference, older: older.map_or_else(Weak::new, Arc::downgrade) })
    }
}

impl HistoryView {
    pub(super) fn of(newest: &Arc<Version>) -> Self {
        Self { newest: Arc::clone(newest) }
    }

    /// Returns the difference that leads to the newest version.
    pub fn newest(&self) -> &Difference {
        &self.newest.difference
    }

    /// Returns the newest serial.
    pub fn serial(&self) -> Serial {
        self.newest().to
    }

    /// Returns the differences that lead from a serial to the newest, in order; nothing if it is not known, or not any
    /// more.
    pub fn since(&self, serial: Serial) -> Option<Vec<Arc<Difference>>> {
        let mut found = Vec::new();
        let mut version = Arc::clone(&self.newest);
        while version.difference.to != serial {
            found.push(Arc::clone(&version.difference));
            match version.older.upgrade() {
                Some(older) => version = older,
                None if version.difference.from == serial => break,
                None => return None,
            }
        }
        found.reverse();
        Some(found)
    }
}
