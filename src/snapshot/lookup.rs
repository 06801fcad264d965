//! From a name to what answers for it (RFC 1034 §4.3.2, RFC 4592, RFC 6672).
//!
//! A lookup is one step: a CNAME or DNAME is reported, and followed by the caller.

use std::sync::Arc;

use crate::base::clock::UnixTime;
use crate::zone::{Name, Rrset, Rtype, name};

use super::image::{Image, PlacedZone};
use super::part::{APEX, Entries, EntryView, NodeRow, ZonePart};
use super::sought::Sought;
use super::{Denial, Draw, Note, SlotId, SlotValue, Snapshot, WeightedSet, ZoneId};

/// What a name leads to.
#[derive(Clone, Copy, Debug)]
pub enum Lookup<'a> {
    /// The name lies in no zone of this server.
    Outside,
    /// The name's zone could not be loaded.
    Broken,
    /// The name exists, perhaps without any record (an empty non-terminal).
    Exact(ZoneView<'a>, Node<'a>),
    /// The name does not exist; this wildcard's sets are served in its place (RFC 4592 §3.3).
    Wildcard(ZoneView<'a>, Node<'a>),
    /// Neither the name nor a wildcard for it exists; this node is the closest encloser (RFC 4592 §3.3.1).
    Missing(ZoneView<'a>, Node<'a>),
    /// The name is at or below this cut: others have authority.
    Delegated(ZoneView<'a>, Node<'a>),
    /// The name lies below the owner of a DNAME, which this node is.
    Renamed(ZoneView<'a>, Node<'a>),
}

/// One zone of a snapshot that is not broken.
#[derive(Clone, Copy)]
pub struct ZoneView<'a> {
    snapshot: &'a Snapshot,
    zone: &'a PlacedZone,
}

/// One owner name of a snapshot.
#[derive(Clone, Copy)]
pub struct Node<'a> {
    zone: ZoneView<'a>,
    row: &'a NodeRow,
}

/// What a name has of one type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Held<'a> {
    /// These records.
    Records(&'a Arc<Rrset>),
    /// None now, though some are declared.
    Empty {
        /// The longest that this absence may be cached, in seconds.
        negative_ttl: u32,
    },
}

impl Snapshot {
    /// Looks a name up; `wire` is a valid uncompressed name. The type tells only which side of a cut is asked: DS is
    /// answered by the parent (RFC 4035 §3.1.4.1).
    pub fn lookup(&self, wire: &[u8], rtype: Rtype) -> Lookup<'_> {
        let sought = Sought::new(self.image().hash(), wire);
        let found = find_zone(self.image(), &sought, rtype == Rtype::DS).and_then(|id| self.image().zone(id));
        let Some(placed) = found else { return Lookup::Outside };
        let zone = ZoneView { snapshot: self, zone: placed };
        let part = zone.part();
        if part.is_broken() {
            return Lookup::Broken;
        }
        // Most names that are asked exist, and nothing above them takes them away.
        if let Some(number) = part.find(sought.whole()).filter(|number| !part.row(*number).occluded) {
            let node = zone.node(number);
            return if node.row.cut && rtype != Rtype::DS {
                Lookup::Delegated(zone, node)
            } else {
                Lookup::Exact(zone, node)
            };
        }
        let (mut number, mut labels) = (APEX, part.origin_labels());
        loop {
            let row = part.row(number);
            let node = Node { zone, row };
            let at_name = labels == sought.label_count();
            if row.cut && !(at_name && rtype == Rtype::DS) {
                return Lookup::Delegated(zone, node);
            }
            if at_name {
                return Lookup::Exact(zone, node);
            }
            if row.dname {
                return Lookup::Renamed(zone, node);
            }
            let Some(child) = part.find(sought.ending(labels + 1)) else {
                // This row is the closest encloser; only its own `*` counts (RFC 4592 §3.3.1).
                let name = sought.ending(labels);
                let wildcard = row.wildcard_child.then(|| part.wildcard_below(name, self.image().hash())).flatten();
                return wildcard
                    .map_or(Lookup::Missing(zone, node), |wildcard| Lookup::Wildcard(zone, zone.node(wildcard)));
            };
            number = child;
            labels += 1;
        }
    }

    /// Returns a zone, if it is known and not broken.
    pub fn zone(&self, id: ZoneId) -> Option<ZoneView<'_>> {
        let zone = self.image().zone(id).filter(|zone| !zone.part.0.is_broken())?;
        Some(ZoneView { snapshot: self, zone })
    }

    /// Walks over the names of a zone in canonical order, empty non-terminals included; none if the zone is broken.
    pub fn nodes(&self, zone: ZoneId) -> impl Iterator<Item = Node<'_>> {
        let zone = self.zone(zone).into_iter();
        zone.flat_map(|zone| zone.part().numbers().map(move |number| zone.node(number)))
    }
}

