//! Entries to records: owners, TTLs, classes, directives (RFC 1035 §5.1, RFC 2308 §4).

use std::sync::Arc;

use super::super::collect::{Records, Rules, Source};
use super::super::name::{self, MAX_NAME};
use super::super::{Fault, Name, Rtype, Zone};
use super::generate::{Range, substitute};
use super::lex::{Entry, Lexer};
use super::places::{Places, Span, Spans};
use super::report::{Report, Text, finding_of};
use super::schema::{self, Rdata};
use super::{Origin, Parsed, Sources, Token, read_ttl};
use crate::base::finding::Finding;

/// Parses a master file.
pub(super) fn parse(file: &str, text: &[u8], origin: Origin<'_>, sources: &mut dyn Sources, keep: bool) -> Parsed {
    let mut reader = Reader::new(origin, sources, keep);
    reader.records.reserve(text.len().min(MAX_TEXT));
    reader.read_file(file, Text::Main(text));
    reader.finish(origin)
}

/// The state of reading, over included files.
struct Reader<'a, 's> {
    sources: &'s mut dyn Sources,
    report: Report<'a>,
    records: Records,
    /// Where each record was written, if places are kept.
    spans: Option<Vec<Spans>>,
    rdata: Rdata,
    /// The present `$ORIGIN`.
    origin: Option<Name>,
    owner: Owner,
    /// `$TTL`, or the SOA's minimum where the SOA came without one.
    default_ttl: Option<u32>,
    last_ttl: Option<u32>,
    /// The owner of the first SOA: the zone's origin.
    apex: Option<Name>,
    /// Whether records of these types were faulty: then their absence is no news.
    broken: Broken,
    /// The files being read, the innermost last.
    open: Vec<Arc<str>>,
    octets_read: usize,
    generated: u32,
}

/// The owner for a line that begins with a blank.
enum Owner {
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

/// What stands between owner and RDATA.
#[derive(Default)]
struct Head {
    ttl: Option<u32>,
    ttl_token: Option<usize>,
    rtype: Rtype,
    type_token: usize,
}

/// A finding and the token it is about; behind the last one if there is none.
type Fail = (Option<usize>, Finding);

impl<'a, 's> Reader<'a, 's> {
    fn new(origin: Origin<'_>, sources: &'s mut dyn Sources, keep: bool) -> Self {
        let origin = match origin {
            Origin::Named(name) | Origin::Guessed(name) => Some(name.clone()),
            Origin::Unknown => None,
        };
        Self {
            sources,
            report: Report::default(),
            records: Records::default(),
            spans: keep.then(Vec::new),
            rdata: Rdata::default(),
            origin,
            owner: Owner::None,
            default_ttl: None,
            last_ttl: None,
            apex: None,
            broken: Broken::default(),
            open: Vec::new(),
            octets_read: 0,
            generated: 0,
        }
    }

