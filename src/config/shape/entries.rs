//! `[[zone]]`, `[[service]]`, `[[address]]` and `[[alias]]`.

use std::net::IpAddr;
use std::path::PathBuf;

use crate::base::finding::{Finding, Place};
use crate::base::prefix::IpPrefix;
use crate::config::values::{TierMember, weighted_address, weighted_name};
use crate::keys::Key;
use crate::keys::reader::{Each, EachOfEach, Reader, Section};
use crate::keys::source::{List, Placed};
use crate::keys::statement;
use crate::keys::values::{self, Words};
use crate::probe::CheckEntry;
use crate::serve::AccessList;
use crate::snapshot::Pick;
use crate::zone::Name;

use super::settings::{PolicyKeys, TargetKeys};
use super::transfers::TransferKeys;

statement! {
    /// The keys of `[[zone]]`.
    pub struct ZoneKeys {
        /// `file` is the master file; `name` is its origin, by default what the file says. Others may be named on the command
        /// line too.
        name: Name = values::name, apart "\"example.com\"";
        file: PathBuf = values::path, apart "\"zones/example.com.zone\"";
        /// Networks that may ask in the zone; for the others it does not exist. Everybody by default.
        allow_query: Vec<IpPrefix> = Each(values::network), apart "[\"192.0.2.0/24\"]";
    }
}

statement! {
    /// The keys of `[[service]]` alone.
    pub struct ServiceKeys {
        matches as "match": Name = values::name, apart "\"_sip._tcp.example.com\"";
    }
}

statement! {
    /// The keys of `[[address]]` alone.
    pub struct AddressKeys {
        name: Name = values::name, apart "\"example.com\"";
        follows: Name = values::name, apart "\"_sip._tcp.example.com\"";
        tiers: Vec<List<TierMember<IpAddr>>> =
            EachOfEach(weighted_address), apart "[[\"192.0.2.1\"], [\"192.0.2.9\"]]";
        /// How much of the active tier one answer holds, if addresses have weights: "one" address, or "each" with its own odds.
        pick: Pick = values::word, apart "\"one\"";
    }
}

statement! {
    /// The keys of `[[alias]]` alone.
    pub struct AliasKeys {
        name: Name = values::name, apart "\"www.example.com\"";
        tiers: Vec<List<TierMember<Name>>> =
            EachOfEach(weighted_name), apart "[[\"lb1.example.net\"], [\"lb2.example.net\"]]";
    }
}

impl Words for Pick {
    const WORDS: &'static [(&'static str, Self)] = &[("one", Self::One), ("each", Self::Each)];
}

/// The check of a `[[service]]`, an `[[address]]` or an `[[alias]]`.
pub(super) const CHECK: &[Key] = &[Key::bare("check")];

/// One `[[zone]]`.
#[derive(Clone, Debug)]
pub struct ZoneEntry {
    /// `name`; nothing: what the file says.
    pub name: Option<Placed<Name>>,
    /// `file`; of a zone that comes from primaries where it is kept.
    pub file: Placed<PathBuf>,
    /// `allow-query`
    pub allow_query: AccessList,
    /// The keys about transfers.
    pub transfer: TransferKeys,
    /// Of a zone that a catalog lists, the name of its entry there.
    pub catalog_entry: Option<Name>,
}

/// One `[[service]]`.
#[derive(Clone, Debug)]
pub struct ServiceEntry {
    /// `match`: an owner name in which a label `*` stands for any one label.
    pub matches: Placed<Name>,
    /// `check`; nothing: what the owner name tells.
    pub check: Option<CheckEntry>,
    /// The keys of `[policy]`.
    pub policy: PolicyKeys,
    /// The keys of `[health]`.
    pub target: TargetKeys,
}

/// One `[[address]]` or `[[alias]]`.
#[derive(Clone, Debug)]
pub struct AddressEntry {
    /// `name`
    pub name: Placed<Name>,
    /// Where what it answers comes from.
    pub source: AddressSource,
    /// The keys of `[policy]`.
    pub policy: PolicyKeys,
    /// The keys of `[health]`.
    pub target: TargetKeys,
}

/// Where the addresses of an [`AddressEntry`] come from, or where its alias leads.
#[derive(Clone, Debug)]
pub enum AddressSource {
    /// `follows`: the hosts of a service.
    Follows(Placed<Name>),
    /// `tiers`, the preferred first, with the check of each address, and `pick`.
    Tiers(Vec<List<TierMember<IpAddr>>>, CheckEntry, Pick),
    /// `tiers` of an alias, the preferred first, with the check of each name.
    Alias(Vec<List<TierMember<Name>>>, CheckEntry),
}

