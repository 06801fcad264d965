//! A zone, and how one is built from records.

use std::sync::Arc;

use super::collect::{Fault, Records, Rules};
use super::{Name, Rrset, Rtype, Serial, schema, signed};

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

/// Collects records, in any order, for a [`Zone`]; zone transfer and tests use it.
#[derive(Debug)]
pub struct ZoneBuilder {
    origin: Name,
    records: Records,
}

/// Why records are no zone.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ZoneError {
    /// RDATA that does not have its type's fields, or names within it that are none.
    #[error("malformed {rtype} RDATA at {owner}")]
    Malformed {
        /// The owner name.
        owner: Name,
        /// The type.
        rtype: Rtype,
    },
    /// A type of questions and control records.
    #[error("{rtype} at {owner}: this type exists in messages only")]
    Meta {
        /// The owner name.
        owner: Name,
        /// The type.
        rtype: Rtype,
    },
    /// More octets than the zone can number.
    #[error("the zone is too large")]
    TooLarge,
    /// The records contradict each other.
    #[error("{owner} {rtype}: {fault}")]
    Fault {
        /// The owner name.
        owner: Name,
        /// The type.
        rtype: Rtype,
        /// What is wrong.
        fault: Fault,
    },
    /// There is no SOA at the origin.
    #[error("no SOA at {origin}")]
    NoSoa {
        /// The origin.
        origin: Name,
    },
}

impl ZoneBuilder {
    /// Begins a zone.
    pub fn new(origin: Name) -> Self {
        Self { origin, records: Records::default() }
    }

    /// Adds a record of class IN with uncompressed RDATA; a TTL of more than 31 bits is 0 (RFC 2181 §8).
    ///
    /// # Errors
    /// [`ZoneError::Malformed`], [`ZoneError::Meta`], [`ZoneError::TooLarge`].
    pub fn add(&mut self, owner: &Name, rtype: Rtype, ttl: u32, rdata: &[u8]) -> Result<(), ZoneError> {
        if rtype.is_meta() {
            return Err(ZoneError::Meta { owner: owner.clone(), rtype });
        }
        if !schema::is_wellformed(rtype, rdata) {
            return Err(ZoneError::Malformed { owner: owner.clone(), rtype });
        }
        let ttl = if ttl > MAX_TTL { 0 } else { ttl };
        self.records.push(owner.wire(), rtype, ttl, rdata, Default::default()).ok_or(ZoneError::TooLarge)
    }

    /// Sorts and judges the records. Equal records become one; a set takes the TTL of its first record.
    ///
    /// # Errors
    /// The first [`Fault`] that is an error, else [`ZoneError::NoSoa`].
    pub fn finish(self) -> Result<Zone, ZoneError> {
        let mut first = None;
        let zone = self.records.assemble(&self.origin, Rules::default(), &mut |owner, rtype, fault, _| {
            if fault.is_error() && first.is_none() {
                let owner = Name::from_wire(owner).unwrap_or_else(|_| Name::root());
                first = Some(ZoneError::Fault { owner, rtype, fault });
            }
        });
        match (first, zone) {
            (Some(error), _) => Err(error),
            (None, Some(zone)) => Ok(zone),
            (None, None) => Err(ZoneError::NoSoa { origin: self.origin }),
        }
    }
}

/// The largest TTL in seconds (RFC 2181 §8).
pub(super) const MAX_TTL: u32 = (1 << 31) - 1;

#[cfg(test)]
mod tests {
    use super::*;

    fn name(text: &str) -> Name {
        text.parse().unwrap()
    }

    const SOA: &[u8] = b"\x01n\x00\x01h\x00\0\0\0\x07\0\0\0\x02\0\0\0\x03\0\0\0\x04\0\0\0\x05";

    fn builder() -> ZoneBuilder {
        let mut builder = ZoneBuilder::new(name("example.com"));
        builder.add(&name("Example.com"), Rtype::SOA, 60, SOA).unwrap();
        builder
    }

    #[test]
    fn records_in_any_order_become_sorted_nodes() {
        let mut builder = builder();
        for (owner, last) in [("b.example.com", 1), ("a.example.com", 1), ("B.example.com", 2), ("b.example.com", 1)] {
            builder.add(&name(owner), Rtype::A, 60, &[192, 0, 2, last]).unwrap();
        }
        builder.add(&name("z.a.example.com"), Rtype::TXT, 1 << 31, b"\x01x").unwrap();
        let zone = builder.finish().unwrap();
        let owners: Vec<String> = zone.nodes().map(|(owner, _)| owner.to_string()).collect();
        assert_eq!(owners, ["Example.com.", "a.example.com.", "z.a.example.com.", "b.example.com."]);
        assert_eq!(zone.rrset(&name("z.a.example.com"), Rtype::TXT).unwrap().ttl(), 0);
        let set = zone.rrset(&name("B.EXAMPLE.com"), Rtype::A).unwrap();
        assert_eq!(set.rdatas().collect::<Vec<_>>(), [[192, 0, 2, 1], [192, 0, 2, 2]]);
        assert_eq!((zone.serial(), zone.record_count()), (Serial(7), 5));
        assert!(zone.rrsets(&name("c.example.com")).is_empty());
    }

    #[test]
    fn a_zone_keeps_its_promises() {
        let fault = |builder: ZoneBuilder| match builder.finish() {
            Err(ZoneError::Fault { fault, .. }) => fault,
            other => panic!("{other:?}"),
        };
        let empty = ZoneBuilder::new(name("example.com"));
        assert_eq!(empty.finish(), Err(ZoneError::NoSoa { origin: name("example.com") }));
        let mut outside = builder();
        outside.add(&name("example.org"), Rtype::A, 60, &[192, 0, 2, 1]).unwrap();
        assert_eq!(fault(outside), Fault::Outside);
        let mut alias = builder();
        alias.add(&name("a.example.com"), Rtype::A, 60, &[192, 0, 2, 1]).unwrap();
        alias.add(&name("a.example.com"), Rtype::CNAME, 60, b"\x01b\0").unwrap();
        assert!(matches!(fault(alias), Fault::CnameBeside { .. }));
        let mut two = builder();
        two.add(&name("sub.example.com"), Rtype::SOA, 60, SOA).unwrap();
        assert_eq!(fault(two), Fault::SoaBelow);
        assert!(builder().add(&name("example.com"), Rtype::A, 60, &[1]).is_err());
        assert!(builder().add(&name("example.com"), Rtype::ANY, 60, &[]).is_err());
    }
}
