//! The timers of the core: what becomes due without an event.

use crate::policy::{FollowId, HostId, PoolId};

/// What a timer is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::engine) enum Timer {
    /// A pool may decide otherwise, or its TTL changes.
    Pool(PoolId),
    /// A host's TTL changes, or an order over it begins or ends.
    Host(HostId),
    /// The TTL of a name that follows a service changes.
    Follow(FollowId),
    /// An order is over.
    Orders,
    /// The engine notes that it lives.
    Heartbeat,
}

impl Timer {
    /// Returns whether it is of one setup alone, and stops with it.
    pub(super) const fn is_of_setup(&self) -> bool {
        match self {
            Self::Pool(_) | Self::Host(_) | Self::Follow(_) => true,
            Self::Orders | Self::Heartbeat => false,
        }
    }
}
