//! Zones and slots by number: what a slot stands for, and what it holds.

use std::sync::Arc;

use crate::zone::{Name, Rrset, Rtype};

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
    /// No record now, though the set is declared: the name answers NODATA.
    Empty {
        /// The longest that this absence may be cached, in seconds.
        negative_ttl: u32,
    },
}

impl SlotValue {
    /// Returns the records, if there are any now.
    pub const fn records(&self) -> Option<&Arc<Rrset>> {
        match self {
            Self::Records(set) => Some(set),
            Self::Empty { .. } => None,
        }
    }
}
