//! What changed between two versions of a zone.

use std::sync::Arc;

use super::{Name, Rrset, Zone};
use crate::base::merge::side_by_side;

/// The sets that left a zone and those that came, in canonical order of their owners, then by type.
///
/// A set of which the TTL or a record changed is in both, with its records that changed; with all of them if the TTL
/// did. Their order within a set is no change.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Diff {
    /// What left.
    pub removed: Vec<(Name, Rrset)>,
    /// What came.
    pub added: Vec<(Name, Rrset)>,
}

impl Diff {
    /// Returns whether nothing changed.
    pub const fn is_empty(&self) -> bool {
        self.removed.is_empty() && self.added.is_empty()
    }

    /// Compares two versions of one set and takes in what differs.
    pub fn compare(&mut self, owner: &Name, old: Option<&Arc<Rrset>>, new: Option<&Arc<Rrset>>) {
        match (old, new) {
            // Versions share what did not change: then there is nothing to compare.
            (Some(left), Some(came)) if Arc::ptr_eq(left, came) => {}
            (Some(left), Some(came)) if left.ttl() == came.ttl() => {
                self.removed.extend(without(left, came).map(|set| (owner.clone(), set)));
                self.added.extend(without(came, left).map(|set| (owner.clone(), set)));
            }
            (left, came) => {
                self.removed.extend(left.map(|set| (owner.clone(), Rrset::clone(set))));
                self.added.extend(came.map(|set| (owner.clone(), Rrset::clone(set))));
            }
        }
    }
}

/// Compares two versions of a zone in one walk over both.
pub fn diff(old: &Zone, new: &Zone) -> Diff {
    let mut found = Diff::default();
    for (left, came) in side_by_side(old.nodes(), new.nodes(), |(old, _), (new, _)| old.cmp(new)) {
        let Some((owner, _)) = left.or(came) else { continue };
        let (olds, news) = (left.map_or(&[][..], |(_, sets)| sets), came.map_or(&[][..], |(_, sets)| sets));
        for (left, came) in side_by_side(olds, news, |old, new| old.rtype().cmp(&new.rtype())) {
            found.compare(owner, left, came);
        }
    }
    found
}

/// Up to so many records it is faster to look at each than to sort them.
const FEW: usize = 8;

/// Returns the records of `set` that `other` lacks.
fn without(set: &Rrset, other: &Rrset) -> Option<Rrset> {
    if set == other {
        return None;
    }
    let lacking = if other.len() <= FEW {
        Rrset::new(set.rtype(), set.ttl(), set.rdatas().filter(|rdata| other.rdatas().all(|other| other != *rdata)))
    } else {
        let mut others: Vec<&[u8]> = other.rdatas().collect();
        others.sort_unstable();
        let is_lacking = |rdata: &&[u8]| others.binary_search(rdata).is_err();
        Rrset::new(set.rtype(), set.ttl(), set.rdatas().filter(is_lacking))
    };
    (!lacking.is_empty()).then_some(lacking)
}
