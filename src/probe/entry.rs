//! `check = { kind = "…", … }`: one check as written in the config.

use std::path::PathBuf;

use super::CheckKind;
use crate::base::finding::{Finding, Place};
use crate::keys::reader::{Reader, Section, nearest};
use crate::keys::source::Placed;
use crate::keys::{Key, Listed, values};

/// One `check`.
#[derive(Clone, Debug, PartialEq)]
pub struct CheckEntry {
    /// What is done; nothing: served as declared.
    pub kind: Option<CheckKind>,
    /// The port, where no record names one (`[[address]]`), or another one is to be tested.
    pub port: Option<Placed<u16>>,
}

impl CheckEntry {
    /// Reads `check` of a section, if it is set.
    pub fn read(reader: &mut Reader<'_>, section: &Section<'_>) -> Option<Self> {
        if section.text("check").is_some() {
            let Placed { value: word, place } = reader.take(section, "check", values::text)?;
            let kind = forms().map(|(name, _)| name).find(|name| *name == word);
            let finding = Finding::error("config-value", format!("`check` is \"{word}\", and takes a table"));
            let help = format!("write check = {{ kind = \"{}\" }}", kind.unwrap_or("tcp"));
            reader.find(finding.at(place).help(help));
            return None;
        }
        let table = reader.table(section, "check", "`check`")?;
        Self::read_table(reader, &table)
    }

    /// Reads a check, or a part of one.
    pub(super) fn read_table(reader: &mut Reader<'_>, table: &Section<'_>) -> Option<Self> {
        let Some(name) = reader.take(table, "kind", values::text) else {
            if !table.has("kind") {
                reader.missing(table, "kind", "name one, such as check = { kind = \"tcp\" }");
            }
            return None;
        };
        let Some((form, keys)) = forms().find(|(form, _)| *form == name.value) else {
            reader.find(unknown_kind(&name));
            return None;
        };
        let known: Vec<&[Key]> = [COMMON].into_iter().chain(keys.iter().copied()).collect();
        reader.refuse_unknown_keys(table, &known);
        let kind = CheckKind::read(form, reader, table);
        Some(Self { kind, port: reader.take(table, "port", values::integer(1, 65_535)) })
    }

    /// Returns whether something must say a port.
    pub fn needs_port(&self) -> bool {
        self.port.is_none() && self.kind.as_ref().is_some_and(CheckKind::needs_port)
    }

    /// Returns where the programs stand that it runs.
    pub fn programs(&self) -> Vec<&Place> {
        self.kind.as_ref().map(CheckKind::programs).unwrap_or_default()
    }

    /// Has the files read that hold its secrets.
    pub fn read_secrets(&mut self, read: &mut dyn FnMut(&Placed<PathBuf>) -> Option<String>) {
        if let Some(kind) = &mut self.kind {
            kind.read_secrets(read);
        }
    }
}

/// Returns every key that a check may have, whatever its kind; several kinds may have one of the same name.
pub fn check_keys() -> impl Iterator<Item = &'static str> {
    forms().flat_map(|(_, keys)| keys.iter().copied().flatten()).chain(COMMON).map(|key| key.name)
}

/// Returns the names that `kind` may have, each with its keys.
fn forms() -> impl Iterator<Item = Listed> {
    CheckKind::FORMS.iter().copied().flatten().copied().chain([NOTHING])
}

fn unknown_kind(kind: &Placed<String>) -> Finding {
    let names = || forms().map(|(name, _)| name);
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
/// No check: served as declared.
const NOTHING: Listed = ("none", &[]);
