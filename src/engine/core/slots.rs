//! The value of one slot: records and TTL, rebuilt whenever a decision it depends on was made.

use std::sync::Arc;
use std::time::Duration;

use crate::base::clock::Mono;
use crate::base::hash::StableHash;
use crate::engine::setup::Fill;
use crate::policy::{self, Conditions, Settings, TtlState};
use crate::snapshot::{Note, SlotValue, WeightedSet};
use crate::zone::Rrset;

use super::formers::Formers;
use super::rdata::Records;

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
        records: &Records,
        settings: &Settings,
        conditions: Conditions,
        now: Mono,
    ) -> Option<Duration> {
        let records_changed = self.value.as_ref().is_some_and(|value| !holds(value, records));
        let ttl = policy::ttl(fill.ttl, settings, Conditions { records_changed, ..conditions }, self.ttl, now);
        self.ttl = ttl.memory;
        let same_ttl = self.value.as_ref().is_some_and(|value| ttl_of(value) == ttl.secs);
        if records_changed || !same_ttl {
            self.value = Some(value(fill, records, ttl.secs));
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
        SlotValue::Weighted(set) => set.all().ttl(),
        SlotValue::Empty { negative_ttl } => *negative_ttl,
    }
}

fn value(fill: &Fill, records: &Records, ttl: u32) -> SlotValue {
    let Records { rdatas, drawn } = records;
    match drawn {
        Some((pick, weights)) => {
            let weighed: Vec<_> = rdatas.iter().zip(weights.iter().copied()).collect();
            let salt = StableHash::new(SALT_KEY).octets(fill.owner.to_lower().wire()).number(fill.rtype.0.into());
            SlotValue::Weighted(Arc::new(WeightedSet::new(fill.rtype, ttl, &weighed, *pick, salt.finish())))
        }
        None if rdatas.is_empty() => SlotValue::Empty { negative_ttl: ttl },
        None => SlotValue::Records(Arc::new(Rrset::new(fill.rtype, ttl, rdatas))),
    }
}

fn holds(value: &SlotValue, records: &Records) -> bool {
    let Records { rdatas, drawn } = records;
    match (value, drawn) {
        (SlotValue::Records(set), None) => set.rdatas().eq(rdatas.iter().map(Vec::as_slice)),
        (SlotValue::Weighted(set), Some((pick, weights))) => {
            let weighed: Vec<_> = rdatas.iter().zip(weights.iter().copied()).collect();
            set.holds(&weighed, *pick)
        }
        (SlotValue::Empty { .. }, None) => rdatas.is_empty(),
        (SlotValue::Records(_) | SlotValue::Empty { .. }, Some(_)) | (SlotValue::Weighted(_), None) => false,
    }
}

/// The key of the salts of weighted sets.
const SALT_KEY: &[u8; 16] = b"understudy draws";
