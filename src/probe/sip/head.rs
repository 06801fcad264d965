//! Reads the head of a SIP message: its first line, and the fields that match an answer to its request.
//!
//! Nothing is copied: a field that is folded over several lines is read as it lies, line ends as blanks (RFC 3261
//! §7.3.1). Lines may end without the carriage return.

use thiserror::Error;

/// The head of a SIP message, as far as a probe needs it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Head<'a> {
    /// What the first line says.
    pub start: Start<'a>,
    /// How many Via values there are, over all Via fields.
    pub vias: usize,
    /// The branch of the top Via (RFC 3261 §17.1.3).
    pub branch: Option<&'a [u8]>,
    /// Call-ID, the first one.
    pub call_id: Option<&'a [u8]>,
    /// The method of CSeq and its number as it is written, the first one.
    pub cseq: Option<(&'a [u8], &'a [u8])>,
    /// Seconds of Retry-After, without its comment and parameters; too large ones are cut.
    pub retry_after_secs: Option<u32>,
    /// How long the body is.
    pub body: Body,
}

/// The first line of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Start<'a> {
    /// A status line.
    Answer {
        /// The code, 100 to 699.
        status: u16,
        /// What is said with it; may be empty, and is text of the far side.
        reason: &'a [u8],
    },
    /// The line of a request, as servers may send on a connection that stands.
    Request,
}

/// What Content-Length says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Body {
    /// Nothing: no body on a stream, all that is left in a datagram (RFC 3261 §18.3).
    Unsaid,
    /// So many octets.
    Octets(usize),
    /// No number, or several that differ: where the next message begins is not known.
    Unclear,
}

/// Why octets are no message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum Fault {
    /// The first line is neither that of an answer nor that of a request.
    #[error("not SIP")]
    Other,
    /// Another version of SIP.
    #[error("another version of SIP than 2.0")]
    Version,
    /// A status line without a code from 100 to 699.
    #[error("a status line without a status")]
    Status,
    /// The head does not end.
    #[error("a SIP head of more than {} KiB", HEAD_MAX / 1024)]
    Long,
    /// After a message without a readable Content-Length.
    #[error("a SIP message whose length is not clear")]
    Length,
}

impl<'a> Head<'a> {
    /// Reads a head; what follows an empty line is left alone.
    pub fn read(octets: &'a [u8]) -> Result<Self, Fault> {
        let (line, rest) = split_line(octets);
        let start = Start::read(line)?;
        let mut head = Self {
            start,
            vias: 0,
            branch: None,
            call_id: None,
            cseq: None,
            retry_after_secs: None,
            body: Body::Unsaid,
        };
        for (name, value) in Fields(rest) {
            head.take(name, value);
        }
        Ok(head)
    }

    fn take(&mut self, name: &[u8], value: &'a [u8]) {
        let is = |long: &str, short: &str| {
            name.eq_ignore_ascii_case(long.as_bytes()) || name.eq_ignore_ascii_case(short.as_bytes())
        };
        if is("via", "v") {
            for via in split_outside_quotes(value, b',') {
                if self.vias == 0 {
                    self.branch = parameter(via, b"branch");
                }
                self.vias = self.vias.saturating_add(1);
            }
        } else if is("call-id", "i") {
            self.call_id = self.call_id.or(Some(value));
        } else if is("cseq", "cseq") {
            let mut words = value.split(u8::is_ascii_whitespace).filter(|word| !word.is_empty());
            let (number, method) = (words.next(), words.next());
            self.cseq = self.cseq.or_else(|| method.zip(number));
        } else if is("retry-after", "retry-after") {
            self.retry_after_secs = self.retry_after_secs.or_else(|| leading_number(value));
        } else if is("content-length", "l") {
            self.body = match (self.body, whole_number(value)) {
                (Body::Unsaid, Some(length)) => Body::Octets(length),
                (Body::Octets(known), Some(length)) if known == length => Body::Octets(length),
                (Body::Unsaid | Body::Octets(_) | Body::Unclear, _) => Body::Unclear,
            };
        }
    }
}

impl<'a> Start<'a> {
    /// Reads a whole first line, without its end.
    fn read(line: &'a [u8]) -> Result<Self, Fault> {
        if !may_begin(line) {
            return Err(Fault::Other);
        }
        let mut words = line.splitn(3, |octet| *octet == b' ');
        let first = words.next().unwrap_or_default();
        if !starts_with(first, b"SIP/") {
            let is_request = words.count() == 2 && ends_with(line, b" SIP/2.0");
            return if is_request { Ok(Self::Request) } else { Err(Fault::Other) };
        }
        if !first.eq_ignore_ascii_case(b"SIP/2.0") {
            return Err(Fault::Version);
        }
        let digits = words.next().filter(|word| word.len() == 3).ok_or(Fault::Status)?;
        let status = whole_number(digits).and_then(|status| u16::try_from(status).ok());
        let status = status.filter(|status| (100..700).contains(status)).ok_or(Fault::Status)?;
        Ok(Self::Answer { status, reason: words.next().unwrap_or_default().trim_ascii() })
    }
}

