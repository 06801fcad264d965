//! Entries to records: owners, TTLs, classes, directives (RFC 1035 §5.1, RFC 2308 §4).

use std::sync::Arc;

use super::super::collect::{Records, Rules, Source};
use super::super::name::{self, MAX_NAME};
use super::super::schema::{self, Problem, Rdata, Token};
use super::super::serial::Soa;
use super::super::zone::MAX_TTL;
use super::super::{Fault, Name, Rtype, Zone};
use super::head::{Head, read_head};
use super::lex::{Entry, Lexer};
use super::limits::Limits;
use super::places::{Places, Span, Spans};
use super::report::{Report, Text, finding_of};
use super::source::{Origin, Parsed, Sources};
use crate::base::finding::Finding;

/// Parses a master file.
pub(super) fn parse(
    file: &str,
    text: &[u8],
    origin: Origin<'_>,
    sources: &mut dyn Sources,
    limits: Limits,
    keep: bool,
) -> Parsed {
    let mut reader = ZoneReader::new(origin, sources, limits, keep);
    reader.records.reserve(text.len().min(limits.text));
    reader.read_file(file, &Text::Main(text));
    reader.finish(origin)
}

/// The state of reading, over included files.
pub(super) struct ZoneReader<'a, 's> {
    pub(super) sources: &'s mut dyn Sources,
    pub(super) limits: Limits,
    pub(super) report: Report<'a>,
    records: Records,
    /// Where each record was written, if places are kept.
    spans: Option<Vec<Spans>>,
    rdata: Rdata,
    /// The present `$ORIGIN`.
    pub(super) origin: Option<Name>,
    /// Whether the present origin is only what the file's name suggests.
    pub(super) is_guessed: bool,
    pub(super) owner: Owner,
    /// `$TTL`, or the SOA's minimum where the SOA came without one.
    pub(super) default_ttl: Option<u32>,
    last_ttl: Option<u32>,
    /// The owner of the first SOA: the zone's origin.
    apex: Option<Name>,
    /// Whether records of these types were faulty: then their absence is no news.
    broken: Broken,
    /// The files being read, the innermost last.
    pub(super) open: Vec<Arc<str>>,
    pub(super) octets_read: usize,
    pub(super) generated: u32,
    /// How many records and directives could be read.
    pub(super) understood: usize,
}

/// The owner for a line that begins with a blank.
pub(super) enum Owner {
    /// There was none yet in this file.
    None,
    /// The last one was no name; its records are passed over without a word.
    Broken,
    /// Wire octets, their length, and whether it was written without a final dot.
    Known(Box<[u8; MAX_NAME]>, usize, bool),
}

#[derive(Default)]
struct Broken {
    soa: bool,
    ns: bool,
}

impl<'a, 's> ZoneReader<'a, 's> {
    fn new(origin: Origin<'_>, sources: &'s mut dyn Sources, limits: Limits, keep: bool) -> Self {
        let is_guessed = matches!(origin, Origin::Guessed(_));
        let origin = match origin {
            Origin::Named(name) | Origin::Guessed(name) => Some(name.clone()),
            Origin::Unknown => None,
        };
        Self {
            sources,
            limits,
            report: Report::default(),
            records: Records::default(),
            spans: keep.then(Vec::new),
            rdata: Rdata::default(),
            origin,
            is_guessed,
            owner: Owner::None,
            default_ttl: None,
            last_ttl: None,
            apex: None,
            broken: Broken::default(),
            open: Vec::new(),
            octets_read: 0,
            generated: 0,
            understood: 0,
        }
    }

    /// Reads a file to its end; returns its number, nothing if it could not be taken.
    pub(super) fn read_file(&mut self, name: &str, text: &Text<'a>) -> Option<u16> {
        self.octets_read = self.octets_read.saturating_add(text.octets().len());
        let Some(file) = self.report.add_file(name, text.clone()) else {
            self.report.push_general(Finding::error("zone-include", "more than 65535 files are included"));
            return None;
        };
        if self.octets_read > self.limits.text {
            let message = format!("with {name} the zone's text has more than {} octets", self.limits.text);
            self.report.push_general(Finding::error("zone-size", message));
            return None;
        }
        self.open.push(self.report.file_name(file));
        let mut lexer = Lexer::new(text.octets());
        let mut entry = Entry::default();
        while !self.report.is_full() {
            match lexer.next(&mut entry) {
                Ok(false) => break,
                Ok(true) => self.read_entry(file, &entry),
                Err(fault) => {
                    // What follows may lean on the lost owner or be the rest of an SOA.
                    self.note_broken(&entry);
                    self.report.push(file, fault.span, Finding::error(fault.id, fault.message).help(fault.help));
                }
            }
        }
        self.open.pop();
        Some(file)
    }

