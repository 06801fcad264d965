//! The task that probes: commands in, accounts out.
//!
//! | limit | what happens at it |
//! |---|---|
//! | probes in flight, starts on an address | see [`schedule`](super::schedule): they start later, and the lateness is measured |
//! | the queue of reports is full | accounts wait here, counted as in flight, so no more than that many; commands are still taken |
//! | the queue of commands is full | the sender waits |

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use tokio::select;
use tokio::sync::mpsc;
use tokio::task::{Id, JoinHandle};

use super::metrics::Metrics;
use super::schedule::{Limits, Schedule, Start, spread};
use super::{Account, Spec, Tools, attempt, run};
use crate::base::clock::{Clock, Mono};
use crate::base::table::Table;
use crate::base::tasks::{TaskSet, Tasks};
use crate::health::TargetId;

/// What the runner is told.
#[derive(Clone, Debug)]
pub enum Command {
    /// Takes a new setup; those of the last one that are in flight end and are reported with its number.
    Replace {
        /// The setup's number.
        setup: u64,
        /// The targets; nothing: not probed.
        targets: Table<TargetId, Option<Spec>>,
        /// The window over which the first probes are spread, from now; nothing: each is told by [`Command::Probe`].
        first: Option<Duration>,
    },
    /// Makes a target due; of several points the earliest counts until the probe has started. In flight, it starts
    /// after the end. A number of another setup is dropped.
    Probe {
        /// The setup's number.
        setup: u64,
        /// Who.
        target: TargetId,
        /// When; a point in the past is now.
        at: Mono,
    },
}

/// A probe that has ended.
#[derive(Clone, Debug)]
pub struct Finished {
    /// The setup that the target is of.
    pub setup: u64,
    /// Who.
    pub target: TargetId,
    /// What it saw.
    pub account: Arc<Account>,
}

/// What the runner needs of the process.
#[derive(Clone, Debug)]
pub struct Means {
    /// The clock.
    pub clock: Clock,
    /// What all probes share.
    pub tools: Arc<Tools>,
    /// How much may be done at once.
    pub limits: Limits,
    /// What is counted.
    pub metrics: Metrics,
}

/// Starts the runner; it ends when `tasks` stops, or when the other end of either queue is gone.
pub fn spawn(
    tasks: &Tasks,
    means: Means,
    commands: mpsc::Receiver<Command>,
    reports: mpsc::Sender<Finished>,
) -> JoinHandle<()> {
    let runner = Runner {
        schedule: Schedule::new(means.limits),
        probes: tasks.set("probe"),
        setup: 0,
        targets: Table::new(),
        running: BTreeMap::new(),
        outbox: VecDeque::new(),
        means,
    };
    let owner = tasks.clone();
    tasks.spawn("probe-runner", async move { runner.work(&owner, commands, reports).await })
}

struct Runner {
    means: Means,
    schedule: Schedule,
    setup: u64,
    targets: Table<TargetId, Option<Arc<Spec>>>,
    probes: TaskSet<Account>,
    running: BTreeMap<Id, Running>,
    /// Accounts that wait for room in the queue of reports.
    outbox: VecDeque<Finished>,
}

struct Running {
    start: Start,
    spec: Arc<Spec>,
    began: Mono,
}
