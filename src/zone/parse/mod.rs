//! Master files (RFC 1035 §5): text to a zone, or to findings with their lines.
//!
//! ```text
//!  octets ──lex──▶ entries of tokens ──reader──▶ records ──collect──▶ Zone
//!                        │                │                  │
//!                        └────────────────┴──── report ──────┴──────▶ findings
//! ```
//!
//! A faulty line affects only itself: parsing continues with the next, so that one run finds all errors of the file.

mod directive;
mod generate;
mod head;
mod lex;
mod limits;
mod places;
mod reader;
mod report;
mod source;
#[cfg(test)]
mod tests;
mod ttl;

use limits::Limits;

use super::schema::{self, Token};

pub use places::{Places, RecordPlace};
pub use source::{NoSources, Origin, Parsed, Sources};
pub(super) use ttl::read_ttl;

/// Parses a master file and keeps where each record was written; `file` is its name for findings.
pub fn parse(file: &str, text: &[u8], origin: Origin<'_>, sources: &mut dyn Sources) -> Parsed {
    reader::parse(file, text, origin, sources, Limits::OF_ZONE, true)
}

/// Parses a master file without keeping places: for serving.
pub fn load(file: &str, text: &[u8], origin: Origin<'_>, sources: &mut dyn Sources) -> Parsed {
    reader::parse(file, text, origin, sources, Limits::OF_ZONE, false)
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