    fn read_entry(&mut self, file: u16, entry: &Entry<'_>) {
        let Some(first) = entry.tokens.first() else { return };
        let directive = first.text.starts_with(b"$") && !first.quoted;
        let result = match directive {
            true if entry.blank => {
                let message = format!("the directive {} does not begin its line", first.shown());
                Err(Problem::at(0, "zone-directive", message).help("take the blanks before it away"))
            }
            true => self.read_directive(file, entry),
            false => {
                let source = Source { file, offset: entry.spans.first().map_or(0, |span| span.begin) };
                self.read_record(entry, source)
            }
        };
        self.understood += usize::from(directive && result.is_ok());
        if let Err(problem) = result {
            let problem = if directive { problem } else { meant(entry, problem) };
            if !directive {
                self.note_broken(entry);
            }
            self.report.push(file, span_of(entry, problem.token), finding(problem));
        }
    }

    fn note_broken(&mut self, entry: &Entry<'_>) {
        for token in entry.tokens.iter().take(4) {
            self.broken.soa |= token.text.eq_ignore_ascii_case(b"SOA");
            self.broken.ns |= token.text.eq_ignore_ascii_case(b"NS");
        }
    }

    pub(super) fn read_record(&mut self, entry: &Entry<'_>, source: Source) -> Result<(), Problem> {
        let mut at = 0;
        if !entry.blank {
            self.read_owner(entry)?;
            at = 1;
        }
        match &self.owner {
            Owner::Known(..) => {}
            Owner::Broken => return Ok(()),
            Owner::None => {
                let message = "a record without an owner: no record stands before this line";
                return Err(Problem::at(0, "zone-no-owner", message).help("begin the line with the owner's name"));
            }
        }
        let head = read_head(entry, at)?;
        at = head.type_token + 1;
        let origin = self.origin.as_ref().map(Name::wire);
        schema::read(head.rtype, entry.tokens.get(at..).unwrap_or_default(), origin, &mut self.rdata).map_err(
            |problem| {
                let token = problem.token.map(|number| number + at).filter(|number| *number < entry.tokens.len());
                Problem { token, ..problem }
            },
        )?;
        let ttl = match (head.ttl, self.default_ttl, self.last_ttl) {
            (Some(ttl), _, _) | (None, Some(ttl), _) | (None, None, Some(ttl)) => ttl,
            (None, None, None) => self.ttl_of_soa(entry, &head, source.file)?,
        };
        self.last_ttl = head.ttl.or(self.last_ttl);
        let Owner::Known(wire, length, owner_relative) = &self.owner else { return Ok(()) };
        self.understood += 1;
        let owner = wire.get(..*length).unwrap_or_default();
        if head.rtype == Rtype::SOA && self.apex.is_none() {
            self.apex = Name::from_wire(owner).ok();
            self.is_guessed &= *owner_relative || entry.tokens.first().is_some_and(|token| token.text == b"@");
            if let (true, Some(origin)) = (self.is_guessed, &self.apex) {
                let note =
                    Finding::note("zone-origin-guessed", format!("the origin {origin} is that of the file's name"));
                let help = format!("put `$ORIGIN {origin}` at the top, so that the file says so whatever it is called");
                self.report.push(source.file, span_of(entry, Some(0)), note.help(help));
            }
        }
        if self.records.push(owner, head.rtype, ttl, &self.rdata.octets, source).is_none() {
            return Err(Problem::at(0, "zone-size", "the zone takes more than 4 GiB"));
        }
        if let Some(spans) = &mut self.spans {
            spans.push(spans_of(entry, &head, source.file, *owner_relative, self.rdata.relative));
        }
        Ok(())
    }

    fn read_owner(&mut self, entry: &Entry<'_>) -> Result<(), Problem> {
        let Some(token) = entry.tokens.first() else { return Ok(()) };
        let mut wire = match std::mem::replace(&mut self.owner, Owner::Broken) {
            Owner::Known(wire, _, _) => wire,
            Owner::None | Owner::Broken => Box::new([0; MAX_NAME]),
        };
        if token.quoted || token.mixed {
            let message = format!("the owner is {}: a name is written without quotes", token.shown());
            return Err(Problem::at(0, "zone-name", message));
        }
        let length = name::read(token.text, self.origin.as_ref().map(Name::wire), &mut wire)
            .map_err(|error| schema::name_problem("owner", token, error, 0))?;
        let relative = token.text != b"@" && schema::is_relative(token.text);
        self.owner = Owner::Known(wire, length, relative);
        Ok(())
    }

    /// Takes the SOA's minimum for its TTL and the default where no TTL is known, as BIND does.
    fn ttl_of_soa(&mut self, entry: &Entry<'_>, head: &Head, file: u16) -> Result<u32, Problem> {
        let minimum = Soa::read(&self.rdata.octets).filter(|_| head.rtype == Rtype::SOA);
        let Some(minimum) = minimum.map(|soa| soa.minimum) else {
            let message = format!("this {} record has no TTL, and none is known before it", head.rtype);
            let help = "put `$TTL 3600` at the top of the file, or a TTL before the type";
            return Err(Problem::at(head.type_token, "zone-no-ttl", message).help(help));
        };
        let message = format!("there is no TTL before the SOA: its last field, {minimum}, is taken for the default");
        let note = Finding::note("zone-no-ttl", message).help("put a line such as `$TTL 3600` before it (RFC 2308 §4)");
        self.report.push(file, span_of(entry, Some(head.type_token)), note);
        let minimum = minimum.min(MAX_TTL);
        self.default_ttl = Some(minimum);
        Ok(minimum)
    }

