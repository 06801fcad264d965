//! Zones and slots by number: what a slot stands for, and what it holds.

use std::sync::Arc;

use crate::zone::{Name, Rrset, Rtype};

use super::WeightedSet;

crate::row_id! {
    /// Numbers a zone within one setup.
    ZoneId
}

crate::row_id! {
    /// Numbers a slot: one RRset whose records or TTL follow decisions.
    SlotId
}

/// Which RRset a slot stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SlotKey {
    /// The zone.
    pub zone: ZoneId,
    /// The owner name.
    pub owner: Name,
    /// The type.
    pub rtype: Rtype,
}

/// What a slot holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SlotValue {
    /// The effective records.
    Records(Arc<Rrset>),
    /// Effective records of which each answer holds a part.
    Weighted(Arc<WeightedSet>),
    /// No record now, though the set is declared: the name answers NODATA.
    Empty {
        /// The longest that this absence may be cached, in seconds.
        negative_ttl: u32,
    },
}

impl SlotValue {
    /// Returns the records, if there are any now; of a weighted set those that secondaries are given.
    pub fn records(&self) -> Option<&Arc<Rrset>> {
        match self {
            Self::Records(set) => Some(set),
            Self::Weighted(set) => Some(set.transferred()),
            Self::Empty { .. } => None,
        }
    }

    /// Returns all records that answers may hold now, if there are any.
    pub fn all_records(&self) -> Option<&Arc<Rrset>> {
        match self {
            Self::Records(set) => Some(set),
            Self::Weighted(set) => Some(set.all()),
            Self::Empty { .. } => None,
        }
    }
}
