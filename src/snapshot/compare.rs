//! The differences of a zone between two snapshots.

use std::cmp::Ordering;
use std::sync::Arc;

use crate::zone::diff::Diff;
use crate::zone::{Name, Rrset};

use super::lookup::ZoneView;
use super::{ContentDigest, Node, SlotValue, Snapshot, ZoneId};

impl Snapshot {
    /// Compares a zone of this snapshot with one of a later one: linear in the slots where both share the zone's part,
    /// else in the zone. A broken zone is empty.
    pub fn diff(&self, was: ZoneId, later: &Self, is: ZoneId) -> Diff {
        let mut found = Diff::default();
        let (old, new) = (self.zone(was), later.zone(is));
        if let Some((old, new)) = old.zip(new).filter(|(old, new)| old.shares_part_with(*new)) {
            for ((owner, left), (_, came)) in old.slot_sets().zip(new.slot_sets()) {
                found.compare(owner, left, came);
            }
            return found;
        }
        let (mut olds, mut news) = (self.nodes(was).peekable(), later.nodes(is).peekable());
        loop {
            let order = match (olds.peek(), news.peek()) {
                (None, None) => return found,
                (Some(_), None) => Ordering::Less,
                (None, Some(_)) => Ordering::Greater,
                (Some(old), Some(new)) => old.owner().cmp(new.owner()),
            };
            let left = if order.is_le() { olds.next() } else { None };
            let came = if order.is_ge() { news.next() } else { None };
            compare_nodes(left, came, &mut found);
        }
    }

    /// Returns the digest of a zone's content; that of a broken zone is the one of an empty zone.
    pub fn digest(&self, zone: ZoneId) -> ContentDigest {
        let Some(view) = self.zone(zone) else { return ContentDigest::default() };
        let mut of_slots = ContentDigest::default();
        view.slot_sets()
            .filter_map(|(owner, set)| Some((owner, set?)))
            .for_each(|(owner, set)| of_slots.add(owner, set));
        view.part().digest().with(of_slots)
    }
}

impl<'a> ZoneView<'a> {
    /// Returns whether two zones stand on one part: then they differ in their slots alone.
    pub fn shares_part_with(self, other: Self) -> bool {
        std::ptr::eq(self.part(), other.part())
    }

    /// Walks over the slots of the zone that have a place in it, with what they hold now.
    pub fn slot_sets(self) -> impl Iterator<Item = (&'a Name, Option<&'a Arc<Rrset>>)> {
        let values = self.slot_values().map(|value| value.and_then(SlotValue::records));
        self.part()
            .slots()
            .iter()
            .map(|(owner, _)| owner)
            .zip(values)
            .filter(move |(owner, _)| owner.is_within(self.origin()))
    }
}

fn compare_nodes(old: Option<Node<'_>>, new: Option<Node<'_>>, found: &mut Diff) {
    for set in old.into_iter().flat_map(Node::sets) {
        let owner = old.map(Node::owner).expect("it has a set");
        found.compare(owner, Some(set), new.and_then(|new| new.records(set.rtype())));
    }
    for set in new.into_iter().flat_map(Node::sets) {
        let owner = new.map(Node::owner).expect("it has a set");
        if old.is_none_or(|old| old.records(set.rtype()).is_none()) {
            found.compare(owner, None, Some(set));
        }
    }
}
