//! The parts of readiness: each is set by its owner, and the reported state is derived from all of them.

use std::sync::{Arc, Mutex, PoisonError};

use crate::config::Running;
use crate::serve::{Readiness, Status};

/// What readiness is made of; clones share it.
#[derive(Clone, Debug)]
pub(super) struct ReadinessState {
    parts: Arc<Mutex<Parts>>,
    readiness: Readiness,
}

/// The parts, the gravest first.
#[derive(Debug, Default)]
pub(super) struct Parts {
    /// Whether the process drains.
    pub(super) stopping: bool,
    /// Whether queries are answered yet.
    pub(super) answering: bool,
    /// What is wrong with the engine.
    pub(super) engine: Option<String>,
    /// Whether the engine replies.
    pub(super) hung: Option<String>,
    /// Which tasks have ended that should not.
    pub(super) tasks: Option<String>,
    /// What is wrong with zones.
    pub(super) zones: Option<String>,
}

impl ReadinessState {
    /// Begins silent; `zones` is what is wrong with zones.
    pub(super) fn starting(zones: Option<String>) -> Self {
        let parts = Parts { zones, ..Parts::default() };
        Self { parts: Arc::new(Mutex::new(parts)), readiness: Readiness::starting() }
    }

    /// Changes parts, and what is told with them.
    pub(super) fn set(&self, change: impl FnOnce(&mut Parts)) {
        // Told under the lock, so that of two changes the later one stands.
        let mut parts = self.parts.lock().unwrap_or_else(PoisonError::into_inner);
        change(&mut parts);
        self.readiness.set(parts.status());
    }

    /// Returns what is told; every listener reads it.
    pub(super) const fn readiness(&self) -> &Readiness {
        &self.readiness
    }
}

/// Says which zones are broken, if any are.
pub(super) fn broken_zones(running: &Running) -> Option<String> {
    let broken = running.setup.zones.iter().filter(|(_, zone)| zone.zone.is_none());
    let names: Vec<String> = broken.map(|(_, zone)| zone.origin.to_string()).collect();
    (!names.is_empty()).then(|| format!("broken zones are answered SERVFAIL: {}", names.join(", ")))
}

impl Parts {
    fn status(&self) -> Status {
        let fault = if self.stopping {
            Some("stopping".to_owned())
        } else if self.answering {
            let faults = [&self.engine, &self.hung, &self.tasks, &self.zones];
            faults.into_iter().find_map(Clone::clone)
        } else {
            Some("starting".to_owned())
        };
        Status { answering: self.answering, fault }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_gravest_fault_is_told_and_the_others_stay_behind_it() {
        let readiness_state = ReadinessState::starting(Some("broken zones".to_owned()));
        let fault = || readiness_state.readiness().load().fault.clone();
        assert_eq!((readiness_state.readiness().load().answering, fault().unwrap()), (false, "starting".to_owned()));
        readiness_state.set(|parts| parts.answering = true);
        assert_eq!(fault().unwrap(), "broken zones");
        readiness_state.set(|parts| parts.engine = Some("failed".to_owned()));
        assert_eq!(fault().unwrap(), "failed");
        readiness_state.set(|parts| parts.engine = None);
        assert_eq!(fault().unwrap(), "broken zones");
        readiness_state.set(|parts| parts.zones = None);
        assert_eq!(fault(), None);
        readiness_state.set(|parts| parts.stopping = true);
        assert_eq!((readiness_state.readiness().load().answering, fault().unwrap()), (true, "stopping".to_owned()));
    }
}