impl AddressSource {
    /// Returns the check, if it has one.
    pub const fn check(&self) -> Option<&CheckEntry> {
        match self {
            Self::Follows(_) => None,
            Self::Tiers(_, check, _) | Self::Alias(_, check) => Some(check),
        }
    }

    /// Returns the check, to add what its files hold.
    pub(super) const fn check_mut(&mut self) -> Option<&mut CheckEntry> {
        match self {
            Self::Follows(_) => None,
            Self::Tiers(_, check, _) | Self::Alias(_, check) => Some(check),
        }
    }
}

/// Reads every `[[zone]]`.
pub(super) fn read_zones(reader: &mut Reader<'_>, root: &Section<'_>) -> Vec<ZoneEntry> {
    let sections = reader.tables(root, "zone", "[[zone]]");
    sections.iter().filter_map(|section| read_zone(reader, section)).collect()
}

fn read_zone(reader: &mut Reader<'_>, section: &Section<'_>) -> Option<ZoneEntry> {
    reader.refuse_unknown_keys(section, ZONE);
    let ZoneKeys { name, file, allow_query } = ZoneKeys::read(reader, section);
    let transfer = TransferKeys::read(reader, section);
    match (section.has("file"), section.has("primaries")) {
        (false, false) => reader.missing(section, "file", "name the zone's file, such as file = \"example.com.zone\""),
        (true, true) => {
            let finding = Finding::error("zone-source", "`file` and `primaries` exclude each other");
            reader.find(finding.at(reader.key_place(section, "primaries")).help("leave one of them out"));
            return None;
        }
        (false, true) if !section.has("name") => {
            reader.missing(section, "name", "name the zone that its primaries have, such as name = \"example.com\"");
        }
        (false, true) | (true, false) => {}
    }
    let alone = ["catalog", "spare"].into_iter().find(|key| section.has(key) && !section.has("primaries"));
    if let Some(key) = alone {
        let finding = Finding::error("zone-source", format!("`{key}` is for zones from primaries"));
        reader.find(finding.at(reader.key_place(section, key)).help("name them, such as primaries = [\"192.0.2.1\"]"));
        return None;
    }
    // Where a zone from primaries is kept, the state folder says.
    let kept = || Some(Placed { value: PathBuf::new(), place: transfer.primaries.as_ref()?.place.clone() });
    let file = file.or_else(kept)?;
    Some(ZoneEntry { name, file, allow_query: access_list(allow_query.as_ref()), transfer, catalog_entry: None })
}

/// Reads every `[[service]]`.
pub(super) fn read_services(reader: &mut Reader<'_>, root: &Section<'_>) -> Vec<ServiceEntry> {
    let sections = reader.tables(root, "service", "[[service]]");
    sections.iter().filter_map(|section| read_service(reader, section)).collect()
}

fn read_service(reader: &mut Reader<'_>, section: &Section<'_>) -> Option<ServiceEntry> {
    reader.refuse_unknown_keys(section, SERVICE);
    if !section.has("match") {
        reader.missing(section, "match", "name the service, such as match = \"_sip._tcp.example.com\"");
    }
    let matches = ServiceKeys::read(reader, section).matches;
    let check = CheckEntry::read(reader, section);
    let (policy, target) = (PolicyKeys::read(reader, section), TargetKeys::read(reader, section));
    Some(ServiceEntry { matches: matches?, check, policy, target })
}

/// Reads every `[[address]]`.
pub(super) fn read_addresses(reader: &mut Reader<'_>, root: &Section<'_>) -> Vec<AddressEntry> {
    let sections = reader.tables(root, "address", "[[address]]");
    sections.iter().filter_map(|section| read_address(reader, section)).collect()
}

fn read_address(reader: &mut Reader<'_>, section: &Section<'_>) -> Option<AddressEntry> {
    reader.refuse_unknown_keys(section, ADDRESS);
    if !section.has("name") {
        reader.missing(section, "name", "name the owner of the addresses, such as name = \"example.com\"");
    }
    let AddressKeys { name, follows, tiers, pick } = AddressKeys::read(reader, section);
    let is_weighed = tiers.iter().flat_map(|tiers| &tiers.value).flat_map(|tier| &tier.value);
    let is_weighed = is_weighed.into_iter().any(|member| member.value.weight.is_some());
    if let Some(pick) = pick.as_ref().filter(|_| !is_weighed) {
        let finding = Finding::warning("config-key-idle", "`pick` has no effect: no address has a weight");
        let help = "give the addresses weights, such as \"192.0.2.1 weight 3\", or leave it out";
        reader
            .find(finding.at(pick.place.clone()).why("every answer holds all addresses of the active tier").help(help));
    }
    let pick = pick.map_or(Pick::One, |pick| pick.value);
    let check = CheckEntry::read(reader, section);
    let (policy, target) = (PolicyKeys::read(reader, section), TargetKeys::read(reader, section));
    let source = match (section.has("follows"), section.has("tiers")) {
        (true, true) => {
            let finding = Finding::error("address-leads", "`follows` and `tiers` exclude each other");
            reader.find(finding.at(reader.key_place(section, "tiers")).help("take one of them"));
            None
        }
        (false, false) => {
            let help = "say `follows = \"_sip._tcp.example.com\"`, or `tiers = [[…], […]]` with a `check`";
            reader.missing(section, "follows` or `tiers", help);
            None
        }
        (true, false) => {
            let own = follows.is_some().then(|| policy.first_place()).flatten();
            if let Some(place) = own.or_else(|| section.has("check").then(|| reader.key_place(section, "check"))) {
                reader.find(idle_with_follows(place));
            }
            follows.map(AddressSource::Follows)
        }
        (false, true) => tiers_with_check(reader, section, tiers, check)
            .map(|(tiers, check)| AddressSource::Tiers(tiers, check, pick)),
    };
    Some(AddressEntry { name: name?, source: source?, policy, target })
}

