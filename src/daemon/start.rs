//! Builds every part in order and names every task.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use prometheus_client::registry::Registry;
use tokio::sync::{broadcast, mpsc, oneshot, watch};
use tracing::{info, warn};

use crate::base::clock::Clock;
use crate::base::finding::{Finding, Severity};
use crate::base::tasks::Tasks;
use crate::config::{Running, StateSettings};
use crate::engine::driver::{INBOX, Message};
use crate::engine::memory::Restored;
use crate::engine::status::Status;
use crate::engine::{Core, Event, Notice, Prepared};
use crate::probe::runner::{self, Command, Finished};
use crate::probe::{Tools, schedule};
use crate::serve::{self, Readiness, Responder, hickory};
use crate::snapshot::Publisher;
use crate::store::{self, Store};

use super::outlet::Ways;
use super::sockets::{self, BindError};
use super::{reload, supervise};

/// A running server.
#[derive(Debug)]
pub struct Daemon {
    clock: Clock,
    tasks: Tasks,
    inbox: mpsc::Sender<Message>,
    notices: broadcast::Sender<Notice>,
    probes: mpsc::Sender<Command>,
    readiness: Readiness,
    faults: Arc<Mutex<Option<String>>>,
    settled: watch::Receiver<bool>,
    doors: hickory::Running,
    store: Store,
    addresses: Vec<SocketAddr>,
    setups: u64,
}

/// What a server is made with besides its config.
#[derive(Clone, Debug)]
pub struct Means {
    /// The clock.
    pub clock: Clock,
    /// Reads config and zones anew, for a reload and for a new engine should one fail.
    pub read: reload::Read,
}

