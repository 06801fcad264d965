//! Prints findings, for people or for programs.

use std::collections::{BTreeSet, HashMap};
use std::io::{self, Write};

use serde::Serialize;

use crate::base::finding::{Finding, Look, Severity};
use crate::cli::words::counted;
use crate::zone::{Rtype, Zone};

use super::live::{Seen, table};

/// What was looked at, for the closing line.
#[derive(Clone, Debug, Default)]
pub(super) struct Examined {
    /// The files as the user named them.
    pub(super) files: Vec<String>,
    /// The number of zones that could be read.
    pub(super) zones: usize,
    /// The number of SRV sets in them.
    pub(super) services: usize,
    /// The number of records in them.
    pub(super) records: usize,
    /// The number of findings that are left out, as config or zone say that they are meant so.
    pub(super) allowed: usize,
    /// What the probes saw, with `--live`.
    pub(super) live: Option<Vec<Seen>>,
}

/// The form of the output.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Format {
    /// For people.
    Text,
    /// For programs.
    Json,
}

/// How findings are shown.
#[derive(Clone, Copy, Debug)]
pub(super) struct View {
    /// For people or for programs.
    pub(super) format: Format,
    /// What is less severe is left out.
    pub(super) min_severity: Severity,
    /// Whether findings of one rule become one.
    pub(super) grouped: bool,
    /// Whether with colours.
    pub(super) colour: bool,
    /// The columns of the terminal, if it is one.
    pub(super) width: Option<usize>,
}

impl Examined {
    /// Adds a zone of one of the files.
    pub(super) fn add_zone(&mut self, zone: &Zone) {
        self.zones += 1;
        self.services += zone.sets_of(Rtype::SRV).count();
        self.records += zone.record_count();
    }
}

/// Prints findings and a closing line or summary: for people the worst last, so that it stands above the prompt, and those
/// of one rule as one; for programs each, by file and line.
///
/// # Errors
/// When `out` cannot be written to.
pub(super) fn print(findings: &[Finding], examined: &Examined, view: View, out: &mut dyn Write) -> io::Result<()> {
    let mut sorted: Vec<&Finding> = findings.iter().filter(|finding| finding.severity >= view.min_severity).collect();
    sorted.sort_by_key(|finding| {
        let place = finding.place.as_ref();
        (place.is_none(), place.map(|place| (place.file.clone(), place.line, place.column)))
    });
    let summary = Summary::of(findings, examined.allowed);
    match view.format {
        Format::Text => {
            sorted.sort_by_key(|finding| finding.severity);
            print_text(&sorted, examined, view, out)?;
            writeln!(out, "{}", closing_line(&summary, examined, findings.len() - sorted.len()))
        }
        Format::Json => print_json(&sorted, examined, summary, out),
    }
}

/// Returns 1 if a finding is as bad as `deny` or worse, else 0.
pub(super) fn exit_code(findings: &[Finding], deny: Severity) -> u8 {
    u8::from(findings.iter().any(|finding| finding.severity >= deny))
}

fn print_text(sorted: &[&Finding], examined: &Examined, view: View, out: &mut dyn Write) -> io::Result<()> {
    if let Some(live) = examined.live.as_ref().filter(|live| !live.is_empty()) {
        writeln!(out, "{}", table(live))?;
    }
    let mut told = BTreeSet::new();
    for group in groups(sorted, view.grouped) {
        let Some((first, others)) = group.split_first() else { continue };
        let look = Look { colour: view.colour, why: told.insert(first.id), width: view.width };
        let most = match first.severity {
            Severity::Error => 9,
            Severity::Warning => 2,
            Severity::Note => 0,
        };
        writeln!(out, "{}\n", first.render_with(others, most, look))?;
    }
    Ok(())
}

/// Gathers findings of one rule, in the order of the first of each.
fn groups<'f>(sorted: &[&'f Finding], grouped: bool) -> Vec<Vec<&'f Finding>> {
    let mut groups: Vec<Vec<&Finding>> = Vec::new();
    let mut places: HashMap<(Severity, &str), usize> = HashMap::new();
    for &finding in sorted {
        let place = *places.entry((finding.severity, finding.id)).or_insert(groups.len());
        match groups.get_mut(place).filter(|_| grouped) {
            Some(group) => group.push(finding),
            None => groups.push(vec![finding]),
        }
    }
    groups
}

fn closing_line(summary: &Summary, examined: &Examined, hidden: usize) -> String {
    let allowed = if summary.allowed > 0 { format!("; {} allowed", summary.allowed) } else { String::new() };
    let hidden = if hidden > 0 { format!("; {hidden} not shown (--min-severity)") } else { String::new() };
    let files = match examined.files.as_slice() {
        [] => None,
        [file] => Some(file.clone()),
        files => Some(counted(files.len(), "file")),
    };
    let parts: Vec<String> = [(summary.errors, "error"), (summary.warnings, "warning"), (summary.notes, "note")]
        .into_iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, word)| counted(count, word))
        .collect();
    match (files, parts.as_slice()) {
        (files, []) => {
            let (zones, services) = (counted(examined.zones, "zone"), counted(examined.services, "service"));
            let records = counted(examined.records, "record");
            format!("{}: {zones}, {services}, {records}: no findings{allowed}", files.unwrap_or_default())
        }
        (Some(files), parts) => format!("{} in {files}{hidden}{allowed}", parts.join(", ")),
        (None, parts) => parts.join(", "),
    }
}

fn print_json(sorted: &[&Finding], examined: &Examined, summary: Summary, out: &mut dyn Write) -> io::Result<()> {
    let report = Report {
        findings: sorted.iter().map(|finding| ReportRow::of(finding)).collect(),
        targets: examined.live.as_deref(),
        summary,
    };
    serde_json::to_writer_pretty(&mut *out, &report)?;
    writeln!(out)
}

#[derive(Serialize)]
struct Report<'a> {
    findings: Vec<ReportRow<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    targets: Option<&'a [Seen]>,
    summary: Summary,
}

/// A finding as JSON; what does not apply is null.
#[derive(Serialize)]
struct ReportRow<'a> {
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
    #[serde(skip_serializing_if = "is_none")]
    allowed: usize,
}

/// Returns whether there are none; what is rarely there is left out.
#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde's signature")]
const fn is_none(count: &usize) -> bool {
    *count == 0
}

impl<'a> ReportRow<'a> {
    fn of(finding: &'a Finding) -> Self {
        let place = finding.place.as_ref();
        Self {
            id: finding.id,
            severity: finding.severity.as_str(),
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
    fn of(findings: &[Finding], allowed: usize) -> Self {
        let count = |severity| findings.iter().filter(|finding| finding.severity == severity).count();
        Self {
            errors: count(Severity::Error),
            warnings: count(Severity::Warning),
            notes: count(Severity::Note),
            allowed,
        }
    }
}
