//! Keeps the engine going: should it fail, the last snapshot is served on, readiness turns red, and a new engine is
//! built from the files and the store. A second failure within a minute ends the attempts.

use std::path::PathBuf;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use tokio::sync::{Mutex, mpsc};
use tracing::{error, info};

use crate::base::clock::Clock;
use crate::base::tasks::Tasks;
use crate::engine::driver::{Message, drive};
use crate::engine::memory::Restored;
use crate::engine::{Core, Numbers, Prepared};
use crate::probe::runner::Command;
use crate::store;

use super::effects::Outputs;
use super::readiness::ReadinessState;
use super::reload::Read;
use super::start::broken_zones;
use super::switcher::{ActiveSetup, SetupSwitcher};

/// How soon after a failure another one ends the attempts.
const TIMEOUT: Duration = Duration::from_secs(60);
/// What readiness says while no engine runs.
const FAILED: &str = "the engine failed: the last snapshot is served, nothing is judged";

/// What is needed to run the engine, and to build it anew.
pub(super) struct Engine {
    pub(super) clock: Clock,
    pub(super) tasks: Tasks,
    pub(super) outputs: Outputs,
    pub(super) read: Read,
    pub(super) readiness_state: ReadinessState,
    pub(super) state: Option<PathBuf>,
    pub(super) max_age: Duration,
    pub(super) switcher: SetupSwitcher,
}

impl Engine {
    /// Runs until the process drains, or until the engine failed twice in a minute.
    pub(super) async fn run(self, first: Core, inbox: mpsc::Receiver<Message>) {
        let inbox = Arc::new(Mutex::new(inbox));
        let mut core = first;
        let mut failed = None;
        loop {
            if self.drive(core, &inbox).await {
                return;
            }
            self.readiness_state.set(|parts| parts.engine = Some(FAILED.to_owned()));
            let now = self.clock.now().mono;
            if failed.replace(now).is_some_and(|before| now.since(before) < TIMEOUT) {
                error!("the engine failed twice within a minute: the last snapshot is served on");
                return;
            }
            error!("the engine failed: a new one is built; the last snapshot is served meanwhile");
            let Some(next) = self.rebuild().await else { return };
            core = next;
            self.readiness_state.set(|parts| parts.engine = None);
            info!("a new engine runs");
        }
    }

    /// Drives one engine; tells whether it ended in order.
    async fn drive(&self, core: Core, inbox: &Arc<Mutex<mpsc::Receiver<Message>>>) -> bool {
        let (clock, outputs, stop) = (self.clock, self.outputs.clone(), self.tasks.token().clone());
        let inbox = Arc::clone(inbox);
        let engine = async move { drive(core, clock, &mut *inbox.lock().await, outputs, stop).await };
        self.tasks.spawn("engine", engine).await.is_ok()
    }

    async fn rebuild(&self) -> Option<Core> {
        let (read, state, max_age) = (self.read.clone(), self.state.clone(), self.max_age);
        let addresses = self.switcher.addresses();
        let made = tokio::task::spawn_blocking(move || {
            let mut running =
                read.read().map_err(|findings| format!("{} findings in config or zones", findings.len()))?;
            drop(running.resolve(&addresses));
            let kept = state.map(|dir| store::read(&dir)).transpose().map_err(|error| error.to_string())?;
            let (restored, _) = Restored::read(&kept.unwrap_or_default(), max_age);
            let broken = broken_zones(&running);
            let prepared = Prepared::new(running.setup);
            let active = ActiveSetup::new(running.lowering_input, &prepared, running.findings);
            Ok::<_, String>((prepared, running.specs, restored, broken, (active, running.outside)))
        });
        let (prepared, specs, restored, broken, (active, outside)) = match made.await {
            Ok(Ok(parts)) => parts,
            Ok(Err(reason)) => {
                error!(reason, "no new engine could be built");
                return None;
            }
            Err(failure) => {
                error!(%failure, "no new engine could be built");
                return None;
            }
        };
        let generation = self.outputs.publisher.lock().unwrap_or_else(PoisonError::into_inner).generation();
        self.switcher.note(active, outside);
        let setup = self.switcher.next_number();
        let replace = Command::Replace { setup, targets: specs, first: None };
        self.outputs.probes.send(replace).await.ok()?;
        self.readiness_state.set(|parts| parts.zones = broken);
        Some(Core::succeed(prepared, &restored, Numbers { setup, generation }, self.clock.now()))
    }
}
