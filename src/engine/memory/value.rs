//! A value for the store: writing what each flip changes can wait until the answers have changed.

use std::sync::Arc;

use serde::Serialize;

use super::json::json;
use super::kept::{KeptHealth, KeptMemory};
use crate::snapshot::Difference;

/// What is to be kept: a key and its value, or that the key goes.
pub type Change = (String, Option<StoredValue>);

/// A value for the store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StoredValue {
    /// Written already, as JSON.
    Written(Vec<u8>),
    /// What is believed of a target.
    Health(KeptHealth),
    /// What is remembered of a pool.
    Memory(KeptMemory),
    /// What changed in a zone.
    Difference(Arc<Difference>),
}

impl StoredValue {
    /// Writes a value.
    pub(super) fn of(value: &impl Serialize) -> Self {
        Self::Written(json(value))
    }

    /// Writes the value as JSON.
    pub fn into_octets(self) -> Vec<u8> {
        match self {
            Self::Written(octets) => octets,
            Self::Health(health) => json(&health),
            Self::Memory(memory) => json(&memory),
            Self::Difference(difference) => super::history::write(&difference),
        }
    }
}
