//! `check = { kind = …, … }`.
//!
//! To add a kind: a file with its keys and how they are read, a line in [`KINDS`] and a variant of [`CheckKind`]; in
//! `lower/checks.rs` what it becomes.

mod composite;
mod dns;
mod exec;
mod grpc;
mod http;
mod push;
mod sip;
mod stun;
mod tcp;
mod tls;
mod turn;
mod xmpp;

use std::path::PathBuf;

use crate::base::finding::Finding;
use crate::config::keys::Key;
use crate::config::reader::{Reader, Section, nearest};
use crate::config::source::Placed;
use crate::config::values;
use crate::probe::Rule;

pub use composite::CompositeShape;
pub use dns::DnsShape;
pub use exec::ExecShape;
pub use grpc::GrpcShape;
pub use http::HttpShape;
pub use push::PushShape;
pub use sip::SipShape;
pub use stun::StunShape;
pub use tcp::TcpShape;
pub use tls::TlsShape;
pub use turn::{LoginShape, TurnShape};
pub use xmpp::XmppShape;

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
    /// Asks by STUN what address the server sees.
    Stun(StunShape),
    /// Asks by TURN for an address that relays.
    Turn(TurnShape),
    /// Asks for a path.
    Http(HttpShape),
    /// Calls the health service.
    Grpc(GrpcShape),
    /// Asks a name server.
    Dns(DnsShape),
    /// Sends an echo request.
    Icmp,
    /// Runs a program.
    Exec(ExecShape),
    /// Reads what was posted.
    Push(PushShape),
    /// Carries out several.
    Composite(CompositeShape),
    /// Opens an XMPP stream.
    Xmpp(XmppShape),
}

impl CheckShape {
    /// Returns whether something must say a port.
    pub fn needs_port(&self) -> bool {
        if let CheckKind::Composite(whole) = &self.kind {
            return whole.parts.iter().any(|part| part.port.is_none() && part.needs_port());
        }
        !matches!(self.kind, CheckKind::Nothing | CheckKind::Icmp | CheckKind::Exec(_) | CheckKind::Push(_))
    }

    /// Returns the programs that it runs.
    pub fn programs(&self) -> Vec<&Placed<PathBuf>> {
        if let CheckKind::Composite(whole) = &self.kind {
            return whole.parts.iter().flat_map(Self::programs).collect();
        }
        let program = if let CheckKind::Exec(exec) = &self.kind { exec.program.as_ref() } else { None };
        program.into_iter().collect()
    }
}

/// A kind: its name, its keys, how they are read.
type Kind = (&'static str, &'static [Key], fn(&mut Reader<'_>, &Section<'_>) -> CheckKind);

/// The kinds that there are.
pub(super) const KINDS: &[Kind] = &[
    ("sip", sip::KEYS, |reader, table| CheckKind::Sip(SipShape::read(reader, table))),
    ("stun", stun::KEYS, |reader, table| CheckKind::Stun(StunShape::read(reader, table))),
    ("tcp", tcp::KEYS, |reader, table| CheckKind::Tcp(TcpShape::read(reader, table))),
    ("tls", tls::KEYS, |reader, table| CheckKind::Tls(TlsShape::read(reader, table))),
    ("turn", turn::KEYS, |reader, table| CheckKind::Turn(TurnShape::read(reader, table))),
    ("http", http::KEYS, |reader, table| CheckKind::Http(HttpShape::read(reader, table, false))),
    ("https", http::KEYS, |reader, table| CheckKind::Http(HttpShape::read(reader, table, true))),
    ("grpc", grpc::KEYS, |reader, table| CheckKind::Grpc(GrpcShape::read(reader, table))),
    ("dns", dns::KEYS, |reader, table| CheckKind::Dns(DnsShape::read(reader, table))),
    ("icmp", &[], |_, _| CheckKind::Icmp),
    ("exec", exec::KEYS, |reader, table| CheckKind::Exec(ExecShape::read(reader, table))),
    ("push", push::KEYS, |reader, table| CheckKind::Push(PushShape::read(reader, table))),
    ("all", composite::KEYS, |reader, table| composite(reader, table, Rule::All)),
    ("any", composite::KEYS, |reader, table| composite(reader, table, Rule::Any)),
    ("at-least", composite::COUNT_KEYS, |reader, table| composite(reader, table, Rule::AtLeast(1))),
    ("not", composite::NOT_KEYS, |reader, table| CheckKind::Composite(CompositeShape::read_not(reader, table))),
    ("xmpp", xmpp::KEYS, |reader, table| CheckKind::Xmpp(XmppShape::read(reader, table))),
    ("none", &[], |_, _| CheckKind::Nothing),
];

/// Returns every key that a check may have, whatever its kind; several kinds may have one of the same name.
pub fn check_keys() -> impl Iterator<Item = &'static str> {
    COMMON.iter().chain(KINDS.iter().flat_map(|(_, keys, _)| *keys)).map(|key| key.name)
}

/// Reads `check` of a section, if it is set.
pub(super) fn read_check(reader: &mut Reader<'_>, section: &Section<'_>) -> Option<CheckShape> {
    if section.text("check").is_some() {
        let Placed { value: word, place } = reader.take(section, "check", values::text)?;
        let kind = KINDS.iter().map(|(kind, ..)| *kind).find(|kind| *kind == word);
        let finding = Finding::error("config-value", format!("`check` is \"{word}\", and takes a table"));
        let help = format!("write check = {{ kind = \"{}\" }}", kind.unwrap_or("tcp"));
        reader.find(finding.at(place).help(help));
        return None;
    }
    let table = reader.table(section, "check", "`check`")?;
    read_table(reader, &table)
}

/// Reads a check, or a part of one.
fn read_table(reader: &mut Reader<'_>, table: &Section<'_>) -> Option<CheckShape> {
    let Some(name) = reader.take(table, "kind", values::text) else {
        if !table.has("kind") {
            reader.missing(table, "kind", "name one, such as check = { kind = \"tcp\" }");
        }
        return None;
    };
    let Some((_, keys, read)) = KINDS.iter().find(|(kind, ..)| *kind == name.value) else {
        reader.find(unknown_kind(&name));
        return None;
    };
    reader.refuse_unknown_keys(table, &[COMMON, keys]);
    let kind = read(reader, table);
    Some(CheckShape { kind, port: reader.take(table, "port", values::integer(1, 65_535)) })
}

fn composite(reader: &mut Reader<'_>, table: &Section<'_>, rule: Rule) -> CheckKind {
    CheckKind::Composite(CompositeShape::read(reader, table, rule))
}

fn unknown_kind(kind: &Placed<String>) -> Finding {
    let names = || KINDS.iter().map(|(name, ..)| *name);
    let quoted: Vec<String> = names().map(|name| format!("\"{name}\"")).collect();
    let built = format!("the kinds are {}", quoted.join(", "));
    let name = kind.value.as_str();
    let finding = Finding::error("check-kind-unknown", format!("there is no check \"{name}\""));
    let finding = finding.at(kind.place.clone());
    match nearest(name, names()) {
        Some(near) => finding.help(format!("did you mean \"{near}\"? {built}")),
        None => finding.help(built),
    }
}

/// What each check may have.
const COMMON: &[Key] = &[Key::bare("kind"), Key::bare("port")];

#[cfg(test)]
mod tests;
