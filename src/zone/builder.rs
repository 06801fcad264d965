//! Builds a zone from records in any order; zone transfer and tests use it.

use super::collect::{Fault, Records, Rules};
use super::zone::{MAX_TTL, Zone};
use super::{Name, Rtype, schema};

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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::zone::Serial;

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
