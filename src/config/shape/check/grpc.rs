//! `{ kind = "grpc", … }`

use crate::config::infer::Transport;
use crate::keys::Key;
use crate::keys::reader::{Reader, Section};
use crate::keys::values;

/// What `grpc` takes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GrpcShape {
    /// `name`: `:authority`, SNI and the certificate's name; nothing: the service's domain.
    pub name: Option<String>,
    /// `service`; nothing: the whole server.
    pub service: Option<String>,
    /// `transport`, TCP or TLS; nothing: what the owner name says.
    pub transport: Option<Transport>,
}

impl GrpcShape {
    /// Reads its keys.
    pub(super) fn read(reader: &mut Reader<'_>, table: &Section<'_>) -> Self {
        let streams = [("tcp", Transport::Tcp), ("tls", Transport::Tls)];
        let service = reader.take(table, "service", |value| {
            let text = values::text(value).ok().filter(|text| text.len() <= MOST_OCTETS);
            text.ok_or_else(|| format!("the name of a service, of 1 to {MOST_OCTETS} octets"))
        });
        Self {
            name: reader.take(table, "name", values::host).map(|placed| placed.value),
            service: service.map(|placed| placed.value),
            transport: reader.take(table, "transport", values::choice(&streams)).map(|placed| placed.value),
        }
    }
}

pub(super) const KEYS: &[Key] = &[Key::bare("name"), Key::bare("service"), Key::bare("transport")];
/// The longest name of a service, in octets.
const MOST_OCTETS: usize = 255;
