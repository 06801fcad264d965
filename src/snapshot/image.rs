//! The unchanging part of a snapshot: the tree of all owner names of all zones, with a place for each slot.

use std::collections::BTreeMap;
use std::fmt;
use std::hash::Hasher;
use std::sync::Arc;

use crate::base::table::{RowId, Table};
use crate::zone::{Name, Rrset, Rtype, Zone, name};

use super::denial::{self, Chain};
use super::{SlotId, SlotKey, ZoneId};

/// One zone that goes into an [`Image`].
#[derive(Clone, Debug)]
pub struct ZoneInput {
    /// The origin.
    pub origin: Name,
    /// The zone as declared; nothing if it is broken: then its names are answered SERVFAIL.
    pub zone: Option<Arc<Zone>>,
}

/// All owner names of all zones, empty non-terminals included, found by hash and kept in canonical order.
///
/// Names and sets are shared with the zones. A row is found by its parent's row and its own leftmost label, an apex
/// by its whole name: so a child zone and its cut in the parent zone are two rows, and no key is copied.
pub struct Image {
    pub(super) zones: Table<ZoneId, ZoneRow>,
    /// Zone by zone; within a zone in canonical order.
    rows: Vec<Row>,
    /// The sets of all rows; a row holds a range.
    entries: Vec<Entry>,
    /// Open addressing with linear probing; row numbers, or [`NONE`]. At most half full.
    index: Vec<u32>,
    seed: u64,
    slot_count: usize,
    /// The most labels that an apex has.
    apex_labels: usize,
    /// The apex of each zone, in the order of the zones.
    apexes: Vec<u32>,
}

/// One zone's place in the image.
pub(super) struct ZoneRow {
    pub(super) origin: Name,
    /// Its rows, the apex first.
    pub(super) rows: std::ops::Range<u32>,
    pub(super) broken: bool,
    pub(super) chain: Chain,
}

/// One owner name.
pub(super) struct Row {
    pub(super) owner: Name,
    /// The row of the name without its leftmost label; [`NONE`] for an apex.
    parent: u32,
    first_entry: u32,
    entry_count: u16,
    /// NS below the apex.
    pub(super) cut: bool,
    pub(super) dname: bool,
    pub(super) wildcard_child: bool,
}

/// One set of a row.
pub(super) enum Entry {
    Fixed(Rtype, Arc<Rrset>),
    Slot(Rtype, SlotId),
}

impl Image {
    /// Builds the image. A slot for a set that its zone does not declare makes a place for it; a slot of a broken zone
    /// has none.
    pub fn build(zones: &Table<ZoneId, ZoneInput>, slots: &Table<SlotId, SlotKey>) -> Self {
        Self::build_seeded(zones, slots, 0)
    }

    /// Builds the image with a secret seed for the hash of names, if zones come from people who must not choose where
    /// names collide; names in queries add nothing to the index.
    pub fn build_seeded(zones: &Table<ZoneId, ZoneInput>, slots: &Table<SlotId, SlotKey>, seed: u64) -> Self {
        let mut slots_of: Vec<BTreeMap<&Name, Vec<(Rtype, SlotId)>>> = vec![BTreeMap::new(); zones.len()];
        for (id, key) in slots.iter() {
            if let Some(owners) = slots_of.get_mut(key.zone.index()) {
                owners.entry(&key.owner).or_default().push((key.rtype, id));
            }
        }
        let mut image = Self {
            zones: Table::new(),
            rows: Vec::with_capacity(
                zones.iter().filter_map(|(_, input)| input.zone.as_ref()).map(|zone| zone.nodes().len()).sum(),
            ),
            entries: Vec::new(),
            index: Vec::new(),
            seed,
            slot_count: slots.len(),
            apex_labels: zones.iter().map(|(_, zone)| zone.origin.label_count()).max().unwrap_or(0),
            apexes: Vec::with_capacity(zones.len()),
        };
        for ((_, input), owners) in zones.iter().zip(slots_of) {
            image.add_zone(input, owners);
        }
        image.fill_index();
        image
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
        self.zones.iter().find(|(_, zone)| zone.origin == *origin).map(|(id, _)| id)
    }

