//! The keys of `[[zone]]` about transfers, and `[[key]]`.

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;

use toml::de::DeValue;

use crate::base::prefix::IpPrefix;
use crate::keys::Key;
use crate::keys::reader::{Each, Reader, Section};
use crate::keys::source::Placed;
use crate::keys::statement;
use crate::keys::values::{self, Read, Words};
use crate::transfer::notify::Destination;
use crate::transfer::{Algorithm, Rule};
use crate::zone::Name;

statement! {
    /// The keys of `[[zone]]` about transfers.
    pub struct TransferKeys {
        /// In place of `file`: the zone comes from these servers by AXFR and IXFR, asked in this order. They are addresses, with a
        /// port or at port 53 (with `tls` 853), each with the name of a key that signs, or without. Only they may send NOTIFY. The
        /// zone is kept in the state folder, and needs a `name`.
        primaries: Vec<ServerText> = Each(server), apart "[\"192.0.2.1\", \"192.0.2.9:5300 transfer\"]";
        /// The name in the certificate of the primaries: then they are asked over TLS (RFC 9103). Its issuer must be in `ca-file`
        /// of [health], else in the system's list.
        tls: String = values::host, apart "\"ns1.example.net\"";
        /// Whether the zone is a catalog (RFC 9432): the zones that it lists come from the same primaries, and all keys here count
        /// for them. The catalog itself answers no queries but transfers.
        catalog: bool = values::boolean, apart "true";
        /// Whether this server is the spare of its primaries, which are understudies too: what they give is served untouched while
        /// one of them answers. When none has for longer than the SOA's refresh, this server judges by its own checks.
        spare: bool = values::boolean, apart "true";
        /// Who may transfer the zone (AXFR and IXFR, over TCP, TLS and QUIC): addresses or networks, each with the name of a
        /// key that must sign the queries from there, or without. Nobody by default.
        allow_transfer: Vec<Rule> = Each(rule), apart "[\"192.0.2.2\", \"2001:db8::/32 transfer\"]";
        /// Who is told of each new version by NOTIFY (RFC 1996): addresses, with a port or at port 53, each with the name of a
        /// key that signs it, or without.
        also_notify: Vec<Destination> = Each(destination), apart "[\"192.0.2.2\", \"192.0.2.3:5300 transfer\"]";
        /// Who else is told: nobody ("explicit"), or the hosts of the zone's NS records ("ns"), that of the SOA excepted, as far
        /// as `probe-allow` and `probe-deny` in [health] let them be reached.
        notify: NotifyChoice = values::word, apart "\"explicit\"";
        /// The own address that primaries are asked from and NOTIFY is sent from, where the far side is of the same family. By
        /// default that of `listen`, if it is one alone in its family, else whichever the machine chooses.
        source: IpAddr = values::address, apart "\"192.0.2.53\"";
        /// The key wherever none is named.
        tsig_key: Name = values::name, apart "\"transfer\"";
    }
}

statement! {
    /// The keys of `[[key]]`.
    pub struct SecretKeys {
        /// A key of TSIG (RFC 8945), by which servers know each other: its name, which both have, and how it signs:
        /// "hmac-sha256", "hmac-sha384" or "hmac-sha512".
        name: Name = values::name, apart "\"transfer\"";
        algorithm: Algorithm = values::word, apart "\"hmac-sha256\"";
        /// The secret in Base64: in a file of its own, read anew at each reload, or here.
        secret_file: PathBuf = values::path, apart "\"transfer.key\"";
        secret: Vec<u8> = secret, apart "\"c2VjcmV0IG9mIHRoZSBleGFtcGxlIGluIGJhc2U2NA==\"";
    }
}

/// Who is told of a zone besides those that are named.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum NotifyChoice {
    /// Nobody.
    #[default]
    Explicit,
    /// The hosts of the NS records.
    Servers,
}

/// One `[[key]]`.
#[derive(Clone, Debug)]
pub struct KeyEntry {
    /// `name`
    pub name: Placed<Name>,
    /// `algorithm`
    pub algorithm: Algorithm,
    /// `secret`
    pub secret: Option<Placed<Vec<u8>>>,
    /// `secret-file`
    pub file: Option<Placed<PathBuf>>,
}

