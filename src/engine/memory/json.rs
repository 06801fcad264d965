//! Values as JSON.

use serde::Serialize;

/// Writes a value.
pub(super) fn json(value: &impl Serialize) -> Vec<u8> {
    serde_json::to_vec(value).expect("plain structs without maps always serialise")
}
