//! Master files (RFC 1035 §5): text to a zone, or to findings with their lines.
//!
//! ```text
//!  octets ──lex──▶ entries of tokens ──reader──▶ records ──collect──▶ Zone
//!                        │                │                  │
//!                        └────────────────┴──── report ──────┴──────▶ findings
//! ```
//!
//! A faulty line costs itself only: reading goes on at the next, so that one run finds what is wrong in the file.

mod directive;
mod generate;
mod head;
mod lex;
mod places;
mod reader;
mod report;
#[cfg(test)]
mod tests;
mod ttl;

use super::schema::{self, Token};
use super::{Name, Zone};
use crate::base::finding::Finding;

pub use places::{Places, RecordPlace};
pub(super) use ttl::read_ttl;

/// What came out of a master file.
#[derive(Debug)]
pub struct Parsed {
    /// The zone, unless a finding is an error.
    pub zone: Option<Zone>,
    /// The owner of its first SOA, also if the zone is faulty elsewhere.
    pub apex: Option<Name>,
    /// What is wrong, in the order of the lines.
    pub findings: Vec<Finding>,
    /// Where each record was written; empty when made by [`load`].
    pub places: Places,
}

/// What is known of a zone's origin before its file is read.
#[derive(Clone, Copy, Debug)]
pub enum Origin<'a> {
    /// The config names the zone: an SOA elsewhere is an error.
    Named(&'a Name),
    /// The file's name suggests it: `$ORIGIN` and the SOA's owner have the last word; a note says if it counts.
    Guessed(&'a Name),
    /// Nothing: the file must say.
    Unknown,
}

/// Gives the text of included files.
pub trait Sources {
    /// Reads the file that `$INCLUDE path` in `from_file` asks for; returns its name for findings, and its octets.
    ///
    /// # Errors
    /// Why it cannot be read or may not, in one sentence without a full stop.
    fn read(&mut self, from_file: &str, path: &str) -> Result<(String, Vec<u8>), String>;
}

/// Sources that give nothing: `$INCLUDE` is refused.
#[derive(Clone, Copy, Debug)]
pub struct NoSources;

impl Sources for NoSources {
    fn read(&mut self, _: &str, _: &str) -> Result<(String, Vec<u8>), String> {
        Err("files cannot be included here".to_owned())
    }
}

/// Parses a master file and keeps where each record was written; `file` is its name for findings.
pub fn parse(file: &str, text: &[u8], origin: Origin<'_>, sources: &mut dyn Sources) -> Parsed {
    reader::parse(file, text, origin, sources, true)
}

/// Parses a master file without keeping places: for serving.
pub fn load(file: &str, text: &[u8], origin: Origin<'_>, sources: &mut dyn Sources) -> Parsed {
    reader::parse(file, text, origin, sources, false)
}

/// Cuts the RDATA of one record, written alone, into tokens.
pub(super) fn tokens_of(text: &[u8]) -> Result<Vec<Token<'_>>, &'static str> {
    let mut lexer = lex::Lexer::new(text);
    let (mut entry, mut more) = (lex::Entry::default(), lex::Entry::default());
    lexer.next(&mut entry).map_err(|fault| fault.message)?;
    match lexer.next(&mut more) {
        Ok(false) => Ok(entry.tokens),
        Ok(true) | Err(_) => Err("there is more than one line"),
    }
}
