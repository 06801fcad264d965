//! Tasks with a name and an owner: the only place that spawns.
//!
//! Every task belongs to a [`Tasks`]; when its owner is told to stop, all its tasks see it, and nothing is detached.

use std::collections::BTreeMap;
use std::future::Future;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::task::{AbortHandle, Id, JoinError, JoinHandle, JoinSet};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::error;

/// An owner of tasks; clones are the same owner.
#[derive(Clone, Debug, Default)]
pub struct Tasks {
    tracker: TaskTracker,
    stop: CancellationToken,
    running: Arc<Mutex<BTreeMap<&'static str, u32>>>,
}

impl Tasks {
    /// Makes an owner without tasks.
    pub fn new() -> Self {
        Self::default()
    }

    /// Makes an owner below this one: told to stop with it, or alone; [`Tasks::finished`] waits for its tasks too.
    #[must_use]
    pub fn child(&self) -> Self {
        Self { tracker: self.tracker.clone(), stop: self.stop.child_token(), running: Arc::clone(&self.running) }
    }

    /// Starts a task. It ends by itself when [`Tasks::stopped`] does; a panic in it is logged.
    #[expect(clippy::disallowed_methods, reason = "the one place that spawns")]
    pub fn spawn<F>(&self, name: &'static str, future: F) -> JoinHandle<F::Output>
    where
        F: Future<Output: Send + 'static> + Send + 'static,
    {
        let mark = Mark::new(name, &self.running);
        tokio::spawn(self.tracker.track_future(async move {
            let output = future.await;
            drop(mark);
            output
        }))
    }

    /// Makes a set of short tasks with one name, whose ends are read one by one; dropping it aborts them.
    pub fn set<T: Send + 'static>(&self, name: &'static str) -> TaskSet<T> {
        TaskSet { owner: self.clone(), name, set: JoinSet::new() }
    }

    /// Tells all tasks to stop.
    pub fn stop(&self) {
        self.tracker.close();
        self.stop.cancel();
    }

    /// Waits until the owner was told to stop.
    ///
    /// # Cancel safety
    ///
    /// It may be dropped and called again.
    pub async fn stopped(&self) {
        self.stop.cancelled().await;
    }

    /// Returns whether the owner was told to stop.
    pub fn is_stopped(&self) -> bool {
        self.stop.is_cancelled()
    }

    /// Returns the token, for code that takes one.
    pub fn token(&self) -> &CancellationToken {
        &self.stop
    }

    /// Waits until every task of this owner and of those above and below has ended; after `limit` it returns the
    /// names of those that have not, sorted, each with its count.
    pub async fn finished(&self, limit: Duration) -> Result<(), Vec<(&'static str, u32)>> {
        self.tracker.close();
        tokio::time::timeout(limit, self.tracker.wait()).await.map_err(|_| self.running())
    }

    /// Returns the names of the tasks that run, sorted, each with its count.
    pub fn running(&self) -> Vec<(&'static str, u32)> {
        let running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        running.iter().map(|(&name, &count)| (name, count)).collect()
    }
}

/// Short tasks with one name and one owner.
#[derive(Debug)]
pub struct TaskSet<T> {
    owner: Tasks,
    name: &'static str,
    set: JoinSet<T>,
}

impl<T: Send + 'static> TaskSet<T> {
    /// Starts a task of the set.
    pub fn spawn(&mut self, future: impl Future<Output = T> + Send + 'static) -> AbortHandle {
        let mark = Mark::new(self.name, &self.owner.running);
        self.set.spawn(self.owner.tracker.track_future(async move {
            let output = future.await;
            drop(mark);
            output
        }))
    }

    /// Waits for the next task that ends; nothing if none runs. A task that panicked or was aborted is an error.
    ///
    /// # Cancel safety
    ///
    /// It may be dropped and called again; no end is lost.
    pub async fn next(&mut self) -> Option<(Id, Result<T, JoinError>)> {
        Some(match self.set.join_next_with_id().await? {
            Ok((id, output)) => (id, Ok(output)),
            Err(error) => (error.id(), Err(error)),
        })
    }

    /// Returns the number of tasks whose end was not read yet.
    pub fn len(&self) -> usize {
        self.set.len()
    }

    /// Returns whether there is none.
    pub fn is_empty(&self) -> bool {
        self.set.is_empty()
    }
}

/// Counts a task under its name while it lives.
struct Mark {
    name: &'static str,
    running: Arc<Mutex<BTreeMap<&'static str, u32>>>,
}

impl Mark {
    fn new(name: &'static str, running: &Arc<Mutex<BTreeMap<&'static str, u32>>>) -> Self {
        *running.lock().unwrap_or_else(PoisonError::into_inner).entry(name).or_default() += 1;
        Self { name, running: Arc::clone(running) }
    }
}

impl Drop for Mark {
    fn drop(&mut self) {
        if std::thread::panicking() {
            error!(task = self.name, "task panicked");
        }
        let mut running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = running.get_mut(self.name) {
            *count -= 1;
            if *count == 0 {
                running.remove(self.name);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_stopped_owner_waits_for_its_tasks_and_names_those_that_stay() {
        let tasks = Tasks::new();
        let below = tasks.child();
        let obedient = below.clone();
        let task = below.spawn("obedient", async move { obedient.stopped().await });
        let deaf = tasks.spawn("deaf", std::future::pending::<()>());
        tasks.stop();
        task.await.unwrap();
        assert_eq!(tasks.finished(Duration::from_secs(20)).await, Err(vec![("deaf", 1)]));
        deaf.abort();
        assert_eq!(tasks.finished(Duration::from_secs(5)).await, Ok(()));
    }

    #[tokio::test]
    async fn a_panic_in_a_set_is_an_error_and_not_lost() {
        let tasks = Tasks::new();
        let mut set = tasks.set::<u8>("short");
        let id = set.spawn(async { panic!("on purpose") }).id();
        let (ended, output) = set.next().await.unwrap();
        assert_eq!(ended, id);
        assert!(output.is_err_and(|error| error.is_panic()));
        assert!(tasks.running().is_empty());
    }
}
