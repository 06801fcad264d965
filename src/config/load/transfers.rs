//! The keys of TSIG, and who may transfer which zone.

use std::collections::{BTreeMap, HashMap};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::ClientConfig;
use rustls::pki_types::ServerName;

use crate::base::finding::{Finding, Place};
use crate::base::nearest::{nearest, tolerance};
use crate::base::table::Table;
use crate::config::shape::{File, KeyEntry, NotifyChoice, ZoneEntry, decode};
use crate::engine::setup::ZoneSetup;
use crate::keys::source::Placed;
use crate::serve::Frame;
use crate::snapshot::ZoneId;
use crate::transfer::inbound::{self, Primary, Upstream};
use crate::transfer::notify::{Destination, Recipients};
use crate::transfer::{Key, KeyRing, Rule, Rules, SendFrom};
use crate::zone::serial::Soa;
use crate::zone::{Name, Rtype};

use super::authorities::MachineAuthorities;
use super::file::warn_of_others;
use super::secrets;

/// Reads the keys of a config, those in files of their own relative to its folder.
pub(super) fn read_keys(file: &File, config: Option<&Path>, folder: &Path, findings: &mut Vec<Finding>) -> KeyRing {
    let mut keys: Vec<Key> = Vec::new();
    for entry in &file.keys {
        if keys.iter().any(|key| *key.name() == entry.name.value) {
            let message = format!("the key {} is stated twice", entry.name.value);
            findings.push(Finding::error("key-duplicate", message).at(entry.name.place.clone()).help("leave one out"));
        }
        if let Some(secret) = read_secret(entry, folder, findings) {
            keys.push(Key::new(&entry.name.value, entry.algorithm, &secret));
        }
    }
    let written_here = file.keys.iter().any(|entry| entry.secret.is_some());
    let opened = config.filter(|_| written_here).and_then(|path| Some((path, crate::base::file::open(path).ok()?)));
    findings.extend(opened.and_then(|(path, opened)| warn_of_others(path, &opened)));
    keys.into_iter().collect()
}

fn read_secret(entry: &KeyEntry, folder: &Path, findings: &mut Vec<Finding>) -> Option<Vec<u8>> {
    let file = match (&entry.secret, &entry.file) {
        (Some(secret), None) => return Some(secret.value.clone()),
        (Some(_), Some(file)) => {
            let finding = Finding::error("key-secret", "`secret` and `secret-file` exclude each other");
            findings.push(finding.at(file.place.clone()).help("leave one of them out"));
            return None;
        }
        (None, Some(file)) => file,
        (None, None) => return None,
    };
    match secrets::read(&folder.join(&file.value)) {
        Ok((text, warning)) => {
            findings.extend(warning.map(|warning| warning.at(file.place.clone())));
            let secret = decode(&text);
            if secret.is_none() {
                let message = format!("{} holds no secret in Base64 of at least 16 octets", file.value.display());
                let finding = Finding::error("key-secret", message).at(file.place.clone());
                findings.push(finding.help("write it in one line").command("openssl rand -base64 32"));
            }
            secret
        }
        Err(finding) => {
            findings.push(finding.at(file.place.clone()));
            None
        }
    }
}

/// Where zones come from that have no file.
#[derive(Debug, Default)]
pub(super) struct Primaries {
    pub(super) settings: inbound::Settings,
    /// Who may send NOTIFY.
    pub(super) rules: HashMap<Name, Rules>,
}

/// Says where zones from primaries are kept: in the state folder.
pub(super) fn place_kept(file: &mut File, state: Option<&Path>, findings: &mut Vec<Finding>) {
    for entry in file.zones.iter_mut().filter(|entry| entry.transfer.primaries.is_some()) {
        let Some(state) = state else {
            let finding = Finding::error("zone-kept", "a zone from primaries needs a state folder to be kept in");
            findings.push(finding.at(entry.file.place.clone()).help("name one: `dir` in [state]"));
            continue;
        };
        if let Some(name) = &entry.name {
            entry.file.value = kept_file(state, &name.value);
        }
    }
}

