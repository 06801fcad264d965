//! Keys, values and their changes.

use std::collections::BTreeMap;

/// All keys that are set, with their values.
pub type Entries = BTreeMap<String, Vec<u8>>;

/// A change of one key: a new value, or nothing to remove it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// The key, at most [`MAX_KEY`](super::MAX_KEY) octets.
    pub key: String,
    /// The value, at most [`MAX_VALUE`](super::MAX_VALUE) octets; nothing removes the key.
    pub value: Option<Vec<u8>>,
}
