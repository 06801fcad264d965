//! Collects findings: with positions, counted, and limited in number.

use std::sync::Arc;

use super::super::{Fault, Name, Rtype};
use super::places::{File, Span, place};
use crate::base::finding::{Finding, Severity};

/// The files read so far and what was found in them.
#[derive(Debug, Default)]
pub(super) struct Report<'a> {
    files: Vec<(Arc<str>, Text<'a>)>,
    /// With their file and offset, by which they are sorted in the end.
    findings: Vec<(u16, u32, Finding)>,
    errors: usize,
    hidden: usize,
}

/// The octets of a file.
#[derive(Clone, Debug)]
pub(super) enum Text<'a> {
    /// The main file, which the caller holds.
    Main(&'a [u8]),
    /// An included file.
    Included(Arc<[u8]>),
}

impl Text<'_> {
    /// Returns the octets.
    pub(super) fn octets(&self) -> &[u8] {
        match self {
            Self::Main(octets) => octets,
            Self::Included(octets) => octets,
        }
    }
}

impl<'a> Report<'a> {
    /// Adds a file; returns its number, nothing after 65,535.
    pub(super) fn add_file(&mut self, name: &str, text: Text<'a>) -> Option<u16> {
        let number = u16::try_from(self.files.len()).ok()?;
        self.files.push((name.into(), text));
        Some(number)
    }

    /// Returns a file's name.
    pub(super) fn file_name(&self, file: u16) -> Arc<str> {
        self.files.get(usize::from(file)).map_or_else(|| "".into(), |(name, _)| Arc::clone(name))
    }

    /// Adds a finding at a stretch of a file.
    pub(super) fn push(&mut self, file: u16, span: Span, finding: Finding) {
        let counted = self.findings.iter().filter(|(_, _, known)| known.severity == finding.severity).count();
        self.errors += usize::from(finding.severity == Severity::Error);
        if counted >= MOST {
            self.hidden += 1;
            return;
        }
        let finding = match self.files.get(usize::from(file)) {
            Some((name, text)) => {
                let octets = text.octets();
                let before = octets.get(..span.begin as usize).unwrap_or_default();
                let line = before.iter().filter(|octet| **octet == b'\n').count() + 1;
                let begin = before.iter().rposition(|octet| *octet == b'\n').map_or(0, |at| at + 1);
                let number = |size: usize| u32::try_from(size).unwrap_or(u32::MAX);
                finding.at(place(name, octets, number(begin), number(line), span))
            }
            None => finding,
        };
        self.findings.push((file, span.begin, finding));
    }

    /// Takes back what was found in a file; returns how many errors that were.
    pub(super) fn withdraw(&mut self, file: u16) -> usize {
        let known = self.errors_shown();
        self.findings.retain(|(within, _, _)| *within != file);
        let withdrawn = known - self.errors_shown();
        self.errors = self.errors.saturating_sub(withdrawn);
        withdrawn
    }

    fn errors_shown(&self) -> usize {
        self.findings.iter().filter(|(_, _, finding)| finding.severity == Severity::Error).count()
    }

    /// Adds a finding about the file as a whole.
    pub(super) fn push_general(&mut self, finding: Finding) {
        self.errors += usize::from(finding.severity == Severity::Error);
        self.findings.push((u16::MAX, u32::MAX, finding));
    }

    /// Returns whether an error was found.
    pub(super) const fn has_errors(&self) -> bool {
        self.errors > 0
    }

    /// Returns whether so many errors were found that more help nobody.
    pub(super) const fn is_full(&self) -> bool {
        self.errors >= MOST
    }

    /// Returns the findings in the order of files and lines.
    pub(super) fn finish(mut self, stopped: bool) -> Vec<Finding> {
        self.findings.sort_by_key(|(file, offset, _)| (*file, *offset));
        let mut findings: Vec<Finding> = self.findings.into_iter().map(|(_, _, finding)| finding).collect();
        if stopped {
            findings.push(Finding::note("zone-more", format!("the file is not read on after {MOST} errors")));
        } else if self.hidden > 0 {
            findings.push(Finding::note("zone-more", format!("{} more findings are not shown", self.hidden)));
        }
        findings
    }

    /// Returns the first token at an offset: where a record begins.
    pub(super) fn token_at(&self, file: u16, offset: u32) -> Span {
        let octets = self.files.get(usize::from(file)).map_or(&[][..], |(_, text)| text.octets());
        let rest = octets.get(offset as usize..).unwrap_or_default();
        let length = rest.iter().position(u8::is_ascii_whitespace).unwrap_or(rest.len());
        Span { begin: offset, end: offset.saturating_add(u32::try_from(length).unwrap_or(0)) }
    }

    /// Returns the files with their text, for places.
    pub(super) fn files(&self) -> Vec<File> {
        self.files.iter().map(|(name, text)| File::new(name, text.octets())).collect()
    }
}

/// Words a fault of the zone as a whole for the file's author.
pub(super) fn finding_of(fault: &Fault, owner: &Name, rtype: Rtype, origin: &Name) -> Finding {
    match fault {
        Fault::Outside => Finding::error("zone-outside", format!("{owner} lies outside of the zone {origin}"))
            .help(format!("names of this zone end in {origin}; other zones have their own files")),
        Fault::SecondSoa => Finding::error("zone-soa-twice", format!("a second SOA for {owner}"))
            .help("a zone has exactly one (RFC 1035 §5.2)"),
        Fault::SoaBelow => Finding::error("zone-soa-below", format!("an SOA at {owner}, below the origin {origin}"))
            .help("a zone has exactly one, at its origin; a child zone has its own file"),
        Fault::NoNs => Finding::error("zone-no-ns", format!("the zone {origin} has no NS records of its own")).help(
            format!("add at least one, such as `{origin} NS ns1.{}`", origin.to_string().trim_start_matches('.')),
        ),
        Fault::CnameBeside { other } => {
            Finding::error("zone-cname-beside", format!("{owner} has a CNAME and also {other}"))
                .why("a name with a CNAME is an alias and owns no other data (RFC 1034 §3.6.2)")
                .help("take one away; where the name must own more, give it the addresses themselves")
        }
        Fault::SecondAlias => Finding::error("zone-alias-twice", format!("a second {rtype} for {owner}"))
            .help(format!("a name has at most one {rtype} (RFC 2181 §10.1, RFC 6672 §2.4)")),
        Fault::TooMany { records } => {
            Finding::error("zone-set-size", format!("{owner} has {records} {rtype} records: no message can count them"))
                .help("a section has at most 65535 records; spread them over several names")
        }
        Fault::TooLarge { octets } => Finding::warning(
            "zone-set-size",
            format!("the {rtype} records of {owner} take {octets} octets: no message can carry them"),
        )
        .why("who asks for them gets an empty answer with the TC bit, by every transport")
        .help("a DNS message has at most 65535 octets; spread the records over several names"),
        Fault::TtlDiffers { ttl, used } => Finding::warning(
            "zone-ttl-differs",
            format!("this {rtype} record of {owner} has TTL {ttl}, the set has {used}: {used} is used"),
        )
        .why("the records of one name and type have one TTL (RFC 2181 §5.2); as in BIND the first counts")
        .help(format!("write {used} here, or the right TTL on all of them")),
        Fault::Duplicate => Finding::note("zone-duplicate", format!("this {rtype} record of {owner} is there already"))
            .why("a set has each record once (RFC 2181 §5); this one is dropped"),
    }
}

/// So many findings of one severity are shown.
const MOST: usize = 100;
