//! The shape of a config file, version 1: what is written there, each value with its place, nothing resolved yet.

mod check;
mod doors;
mod entries;
#[cfg(test)]
mod example;
mod settings;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use toml::de::{DeTable, DeValue};

use crate::base::finding::Finding;
use crate::base::prefix::IpPrefix;

use super::keys;
use super::load::StateChoice;
use super::reader::{Reader, Section};
use super::running::Workers;
use super::source::{List, Placed, Source};
use super::values::{self, Read};

pub use check::{
    CheckKind, CheckShape, CompositeShape, DnsShape, ExecShape, GrpcShape, HttpShape, LoginShape, PushShape, Reference,
    SipShape, StunShape, TcpShape, TlsShape, TurnShape, XmppShape, check_keys,
};
pub use doors::{Doors, Limits};
pub use entries::{AddressEntry, Leads, ServiceEntry, ZoneEntry};
pub use settings::{PolicyKeys, TargetKeys};

/// One config file.
#[derive(Clone, Debug, Default)]
pub struct File {
    /// `[server]`
    pub server: Server,
    /// The keys of `[server]` about encrypted doors and cookies.
    pub doors: Doors,
    /// `[limits]`
    pub limits: Limits,
    /// `[state]`
    pub state: State,
    /// The keys of `[health]` that a service may set for itself.
    pub target: TargetKeys,
    /// The keys of `[health]` that hold for the whole server.
    pub probing: Probing,
    /// `[policy]`
    pub policy: PolicyKeys,
    /// `[[zone]]`
    pub zones: Vec<ZoneEntry>,
    /// `[[service]]`
    pub services: Vec<ServiceEntry>,
    /// `[[address]]`
    pub addresses: Vec<AddressEntry>,
}

/// `[server]`; nothing where the default holds.
#[derive(Clone, Debug, Default)]
pub struct Server {
    /// `listen`
    pub listen: Option<Vec<SocketAddr>>,
    /// `workers`
    pub workers: Option<Workers>,
    /// `minimal-responses`
    pub minimal_responses: Option<bool>,
    /// `nsid`
    pub nsid: Option<Vec<u8>>,
    /// `version`; nothing within: `none`.
    pub version: Option<Option<String>>,
    /// `udp-size`
    pub udp_size: Option<u16>,
    /// `tcp-limit`
    pub tcp_limit: Option<u32>,
    /// `tcp-limit-per-client`
    pub tcp_limit_per_client: Option<u32>,
    /// `tcp-idle`
    pub tcp_idle: Option<Duration>,
    /// `strict-zones`
    pub strict_zones: Option<bool>,
    /// `metrics-listen`
    pub metrics_listen: Option<SocketAddr>,
    /// `query-log`
    pub query_log: Option<u32>,
}

/// `[state]`; nothing where the default holds.
#[derive(Clone, Debug, Default)]
pub struct State {
    /// `dir`
    pub dir: Option<StateChoice>,
    /// `max-age`
    pub max_age: Option<Duration>,
}

/// The keys of `[health]` that hold for the whole server.
#[derive(Clone, Debug, Default)]
pub struct Probing {
    /// `allow`
    pub allow: Option<Vec<IpPrefix>>,
    /// `deny`
    pub deny: Vec<IpPrefix>,
    /// `references`
    pub references: Vec<Placed<Reference>>,
    /// `exec`
    pub exec: bool,
    /// `resolver`
    pub resolver: Option<Placed<values::Resolver>>,
}

