//! `understudy check`: prints findings for people or for programs, and says with which code to exit.

use std::collections::BTreeSet;
use std::io::{self, Write};

use serde::Serialize;

use crate::base::finding::{Finding, Look, Severity};
use crate::zone::check::{RULES, find};
use crate::zone::{Rtype, Zone};

/// How findings are printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// As a compiler does, for people.
    Text,
    /// One JSON object, for programs.
    Json,
}

/// What was looked at, for the closing line.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Examined {
    /// The files as the user named them.
    pub files: Vec<String>,
    /// The number of zones that could be read.
    pub zones: usize,
    /// The number of SRV sets in them.
    pub services: usize,
    /// The number of records in them.
    pub records: usize,
}

impl Examined {
    /// Adds a file, and its zone if there is one.
    pub fn add(&mut self, file: impl Into<String>, zone: Option<&Zone>) {
        self.files.push(file.into());
        if let Some(zone) = zone {
            self.add_zone(zone);
        }
    }

    /// Adds a zone of a file that was added.
    pub fn add_zone(&mut self, zone: &Zone) {
        let sets = zone.nodes().flat_map(|(_, sets)| sets);
        self.zones += 1;
        self.services += sets.filter(|set| set.rtype() == Rtype::SRV).count();
        self.records += zone.record_count();
    }
}

/// Prints findings, sorted by file and line, and a closing line or summary.
///
/// The reason why a rule matters is printed with its first finding only.
///
/// # Errors
/// When `out` cannot be written to.
pub fn print(
    findings: &[Finding],
    examined: &Examined,
    format: Format,
    out: &mut dyn Write,
    colour: bool,
) -> io::Result<()> {
    let mut sorted: Vec<&Finding> = findings.iter().collect();
    sorted.sort_by_key(|finding| {
        let place = finding.place.as_ref();
        (place.is_none(), place.map(|place| (place.file.clone(), place.line, place.column)))
    });
    match format {
        Format::Text => print_text(&sorted, examined, out, colour),
        Format::Json => print_json(&sorted, out),
    }
}

/// Returns 1 if a finding is as bad as `deny` or worse, else 0.
pub fn exit_code(findings: &[Finding], deny: Severity) -> u8 {
    u8::from(findings.iter().any(|finding| finding.severity >= deny))
}

/// Prints what a rule finds, why that matters, the mend and an example; says whether there is such a rule.
///
/// # Errors
/// When `out` cannot be written to.
pub fn explain(id: &str, out: &mut dyn Write) -> io::Result<bool> {
    let Some(rule) = find(id) else { return Ok(false) };
    writeln!(out, "{} ({})\n\nFinds {}.\n", rule.id, rule.severity, rule.finds)?;
    writeln!(out, "Why:   {}.\nMend:  {}.", rule.why, rule.help)?;
    if !rule.see.is_empty() {
        writeln!(out, "See:   {}", rule.see_example())?;
    }
    for (word, records) in [("Wrong:", rule.wrong), ("Right:", rule.right)] {
        writeln!(out, "\n{word}")?;
        for line in records.lines() {
            writeln!(out, "    {line}")?;
        }
    }
    Ok(true)
}

/// Walks over the ids of all rules, for `--explain` without a known one.
pub fn rule_ids() -> impl Iterator<Item = &'static str> {
    RULES.iter().map(|rule| rule.id)
}

fn print_text(sorted: &[&Finding], examined: &Examined, out: &mut dyn Write, colour: bool) -> io::Result<()> {
    let mut told = BTreeSet::new();
    for finding in sorted {
        let why = told.insert(finding.id);
        writeln!(out, "{}\n", finding.render(Look { colour, why }))?;
    }
    writeln!(out, "{}", closing_line(&Summary::of(sorted), examined))
}

fn closing_line(summary: &Summary, examined: &Examined) -> String {
    let files = match examined.files.as_slice() {
        [file] => file.clone(),
        files => format!("{} files", files.len()),
    };
    let parts: Vec<String> = [(summary.errors, "error"), (summary.warnings, "warning"), (summary.notes, "note")]
        .into_iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, word)| counted(count, word))
        .collect();
    if parts.is_empty() {
        let (zones, services) = (counted(examined.zones, "zone"), counted(examined.services, "service"));
        return format!("{files}: {zones}, {services}, {}: no findings", counted(examined.records, "record"));
    }
    format!("{} in {files}", parts.join(", "))
}

