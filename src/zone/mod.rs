//! DNS data as an operator writes it: names, sets of records, zones, and their text form.
//!
//! **Invariant:** this room knows neither health nor policy, and reads no file: bytes come in, zones or findings go out.

pub mod name;
pub mod rrset;

use std::collections::BTreeMap;
use std::sync::Arc;

pub use name::{Name, NameError};
pub use rrset::{Rrset, Rtype, Srv};

/// One zone: all records at and below its origin, as declared.
///
/// It has exactly one SOA, at the origin, and no record outside.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Zone {
    origin: Name,
    nodes: BTreeMap<Name, Vec<Arc<Rrset>>>,
}

impl Zone {
    /// Returns the name of the zone's apex.
    pub const fn origin(&self) -> &Name {
        &self.origin
    }

    /// Returns the sets of one owner name, sorted by type.
    pub fn rrsets(&self, owner: &Name) -> &[Arc<Rrset>] {
        self.nodes.get(owner).map_or(&[], Vec::as_slice)
    }

    /// Returns one set.
    pub fn rrset(&self, owner: &Name, rtype: Rtype) -> Option<&Arc<Rrset>> {
        self.rrsets(owner).iter().find(|set| set.rtype() == rtype)
    }

    /// Walks over the owner names in canonical order (RFC 4034 §6.1) with their sets; names without records (empty
    /// non-terminals) are not listed.
    pub fn nodes(&self) -> impl Iterator<Item = (&Name, &[Arc<Rrset>])> {
        self.nodes.iter().map(|(owner, sets)| (owner, sets.as_slice()))
    }

    /// Returns the SOA.
    pub fn soa(&self) -> &Arc<Rrset> {
        self.rrset(&self.origin, Rtype::SOA).expect("a zone is made with its SOA")
    }

    /// Returns the SOA's serial.
    pub fn serial(&self) -> u32 {
        todo!("zone helper")
    }

    /// Returns the number of records.
    pub fn record_count(&self) -> usize {
        self.nodes.values().flatten().map(|set| set.len()).sum()
    }
}
