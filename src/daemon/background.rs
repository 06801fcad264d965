//! Long work beside the answers: reading and indexing zones happens on a thread of low priority.

use tokio::sync::oneshot;

/// Why there is no result.
#[derive(Debug, thiserror::Error)]
pub(super) enum WorkLost {
    /// No thread could be made.
    #[error("no thread can be started")]
    NoThread(#[from] std::io::Error),
    /// The work panicked; the log has the reason.
    #[error("the work panicked")]
    Panicked,
}

/// Does work on a thread of its own that takes what time the answers leave.
///
/// # Cancel safety
/// The work goes on when the future is dropped; its result is lost.
pub(super) async fn work<T: Send + 'static>(
    name: &str,
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, WorkLost> {
    let (done, result) = oneshot::channel();
    let run = move || {
        // Linux counts it for each thread. Where it is not permitted, the work is done all the same.
        rustix::process::nice(NICENESS).ok();
        // Whoever waited may be gone.
        done.send(work()).ok();
    };
    drop(std::thread::Builder::new().name(name.to_owned()).spawn(run)?);
    result.await.map_err(|_| WorkLost::Panicked)
}

/// The priority of such threads, below that of those that answer: a tenth of their share of a processor.
const NICENESS: i32 = 10;

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn work_has_a_low_priority_and_a_panic_in_it_is_an_error() {
        let own = rustix::process::getpriority_process(None).unwrap();
        let there = || rustix::process::getpriority_process(None).unwrap();
        assert_eq!(work("work", there).await.unwrap(), (own + NICENESS).min(19));
        assert_eq!(rustix::process::getpriority_process(None).unwrap(), own, "of this thread it stays");
        let lost = work("work", || panic!("on purpose")).await;
        assert!(matches!(lost, Err(WorkLost::Panicked)), "{lost:?}");
    }
}
