//! Tasks with a name and an owner: the only module that spawns.
//!
//! Every task belongs to a [`Tasks`]; when its owner is cancelled, all its tasks are notified, and no task is detached.

use std::collections::BTreeMap;
use std::future::Future;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::sync::watch;
use tokio::task::{AbortHandle, Id, JoinError, JoinHandle, JoinSet};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::error;

/// An owner of tasks; clones are the same owner.
#[derive(Clone, Debug)]
pub struct Tasks {
    tracker: TaskTracker,
    stop: CancellationToken,
    running: Arc<Mutex<BTreeMap<&'static str, u32>>>,
    /// The runtime that its tasks run on; nothing is the one that starts them.
    runtime: Option<Handle>,
    /// The vital tasks that have ended too early.
    lost: Arc<watch::Sender<Vec<&'static str>>>,
}

impl Default for Tasks {
    fn default() -> Self {
        Self {
            tracker: TaskTracker::new(),
            stop: CancellationToken::new(),
            running: Arc::default(),
            runtime: None,
            lost: Arc::new(watch::Sender::default()),
        }
    }
}

impl Tasks {
    /// Makes an owner without tasks.
    pub fn new() -> Self {
        Self::default()
    }

    /// Makes an owner below this one: told to stop with it, or alone; [`Tasks::finished`] waits for its tasks too.
    #[must_use]
    pub fn child(&self) -> Self {
        Self { stop: self.stop.child_token(), ..self.clone() }
    }

    /// Returns the same owner for tasks that run on another runtime, as do those that they start.
    #[must_use]
    pub fn on(&self, runtime: &Handle) -> Self {
        Self { runtime: Some(runtime.clone()), ..self.clone() }
    }

    /// Starts a task. It ends by itself when [`Tasks::stopped`] does; a panic in it is logged.
    #[expect(clippy::disallowed_methods, reason = "the one place that spawns")]
    pub fn spawn<F>(&self, name: &'static str, future: F) -> JoinHandle<F::Output>
    where
        F: Future<Output: Send + 'static> + Send + 'static,
    {
        let mark = Mark::new(name, &self.running);
        let task = self.tracker.track_future(holding(mark, future));
        match &self.runtime {
            Some(runtime) => runtime.spawn(task),
            None => tokio::spawn(task),
        }
    }

    /// Starts a task without which the process is not whole: should it end before its owner was told to stop, by a panic or
    /// by itself, it is reported to [`Tasks::lost`].
    pub fn spawn_vital<F>(&self, name: &'static str, future: F) -> JoinHandle<F::Output>
    where
        F: Future<Output: Send + 'static> + Send + 'static,
    {
        self.spawn_vital_until(name, self.token(), future)
    }

    /// Starts a task without which the process is not whole until `stop` is cancelled, which may be before its owner is.
    pub fn spawn_vital_until<F>(&self, name: &'static str, stop: &CancellationToken, future: F) -> JoinHandle<F::Output>
    where
        F: Future<Output: Send + 'static> + Send + 'static,
    {
        let vital = Vital { name, stop: stop.clone(), lost: Arc::clone(&self.lost) };
        self.spawn(name, holding(vital, future))
    }

    /// Returns the names of the vital tasks that have ended too early, as they become more.
    pub fn lost(&self) -> watch::Receiver<Vec<&'static str>> {
        self.lost.subscribe()
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
        let task = self.owner.tracker.track_future(holding(mark, future));
        match &self.owner.runtime {
            Some(runtime) => self.set.spawn_on(task, runtime),
            None => self.set.spawn(task),
        }
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

/// Runs a future with a guard that is dropped at its end, however it ends.
async fn holding<G, F: Future>(guard: G, future: F) -> F::Output {
    let output = future.await;
    drop(guard);
    output
}

/// Reports the end of a task that should have lasted.
struct Vital {
    name: &'static str,
    stop: CancellationToken,
    lost: Arc<watch::Sender<Vec<&'static str>>>,
}

impl Drop for Vital {
    fn drop(&mut self) {
        if !self.stop.is_cancelled() {
            self.lost.send_modify(|lost| lost.push(self.name));
        }
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

    #[test]
    fn tasks_and_what_they_start_run_where_their_owner_says() {
        let named = |name| {
            let mut builder = tokio::runtime::Builder::new_multi_thread();
            builder.worker_threads(1).thread_name(name).build().unwrap()
        };
        let (near, far) = (named("near"), named("far"));
        let tasks = Tasks::new().on(far.handle());
        let thread = || std::thread::current().name().map(str::to_owned);
        let below = tasks.clone();
        let names = near.block_on(async {
            let inner = tasks.spawn("outer", async move {
                let mut set = below.set("set");
                set.spawn(async move { thread() });
                (thread(), set.next().await.unwrap().1.unwrap())
            });
            inner.await.unwrap()
        });
        assert_eq!(names, (Some("far".to_owned()), Some("far".to_owned())));
    }

    #[tokio::test]
    async fn a_vital_task_that_ends_or_panics_is_reported_unless_its_owner_was_stopped() {
        let tasks = Tasks::new();
        let mut lost = tasks.lost();
        tasks.spawn_vital("ends", async {}).await.unwrap();
        tasks.spawn_vital("panics", async { panic!("on purpose") }).await.unwrap_err();
        assert_eq!(*lost.borrow_and_update(), ["ends", "panics"]);
        let stop = CancellationToken::new();
        tasks.spawn_vital_until("listener", &stop, async {}).await.unwrap();
        assert_eq!(lost.borrow_and_update().last(), Some(&"listener"));
        stop.cancel();
        tasks.spawn_vital_until("listener", &stop, async {}).await.unwrap();
        let below = tasks.child();
        let obedient = below.clone();
        let task = below.spawn_vital("obedient", async move { obedient.stopped().await });
        tasks.stop();
        task.await.unwrap();
        assert!(!lost.has_changed().unwrap());
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
