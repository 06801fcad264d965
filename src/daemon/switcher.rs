//! Replaces one setup by another, one at a time: after a reload, when addresses of hosts outside of the zones have
//! changed, and for a rebuilt engine.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::{mpsc, watch};
use tracing::{debug, warn};

use crate::base::finding::Finding;
use crate::base::table::Table;
use crate::config::Running;
use crate::config::lower::LoweringInput;
use crate::engine::driver::Message;
use crate::engine::{Event, ImageCache, Prepared};
use crate::health::TargetId;
use crate::probe::Spec;
use crate::probe::runner::Command;
use crate::resolve::{Addresses, ResolveRequest, Resolved};

use super::background;
use super::findings::log_findings;

/// Swaps setups; clones are the same.
#[derive(Clone, Debug)]
pub(super) struct SetupSwitcher {
    active: Arc<Mutex<ActiveSetup>>,
    /// Held while a setup is on its way, so that none overtakes another.
    switch_lock: Arc<tokio::sync::Mutex<()>>,
    /// The number of the last setup.
    setups: Arc<AtomicU64>,
    probes: mpsc::Sender<Command>,
    inbox: mpsc::Sender<Message>,
    wanted: watch::Sender<ResolveRequest>,
    known: watch::Receiver<Resolved>,
}

/// The right to switch setups. It is taken before anything is read, so that what was read later also comes later.
#[derive(Debug)]
pub(super) struct Turn<'a> {
    switcher: &'a SetupSwitcher,
    /// The place in the engine's inbox; nothing if no engine will take it.
    place: Option<mpsc::Permit<'a, Message>>,
    _guard: tokio::sync::MutexGuard<'a, ()>,
}

/// What the running setup was made from.
#[derive(Clone, Debug)]
pub(super) struct ActiveSetup {
    lowering_input: Arc<LoweringInput>,
    image_cache: ImageCache,
    prior_findings: Vec<Finding>,
}

/// The ways to and from the resolver's task.
#[derive(Debug)]
pub(super) struct Resolver {
    pub(super) wanted: watch::Sender<ResolveRequest>,
    pub(super) known: watch::Receiver<Resolved>,
}

impl ActiveSetup {
    pub(super) fn new(lowering_input: Arc<LoweringInput>, prepared: &Prepared, prior_findings: Vec<Finding>) -> Self {
        Self { lowering_input, image_cache: prepared.image_cache(), prior_findings }
    }
}

impl SetupSwitcher {
    /// Begins with setup 1.
    pub(super) fn new(
        active: ActiveSetup,
        probes: mpsc::Sender<Command>,
        inbox: mpsc::Sender<Message>,
        resolver: Resolver,
    ) -> Self {
        Self {
            active: Arc::new(Mutex::new(active)),
            switch_lock: Arc::default(),
            setups: Arc::new(AtomicU64::new(1)),
            probes,
            inbox,
            wanted: resolver.wanted,
            known: resolver.known,
        }
    }

    /// Returns the number of the last setup.
    pub(super) fn number(&self) -> u64 {
        self.setups.load(Ordering::Relaxed)
    }

    /// Waits for the right to hand the engine a new setup.
    pub(super) async fn switch_lock(&self) -> Turn<'_> {
        // The place first: while an engine is built nobody empties the inbox, and the builder needs its turn.
        let place = self.inbox.reserve().await.ok();
        Turn { switcher: self, place, _guard: self.switch_lock.lock().await }
    }

    /// Waits for the right to begin a new engine.
    pub(super) async fn turn_without_engine(&self) -> Turn<'_> {
        Turn { switcher: self, place: None, _guard: self.switch_lock.lock().await }
    }

    /// Returns the addresses of hosts outside of the zones, as far as they are known.
    pub(super) fn addresses(&self) -> Arc<Addresses> {
        Arc::clone(&self.known.borrow().addresses)
    }

    /// Takes new addresses of hosts outside of the zones: their targets change, those that stay keep their health.
    pub(super) async fn move_hosts(&self, addresses: Arc<Addresses>) {
        self.switch_lock().await.move_hosts(addresses).await;
    }

    fn lock(&self) -> MutexGuard<'_, ActiveSetup> {
        self.active.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Turn<'_> {
    /// Returns what the next setup may share with the last one.
    pub(super) fn image_cache(&self) -> ImageCache {
        self.switcher.lock().image_cache.clone()
    }

    /// Notes what a new engine begins with, and hands its targets to the probes; returns the setup's number, nothing if the
    /// probes have stopped.
    pub(super) async fn begin(
        self,
        active: ActiveSetup,
        wanted: ResolveRequest,
        targets: Table<TargetId, Option<Spec>>,
    ) -> Option<u64> {
        self.note(active, wanted);
        let setup = self.next_number();
        self.switcher.probes.send(Command::Replace { setup, targets, first: None }).await.ok()?;
        Some(setup)
    }

    /// Puts what was read anew in place; returns its number, nothing if it could not be indexed: the old one stays.
    pub(super) async fn replace(self, mut running: Running) -> Option<u64> {
        let (addresses, last) = (self.switcher.addresses(), self.image_cache());
        // Indexing a large zone takes a while: off the threads that answer.
        let made = background::work("index", move || {
            if !running.outside.hosts.is_empty() {
                log_findings(&running.resolve(&addresses));
            }
            let prepared = Prepared::again(running.setup, &last);
            let active = ActiveSetup::new(running.lowering_input, &prepared, running.findings);
            (prepared, running.specs, active, running.outside)
        });
        let Ok((prepared, specs, active, wanted)) = made.await else {
            warn!("the new setup could not be indexed; the old one stays");
            return None;
        };
        self.note(active, wanted);
        Some(self.hand_over(prepared, specs).await)
    }

    async fn move_hosts(self, addresses: Arc<Addresses>) {
        let active = self.switcher.lock().clone();
        let made = background::work("index", move || {
            let lowered = active.lowering_input.lower(&addresses);
            let new = lowered.findings.into_iter().filter(|found| !active.prior_findings.contains(found));
            (Prepared::again(lowered.setup, &active.image_cache), lowered.specs, new.collect::<Vec<_>>())
        });
        let Ok((prepared, specs, new)) = made.await else {
            warn!("the new addresses could not be taken; the old ones stay");
            return;
        };
        log_findings(&new);
        self.switcher.lock().prior_findings.extend(new);
        let setup = self.hand_over(prepared, specs).await;
        debug!(setup, "targets of hosts outside of the zones were taken anew");
    }

    async fn hand_over(self, prepared: Prepared, targets: Table<TargetId, Option<Spec>>) -> u64 {
        let setup = self.next_number();
        if self.switcher.probes.send(Command::Replace { setup, targets, first: None }).await.is_err() {
            warn!("probes have stopped");
        }
        match self.place {
            Some(place) => place.send(Message::Event(Event::Reload { setup, prepared: Box::new(prepared) })),
            None => warn!("the engine has stopped; the last snapshot is served"),
        }
        setup
    }

    fn note(&self, active: ActiveSetup, wanted: ResolveRequest) {
        *self.switcher.lock() = active;
        drop(self.switcher.wanted.send_replace(wanted));
    }

    fn next_number(&self) -> u64 {
        self.switcher.setups.fetch_add(1, Ordering::Relaxed) + 1
    }
}
