//! `{ kind = "push", … }`

use std::time::Duration;

use crate::health::push::{Expired, TTL_MAX, TTL_MIN};
use crate::keys::Key;
use crate::keys::reader::{Reader, Section};
use crate::keys::values;

/// What `push` takes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PushShape {
    /// `name`, under which it is posted; empty only beside a finding.
    pub name: String,
    /// `patience`
    pub patience: Option<Duration>,
    /// `expired`
    pub expired: Option<Expired>,
}

impl PushShape {
    /// Reads its keys.
    pub(super) fn read(reader: &mut Reader<'_>, table: &Section<'_>) -> Self {
        let name = reader.take(table, "name", |value| {
            let plain = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '-' | '_' | '.');
            let text = value.as_str().filter(|text| (1..=MOST_LETTERS).contains(&text.len()));
            let text = text.filter(|text| text.chars().all(plain));
            text.map(str::to_owned)
                .ok_or_else(|| format!("a name of 1 to {MOST_LETTERS} letters, digits, hyphens, dots and underscores"))
        });
        if !table.has("name") {
            reader.missing(table, "name", "name it, such as name = \"sip-node1\": its state is posted under this name");
        }
        let expired = values::choice(&[("down", Expired::Down), ("unknown", Expired::Unknown)]);
        Self {
            name: name.map(|placed| placed.value).unwrap_or_default(),
            patience: reader.take(table, "patience", values::duration(TTL_MIN, TTL_MAX)).map(|placed| placed.value),
            expired: reader.take(table, "expired", expired).map(|placed| placed.value),
        }
    }
}

pub(super) const KEYS: &[Key] = &[Key::bare("name"), Key::bare("patience"), Key::bare("expired")];
/// The longest name, in octets.
const MOST_LETTERS: usize = 64;
