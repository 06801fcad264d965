//! What a slot holds while it holds it, and until when what was told of it may be cached.

use std::sync::atomic::{AtomicU32, Ordering};

use crate::base::clock::UnixTime;

use super::SlotValue;

/// One value of a slot from the publication that brings it to the one that takes its place.
///
/// Who answers with it notes until when that answer may be cached. So whoever takes something out of the answers knows
/// when the last one that holds it expires: the note stays with the value, also for a packet that is answered from the
/// former snapshot at the very moment of the change.
#[derive(Debug)]
pub struct Served {
    value: SlotValue,
    /// In seconds of the wall clock; 0 if nothing was told of it.
    cached_until: AtomicU32,
}

impl Served {
    pub(super) const fn new(value: SlotValue) -> Self {
        Self { value, cached_until: AtomicU32::new(0) }
    }

    /// Returns the value.
    pub const fn value(&self) -> &SlotValue {
        &self.value
    }

    /// Notes that an answer with these records is given. Most packets only read: it is written once a second at most.
    pub fn tell(&self, now: UnixTime) {
        let Some(set) = self.value.records() else { return };
        let until = u32::try_from(now.as_secs() + 1).unwrap_or(u32::MAX).saturating_add(set.ttl());
        if self.cached_until.load(Ordering::Relaxed) < until {
            self.cached_until.fetch_max(until, Ordering::Relaxed);
        }
    }

    /// Returns until when an answer with these records may be cached; 1970 if none was given.
    pub fn cached_until(&self) -> UnixTime {
        UnixTime::from_secs(self.cached_until.load(Ordering::Relaxed).into())
    }
}