/// Reads every `[[alias]]`.
pub(super) fn read_aliases(reader: &mut Reader<'_>, root: &Section<'_>) -> Vec<AddressEntry> {
    let sections = reader.tables(root, "alias", "[[alias]]");
    sections.iter().filter_map(|section| read_alias(reader, section)).collect()
}

fn read_alias(reader: &mut Reader<'_>, section: &Section<'_>) -> Option<AddressEntry> {
    reader.refuse_unknown_keys(section, ALIAS);
    if !section.has("name") {
        reader.missing(section, "name", "name the owner of the CNAME record, such as name = \"www.example.com\"");
    }
    if !section.has("tiers") {
        let help = "say where it leads, the preferred first: tiers = [[\"lb1.example.net\"], [\"lb2.example.net\"]]";
        reader.missing(section, "tiers", help);
    }
    let AliasKeys { name, tiers } = AliasKeys::read(reader, section);
    let check = CheckEntry::read(reader, section);
    let (policy, target) = (PolicyKeys::read(reader, section), TargetKeys::read(reader, section));
    let (tiers, check) = tiers_with_check(reader, section, tiers, check)?;
    Some(AddressEntry { name: name?, source: AddressSource::Alias(tiers, check), policy, target })
}

fn idle_with_follows(place: Place) -> Finding {
    Finding::warning("config-key-idle", "this key has no effect beside `follows`")
        .at(place)
        .why("a name that follows a service has the service's decision, and no check of its own")
        .help("set it at the service")
}

fn tiers_with_check<T>(
    reader: &mut Reader<'_>,
    section: &Section<'_>,
    tiers: Option<Placed<Vec<List<T>>>>,
    check: Option<CheckEntry>,
) -> Option<(Vec<List<T>>, CheckEntry)> {
    if !section.has("check") {
        reader.missing(section, "check", "say how the members are tested: check = { kind = \"tcp\", port = 443 }");
    }
    let tiers = tiers?;
    let empty = tiers.value.iter().find(|tier| tier.value.is_empty()).map(|tier| tier.place.clone());
    if let Some(place) = empty.or_else(|| tiers.value.is_empty().then(|| tiers.place.clone())) {
        let finding = Finding::error("address-tier-empty", "a tier without members").at(place);
        reader.find(finding.help("name at least one in each tier"));
    }
    let check = check?;
    if check.needs_port() {
        let finding = Finding::error("check-port", "the check of addresses and aliases needs a port");
        let place = reader.key_place(section, "check");
        reader.find(finding.at(place).help("say it: check = { kind = \"tcp\", port = 443 }"));
    }
    Some((tiers.value, check))
}

/// Makes an access list; without a key everybody is let in.
pub(super) fn access_list(list: Option<&Placed<Vec<IpPrefix>>>) -> AccessList {
    list.map_or_else(AccessList::default, |list| AccessList::only(list.value.clone()))
}

/// All keys of `[[zone]]`.
pub(super) const ZONE: &[&[Key]] = &[ZoneKeys::KEYS, TransferKeys::KEYS];
/// All keys of `[[service]]`.
pub(super) const SERVICE: &[&[Key]] = &[ServiceKeys::KEYS, CHECK, PolicyKeys::KEYS, TargetKeys::KEYS];
/// All keys of `[[address]]`.
pub(super) const ADDRESS: &[&[Key]] = &[AddressKeys::KEYS, CHECK, PolicyKeys::KEYS, TargetKeys::KEYS];
/// All keys of `[[alias]]`.
pub(super) const ALIAS: &[&[Key]] = &[AliasKeys::KEYS, CHECK, PolicyKeys::KEYS, TargetKeys::KEYS];