/// Reads a file as far as it can be read, with all findings in the order of the file.
pub fn read(source: &Source) -> (File, Vec<Finding>) {
    let (document, errors) = DeTable::parse_recoverable(source.text());
    let mut reader = Reader::new(source);
    let file = read_document(&mut reader, &Section::document(&document));
    let mut findings: Vec<Finding> = errors
        .iter()
        .map(|error| {
            let message = format!("this is not TOML: {}", error.message().replace('\n', ", "));
            let finding = Finding::error("config-syntax", message);
            match error.span() {
                Some(span) => finding.at(source.place(span)),
                None => finding,
            }
        })
        .collect();
    findings.dedup_by_key(|finding| line_of(finding));
    // What a broken line lacks or seems to say is no finding of its own.
    let broken: Vec<u32> = findings.iter().filter_map(line_of).collect();
    let own = reader.into_findings().into_iter().filter(|finding| {
        let guessed = matches!(finding.id, "config-key-missing" | "config-version") && !broken.is_empty();
        !guessed && line_of(finding).is_none_or(|line| !broken.contains(&line))
    });
    findings.extend(own);
    findings.sort_by_key(|finding| finding.place.as_ref().map(|place| (place.line, place.column)));
    (file, findings)
}

fn line_of(finding: &Finding) -> Option<u32> {
    finding.place.as_ref().map(|place| place.line)
}

fn read_document(reader: &mut Reader<'_>, root: &Section<'_>) -> File {
    reader.refuse_unknown_sections(root);
    read_version(reader, root);
    let server = reader.table(root, "server", "[server]");
    let health = reader.table(root, "health", "[health]");
    if let Some(health) = &health {
        reader.refuse_unknown_keys(health, &[keys::TARGET, keys::PROBING]);
    }
    let policy = reader.table(root, "policy", "[policy]");
    if let Some(policy) = &policy {
        reader.refuse_unknown_keys(policy, &[keys::POLICY]);
    }
    for key in reader.tables(root, "key", "[[key]]") {
        let message = "`[[key]]` is not there yet";
        let finding = Finding::error("config-key-later", message).at(reader.place(&key));
        reader.find(finding.why("transfers and their keys come with a later version").help("leave it out"));
        reader.refuse_unknown_keys(&key, &[keys::TSIG_KEY]);
    }
    File {
        server: server.as_ref().map(|section| read_server(reader, section)).unwrap_or_default(),
        doors: server.as_ref().map(|section| Doors::read(reader, section)).unwrap_or_default(),
        limits: Limits::read(reader, root),
        state: read_state(reader, root),
        target: health.as_ref().map(|section| TargetKeys::read(reader, section)).unwrap_or_default(),
        probing: health.as_ref().map(|section| read_probing(reader, section)).unwrap_or_default(),
        policy: policy.as_ref().map(|section| PolicyKeys::read(reader, section)).unwrap_or_default(),
        zones: entries::read_zones(reader, root),
        services: entries::read_services(reader, root),
        addresses: entries::read_addresses(reader, root),
    }
}

fn read_version(reader: &mut Reader<'_>, root: &Section<'_>) {
    let version = |value: &DeValue<'_>| match values::integer(1, 1)(value) {
        Ok(_) => Ok(()),
        Err(_) => Err("1, the only version of this file so far".to_owned()),
    };
    if !root.has("version") {
        let finding = Finding::error("config-version", "the file does not say its version").at(reader.place(root));
        reader.find(finding.help("begin it with `version = 1`"));
    }
    drop(reader.take(root, "version", version));
}

fn read_server(reader: &mut Reader<'_>, section: &Section<'_>) -> Server {
    reader.refuse_unknown_keys(section, &[keys::SERVER]);
    let listen = reader.take_list(section, "listen", values::socket);
    if let Some(listen) = listen.as_ref().filter(|listen| listen.value.is_empty()) {
        let finding = Finding::error("config-value", "`listen` names no address").at(listen.place.clone());
        reader.find(finding.help("name one, such as [\"127.0.0.1:5300\"], or leave the key out for the default"));
    }
    Server {
        listen: listen.map(|list| list.value.into_iter().map(|socket| socket.value).collect()),
        workers: reader.take(section, "workers", workers).map(|placed| placed.value),
        minimal_responses: reader.take(section, "minimal-responses", values::boolean).map(|placed| placed.value),
        nsid: reader.take(section, "nsid", nsid).map(|placed| placed.value),
        version: reader.take(section, "version", version_text).map(|placed| placed.value),
        udp_size: reader
            .take(section, "udp-size", values::integer(512, 4096))
            .and_then(|placed| u16::try_from(placed.value).ok()),
        tcp_limit: reader.take(section, "tcp-limit", values::integer(1, 1_000_000)).map(|placed| placed.value),
        tcp_limit_per_client: reader
            .take(section, "tcp-limit-per-client", values::integer(1, 1_000_000))
            .map(|placed| placed.value),
        tcp_idle: reader
            .take(section, "tcp-idle", values::duration(Duration::from_secs(1), Duration::from_secs(3600)))
            .map(|placed| placed.value),
        strict_zones: reader.take(section, "strict-zones", values::boolean).map(|placed| placed.value),
        metrics_listen: reader.take(section, "metrics-listen", values::socket).map(|placed| placed.value),
        query_log: reader.take(section, "query-log", values::integer(0, 1_000_000_000)).map(|placed| placed.value),
    }
}

