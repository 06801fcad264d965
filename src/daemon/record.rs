//! Starts what writes the history to the state folder.

use prometheus_client::registry::Registry;
use tracing::warn;

use crate::admin::view::EventView;
use crate::base::clock::Clock;
use crate::base::tasks::Tasks;
use crate::config::StateSettings;
use crate::engine::{Core, EngineHandle};
use crate::history::{self, First, OutcomeSender, Past};

/// What the history is written of.
pub(super) struct Recording<'a> {
    pub(super) state: &'a StateSettings,
    pub(super) clock: Clock,
    pub(super) engine: &'a EngineHandle,
    /// The engine at its begin.
    pub(super) core: &'a Core,
}

impl Recording<'_> {
    /// Starts its task, and returns the way of the outcomes to it; without a folder, or if none is wanted, nothing is written.
    pub(super) fn start(&self, tasks: &Tasks, registry: &mut Registry) -> OutcomeSender {
        let metrics = history::Metrics::register(registry);
        let limit = u64::from(self.state.history_size);
        let Some(dir) = self.state.folder.clone().filter(|_| limit > 0) else { return OutcomeSender::none() };
        let (sender, outcomes) = history::outcomes(&metrics);
        let now = self.clock.now();
        let first = First { at: now.wall, kept: self.core.picture(now) };
        let events = self.engine.history().follow(self.engine.history().start());
        let (engine, clock) = (self.engine.clone(), self.clock);
        let recording =
            history::Recording { dir, limit, events, view: EventView::kept, outcomes, engine, clock, metrics };
        let stop = tasks.token().clone();
        drop(tasks.spawn("history-writer", recording.run(first, async move { stop.cancelled().await })));
        sender
    }
}

/// Returns the number of the last event of the run before.
pub(super) fn last_event(past: &Past) -> u64 {
    past.last().unwrap_or_else(|error| {
        warn!(%error, "the history cannot be read: its numbers begin anew");
        0
    })
}
