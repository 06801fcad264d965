//! From the one writer to every listener: the current snapshot, swapped as a whole.

use std::sync::Arc;

use arc_swap::{ArcSwap, Guard};

use super::Snapshot;

/// The writer's end; there is one.
#[derive(Debug)]
pub struct Publisher {
    current: Arc<ArcSwap<Snapshot>>,
    generation: u64,
}

/// A reader's end: loads the current snapshot without waiting.
#[derive(Clone, Debug)]
pub struct SnapshotReader {
    current: Arc<ArcSwap<Snapshot>>,
}

impl Publisher {
    /// Publishes the first snapshot.
    pub fn new(first: Snapshot) -> Self {
        Self { generation: first.generation(), current: Arc::new(ArcSwap::from_pointee(first)) }
    }

    /// Makes a reader.
    pub fn reader(&self) -> SnapshotReader {
        SnapshotReader { current: Arc::clone(&self.current) }
    }

    /// Swaps the snapshot in, if it is newer than the current one; returns whether it was.
    pub fn publish(&mut self, snapshot: impl Into<Arc<Snapshot>>) -> bool {
        let snapshot = snapshot.into();
        let newer = snapshot.generation() > self.generation;
        if newer {
            self.generation = snapshot.generation();
            self.current.store(snapshot);
        }
        newer
    }

    /// Returns the number of the current snapshot.
    pub const fn generation(&self) -> u64 {
        self.generation
    }
}

impl SnapshotReader {
    /// Loads the current snapshot; hold it for one packet or one batch only.
    pub fn load(&self) -> Guard<Arc<Snapshot>> {
        self.current.load()
    }
}
