//! The parts of readiness: each is set by its owner, and the reported state is derived from all of them.
//!
//! | word | red when |
//! |---|---|
//! | live | the engine failed or hangs, or a task has ended that must run: a restart helps |
//! | ready | as live; while starting and stopping; when no zone is served, with `ready = "every-zone"` when one is not |
//!
//! What is wrong and makes neither red is a remark: a zone among others that is broken or served in an older version, and
//! targets that cannot be tested.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use crate::base::clock::UnixTime;
use crate::config::settings::Ready;
use crate::config::{Running, StaleZone};
use crate::serve::{Readiness, Status};
use crate::zone::Name;

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
    /// What cannot be tested.
    pub(super) untested: Option<String>,
    zones: Zones,
}

/// What is wrong with zones.
#[derive(Debug, Default)]
struct Zones {
    /// The zones that are answered SERVFAIL.
    broken: Vec<Name>,
    /// The zones that are served in an older version.
    stale: Vec<Served>,
    /// When the version of each zone was read that is served.
    read: HashMap<Name, UnixTime>,
    /// Whether a broken zone makes the server not ready.
    is_fault: bool,
}

/// A zone that is served in an older version, as its file is broken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Served {
    /// What is wrong in which zone.
    pub(super) zone: StaleZone,
    /// When the served version was read.
    pub(super) read: UnixTime,
}

impl Default for ReadinessState {
    /// Begins silent.
    fn default() -> Self {
        Self { parts: Arc::default(), readiness: Readiness::starting() }
    }
}

impl ReadinessState {
    /// Changes parts, and what is told with them.
    pub(super) fn set(&self, change: impl FnOnce(&mut Parts)) {
        // Told under the lock, so that of two changes the later one stands.
        let mut parts = self.parts.lock().unwrap_or_else(PoisonError::into_inner);
        change(&mut parts);
        self.readiness.set(parts.status());
    }

    /// Takes the zones of a setup that was read now; returns those that are served in an older version.
    pub(super) fn take_zones(&self, zones: ZonesTaken, now: UnixTime) -> Vec<Served> {
        let mut stale = Vec::new();
        self.set(|parts| {
            let mut read = std::mem::take(&mut parts.zones.read);
            let of = |zone: StaleZone| Served { read: read.get(&zone.origin).copied().unwrap_or(now), zone };
            stale = zones.stale.into_iter().map(of).collect();
            read.retain(|origin, _| stale.iter().any(|served| served.zone.origin == *origin));
            for origin in zones.good {
                read.entry(origin).or_insert(now);
            }
            let is_fault = zones.ready == Ready::EveryZone || read.is_empty();
            parts.zones = Zones { broken: zones.broken, stale: stale.clone(), read, is_fault };
        });
        stale
    }

    /// Returns the zones that are answered SERVFAIL, and those that are served in an older version.
    pub(super) fn zones(&self) -> (Vec<Name>, Vec<Served>) {
        let parts = self.parts.lock().unwrap_or_else(PoisonError::into_inner);
        (parts.zones.broken.clone(), parts.zones.stale.clone())
    }

    /// Returns what is told; every listener reads it.
    pub(super) const fn readiness(&self) -> &Readiness {
        &self.readiness
    }
}

/// What readiness needs of the zones of a setup.
#[derive(Debug)]
pub(super) struct ZonesTaken {
    good: Vec<Name>,
    broken: Vec<Name>,
    stale: Vec<StaleZone>,
    ready: Ready,
}

impl ZonesTaken {
    /// Takes it from a setup.
    pub(super) fn of(running: &Running) -> Self {
        let (good, broken): (Vec<_>, Vec<_>) =
            running.setup.zones.iter().map(|(_, zone)| zone).partition(|zone| zone.zone.is_some());
        let origins =
            |zones: Vec<&crate::engine::setup::ZoneSetup>| zones.into_iter().map(|zone| zone.origin.clone()).collect();
        Self { good: origins(good), broken: origins(broken), stale: running.stale.clone(), ready: running.server.ready }
    }
}

