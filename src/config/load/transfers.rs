//! The keys of TSIG, and who may transfer which zone.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use crate::base::finding::Finding;
use crate::base::nearest::{nearest, tolerance};
use crate::config::shape::{File, KeyEntry, ZoneEntry, decode};
use crate::keys::source::Placed;
use crate::serve::Frame;
use crate::transfer::{Key, KeyRing, Rule, Rules};
use crate::zone::Name;

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

/// Returns who may transfer which zone; a key that is named must be stated.
pub(super) fn rules(
    file: &File,
    folder: &Path,
    origins: &HashMap<PathBuf, Name>,
    findings: &mut Vec<Finding>,
) -> HashMap<Name, Rules> {
    let mut all = HashMap::new();
    for entry in &file.zones {
        let keys = &entry.transfer;
        if let Some(key) = &keys.tsig_key {
            judge_key(file, key, findings);
        }
        let Some(rules) = &keys.allow_transfer else { continue };
        if file.server.frame.as_ref().is_some_and(|frame| frame.value == Frame::Hickory) {
            let finding = Finding::error("transfer-frame", "hickory's listeners send no transfers");
            let why = "they send one message for each query, and a zone is many";
            findings.push(finding.at(rules.place.clone()).why(why).help("leave `frame` out"));
        }
        for key in rules.value.iter().filter_map(|rule| rule.key.clone()) {
            judge_key(file, &Placed { value: key, place: rules.place.clone() }, findings);
        }
        if let Some(origin) = origin(entry, folder, origins) {
            let own = keys.tsig_key.as_ref().map(|key| &key.value);
            let with_key = |rule: &Rule| Rule { network: rule.network, key: rule.key.clone().or_else(|| own.cloned()) };
            all.insert(origin, rules.value.iter().map(with_key).collect());
        }
    }
    all
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