/// Returns where a zone from primaries is kept.
pub(super) fn kept_file(state: &Path, name: &Name) -> PathBuf {
    let name = name.to_lower().to_string();
    // A label may hold a slash, which no file name may.
    let plain = name.trim_end_matches('.').replace('/', "\\047");
    state.join("transferred").join(format!("{plain}.zone"))
}

/// Returns where zones come from, and who may tell of new versions.
pub(super) fn primaries(file: &File, keys: &KeyRing, listen: &[SocketAddr], findings: &mut Vec<Finding>) -> Primaries {
    let mut all = Primaries::default();
    let machine = MachineAuthorities::default();
    for entry in &file.zones {
        let (Some(name), Some(servers)) = (&entry.name, &entry.transfer.primaries) else { continue };
        if servers.value.is_empty() {
            let finding = Finding::error("config-value", "`primaries` names no server").at(servers.place.clone());
            findings.push(finding.help("name one, such as [\"192.0.2.1\"]"));
        }
        let tls = entry.transfer.tls.as_ref().and_then(|name| client(file, name, &machine, findings));
        let usual_port = if tls.is_some() { 853 } else { 53 };
        let own = entry.transfer.tsig_key.as_ref().map(|key| key.value.clone());
        let mut list = Vec::new();
        let mut rules = Vec::new();
        for server in &servers.value {
            let key = server.key.clone().or_else(|| own.clone());
            if let Some(key) = &server.key {
                judge_key(file, &Placed { value: key.clone(), place: servers.place.clone() }, findings);
            }
            let port = server.port.unwrap_or(usual_port);
            let named = entry.transfer.source.as_ref().map(|source| source.value);
            list.push(Primary {
                address: SocketAddr::new(server.address, port),
                source: SendFrom::of(listen).or_named(named).towards(server.address),
                key: key.as_ref().and_then(|key| keys.get(key)).map(Arc::clone),
                tls: tls.clone(),
            });
            rules.push(Rule { network: server.address.into(), key });
        }
        let spare = entry.transfer.spare.as_ref().is_some_and(|spare| spare.value);
        all.settings.insert(name.value.clone(), Upstream { primaries: list, spare });
        all.rules.insert(name.value.clone(), rules.into_iter().collect());
    }
    all
}

/// Makes what verifies primaries by the name in their certificate.
fn client(
    file: &File,
    name: &Placed<String>,
    machine: &MachineAuthorities,
    findings: &mut Vec<Finding>,
) -> Option<(Arc<ClientConfig>, ServerName<'static>)> {
    let server = ServerName::try_from(name.value.clone()).ok()?;
    let roots = file
        .target
        .tls_files
        .authority
        .as_ref()
        .map_or_else(|| machine.roots(&name.place, findings), |authority| Arc::clone(authority.roots()));
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    // RFC 9103 §7.1: version 1.3 or later.
    let versions = ClientConfig::builder_with_provider(provider).with_protocol_versions(&[&rustls::version::TLS13]);
    let Ok(versions) = versions else {
        findings.push(Finding::error("config-value", "TLS 1.3 is not there").at(name.place.clone()));
        return None;
    };
    let mut config = versions.with_root_certificates(roots).with_no_client_auth();
    config.alpn_protocols = vec![b"dot".to_vec()];
    Some((Arc::new(config), server))
}

/// Who may transfer the zones, and who is told of them.
#[derive(Debug, Default)]
pub(super) struct Secondaries {
    pub(super) rules: HashMap<Name, Rules>,
    pub(super) notify: BTreeMap<Name, Recipients>,
}

