//! The shape of a config file, version 1: the values as written, each with its span, with nothing resolved yet.

mod entries;
#[cfg(test)]
mod example;
mod hooks;
mod lint;
mod listeners;
mod server;
mod settings;
mod transfers;

use toml::de::{DeTable, DeValue};

use crate::base::finding::Finding;

use crate::keys::reader::{Reader, Section};
use crate::keys::source::Source;
use crate::keys::{Listed, Renamed, values};
use crate::probe::CheckEntry;

pub use entries::{
    AddressEntry, AddressKeys, AddressSource, AliasKeys, ServiceEntry, ServiceKeys, ZoneEntry, ZoneKeys,
};
pub use hooks::{HookEntry, HookKeys};
pub use lint::Lint;
pub use listeners::{AllowKeys, DNS_PORT, ListenKeys, twice};
pub use server::{Answers, Limits, Server, State};
pub use settings::{PolicyKeys, ProbingKeys, TargetKeys, TlsFiles};
pub use transfers::{KeyEntry, NotifyChoice, SecretKeys, ServerText, TransferKeys, decode};

/// One config file.
#[derive(Clone, Debug, Default)]
pub struct File {
    /// The keys of `[server]` about where the listeners are opened.
    pub listen: ListenKeys,
    /// `[server]`
    pub server: Server,
    /// The keys of `[server]` about what answers say.
    pub answers: Answers,
    /// `[limits]`
    pub limits: Limits,
    /// The keys of `[limits]` about who may come by which transport.
    pub allow: AllowKeys,
    /// `[state]`
    pub state: State,
    /// The keys of `[health]` that a service may set for itself.
    pub target: TargetKeys,
    /// The keys of `[health]` that hold for the whole server.
    pub probing: ProbingKeys,
    /// `[policy]`
    pub policy: PolicyKeys,
    /// `[lint]`
    pub lint: Lint,
    /// `[[key]]`
    pub keys: Vec<KeyEntry>,
    /// `[[hook]]`
    pub hooks: Vec<HookEntry>,
    /// `[[zone]]`
    pub zones: Vec<ZoneEntry>,
    /// `[[service]]`
    pub services: Vec<ServiceEntry>,
    /// `[[address]]`, then `[[alias]]`
    pub addresses: Vec<AddressEntry>,
}

impl File {
    /// Returns the checks that are written.
    pub fn checks(&self) -> impl Iterator<Item = &CheckEntry> {
        let services = self.services.iter().filter_map(|entry| entry.check.as_ref());
        services.chain(self.addresses.iter().filter_map(|entry| entry.source.check()))
    }

    /// Returns the checks that are written, to add what their files hold.
    pub fn checks_mut(&mut self) -> impl Iterator<Item = &mut CheckEntry> {
        let services = self.services.iter_mut().filter_map(|entry| entry.check.as_mut());
        services.chain(self.addresses.iter_mut().filter_map(|entry| entry.source.check_mut()))
    }
}

/// Reads a file as far as it can be read, with all findings in the order of the file.
pub fn read(source: &Source) -> (File, Vec<Finding>) {
    let (document, errors) = DeTable::parse_recoverable(source.text());
    let mut reader = Reader::new(source, SECTIONS).renamed(RENAMED);
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
    let section = |reader: &mut Reader<'_>, (name, keys): Listed| {
        let section = reader.table(root, name.trim_matches(['[', ']']), name)?;
        reader.refuse_unknown_keys(&section, keys);
        Some(section)
    };
    let mut file = File {
        keys: transfers::read_keys(reader, root),
        hooks: hooks::read_hooks(reader, root),
        zones: entries::read_zones(reader, root),
        services: entries::read_services(reader, root),
        addresses: [entries::read_addresses(reader, root), entries::read_aliases(reader, root)].concat(),
        ..File::default()
    };
    if let Some(section) = section(reader, SERVER) {
        (file.server, file.answers) = (Server::read(reader, &section), Answers::read(reader, &section));
        file.listen = ListenKeys::read(reader, &section);
        file.listen.judge(reader, &section);
    }
    if let Some(section) = section(reader, STATE) {
        file.state = State::read(reader, &section);
    }
    if let Some(section) = section(reader, HEALTH) {
        (file.target, file.probing) = (TargetKeys::read(reader, &section), ProbingKeys::read(reader, &section));
    }
    if let Some(section) = section(reader, POLICY) {
        file.policy = PolicyKeys::read(reader, &section);
    }
    if let Some(section) = section(reader, LIMITS) {
        (file.limits, file.allow) = (Limits::read(reader, &section), AllowKeys::read(reader, &section));
    }
    if let Some(section) = section(reader, LINT) {
        file.lint = Lint::read(reader, &section);
    }
    file
}

fn read_version(reader: &mut Reader<'_>, root: &Section<'_>) {
    let version = |value: &DeValue<'_>| match values::integer::<u8>(1, 1)(value) {
        Ok(_) => Ok(()),
        Err(_) => Err("1, the only version of this file so far".to_owned()),
    };
    if !root.has("version") {
        let finding = Finding::error("config-version", "the file does not say its version").at(reader.place(root));
        reader.find(finding.help("begin it with `version = 1`"));
    }
    drop(reader.take(root, "version", version));
}

const SERVER: Listed = ("[server]", &[ListenKeys::KEYS, Server::KEYS, Answers::KEYS]);
const STATE: Listed = ("[state]", &[State::KEYS]);
const HEALTH: Listed = ("[health]", &[TargetKeys::KEYS, ProbingKeys::KEYS]);
const POLICY: Listed = ("[policy]", &[PolicyKeys::KEYS]);
const LIMITS: Listed = ("[limits]", &[Limits::KEYS, AllowKeys::KEYS]);
const LINT: Listed = ("[lint]", &[Lint::KEYS]);

/// Each section, as it is written, with its keys.
pub const SECTIONS: &[Listed] = &[
    SERVER,
    STATE,
    HEALTH,
    POLICY,
    LIMITS,
    LINT,
    ("[[key]]", transfers::KEY),
    ("[[hook]]", hooks::HOOK),
    ("[[zone]]", entries::ZONE),
    ("[[service]]", entries::SERVICE),
    ("[[address]]", entries::ADDRESS),
    ("[[alias]]", entries::ALIAS),
];

/// Keys that have been given another name: the old one is refused, as a key that does nothing would go unseen.
const RENAMED: &[Renamed] = &[
    Renamed {
        section: "[health]",
        old: "allow",
        new: "probe-allow",
        help: "write `probe-allow`; it says what may be tested, and no more: where private addresses are meant, \
               `private-addresses = true` in [lint] keeps `check` quiet about them",
    },
    Renamed { section: "[health]", old: "deny", new: "probe-deny", help: "write `probe-deny`" },
];

#[cfg(test)]
mod tests;
