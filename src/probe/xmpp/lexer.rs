//! Octets to tags and text, only the XML that a stream may use: rxml parses, this file adds limits and the classes of
//! errors.
//!
//! RFC 6120 §11.1 forbids comments, processing instructions, document types, and entities beyond the five predefined
//! ones: each is refused where it begins, so that none can grow or expand. Octets are taken one at a time, so that the
//! verdict does not depend on how they arrive.

#![warn(clippy::indexing_slicing, clippy::arithmetic_side_effects)]

use rxml::error::{EndOrError, ErrorContext};
use rxml::parser::{RawEvent, RawParser, RawQName};
use rxml::{Error, Options, Parse, WithOptions};

use super::MalformedStream;

/// What a tag says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Tag {
    /// `<name …>`, or `<name …/>` if `empty`.
    Open {
        /// The name with its prefix.
        name: String,
        /// The attributes, names with their prefixes, no name twice.
        attributes: Vec<(String, String)>,
        /// Whether the element ends with this tag.
        empty: bool,
    },
    /// `</name>`
    Close,
}

/// Where the octets of one stream are.
#[derive(Debug)]
pub(super) struct Lexer {
    parser: RawParser,
    head: Option<Head>,
    /// Text since the last tag; whoever reads tokens takes it.
    text: String,
    begin: Begin,
}

/// An open tag under way.
#[derive(Debug)]
struct Head {
    name: String,
    attributes: Vec<(String, String)>,
    octets: usize,
}

/// What has come before the first mark.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Begin {
    Nothing,
    Space,
    /// The mark has come, behind white space or not.
    Over {
        behind_space: bool,
    },
}

impl Lexer {
    /// Begins before the first octet.
    pub(super) fn new() -> Self {
        let mut parser = RawParser::with_options(Options { max_token_length: TAG_MAX, ..Options::default() });
        parser.set_text_buffering(false);
        Self { parser, head: None, text: String::new(), begin: Begin::Nothing }
    }

    /// Takes one octet; returns the tag that it ends.
    pub(super) fn push(&mut self, octet: u8) -> Result<Option<Tag>, MalformedStream> {
        match self.begin {
            // White space alone is no answer, but nothing wrong either.
            Begin::Nothing | Begin::Space if octet.is_ascii_whitespace() => {
                self.begin = Begin::Space;
                return Ok(None);
            }
            Begin::Nothing | Begin::Space => self.begin = Begin::Over { behind_space: self.begin == Begin::Space },
            Begin::Over { .. } => {}
        }
        let mut rest = &[octet][..];
        let mut tag = None;
        loop {
            match self.parser.parse(&mut rest, false) {
                Ok(Some(event)) => self.take(event, &mut tag)?,
                Ok(None) | Err(EndOrError::NeedMoreData) => break,
                Err(EndOrError::Error(error)) => return Err(malformed(error)),
            }
        }
        if let Some(head) = &mut self.head {
            head.octets = head.octets.saturating_add(1);
            if head.octets > TAG_MAX {
                return Err(MalformedStream::Limit(LONG_TAG));
            }
        }
        Ok(tag)
    }

    fn take(&mut self, event: RawEvent, tag: &mut Option<Tag>) -> Result<(), MalformedStream> {
        match event {
            // A declaration stands at the very begin (XML 1.0 §2.8).
            RawEvent::XmlDeclaration(..) if self.begin == Begin::Over { behind_space: true } => {
                return Err(MalformedStream::Forbidden(INSTRUCTION));
            }
            RawEvent::XmlDeclaration(..) => {}
            RawEvent::ElementHeadOpen(length, name) => {
                self.head = Some(Head { name: written(&name), attributes: Vec::new(), octets: length.len() });
            }
            RawEvent::Attribute(_, name, value) => {
                let Some(Head { attributes, .. }) = &mut self.head else { return Ok(()) };
                let name = written(&name);
                if attributes.iter().any(|(known, _)| *known == name) {
                    return Err(MalformedStream::Syntax("an attribute twice"));
                }
                if attributes.len() >= ATTRIBUTES_MAX {
                    return Err(MalformedStream::Limit("more than 32 attributes"));
                }
                attributes.push((name, value));
            }
            RawEvent::ElementHeadClose(_) => {
                let open = |Head { name, attributes, .. }| Tag::Open { name, attributes, empty: false };
                *tag = self.head.take().map(open);
            }
            RawEvent::ElementFoot(_) => match tag {
                Some(Tag::Open { empty, .. }) => *empty = true,
                Some(Tag::Close) | None => *tag = Some(Tag::Close),
            },
            RawEvent::Text(_, text) => self.text.push_str(&text),
        }
        Ok(())
    }

    /// Returns the text since it was last taken.
    pub(super) fn take_text(&mut self) -> String {
        std::mem::take(&mut self.text)
    }

    /// Forgets the text since it was last taken; returns whether it was only white space.
    pub(super) fn drop_space(&mut self) -> bool {
        let blank = self.text.bytes().all(|octet| octet.is_ascii_whitespace());
        self.text.clear();
        blank
    }
}

/// Writes a name with its prefix.
fn written((prefix, name): &RawQName) -> String {
    prefix.as_ref().map_or_else(|| name.to_string(), |prefix| format!("{prefix}:{name}"))
}

/// Says what a fault means.
#[expect(clippy::wildcard_enum_match_arm, reason = "the rest is told in rxml's words")]
fn malformed(error: Error) -> MalformedStream {
    match error {
        Error::RestrictedXml("comments") => MalformedStream::Forbidden("a comment"),
        Error::RestrictedXml("processing instructions") => MalformedStream::Forbidden(INSTRUCTION),
        // RFC 6120 §11.6: only UTF-8.
        Error::RestrictedXml("only utf-8 encoding is allowed") => {
            MalformedStream::Forbidden("an encoding other than UTF-8")
        }
        Error::RestrictedXml("long name or reference" | "event too long") => MalformedStream::Limit(LONG_TAG),
        Error::InvalidSyntax("malformed cdata or comment section start") => {
            MalformedStream::Forbidden("a document type")
        }
        Error::UndeclaredEntity => MalformedStream::Forbidden("an entity"),
        Error::InvalidUtf8Byte(_) => MalformedStream::Syntax("no UTF-8"),
        Error::InvalidChar(_, 0..=0x1f, false) => MalformedStream::Syntax("a control character"),
        Error::UnexpectedToken(Some(ErrorContext::DocumentBegin), "Text", _) => MalformedStream::Syntax(TEXT),
        other => MalformedStream::Xml(other),
    }
}

const INSTRUCTION: &str = "a processing instruction";
const LONG_TAG: &str = "a tag of more than 8 KiB";
/// What is said of text between stanzas, and in place of a stream.
pub(super) const TEXT: &str = "text where an element should be";
/// The longest tag, in octets: real ones have some hundred.
const TAG_MAX: usize = 8192;
/// The most attributes of one tag.
const ATTRIBUTES_MAX: usize = 32;
