//! A zone: all its records, as declared.

use std::sync::Arc;

use super::{Name, Rrset, Rtype, Serial, signed};

/// One zone: all records at and below its origin, as declared.
///
/// It has exactly one SOA, at the origin, and no record outside; all are of class IN. A set has one TTL and no record
/// twice, and fits into a message. Beside a CNAME stands DNSSEC's own data only.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Zone {
    origin: Name,
    /// In canonical order.
    nodes: Vec<Node>,
    /// The sets of all nodes, one node behind the other, sorted by type.
    sets: Vec<Arc<Rrset>>,
    soa: Arc<Rrset>,
    serial: Serial,
    records: usize,
}

/// An owner name and the end of its sets in [`Zone::sets`]; they begin where those of the node before end.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Node {
    owner: Name,
    end: u32,
}

impl Zone {
    /// Joins what `collect` has sorted and judged; nothing without a well-formed SOA.
    pub(super) fn join(origin: Name, nodes: Vec<(Name, u32)>, sets: Vec<Arc<Rrset>>) -> Option<Self> {
        let (first, end) = nodes.first().filter(|(owner, _)| *owner == origin)?;
        debug_assert!(first.is_within(&origin));
        let apex = sets.get(..usize::try_from(*end).ok()?)?;
        let soa = Arc::clone(apex.iter().find(|set| set.rtype() == Rtype::SOA)?);
        let serial = serial_of(&soa)?;
        let records = sets.iter().map(|set| set.len()).sum();
        let nodes = nodes.into_iter().map(|(owner, end)| Node { owner, end }).collect();
        Some(Self { origin, nodes, sets, soa, serial, records })
    }

    /// Returns the name of the zone's apex.
    pub const fn origin(&self) -> &Name {
        &self.origin
    }

    /// Returns whether two zones agree to the last octet: the order of records and the case of names count too.
    pub fn is_same(&self, other: &Self) -> bool {
        let same = |(a, b): (&Node, &Node)| a.end == b.end && a.owner.wire() == b.owner.wire();
        self.origin.wire() == other.origin.wire()
            && self.nodes.len() == other.nodes.len()
            && self.sets == other.sets
            && self.nodes.iter().zip(&other.nodes).all(same)
    }

    /// Returns the sets of one owner name, sorted by type; none if it owns no records.
    pub fn rrsets(&self, owner: &Name) -> &[Arc<Rrset>] {
        self.nodes.binary_search_by(|node| node.owner.cmp(owner)).map_or(&[], |at| self.sets_at(at))
    }

    /// Returns one set.
    pub fn rrset(&self, owner: &Name, rtype: Rtype) -> Option<&Arc<Rrset>> {
        self.rrsets(owner).iter().find(|set| set.rtype() == rtype)
    }

    /// Walks over the owner names in canonical order (RFC 4034 §6.1) with their sets; names without records (empty
    /// non-terminals) are not listed.
    pub fn nodes(&self) -> impl DoubleEndedIterator<Item = (&Name, &[Arc<Rrset>])> + ExactSizeIterator {
        (0..self.nodes.len()).map(|at| (&self.nodes[at].owner, self.sets_at(at)))
    }

    /// Returns whether the zone came signed: there are signatures over its SOA.
    pub fn is_signed(&self) -> bool {
        let signatures = self.rrset(self.origin(), Rtype::RRSIG);
        signatures.is_some_and(|set| set.rdatas().any(|rdata| signed::covered_type(rdata) == Some(Rtype::SOA)))
    }

    /// Returns the SOA.
    pub const fn soa(&self) -> &Arc<Rrset> {
        &self.soa
    }

    /// Returns the SOA's serial.
    pub const fn serial(&self) -> Serial {
        self.serial
    }

    /// Returns the number of records.
    pub const fn record_count(&self) -> usize {
        self.records
    }

    fn sets_at(&self, at: usize) -> &[Arc<Rrset>] {
        let begin = at.checked_sub(1).map_or(0, |before| self.nodes[before].end);
        &self.sets[begin as usize..self.nodes[at].end as usize]
    }
}

fn serial_of(soa: &Rrset) -> Option<Serial> {
    super::serial::Soa::read(soa.rdatas().next()?).map(|soa| soa.serial)
}

/// The largest TTL in seconds (RFC 2181 §8).
pub(super) const MAX_TTL: u32 = (1 << 31) - 1;
