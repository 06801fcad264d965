//! What is served: an immutable picture of all effective zones, and how the next one is made from it.

use crate::zone::{Name, Rtype};

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
