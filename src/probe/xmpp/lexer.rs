//! Octets to tags and text, no more of XML than a stream may use.
//!
//! ```text
//!            ┌── text ◀───────────────┐
//!   octet ──▶│ '<' ─▶ markup ─▶ tag ──┼─▶ Token
//!            │ '&' ─▶ reference ──────┤
//!            └ '<![CDATA[' ─▶ cdata ──┘
//! ```
//!
//! RFC 6120 §11.1 forbids comments, processing instructions, document types, and entities beyond the five predefined
//! ones: each is refused where it begins, so that none can grow or expand.

#![warn(clippy::indexing_slicing, clippy::arithmetic_side_effects)]

use super::MalformedStream;
use super::tag::{Tag, reference};

/// Where the octets of one stream are.
#[derive(Debug)]
pub(super) struct Lexer {
    state: LexerState,
    /// The markup or reference under way, without its end.
    held: Vec<u8>,
    /// Text since the last tag; whoever reads tokens takes it.
    text: Vec<u8>,
    began: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum LexerState {
    Text,
    /// Behind `<`, before it is known what begins.
    Markup,
    Tag {
        quote: Option<u8>,
    },
    /// `<?xml …`
    Declaration,
    /// `<!…`
    Bang,
    /// With the number of `]` that were just seen, at most two.
    Cdata {
        brackets: u8,
    },
    Reference,
}

impl Lexer {
    /// Begins before the first octet.
    pub(super) const fn new() -> Self {
        Self { state: LexerState::Text, held: Vec::new(), text: Vec::new(), began: false }
    }

    /// Takes one octet; returns the tag that it ends.
    pub(super) fn push(&mut self, octet: u8) -> Result<Option<Tag>, MalformedStream> {
        if octet < b' ' && !matches!(octet, b'\t' | b'\n' | b'\r') {
            return Err(MalformedStream::Syntax("a control character"));
        }
        let first = !std::mem::replace(&mut self.began, true);
        match (self.state, octet) {
            (LexerState::Text, b'<') => {
                // A declaration stands at the very begin (XML 1.0 §2.8).
                self.state = if first { LexerState::Markup } else { LexerState::Tag { quote: None } };
                self.held.clear();
                return Ok(None);
            }
            (LexerState::Text, b'&') => {
                self.state = LexerState::Reference;
                self.held.clear();
                return Ok(None);
            }
            (LexerState::Text, _) => self.text.push(octet),
            (LexerState::Markup, b'?') => self.state = LexerState::Declaration,
            (LexerState::Markup, _) => {
                self.state = LexerState::Tag { quote: None };
                return self.tag(octet, None);
            }
            (LexerState::Tag { quote }, _) => return self.tag(octet, quote),
            (LexerState::Declaration, _) => return self.declaration(octet).map(|()| None),
            (LexerState::Bang, _) => return self.bang(octet).map(|()| None),
            (LexerState::Cdata { brackets }, _) => self.cdata(octet, brackets),
            (LexerState::Reference, b';') => {
                let letter = reference(&self.held)?;
                self.text.extend_from_slice(letter.encode_utf8(&mut [0; 4]).as_bytes());
                self.state = LexerState::Text;
            }
            (LexerState::Reference, _) => self.hold(octet, REFERENCE_MAX, "a reference without its end")?,
        }
        Ok(None)
    }

    /// Returns the text since it was last taken.
    pub(super) fn take_text(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.text)
    }

    /// Forgets the text since it was last taken; returns whether it was only white space.
    pub(super) fn drop_space(&mut self) -> bool {
        let blank = self.text.iter().all(|octet| octet.is_ascii_whitespace());
        self.text.clear();
        blank
    }

    fn tag(&mut self, octet: u8, quote: Option<u8>) -> Result<Option<Tag>, MalformedStream> {
        match (quote, octet) {
            (None, b'!') if self.held.is_empty() => {
                self.state = LexerState::Bang;
                return Ok(None);
            }
            (None, b'?') if self.held.is_empty() => return Err(MalformedStream::Forbidden("a processing instruction")),
            (_, b'<') => return Err(MalformedStream::Syntax("a tag within a tag")),
            (None, b'>') => {
                self.state = LexerState::Text;
                return Tag::parse(&self.held).map(Some);
            }
            (None, b'"' | b'\'') => self.state = LexerState::Tag { quote: Some(octet) },
            (Some(open), _) if open == octet => self.state = LexerState::Tag { quote: None },
            (_, _) => {}
        }
        self.hold(octet, TAG_MAX, "a tag of more than 8 KiB")?;
        Ok(None)
    }

    fn declaration(&mut self, octet: u8) -> Result<(), MalformedStream> {
        if octet == b'>' && self.held.ends_with(b"?") {
            self.held.pop();
            self.state = LexerState::Text;
            return super::tag::declaration(&self.held);
        }
        self.hold(octet, DECLARATION_MAX, "an XML declaration without its end")
    }

    fn bang(&mut self, octet: u8) -> Result<(), MalformedStream> {
        self.held.push(octet);
        if self.held == CDATA {
            self.state = LexerState::Cdata { brackets: 0 };
            return Ok(());
        }
        match self.held.as_slice() {
            begin if CDATA.starts_with(begin) => Ok(()),
            [b'-', ..] => Err(MalformedStream::Forbidden("a comment")),
            _ => Err(MalformedStream::Forbidden("a document type")),
        }
    }

    fn cdata(&mut self, octet: u8, brackets: u8) {
        self.state = match (octet, brackets) {
            (b'>', 2) => LexerState::Text,
            (b']', 0) => LexerState::Cdata { brackets: 1 },
            (b']', 1) => LexerState::Cdata { brackets: 2 },
            (b']', _) => {
                self.text.push(b']');
                LexerState::Cdata { brackets: 2 }
            }
            (_, _) => {
                self.text.extend(std::iter::repeat_n(b']', usize::from(brackets)));
                self.text.push(octet);
                LexerState::Cdata { brackets: 0 }
            }
        };
    }

    fn hold(&mut self, octet: u8, most: usize, beyond: &'static str) -> Result<(), MalformedStream> {
        if self.held.len() >= most {
            return Err(MalformedStream::Limit(beyond));
        }
        self.held.push(octet);
        Ok(())
    }
}

/// The longest tag, in octets: real ones have some hundred.
const TAG_MAX: usize = 8192;
/// The longest XML declaration, in octets.
const DECLARATION_MAX: usize = 256;
/// The longest reference, in octets: `&#x10FFFF;` without its ends, and some zeros.
const REFERENCE_MAX: usize = 12;
/// What begins a CDATA section, behind `<!`.
const CDATA: &[u8] = b"[CDATA[";
