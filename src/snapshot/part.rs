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
use super::sought::{Ending, LowerName, NameHash, Sought};

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
/// Names are shared with the zone, and sets are its. A row is found by the hash of its whole name: no key is copied. Slots have numbers of the part's own, so that it may be shared by images that number theirs otherwise.
pub struct ZonePart {
    origin: Name,
    origin_labels: usize,
    origin_hash: u64,
    /// What it was built from.
    zone: Option<Arc<Zone>>,
    slots: Box<[(Name, Rtype)]>,
    /// In canonical order, the apex first.
    rows: Vec<NodeRow>,
    /// The sets of the rows with slots; such a row holds a range.
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
    /// Where its sets begin: among the part's entries if it has slots, else among the zone's sets.
    first_set: u32,
    set_count: u16,
    has_slots: bool,
    /// NS below the apex.
    pub(super) cut: bool,
    pub(super) dname: bool,
    pub(super) wildcard_child: bool,
    /// Below a cut or a DNAME.
    pub(super) occluded: bool,
}

/// One set of a row with slots.
#[derive(Clone, Copy)]
enum Entry {
    /// The number is the place among the zone's sets.
    Fixed(u32),
    /// The number is the place among the part's slots.
    Slot(Rtype, u32),
}

/// One set of a row, as it is seen.
#[derive(Clone, Copy)]
pub(super) enum EntryView<'a> {
    Fixed(&'a Arc<Rrset>),
    /// The number is the place among the part's slots.
    Slot(Rtype, u32),
}

/// Walks over the sets of a row; made by [`ZonePart::entries`].
#[derive(Clone)]
pub(super) struct Entries<'a> {
    fixed: std::slice::Iter<'a, Arc<Rrset>>,
    mixed: std::slice::Iter<'a, Entry>,
    sets: &'a [Arc<Rrset>],
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
        let mut types = part.sets().iter().map(|set| set.rtype()).chain(part.slots.iter().map(|(_, rtype)| *rtype));
        part.signed = types.any(|rtype| matches!(rtype, Rtype::RRSIG | Rtype::NSEC | Rtype::NSEC3));
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
                    if let EntryView::Fixed(set) = entry {
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
        let mut next_set = 0;
        for (slot, node) in side_by_side(owners, zone.nodes(), |(slot_owner, _), (owner, _)| slot_owner.cmp(owner)) {
            let Some(owner) = node.map(|(owner, _)| owner).or_else(|| slot.as_ref().map(|(owner, _)| *owner)) else {
                continue;
            };
            let (sets, places) =
                (node.map_or(&[][..], |(_, sets)| sets), slot.map_or(Vec::new(), |(_, places)| places));
            if let Some(row) = self.reach(path, owner) {
                self.fill_row(row, next_set, sets, places);
            }
            next_set += sets.len();
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
        self.rows.push(NodeRow {
            owner,
            parent,
            first_set: 0,
            set_count: 0,
            has_slots: false,
            cut: false,
            dname: false,
            wildcard_child: false,
            occluded: false,
        });
        number
    }

    /// Gives a row its sets, the zone's from the place `first_set` on, and its slots.
    fn fill_row(&mut self, number: u32, first_set: usize, sets: &[Arc<Rrset>], mut slots: Vec<(Rtype, u32)>) {
        let has_slots = !slots.is_empty();
        let has = |wanted: Rtype| {
            sets.iter().any(|set| set.rtype() == wanted) || slots.iter().any(|(rtype, _)| *rtype == wanted)
        };
        let (ns, dname) = (has(Rtype::NS), has(Rtype::DNAME));
        let (mut first, mut count) = (row_number(first_set), sets.len());
        if has_slots {
            first = row_number(self.entries.len());
            for (place, set) in (first_set..).zip(sets) {
                let slot = slots.iter().position(|(rtype, _)| *rtype == set.rtype());
                self.entries.push(match slot.map(|slot| slots.swap_remove(slot)) {
                    Some((rtype, slot)) => Entry::Slot(rtype, slot),
                    None => Entry::Fixed(row_number(place)),
                });
            }
            slots.sort_unstable();
            self.entries.extend(slots.into_iter().map(|(rtype, slot)| Entry::Slot(rtype, slot)));
            count = self.entries.len() - first as usize;
        }
        let row = &mut self.rows[number as usize];
        row.first_set = first;
        row.set_count = u16::try_from(count).expect("a name has at most one set for each of 65,536 types");
        row.has_slots = has_slots;
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
            if has_child || !denial::is_bare_nsec3(&self.entries(row)) {
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
        let lower = LowerName::new(wire);
        let (labels, ending) = lower.wire().split_at_checked(before)?;
        if ending != self.origin.wire() && !ending.eq_ignore_ascii_case(self.origin.wire()) {
            return None;
        }
        let hash = hash.descendant(self.origin_hash, labels)?;
        self.find(Ending { wire: lower.wire(), hash })
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

    /// Walks over the sets of a row: the zone's by type, and then the slots that it does not declare.
    pub(super) fn entries(&self, row: &NodeRow) -> Entries<'_> {
        let start = row.first_set as usize;
        let range = start..start + usize::from(row.set_count);
        let sets = self.sets();
        let (fixed, mixed) = if row.has_slots { (&[][..], &self.entries[range]) } else { (&sets[range], &[][..]) };
        Entries { fixed: fixed.iter(), mixed: mixed.iter(), sets }
    }

    fn sets(&self) -> &[Arc<Rrset>] {
        self.zone.as_ref().map_or(&[], |zone| zone.all_sets())
    }
}

impl<'a> Iterator for Entries<'a> {
    type Item = EntryView<'a>;
    fn next(&mut self) -> Option<EntryView<'a>> {
        match self.fixed.next() {
            Some(set) => Some(EntryView::Fixed(set)),
            None => self.mixed.next().map(|entry| match *entry {
                Entry::Fixed(place) => EntryView::Fixed(&self.sets[place as usize]),
                Entry::Slot(rtype, slot) => EntryView::Slot(rtype, slot),
            }),
        }
    }
}

impl NodeRow {
    pub(super) const fn is_apex(&self) -> bool {
        self.parent == NONE
    }
}

impl EntryView<'_> {
    pub(super) fn rtype(self) -> Rtype {
        match self {
            Self::Fixed(set) => set.rtype(),
            Self::Slot(rtype, _) => rtype,
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