impl<'a> ZoneView<'a> {
    /// Returns the number.
    pub const fn id(self) -> ZoneId {
        self.zone.id
    }

    /// Returns the origin.
    pub fn origin(self) -> &'a Name {
        self.part().origin()
    }

    /// Returns the node that [`Snapshot::lookup`] finds for a name in this zone, sooner than it does; nothing if it is not
    /// so simple, though it may find one. `wire` is a valid uncompressed name, and no DS is asked.
    pub fn nearby(self, wire: &[u8]) -> Option<Node<'a>> {
        if self.zone.has_zones_below {
            return None;
        }
        let part = self.part();
        let number = part.find_below(wire, self.snapshot.image().hash())?;
        let node = self.node(number);
        (!node.row.occluded && !node.row.cut).then_some(node)
    }

    /// Returns the SOA as it is served.
    pub fn soa(self) -> Option<&'a Arc<Rrset>> {
        self.apex().records(Rtype::SOA)
    }

    /// Returns the apex.
    pub fn apex(self) -> Node<'a> {
        self.node(APEX)
    }

    /// Returns a name by its number in canonical order, from the apex's 0 on; nothing behind the last one.
    pub fn nth(self, number: u32) -> Option<Node<'a>> {
        self.part().numbers().contains(&number).then(|| self.node(number))
    }

    /// Returns whether the zone has signatures or proofs at all.
    pub fn is_signed(self) -> bool {
        self.part().is_signed()
    }

    /// Returns how the zone proves that something does not exist.
    pub fn denial(self) -> Denial<'a> {
        self.part().chain().denial(self)
    }

    /// Returns a name of this zone wherever it stands, below a cut too: there it can be glue.
    pub fn occluded(self, wire: &[u8]) -> Option<Node<'a>> {
        name::suffix(wire, self.origin().wire())?;
        let sought = Sought::new(self.snapshot.image().hash(), wire);
        self.part().find(sought.whole()).map(|number| self.node(number))
    }

    pub(super) fn row(self, number: u32) -> &'a NodeRow {
        self.part().row(number)
    }

    /// Walks over what the slots of the part hold, in the order of their numbers there.
    pub(super) fn slot_values(self) -> impl Iterator<Item = Option<&'a SlotValue>> {
        self.zone.slots.iter().map(move |slot| self.snapshot.slot(*slot))
    }

    pub(super) fn part(self) -> &'a ZonePart {
        &self.zone.part.0
    }

    pub(super) fn node(self, number: u32) -> Node<'a> {
        Node { zone: self, row: self.row(number) }
    }
}

