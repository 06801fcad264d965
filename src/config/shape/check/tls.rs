//! `{ kind = "tls", … }`

use toml::de::DeValue;

use crate::keys::Key;
use crate::keys::reader::{Reader, Section};
use crate::keys::values::{self, Read};

/// What `tls` takes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TlsShape {
    /// `name`: SNI and the certificate's name; nothing: the service's domain.
    pub name: Option<String>,
    /// `alpn`; nothing: what the owner name asks for.
    pub alpn: Option<Vec<Vec<u8>>>,
}

impl TlsShape {
    /// Reads its keys.
    pub(super) fn read(reader: &mut Reader<'_>, table: &Section<'_>) -> Self {
        Self {
            name: reader.take(table, "name", values::host).map(|placed| placed.value),
            alpn: reader
                .take_list(table, "alpn", protocol)
                .map(|list| list.value.into_iter().map(|protocol| protocol.value).collect()),
        }
    }
}

/// Reads an ALPN protocol (RFC 7301 §3.1: 1 to 255 octets).
fn protocol(value: &DeValue<'_>) -> Read<Vec<u8>> {
    let text = values::text(value).ok().filter(|text| text.len() <= 255);
    text.map(String::into_bytes).ok_or_else(|| "ALPN protocols, such as [\"xmpp-client\"]".to_owned())
}

pub(super) const KEYS: &[Key] = &[Key::bare("name"), Key::bare("alpn")];