/// Why a server could not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// A door could not be opened.
    #[error(transparent)]
    Bind(#[from] BindError),
    /// The state folder cannot be used.
    #[error(transparent)]
    Store(#[from] store::OpenError),
}

/// How long the answers wait for the first probes.
const PATIENCE: Duration = Duration::from_secs(3);
/// How long tasks may take to end.
const DRAIN: Duration = Duration::from_secs(5);
/// How many commands may wait for the probes.
const COMMANDS: usize = 1_024;
/// How many reports may wait for the engine.
const REPORTS: usize = 1_024;
/// How many notices a slow listener may fall behind.
const NOTICES: usize = 256;

impl Daemon {
    /// Starts: binds, restores, probes; answers come when every target is known, or after 3 s.
    ///
    /// # Errors
    /// [`StartError`]; nothing runs then.
    pub async fn start(running: Running, means: Means) -> Result<Self, StartError> {
        let clock = means.clock;
        let doors = sockets::bind(&running.server.listen, running.server.listen_is_default)?;
        let metrics_door = match running.server.metrics_listen {
            Some(address) => Some(sockets::bind_tcp(address)?),
            None => None,
        };
        let tasks = Tasks::new();
        let (store, restored) = open_store(&running.state, &tasks)?;
        log_notes(&running.notes);

        let faults = Arc::new(Mutex::new(broken_zones(&running)));
        let tools = Tools::from_system();
        if let Some(warning) = tools.warning() {
            warn!("{warning}");
        }
        let mut registry = Registry::default();
        let probe_metrics = crate::probe::metrics::Metrics::register(&mut registry);
        let serve_metrics = serve::Metrics::register(&mut registry);

        let core = Core::new(Prepared::new(running.setup), &restored, 0, clock.now());
        let publisher = Publisher::new((**core.snapshot()).clone());
        let reader = publisher.reader();
        let (commands, command_queue) = mpsc::channel(COMMANDS);
        let (reports, report_queue) = mpsc::channel(REPORTS);
        let (inbox, messages) = mpsc::channel(INBOX);
        let (notices, _) = broadcast::channel(NOTICES);
        let (settled_sender, settled) = watch::channel(false);

        let probe_means =
            runner::Means { clock, tools: Arc::new(tools), limits: schedule::Limits::default(), metrics: probe_metrics };
        drop(runner::spawn(&tasks, probe_means, command_queue, reports));
        send(&commands, Command::Replace { setup: 1, targets: running.specs, first: None }).await;
        drop(tasks.spawn("reports", forward(report_queue, inbox.clone())));

        let ways = Ways {
            publisher: Arc::new(Mutex::new(publisher)),
            probes: commands.clone(),
            store: store.clone(),
            notices: notices.clone(),
            settled: settled_sender,
        };
        let readiness = Readiness::starting();
        let engine = supervise::Engine {
            clock,
            tasks: tasks.clone(),
            ways,
            read: means.read,
            readiness: readiness.clone(),
            max_age: running.state.max_age,
        };
        drop(tasks.spawn("engine", engine.run(core, messages)));

        let responder = Responder::new(reader, readiness.clone(), running.serve, serve_metrics);
        let addresses = doors.addresses();
        let doors = hickory::serve(responder, doors.udp, doors.tcp, running.server.tcp_idle);
        if let Some(door) = metrics_door {
            let (registry, status) = (Arc::new(registry), readiness.clone());
            let told = move || status.load().fault.clone().map_or(Ok(()), Err);
            let served = crate::admin::serve(door, registry, told, tasks.token().clone());
            drop(tasks.spawn("metrics", served));
        }
        for address in &addresses {
            info!(listen = %address, "listening on UDP and TCP");
        }
        let daemon =
            Self { clock, tasks, inbox, notices, probes: commands, readiness, faults, settled, doors, store, addresses, setups: 1 };
        drop(daemon.tasks.spawn("readiness", daemon.become_ready()));
        Ok(daemon)
    }

    /// Turns ready when every target is known, or when patience ends.
    fn become_ready(&self) -> impl Future<Output = ()> + Send + use<> {
        let (mut settled, readiness, faults) = (self.settled.clone(), self.readiness.clone(), Arc::clone(&self.faults));
        let tasks = self.tasks.clone();
        async move {
            let known = tokio::select! {
                biased;
                () = tasks.stopped() => return,
                known = tokio::time::timeout(PATIENCE, settled.wait_for(|settled| *settled)) => known.is_ok(),
            };
            let fault = faults.lock().unwrap_or_else(std::sync::PoisonError::into_inner).clone();
            info!(known, fault, "answering");
            readiness.set(serve::Status { answering: true, fault });
        }
    }

    /// Returns where the server answers.
    pub fn addresses(&self) -> &[SocketAddr] {
        &self.addresses
    }

    /// Returns the clock that it runs by.
    pub const fn clock(&self) -> Clock {
        self.clock
    }

    /// Pictures everything; nothing if the engine has stopped.
    pub async fn status(&self) -> Option<Status> {
        let (reply, answer) = oneshot::channel();
        self.inbox.send(Message::Ask(reply)).await.ok()?;
        answer.await.ok()
    }

    /// Returns what happens from now on.
    pub fn notices(&self) -> broadcast::Receiver<Notice> {
        self.notices.subscribe()
    }

    /// Returns whether it answers, and what is wrong.
    pub fn readiness(&self) -> &Readiness {
        &self.readiness
    }

    /// Puts a new setup in the place of the old one; the doors stay as they are.
    pub async fn replace(&mut self, running: Running) {
        self.setups += 1;
        let setup = self.setups;
        log_notes(&running.notes);
        let fault = broken_zones(&running);
        *self.faults.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = fault.clone();
        let parts = (running.setup, running.specs);
        // Indexing a large zone takes a while: off the tasks that answer.
        let made = tokio::task::spawn_blocking(move || (Prepared::new(parts.0), parts.1)).await;
        let Ok((prepared, specs)) = made else {
            warn!("the new setup could not be indexed; the old one stays");
            return;
        };
        send(&self.probes, Command::Replace { setup, targets: specs, first: None }).await;
        let event = Event::Reload { setup, prepared: Box::new(prepared) };
        if self.inbox.send(Message::Event(event)).await.is_err() {
            warn!("the engine has stopped; the last snapshot is served");
        }
        let answering = self.readiness.load().answering;
        self.readiness.set(serve::Status { answering, fault });
        info!(setup, "reloaded");
    }

    /// Drains and ends: first the doors, then probes and engine, last the store.
    pub async fn stop(self) {
        self.readiness.set(serve::Status { answering: true, fault: Some("stopping".to_owned()) });
        self.doors.shutdown().await;
        self.tasks.stop();
        if let Err(late) = self.tasks.finished(DRAIN).await {
            warn!(tasks = ?late, "tasks that did not end in time");
        }
        self.store.close().await;
        info!("stopped");
    }
}

fn open_store(state: &StateSettings, tasks: &Tasks) -> Result<(Store, Restored), StartError> {
    let (store, kept) = store::open(state.dir.as_deref(), tasks)?;
    let (restored, unreadable) = Restored::read(&kept, state.max_age);
    for key in unreadable {
        warn!(store.key = %key, "a kept value cannot be read and is passed over");
    }
    Ok((store, restored))
}

async fn send(commands: &mpsc::Sender<Command>, command: Command) {
    if commands.send(command).await.is_err() {
        warn!("probes have stopped");
    }
}

/// Hands what probes saw to the engine, in their order.
async fn forward(mut reports: mpsc::Receiver<Finished>, inbox: mpsc::Sender<Message>) {
    while let Some(Finished { setup, target, account }) = reports.recv().await {
        let event = Event::Report { setup, target, report: account.report() };
        if inbox.send(Message::Event(event)).await.is_err() {
            break;
        }
    }
}

fn broken_zones(running: &Running) -> Option<String> {
    let broken = running.setup.zones.iter().filter(|(_, zone)| zone.zone.is_none());
    let names: Vec<String> = broken.map(|(_, zone)| zone.origin.to_string()).collect();
    (!names.is_empty()).then(|| format!("broken zones are answered SERVFAIL: {}", names.join(", ")))
}

/// Logs findings that do not stop a start, each with its place.
pub(super) fn log_notes(notes: &[Finding]) {
    for note in notes {
        let place = note.place.as_ref().map(|place| format!("{}:{}:{}", place.file, place.line, place.column));
        match note.severity {
            Severity::Error => tracing::error!(finding = note.id, place, help = note.help, "{}", note.message),
            Severity::Warning => warn!(finding = note.id, place, help = note.help, "{}", note.message),
            Severity::Note => tracing::debug!(finding = note.id, place, "{}", note.message),
        }
    }
}