fn read_state(reader: &mut Reader<'_>, root: &Section<'_>) -> State {
    let Some(section) = reader.table(root, "state", "[state]") else { return State::default() };
    reader.refuse_unknown_keys(&section, &[keys::STATE]);
    let choice = |value: &DeValue<'_>| match values::path(value) {
        Ok(path) => Ok(StateChoice::from(path)),
        Err(_) => Err("a path in quotes, or \"none\" to keep nothing".to_owned()),
    };
    let age = values::duration(Duration::ZERO, Duration::from_secs(30 * 86_400));
    State {
        dir: reader.take(&section, "dir", choice).map(|placed| placed.value),
        max_age: reader.take(&section, "max-age", age).map(|placed| placed.value),
    }
}

fn read_probing(reader: &mut Reader<'_>, section: &Section<'_>) -> Probing {
    let plain = |list: List<IpPrefix>| list.value.into_iter().map(|network| network.value).collect();
    Probing {
        allow: reader.take_list(section, "allow", values::network).map(plain),
        deny: reader.take_list(section, "deny", values::network).map(plain).unwrap_or_default(),
        exec: reader.take(section, "exec", values::boolean).is_some_and(|placed| placed.value),
        references: reader
            .take_list(section, "references", check::reference)
            .map(|list| list.value)
            .unwrap_or_default(),
        resolver: reader.take(section, "resolver", values::resolver),
    }
}

fn workers(value: &DeValue<'_>) -> Read<Workers> {
    if value.as_str() == Some("auto") {
        return Ok(Workers::Auto);
    }
    let count = values::integer(1, 1024)(value).ok().and_then(|count| usize::try_from(count).ok());
    let count = count.and_then(std::num::NonZeroUsize::new);
    count.map(Workers::Count).ok_or_else(|| "\"auto\" or an integer from 1 to 1024".to_owned())
}

/// Reads `nsid`: a text of up to 255 octets, or octets in hexadecimal behind `0x`.
fn nsid(value: &DeValue<'_>) -> Read<Vec<u8>> {
    let wanted = || "a text of up to 255 octets, or octets as \"0x…\" in hexadecimal".to_owned();
    let text = value.as_str().ok_or_else(wanted)?;
    let octets = match text.strip_prefix("0x") {
        Some(digits) => data_encoding::HEXLOWER_PERMISSIVE.decode(digits.as_bytes()).map_err(|_| wanted())?,
        None => text.as_bytes().to_vec(),
    };
    if (1..=255).contains(&octets.len()) { Ok(octets) } else { Err(wanted()) }
}

fn version_text(value: &DeValue<'_>) -> Read<Option<String>> {
    match value.as_str() {
        Some("none") => Ok(None),
        Some(text) if (1..=255).contains(&text.len()) => Ok(Some(text.to_owned())),
        Some(_) | None => Err("a text of up to 255 octets, or \"none\"".to_owned()),
    }
}

impl From<PathBuf> for StateChoice {
    fn from(path: PathBuf) -> Self {
        if path.as_os_str() == "none" { Self::Nothing } else { Self::Folder(path) }
    }
}

#[cfg(test)]
mod tests;
