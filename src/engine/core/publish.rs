//! When the next snapshot is published, what it holds, and its serials.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use crate::base::clock::{Mono, Now};
use crate::base::table::RowId;
use crate::engine::effect::{Effect, Notice};
use crate::engine::memory::{self, Change};
use crate::snapshot::{HistoryView, SlotId, SlotValue, Snapshot, ZoneId, ZoneView};
use crate::zone::diff::Diff;
use crate::zone::serial::{Soa, with_serial};
use crate::zone::{Name, Rrset, Rtype, Serial};

use super::Core;

impl Core {
    /// Notes that a slot's value was made anew.
    pub(super) fn touch(&mut self, slot: SlotId, now: Mono) {
        let row = &self.slots[slot];
        let differs =
            self.snapshot.slot(slot) != row.value.as_ref() || self.snapshot.slot_note(slot) != row.note.as_ref();
        self.publication.note(slot, differs, now);
    }

    /// Publishes what changed since the last publication.
    pub(super) fn publish(&mut self, now: Now) {
        match self.publication.begin(now.mono) {
            (dirty, None) => self.publish_changes(&dirty, now),
            (_, Some(former)) => self.publish_image(&former, now),
        }
    }

    /// Publishes everything for the first time.
    pub(super) fn publish_whole(&mut self, now: Now) {
        self.publication.begin(now.mono);
        self.publish_image(&HashMap::new(), now);
    }

    fn publish_changes(&mut self, dirty: &BTreeSet<SlotId>, now: Now) {
        let values = dirty.iter().filter_map(|slot| Some((*slot, self.slots[*slot].value.clone()?)));
        let mut values: Vec<_> = values.collect();
        let mut diffs: BTreeMap<ZoneId, Diff> = BTreeMap::new();
        self.compare(&values, &mut diffs);
        // How long a set may be cached as empty is no data of the zone.
        diffs.retain(|_, diff| !diff.is_empty());
        let zones: BTreeSet<ZoneId> = diffs.keys().copied().collect();
        for &zone in &zones {
            self.serials.data_changed(zone);
        }
        let authorities: Vec<_> = zones.iter().filter_map(|zone| self.authority(*zone)).collect();
        self.compare(&authorities, &mut diffs);
        values.extend(authorities);
        let notes = dirty.iter().map(|slot| (*slot, self.slots[*slot].note.clone()));
        let next = self.snapshot.next(values).with_notes(notes);
        let mut changes = Vec::new();
        for (zone, diff) in diffs {
            changes.extend(self.record(zone, zone, diff, &next));
        }
        let next = next.with_histories(zones.iter().filter_map(|zone| self.history(*zone)));
        self.hand_out(next, zones, changes, now);
    }

    /// Takes into the differences of zones what their slots' new values change.
    fn compare(&self, values: &[(SlotId, SlotValue)], diffs: &mut BTreeMap<ZoneId, Diff>) {
        for (slot, value) in values {
            let key = &self.prepared.slots[*slot];
            let before = self.snapshot.slot(*slot).and_then(SlotValue::records);
            diffs.entry(key.zone).or_default().compare(&key.owner, before, value.records());
        }
    }

    /// Publishes a new image. The serial of a zone moves if its data differ from those in the `former` zone.
    fn publish_image(&mut self, former: &HashMap<Name, ZoneId>, now: Now) {
        let mut values: Vec<SlotValue> =
            self.slots.iter().map(|(_, row)| row.value.clone().unwrap_or(NOTHING)).collect();
        for (slot, value) in self.serials.ids().filter_map(|zone| self.authority(zone)) {
            values[slot.index()] = value;
        }
        let whole = Snapshot::first(Arc::clone(&self.prepared.image), values, self.snapshot.generation());
        let mut changed = BTreeSet::new();
        for zone in self.serials.ids() {
            let was = former.get(&self.prepared.setup.zones[zone].origin);
            let same = was.is_some_and(|was| same_data(&self.snapshot, *was, &whole, zone));
            if self.serials.declare(zone, was.is_some() && !same) || was.is_none() {
                changed.insert(zone);
            }
        }
        let notes = self.slots.iter().map(|(slot, row)| (slot, row.note.clone()));
        let next = whole.next(changed.iter().filter_map(|zone| self.authority(*zone))).with_notes(notes);
        let mut changes = Vec::new();
        for &zone in &changed {
            changes.extend(match former.get(&self.prepared.setup.zones[zone].origin) {
                Some(&was) => {
                    let diff = self.snapshot.diff(was, &next, zone);
                    self.record(was, zone, diff, &next)
                }
                None => self.open_history(zone, &next),
            });
        }
        let histories: Vec<_> = self.serials.ids().filter_map(|zone| self.history(zone)).collect();
        self.hand_out(next.with_histories(histories), changed, changes, now);
    }