    fn add_zone(&mut self, input: &ZoneInput, slots: BTreeMap<&Name, Vec<(Rtype, SlotId)>>) {
        let start = row_number(self.rows.len());
        let apex = input.zone.as_ref().map_or(&input.origin, |zone| zone.origin());
        // The path from the apex to the last name: rows whose descendants may still come.
        let mut path = vec![self.add_row(apex.clone(), NONE)];
        if let Some(zone) = &input.zone {
            let mut slots = slots.into_iter().peekable();
            let mut nodes = zone.nodes().peekable();
            loop {
                let slots_first = match (slots.peek(), nodes.peek()) {
                    (Some((slot_owner, _)), Some((owner, _))) => slot_owner < owner,
                    (slot, _) => slot.is_some(),
                };
                let (owner, sets, places) = if slots_first {
                    let Some((owner, places)) = slots.next() else { break };
                    (owner, [].as_slice(), places)
                } else {
                    let Some((owner, sets)) = nodes.next() else { break };
                    (owner, sets, slots.next_if(|(slot_owner, _)| *slot_owner == owner).map_or(Vec::new(), |(_, p)| p))
                };
                if let Some(row) = self.reach(&mut path, owner) {
                    self.fill_row(row, sets, places);
                }
            }
        }
        self.apexes.push(start);
        let rows = start..row_number(self.rows.len());
        let chain = Chain::find(self, rows.clone());
        self.zones.push(ZoneRow { origin: apex.clone(), rows, broken: input.zone.is_none(), chain });
    }

    /// Returns the row of `owner`, made with those of empty non-terminals on the way; nothing if it is out of the zone.
    fn reach(&mut self, path: &mut Vec<u32>, owner: &Name) -> Option<u32> {
        let is_in_zone = path.first().is_some_and(|apex| owner.is_within(&self.row(*apex).owner));
        if !is_in_zone {
            return None;
        }
        let missing = loop {
            match name::suffix(owner.wire(), self.row(*path.last()?).owner.wire()) {
                Some(missing) => break missing.len(),
                None => path.pop(),
            };
        };
        let mut starts: Vec<usize> = Vec::new();
        let mut at = 0;
        while at < missing {
            starts.push(at);
            at += usize::from(*owner.wire().get(at)?) + 1;
        }
        for start in starts.into_iter().rev() {
            let parent = *path.last()?;
            let rest = owner.wire().get(start..)?;
            let made = if start == 0 { owner.clone() } else { Name::from_wire(rest).ok()? };
            if made.is_wildcard() {
                self.rows[parent as usize].wildcard_child = true;
            }
            path.push(self.add_row(made, parent));
        }
        path.last().copied()
    }

    fn add_row(&mut self, owner: Name, parent: u32) -> u32 {
        let number = row_number(self.rows.len());
        let first_entry = row_number(self.entries.len());
        let row = Row { owner, parent, first_entry, entry_count: 0, cut: false, dname: false, wildcard_child: false };
        self.rows.push(row);
        number
    }

    fn fill_row(&mut self, number: u32, sets: &[Arc<Rrset>], mut slots: Vec<(Rtype, SlotId)>) {
        let first_entry = row_number(self.entries.len());
        for set in sets {
            let slot = slots.iter().position(|(rtype, _)| *rtype == set.rtype()).map(|place| slots.swap_remove(place));
            self.entries.push(match slot {
                Some((rtype, slot)) => Entry::Slot(rtype, slot),
                None => Entry::Fixed(set.rtype(), Arc::clone(set)),
            });
        }
        slots.sort_unstable();
        self.entries.extend(slots.into_iter().map(|(rtype, slot)| Entry::Slot(rtype, slot)));
        let added = &self.entries[first_entry as usize..];
        let has = |wanted: Rtype| added.iter().any(|entry| entry.rtype() == wanted);
        let (ns, dname) = (has(Rtype::NS), has(Rtype::DNAME));
        let entry_count = u16::try_from(added.len()).expect("a name has at most one set for each of 65,536 types");
        let row = &mut self.rows[number as usize];
        row.first_entry = first_entry;
        row.entry_count = entry_count;
        // RFC 4592 §4.2, §4.4: a wildcard is neither a cut nor a DNAME to descend through.
        row.cut = ns && row.parent != NONE && !row.owner.is_wildcard();
        row.dname = dname && !row.owner.is_wildcard();
    }

