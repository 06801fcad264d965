//! `{ kind = "stun", … }`

use crate::config::infer::Transport;
use crate::keys::Key;
use crate::keys::reader::{Reader, Section};
use crate::keys::values;

/// What `stun` takes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StunShape {
    /// `name`: SNI and the certificate's name; nothing: the service's domain.
    pub name: Option<String>,
    /// `transport`; nothing: what the owner name says.
    pub transport: Option<Transport>,
}

impl StunShape {
    /// Reads its keys.
    pub(super) fn read(reader: &mut Reader<'_>, table: &Section<'_>) -> Self {
        Self {
            name: reader.take(table, "name", values::host).map(|placed| placed.value),
            transport: reader.take(table, "transport", values::choice(&Transport::WORDS)).map(|placed| placed.value),
        }
    }
}

pub(super) const KEYS: &[Key] = &[Key::bare("name"), Key::bare("transport")];
