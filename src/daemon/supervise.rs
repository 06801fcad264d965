//! Supervises the engine: if it fails, the last snapshot stays in service, readiness reports it, and a new engine is
//! built from the files and the store. After a second failure within a minute there are no more attempts.

use std::path::PathBuf;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use tokio::sync::{Mutex, mpsc};
use tracing::{error, info};

use crate::base::clock::Clock;
use crate::base::error::Chain;
use crate::base::tasks::Tasks;
use crate::engine::driver::{Message, drive};
use crate::engine::memory::Restored;
use crate::engine::{Core, Numbers, Prepared};
use crate::store;

use super::background;
use super::effects::Outputs;
use super::outside::engine_entries;
use super::read::Read;
use super::readiness::{ReadinessState, ZonesTaken};
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
        let switch_lock = self.switcher.turn_without_engine().await;
        let (addresses, last) = (self.switcher.addresses(), switch_lock.image_cache());
        let made = background::work("rebuild", move || {
            let mut running =
                read.read().map_err(|findings| format!("{} findings in config or zones", findings.len()))?;
            drop(running.resolve(&addresses));
            let kept = state.map(|dir| store::read(&dir)).transpose().map_err(|error| error.to_string())?;
            let (restored, _) = Restored::read(engine_entries(&kept.unwrap_or_default()), max_age);
            let zones = ZonesTaken::of(&running);
            let prepared = Prepared::again(running.setup, &last);
            let active = ActiveSetup::new(running.lowering_input, &prepared, running.findings);
            Ok::<_, String>((prepared, running.specs, restored, zones, (active, running.outside)))
        });
        let (prepared, specs, restored, zones, (active, outside)) = match made.await {
            Ok(Ok(parts)) => parts,
            Ok(Err(reason)) => {
                error!(reason, "no new engine could be built");
                return None;
            }
            Err(failure) => {
                error!(failure = %Chain(&failure), "no new engine could be built");
                return None;
            }
        };
        let generation = self.outputs.publisher.lock().unwrap_or_else(PoisonError::into_inner).generation();
        let setup = switch_lock.begin(active, outside, specs).await?;
        self.readiness_state.take_zones(zones, self.clock.now().wall);
        Some(Core::succeed(prepared, &restored, Numbers { setup, generation }, self.clock.now()))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc as blocking;

    use tokio::sync::{oneshot, watch};

    use super::*;
    use crate::config::{Input, Running, load};
    use crate::daemon::effects::PersistQueue;
    use crate::daemon::switcher::Resolver;
    use crate::engine::history::history;
    use crate::engine::{Event, Request};
    use crate::probe::runner::Command;
    use crate::resolve::Resolved;
    use crate::snapshot::Publisher;

    const ZONE: &str = "$ORIGIN example.com.\n@ 300 IN SOA ns1 hostmaster 1 7200 3600 1209600 300\n@ 300 IN NS ns1\n\
                        ns1 300 IN A 127.0.0.1\n";

    fn setup_of(probes: &mut mpsc::Receiver<Command>) -> u64 {
        match probes.try_recv() {
            Ok(Command::Replace { setup, .. }) => setup,
            other => panic!("{other:?}"),
        }
    }

    /// An engine that is not started yet, and all that it is tied to.
    struct Rig {
        engine: Engine,
        core: Core,
        inbox: mpsc::Sender<Message>,
        messages: mpsc::Receiver<Message>,
        commands: mpsc::Receiver<Command>,
        /// Tells that a new engine's files are read, which waits for `go`.
        begins: blocking::Receiver<()>,
        go: blocking::Sender<()>,
        running: Box<dyn Fn() -> Running>,
        path: PathBuf,
    }

    fn rig(name: &str) -> Rig {
        let path = std::env::temp_dir().join(format!("understudy-supervise-{}-{name}.zone", std::process::id()));
        std::fs::write(&path, ZONE).unwrap();
        let input = Input { files: vec![path.clone()], fixed: true, ..Input::default() };
        let running = move || -> Running { load(&input, &|_: &str| None).unwrap() };
        let first = running();
        let prepared = Prepared::new(first.setup);
        let (probes, commands) = mpsc::channel(9);
        let (inbox, messages) = mpsc::channel(9);
        let resolver =
            Resolver { wanted: watch::channel(first.outside).0, known: watch::channel(Resolved::default()).1 };
        let active = ActiveSetup::new(first.lowering_input, &prepared, first.findings);
        let switcher = SetupSwitcher::new(active, probes.clone(), inbox.clone(), resolver);
        let core = Core::new(prepared, &Restored::default(), Clock::start().now());
        let (recorder, _history, keeping) = history(1, Clock::start().now().wall);
        let tasks = Tasks::new();
        drop(tasks.spawn("history", keeping.run()));
        let outputs = Outputs {
            publisher: Arc::new(std::sync::Mutex::new(Publisher::new((**core.snapshot()).clone()))),
            probes,
            store: PersistQueue::new(mpsc::channel(1).0),
            history: recorder,
            outcomes: crate::history::OutcomeSender::none(),
            settled: watch::channel(false).0,
            published: watch::channel(0).0,
        };
        let (begun, begins) = blocking::channel();
        let (go, gate) = blocking::channel::<()>();
        let (gate, read) = (std::sync::Mutex::new(gate), running.clone());
        let read = Read::new(move || {
            begun.send(()).unwrap();
            gate.lock().unwrap().recv().unwrap();
            Ok(read())
        });
        let (clock, readiness_state) = (Clock::start(), ReadinessState::default());
        let (state, max_age) = (None, Duration::ZERO);
        let engine = Engine { clock, tasks, outputs, read, readiness_state, state, max_age, switcher };
        Rig { engine, core, inbox, messages, commands, begins, go, running: Box::new(running), path }
    }

    /// Waits until it holds, for a minute at most.
    async fn until(holds: impl Fn() -> bool) {
        let wait = async {
            while !holds() {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        };
        tokio::time::timeout(Duration::from_mins(1), wait).await.unwrap();
    }

    #[tokio::test]
    async fn an_engine_that_fails_is_built_anew_and_after_a_second_failure_the_last_snapshot_is_served_on() {
        let Rig { engine, core, inbox, messages, begins, go, path, commands: _commands, .. } = rig("fails");
        let readiness_state = engine.readiness_state.clone();
        readiness_state.set(|parts| parts.answering = true);
        let fault = move || readiness_state.readiness().load().fault.clone();
        let publisher = Arc::clone(&engine.outputs.publisher);
        let generation = || publisher.lock().unwrap_or_else(PoisonError::into_inner).generation();
        let replies = async || {
            let (reply, replied) = oneshot::channel();
            inbox.send(Message::Request(Request::Beat(reply))).await.is_ok() && replied.await.is_ok()
        };
        let running = engine.tasks.clone().spawn("supervisor", engine.run(core, messages));
        assert!(replies().await);
        let served = generation();

        inbox.send(Message::Fail).await.unwrap();
        until(|| begins.try_recv().is_ok()).await;
        assert_eq!((fault().as_deref(), generation()), (Some(FAILED), served), "the last snapshot is there");
        go.send(()).unwrap();
        assert!(replies().await, "a new engine takes what comes");
        until(|| fault().is_none()).await;

        inbox.send(Message::Fail).await.unwrap();
        running.await.unwrap();
        assert_eq!(fault().as_deref(), Some(FAILED), "there is no third engine within a minute");
        assert!(generation() >= served && begins.try_recv().is_err());
        std::fs::remove_file(&path).unwrap();
    }

    #[tokio::test]
    async fn a_reload_waits_for_the_engine_that_is_built_and_comes_after_it() {
        let Rig { engine, mut messages, mut commands, begins, go, running, path, .. } = rig("reload");
        let switcher = engine.switcher.clone();

        // The engine has failed; while the next one is built, a reload comes.
        let reload = async {
            until(|| begins.try_recv().is_ok()).await;
            let newer = running();
            let replaced = async { switcher.switch_lock().await.replace(newer).await };
            let opened = async {
                tokio::time::sleep(Duration::from_millis(100)).await;
                go.send(()).unwrap();
            };
            tokio::join!(replaced, opened).0
        };
        let (built, reloaded) = tokio::join!(engine.rebuild(), reload);

        assert!(built.is_some());
        assert_eq!((setup_of(&mut commands), setup_of(&mut commands)), (2, 3), "the engine's, then the reload's");
        assert_eq!(reloaded, Some(3));
        let told = messages.try_recv();
        assert!(matches!(told, Ok(Message::Event(Event::Reload { setup: 3, .. }))), "the engine takes it as newer");
        std::fs::remove_file(&path).unwrap();
    }
}
