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
    owners: Vec<Name>,
    /// The end of each owner's sets in `sets`; they begin where those of the owner before end.
    ends: Vec<u32>,
    /// The sets of all owners, one owner behind the other, sorted by type.
    sets: Vec<Arc<Rrset>>,
    soa: Arc<Rrset>,
    serial: Serial,
    records: usize,
}

impl Zone {
    /// Joins what `collect` has sorted and judged; nothing without a well-formed SOA.
    pub(super) fn join(origin: Name, owners: Vec<Name>, ends: Vec<u32>, sets: Vec<Arc<Rrset>>) -> Option<Self> {
        let end = owners.first().filter(|owner| **owner == origin).and_then(|_| ends.first())?;
        let apex = sets.get(..usize::try_from(*end).ok()?)?;
        let soa = Arc::clone(apex.iter().find(|set| set.rtype() == Rtype::SOA)?);
        let serial = serial_of(&soa)?;
        let records = sets.iter().map(|set| set.len()).sum();
        Some(Self { origin, owners, ends, sets, soa, serial, records })
    }

    /// Returns the name of the zone's apex.
    pub const fn origin(&self) -> &Name {
        &self.origin
    }

    /// Returns whether two zones agree to the last octet: the order of records and the case of names count too.
    pub fn is_same(&self, other: &Self) -> bool {
        let same = |(a, b): (&Name, &Name)| a.wire() == b.wire();
        self.origin.wire() == other.origin.wire()
            && self.ends == other.ends
            && self.sets == other.sets
            && self.owners.iter().zip(&other.owners).all(same)
    }

    /// Returns the sets of one owner name, sorted by type; none if it owns no records.
    pub fn rrsets(&self, owner: &Name) -> &[Arc<Rrset>] {
        self.owners.binary_search(owner).map_or(&[], |at| self.sets_at(at))
    }

    /// Returns one set.
    pub fn rrset(&self, owner: &Name, rtype: Rtype) -> Option<&Arc<Rrset>> {
        self.rrsets(owner).iter().find(|set| set.rtype() == rtype)
    }

    /// Walks over the owner names in canonical order (RFC 4034 §6.1) with their sets; names without records (empty
    /// non-terminals) are not listed.
    pub fn nodes(&self) -> impl DoubleEndedIterator<Item = (&Name, &[Arc<Rrset>])> + ExactSizeIterator {
        (0..self.owners.len()).map(|at| (&self.owners[at], self.sets_at(at)))
    }

    /// Returns the sets of all owner names in the order of these, one owner behind the other, sorted by type.
    pub fn all_sets(&self) -> &[Arc<Rrset>] {
        &self.sets
    }

    /// Walks over all sets with their owners, in canonical order of these and by type.
    pub fn sets(&self) -> impl Iterator<Item = (&Name, &Arc<Rrset>)> {
        self.nodes().flat_map(|(owner, sets)| sets.iter().map(move |set| (owner, set)))
    }

    /// Walks over the sets of one type with their owners, in canonical order of these.
    pub fn sets_of(&self, rtype: Rtype) -> impl Iterator<Item = (&Name, &Arc<Rrset>)> {
        self.sets().filter(move |(_, set)| set.rtype() == rtype)
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
        let begin = at.checked_sub(1).map_or(0, |before| self.ends[before]);
        &self.sets[begin as usize..self.ends[at] as usize]
    }
}

fn serial_of(soa: &Rrset) -> Option<Serial> {
    super::serial::Soa::read(soa.rdatas().next()?).map(|soa| soa.serial)
}

/// The largest TTL in seconds (RFC 2181 §8).
pub(super) const MAX_TTL: u32 = (1 << 31) - 1;