impl Words for Algorithm {
    const WORDS: &'static [(&'static str, Self)] = &Self::ALL;
}

impl Words for NotifyChoice {
    const WORDS: &'static [(&'static str, Self)] = &[("explicit", Self::Explicit), ("ns", Self::Servers)];
}

/// Reads every `[[key]]`.
pub(super) fn read_keys(reader: &mut Reader<'_>, root: &Section<'_>) -> Vec<KeyEntry> {
    let sections = reader.tables(root, "key", "[[key]]");
    sections.iter().filter_map(|section| read_key(reader, section)).collect()
}

fn read_key(reader: &mut Reader<'_>, section: &Section<'_>) -> Option<KeyEntry> {
    reader.refuse_unknown_keys(section, KEY);
    if !section.has("name") {
        reader.missing(section, "name", "name the key as the other server does, such as name = \"transfer\"");
    }
    if !section.has("secret") && !section.has("secret-file") {
        reader.missing(section, "secret-file", "name the file with its secret, such as secret-file = \"transfer.key\"");
    }
    let SecretKeys { name, algorithm, secret_file, secret } = SecretKeys::read(reader, section);
    let algorithm = algorithm.map_or_else(Algorithm::default, |placed| placed.value);
    Some(KeyEntry { name: name?, algorithm, secret, file: secret_file })
}

/// Reads a network, and the name of a key behind it.
fn rule(value: &DeValue<'_>) -> Read<Rule> {
    let wanted =
        || "an address or a network, and the name of a key behind it, such as \"192.0.2.2 transfer\"".to_owned();
    let mut words = value.as_str().ok_or_else(wanted)?.split_whitespace();
    let network = words.next().ok_or_else(wanted)?;
    let network = network.parse::<IpPrefix>().map_err(|error| format!("{}; {error}", wanted()))?;
    let key = words.next().map(str::parse).transpose().map_err(|_| wanted())?;
    if words.next().is_some() { Err(wanted()) } else { Ok(Rule { network, key }) }
}

/// A server as it is written: its address, its port if that is said, and the name of a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerText {
    /// The address.
    pub address: IpAddr,
    /// The port.
    pub port: Option<u16>,
    /// The name of the key.
    pub key: Option<Name>,
}

/// Reads an address with or without a port, and the name of a key behind it: one that is told at port 53.
fn destination(value: &DeValue<'_>) -> Read<Destination> {
    let ServerText { address, port, key } = server(value)?;
    Ok(Destination { address: SocketAddr::new(address, port.unwrap_or(53)), key })
}

/// Reads an address with or without a port, and the name of a key behind it.
fn server(value: &DeValue<'_>) -> Read<ServerText> {
    let wanted =
        || "an address, its port if it is not 53, and the name of a key, such as \"192.0.2.2:53 transfer\"".to_owned();
    let mut words = value.as_str().ok_or_else(wanted)?.split_whitespace();
    let text = words.next().ok_or_else(wanted)?;
    let with_port = |socket: SocketAddr| (socket.ip(), Some(socket.port()));
    let address = text.parse::<IpAddr>().map(|address| (address, None));
    let (address, port) = address.or_else(|_| text.parse().map(with_port)).map_err(|_| wanted())?;
    let key = words.next().map(str::parse).transpose().map_err(|_| wanted())?;
    if words.next().is_some() { Err(wanted()) } else { Ok(ServerText { address, port, key }) }
}

/// Reads a secret in Base64.
fn secret(value: &DeValue<'_>) -> Read<Vec<u8>> {
    value.as_str().and_then(decode).ok_or_else(|| "a secret in Base64, of at least 16 octets".to_owned())
}

/// Decodes a secret in Base64; nothing if it is none, or one too short to be a secret.
pub fn decode(text: &str) -> Option<Vec<u8>> {
    let octets = data_encoding::BASE64.decode(text.trim().as_bytes()).ok()?;
    (octets.len() >= SECRET_LEAST).then_some(octets)
}

/// The shortest secret, in octets: whoever tries all shorter ones has time enough.
const SECRET_LEAST: usize = 16;
/// All keys of `[[key]]`.
pub(super) const KEY: &[&[Key]] = &[SecretKeys::KEYS];
