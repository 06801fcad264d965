//! Builds every part in order and names every task.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use prometheus_client::registry::Registry;
use tokio::sync::{mpsc, watch};
use tracing::{error, info, warn};

use crate::admin::api::{Api, HasSecondaries, ReloadRequest, Reloaded};
use crate::admin::hooks::{self, Hook};
use crate::admin::metrics::{self as telling, Told};
use crate::admin::{Socket, serve as serve_http};
use crate::base::clock::Clock;
use crate::base::connections::{ConnectionLimiter, Limits};
use crate::base::duration::write_short;
use crate::base::error::Chain;
use crate::base::finding::Finding;
use crate::base::tasks::Tasks;
use crate::config::settings::Ready;
use crate::config::{Running, ServerSettings, StateSettings};
use crate::engine::driver::{INBOX, Message};
use crate::engine::history::{self, History, Recorder};
use crate::engine::memory::Restored;
use crate::engine::{Core, EngineHandle, Event, Notice, Prepared, TimedNotice};
use crate::history::Past;
use crate::probe::runner::{self, Command};
use crate::serve::{self, Certificates, Deps, Limiter, Readiness, Responder, Secrets};
use crate::snapshot::Publisher;
use crate::store::{self, Persist, Store};
use crate::transfer::{self, Permits, TransferHandle};
use crate::zone::Name;

use super::addresses;
use super::admin::{self, AdminError, AdminFile};
use super::coverage::CoverageWatch;
use super::effects::{Outputs, PersistQueue};
use super::findings::log_findings;
use super::listeners::Listeners;
use super::logging;
use super::metrics::Metrics;
use super::outside::{engine_entries, first_answers, follow, kept_addresses};
use super::ports::Ports;
use super::primaries::{self, Primaries};
use super::privileges;
use super::probe_threads::ProbeThreads;
use super::read::Read;
use super::readiness::{ReadinessState, Served, ZonesTaken};
use super::record::{self, last_event};
use super::secondaries::{self, Secondaries};
use super::supervise;
use super::switcher::{ActiveSetup, SetupSwitcher, Turn};
use super::threads::Threads;
use super::watchdog::{self, Watchdog};

/// A running server.
#[derive(Debug)]
pub struct Daemon {
    clock: Clock,
    tasks: Tasks,
    inbox: mpsc::Sender<Message>,
    history: History,
    recorder: Recorder,
    /// Who is told what happens.
    hooks: watch::Sender<Vec<Hook>>,
    pub(super) switcher: SetupSwitcher,
    readiness_state: ReadinessState,
    settled: watch::Receiver<bool>,
    listeners: Listeners,
    metrics: Metrics,
    secondaries: Secondaries,
    primaries: Primaries,
    /// Held until the end, as the threads end with them.
    _threads: (ProbeThreads, Threads),
    fixed: Fixed,
    admin: Option<AdminFile>,
    /// The wishes for a reload that came by the API; the sender keeps the queue open where there is no API.
    reloads: (mpsc::Sender<ReloadRequest>, tokio::sync::Mutex<mpsc::Receiver<ReloadRequest>>),
}

/// What a reload does not change.
#[derive(Debug, PartialEq, Eq)]
struct Fixed {
    server: ServerSettings,
    state: StateSettings,
}