impl Parts {
    fn status(&self) -> Status {
        let dead = [&self.engine, &self.hung, &self.tasks].into_iter().find_map(Clone::clone);
        let (zones, untested) = (self.zones.tell(), self.untested.clone());
        let fault = if self.stopping {
            Some("stopping".to_owned())
        } else if self.answering {
            dead.clone().or_else(|| zones.clone().filter(|_| self.zones.is_fault))
        } else {
            Some("starting".to_owned())
        };
        let remarks: Vec<String> =
            zones.into_iter().chain(untested).filter(|told| fault.as_ref() != Some(told)).collect();
        Status { answering: self.answering, fault, dead, remark: (!remarks.is_empty()).then(|| remarks.join("; ")) }
    }
}

impl Zones {
    fn tell(&self) -> Option<String> {
        let mut told = Vec::new();
        if !self.broken.is_empty() {
            let names: Vec<String> = self.broken.iter().map(ToString::to_string).collect();
            told.push(format!("broken zones are answered SERVFAIL: {}", names.join(", ")));
        }
        for Served { zone: StaleZone { origin, place }, read } in &self.stale {
            told.push(format!("{origin} is served as it was read at {read}: {place} is broken"));
        }
        (!told.is_empty()).then(|| told.join("; "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn taken(good: &[&str], broken: &[&str], ready: Ready) -> ZonesTaken {
        let names = |names: &[&str]| names.iter().map(|name| name.parse().unwrap()).collect();
        ZonesTaken { good: names(good), broken: names(broken), stale: Vec::new(), ready }
    }

    #[test]
    fn the_gravest_fault_is_told_and_the_others_stay_behind_it() {
        let state = ReadinessState::default();
        state.take_zones(taken(&[], &["a.example."], Ready::AnyZone), UnixTime::default());
        let status = || state.readiness().load();
        assert_eq!((status().answering, status().fault.clone().unwrap()), (false, "starting".to_owned()));
        state.set(|parts| parts.answering = true);
        let broken = "broken zones are answered SERVFAIL: a.example.";
        assert_eq!((status().fault.clone().unwrap(), status().dead.clone()), (broken.to_owned(), None));
        state.set(|parts| parts.engine = Some("failed".to_owned()));
        assert_eq!(
            (status().fault.clone().unwrap(), status().dead.clone().unwrap()),
            ("failed".into(), "failed".into())
        );
        state.set(|parts| parts.engine = None);
        assert_eq!(status().fault.clone().unwrap(), broken);
        state.set(|parts| parts.stopping = true);
        assert_eq!((status().answering, status().fault.clone().unwrap()), (true, "stopping".to_owned()));
    }

    #[test]
    fn one_broken_zone_among_others_is_a_remark_unless_every_zone_is_wanted() {
        let state = ReadinessState::default();
        state.set(|parts| parts.answering = true);
        state.take_zones(taken(&["b.example."], &["a.example."], Ready::AnyZone), UnixTime::default());
        let told = || (state.readiness().load().fault.clone(), state.readiness().load().remark.clone());
        let broken = Some("broken zones are answered SERVFAIL: a.example.".to_owned());
        assert_eq!(told(), (None, broken.clone()));
        state.take_zones(taken(&["b.example."], &["a.example."], Ready::EveryZone), UnixTime::default());
        assert_eq!(told(), (broken, None));
        state.take_zones(taken(&["a.example.", "b.example."], &[], Ready::EveryZone), UnixTime::default());
        assert_eq!(told(), (None, None));
    }

    #[test]
    fn an_older_version_is_told_with_the_time_at_which_it_was_read() {
        let state = ReadinessState::default();
        state.take_zones(taken(&["a.example."], &[], Ready::AnyZone), UnixTime::from_secs(60));
        let stale = StaleZone { origin: "a.example.".parse().unwrap(), place: "a.zone:7:1".to_owned() };
        let again = || ZonesTaken { stale: vec![stale.clone()], ..taken(&["a.example."], &[], Ready::AnyZone) };
        state.set(|parts| parts.answering = true);
        for later in [100, 200] {
            let served = state.take_zones(again(), UnixTime::from_secs(later));
            assert_eq!(served, [Served { zone: stale.clone(), read: UnixTime::from_secs(60) }]);
        }
        let status = state.readiness().load();
        let remark = "a.example. is served as it was read at 1970-01-01T00:01:00Z: a.zone:7:1 is broken";
        assert_eq!((status.fault.clone(), status.remark.as_deref()), (None, Some(remark)));
    }
}
