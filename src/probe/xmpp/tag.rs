//! One tag, one XML declaration, one reference: what stands between their marks.

#![warn(clippy::indexing_slicing, clippy::arithmetic_side_effects)]

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
    Close {
        /// The name with its prefix.
        name: String,
    },
}

impl Tag {
    /// Reads what stands between `<` and `>`.
    pub(super) fn parse(octets: &[u8]) -> Result<Self, MalformedStream> {
        let text = utf8(octets)?;
        if let Some(name) = text.strip_prefix('/') {
            let name = name.trim_end_matches(SPACE);
            is_name(name)?;
            return Ok(Self::Close { name: name.to_owned() });
        }
        let (text, empty) = match text.strip_suffix('/') {
            Some(text) => (text, true),
            None => (text, false),
        };
        let end = text.find(SPACE).unwrap_or(text.len());
        let (name, rest) = text.split_at_checked(end).unwrap_or((text, ""));
        is_name(name)?;
        Ok(Self::Open { name: name.to_owned(), attributes: attributes(rest)?, empty })
    }
}

/// Judges what stands between `<?` and `?>` at the begin of a stream.
pub(super) fn declaration(octets: &[u8]) -> Result<(), MalformedStream> {
    let rest = utf8(octets)?.strip_prefix("xml").filter(|rest| rest.starts_with(SPACE));
    let rest = rest.ok_or(MalformedStream::Forbidden("a processing instruction"))?;
    for (name, value) in attributes(rest)? {
        match name.as_str() {
            "version" if value.starts_with("1.") => {}
            "standalone" => {}
            // RFC 6120 §11.6: only UTF-8.
            "encoding" if value.eq_ignore_ascii_case("utf-8") => {}
            "encoding" => return Err(MalformedStream::Forbidden("an encoding other than UTF-8")),
            _ => return Err(MalformedStream::Syntax("an XML declaration that is none")),
        }
    }
    Ok(())
}

/// Reads what stands between `&` and `;`.
pub(super) fn reference(octets: &[u8]) -> Result<char, MalformedStream> {
    let text = utf8(octets)?;
    let number = match (text.strip_prefix("#x"), text.strip_prefix('#')) {
        (Some(digits), _) => (digits, 16),
        (None, Some(digits)) => (digits, 10),
        (None, None) => return predefined(text),
    };
    let (digits, radix) = number;
    let plain = digits.chars().all(|digit| digit.is_digit(radix));
    let letter = u32::from_str_radix(digits, radix).ok().filter(|_| plain).and_then(char::from_u32);
    let allowed = |letter: &char| matches!(letter, '\t' | '\n' | '\r' | ' '..='\u{fffd}' | '\u{10000}'..);
    letter.filter(allowed).ok_or(MalformedStream::Syntax("a reference to no character"))
}

fn predefined(name: &str) -> Result<char, MalformedStream> {
    match name {
        "lt" => Ok('<'),
        "gt" => Ok('>'),
        "amp" => Ok('&'),
        "apos" => Ok('\''),
        "quot" => Ok('"'),
        _ => Err(MalformedStream::Forbidden("an entity")),
    }
}

/// Reads attributes, each behind white space.
fn attributes(mut rest: &str) -> Result<Vec<(String, String)>, MalformedStream> {
    let mut read: Vec<(String, String)> = Vec::new();
    loop {
        let next = rest.trim_start_matches(SPACE);
        if next.is_empty() {
            return Ok(read);
        }
        if next.len() == rest.len() {
            return Err(MalformedStream::Syntax("no space before an attribute"));
        }
        let (name, behind) = next.split_once('=').ok_or(MalformedStream::Syntax("an attribute without a value"))?;
        let name = name.trim_end_matches(SPACE);
        is_name(name)?;
        let behind = behind.trim_start_matches(SPACE);
        let quoted = ['"', '\''].iter().find_map(|&quote| behind.strip_prefix(quote)?.split_once(quote));
        let (value, behind) = quoted.ok_or(MalformedStream::Syntax("an attribute without quotes"))?;
        if read.iter().any(|(known, _)| known == name) {
            return Err(MalformedStream::Syntax("an attribute twice"));
        }
        if read.len() >= ATTRIBUTES_MAX {
            return Err(MalformedStream::Limit("more than 32 attributes"));
        }
        read.push((name.to_owned(), unescape(value)?));
        rest = behind;
    }
}

/// Puts letters in place of references.
fn unescape(text: &str) -> Result<String, MalformedStream> {
    let mut pieces = text.split('&');
    let mut plain = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        let (name, behind) = piece.split_once(';').ok_or(MalformedStream::Syntax("a reference without its end"))?;
        plain.push(reference(name.as_bytes())?);
        plain.push_str(behind);
    }
    Ok(plain)
}

/// Judges a name with or without a prefix (Namespaces in XML §4). Letters beyond ASCII are not told apart.
fn is_name(name: &str) -> Result<(), MalformedStream> {
    let letter = |letter: char| letter.is_ascii_alphabetic() || letter == '_' || !letter.is_ascii();
    let part = |part: &str| {
        part.starts_with(letter) && part.chars().all(|c| letter(c) || c.is_ascii_digit() || matches!(c, '-' | '.'))
    };
    let good = match name.split_once(':') {
        Some((prefix, local)) => part(prefix) && part(local),
        None => part(name),
    };
    if good { Ok(()) } else { Err(MalformedStream::Syntax("a name that is none")) }
}

/// Reads octets as the only encoding that a stream may have (RFC 6120 §11.6).
pub(super) fn utf8(octets: &[u8]) -> Result<&str, MalformedStream> {
    std::str::from_utf8(octets).map_err(|_| MalformedStream::Syntax("no UTF-8"))
}

const SPACE: [char; 4] = [' ', '\t', '\n', '\r'];
/// The most attributes of one tag.
const ATTRIBUTES_MAX: usize = 32;