/// Why a server could not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The socket of the API cannot be made.
    #[error(transparent)]
    Admin(#[from] AdminError),
    /// The state folder cannot be used.
    #[error(transparent)]
    Store(#[from] store::OpenError),
    /// There are no threads for the tests of targets, or for the engine.
    #[error("no threads for the tests of targets and the engine")]
    Threads(#[source] std::io::Error),
    /// The listeners could not be handed to the runtime.
    #[error("the sockets cannot be served")]
    Listeners(#[source] std::io::Error),
}

impl StartError {
    /// Returns what is wrong, and what would fix it.
    pub fn finding(&self) -> Finding {
        match self {
            Self::Admin(error) => Finding::error("admin-socket", Chain(error).to_string())
                .help("name another file, end the other server, or open none: `admin-socket = \"none\"`"),
            Self::Store(error) => error.finding(),
            Self::Threads(error) => Finding::error("runtime", format!("{self}: {error}")),
            Self::Listeners(error) => Finding::error("listen", format!("{self}: {error}")),
        }
    }
}

/// How long the answers wait for the first probes.
const TIMEOUT: Duration = Duration::from_secs(3);
/// How much longer they wait for a slow disk.
const DISK_TIMEOUT: Duration = Duration::from_secs(1);
/// How many NOTIFYs wait.
const NOTIFIED: usize = 64;
/// How many wishes for a reload wait.
const RELOADS: usize = 4;
/// What a reload says of keys that it does not take.
const RESTART: &str =
    "changes of listeners, limits of connections and workers in [server], and of [state], count from the next start on";
/// How long tasks may take to end.
const DRAIN: Duration = Duration::from_secs(5);

impl Daemon {
    /// Starts on ports that are bound: restores, probes; answers come when every target is known, or after 3 s.
    ///
    /// `read` reads config and zones anew, should the engine fail.
    ///
    /// # Errors
    /// [`StartError`]; nothing runs then.
    pub async fn start(mut running: Running, ports: Ports, read: Read, clock: Clock) -> Result<Self, StartError> {
        let fixed = Fixed::of(&running);
        let (user, read_again) = (running.server.user.clone(), read.clone());
        let Ports { sockets, metrics: metrics_listener, admin: admin_listen } = ports;
        let (store, restored) = open_store(&running.state)?;
        let kept = kept_addresses(store.entries());
        log_findings(&sockets.findings);
        let (mut admin, admin_finding) = admin::bind(running.server.admin_socket.as_ref())?;
        log_findings(admin_finding.as_slice());

        let tasks = Tasks::new();
        let mut registry = Registry::with_prefix("understudy");
        logging::metrics::register(&mut registry);
        let (inbox, messages) = mpsc::channel(INBOX);
        let past = (running.state.history_size > 0).then_some(running.state.folder.as_deref()).flatten().map(Past::new);
        let last = past.as_ref().map_or(0, last_event);
        let (recorder, history, keeping) = history::history_after(history::RECORDS, clock.now().wall, last);
        let (settled_sender, settled) = watch::channel(false);
        let (published_sender, published) = watch::channel(0);
        let told = secondaries::settings(&running);
        let transfer_metrics = transfer::Metrics::register(&mut registry);
        let (notified, told_us) = mpsc::channel(NOTIFIED);
        let ledger = transfer::Ledger::default();
        let parts = primaries::Parts {
            notified: told_us,
            metrics: transfer_metrics.clone(),
            ledger: ledger.clone(),
            recorder: recorder.clone(),
            clock,
        };
        let primaries = Primaries::start(&tasks, &running, parts);
        let (persist, persist_queue) = mpsc::channel(store::QUEUE);
        let listeners_kept = persist.clone();
        let metrics = Metrics::register(&mut registry);
        let readiness_state = metrics.readiness_state.clone();
        readiness_state.take_zones(ZonesTaken::of(&running), clock.now().wall);
        log_start(&running);

        // Tasks, in the order of their start.
        drop(tasks.spawn_vital("store", store::run(store, persist_queue, store::Metrics::register(&mut registry))));
        drop(tasks.spawn_vital("history", keeping.run()));
        let probe_threads = ProbeThreads::start(&tasks).map_err(StartError::Threads)?;
        let mut resolver = probe_threads.resolver(clock, &mut registry, &running.outside, &kept);
        let mut addresses = Arc::default();
        if !running.outside.hosts.is_empty() {
            addresses = first_answers(&mut resolver.known, &running.outside).await;
            drop(running.resolve(&addresses));
        }
        log_findings(&running.findings);
        let (probes, reports) =
            probe_threads.probes(clock, &mut registry, running.server.tcp_limit, metrics.certificates.book().clone());
        drop(tasks.spawn_vital("reports", forward(reports, inbox.clone())));
        send(&probes, Command::Replace { setup: 1, targets: running.specs, first: None }).await;

        let origins: Vec<Name> = running.setup.zones.iter().map(|(_, zone)| zone.origin.clone()).collect();
        let prepared = Prepared::keyed(running.setup, serve::random());
        let active = ActiveSetup::new(running.lowering_input, &prepared, running.findings);
        let (known, resolved) = (resolver.known.clone(), resolver.known.clone());
        let switcher = SetupSwitcher::new(active, probes.clone(), inbox.clone(), resolver);
        let follow = follow(tasks.clone(), switcher.clone(), known, persist.clone(), (kept, addresses));
        drop(tasks.spawn_vital("outside-hosts", follow));

        let core = Core::new(prepared, &restored, clock.now());
        let handle = EngineHandle::new(inbox.clone(), history.clone());
        let recording = record::Recording { state: &running.state, clock, engine: &handle, core: &core };
        let outcomes = recording.start(&tasks, &mut registry);
        let publisher = Publisher::new((**core.snapshot()).clone());
        let reader = publisher.reader();
        let publisher = Arc::new(Mutex::new(publisher));
        let outputs = Outputs {
            publisher,
            probes: probes.clone(),
            store: PersistQueue::new(persist),
            history: recorder.clone(),
            outcomes,
            settled: settled_sender,
            published: published_sender,
        };
        // Taking a large setup is long work: not on the threads that answer.
        let engine_threads = Threads::start("engine", 1, &tasks).map_err(StartError::Threads)?;
        let engine = supervise::Engine {
            clock,
            tasks: engine_threads.tasks().clone(),
            outputs,
            read,
            readiness_state: readiness_state.clone(),
            state: running.state.folder,
            max_age: running.state.max_age,
            switcher: switcher.clone(),
        };
        drop(engine_threads.tasks().spawn_vital("engine-supervisor", engine.run(core, messages)));

        let serve_metrics = serve::Metrics::register(&mut registry);
        serve_metrics.set_zones(origins.iter());
        let readiness = readiness_state.readiness().clone();
        let parts = secondaries::Parts {
            clock,
            reader: reader.clone(),
            published,
            resolved,
            readiness: readiness.clone(),
            metrics: transfer_metrics.clone(),
            ledger: ledger.clone(),
        };
        let secondaries = Secondaries::start(&tasks, told, parts);
        let responder = Responder::new(serve::Parts {
            reader,
            settings: running.serve,
            secrets: running.secrets.clone().unwrap_or_else(|| Secrets::new(serve::random())),
            readiness: readiness.clone(),
            metrics: serve_metrics,
            limiter: Limiter::new(serve::random()),
            clock,
        });
        let responder = responder.with_transfers(Permits::new(transfer_metrics, ledger)).with_notified(notified);
        let coverage_watch = CoverageWatch {
            tasks: tasks.clone(),
            engine: handle.clone(),
            readiness_state: readiness_state.clone(),
            clock,
            latest: metrics.coverage.clone(),
        };
        drop(tasks.spawn("coverage", coverage_watch.run()));
        metrics.certificates.set_own(running.identity.as_ref());
        let watch = metrics.certificates.clone();
        drop(tasks.spawn("certificates", watch.run(tasks.clone(), clock, recorder.clone(), switcher.clone())));
        let (hooks, wanted) = watch::channel(running.hooks);
        let hub = hooks::Hub::new(history.clone(), clock, hooks::Metrics::register(&mut registry), machine_name());
        drop(tasks.spawn("hooks", hub.run(wanted, tasks.clone())));
        let watchdog = Watchdog::new(&tasks, handle.clone(), readiness_state.clone(), metrics.clone());
        drop(tasks.spawn("watchdog", watchdog.run()));
        let registry = Arc::new(registry);
        if let Some(listener) = metrics_listener {
            start_metrics(&tasks, listener, Arc::clone(&registry), readiness.clone(), clock)
                .map_err(StartError::Listeners)?;
        }
        let (reload, reloads) = mpsc::channel(RELOADS);
        let told: Arc<dyn Fn() -> Told + Send + Sync> = Arc::new(move || tell_health(&readiness));
        let transfers = primaries.handle().clone();
        let settings = responder.settings();
        let has_secondaries: Arc<HasSecondaries> = Arc::new(move |zones: &[Name]| {
            let transfers = &settings.load().transfers;
            zones.iter().any(|zone| transfers.contains_key(zone))
        });
        let reload_sender = reload.clone();
        let api =
            Api { engine: handle, past, transfers, clock, reload: reload_sender, registry, has_secondaries, told };
        if let Some(file) = &mut admin {
            file.serve(&tasks, api.clone()).map_err(StartError::Listeners)?;
        }
        let limits = Limits {
            all: running.server.tcp_limit,
            per_client: running.server.tcp_limit_per_client,
            idle: running.server.tcp_idle,
        };
        let certificates = running.identity.map(Certificates::new);
        if let Some((listener, settings)) = admin_listen {
            admin::listen(settings, listener, certificates.as_ref(), &tasks, api)?;
        }
        let deps = Deps {
            responder,
            limiter: ConnectionLimiter::new(limits).with_budget(serve::BUDGET),
            certificates,
            tasks: tasks.clone(),
            stop: tasks.token().child_token(),
        };
        let listeners = Listeners::open(running.server.frame, &deps, sockets.listeners, running.secrets.is_none());
        let listeners = listeners.map_err(StartError::Listeners)?;
        // `understudy ready` asks there; a store that takes nothing more is told of by itself.
        drop(listeners_kept.send(Persist::Change(addresses::keep(listeners.addresses()))).await);
        let socket = addresses::keep_socket(admin.as_ref().map(AdminFile::path));
        drop(listeners_kept.send(Persist::Change(socket)).await);
        let daemon = Self {
            clock,
            tasks,
            inbox,
            history,
            recorder,
            hooks,
            switcher,
            readiness_state,
            settled,
            listeners,
            metrics,
            secondaries,
            primaries,
            _threads: (probe_threads, engine_threads),
            fixed,
            admin,
            reloads: (reload, tokio::sync::Mutex::new(reloads)),
        };
        drop(daemon.tasks.spawn("readiness", daemon.become_ready()));
        if let Some(user) = user {
            drop(daemon.tasks.spawn("reload-check", privileges::judge_reload(read_again, user)));
        }
        Ok(daemon)
    }

    /// Turns ready when every target is known, or when patience ends; and not before the serials that may be answered are
    /// on disk: the next run begins above them.
    fn become_ready(&self) -> impl Future<Output = ()> + Send + use<> {
        let (mut settled, readiness_state, tasks) =
            (self.settled.clone(), self.readiness_state.clone(), self.tasks.clone());
        let (engine, coverage) = (self.engine(), self.metrics.coverage.clone());
        async move {
            let known = tokio::select! {
                biased;
                () = tasks.stopped() => return,
                known = tokio::time::timeout(TIMEOUT, settled.wait_for(|settled| *settled)) => known.is_ok(),
            };
            match tokio::time::timeout(DISK_TIMEOUT, engine.kept()).await {
                Ok(Ok(())) => {}
                Ok(Err(error)) => warn!(%error, "answers begin, but after a crash serials may be given twice"),
                Err(_slow) => {
                    warn!("the state folder is slow: answers begin, but after a crash serials may be given twice");
                }
            }
            readiness_state.set(|parts| parts.answering = true);
            let fault = readiness_state.readiness().load().fault.clone();
            if let Ok(counted) = engine.coverage(0).await {
                coverage.set(counted);
            }
            let (targets, untested) = coverage.counts();
            let every_target_known = known && untested == 0;
            info!(every_target_known, targets, tested = targets - untested, untested, fault, "answering");
            watchdog::notify_ready().await;
        }
    }

    /// Waits until the server answers.
    pub async fn answering(&self) {
        while !self.readiness_state.readiness().load().answering {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Waits until a zone has come from a primary, or has expired: a reload serves what there is now.
    ///
    /// # Cancel safety
    /// It may be dropped and called again.
    pub async fn zones_came(&self) {
        self.primaries.came().await;
    }

    /// Waits until a reload is wanted by the API.
    ///
    /// # Cancel safety
    /// It may be dropped and called again.
    pub async fn reload_wanted(&self) -> ReloadRequest {
        let (_open, wanted) = &self.reloads;
        match wanted.lock().await.recv().await {
            Some(request) => request,
            // A sender is held here, so the queue never ends.
            None => std::future::pending().await,
        }
    }

    /// Returns where the server answers.
    pub fn addresses(&self) -> &[SocketAddr] {
        self.listeners.addresses()
    }

    /// Returns the certificates that end soon or have ended, as sentences.
    pub fn ending_certificates(&self) -> impl Fn() -> Vec<String> + Send + 'static {
        let (certificates, clock) = (self.metrics.certificates.clone(), self.clock);
        move || certificates.ending(clock.now().wall)
    }

    /// Returns the clock that it runs by.
    pub const fn clock(&self) -> Clock {
        self.clock
    }

    /// Returns the way to the engine for its clients.
    pub fn engine(&self) -> EngineHandle {
        EngineHandle::new(self.inbox.clone(), self.history.clone())
    }

    /// Returns the way to the status of transfers, and for orders about them (`refresh`, `retransfer`).
    pub fn transfers(&self) -> TransferHandle {
        self.primaries.handle().clone()
    }

    /// Returns whether it answers, and what is wrong.
    pub const fn readiness(&self) -> &Readiness {
        self.readiness_state.readiness()
    }

    /// Puts a new setup in the place of the old one; the listeners stay as they are.
    pub(super) async fn replace(&self, switch_lock: Turn<'_>, running: Running) -> Option<Reloaded> {
        log_findings(&running.findings);
        let mut remarks = Vec::new();
        if Fixed::of(&running) != self.fixed {
            warn!("{RESTART}");
            remarks.push(RESTART.to_owned());
        }
        let zones = ZonesTaken::of(&running);
        self.listeners.renew(&running);
        self.metrics.certificates.set_own(running.identity.as_ref());
        self.secondaries.renew(&running);
        self.primaries.renew(&running);
        self.hooks.send_replace(running.hooks.clone());
        let setup = switch_lock.replace(running).await?;
        let now = self.clock.now().wall;
        for Served { zone, read } in self.readiness_state.take_zones(zones, now) {
            let age = write_short(now.since(read));
            warn!(zone = %zone.origin, place = zone.place, age, "a zone is broken: its version of {age} ago is served on");
        }
        info!(setup, "reloaded");
        Some(Reloaded { setup, remarks })
    }

    /// Records that a reload failed.
    pub(super) async fn tell_reload_failed(&self, reason: String) {
        let (at, setup) = (self.clock.now().wall, self.switcher.number());
        self.recorder.record(TimedNotice { at, setup, notice: Notice::ReloadFailed(reason) }).await;
    }

    /// Drains and ends: readiness first, then the listeners, then probes and engine, last the store.
    pub async fn stop(self) {
        self.readiness_state.set(|parts| parts.stopping = true);
        watchdog::notify_stopping().await;
        self.listeners.close().await;
        self.tasks.stop();
        drop(self.admin);
        drop(self.switcher);
        drop(self.inbox);
        drop(self.recorder);
        if let Err(late) = self.tasks.finished(DRAIN).await {
            warn!(tasks = ?late, "tasks that did not end in time");
        }
        info!("stopped");
    }
}

impl Fixed {
    fn of(running: &Running) -> Self {
        // Whether a broken zone is refused, and what it means for readiness, is asked anew at each reading.
        let server = ServerSettings { strict_zones: false, ready: Ready::AnyZone, ..running.server.clone() };
        Self { server, state: running.state.clone() }
    }
}

/// Returns the name of this machine, as hooks tell it.
fn machine_name() -> String {
    rustix::system::uname().nodename().to_string_lossy().into_owned()
}

/// Says what starts.
fn log_start(running: &Running) {
    let config = running.files.first().filter(|file| file.extension().is_some_and(|end| end == "toml"));
    let config = config.map(|file| file.display().to_string());
    let outside = running.outside.hosts.len();
    let outside = match outside {
        0 => String::new(),
        1 => "; 1 host outside of the zones is tested every 5 min unless a service says otherwise".to_owned(),
        more => format!("; {more} hosts outside of the zones are tested every 5 min unless a service says otherwise"),
    };
    info!(
        version = env!("CARGO_PKG_VERSION"),
        config,
        zones = running.setup.zones.len(),
        services = running.setup.pools.len(),
        targets = running.setup.targets.len(),
        outside_hosts = running.outside.hosts.len(),
        "starting{outside}"
    );
}

fn start_metrics(
    tasks: &Tasks,
    listener: std::net::TcpListener,
    registry: Arc<Registry>,
    readiness: Readiness,
    clock: Clock,
) -> std::io::Result<()> {
    listener.set_nonblocking(true)?;
    info!(listen = %listener.local_addr()?, "telling metrics and readiness over HTTP");
    let socket = Socket::Tcp(tokio::net::TcpListener::from_std(listener)?);
    let routes = telling::routes(registry, move || tell_health(&readiness));
    let stop = tasks.token().clone().cancelled_owned();
    drop(tasks.spawn_vital("metrics", async move {
        if let Err(error) = serve_http(socket, clock, routes, stop).await {
            warn!(%error, "metrics are no longer told");
        }
    }));
    Ok(())
}

/// Tells whether the server is live and ready, for listeners over HTTP.
fn tell_health(readiness: &Readiness) -> Told {
    let status = readiness.load();
    let remark = status.remark.clone();
    Told { live: status.dead.clone().map_or(Ok(()), Err), ready: status.fault.clone().map_or(Ok(remark), Err) }
}

fn open_store(state: &StateSettings) -> Result<(Store, Restored), StartError> {
    let store = state.folder.as_deref().map_or_else(|| Ok(Store::none()), |dir: &Path| Store::open(dir))?;
    if let Some(refusal) = store.refusal() {
        log_findings(&[refusal.finding()]);
        error!(retry = "every 5 s", "the state is read, but cannot be written: serving without");
    }
    let (restored, unreadable) = Restored::read(engine_entries(store.entries()), state.max_age);
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
async fn forward(mut reports: mpsc::Receiver<runner::Event>, inbox: mpsc::Sender<Message>) {
    while let Some(event) = reports.recv().await {
        let event = match event {
            runner::Event::Finished(report) | runner::Event::Said(report) => Event::Report(report),
            runner::Event::Broke(broken) => Event::Broke(broken),
        };
        if inbox.send(Message::Event(event)).await.is_err() {
            break;
        }
    }
}
