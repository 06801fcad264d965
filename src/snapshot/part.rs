//! One zone's part of an image: the tree of its owner names, with a place for each slot.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, OnceLock};

use arrayvec::ArrayVec;

use crate::base::merge::side_by_side;
use crate::zone::{Name, Rrset, Rtype, Zone, name};

use super::ContentDigest;
use super::denial::{self, Chain};
use super::index::{NONE, NameIndex};
use super::sought::{Ending, NameHash, Sought};

/// One zone that goes into an [`Image`](super::Image).
#[derive(Clone, Debug)]
pub struct ZoneInput {
    /// The origin.
    pub origin: Name,
    /// The zone as declared; nothing if it is broken: then its names are answered SERVFAIL.
    pub zone: Option<Arc<Zone>>,
}

/// All owner names of one zone, empty non-terminals included, found by hash and kept in canonical order.
///
/// Names and sets are shared with the zone. A row is found by the hash of its whole name: no key is copied. Slots have numbers of the part's own, so that it may be shared by images that number theirs otherwise.
pub struct ZonePart {
    origin: Name,
    origin_labels: usize,
    origin_hash: u64,
    /// What it was built from.
    zone: Option<Arc<Zone>>,
    slots: Box<[(Name, Rtype)]>,
    /// In canonical order, the apex first.
    rows: Vec<NodeRow>,
    /// The sets of all rows; a row holds a range.
    entries: Vec<Entry>,
    index: NameIndex,
    chain: Chain,
    signed: bool,
    digest: OnceLock<ContentDigest>,
}

/// One owner name.
pub(super) struct NodeRow {
    pub(super) owner: Name,
    /// The row of the name without its leftmost label; [`NONE`] for the apex.
    parent: u32,
    first_entry: u32,
    entry_count: u16,
    /// NS below the apex.
    pub(super) cut: bool,
    pub(super) dname: bool,
    pub(super) wildcard_child: bool,
    /// Below a cut or a DNAME.
    pub(super) occluded: bool,
}

/// One set of a row.
pub(super) enum Entry {
    Fixed(Rtype, Arc<Rrset>),
    /// The number is the place among the part's slots.
    Slot(Rtype, u32),
}

impl ZonePart {
    /// Builds the part of a zone. A slot for a set that the zone does not declare makes a place for it; a slot of a
    /// broken zone has none.
    pub(super) fn build(input: &ZoneInput, slots: &[(&Name, Rtype)], hash: &NameHash) -> Self {
        let origin = input.zone.as_ref().map_or(&input.origin, |zone| zone.origin());
        let mut part = Self {
            origin: origin.clone(),
            origin_labels: origin.label_count(),
            origin_hash: Sought::new(hash, origin.wire()).whole().hash,
            zone: input.zone.clone(),
            slots: slots.iter().map(|(owner, rtype)| ((*owner).clone(), *rtype)).collect(),
            rows: Vec::with_capacity(input.zone.as_ref().map_or(1, |zone| zone.nodes().len())),
            entries: Vec::new(),
            index: NameIndex::with_room(0),
            chain: Chain::None,
            signed: false,
            digest: OnceLock::new(),
        };
        let mut path = vec![part.add_row(origin.clone(), NONE)];
        if let Some(zone) = &input.zone {
            part.add_nodes(zone, slots, &mut path);
        }
        part.mark_occluded();
        part.fill_index(hash);
        part.chain = Chain::find(&part);
        part.signed =
            part.entries.iter().any(|entry| matches!(entry.rtype(), Rtype::RRSIG | Rtype::NSEC | Rtype::NSEC3));
        part
    }

    /// Returns whether it would come out the same from this zone and these slots.
    pub(super) fn fits(&self, input: &ZoneInput, slots: &[(&Name, Rtype)]) -> bool {
        let same_zone = match (&self.zone, &input.zone) {
            (Some(zone), Some(other)) => Arc::ptr_eq(zone, other),
            (None, None) => self.origin.wire() == input.origin.wire(),
            (Some(_), None) | (None, Some(_)) => false,
        };
        let same = |((a, x), (b, y)): (&(Name, Rtype), &(&Name, Rtype))| a.wire() == b.wire() && x == y;
        same_zone && self.slots.len() == slots.len() && self.slots.iter().zip(slots).all(same)
    }

    /// Returns the origin of the zone.
    pub const fn origin(&self) -> &Name {
        &self.origin
    }

    /// Returns whether the zone has no data: its names are answered SERVFAIL.
    pub const fn is_broken(&self) -> bool {
        self.zone.is_none()
    }

    /// Returns the owners and types of its slots, in the order of their numbers.
    pub(super) fn slots(&self) -> &[(Name, Rtype)] {
        &self.slots
    }

    /// Computes the digest now, so that nobody has to wait for it later.
    pub fn fill_digest(&self) {
        self.digest();
    }

    /// Returns the digest of its sets that are no slots; the first call walks over all of them.
    pub(super) fn digest(&self) -> ContentDigest {
        let of_fixed = || {
            let mut digest = ContentDigest::default();
            for row in &self.rows {
                for entry in self.entries(row) {
                    if let Entry::Fixed(_, set) = entry {
                        digest.add(&row.owner, set);
                    }
                }
            }
            digest
        };
        *self.digest.get_or_init(of_fixed)
    }

    pub(super) const fn chain(&self) -> &Chain {
        &self.chain
    }

    /// Returns whether there are signatures or proofs.
    pub(super) const fn is_signed(&self) -> bool {
        self.signed
    }

