//! `{ kind = "dns", … }`

use crate::config::infer::Transport;
use crate::keys::Key;
use crate::keys::reader::{Reader, Section};
use crate::keys::values;
use crate::probe::Rcode;
use crate::zone::{Name, Rtype};

/// What `dns` takes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DnsShape {
    /// `name`; nothing: the service's domain.
    pub name: Option<Name>,
    /// `type`; nothing: SOA.
    pub rtype: Option<Rtype>,
    /// `rcode`; nothing: NOERROR, with a record of the type.
    pub rcode: Option<Rcode>,
    /// `answer`
    pub answer: Option<String>,
    /// `transport`, UDP or TCP; nothing: what the owner name says.
    pub transport: Option<Transport>,
}

impl DnsShape {
    /// Reads its keys.
    pub(super) fn read(reader: &mut Reader<'_>, table: &Section<'_>) -> Self {
        let transports = [("udp", Transport::Udp), ("tcp", Transport::Tcp)];
        let rtype = reader.take(table, "type", |value| {
            let rtype = value.as_str().and_then(Rtype::parse).filter(|rtype| !rtype.is_meta());
            rtype.ok_or_else(|| "a record type, such as \"SOA\", \"A\" or \"TYPE65280\"".to_owned())
        });
        let rcode = reader.take(table, "rcode", |value| {
            let rcode = value.as_str().and_then(Rcode::parse);
            rcode.ok_or_else(|| "a response code, such as \"NOERROR\", \"NXDOMAIN\" or \"REFUSED\"".to_owned())
        });
        let answer = reader.take(table, "answer", |value| {
            let text = values::text(value).ok().filter(|text| text.len() <= MOST_OCTETS);
            text.ok_or_else(|| format!("a record's data as text, of 1 to {MOST_OCTETS} octets"))
        });
        Self {
            name: reader.take(table, "name", values::name).map(|placed| placed.value),
            rtype: rtype.map(|placed| placed.value),
            rcode: rcode.map(|placed| placed.value),
            answer: answer.map(|placed| placed.value),
            transport: reader.take(table, "transport", values::choice(&transports)).map(|placed| placed.value),
        }
    }
}

pub(super) const KEYS: &[Key] =
    &[Key::bare("name"), Key::bare("type"), Key::bare("rcode"), Key::bare("answer"), Key::bare("transport")];
/// The longest data that is compared, in octets.
const MOST_OCTETS: usize = 1024;
