//! Prints findings, for people or for programs.

use std::collections::BTreeSet;
use std::io::{self, Write};

use serde::Serialize;

use crate::base::finding::{Finding, Look, Severity};
use crate::cli::args::Format;
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
    /// What the probes saw, with `--live`.
    pub(super) live: Option<Vec<Seen>>,
}

impl Examined {
    /// Adds a zone of one of the files.
    pub(super) fn add_zone(&mut self, zone: &Zone) {
        self.zones += 1;
        self.services += zone.sets_of(Rtype::SRV).count();
        self.records += zone.record_count();
    }
}

/// Prints findings, sorted by file and line, and a closing line or summary.
///
/// The reason why a rule matters is printed with its first finding only.
///
/// # Errors
/// When `out` cannot be written to.
pub(super) fn print(
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
        Format::Json => print_json(&sorted, examined, out),
    }
}

/// Returns 1 if a finding is as bad as `deny` or worse, else 0.
pub(super) fn exit_code(findings: &[Finding], deny: Severity) -> u8 {
    u8::from(findings.iter().any(|finding| finding.severity >= deny))
}

fn print_text(sorted: &[&Finding], examined: &Examined, out: &mut dyn Write, colour: bool) -> io::Result<()> {
    let mut told = BTreeSet::new();
    // First the files, then what was seen of the targets, so that a long list does not hide it.
    let (files, rest) = sorted.split_at(sorted.partition_point(|finding| finding.place.is_some()));
    for finding in files {
        let why = told.insert(finding.id);
        writeln!(out, "{}\n", finding.render(Look { colour, why }))?;
    }
    if let Some(live) = examined.live.as_ref().filter(|live| !live.is_empty()) {
        writeln!(out, "{}", table(live))?;
    }
    for finding in rest {
        let why = told.insert(finding.id);
        writeln!(out, "{}\n", finding.render(Look { colour, why }))?;
    }
    writeln!(out, "{}", closing_line(&Summary::of(sorted), examined))
}

fn closing_line(summary: &Summary, examined: &Examined) -> String {
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
            format!("{}: {zones}, {services}, {records}: no findings", files.unwrap_or_default())
        }
        (Some(files), parts) => format!("{} in {files}", parts.join(", ")),
        (None, parts) => parts.join(", "),
    }
}

fn print_json(sorted: &[&Finding], examined: &Examined, out: &mut dyn Write) -> io::Result<()> {
    let report = Report {
        findings: sorted.iter().map(|finding| Row::of(finding)).collect(),
        targets: examined.live.as_deref(),
        summary: Summary::of(sorted),
    };
    serde_json::to_writer_pretty(&mut *out, &report)?;
    writeln!(out)
}

#[derive(Serialize)]
struct Report<'a> {
    findings: Vec<Row<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    targets: Option<&'a [Seen]>,
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
    fn of(findings: &[&Finding]) -> Self {
        let count = |severity| findings.iter().filter(|finding| finding.severity == severity).count();
        Self { errors: count(Severity::Error), warnings: count(Severity::Warning), notes: count(Severity::Note) }
    }
}
