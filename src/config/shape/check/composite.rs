//! `{ kind = "all", … }`, `any`, `at-least` and `not`

use crate::base::finding::Finding;
use crate::keys::Key;
use crate::keys::reader::{Reader, Section};
use crate::keys::source::Placed;
use crate::keys::values;
use crate::probe::Rule;

use super::{CheckKind, CheckShape, read_table};

/// What composites take.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CompositeShape {
    /// The kind, with `count`.
    pub rule: Rule,
    /// `checks`, or the one `check`.
    pub parts: Vec<CheckShape>,
}

impl CompositeShape {
    /// Reads `checks`, and `count` for `at-least`.
    pub(super) fn read(reader: &mut Reader<'_>, table: &Section<'_>, rule: Rule) -> Self {
        let sections = reader.tables(table, "checks", "`checks`");
        if !table.has("checks") {
            reader.missing(table, "checks", "name them, such as checks = [{ kind = \"tcp\" }, { kind = \"icmp\" }]");
        } else if !(1..=MOST_PARTS).contains(&sections.len()) {
            let message = format!("a check of 1 to {MOST_PARTS} others; here are {}", sections.len());
            let finding = Finding::error("check-parts", message).at(reader.key_place(table, "checks"));
            reader.find(finding.help("each takes a connection of its own at every test: keep those that matter"));
        }
        let parts: Vec<CheckShape> = sections.iter().filter_map(|section| part(reader, section)).collect();
        let rule = match rule {
            Rule::AtLeast(_) => Rule::AtLeast(count(reader, table, sections.len())),
            Rule::All | Rule::Any | Rule::Not => rule,
        };
        Self { rule, parts }.bounded(reader, table, "checks")
    }

    /// Reads the one `check` of `not`.
    pub(super) fn read_not(reader: &mut Reader<'_>, table: &Section<'_>) -> Self {
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

    fn depth(&self) -> usize {
        let inner =
            self.parts.iter().map(|part| if let CheckKind::Composite(inner) = &part.kind { inner.depth() } else { 0 });
        inner.max().unwrap_or(0) + 1
    }
}

/// Reads one part, which must test something.
fn part(reader: &mut Reader<'_>, section: &Section<'_>) -> Option<CheckShape> {
    let part = read_table(reader, section)?;
    if part.kind == CheckKind::Nothing {
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

pub(super) const KEYS: &[Key] = &[Key::bare("checks")];
pub(super) const COUNT_KEYS: &[Key] = &[Key::bare("checks"), Key::bare("count")];
pub(super) const NOT_KEYS: &[Key] = &[Key::bare("check")];
/// The most parts of one check: each is a connection at every test.
const MOST_PARTS: usize = 8;
const MOST_COUNT: u32 = 8;
/// How deep checks may stand within checks.
const MOST_DEPTH: usize = 3;