    fn fill_index(&mut self) {
        self.rows.shrink_to_fit();
        self.entries.shrink_to_fit();
        self.index = vec![NONE; (self.rows.len() * 2).next_power_of_two()];
        for number in 0..row_number(self.rows.len()) {
            let row = self.row(number);
            let has_child = self.rows.get(number as usize + 1).is_some_and(|next| next.parent == number);
            if !has_child && denial::is_bare_nsec3(self.entries(row)) {
                continue;
            }
            let mut place = self.first_place(row.parent, row.key());
            while self.index[place] != NONE {
                place = (place + 1) % self.index.len();
            }
            self.index[place] = number;
        }
    }

    /// Returns the row of an apex.
    pub(super) fn apex(&self, origin: &[u8]) -> Option<u32> {
        self.find(NONE, origin)
    }

    /// Returns the row of the name made of `label` and the name of row `parent`.
    pub(super) fn child(&self, parent: u32, label: &[u8]) -> Option<u32> {
        self.find(parent, label)
    }

    /// Returns the most labels that an apex has.
    pub(super) const fn apex_labels(&self) -> usize {
        self.apex_labels
    }

    pub(super) fn row(&self, number: u32) -> &Row {
        &self.rows[number as usize]
    }

    pub(super) fn entries(&self, row: &Row) -> &[Entry] {
        let start = row.first_entry as usize;
        &self.entries[start..start + usize::from(row.entry_count)]
    }

    /// Returns the zone whose apex is this row.
    pub(super) fn zone_of(&self, apex: u32) -> Option<&ZoneRow> {
        let place = self.apexes.binary_search(&apex).ok()?;
        self.zones.get(ZoneId::from_index(place))
    }

    fn find(&self, parent: u32, key: &[u8]) -> Option<u32> {
        let mut place = self.first_place(parent, key);
        loop {
            let number = *self.index.get(place)?;
            if number == NONE {
                return None;
            }
            let row = self.row(number);
            if row.parent == parent && row.key().eq_ignore_ascii_case(key) {
                return Some(number);
            }
            place = (place + 1) % self.index.len();
        }
    }

    fn first_place(&self, parent: u32, key: &[u8]) -> usize {
        let mut lower = [0u8; name::MAX_NAME];
        let lower = &mut lower[..key.len()];
        lower.copy_from_slice(key);
        lower.make_ascii_lowercase();
        let mut hasher = std::hash::DefaultHasher::new();
        hasher.write_u64(self.seed ^ u64::from(parent));
        hasher.write(lower);
        // The index is smaller than 2^33 places: the low half of the hash is enough.
        usize::try_from(hasher.finish() % self.index.len() as u64).expect("less than a length")
    }
}

impl Row {
    /// Returns what the row is found by below its parent: the leftmost label, or the whole name of an apex.
    fn key(&self) -> &[u8] {
        let wire = self.owner.wire();
        if self.parent == NONE { wire } else { name::labels(wire).next().unwrap_or(&[]) }
    }

    pub(super) const fn is_apex(&self) -> bool {
        self.parent == NONE
    }
}

impl Entry {
    pub(super) const fn rtype(&self) -> Rtype {
        match self {
            Self::Fixed(rtype, _) | Self::Slot(rtype, _) => *rtype,
        }
    }
}

impl fmt::Debug for Image {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Image of {} zones, {} names, {} slots", self.zones.len(), self.rows.len(), self.slot_count)
    }
}

fn row_number(length: usize) -> u32 {
    u32::try_from(length)
        .ok()
        .filter(|number| *number < NONE)
        .expect("an image holds fewer than 2^32 - 1 names and sets")
}

/// No row.
const NONE: u32 = u32::MAX;