    fn read_file(&mut self, name: &str, text: Text<'a>) {
        self.octets_read = self.octets_read.saturating_add(text.octets().len());
        let Some(file) = self.report.add_file(name, text.clone()) else {
            self.report.push_general(Finding::error("zone-include", "more than 65535 files are included"));
            return;
        };
        if self.octets_read > MAX_TEXT {
            let message = format!("with {name} the zone's text has more than {MAX_TEXT} octets");
            self.report.push_general(Finding::error("zone-size", message));
            return;
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
    }

    fn read_entry(&mut self, file: u16, entry: &Entry<'_>) {
        let Some(first) = entry.tokens.first() else { return };
        let directive = first.text.starts_with(b"$") && !first.quoted;
        let result = match directive {
            true if entry.blank => Err((
                Some(0),
                Finding::error("zone-directive", format!("the directive {} does not begin its line", first.shown()))
                    .help("take the blanks before it away"),
            )),
            true => self.read_directive(file, entry),
            false => {
                let source = Source { file, offset: entry.spans.first().map_or(0, |span| span.begin) };
                self.read_record(entry, source)
            }
        };
        if let Err((token, finding)) = result {
            if !directive {
                self.note_broken(entry);
            }
            self.report.push(file, span_of(entry, token), finding);
        }
    }

    fn note_broken(&mut self, entry: &Entry<'_>) {
        for token in entry.tokens.iter().take(4) {
            self.broken.soa |= token.text.eq_ignore_ascii_case(b"SOA");
            self.broken.ns |= token.text.eq_ignore_ascii_case(b"NS");
        }
    }

    fn read_directive(&mut self, file: u16, entry: &Entry<'_>) -> Result<(), Fail> {
        let word = entry.tokens.first().map(|token| token.text.to_ascii_uppercase()).unwrap_or_default();
        let count = |least: usize, most: usize, usage: &str| {
            let found = entry.tokens.len() - 1;
            let at = if found > most { Some(most + 1) } else { None };
            let what = if found > most { "too many arguments" } else { "an argument is missing" };
            let fail = || (at, Finding::error("zone-directive", what).help(format!("it is written `{usage}`")));
            if (least..=most).contains(&found) { Ok(()) } else { Err(fail()) }
        };
        match word.as_slice() {
            b"$ORIGIN" => {
                count(1, 1, "$ORIGIN name")?;
                self.origin = Some(self.name_at(entry, 1, "origin")?);
            }
            b"$TTL" => {
                count(1, 1, "$TTL seconds")?;
                self.default_ttl = Some(ttl_at(entry, 1)?);
            }
            b"$INCLUDE" => {
                count(1, 2, "$INCLUDE file [origin]")?;
                self.include(file, entry)?;
            }
            b"$GENERATE" => {
                count(3, usize::MAX - 1, "$GENERATE from-to[/step] owner [ttl] [class] type rdata")?;
                self.generate(file, entry)?;
            }
            _ => {
                let shown = entry.tokens.first().map(Token::shown).unwrap_or_default();
                return Err((
                    Some(0),
                    Finding::error("zone-directive", format!("{shown} is no directive"))
                        .help("there are $ORIGIN, $TTL, $INCLUDE and $GENERATE; an owner that begins with $ is written \\$"),
                ));
            }
        }
        Ok(())
    }

    fn include(&mut self, file: u16, entry: &Entry<'_>) -> Result<(), Fail> {
        let path = entry.tokens.get(1).and_then(Token::decoded).and_then(|path| String::from_utf8(path).ok());
        let fail = |message: String| (Some(1), Finding::error("zone-include", message));
        let path = path.ok_or_else(|| fail("the file's name is not UTF-8 or has a bad escape".to_owned()))?;
        let origin = match entry.tokens.get(2) {
            Some(_) => Some(self.name_at(entry, 2, "origin")?),
            None => self.origin.clone(),
        };
        if self.open.len() > MAX_DEPTH {
            return Err(fail(format!("files include each other more than {MAX_DEPTH} deep")));
        }
        let (name, text) = self
            .sources
            .read(&self.report.file_name(file), &path)
            .map_err(|error| fail(format!("`{path}` cannot be included: {error}")))?;
        if self.open.iter().any(|open| **open == *name) {
            return Err(fail(format!("`{name}` includes itself")));
        }
        // RFC 1035 §5.1: what the included file does to origin and owner ends with it.
        let outer_origin = std::mem::replace(&mut self.origin, origin);
        let outer_owner = std::mem::replace(&mut self.owner, Owner::None);
        self.read_file(&name, Text::Included(text.into()));
        self.origin = outer_origin;
        self.owner = outer_owner;
        Ok(())
    }

    fn generate(&mut self, file: u16, entry: &Entry<'_>) -> Result<(), Fail> {
        let fail = |token: usize, message: String| (Some(token), Finding::error("zone-generate", message));
        let shown = entry.tokens.get(1).map(Token::shown).unwrap_or_default();
        let range = entry.tokens.get(1).and_then(Token::word).and_then(Range::read);
        let range = range.ok_or_else(|| {
            let (token, finding) = fail(1, format!("{shown} is no range"));
            (token, finding.help("from-to or from-to/step, such as 1-254"))
        })?;
        self.generated = self.generated.saturating_add(range.count());
        if self.generated > MAX_GENERATED {
            return Err(fail(1, format!("$GENERATE makes more than {MAX_GENERATED} records")));
        }
        let mut template = Vec::new();
        for token in entry.tokens.get(2..).unwrap_or_default() {
            let quote: &[u8] = if token.quoted { b"\"" } else { b"" };
            template.extend_from_slice(&[quote, token.text, quote, b" "].concat());
        }
        let source = Source { file, offset: entry.spans.first().map_or(0, |span| span.begin) };
        let mut line = Vec::new();
        for value in range.values() {
            line.clear();
            substitute(&template, value, &mut line).map_err(|message| fail(2, message))?;
            let mut made = Entry::default();
            let cut = Lexer::new(&line).next(&mut made).map_err(|fault| fault.message.to_owned());
            // The directive's line stands for what it makes.
            made.spans = vec![span_of(entry, Some(0)); made.tokens.len()];
            cut.map_err(|message| (None, Finding::error("zone-generate", message)))
                .and_then(|_| self.read_record(&made, source))
                .map_err(|(_, mut finding)| {
                    let text = String::from_utf8_lossy(&line).trim().to_owned();
                    finding.message = format!("in `{text}`, made for {value}: {}", finding.message);
                    (Some(0), finding)
                })?;
        }
        Ok(())
    }

    fn name_at(&self, entry: &Entry<'_>, at: usize, what: &str) -> Result<Name, Fail> {
        let Some(token) = entry.tokens.get(at) else { return Err((None, Finding::error("zone-name", "a name is missing"))) };
        Name::parse(token.text, self.origin.as_ref())
            .map_err(|error| (Some(at), finding(schema::name_problem(what, token, error, at))))
    }

    fn read_record(&mut self, entry: &Entry<'_>, source: Source) -> Result<(), Fail> {
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
                return Err((Some(0), Finding::error("zone-no-owner", message).help("begin the line with the owner's name")));
            }
        }
        let head = read_head(entry, at)?;
        at = head.type_token + 1;
        let origin = self.origin.as_ref().map(Name::wire);
        schema::read(head.rtype, entry.tokens.get(at..).unwrap_or_default(), origin, &mut self.rdata).map_err(
            |problem| {
                let token = problem.token.map(|number| number + at).filter(|number| *number < entry.tokens.len());
                (token, finding(problem))
            },
        )?;
        let ttl = match (head.ttl, self.default_ttl, self.last_ttl) {
            (Some(ttl), _, _) | (None, Some(ttl), _) | (None, None, Some(ttl)) => ttl,
            (None, None, None) => self.ttl_of_soa(entry, &head, source.file)?,
        };
        self.last_ttl = head.ttl.or(self.last_ttl);
        let Owner::Known(wire, length, owner_relative) = &self.owner else { return Ok(()) };
        let owner = wire.get(..*length).unwrap_or_default();
        if head.rtype == Rtype::SOA && self.apex.is_none() {
            self.apex = Name::from_wire(owner).ok();
        }
        if self.records.push(owner, head.rtype, ttl, &self.rdata.octets, source).is_none() {
            return Err((Some(0), Finding::error("zone-size", "the zone takes more than 4 GiB")));
        }
        if let Some(spans) = &mut self.spans {
            spans.push(spans_of(entry, &head, source.file, *owner_relative, self.rdata.relative));
        }
        Ok(())
    }

