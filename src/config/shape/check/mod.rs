//! `check = { kind = …, … }`.
//!
//! To add a kind: a file with its keys and how they are read, a line in [`KINDS`] and a variant of [`CheckKind`]; in
//! `lower/checks.rs` what it becomes.

mod reference;
mod sip;
mod tcp;
mod tls;

use crate::base::finding::Finding;
use crate::config::keys::{Key, Status};
use crate::config::reader::{Reader, Section, nearest};
use crate::config::source::Placed;
use crate::config::values::{self, Read};

use toml::de::DeValue;

pub(super) use reference::reference;

pub use reference::Reference;
pub use sip::SipShape;
pub use tcp::TcpShape;
pub use tls::TlsShape;

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
    Tcp(TcpShape),
    /// Connects and shakes hands.
    Tls(TlsShape),
    /// Asks OPTIONS.
    Sip(SipShape),
}

/// A kind: its name, its keys, how they are read.
type Kind = (&'static str, &'static [Key], fn(&mut Reader<'_>, &Section<'_>) -> CheckKind);

/// The kinds that there are.
const KINDS: &[Kind] = &[
    ("sip", sip::KEYS, |reader, table| CheckKind::Sip(SipShape::read(reader, table))),
    ("tcp", tcp::KEYS, |reader, table| CheckKind::Tcp(TcpShape::read(reader, table))),
    ("tls", tls::KEYS, |reader, table| CheckKind::Tls(TlsShape::read(reader, table))),
    ("none", &[], |_, _| CheckKind::Nothing),
];

/// The kinds that come later.
const LATER: &[&str] = &["http", "https", "xmpp", "stun", "turn", "dns", "grpc", "icmp", "exec", "push"];

/// Reads `check` of a section, if it is set.
pub(super) fn read_check(reader: &mut Reader<'_>, section: &Section<'_>) -> Option<CheckShape> {
    let table = reader.table(section, "check", "`check`")?;
    let Some(name) = reader.take(&table, "kind", values::text) else {
        if !table.has("kind") {
            reader.missing(&table, "kind", "name one, such as check = { kind = \"tcp\" }");
        }
        return None;
    };
    let Some((_, keys, read)) = KINDS.iter().find(|(kind, ..)| *kind == name.value) else {
        reader.find(unknown_kind(&name));
        return None;
    };
    reader.refuse_unknown_keys(&table, &[COMMON, keys]);
    let kind = read(reader, &table);
    let port = reader.take(&table, "port", values::integer(1, 65_535));
    let port = port.and_then(|port| Some(Placed { value: u16::try_from(port.value).ok()?, place: port.place }));
    Some(CheckShape { kind, port })
}

fn unknown_kind(kind: &Placed<String>) -> Finding {
    let names = || KINDS.iter().map(|(name, ..)| *name);
    let quoted: Vec<String> = names().map(|name| format!("\"{name}\"")).collect();
    let built = format!("the kinds are {}", quoted.join(", "));
    let name = kind.value.as_str();
    let finding = if LATER.contains(&name) {
        Finding::error("check-kind-later", format!("the check \"{name}\" is not there yet"))
            .help(format!("{built} so far; the others come with a later version"))
    } else {
        let finding = Finding::error("check-kind-unknown", format!("there is no check \"{name}\""));
        match nearest(name, names().chain(LATER.iter().copied())) {
            Some(near) => finding.help(format!("did you mean \"{near}\"? {built} so far")),
            None => finding.help(format!("{built} so far")),
        }
    };
    finding.at(kind.place.clone())
}

/// Reads a host name as certificates bear it: without its final dot.
fn host_text(value: &DeValue<'_>) -> Read<String> {
    let name = values::name(value)?;
    if name.is_root() {
        return Err("a host name, such as \"example.com\"".to_owned());
    }
    Ok(name.to_string().trim_end_matches('.').to_owned())
}

/// Makes a key of a check; its default, if it has one, depends on the service.
const fn key(name: &'static str) -> Key {
    Key { name, default: None, status: Status::Works }
}

/// What each check may have.
const COMMON: &[Key] = &[key("kind"), key("port")];
