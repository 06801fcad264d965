//! Where the engine's effects go: the publisher, the probes, the store, the log, and whoever listens.

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
    pub(super) store: mpsc::Sender<Persist>,
    pub(super) notices: broadcast::Sender<Notice>,
    pub(super) settled: watch::Sender<bool>,
}

impl Outlet for Ways {
    async fn carry_out(&mut self, effect: Effect) {
        match effect {
            Effect::Publish(snapshot) => {
                let mut publisher = self.publisher.lock().unwrap_or_else(PoisonError::into_inner);
                if !publisher.publish((*snapshot).clone()) {
                    error!(generation = snapshot.generation(), "an older snapshot than the served one is dropped");
                }
            }
            Effect::Probe { setup, target, at } => {
                // The runner takes commands while its reports wait, so this cannot hang on a full inbox of ours.
                if self.probes.send(Command::Probe { setup, target, at }).await.is_err() {
                    debug!("probes have stopped");
                }
            }
            Effect::Persist { key, value } => {
                // The store's writer waits for the disk, never for the engine.
                if self.store.send(Persist { change: Change { key, value }, done: None }).await.is_err() {
                    debug!("the store has stopped");
                }
            }
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