/// Returns who may transfer which zone, and who is told of it; a key that is named must be stated.
pub(super) fn secondaries(
    file: &File,
    folder: &Path,
    origins: &HashMap<PathBuf, Name>,
    listen: &[SocketAddr],
    findings: &mut Vec<Finding>,
) -> Secondaries {
    let mut all = Secondaries::default();
    for entry in &file.zones {
        let keys = &entry.transfer;
        let own = keys.tsig_key.as_ref().map(|key| key.value.clone());
        if let Some(key) = &keys.tsig_key {
            judge_key(file, key, findings);
        }
        let rules = keys.allow_transfer.iter().flat_map(|list| list.value.iter().map(move |rule| (&rule.key, list)));
        let rules = rules.map(|(key, list)| (key, &list.place));
        let told = keys.also_notify.iter().flat_map(|list| list.value.iter().map(move |told| (&told.key, &list.place)));
        for (key, place) in rules.chain(told) {
            if let Some(key) = key {
                judge_key(file, &Placed { value: key.clone(), place: place.clone() }, findings);
            }
        }
        let Some(origin) = origin(entry, folder, origins) else { continue };
        if let Some(rules) = &keys.allow_transfer {
            findings.extend(judge_frame(file, &rules.place));
            let with_key = |rule: &Rule| Rule { network: rule.network, key: rule.key.clone().or_else(|| own.clone()) };
            all.rules.insert(origin.clone(), rules.value.iter().map(with_key).collect());
        }
        let named = keys
            .also_notify
            .iter()
            .flat_map(|list| &list.value)
            .map(|told| Destination { address: told.address, key: told.key.clone().or_else(|| own.clone()) });
        let servers = keys.notify.as_ref().is_some_and(|choice| choice.value == NotifyChoice::Servers);
        let from = SendFrom::of(listen).or_named(keys.source.as_ref().map(|source| source.value));
        let recipients = Recipients { named: named.collect(), servers, key: own.clone(), from };
        if servers || !recipients.named.is_empty() {
            all.notify.insert(origin, recipients);
        }
    }
    all
}

/// Returns the hosts of NS records that are told and lie in none of the zones.
pub(super) fn hosts_outside(notify: &BTreeMap<Name, Recipients>, zones: &Table<ZoneId, ZoneSetup>) -> Vec<Name> {
    let told = zones.iter().filter(|(_, zone)| notify.get(&zone.origin).is_some_and(|told| told.servers));
    let told = told.filter_map(|(_, zone)| Some((zone.zone.as_ref()?, &zone.origin)));
    let servers = told.flat_map(|(zone, origin)| {
        let primary = zone.soa().rdatas().next().and_then(Soa::read).map(|soa| soa.primary.to_vec());
        let hosts = zone.rrset(origin, Rtype::NS).into_iter().flat_map(|set| set.rdatas());
        let hosts = hosts.filter_map(|wire| Name::from_wire(wire).ok()).collect::<Vec<_>>();
        hosts
            .into_iter()
            .filter(move |host| primary.as_ref().is_none_or(|primary| !primary.eq_ignore_ascii_case(host.wire())))
    });
    servers.filter(|host| !zones.iter().any(|(_, zone)| host.is_within(&zone.origin))).collect()
}

/// Finds transfers from hickory's listeners.
fn judge_frame(file: &File, place: &Place) -> Option<Finding> {
    file.server.frame.as_ref().filter(|frame| frame.value == Frame::Hickory)?;
    let finding = Finding::error("transfer-frame", "hickory's listeners send no transfers").at(place.clone());
    let why = "they send one message for each query, and a zone is many";
    Some(finding.why(why).help("leave `frame` out"))
}

/// Finds a key that is named and not stated.
fn judge_key(file: &File, named: &Placed<Name>, findings: &mut Vec<Finding>) {
    if file.keys.iter().any(|entry| entry.name.value == named.value) {
        return;
    }
    let text = named.value.to_string();
    let names: Vec<String> = file.keys.iter().map(|entry| entry.name.value.to_string()).collect();
    let near = nearest(&text, names.iter().map(String::as_str), tolerance(&text));
    let help = near.map_or_else(
        || format!("state it: [[key]] with name = \"{}\" and its secret", text.trim_end_matches('.')),
        |near| format!("did you mean `{}`?", near.trim_end_matches('.')),
    );
    findings.push(Finding::error("key-unknown", format!("there is no key {text}")).at(named.place.clone()).help(help));
}

/// Returns the origin of a zone of the config, if its file could be read.
fn origin(entry: &ZoneEntry, folder: &Path, origins: &HashMap<PathBuf, Name>) -> Option<Name> {
    origins.get(&folder.join(&entry.file.value)).cloned()
}
