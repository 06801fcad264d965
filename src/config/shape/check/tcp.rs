//! `{ kind = "tcp", … }`

use toml::de::DeValue;

use crate::keys::Key;
use crate::keys::reader::{Reader, Section};
use crate::keys::values;

/// What `tcp` takes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TcpShape {
    /// `send`
    pub send: Option<Vec<u8>>,
    /// `expect`
    pub expect: Option<Vec<u8>>,
}

impl TcpShape {
    /// Reads its keys.
    pub(super) fn read(reader: &mut Reader<'_>, table: &Section<'_>) -> Self {
        let octets = |value: &DeValue<'_>| match values::text(value) {
            Ok(text) if text.len() <= MOST_OCTETS => Ok(text.into_bytes()),
            Ok(_) | Err(_) => Err(format!("a text of 1 to {MOST_OCTETS} octets")),
        };
        Self {
            send: reader.take(table, "send", octets).map(|placed| placed.value),
            expect: reader.take(table, "expect", octets).map(|placed| placed.value),
        }
    }
}

pub(super) const KEYS: &[Key] = &[Key::bare("send"), Key::bare("expect")];
/// The most octets that are sent or searched.
const MOST_OCTETS: usize = 4096;
