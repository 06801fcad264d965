//! Secondaries that are told of new versions, and the parts of that which a reload replaces.

use std::net::IpAddr;
use std::sync::Arc;

use tokio::sync::watch;

use crate::base::clock::Clock;
use crate::base::tasks::Tasks;
use crate::config::Running;
use crate::probe::allow::DeclaredBy;
use crate::resolve::Resolved;
use crate::serve::{self, Readiness};
use crate::snapshot::SnapshotReader;
use crate::transfer::notify::{self, Settings, Sources};
use crate::transfer::{Ledger, Metrics};
use crate::zone::Name;

/// The way to the task that tells them.
#[derive(Debug)]
pub(super) struct Secondaries(watch::Sender<Settings>);

/// What the task needs of others.
#[derive(Debug)]
pub(super) struct Parts {
    pub(super) clock: Clock,
    pub(super) reader: SnapshotReader,
    pub(super) published: watch::Receiver<u64>,
    pub(super) resolved: watch::Receiver<Resolved>,
    pub(super) readiness: Readiness,
    pub(super) metrics: Metrics,
    pub(super) ledger: Ledger,
}

impl Secondaries {
    /// Starts to tell them, from when queries are answered on.
    pub(super) fn start(tasks: &Tasks, settings: Settings, parts: Parts) -> Self {
        let Parts { clock, reader, published, resolved, readiness, metrics, ledger } = parts;
        let (sender, settings) = watch::channel(settings);
        let outside =
            move |host: &Name| -> Vec<IpAddr> { resolved.borrow().addresses.get(host).cloned().unwrap_or_default() };
        let (outside, random) = (Box::new(outside), serve::random);
        let sources = Sources { reader, published, settings, outside, random, metrics, ledger, clock };
        let stop = tasks.token().child_token();
        drop(tasks.spawn_vital("notify", async move {
            if stop.run_until_cancelled(readiness.answering()).await.is_some() {
                notify::run(sources, stop).await;
            }
        }));
        Self(sender)
    }

    /// Tells by other settings from now on.
    pub(super) fn renew(&self, running: &Running) {
        self.0.send_replace(settings(running));
    }
}

/// Returns who is told of which zone.
pub(super) fn settings(running: &Running) -> Settings {
    let access = running.access.clone();
    Settings {
        zones: running.notify.clone(),
        keys: running.serve.keys.clone(),
        permits: Arc::new(move |address| access.permits(address, DeclaredBy::Us).is_ok()),
    }
}