    /// Takes into a zone's history what the next snapshot changes in it; `was` is its number in the last one. Returns
    /// what is to be kept.
    fn record(&mut self, was: ZoneId, zone: ZoneId, diff: Diff, next: &Snapshot) -> Vec<Change> {
        let serials = served_serial(&self.snapshot, was).zip(served_serial(next, zone));
        let origin = &self.prepared.setup.zones[zone].origin;
        serials.map_or_else(Vec::new, |(from, to)| self.histories.push(origin, from, to, diff))
    }

    /// Lets a zone's history begin, or go on where a former run ended; returns what is to be kept.
    fn open_history(&mut self, zone: ZoneId, next: &Snapshot) -> Vec<Change> {
        let soa = next.zone(zone).and_then(ZoneView::soa);
        let Some((soa, serial)) = soa.and_then(|soa| Some((soa, serial_of(soa)?))) else { return Vec::new() };
        let origin = &self.prepared.setup.zones[zone].origin;
        self.histories.appear(origin, serial, soa, next.digest(zone))
    }

    fn history(&self, zone: ZoneId) -> Option<(ZoneId, HistoryView)> {
        Some((zone, self.histories.view(&self.prepared.setup.zones[zone].origin)?))
    }

    /// Publishes, then keeps what must be kept: no answer waits for a disk.
    fn hand_out(&mut self, next: Snapshot, zones: BTreeSet<ZoneId>, changes: Vec<Change>, now: Now) {
        let generation = next.generation();
        self.snapshot = Arc::new(next);
        self.effects.push_back(Effect::Publish(Arc::clone(&self.snapshot)));
        for &zone in &zones {
            if let Some((origin, ceiling)) = self.serials.new_ceiling(zone) {
                self.persist(memory::keep_serial(&origin, ceiling));
            }
        }
        changes.into_iter().for_each(|change| self.persist(change));
        let serial = |zone| {
            let serial: Serial = self.serials.current(zone)?;
            Some((self.prepared.origins[zone].clone(), serial.0))
        };
        let zones = zones.into_iter().filter_map(serial).collect();
        self.notify(Notice::Published { generation, zones }, now);
    }

    /// Returns a zone's SOA with its present serial.
    fn authority(&self, zone: ZoneId) -> Option<(SlotId, SlotValue)> {
        let (slot, serial) = self.prepared.soa[zone].zip(self.serials.current(zone))?;
        let declared = self.prepared.setup.zones[zone].zone.as_ref()?.soa();
        Some((slot, SlotValue::Records(Arc::new(with_serial(declared, serial)))))
    }
}

fn served_serial(snapshot: &Snapshot, zone: ZoneId) -> Option<Serial> {
    serial_of(snapshot.zone(zone)?.soa()?)
}

fn serial_of(soa: &Rrset) -> Option<Serial> {
    Some(Soa::read(soa.rdatas().next()?)?.serial)
}

/// Returns whether a zone holds the same in two snapshots, the SOA's serial left out.
fn same_data(old: &Snapshot, was: ZoneId, new: &Snapshot, is: ZoneId) -> bool {
    let same =
        |set: &Arc<Rrset>, other: &Arc<Rrset>| Arc::ptr_eq(set, other) || set == other || same_but_serial(set, other);
    let zones = old.zone(was).zip(new.zone(is));
    if let Some((old, new)) = zones.filter(|(old, new)| old.shares_part_with(*new)) {
        return old.slot_sets().zip(new.slot_sets()).all(|((_, set), (_, other))| match (set, other) {
            (Some(set), Some(other)) => same(set, other),
            (None, None) => true,
            (Some(_), None) | (None, Some(_)) => false,
        });
    }
    let (mut old, mut new) = (old.records(was), new.records(is));
    loop {
        match (old.next(), new.next()) {
            (None, None) => return true,
            (Some((owner, set)), Some((other, new_set))) if owner.wire() == other.wire() && same(set, new_set) => {}
            (Some(_) | None, Some(_) | None) => return false,
        }
    }
}

fn same_but_serial(a: &Rrset, b: &Rrset) -> bool {
    a.rtype() == Rtype::SOA && with_serial(a, Serial(0)) == with_serial(b, Serial(0))
}

/// What a slot that nobody fills holds.
const NOTHING: SlotValue = SlotValue::Empty { negative_ttl: 0 };
