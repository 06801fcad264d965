//! The task that writes: one sync for all changes that have accumulated.

use std::time::Duration;

use tokio::sync::{mpsc, oneshot};
use tokio::time::timeout;
use tracing::{error, info};

use super::{Change, Metrics, Store, WriteError};
use crate::base::error::Chain;

/// What the task is handed.
#[derive(Debug)]
pub enum Persist {
    /// A change to keep.
    Change(Change),
    /// Somebody waits until all changes that were handed over before are on disk.
    ///
    /// The reply tells why they are not; they are tried again all the same, but for those that are too long.
    Sync(oneshot::Sender<Result<(), WriteError>>),
}

/// Writes what arrives until all senders are gone, then returns with everything written.
///
/// What comes while the disk is busy is written together. If the disk refuses, it is asked again every 5 s.
pub async fn run(mut store: Store, mut inbox: mpsc::Receiver<Persist>, metrics: Metrics) {
    let mut batch = Vec::new();
    loop {
        let behind = store.is_behind();
        metrics.measure(behind);
        let received = if behind {
            timeout(RETRY, inbox.recv_many(&mut batch, QUEUE)).await.ok()
        } else {
            Some(inbox.recv_many(&mut batch, QUEUE).await)
        };
        let ended = received == Some(0);
        if ended && !behind {
            return;
        }
        let (mut changes, mut waiting) = (Vec::new(), Vec::new());
        for persist in batch.drain(..) {
            match persist {
                Persist::Change(change) => changes.push(change),
                Persist::Sync(done) => waiting.push(done),
            }
        }
        let written = tokio::task::spawn_blocking(move || {
            let result = write(&mut store, changes);
            (store, result)
        });
        let Ok((returned, result)) = written.await else {
            error!("the state is not written any more: its writer panicked");
            return;
        };
        store = returned;
        match (behind, store.is_behind()) {
            (false, true) => {
                if let Err(cause) = &result {
                    error!(error = %Chain(cause), "the state cannot be kept on disk, trying again");
                }
            }
            (true, false) => info!("the state is on disk again"),
            (true, true) | (false, false) => {}
        }
        for done in waiting {
            // Whoever asked may have gone; the changes are kept without them.
            drop(done.send(result.clone()));
        }
        if ended {
            return;
        }
    }
}

/// Writes a batch, and what earlier ones have left; a change that is too long does not hold up the others.
fn write(store: &mut Store, changes: Vec<Change>) -> Result<(), WriteError> {
    if changes.is_empty() {
        return store.repair();
    }
    match store.write(changes.clone()) {
        Err(WriteError::TooLong { .. }) => {
            let mut outcome = Ok(());
            for change in changes {
                if let Err(error) = store.write(vec![change]) {
                    error!(error = %Chain(&error), "a change of the state is not kept");
                    outcome = Err(error);
                }
            }
            outcome
        }
        result => result,
    }
}

/// How many changes the queue in front of the task should hold, and at most go into one sync.
pub const QUEUE: usize = 1024;

/// How long a disk that refused is left alone.
pub(super) const RETRY: Duration = Duration::from_secs(5);