    fn finish(mut self, known: Origin<'_>) -> Parsed {
        let stopped = self.report.is_full();
        let mut dropped = Vec::new();
        let apex = self.apex.take();
        let zone = match &apex {
            Some(apex) => self.assemble(apex, known, &mut dropped),
            None => {
                if !self.broken.soa && !stopped {
                    self.report.push_general(no_soa(known));
                }
                None
            }
        };
        let zone = zone.filter(|_| !self.report.has_errors());
        let mut places = Places::default();
        if let (Some(_), Some(spans)) = (&zone, self.spans.take()) {
            dropped.sort_unstable();
            places = Places::new(self.report.files());
            for (record, spans) in spans.into_iter().enumerate() {
                let Some((owner, rtype, _)) = self.records.record(record) else { continue };
                if let (Err(_), Ok(owner)) = (dropped.binary_search(&record), Name::from_wire(owner)) {
                    places.push(&owner, rtype, spans);
                }
            }
        }
        Parsed { zone, apex, findings: self.report.finish(stopped), places }
    }

    fn assemble(&mut self, apex: &Name, known: Origin<'_>, dropped: &mut Vec<usize>) -> Option<Zone> {
        if let Origin::Named(name) = known
            && name != apex
        {
            let message = format!("this zone is {name} by the config, but the SOA stands at {apex}");
            let finding = Finding::error("zone-origin", message);
            self.report.push_general(finding.help("change the zone's `name`, or the $ORIGIN or owner of the SOA"));
        }
        let rules = Rules { ns_required: !self.broken.ns && !self.report.is_full() };
        let (report, records) = (&mut self.report, &self.records);
        records.assemble(apex, rules, &mut |owner, rtype, fault, record| {
            if fault == Fault::Duplicate {
                dropped.push(record);
            }
            let owner = Name::from_wire(owner).unwrap_or_else(|_| Name::root());
            let source = records.source(record);
            let span = report.token_at(source.file, source.offset);
            report.push(source.file, span, finding_of(&fault, &owner, rtype, apex));
        })
    }
}

/// Says what was meant, where a line has the habits of other files: comments with `#` or `//`, an indented owner.
fn meant(entry: &Entry<'_>, problem: Problem) -> Problem {
    let is_comment = |at: usize| {
        entry
            .tokens
            .get(at)
            .is_some_and(|token| !token.quoted && (token.text.starts_with(b"#") || token.text.starts_with(b"//")))
    };
    if let Some(at) = [Some(0), problem.token].into_iter().flatten().find(|at| is_comment(*at)) {
        let shown = entry.tokens.get(at).map(Token::shown).unwrap_or_default();
        return Problem::at(at, "zone-comment", format!("{shown} begins no comment")).help("a comment begins with `;`");
    }
    if entry.blank && read_head(entry, 1).is_ok() && read_head(entry, 0).is_err() {
        let shown = entry.tokens.first().map(Token::shown).unwrap_or_default();
        let message = format!("{shown} stands behind a blank, where no owner can be");
        let help = "take the blanks before it away; a line that begins with a blank has the owner of the record before";
        return Problem::at(0, "zone-owner-indented", message).help(help);
    }
    problem
}

fn no_soa(known: Origin<'_>) -> Finding {
    let message = match known {
        Origin::Named(name) | Origin::Guessed(name) => format!("the file has no SOA record for {name}"),
        Origin::Unknown => "the file has no SOA record".to_owned(),
    };
    Finding::error("zone-no-soa", message)
        .help("a zone begins with one: `@ SOA ns1 hostmaster 1 1h 15m 2w 5m` (RFC 1035 §3.3.13)")
}

fn finding(problem: Problem) -> Finding {
    let finding = Finding::error(problem.id, problem.message);
    match problem.help {
        Some(help) => finding.help(help),
        None => finding,
    }
}

/// Returns the stretch of a token, or what is behind the last one.
pub(super) fn span_of(entry: &Entry<'_>, token: Option<usize>) -> Span {
    let last = entry.spans.last().copied().unwrap_or_default();
    let behind = Span { begin: last.end, end: last.end.saturating_add(1) };
    token.and_then(|at| entry.spans.get(at).copied()).unwrap_or(behind)
}

fn spans_of(entry: &Entry<'_>, head: &Head, file: u16, owner_relative: bool, relative: u64) -> Spans {
    let fields = entry.spans.iter().skip(head.type_token + 1).enumerate();
    Spans {
        file,
        owner: entry.spans.first().copied().filter(|_| !entry.blank),
        ttl: head.ttl_token.and_then(|at| entry.spans.get(at).copied()),
        rtype: entry.spans.get(head.type_token).copied().unwrap_or_default(),
        fields: fields.map(|(number, span)| (*span, number < 64 && relative >> number & 1 == 1)).collect(),
        owner_relative,
    }
}