impl<'a> Node<'a> {
    /// Returns the owner name as it was written.
    pub const fn owner(self) -> &'a Name {
        &self.row.owner
    }

    /// Returns whether this is the apex of its zone.
    pub const fn is_apex(self) -> bool {
        self.row.is_apex()
    }

    /// Returns whether authority ends here: NS below the apex.
    pub const fn is_cut(self) -> bool {
        self.row.cut
    }

    /// Returns the signatures of the name's declared sets (RFC 4034 §3), if there are any.
    pub fn signatures(self) -> Option<&'a Arc<Rrset>> {
        self.records(Rtype::RRSIG)
    }

    /// Returns what an answer holds of one type: of a weighted set the part that is drawn.
    pub fn drawn(self, rtype: Rtype, draw: impl FnOnce() -> Draw) -> Option<Held<'a>> {
        let entry = self.entries().find(|entry| entry.rtype() == rtype)?;
        Some(self.resolve_with(entry, |set| set.draw(&draw())))
    }

    /// Returns the records that an answer holds of one type, if there are any now: of a weighted set those that are drawn.
    pub fn drawn_records(self, rtype: Rtype, draw: impl FnOnce() -> Draw) -> Option<&'a Arc<Rrset>> {
        match self.drawn(rtype, draw)? {
            Held::Records(set) => Some(set),
            Held::Empty { .. } => None,
        }
    }

    /// Returns the set of one type, if each answer holds a part of it.
    pub fn weighted(self, rtype: Rtype) -> Option<&'a WeightedSet> {
        let entry = self.entries().find(|entry| entry.rtype() == rtype)?;
        match entry {
            EntryView::Fixed(_) => None,
            EntryView::Slot(_, slot) => match self.zone.snapshot.slot(self.slot(slot)?)? {
                SlotValue::Weighted(set) => Some(set),
                SlotValue::Records(_) | SlotValue::Empty { .. } => None,
            },
        }
    }

    /// Returns what the name has of one type, of a weighted set what secondaries are given; nothing if no such set is
    /// declared.
    pub fn held(self, rtype: Rtype) -> Option<Held<'a>> {
        let entry = self.entries().find(|entry| entry.rtype() == rtype)?;
        Some(self.resolve(entry))
    }

    /// Returns the records of one type, if there are any now.
    pub fn records(self, rtype: Rtype) -> Option<&'a Arc<Rrset>> {
        match self.held(rtype)? {
            Held::Records(set) => Some(set),
            Held::Empty { .. } => None,
        }
    }

    /// Returns the records that an answer holds of one type (of a weighted set those that are drawn), and notes that it is given
    /// if they follow decisions.
    pub fn told(self, rtype: Rtype, draw: impl FnOnce() -> Draw, now: UnixTime) -> Option<&'a Arc<Rrset>> {
        match self.entries().find(|entry| entry.rtype() == rtype)? {
            EntryView::Fixed(set) => Some(set),
            EntryView::Slot(_, slot) => {
                let served = self.zone.snapshot.served(self.slot(slot)?)?;
                let set = match served.value() {
                    SlotValue::Weighted(set) => set.draw(&draw()),
                    value @ (SlotValue::Records(_) | SlotValue::Empty { .. }) => value.records()?,
                };
                served.tell(now);
                Some(set)
            }
        }
    }

    /// Returns why the set of one type is not as declared, in words; nothing if it is.
    pub fn note(self, rtype: Rtype) -> Option<&'a Note> {
        match self.entries().find(|entry| entry.rtype() == rtype)? {
            EntryView::Fixed(_) => None,
            EntryView::Slot(_, slot) => self.zone.snapshot.slot_note(self.slot(slot)?),
        }
    }

    /// Notes that an answer with the records of one type is given, if they follow decisions.
    pub fn tell(self, rtype: Rtype, now: UnixTime) {
        let entry = self.entries().find(|entry| entry.rtype() == rtype);
        if let Some(EntryView::Slot(_, slot)) = entry
            && let Some(served) = self.slot(slot).and_then(|slot| self.zone.snapshot.served(slot))
        {
            served.tell(now);
        }
    }

    /// Walks over all sets that have records now.
    pub fn sets(self) -> impl Iterator<Item = &'a Arc<Rrset>> {
        self.entries().filter_map(move |entry| match self.resolve(entry) {
            Held::Records(set) => Some(set),
            Held::Empty { .. } => None,
        })
    }

    /// Returns how long it may be cached that the name has no records, if decisions took some away: the shortest of
    /// its slots' terms, in seconds.
    pub fn absence(self) -> Option<u32> {
        let held = self.entries().map(|entry| self.resolve(entry));
        held.filter_map(|held| match held {
            Held::Empty { negative_ttl } => Some(negative_ttl),
            Held::Records(_) => None,
        })
        .min()
    }

    fn entries(self) -> Entries<'a> {
        self.zone.part().entries(self.row)
    }

    /// Returns the snapshot's number for a slot of the part.
    fn slot(self, number: u32) -> Option<SlotId> {
        self.zone.zone.slots.get(number as usize).copied()
    }

    fn resolve(self, entry: EntryView<'a>) -> Held<'a> {
        self.resolve_with(entry, WeightedSet::transferred)
    }

    /// Returns what an entry holds; `part` takes a part of a weighted set.
    fn resolve_with(self, entry: EntryView<'a>, part: impl FnOnce(&'a WeightedSet) -> &'a Arc<Rrset>) -> Held<'a> {
        match entry {
            EntryView::Fixed(set) => Held::Records(set),
            EntryView::Slot(_, slot) => match self.slot(slot).and_then(|slot| self.zone.snapshot.slot(slot)) {
                Some(SlotValue::Records(set)) => Held::Records(set),
                Some(SlotValue::Weighted(set)) => Held::Records(part(set)),
                Some(SlotValue::Empty { negative_ttl }) => Held::Empty { negative_ttl: *negative_ttl },
                None => Held::Empty { negative_ttl: 0 },
            },
        }
    }
}

/// Finds the zone with the longest origin at or above a name; with `above`, one above it is preferred to one at it.
fn find_zone(image: &Image, sought: &Sought, above: bool) -> Option<ZoneId> {
    let most = sought.label_count().min(image.origin_labels());
    let mut at_name = None;
    for labels in (0..=most).rev() {
        let found = image.find(sought.ending(labels));
        if found.is_some() && !(above && labels == sought.label_count()) {
            return found;
        }
        at_name = at_name.or(found);
    }
    at_name
}

impl std::fmt::Debug for ZoneView<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "zone {}", self.origin())
    }
}

impl std::fmt::Debug for Node<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "node {}", self.owner())
    }
}
