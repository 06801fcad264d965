//! The value of one slot: records and TTL, rebuilt whenever a decision it depends on was made.

use std::sync::Arc;
use std::time::Duration;

use crate::base::clock::Mono;
use crate::engine::setup::Fill;
use crate::policy::{self, Conditions, Settings, TtlState};
use crate::snapshot::{Note, SlotValue};
use crate::zone::Rrset;

use super::formers::Formers;

/// What the engine knows of a slot.
#[derive(Clone, Debug, Default)]
pub(in crate::engine) struct SlotRow {
    /// What it holds; nothing before the first judgement.
    pub(in crate::engine) value: Option<SlotValue>,
    /// Why it is not as declared, in words; nothing if it is.
    pub(in crate::engine) note: Option<Note>,
    ttl: TtlState,
    /// What it held before.
    pub(super) formers: Formers,
}

impl SlotRow {
    /// Makes the value that holds now; returns how long until time alone may change it.
    pub(super) fn fill(
        &mut self,
        fill: &Fill,
        rdatas: &[Vec<u8>],
        settings: &Settings,
        conditions: Conditions,
        now: Mono,
    ) -> Option<Duration> {
        let records_changed = self.value.as_ref().is_some_and(|value| !holds(value, rdatas));
        let ttl = policy::ttl(fill.ttl, settings, Conditions { records_changed, ..conditions }, self.ttl, now);
        self.ttl = ttl.memory;
        let same_ttl = self.value.as_ref().is_some_and(|value| ttl_of(value) == ttl.secs);
        if records_changed || !same_ttl {
            self.value = Some(if rdatas.is_empty() {
                SlotValue::Empty { negative_ttl: ttl.secs }
            } else {
                SlotValue::Records(Arc::new(Rrset::new(fill.rtype, ttl.secs, rdatas)))
            });
        }
        ttl.again
    }

    /// Holds a set as it is declared, whatever has happened.
    pub(super) fn declare(&mut self, set: &Arc<Rrset>) {
        let value = SlotValue::Records(Arc::clone(set));
        if self.value.as_ref() != Some(&value) {
            self.value = Some(value);
        }
        (self.note, self.ttl) = (None, TtlState::default());
    }

    /// Makes the answer unsettled until a moment.
    pub(super) fn unsettle(&mut self, until: Mono) {
        self.ttl = TtlState::unsettled_until(until);
    }

    /// Returns until when the answer is unsettled by what has happened; nothing while something goes on, or if nothing has.
    pub(super) fn unsettled_until(&self) -> Option<Mono> {
        self.ttl.ends()
    }
}

/// Returns how long a value may be cached, in seconds.
pub(in crate::engine) fn ttl_of(value: &SlotValue) -> u32 {
    match value {
        SlotValue::Records(set) => set.ttl(),
        SlotValue::Empty { negative_ttl } => *negative_ttl,
    }
}

fn holds(value: &SlotValue, rdatas: &[Vec<u8>]) -> bool {
    match value {
        SlotValue::Records(set) => set.rdatas().eq(rdatas.iter().map(Vec::as_slice)),
        SlotValue::Empty { .. } => rdatas.is_empty(),
    }
}