    /// Adds the names of a zone; `path` leads from the apex to the last name: rows whose descendants may still come.
    fn add_nodes(&mut self, zone: &Zone, slots: &[(&Name, Rtype)], path: &mut Vec<u32>) {
        let mut owners: BTreeMap<&Name, Vec<(Rtype, u32)>> = BTreeMap::new();
        for (number, (owner, rtype)) in slots.iter().enumerate() {
            owners.entry(owner).or_default().push((*rtype, row_number(number)));
        }
        for (slot, node) in side_by_side(owners, zone.nodes(), |(slot_owner, _), (owner, _)| slot_owner.cmp(owner)) {
            let Some(owner) = node.map(|(owner, _)| owner).or_else(|| slot.as_ref().map(|(owner, _)| *owner)) else {
                continue;
            };
            let (sets, places) =
                (node.map_or(&[][..], |(_, sets)| sets), slot.map_or(Vec::new(), |(_, places)| places));
            if let Some(row) = self.reach(path, owner) {
                self.fill_row(row, sets, places);
            }
        }
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
        self.rows.push(NodeRow {
            owner,
            parent,
            first_entry,
            entry_count: 0,
            cut: false,
            dname: false,
            wildcard_child: false,
            occluded: false,
        });
        number
    }

    fn fill_row(&mut self, number: u32, sets: &[Arc<Rrset>], mut slots: Vec<(Rtype, u32)>) {
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

    /// Marks the rows that have no authority. A parent stands before its children.
    fn mark_occluded(&mut self) {
        for number in 1..self.rows.len() {
            let parent = &self.rows[self.rows[number].parent as usize];
            self.rows[number].occluded = parent.cut || parent.dname || parent.occluded;
        }
    }

    fn fill_index(&mut self, hash: &NameHash) {
        self.rows.shrink_to_fit();
        self.entries.shrink_to_fit();
        let mut index = NameIndex::with_room(self.rows.len());
        let mut hashes = Vec::with_capacity(self.rows.len());
        hashes.push(self.origin_hash);
        index.insert(hashes[0], APEX);
        for number in 1..row_number(self.rows.len()) {
            let row = self.row(number);
            let own = hash.child(hashes[row.parent as usize], &lower_label(row.owner.wire()));
            hashes.push(own);
            let has_child = self.rows.get(number as usize + 1).is_some_and(|next| next.parent == number);
            if has_child || !denial::is_bare_nsec3(self.entries(row)) {
                index.insert(own, number);
            }
        }
        self.index = index;
    }

    /// Returns the row of a name, wherever it stands.
    pub(super) fn find(&self, name: Ending<'_>) -> Option<u32> {
        self.index.find(name.hash, |number| name.is(self.row(number).owner.wire()))
    }

    /// Returns the row of a name at or below the origin, wherever it stands.
    pub(super) fn find_below(&self, wire: &[u8], hash: &NameHash) -> Option<u32> {
        let before = wire.len().checked_sub(self.origin.wire().len())?;
        let mut lower = ArrayVec::<u8, { name::MAX_NAME }>::new();
        lower.try_extend_from_slice(wire).ok()?;
        lower.make_ascii_lowercase();
        let (labels, ending) = lower.split_at_checked(before)?;
        if !ending.eq_ignore_ascii_case(self.origin.wire()) {
            return None;
        }
        let hash = hash.descendant(self.origin_hash, labels)?;
        self.find(Ending { wire: &lower, hash })
    }

    /// Returns the row of the wildcard below a name.
    pub(super) fn wildcard_below(&self, name: Ending<'_>, hash: &NameHash) -> Option<u32> {
        let is_it = |number: u32| {
            let owner = &self.row(number).owner;
            owner.is_wildcard() && owner.wire().get(2..).is_some_and(|parent| name.is(parent))
        };
        self.index.find(hash.child(name.hash, b"\x01*"), is_it)
    }

    /// Returns the number of labels of the origin.
    pub(super) const fn origin_labels(&self) -> usize {
        self.origin_labels
    }

    /// Returns the apex.
    pub(super) fn apex(&self) -> &NodeRow {
        self.row(APEX)
    }

    pub(super) fn row(&self, number: u32) -> &NodeRow {
        &self.rows[number as usize]
    }

    /// Returns the numbers of all rows.
    pub(super) fn numbers(&self) -> std::ops::Range<u32> {
        0..row_number(self.rows.len())
    }

    pub(super) fn entries(&self, row: &NodeRow) -> &[Entry] {
        let start = row.first_entry as usize;
        &self.entries[start..start + usize::from(row.entry_count)]
    }
}

impl NodeRow {
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

impl fmt::Debug for ZonePart {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "part of {} with {} names, {} slots", self.origin, self.rows.len(), self.slots.len())
    }
}

fn row_number(length: usize) -> u32 {
    u32::try_from(length)
        .ok()
        .filter(|number| *number < NONE)
        .expect("a zone has fewer than 2^32 - 1 names, sets and slots")
}

/// Returns the first label of a name in lower case, its length before it.
fn lower_label(wire: &[u8]) -> ArrayVec<u8, { name::MAX_LABEL + 1 }> {
    let length = wire.first().map_or(0, |length| usize::from(*length) + 1);
    let mut label = ArrayVec::<u8, { name::MAX_LABEL + 1 }>::new();
    label.try_extend_from_slice(&wire[..length]).expect("a label has at most 63 octets");
    label.make_ascii_lowercase();
    label
}

/// The row of the apex.
pub(super) const APEX: u32 = 0;
