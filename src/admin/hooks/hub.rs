//! All hooks: which run, and what a reload changes.

use std::collections::BTreeMap;

use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::base::clock::Clock;
use crate::base::tasks::Tasks;
use crate::engine::history::{Cursor, History};

use super::task::{self, Means};
use super::{Hook, Metrics};

/// Runs the hooks that are wanted; those that stay the same over a reload go on where they are.
#[derive(Debug)]
pub struct Hub {
    history: History,
    means: Means,
    running: BTreeMap<String, (Hook, CancellationToken)>,
}

impl Hub {
    /// Makes a hub without hooks; `server` is the name of this machine.
    pub fn new(history: History, clock: Clock, metrics: Metrics, server: String) -> Self {
        Self { history, means: Means { clock, metrics, server }, running: BTreeMap::new() }
    }

    /// Runs the hooks that are wanted, until the owner of the tasks is told to stop: the first from the beginning of the
    /// history, later ones from then on.
    pub async fn run(mut self, mut wanted: watch::Receiver<Vec<Hook>>, tasks: Tasks) {
        let mut from = self.history.start();
        loop {
            let hooks = wanted.borrow_and_update().clone();
            self.replace(hooks, from, &tasks);
            tokio::select! {
                biased;
                () = tasks.stopped() => return,
                changed = wanted.changed() => if changed.is_err() { return },
            }
            from = self.history.end();
        }
    }

    fn replace(&mut self, hooks: Vec<Hook>, from: Cursor, tasks: &Tasks) {
        self.running.retain(|_, (running, stop)| {
            let stays = hooks.contains(running);
            if !stays {
                stop.cancel();
            }
            stays
        });
        for hook in hooks {
            if self.running.contains_key(&hook.name) {
                continue;
            }
            let (stop, follower) = (tasks.token().child_token(), self.history.follow(from));
            let (name, run) = (hook.name.clone(), task::run(hook.clone(), follower, self.means.clone(), stop.clone()));
            drop(tasks.spawn("hook", run));
            self.running.insert(name, (hook, stop));
        }
    }
}
