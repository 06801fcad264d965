//! Where a signed zone proves that something does not exist: its NSEC chain (RFC 4034 §4) or NSEC3 chain (RFC 5155).

use std::cmp::Ordering;

use crate::zone::name::canonical_cmp;
use crate::zone::signed::{NSEC3_HASH, Nsec3Param, hash_of_owner};
use crate::zone::{Rrset, Rtype};

use super::part::{Entries, EntryView, NodeRow, ZonePart};
use super::{Node, ZoneView};

/// How a zone denies.
#[derive(Clone, Copy, Debug)]
pub enum Denial<'a> {
    /// Not at all: it is not signed, or its chain is of a kind that is not known.
    Unsigned,
    /// By names in their order.
    Nsec(NsecChain<'a>),
    /// By hashes in their order.
    Nsec3(Nsec3Chain<'a>),
}

/// The NSEC records of a zone.
#[derive(Clone, Copy, Debug)]
pub struct NsecChain<'a> {
    zone: ZoneView<'a>,
    rows: &'a [u32],
}

/// The NSEC3 records of a zone that its NSEC3PARAM points to.
#[derive(Clone, Copy, Debug)]
pub struct Nsec3Chain<'a> {
    zone: ZoneView<'a>,
    rows: &'a [u32],
    param: Nsec3Param<'a>,
}

impl<'a> NsecChain<'a> {
    /// Returns the last name with an NSEC record at or before a name of the zone: if it is not the name itself, its
    /// record covers the name.
    pub fn at_or_before(self, wire: &[u8]) -> Option<Node<'a>> {
        let after = self.rows.partition_point(|row| canonical_cmp(self.zone.row(*row).wire(), wire).is_le());
        Some(self.zone.node(*self.rows.get(after.checked_sub(1)?)?))
    }
}

impl<'a> Nsec3Chain<'a> {
    /// Returns the node whose NSEC3 record stands for this name, if there is one.
    pub fn matching(self, wire: &[u8]) -> Option<Node<'a>> {
        let place = self.place(&self.param.hash(wire)).ok()?;
        self.rows.get(place).map(|row| self.zone.node(*row))
    }

    /// Returns the node whose NSEC3 record covers this name, which has none of its own.
    pub fn covering(self, wire: &[u8]) -> Option<Node<'a>> {
        let after = self.place(&self.param.hash(wire)).unwrap_or_else(|place| place);
        // The last record covers what comes before the first.
        let place = after.checked_sub(1).unwrap_or(self.rows.len().checked_sub(1)?);
        self.rows.get(place).map(|row| self.zone.node(*row))
    }

    fn place(self, hash: &[u8; NSEC3_HASH]) -> Result<usize, usize> {
        self.rows.binary_search_by(|row| {
            // Rows without a hash are not in the chain.
            hash_of_owner(self.zone.row(*row).wire()).map_or(Ordering::Less, |found| found.cmp(hash))
        })
    }
}

/// The chain of a zone, as it is kept in the image.
#[derive(Debug)]
pub(super) enum Chain {
    None,
    Nsec(Vec<u32>),
    Nsec3(Vec<u32>),
}

impl Chain {
    /// Finds the chain of a zone whose part is filled. A zone that changes from one kind to the other has NSEC3PARAM
    /// only while its NSEC3 chain is whole (RFC 5155 §10.4, §10.5).
    pub(super) fn find(part: &ZonePart) -> Self {
        if let Some(param) = param_of(part) {
            let chain: Vec<u32> = part.numbers().filter(|number| is_link(part, part.row(*number), param)).collect();
            return if chain.is_empty() { Self::None } else { Self::Nsec3(chain) };
        }
        if fixed(part, part.apex(), Rtype::NSEC).is_none() {
            return Self::None;
        }
        Self::Nsec(part.numbers().filter(|number| fixed(part, part.row(*number), Rtype::NSEC).is_some()).collect())
    }

    /// Returns how a zone with this chain denies.
    pub(super) fn denial<'a>(&'a self, zone: ZoneView<'a>) -> Denial<'a> {
        match self {
            Self::None => Denial::Unsigned,
            Self::Nsec(rows) => Denial::Nsec(NsecChain { zone, rows }),
            Self::Nsec3(rows) => match param_of(zone.part()) {
                Some(param) => Denial::Nsec3(Nsec3Chain { zone, rows, param }),
                None => Denial::Unsigned,
            },
        }
    }
}

/// Returns whether a row has nothing but NSEC3 records and their signatures: then its name counts as one that does not
/// exist (RFC 5155 §7.2.8).
pub(super) fn is_bare_nsec3(entries: &Entries<'_>) -> bool {
    entries.clone().any(|entry| entry.rtype() == Rtype::NSEC3)
        && entries.clone().all(|entry| matches!(entry.rtype(), Rtype::NSEC3 | Rtype::RRSIG))
}

fn param_of(part: &ZonePart) -> Option<Nsec3Param<'_>> {
    fixed(part, part.apex(), Rtype::NSEC3PARAM)?.rdatas().find_map(Nsec3Param::read)
}

fn is_link(part: &ZonePart, row: &NodeRow, param: Nsec3Param<'_>) -> bool {
    let in_chain = |set: &Rrset| set.rdatas().any(|rdata| Nsec3Param::of_record(rdata) == Some(param));
    fixed(part, row, Rtype::NSEC3).is_some_and(in_chain) && hash_of_owner(row.wire()).is_some()
}

fn fixed<'a>(part: &'a ZonePart, row: &NodeRow, rtype: Rtype) -> Option<&'a Rrset> {
    part.entries(row).find_map(|entry| match entry {
        EntryView::Fixed(set) if set.rtype() == rtype => Some(&**set),
        EntryView::Fixed(_) | EntryView::Slot(..) => None,
    })
}

impl NodeRow {
    fn wire(&self) -> &[u8] {
        self.owner.wire()
    }
}
