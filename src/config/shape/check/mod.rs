//! `check = { kind = …, … }` and the witnesses of `references`.

use std::net::SocketAddr;

use toml::de::DeValue;

use crate::base::finding::Finding;
use crate::config::reader::{Reader, Section, nearest};
use crate::config::source::Placed;
use crate::config::values::{self, Read};
use crate::config::{keys, keys::Key};

/// One `check`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CheckShape {
    /// What is done, with its parameters.
    pub kind: CheckKind,
    /// The port, where no record names one (`[[address]]`).
    pub port: Option<Placed<u16>>,
}

/// What a check does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CheckKind {
    /// Nothing: served as declared.
    Nothing,
    /// Connects; may send and expect.
    Tcp {
        /// `send`
        send: Option<Vec<u8>>,
        /// `expect`
        expect: Option<Vec<u8>>,
    },
    /// Connects and shakes hands.
    Tls {
        /// `name`: SNI and the certificate's name; nothing: the service's domain.
        name: Option<String>,
        /// `alpn`; nothing: what the owner name asks for.
        alpn: Option<Vec<Vec<u8>>>,
    },
}

/// A witness: `tcp://ADDRESS:PORT` or `tls://ADDRESS:PORT/NAME`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reference {
    /// Where to.
    pub address: SocketAddr,
    /// The certificate's name; nothing: a TCP connect is enough.
    pub tls_name: Option<String>,
}

/// Reads `check` of a section, if it is set.
pub(super) fn read_check(reader: &mut Reader<'_>, section: &Section<'_>) -> Option<CheckShape> {
    let table = reader.table(section, "check", "`check`")?;
    let Some(kind) = reader.take(&table, "kind", values::text) else {
        if !table.has("kind") {
            reader.missing(&table, "kind", "name one, such as check = { kind = \"tcp\" }");
        }
        return None;
    };
    let Some(keys) = keys_of(&kind.value) else {
        reader.find(unknown_kind(&kind));
        return None;
    };
    reader.refuse_unknown_keys(&table, &[COMMON, keys]);
    let octets = |value: &DeValue<'_>| match values::text(value) {
        Ok(text) if text.len() <= MOST_OCTETS => Ok(text.into_bytes()),
        Ok(_) | Err(_) => Err(format!("a text of 1 to {MOST_OCTETS} octets")),
    };
    let kind = match kind.value.as_str() {
        "tcp" => CheckKind::Tcp {
            send: reader.take(&table, "send", octets).map(|placed| placed.value),
            expect: reader.take(&table, "expect", octets).map(|placed| placed.value),
        },
        "tls" => CheckKind::Tls {
            name: reader.take(&table, "name", host_text).map(|placed| placed.value),
            alpn: reader
                .take_list(&table, "alpn", protocol)
                .map(|list| list.value.into_iter().map(|protocol| protocol.value).collect()),
        },
        _ => CheckKind::Nothing,
    };
    let port = reader.take(&table, "port", values::integer(1, 65_535));
    let port = port.and_then(|port| Some(Placed { value: u16::try_from(port.value).ok()?, place: port.place }));
    Some(CheckShape { kind, port })
}

fn unknown_kind(kind: &Placed<String>) -> Finding {
    let built = "the kinds are \"tcp\", \"tls\" and \"none\"";
    let name = kind.value.as_str();
    let finding = if LATER.contains(&name) {
        Finding::error("check-kind-later", format!("the check \"{name}\" is not there yet"))
            .help(format!("{built} so far; the others come with a later version"))
    } else {
        let finding = Finding::error("check-kind-unknown", format!("there is no check \"{name}\""));
        match nearest(name, BUILT.iter().chain(LATER).copied()) {
            Some(near) => finding.help(format!("did you mean \"{near}\"? {built} so far")),
            None => finding.help(format!("{built} so far")),
        }
    };
    finding.at(kind.place.clone())
}

fn keys_of(kind: &str) -> Option<&'static [Key]> {
    match kind {
        "none" => Some(&[]),
        "tcp" => Some(TCP),
        "tls" => Some(TLS),
        _ => None,
    }
}

/// Reads a witness.
pub(super) fn reference(value: &DeValue<'_>) -> Read<Reference> {
    let wanted = || "witnesses such as \"tcp://192.0.2.1:53\" or \"tls://192.0.2.1:443/www.example.com\"".to_owned();
    let text = value.as_str().ok_or_else(wanted)?;
    let (kind, rest) = text.split_once("://").ok_or_else(wanted)?;
    let (address, tls_name) = match (kind, rest.split_once('/')) {
        ("tcp", None) => (rest, None),
        ("tls", Some((address, name))) => (address, Some(host_text(&DeValue::String(name.into()))?)),
        _ => return Err(wanted()),
    };
    let address: SocketAddr = address.parse().map_err(|_| wanted())?;
    if address.port() == 0 { Err(wanted()) } else { Ok(Reference { address, tls_name }) }
}

/// Reads a host name as certificates bear it: without its final dot.
fn host_text(value: &DeValue<'_>) -> Read<String> {
    let name = values::name(value)?;
    if name.is_root() {
        return Err("a host name, such as \"example.com\"".to_owned());
    }
    Ok(name.to_string().trim_end_matches('.').to_owned())
}

/// Reads an ALPN protocol (RFC 7301 §3.1: 1 to 255 octets).
fn protocol(value: &DeValue<'_>) -> Read<Vec<u8>> {
    let text = values::text(value).ok().filter(|text| text.len() <= 255);
    text.map(String::into_bytes).ok_or_else(|| "ALPN protocols, such as [\"xmpp-client\"]".to_owned())
}

const fn key(name: &'static str) -> Key {
    Key { name, default: None, status: keys::Status::Works }
}

/// The most octets that are sent or searched.
const MOST_OCTETS: usize = 4096;
const COMMON: &[Key] = &[key("kind"), key("port")];
const TCP: &[Key] = &[key("send"), key("expect")];
const TLS: &[Key] = &[key("name"), key("alpn")];
const BUILT: &[&str] = &["tcp", "tls", "none"];
const LATER: &[&str] = &["http", "https", "sip", "xmpp", "stun", "turn", "dns", "grpc", "icmp", "exec", "push"];
