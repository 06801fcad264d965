//! The task that writes: one sync for all that has gathered meanwhile.

use std::time::Duration;

use tokio::sync::{mpsc, oneshot};
use tokio::time::timeout;
use tracing::{error, info};

use super::{Change, Store, WriteError};
use crate::base::error::Chain;

/// A change to keep, with a way to hear that it is kept.
#[derive(Debug)]
pub struct Persist {
    /// What changes.
    pub change: Change,
    /// Told when it is on disk, or why not; then it is tried again all the same, unless it is too long.
    pub done: Option<oneshot::Sender<Result<(), WriteError>>>,
}

/// Writes what arrives until all senders are gone, then returns with everything written.
///
/// What comes while the disk is busy is written together. If the disk refuses, it is asked again every 5 s.
pub async fn run(mut store: Store, mut inbox: mpsc::Receiver<Persist>) {
    let mut batch = Vec::new();
    loop {
        let behind = store.is_behind();
        let received = if behind {
            timeout(RETRY, inbox.recv_many(&mut batch, QUEUE)).await.ok()
        } else {
            Some(inbox.recv_many(&mut batch, QUEUE).await)
        };
        let ended = received == Some(0);
        if ended && !behind {
            return;
        }
        let (changes, waiting): (Vec<_>, Vec<_>) =
            batch.drain(..).map(|persist| (persist.change, persist.done)).unzip();
        let written = tokio::task::spawn_blocking(move || {
            let results = write(&mut store, changes);
            (store, results)
        });
        let Ok((returned, results)) = written.await else {
            error!("the state is not written any more: its writer panicked");
            return;
        };
        store = returned;
        match (behind, store.is_behind()) {
            (false, true) => {
                if let Some(Err(cause)) = results.iter().find(|result| result.is_err()) {
                    error!(error = %Chain(cause), "the state cannot be kept on disk, trying again");
                }
            }
            (true, false) => info!("the state is on disk again"),
            (true, true) | (false, false) => {}
        }
        for (done, result) in waiting.into_iter().zip(results) {
            // Whoever asked may have gone; the change is kept without them.
            let _gone = done.map(|done| done.send(result));
        }
        if ended {
            return;
        }
    }
}

/// Writes a batch and returns a result for each change; a change that is too long does not hold up the others.
fn write(store: &mut Store, changes: Vec<Change>) -> Vec<Result<(), WriteError>> {
    if changes.is_empty() {
        return store.repair().err().map(Err).into_iter().collect();
    }
    let count = changes.len();
    match store.write(changes.clone()) {
        Err(WriteError::TooLong { .. }) => changes.into_iter().map(|change| store.write(vec![change])).collect(),
        result => vec![result; count],
    }
}

/// How many changes the queue in front of the task should hold, and at most go into one sync.
pub const QUEUE: usize = 1024;

/// How long a disk that refused is left alone.
const RETRY: Duration = Duration::from_secs(5);
