//! Puts one setup in the place of another, one at a time: after a reload, and when hosts outside of the zones have moved.

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

    /// Returns the number for the next setup.
    pub(super) fn next_number(&self) -> u64 {
        self.setups.fetch_add(1, Ordering::Relaxed) + 1
    }

    /// Returns the addresses of hosts outside of the zones, as far as they are known.
    pub(super) fn addresses(&self) -> Arc<Addresses> {
        Arc::clone(&self.known.borrow().addresses)
    }

    /// Notes what the running setup was made from, and whom to resolve from now on.
    pub(super) fn note(&self, active: ActiveSetup, wanted: ResolveRequest) {
        *self.lock() = active;
        drop(self.wanted.send_replace(wanted));
    }

    /// Puts what was read anew in place; returns its number, nothing if it could not be indexed: the old one stays.
    pub(super) async fn replace(&self, mut running: Running) -> Option<u64> {
        let _switching = self.switch_lock.lock().await;
        let addresses = self.addresses();
        let last = self.lock().image_cache.clone();
        // Indexing a large zone takes a while: off the tasks that answer.
        let made = tokio::task::spawn_blocking(move || {
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

    /// Takes new addresses of hosts outside of the zones: their targets change, those that stay keep their health.
    pub(super) async fn move_hosts(&self, addresses: Arc<Addresses>) {
        let _switching = self.switch_lock.lock().await;
        let active = self.lock().clone();
        let made = tokio::task::spawn_blocking(move || {
            let lowered = active.lowering_input.lower(&addresses);
            let new = lowered.findings.into_iter().filter(|found| !active.prior_findings.contains(found));
            (Prepared::again(lowered.setup, &active.image_cache), lowered.specs, new.collect::<Vec<_>>())
        });
        let Ok((prepared, specs, new)) = made.await else {
            warn!("the new addresses could not be taken; the old ones stay");
            return;
        };
        log_findings(&new);
        self.lock().prior_findings.extend(new);
        let setup = self.hand_over(prepared, specs).await;
        debug!(setup, "targets of hosts outside of the zones were taken anew");
    }

    async fn hand_over(&self, prepared: Prepared, targets: Table<TargetId, Option<Spec>>) -> u64 {
        let setup = self.next_number();
        if self.probes.send(Command::Replace { setup, targets, first: None }).await.is_err() {
            warn!("probes have stopped");
        }
        let event = Event::Reload { setup, prepared: Box::new(prepared) };
        if self.inbox.send(Message::Event(event)).await.is_err() {
            warn!("the engine has stopped; the last snapshot is served");
        }
        setup
    }

    fn lock(&self) -> MutexGuard<'_, ActiveSetup> {
        self.active.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
