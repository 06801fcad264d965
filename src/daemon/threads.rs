//! Threads beside those that answer: a runtime of its own for each part whose work must not hold up the others.

use tokio::runtime::{Builder, Runtime};

use crate::base::tasks::Tasks;

/// A runtime with its tasks, gone with this value; what still runs on it is dropped then.
#[derive(Debug)]
pub(super) struct Threads {
    tasks: Tasks,
    runtime: Option<Runtime>,
}

impl Threads {
    /// Starts so many threads of that name; tasks on them belong to `tasks`.
    pub(super) fn start(name: &str, count: usize, tasks: &Tasks) -> std::io::Result<Self> {
        let runtime = Builder::new_multi_thread().worker_threads(count).thread_name(name).enable_all().build()?;
        Ok(Self { tasks: tasks.on(runtime.handle()), runtime: Some(runtime) })
    }

    /// Returns the owner of tasks that run on them.
    pub(super) const fn tasks(&self) -> &Tasks {
        &self.tasks
    }
}

impl Drop for Threads {
    fn drop(&mut self) {
        // Without waiting, which a runtime may not do on a thread of another one.
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}
