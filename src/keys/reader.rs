//! Walks a TOML document with spans and gathers every finding instead of stopping at the first.

use std::ops::Range;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::base::finding::{Finding, Place};
use crate::base::nearest;

use super::source::{List, Placed, Source};
use super::values::Read;
use super::{Key, Listed, Renamed, Status};

/// Reads tables of one source and keeps what it finds wrong.
#[derive(Debug)]
pub struct Reader<'s> {
    source: &'s Source,
    /// The sections that there are.
    sections: &'static [Listed],
    /// The keys that have had other names.
    renamed: &'static [Renamed],
    findings: Vec<Finding>,
    /// Lines with a secret, and the column behind which it stands.
    hidden: Vec<(u32, u32)>,
}

/// One table of the file.
#[derive(Clone, Debug)]
pub struct Section<'a> {
    /// As it is written: `[server]`, `[[service]]`, `check`.
    name: &'static str,
    table: &'a DeTable<'a>,
    span: Range<usize>,
}

impl<'a> Section<'a> {
    /// Takes a whole document.
    pub fn document(root: &'a Spanned<DeTable<'a>>) -> Self {
        Self { name: "the file", table: root.get_ref(), span: 0..0 }
    }

    /// Returns whether a key is set.
    pub fn has(&self, key: &str) -> bool {
        self.table.contains_key(key)
    }

    /// Returns the value of a key if it is a text.
    pub fn text(&self, key: &str) -> Option<&str> {
        self.table.get(key)?.get_ref().as_str()
    }
}

/// How the value of a key is read.
pub trait Take<T> {
    /// Reads it, if it is set; what is wrong becomes a finding.
    fn take(&self, reader: &mut Reader<'_>, section: &Section<'_>, key: &str) -> Option<Placed<T>>;
}

/// Reads a list by how its elements are read; wrong ones are left out.
#[derive(Clone, Copy, Debug)]
pub struct Each<F>(pub F);

/// Reads a list of lists in the same way, and keeps where each element stands.
#[derive(Clone, Copy, Debug)]
pub struct EachOfEach<F>(pub F);

impl<T, F: Fn(&DeValue<'_>) -> Read<T>> Take<T> for F {
    fn take(&self, reader: &mut Reader<'_>, section: &Section<'_>, key: &str) -> Option<Placed<T>> {
        reader.take(section, key, self)
    }
}

impl<T, F: Fn(&DeValue<'_>) -> Read<T>> Take<Vec<T>> for Each<F> {
    fn take(&self, reader: &mut Reader<'_>, section: &Section<'_>, key: &str) -> Option<Placed<Vec<T>>> {
        let list = reader.take_list(section, key, &self.0)?;
        Some(Placed { value: list.value.into_iter().map(|element| element.value).collect(), place: list.place })
    }
}

impl<T, F: Fn(&DeValue<'_>) -> Read<T>> Take<Vec<List<T>>> for EachOfEach<F> {
    fn take(&self, reader: &mut Reader<'_>, section: &Section<'_>, key: &str) -> Option<Placed<Vec<List<T>>>> {
        reader.take_lists(section, key, &self.0)
    }
}

impl<'s> Reader<'s> {
    /// Starts without findings.
    pub const fn new(source: &'s Source, sections: &'static [Listed]) -> Self {
        Self { source, sections, renamed: &[], findings: Vec::new(), hidden: Vec::new() }
    }

    /// Refuses old names of keys with the new ones.
    pub const fn renamed(mut self, renamed: &'static [Renamed]) -> Self {
        self.renamed = renamed;
        self
    }

    /// Keeps a finding.
    pub fn find(&mut self, finding: Finding) {
        self.findings.push(finding);
    }

    /// Hides what stands behind a place in its line: no finding shows it.
    pub fn hide_behind(&mut self, place: &Place) {
        self.hidden.push((place.line, place.column.saturating_add(place.width)));
    }

    /// Returns what was found.
    pub fn into_findings(mut self) -> Vec<Finding> {
        for place in self.findings.iter_mut().filter_map(|finding| finding.place.as_mut()) {
            for (_, column) in self.hidden.iter().filter(|(line, _)| *line == place.line) {
                let shown = usize::try_from(column.saturating_sub(1)).unwrap_or(usize::MAX);
                place.text = place.text.chars().take(shown).chain("…".chars()).collect::<String>().into();
                place.column = place.column.min(*column);
            }
        }
        self.findings
    }

    /// Returns where a section begins.
    pub fn place(&self, section: &Section<'_>) -> Place {
        self.source.place(section.span.clone())
    }

    /// Returns where a key of a section stands; the section's begin if it is not set.
    pub fn key_place(&self, section: &Section<'_>, key: &str) -> Place {
        let found = section.table.get_key_value(key);
        self.source.place(found.map_or_else(|| section.span.clone(), |(key, _)| key.span()))
    }

