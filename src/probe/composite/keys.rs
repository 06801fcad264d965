//! `{ kind = "all", … }`, `any`, `at-least` and `not`.

use std::path::PathBuf;

use super::{Composite, Part, Rule};
use crate::base::finding::{Finding, Place};
use crate::keys::reader::{Reader, Section};
use crate::keys::source::Placed;
use crate::keys::{Key, Listed, values};
use crate::probe::CheckKind;
use crate::probe::entry::CheckEntry;
use crate::probe::kind::{CheckContext, KindKeys};

/// What composites may say.
#[derive(Clone, Debug, PartialEq)]
pub struct CompositeKeys {
    /// The kind, with `count`.
    pub rule: Rule,
    /// `checks`, or the one `check`.
    pub parts: Vec<CheckEntry>,
}

impl KindKeys for CompositeKeys {
    type Check = Composite;

    const FORMS: &'static [Listed] =
        &[("all", &[CHECKS]), ("any", &[CHECKS]), ("at-least", &[CHECKS, COUNT]), ("not", &[CHECK])];
    const EXAMPLE: &'static str = "\
{ kind = \"all\", checks = [{ kind = \"tcp\" }, { kind = \"http\", port = 8080 }] } needs all of them, { kind = \"any\", … }
one, { kind = \"at-least\", count = 2, … } so many; { kind = \"not\", check = { kind = \"tcp\", port = 8081 } } the contrary.";

    fn read(form: &str, reader: &mut Reader<'_>, table: &Section<'_>) -> Self {
        match form {
            "all" => Self::read_list(reader, table, |_, _| Rule::All),
            "any" => Self::read_list(reader, table, |_, _| Rule::Any),
            "at-least" => Self::read_list(reader, table, |reader, parts| Rule::AtLeast(count(reader, table, parts))),
            _ => Self::read_not(reader, table),
        }
    }

    /// Makes several checks of one; each is for the same.
    fn lower(&self, context: &CheckContext<'_>) -> Option<Composite> {
        let part = |part: &CheckEntry| {
            let check = part.kind.as_ref()?.lower(context)?;
            Some(Part { check, port: part.port.as_ref().map(|port| port.value) })
        };
        Some(Composite { rule: self.rule, parts: self.parts.iter().filter_map(part).collect() })
    }

    fn needs_port(&self) -> bool {
        self.parts.iter().any(CheckEntry::needs_port)
    }

    fn programs(&self) -> Vec<&Place> {
        self.parts.iter().flat_map(CheckEntry::programs).collect()
    }

    fn read_secrets(&mut self, read: &mut dyn FnMut(&Placed<PathBuf>) -> Option<String>) {
        self.parts.iter_mut().for_each(|part| part.read_secrets(read));
    }

    fn depth(&self) -> usize {
        self.parts.iter().filter_map(|part| part.kind.as_ref()).map(CheckKind::depth).max().unwrap_or(0) + 1
    }
}

impl CompositeKeys {
    /// Reads `checks`, and by `rule` what else there is, given how many they are.
    fn read_list(
        reader: &mut Reader<'_>,
        table: &Section<'_>,
        rule: impl FnOnce(&mut Reader<'_>, usize) -> Rule,
    ) -> Self {
        let sections = reader.tables(table, "checks", "`checks`");
        if !table.has("checks") {
            reader.missing(table, "checks", "name them, such as checks = [{ kind = \"tcp\" }, { kind = \"icmp\" }]");
        } else if !(1..=MOST_PARTS).contains(&sections.len()) {
            let message = format!("a check of 1 to {MOST_PARTS} others; here are {}", sections.len());
            let finding = Finding::error("check-parts", message).at(reader.key_place(table, "checks"));
            reader.find(finding.help("each takes a connection of its own at every test: keep those that matter"));
        }
        let parts = sections.iter().filter_map(|section| part(reader, section)).collect();
        Self { rule: rule(reader, sections.len()), parts }.bounded(reader, table, "checks")
    }

    /// Reads the one `check` of `not`.
    fn read_not(reader: &mut Reader<'_>, table: &Section<'_>) -> Self {
        let section = reader.table(table, "check", "`check`");
        if !table.has("check") {
            reader.missing(table, "check", "name it, such as check = { kind = \"tcp\", port = 8081 }");
        }
        let parts = section.and_then(|section| part(reader, &section)).into_iter().collect();
        Self { rule: Rule::Not, parts }.bounded(reader, table, "check")
    }

    /// Finds parts of parts of parts.
    fn bounded(self, reader: &mut Reader<'_>, table: &Section<'_>, at: &str) -> Self {
        if self.depth() == MOST_DEPTH + 1 {
            let message = format!("checks within checks go {MOST_DEPTH} deep at most");
            let finding = Finding::error("check-parts", message).at(reader.key_place(table, at));
            reader.find(finding.help("put the inner ones into the outer list"));
        }
        self
    }
}

/// Reads one part, which must test something.
fn part(reader: &mut Reader<'_>, section: &Section<'_>) -> Option<CheckEntry> {
    let part = CheckEntry::read_table(reader, section)?;
    if part.kind.is_none() {
        let finding = Finding::error("check-parts", "\"none\" tests nothing, so it can be no part of a check");
        reader.find(finding.at(reader.key_place(section, "kind")).help("leave it out"));
        return None;
    }
    Some(part)
}

fn count(reader: &mut Reader<'_>, table: &Section<'_>, parts: usize) -> usize {
    if !table.has("count") {
        reader.missing(table, "count", "say how many must pass, such as count = 2");
    }
    let placed: Option<Placed<u32>> = reader.take(table, "count", values::integer(1, MOST_COUNT));
    let Some(placed) = placed else { return 1 };
    let count = usize::try_from(placed.value).unwrap_or(usize::MAX);
    if count > parts {
        let message = format!("{count} of {parts} checks can never pass");
        let finding = Finding::error("check-parts", message).at(placed.place);
        reader.find(finding.help(format!("take a number from 1 to {parts}")));
    }
    count
}

const CHECKS: &[Key] = &[Key::bare("checks")];
const COUNT: &[Key] = &[Key::bare("count")];
const CHECK: &[Key] = &[Key::bare("check")];
/// The most parts of one check: each is a connection at every test.
const MOST_PARTS: usize = 8;
const MOST_COUNT: u32 = 8;
/// How deep checks may stand within checks.
const MOST_DEPTH: usize = 3;
