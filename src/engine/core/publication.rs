//! When the next publication is due, and what it publishes.

use std::collections::{BTreeSet, HashMap};
use std::time::Duration;

use crate::base::clock::Mono;
use crate::health::cadence::SOON;
use crate::snapshot::{SlotId, ZoneId};
use crate::zone::Name;

/// What the next publication is about.
#[derive(Debug, Default)]
pub(super) struct Publication {
    /// The slots whose value differs from the published one.
    dirty: BTreeSet<SlotId>,
    /// A reload built a new image: where each zone stands in the published one.
    reloaded: Option<HashMap<Name, ZoneId>>,
    due: Option<Mono>,
    last: Option<Mono>,
    /// Until when what changes waits for what else may change with it.
    gathers_until: Option<Mono>,
}

impl Publication {
    /// Returns when it is due.
    pub(super) const fn due(&self) -> Option<Mono> {
        self.due
    }

    /// Notes whether a slot's value differs from the published one.
    pub(super) fn note(&mut self, slot: SlotId, differs: bool, now: Mono) {
        if self.reloaded.is_some() {
            return;
        }
        if differs {
            self.dirty.insert(slot);
            self.want(now);
        } else if self.dirty.remove(&slot) && self.dirty.is_empty() {
            self.due = None;
        }
    }

    /// Notes that the image changed; `zones` tells where each zone stood in the one before.
    pub(super) fn note_reload(&mut self, zones: HashMap<Name, ZoneId>, now: Mono) {
        self.dirty.clear();
        // After two reloads in a row the published image is still that before the first.
        self.reloaded.get_or_insert(zones);
        self.want(now);
    }

    /// Something happened that may fell several targets within moments: they leave the answers together.
    ///
    /// Without this the first of them would go out alone, and the others only [`COALESCE`] later.
    pub(super) fn gather(&mut self, now: Mono) {
        if self.gathers_until.is_none_or(|until| until + COALESCE <= now) {
            self.gathers_until = Some(now + GATHER);
        }
    }

    /// Of what something happened to, one is looked at again at `next`: what changes until then leaves with it, if that is
    /// soon.
    pub(super) fn gather_until(&mut self, next: Mono, now: Mono) {
        if next > now + SOON {
            return;
        }
        let until = (next + GATHER).max(self.gathers_until.unwrap_or(now));
        self.gathers_until = Some(until);
        self.due = self.due.map(|due| due.max(until));
    }

    /// Puts off the publication that is due.
    pub(super) fn put_off(&mut self, until: Mono) {
        self.due = self.due.map(|due| due.max(until));
    }

    /// Wants a publication: now, or when the last one is old enough and all is gathered.
    pub(super) fn want(&mut self, now: Mono) {
        let earliest = self.last.map_or(now, |last| last + COALESCE).max(now);
        let earliest = self.gathers_until.map_or(earliest, |until| until.max(earliest));
        self.due.get_or_insert(earliest);
    }

    pub(super) fn begin(&mut self, now: Mono) -> (BTreeSet<SlotId>, Option<HashMap<Name, ZoneId>>) {
        (self.due, self.last) = (None, Some(now));
        (std::mem::take(&mut self.dirty), self.reloaded.take())
    }
}

/// The shortest time between publications: what changes meanwhile shares one generation, one serial, one NOTIFY.
pub const COALESCE: Duration = Duration::from_millis(100);
/// How long after a held connection broke the publication of what follows from it waits: the other targets of a process
/// that died are found dead within a few milliseconds of each other. So long too after a target is looked at again that
/// passed at first.
pub const GATHER: Duration = Duration::from_millis(10);