/// Returns why what has come of a message cannot become one: other protocols are told by their first word or line, and
/// need not be waited for.
pub(super) fn judge_begin(octets: &[u8]) -> Result<(), Fault> {
    let (line, _) = split_line(octets);
    if octets.contains(&b'\n') {
        Start::read(line).map(drop)
    } else if may_begin(line) {
        Ok(())
    } else {
        Err(Fault::Other)
    }
}

/// Returns whether the begin of a line may still become a first line.
fn may_begin(line: &[u8]) -> bool {
    let word = line.split(|octet| *octet == b' ').next().unwrap_or_default();
    let plain = !line.iter().any(|octet| octet.is_ascii_control() && *octet != b'\t');
    let is_first_word = starts_with(word, b"SIP/") || word.iter().all(|octet| is_token(*octet));
    plain && is_first_word && word.len() <= WORD_MAX && (!word.is_empty() || line.is_empty())
}

/// Parts the first line, without its end, from what follows.
fn split_line(octets: &[u8]) -> (&[u8], &[u8]) {
    let end = octets.iter().position(|octet| *octet == b'\n');
    let (line, rest) = match end.and_then(|end| octets.split_at_checked(end)) {
        Some((line, rest)) => (line, rest.get(1..).unwrap_or_default()),
        None => (octets, Default::default()),
    };
    (line.strip_suffix(b"\r").unwrap_or(line), rest)
}

/// The fields of a head: name and value, without the blanks around them; ends at an empty line.
struct Fields<'a>(&'a [u8]);

impl<'a> Iterator for Fields<'a> {
    type Item = (&'a [u8], &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let all = self.0;
            let (first, mut rest) = split_line(all);
            if first.is_empty() {
                return None;
            }
            // RFC 3261 §7.3.1: a line that begins with a blank goes on with the field.
            while matches!(rest.first(), Some(b' ' | b'\t')) {
                (_, rest) = split_line(rest);
            }
            self.0 = rest;
            let field = all.get(..all.len().saturating_sub(rest.len())).unwrap_or_default();
            if let Some(colon) = field.iter().position(|octet| *octet == b':')
                && let Some((name, value)) = field.split_at_checked(colon)
            {
                return Some((name.trim_ascii(), value.get(1..).unwrap_or_default().trim_ascii()));
            }
        }
    }
}

/// Returns the value of a parameter of a Via.
fn parameter<'a>(via: &'a [u8], wanted: &[u8]) -> Option<&'a [u8]> {
    split_outside_quotes(via, b';').skip(1).find_map(|parameter| {
        let equals = parameter.iter().position(|octet| *octet == b'=')?;
        let (name, value) = parameter.split_at_checked(equals)?;
        let is_it = name.trim_ascii().eq_ignore_ascii_case(wanted);
        is_it.then(|| value.get(1..).unwrap_or_default().trim_ascii())
    })
}

/// Splits at an octet that does not stand within quotes (RFC 3261 §25.1, quoted-string).
fn split_outside_quotes(octets: &[u8], at: u8) -> impl Iterator<Item = &[u8]> {
    let (mut quoted, mut escaped) = (false, false);
    octets.split(move |octet| {
        let literal = std::mem::take(&mut escaped);
        match octet {
            b'\\' if quoted && !literal => escaped = true,
            b'"' if !literal => quoted = !quoted,
            _ => {}
        }
        *octet == at && !quoted
    })
}

/// Reads the number that a value begins with; one that is too large is the largest.
fn leading_number(value: &[u8]) -> Option<u32> {
    let digits = value.iter().take_while(|octet| octet.is_ascii_digit()).count();
    let text = std::str::from_utf8(value.get(..digits)?).ok().filter(|text| !text.is_empty())?;
    Some(text.parse().unwrap_or(u32::MAX))
}

/// Reads a value that is a number and nothing else.
fn whole_number(value: &[u8]) -> Option<usize> {
    let is_number = !value.is_empty() && value.iter().all(u8::is_ascii_digit);
    std::str::from_utf8(value).ok().filter(|_| is_number)?.parse().ok()
}

fn starts_with(octets: &[u8], begin: &[u8]) -> bool {
    octets.get(..begin.len()).is_some_and(|found| found.eq_ignore_ascii_case(begin))
}

fn ends_with(octets: &[u8], end: &[u8]) -> bool {
    let found = octets.len().checked_sub(end.len()).and_then(|from| octets.get(from..));
    found.is_some_and(|found| found.eq_ignore_ascii_case(end))
}

/// RFC 3261 §25.1, token: what a method is made of.
const fn is_token(octet: u8) -> bool {
    octet.is_ascii_alphanumeric()
        || matches!(octet, b'-' | b'.' | b'!' | b'%' | b'*' | b'_' | b'+' | b'`' | b'\'' | b'~')
}

/// The longest first word of a message, in octets; methods are far shorter.
const WORD_MAX: usize = 32;

/// The longest head, in octets; answers to OPTIONS have one or two thousand.
pub(super) const HEAD_MAX: usize = 8 * 1024;