    /// Returns where the value of a key stands; the section's begin if it is not set.
    pub fn value_place(&self, section: &Section<'_>, key: &str) -> Place {
        let found = section.table.get(key);
        self.source.place(found.map_or_else(|| section.span.clone(), Spanned::span))
    }

    /// Reads the value of a key, if it is set; a wrong one becomes a finding.
    pub fn take<T>(
        &mut self,
        section: &Section<'_>,
        key: &str,
        read: impl Fn(&DeValue<'_>) -> Read<T>,
    ) -> Option<Placed<T>> {
        let value = section.table.get(key)?;
        self.read_value(key, value, read)
    }

    /// Reads a list, if it is set; wrong elements become findings and are left out.
    pub fn take_list<T>(
        &mut self,
        section: &Section<'_>,
        key: &str,
        read: impl Fn(&DeValue<'_>) -> Read<T>,
    ) -> Option<List<T>> {
        let value = section.table.get(key)?;
        self.read_list(key, value, &read)
    }

    /// Reads a list of lists, if it is set.
    pub fn take_lists<T>(
        &mut self,
        section: &Section<'_>,
        key: &str,
        read: impl Fn(&DeValue<'_>) -> Read<T>,
    ) -> Option<Placed<Vec<List<T>>>> {
        let value = section.table.get(key)?;
        let place = self.source.place(value.span());
        let Some(outer) = value.get_ref().as_array() else {
            self.wrong_value(key, value, "a list of lists: [[…], […]]");
            return None;
        };
        let lists = outer.iter().filter_map(|inner| self.read_list(key, inner, &read)).collect();
        Some(Placed { value: lists, place })
    }

    /// Returns a table below a section, if it is set.
    pub fn table<'a>(&mut self, section: &Section<'a>, key: &str, name: &'static str) -> Option<Section<'a>> {
        let (key_text, value) = section.table.get_key_value(key)?;
        match value.get_ref().as_table() {
            Some(table) => {
                let span = if value.span().is_empty() { key_text.span() } else { value.span() };
                Some(Section { name, table, span })
            }
            None => {
                let wanted =
                    if name.starts_with('[') { format!("a section {name}") } else { "a table {…}".to_owned() };
                self.wrong_value(key, value, &wanted);
                None
            }
        }
    }

    /// Returns the tables of an array of tables (`[[zone]]`), in the order of the file.
    pub fn tables<'a>(&mut self, section: &Section<'a>, key: &str, name: &'static str) -> Vec<Section<'a>> {
        let Some(value) = section.table.get(key) else { return Vec::new() };
        let Some(list) = value.get_ref().as_array() else {
            let wanted = if name.starts_with('[') {
                format!("sections {name}, with two pairs of brackets")
            } else {
                "a list of tables: [{…}, {…}]".to_owned()
            };
            self.wrong_value(key, value, &wanted);
            return Vec::new();
        };
        let mut tables = Vec::with_capacity(list.len());
        for entry in list.iter() {
            match entry.get_ref().as_table() {
                Some(table) => tables.push(Section { name, table, span: entry.span() }),
                None if name.starts_with('[') => self.wrong_value(key, entry, &format!("sections {name}")),
                None => self.wrong_value(key, entry, "a table {…}"),
            }
        }
        tables
    }

    /// Reports that a key is missing.
    pub fn missing(&mut self, section: &Section<'_>, key: &str, help: &str) {
        let finding = Finding::error("config-key-missing", format!("{} lacks `{key}`", section.name));
        self.find(finding.at(self.place(section)).help(help));
    }

    /// Reports the sections that the file cannot have.
    pub fn refuse_unknown_sections(&mut self, root: &Section<'_>) {
        let names: Vec<&str> = self.sections.iter().map(|(section, _)| bare_name(section)).chain(["version"]).collect();
        for (key, _) in root.table.iter().filter(|(key, _)| !names.contains(&key.get_ref().as_ref())) {
            let message = format!("there is no section or key `{}`", key.get_ref());
            let help = match nearest(key.get_ref(), names.iter().copied()) {
                Some(near) => format!("did you mean `{near}`?"),
                None => match self.home_of(key.get_ref()) {
                    Some(section) => format!("`{}` belongs in {section}", key.get_ref()),
                    None => format!("a config has {}", names.join(", ")),
                },
            };
            let place = self.source.place(key.span());
            self.find(Finding::error("config-key-unknown", message).at(place).help(help));
        }
    }

    /// Reports keys that the section does not have, or that come later.
    pub fn refuse_unknown_keys(&mut self, section: &Section<'_>, known: &[&[Key]]) {
        for (key, value) in section.table.iter() {
            let name = key.get_ref().as_ref();
            match known.iter().copied().flatten().find(|known| known.name == name) {
                Some(known) => self.judge_status(section, *known, key.span(), value),
                None => self.unknown_key(section, name, key.span(), known),
            }
        }
    }

    fn judge_status(&mut self, section: &Section<'_>, key: Key, span: Range<usize>, value: &Spanned<DeValue<'_>>) {
        if key.status == Status::Works
            || key.default().is_some_and(|default| default == self.source.slice(value.span()))
        {
            return;
        }
        let place = self.source.place(span);
        match key.status {
            Status::Works => {}
            Status::Later => self.find(
                Finding::error("config-key-later", format!("`{}` of {} is not there yet", key.name, section.name))
                    .at(place)
                    .why("it comes with a later version, and ignoring it would leave you without what you asked for")
                    .help("leave it out"),
            ),
        }
    }

    fn unknown_key(&mut self, section: &Section<'_>, name: &str, span: Range<usize>, known: &[&[Key]]) {
        let renamed = self.renamed.iter().find(|renamed| renamed.section == section.name && renamed.old == name);
        if let Some(Renamed { new, help, .. }) = renamed {
            let message = format!("`{name}` of {} is now `{new}`", section.name);
            let place = self.source.place(span);
            return self.find(Finding::error("config-key-renamed", message).at(place).help(*help));
        }
        let names = || known.iter().copied().flatten().map(|key| key.name);
        let help = match (nearest(name, names()), self.home_of(name)) {
            (Some(near), _) => format!("did you mean `{near}`?"),
            (None, Some(home)) => format!("`{name}` belongs in {home}"),
            (None, None) => format!("it has {}", names().collect::<Vec<_>>().join(", ")),
        };
        let message = format!("{} has no key `{name}`", section.name);
        let place = self.source.place(span);
        self.find(Finding::error("config-key-unknown", message).at(place).help(help));
    }

    fn read_list<T>(
        &mut self,
        key: &str,
        value: &Spanned<DeValue<'_>>,
        read: &impl Fn(&DeValue<'_>) -> Read<T>,
    ) -> Option<List<T>> {
        let place = self.source.place(value.span());
        let Some(list) = value.get_ref().as_array() else {
            self.wrong_value(key, value, "a list: […]");
            return None;
        };
        let elements = list.iter().filter_map(|element| self.read_value(key, element, read)).collect();
        Some(Placed { value: elements, place })
    }

    fn read_value<T>(
        &mut self,
        key: &str,
        value: &Spanned<DeValue<'_>>,
        read: impl Fn(&DeValue<'_>) -> Read<T>,
    ) -> Option<Placed<T>> {
        match read(value.get_ref()) {
            Ok(read) => Some(Placed { value: read, place: self.source.place(value.span()) }),
            Err(wanted) => {
                self.wrong_value(key, value, &wanted);
                None
            }
        }
    }

    /// Returns the section that has a key of this name.
    fn home_of(&self, name: &str) -> Option<&'static str> {
        let has = |keys: &[&[Key]]| keys.iter().copied().flatten().any(|key| key.name == name);
        self.sections.iter().find(|(_, keys)| has(keys)).map(|(section, _)| *section)
    }

    fn wrong_value(&mut self, key: &str, value: &Spanned<DeValue<'_>>, wanted: &str) {
        let written = self.source.slice(value.span());
        let line = written.lines().next().unwrap_or_default();
        let shown: String = line.chars().take(MOST_SHOWN).collect();
        let more = if shown.len() < written.len() { "…" } else { "" };
        let finding = Finding::error("config-value", format!("`{key}` cannot be {shown}{more}"));
        self.find(finding.at(self.source.place(value.span())).help(format!("it takes {wanted}")));
    }
}

fn bare_name(section: &'static str) -> &'static str {
    section.trim_matches(['[', ']'])
}

/// Returns the key or kind that was meant by a word, if there is one near enough; `_` counts as `-`.
pub fn nearest<'w>(text: &str, words: impl Iterator<Item = &'w str>) -> Option<&'w str> {
    let text = text.to_ascii_lowercase().replace('_', "-");
    nearest::nearest(&text, words, nearest::tolerance(&text))
}

/// The most characters of a wrong value that a message repeats.
const MOST_SHOWN: usize = 40;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_word_is_meant_if_it_is_near() {
        let words = ["interval", "fast-interval", "fall", "rise"];
        assert_eq!(nearest("intervall", words.into_iter()), Some("interval"));
        assert_eq!(nearest("fast_interval", words.into_iter()), Some("fast-interval"));
        assert_eq!(nearest("fail", words.into_iter()), Some("fall"));
        assert_eq!(nearest("colour", words.into_iter()), None);
    }
}