fn counted(count: usize, word: &str) -> String {
    if count == 1 { format!("1 {word}") } else { format!("{count} {word}s") }
}

fn print_json(sorted: &[&Finding], out: &mut dyn Write) -> io::Result<()> {
    let report =
        Report { findings: sorted.iter().map(|finding| Row::of(finding)).collect(), summary: Summary::of(sorted) };
    serde_json::to_writer_pretty(&mut *out, &report)?;
    writeln!(out)
}

#[derive(Serialize)]
struct Report<'a> {
    findings: Vec<Row<'a>>,
    summary: Summary,
}

/// A finding as JSON; what does not apply is null.
#[derive(Serialize)]
struct Row<'a> {
    id: &'a str,
    severity: &'a str,
    file: Option<&'a str>,
    line: Option<u32>,
    column: Option<u32>,
    width: Option<u32>,
    message: &'a str,
    why: Option<&'a str>,
    help: Option<&'a str>,
    command: Option<&'a str>,
}

#[derive(Serialize)]
struct Summary {
    errors: usize,
    warnings: usize,
    notes: usize,
}

impl<'a> Row<'a> {
    fn of(finding: &'a Finding) -> Self {
        let place = finding.place.as_ref();
        Self {
            id: finding.id,
            severity: finding.severity.word(),
            file: place.map(|place| &*place.file),
            line: place.map(|place| place.line),
            column: place.map(|place| place.column),
            width: place.map(|place| place.width),
            message: &finding.message,
            why: finding.why.as_deref(),
            help: finding.help.as_deref(),
            command: finding.command.as_deref(),
        }
    }
}

impl Summary {
    fn of(findings: &[&Finding]) -> Self {
        let count = |severity| findings.iter().filter(|finding| finding.severity == severity).count();
        Self { errors: count(Severity::Error), warnings: count(Severity::Warning), notes: count(Severity::Note) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::finding::Place;

    fn at(line: u32) -> Place {
        Place { file: "a.zone".into(), line, column: 1, width: 2, text: "ab".into() }
    }

    fn printed(findings: &[Finding], format: Format) -> String {
        let examined = Examined { files: vec!["a.zone".into()], zones: 1, services: 4, records: 16 };
        let mut out = Vec::new();
        print(findings, &examined, format, &mut out, false).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn findings_are_printed_by_line_and_a_reason_once() {
        let findings =
            [Finding::error("x", "second").at(at(9)).why("so"), Finding::error("x", "first").at(at(2)).why("so")];
        let text = printed(&findings, Format::Text);
        assert!(text.find("first") < text.find("second"));
        assert_eq!(text.matches("why: so").count(), 1);
        assert!(text.ends_with("2 errors in a.zone\n"));
    }

    #[test]
    fn a_clean_zone_says_what_was_looked_at() {
        assert_eq!(printed(&[], Format::Text), "a.zone: 1 zone, 4 services, 16 records: no findings\n");
    }

    #[test]
    fn json_is_one_object_with_findings_and_summary() {
        let json =
            printed(&[Finding::warning("x", "odd").at(at(3)).help("mend"), Finding::note("y", "even")], Format::Json);
        let value: serde_json::Value = serde_json::from_str(&json).unwrap();
        assert_eq!(value["findings"][0]["line"], 3);
        assert_eq!(value["findings"][0]["why"], serde_json::Value::Null);
        assert_eq!(value["findings"][1]["file"], serde_json::Value::Null);
        assert_eq!(value["summary"], serde_json::json!({"errors": 0, "warnings": 1, "notes": 1}));
    }

    #[test]
    fn the_exit_code_follows_what_is_denied() {
        let findings = [Finding::warning("x", "odd")];
        assert_eq!(exit_code(&findings, Severity::Error), 0);
        assert_eq!(exit_code(&findings, Severity::Warning), 1);
        assert_eq!(exit_code(&findings, Severity::Note), 1);
        assert_eq!(exit_code(&[], Severity::Note), 0);
    }

    #[test]
    fn every_rule_can_be_explained() {
        for id in rule_ids() {
            let mut out = Vec::new();
            assert!(explain(id, &mut out).unwrap());
            let text = String::from_utf8(out).unwrap();
            assert!(text.starts_with(id) && !text.contains('{') || id == "service-unprobed", "{text}");
        }
        assert!(!explain("no-such-rule", &mut Vec::new()).unwrap());
    }
}