    fn read_owner(&mut self, entry: &Entry<'_>) -> Result<(), Fail> {
        let Some(token) = entry.tokens.first() else { return Ok(()) };
        let mut wire = match std::mem::replace(&mut self.owner, Owner::Broken) {
            Owner::Known(wire, _, _) => wire,
            Owner::None | Owner::Broken => Box::new([0; MAX_NAME]),
        };
        if token.quoted || token.mixed {
            let message = format!("the owner is {}: a name is written without quotes", token.shown());
            return Err((Some(0), Finding::error("zone-name", message)));
        }
        let length = name::read(token.text, self.origin.as_ref().map(Name::wire), &mut wire)
            .map_err(|error| (Some(0), finding(schema::name_problem("owner", token, error, 0))))?;
        let relative = token.text != b"@" && schema::is_relative(token.text);
        self.owner = Owner::Known(wire, length, relative);
        Ok(())
    }

    /// Takes the SOA's minimum for its TTL and the default where no TTL is known, as BIND does.
    fn ttl_of_soa(&mut self, entry: &Entry<'_>, head: &Head, file: u16) -> Result<u32, Fail> {
        let minimum = super::super::serial::Soa::read(&self.rdata.octets).filter(|_| head.rtype == Rtype::SOA);
        let Some(minimum) = minimum.map(|soa| soa.minimum) else {
            let message = format!("this {} record has no TTL, and none is known before it", head.rtype);
            let help = "put `$TTL 3600` at the top of the file, or a TTL before the type";
            return Err((Some(head.type_token), Finding::error("zone-no-ttl", message).help(help)));
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
        let zone = match self.apex.take() {
            Some(apex) => self.assemble(&apex, known, &mut dropped),
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
        Parsed { zone, findings: self.report.finish(stopped), places }
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

fn no_soa(known: Origin<'_>) -> Finding {
    let message = match known {
        Origin::Named(name) | Origin::Guessed(name) => format!("the file has no SOA record for {name}"),
        Origin::Unknown => "the file has no SOA record".to_owned(),
    };
    Finding::error("zone-no-soa", message)
        .help("a zone begins with one: `@ SOA ns1 hostmaster 1 1h 15m 2w 5m` (RFC 1035 §3.3.13)")
}

/// Reads TTL, class and type: the first two in either order, each at most once.
fn read_head(entry: &Entry<'_>, begin: usize) -> Result<Head, Fail> {
    let mut head = Head::default();
    let mut has_class = false;
    for (at, token) in entry.tokens.iter().enumerate().skip(begin) {
        let word = token.word().unwrap_or_default();
        if let Some(rtype) = quick_type(word) {
            (head.rtype, head.type_token) = (rtype, at);
            return Ok(head);
        }
        if head.ttl.is_none() && word.starts_with(|first: char| first.is_ascii_digit()) {
            head.ttl = Some(ttl_at(entry, at)?);
            head.ttl_token = Some(at);
        } else if !has_class && let Some(class) = class_of(word) {
            has_class = true;
            if class != 1 {
                let message = format!("the class is `{word}`: only zones of class IN are served");
                return Err((Some(at), Finding::error("zone-class", message)));
            }
        } else if let Some(rtype) = Rtype::parse(word) {
            if rtype.is_meta() {
                let message = format!("{rtype} stands in questions and messages only, never in a zone");
                return Err((Some(at), Finding::error("zone-meta-type", message)));
            }
            (head.rtype, head.type_token) = (rtype, at);
            return Ok(head);
        } else {
            let finding = Finding::error("zone-type", format!("{} is no record type", token.shown()));
            return Err((Some(at), finding.help("a record is `owner [ttl] [IN] type rdata`; other types are TYPEnnn")));
        }
    }
    let finding = Finding::error("zone-no-type", "the record ends before its type");
    Err((None, finding.help("a record is `owner [ttl] [IN] type rdata`")))
}

/// Finds the most frequent types without a walk over all.
fn quick_type(word: &str) -> Option<Rtype> {
    match word {
        "A" => Some(Rtype::A),
        "AAAA" => Some(Rtype::AAAA),
        "SRV" => Some(Rtype::SRV),
        "NS" => Some(Rtype::NS),
        "CNAME" => Some(Rtype::CNAME),
        "TXT" => Some(Rtype::TXT),
        _ => None,
    }
}

fn class_of(word: &str) -> Option<u16> {
    let known = [("IN", 1), ("CS", 2), ("CSNET", 2), ("CH", 3), ("CHAOS", 3), ("HS", 4), ("HESIOD", 4)];
    if let Some((_, class)) = known.iter().find(|(name, _)| word.eq_ignore_ascii_case(name)) {
        return Some(*class);
    }
    let (class, number) = word.split_at_checked(5)?;
    let digits = !number.is_empty() && number.bytes().all(|octet| octet.is_ascii_digit());
    (class.eq_ignore_ascii_case("CLASS") && digits).then(|| number.parse().ok()).flatten()
}

fn ttl_at(entry: &Entry<'_>, at: usize) -> Result<u32, Fail> {
    let Some(token) = entry.tokens.get(at) else { return Err((None, Finding::error("zone-ttl", "a TTL is missing"))) };
    let Some(seconds) = read_ttl(token.text).filter(|_| !token.quoted) else {
        let finding = Finding::error("zone-ttl", format!("{} is no TTL", token.shown()));
        return Err((Some(at), finding.help("seconds, or numbers with units, such as 3600 or 1h30m")));
    };
    u32::try_from(seconds).ok().filter(|ttl| *ttl <= MAX_TTL).ok_or_else(|| {
        let finding = Finding::error("zone-ttl", format!("the TTL is {seconds} s, above {MAX_TTL}"));
        (Some(at), finding.why("a TTL has 31 bits; readers take a larger one for 0 (RFC 2181 §8)"))
    })
}

fn finding(problem: schema::Problem) -> Finding {
    let finding = Finding::error(problem.id, problem.message);
    match problem.help {
        Some(help) => finding.help(help),
        None => finding,
    }
}

/// Returns the stretch of a token, or what is behind the last one.
fn span_of(entry: &Entry<'_>, token: Option<usize>) -> Span {
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

/// The largest TTL (RFC 2181 §8).
const MAX_TTL: u32 = (1 << 31) - 1;
/// The most octets of text in one zone, all files together: 1 GiB.
const MAX_TEXT: usize = 1 << 30;
/// The most files open within each other.
const MAX_DEPTH: usize = 10;
/// The most records that `$GENERATE` makes in one zone.
const MAX_GENERATED: u32 = 1_000_000;
