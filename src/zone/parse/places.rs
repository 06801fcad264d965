//! The position of each record in its file.

use std::collections::HashMap;
use std::sync::Arc;

use super::super::{Name, Rtype};
use crate::base::finding::Place;

/// Where the records of a zone were written, with their files' text.
#[derive(Debug, Default)]
pub struct Places {
    files: Vec<Arc<File>>,
    /// By owner: the records' types, their numbers within the set, and their places.
    owners: HashMap<Name, Vec<(Rtype, Vec<Spans>)>>,
}

/// Where one record was written; the record of a `$GENERATE` line shows that line.
#[derive(Clone, Copy, Debug)]
pub struct RecordPlace<'a> {
    file: &'a File,
    spans: &'a Spans,
}

/// One file's name and text, and where its lines begin.
#[derive(Debug)]
pub(super) struct File {
    name: Arc<str>,
    text: Box<[u8]>,
    lines: Vec<u32>,
}

/// A stretch of a file's octets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Span {
    pub(super) begin: u32,
    pub(super) end: u32,
}

/// The stretches of one record.
#[derive(Clone, Debug, Default)]
pub(super) struct Spans {
    pub(super) file: u16,
    /// The owner; nothing where it was left blank.
    pub(super) owner: Option<Span>,
    /// The TTL; nothing where it was left out.
    pub(super) ttl: Option<Span>,
    pub(super) rtype: Span,
    /// The fields of the RDATA, and whether each is a name that took the origin.
    pub(super) fields: Box<[(Span, bool)]>,
    pub(super) owner_relative: bool,
}

impl Places {
    pub(super) fn new(files: Vec<File>) -> Self {
        Self { files: files.into_iter().map(Arc::new).collect(), owners: HashMap::new() }
    }

    /// Adds the next record of a set.
    pub(super) fn push(&mut self, owner: &Name, rtype: Rtype, spans: Spans) {
        let sets = match self.owners.get_mut(owner) {
            Some(sets) => sets,
            None => self.owners.entry(owner.clone()).or_default(),
        };
        match sets.iter_mut().find(|(known, _)| *known == rtype) {
            Some((_, records)) => records.push(spans),
            None => sets.push((rtype, vec![spans])),
        }
    }

    /// Walks over the lines that are comments as a whole, each with its file's name.
    pub fn comments(&self) -> impl Iterator<Item = (&str, &str)> {
        self.files.iter().flat_map(|file| {
            let lines = file.text.split(|&octet| octet == b'\n').map(<[u8]>::trim_ascii);
            let comments = lines.filter(|line| line.starts_with(b";"));
            comments.filter_map(|line| Some((&*file.name, std::str::from_utf8(line).ok()?)))
        })
    }

    /// Returns the place of a record by its number in [`Rrset::rdatas`](crate::zone::Rrset::rdatas).
    pub fn record(&self, owner: &Name, rtype: Rtype, index: usize) -> Option<RecordPlace<'_>> {
        let sets = self.owners.get(owner)?;
        let spans = sets.iter().find(|(known, _)| *known == rtype)?.1.get(index)?;
        Some(RecordPlace { file: self.files.get(usize::from(spans.file))?, spans })
    }
}

impl RecordPlace<'_> {
    /// Returns the owner's place; where it was left blank, that of the type.
    pub fn owner(&self) -> Place {
        self.file.place(self.spans.owner.unwrap_or(self.spans.rtype))
    }

    /// Returns the TTL's place; nothing where it was left out.
    pub fn ttl(&self) -> Option<Place> {
        self.spans.ttl.map(|span| self.file.place(span))
    }

    /// Returns the type's place.
    pub fn rtype(&self) -> Place {
        self.file.place(self.spans.rtype)
    }

    /// Returns the place of the RDATA field `number`, from 0, as written: for SRV priority, weight, port, target.
    pub fn field(&self, number: usize) -> Option<Place> {
        self.spans.fields.get(number).map(|&(span, _)| self.file.place(span))
    }

    /// Returns whether the RDATA field `number` is a name without a final dot, which took the origin.
    pub fn is_relative(&self, number: usize) -> bool {
        self.spans.fields.get(number).is_some_and(|&(_, relative)| relative)
    }

    /// Returns whether the owner was written without a final dot.
    pub const fn is_owner_relative(&self) -> bool {
        self.spans.owner_relative
    }
}

impl File {
    pub(super) fn new(name: &str, text: &[u8]) -> Self {
        let ends = text.iter().zip(1u32..).filter(|&(&octet, _)| octet == b'\n').map(|(_, next)| next);
        Self { name: name.into(), text: text.into(), lines: std::iter::once(0).chain(ends).collect() }
    }

    /// Shows a stretch; of one that goes over lines, what is in its first.
    pub(super) fn place(&self, span: Span) -> Place {
        let line = self.lines.partition_point(|&begin| begin <= span.begin);
        let begin = self.lines.get(line.saturating_sub(1)).copied().unwrap_or_default();
        place(&self.name, &self.text, begin, u32::try_from(line).unwrap_or(u32::MAX), span)
    }
}

/// Shows a stretch of a line that begins at the octet `begin` of `text`.
pub(super) fn place(file: &Arc<str>, text: &[u8], begin: u32, line: u32, span: Span) -> Place {
    let rest = text.get(begin as usize..).unwrap_or_default();
    let octets = rest.split(|&octet| octet == b'\n').next().unwrap_or_default();
    let octets = octets.strip_suffix(b"\r").unwrap_or(octets);
    let from = (span.begin.saturating_sub(begin) as usize).min(octets.len());
    let to = (span.end.saturating_sub(begin) as usize).clamp(from, octets.len());
    let characters = |octets: &[u8]| u32::try_from(String::from_utf8_lossy(octets).chars().count()).unwrap_or(u32::MAX);
    Place {
        file: Arc::clone(file),
        line,
        column: characters(&octets[..from]).saturating_add(1),
        width: characters(&octets[from..to]).max(1),
        text: String::from_utf8_lossy(octets).into(),
    }
}
