//! The unchanging part of a snapshot: one part for each zone, found by its origin, and the place of each slot.

use std::fmt;
use std::sync::Arc;

use crate::base::hash::Key;
use crate::base::table::{RowId, Table};
use crate::zone::{Name, Rtype};

use super::index::NameIndex;
use super::part::{ZoneInput, ZonePart};
use super::sought::{Ending, NameHash, Sought};
use super::{SlotId, SlotKey, ZoneId};

/// All zones. Each is a part of its own, which the next image shares if the zone and its slots stay the same.
///
/// So a child zone and its cut in the parent zone stand in two parts.
pub struct Image {
    zones: Table<ZoneId, PlacedZone>,
    /// Zone numbers by their origins.
    index: NameIndex,
    hash: Arc<NameHash>,
    slot_count: usize,
    /// The most labels that an origin has.
    origin_labels: usize,
}

/// One zone's place in the image.
#[derive(PartialEq, Eq)]
pub(super) struct PlacedZone {
    pub(super) id: ZoneId,
    /// Whether another zone's origin lies below this one's: names of this one may belong to that one.
    pub(super) has_zones_below: bool,
    pub(super) part: Shared,
    /// The image's number for each slot of the part.
    pub(super) slots: Box<[SlotId]>,
}

/// A part that is equal to itself only.
#[derive(Clone)]
pub(super) struct Shared(pub(super) Arc<ZonePart>);

impl Image {
    /// Builds the image. A slot for a set that its zone does not declare makes a place for it; a slot of a broken zone
    /// has none.
    pub fn build(zones: &Table<ZoneId, ZoneInput>, slots: &Table<SlotId, SlotKey>) -> Self {
        Self::build_keyed(zones, slots, [0; 16])
    }

    /// Builds the image with a secret key for the hash of names: zones may come from people who must not choose where
    /// names collide. Names in queries add nothing to the index.
    pub fn build_keyed(zones: &Table<ZoneId, ZoneInput>, slots: &Table<SlotId, SlotKey>, key: Key) -> Self {
        Self::make(zones, slots, Arc::new(NameHash::new(key)), None)
    }

    /// Builds the image that comes after this one: parts are built only for zones that are not the same as before (by
    /// address), or have other slots. If nothing differs it is this one.
    #[must_use]
    pub fn rebuild(self: &Arc<Self>, zones: &Table<ZoneId, ZoneInput>, slots: &Table<SlotId, SlotKey>) -> Arc<Self> {
        let next = Self::make(zones, slots, Arc::clone(&self.hash), Some(self));
        if next.zones == self.zones && next.slot_count == self.slot_count { Arc::clone(self) } else { Arc::new(next) }
    }

    /// Returns the number of slots.
    pub const fn slot_count(&self) -> usize {
        self.slot_count
    }

    /// Returns the number of zones.
    pub fn zone_count(&self) -> usize {
        self.zones.len()
    }

    /// Returns a zone's number by its origin.
    pub fn zone_at(&self, origin: &Name) -> Option<ZoneId> {
        self.find(Sought::new(&self.hash, origin.wire()).whole())
    }

    /// Returns a zone's part.
    pub fn part(&self, zone: ZoneId) -> Option<&Arc<ZonePart>> {
        self.zones.get(zone).map(|zone| &zone.part.0)
    }

    /// Walks over the parts of all zones.
    pub fn parts(&self) -> impl Iterator<Item = &Arc<ZonePart>> {
        self.zones.iter().map(|(_, zone)| &zone.part.0)
    }

    fn make(
        zones: &Table<ZoneId, ZoneInput>,
        slots: &Table<SlotId, SlotKey>,
        hash: Arc<NameHash>,
        former: Option<&Self>,
    ) -> Self {
        let mut slots_of: Vec<SlotsOfZone<'_>> = vec![(Vec::new(), Vec::new()); zones.len()];
        for (id, key) in slots.iter() {
            if let Some((keys, ids)) = slots_of.get_mut(key.zone.index()) {
                keys.push((&key.owner, key.rtype));
                ids.push(id);
            }
        }
        let mut index = NameIndex::with_room(zones.len());
        let placed = zones.iter().zip(slots_of).map(|((id, input), (keys, ids))| {
            let same = former.and_then(|former| former.part(former.zone_at(&input.origin)?));
            let part = match same.filter(|part| part.fits(input, &keys)) {
                Some(part) => Arc::clone(part),
                None => Arc::new(ZonePart::build(input, &keys, &hash)),
            };
            let number = u32::try_from(id.index()).expect("a table numbers its rows in 32 bits");
            index.insert(Sought::new(&hash, part.origin().wire()).whole().hash, number);
            PlacedZone { id, has_zones_below: false, part: Shared(part), slots: ids.into() }
        });
        let mut placed: Table<ZoneId, PlacedZone> = placed.collect();
        mark_those_above(&mut placed, &index, &hash);
        let origin_labels = placed.iter().map(|(_, zone)| zone.origin().label_count()).max().unwrap_or(0);
        Self { zones: placed, index, hash, slot_count: slots.len(), origin_labels }
    }

    /// Returns the zone with exactly this origin.
    pub(super) fn find(&self, origin: Ending<'_>) -> Option<ZoneId> {
        find(&self.zones, &self.index, origin)
    }

    /// Returns the hash of names.
    pub(super) fn hash(&self) -> &NameHash {
        &self.hash
    }

    pub(super) fn zone(&self, id: ZoneId) -> Option<&PlacedZone> {
        self.zones.get(id)
    }

    /// Returns the most labels that an origin has.
    pub(super) const fn origin_labels(&self) -> usize {
        self.origin_labels
    }
}

/// The owners and types of the slots of one zone, and their numbers in the image.
type SlotsOfZone<'a> = (Vec<(&'a Name, Rtype)>, Vec<SlotId>);

impl PlacedZone {
    fn origin(&self) -> &Name {
        self.part.0.origin()
    }
}

/// Marks the zones that another one lies below.
fn mark_those_above(zones: &mut Table<ZoneId, PlacedZone>, index: &NameIndex, hash: &NameHash) {
    let mut above = Vec::new();
    for (_, zone) in zones.iter() {
        let sought = Sought::new(hash, zone.origin().wire());
        let endings = (0..sought.label_count()).map(|labels| sought.ending(labels));
        above.extend(endings.filter_map(|ending| find(zones, index, ending)));
    }
    for id in above {
        if let Some(zone) = zones.get_mut(id) {
            zone.has_zones_below = true;
        }
    }
}

fn find(zones: &Table<ZoneId, PlacedZone>, index: &NameIndex, origin: Ending<'_>) -> Option<ZoneId> {
    let is_it = |number: u32| {
        let zone = zones.get(ZoneId::from_index(number as usize));
        zone.is_some_and(|zone| origin.is(zone.origin().wire()))
    };
    index.find(origin.hash, is_it).map(|number| ZoneId::from_index(number as usize))
}

impl PartialEq for Shared {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl Eq for Shared {}

impl fmt::Debug for Image {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: usize = self.zones.iter().map(|(_, zone)| zone.part.0.numbers().len()).sum();
        write!(f, "Image of {} zones, {names} names, {} slots", self.zones.len(), self.slot_count)
    }
}
