//! Tokens of master files and the octets that they represent.

use std::fmt::{self, Write};

use super::super::name;

/// One token: what stands between blanks, or between quotes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::zone) struct Token<'a> {
    /// The octets as written, escapes and all, the outer quotes left out.
    pub(in crate::zone) text: &'a [u8],
    /// Whether it stood in quotes.
    pub(in crate::zone) quoted: bool,
    /// Whether quotes are a part of it, as in `alpn="h2,h3"`.
    pub(in crate::zone) mixed: bool,
}

impl<'a> Token<'a> {
    /// Returns the token as it may be shown in a message.
    pub(in crate::zone) fn shown(&self) -> String {
        let text: String = String::from_utf8_lossy(self.text).chars().take(80).collect();
        if self.quoted { format!("\"{text}\"") } else { format!("`{text}`") }
    }

    /// Returns the text of a token that is plain ASCII and not quoted: a number, a mnemonic, an address.
    pub(in crate::zone) fn word(&self) -> Option<&'a str> {
        std::str::from_utf8(self.text).ok().filter(|text| !self.quoted && text.is_ascii())
    }

    /// Returns the octets that the token stands for; nothing if an escape is none.
    pub(in crate::zone) fn decoded(&self) -> Option<Vec<u8>> {
        let mut octets = Vec::new();
        self.decode(&mut octets).map(|()| octets)
    }

    /// Appends the octets that the token stands for (RFC 1035 §5.1); nothing if an escape is none.
    pub(super) fn decode(&self, octets: &mut Vec<u8>) -> Option<()> {
        let mut rest = self.text;
        while let Some((&octet, tail)) = rest.split_first() {
            if octet == b'\\' {
                let (value, behind) = name::unescape(tail)?;
                octets.push(value);
                rest = behind;
            } else {
                octets.push(octet);
                rest = tail;
            }
        }
        Some(())
    }
}

/// Prints octets as a quoted string that reads back as the same octets.
pub(in crate::zone) fn quote(octets: &[u8], out: &mut dyn Write) -> fmt::Result {
    out.write_char('"')?;
    for &octet in octets {
        match octet {
            b'"' | b'\\' => write!(out, "\\{}", char::from(octet))?,
            b' '..=b'~' => out.write_char(char::from(octet))?,
            other => write!(out, "\\{other:03}")?,
        }
    }
    out.write_char('"')
}
