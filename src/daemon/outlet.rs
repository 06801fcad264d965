//! Where the engine's effects go: the publisher, the probes, the store, the log, and whoever listens.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::{broadcast, mpsc, watch};
use tracing::{debug, error, info, warn};

use crate::engine::driver::Outlet;
use crate::engine::{Effect, Notice};
use crate::probe::runner::Command;
use crate::snapshot::Publisher;
use crate::store::{Change, Persist};

/// The engine's way out.
#[derive(Clone, Debug)]
pub(super) struct Ways {
    /// What the doors read. The lock is the engine's alone: it is for the next engine, should one fail.
    pub(super) publisher: Arc<Mutex<Publisher>>,
    pub(super) probes: mpsc::Sender<Command>,
    pub(super) store: Keeper,
    pub(super) notices: broadcast::Sender<Notice>,
    pub(super) settled: watch::Sender<bool>,
}

/// Hands changes to the store without ever waiting for its disk: what finds no room waits here, the last value of each
/// key, until there is room again.
#[derive(Clone, Debug)]
pub(super) struct Keeper {
    queue: mpsc::Sender<Persist>,
    backlog: BTreeMap<String, Option<Vec<u8>>>,
}

impl Keeper {
    pub(super) const fn new(queue: mpsc::Sender<Persist>) -> Self {
        Self { queue, backlog: BTreeMap::new() }
    }

    fn keep(&mut self, key: String, value: Option<Vec<u8>>) {
        self.backlog.insert(key, value);
        self.flush();
    }

    fn flush(&mut self) {
        while !self.backlog.is_empty() {
            let Ok(room) = self.queue.try_reserve() else { return };
            let Some((key, value)) = self.backlog.pop_first() else { return };
            room.send(Persist { change: Change { key, value }, done: None });
        }
    }

    /// Hands over what still waits, now waiting for room: the last thing before the end.
    async fn finish(&mut self) {
        while let Some((key, value)) = self.backlog.pop_first() {
            if self.queue.send(Persist { change: Change { key, value }, done: None }).await.is_err() {
                return;
            }
        }
    }
}

impl Outlet for Ways {
    async fn finish(&mut self) {
        self.store.finish().await;
    }

    async fn carry_out(&mut self, effect: Effect) {
        self.store.flush();
        match effect {
            Effect::Publish(snapshot) => {
                let mut publisher = self.publisher.lock().unwrap_or_else(PoisonError::into_inner);
                let (generation, current) = (snapshot.generation(), publisher.generation());
                // The first snapshot is served from the start and comes by here once more.
                if !publisher.publish(snapshot) && generation < current {
                    error!(generation, current, "an older snapshot than the served one is dropped");
                }
            }
            Effect::Probe { setup, target, at, haste } => {
                // The runner takes commands while its reports wait, so this cannot hang on a full inbox of ours.
                if self.probes.send(Command::Probe { setup, target, at, haste }).await.is_err() {
                    debug!("probes have stopped");
                }
            }
            Effect::Post { name, post } => {
                if self.probes.send(Command::Post { name, post }).await.is_err() {
                    debug!("probes have stopped");
                }
            }
            Effect::Persist { key, value } => self.store.keep(key, value),
            Effect::Notice(notice) => {
                log(&notice);
                // Nobody need listen.
                drop(self.notices.send(notice));
            }
            Effect::Settled => drop(self.settled.send_replace(true)),
        }
    }
}

fn log(notice: &Notice) {
    match notice {
        Notice::Target { target, from, to, cause } => {
            info!(probe.target = %target, health.from = from, health.to = to, cause = cause.as_deref(), "health changed");
        }
        Notice::Decision { pool, reason, moved, alarm: false } => {
            let moved = moved.as_ref().map(ToString::to_string);
            info!(service = %pool, %reason, moved, "answer changed");
        }
        Notice::Decision { pool, reason, alarm: true, .. } => {
            error!(service = %pool, %reason, "no member is up: a person must act");
        }
        Notice::Broke { address, cause } => {
            info!(peer.addr = %address, %cause, "a held connection broke: testing at once");
        }
        Notice::Isolated(true) => {
            warn!("isolated: no witness answers, so silent failures do not count until one does");
        }
        Notice::Isolated(false) => info!("no longer isolated: a witness answered"),
        Notice::Published { generation, zones } => {
            let zones = zones.iter().map(|(zone, serial)| format!("{zone} {serial}")).collect::<Vec<_>>();
            debug!(generation, zone.serials = zones.join(", "), "published");
        }
    }
}
