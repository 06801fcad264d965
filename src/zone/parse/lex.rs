//! Octets to entries: the tokens of one record or directive, over all its lines (RFC 1035 §5.1).

use super::Token;
use super::places::Span;

/// Cuts a text into entries.
#[derive(Debug)]
pub(super) struct Lexer<'a> {
    text: &'a [u8],
    at: usize,
}

/// The tokens of one entry; kept over entries to save allocations.
#[derive(Debug, Default)]
pub(super) struct Entry<'a> {
    pub(super) tokens: Vec<Token<'a>>,
    /// Where each token stands, its quotes included.
    pub(super) spans: Vec<Span>,
    /// Whether the line begins with a blank: the owner is that of the record before.
    pub(super) blank: bool,
}

/// Why an entry cannot be cut into tokens.
#[derive(Debug)]
pub(super) struct LexFault {
    pub(super) id: &'static str,
    pub(super) span: Span,
    pub(super) message: &'static str,
    pub(super) help: &'static str,
}

impl<'a> Lexer<'a> {
    /// Begins at the start of a text of less than 4 GiB; a byte order mark is passed over.
    pub(super) fn new(text: &'a [u8]) -> Self {
        Self { text, at: if text.starts_with(b"\xef\xbb\xbf") { 3 } else { 0 } }
    }

    /// Reads the next entry that has tokens; false at the end of the text.
    ///
    /// # Errors
    /// A fault; the next call goes on behind it.
    pub(super) fn next(&mut self, entry: &mut Entry<'a>) -> Result<bool, LexFault> {
        while self.at < self.text.len() {
            entry.tokens.clear();
            entry.spans.clear();
            entry.blank = matches!(self.peek(), Some(b' ' | b'\t'));
            self.entry(entry)?;
            if !entry.tokens.is_empty() {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn entry(&mut self, entry: &mut Entry<'a>) -> Result<(), LexFault> {
        let begin = self.at;
        let mut open = None;
        while let Some(octet) = self.peek() {
            match octet {
                b' ' | b'\t' | b'\r' => self.at += 1,
                b'\n' => {
                    self.at += 1;
                    if open.is_none() {
                        return Ok(());
                    }
                }
                b';' => self.at = self.line_end(),
                b'(' => match open {
                    None => {
                        open = Some(self.at);
                        self.at += 1;
                    }
                    // The first was forgotten, most likely: the entry that this one belongs to is read anew.
                    Some(first) => {
                        let line = self.text[..self.at].iter().rposition(|octet| *octet == b'\n').map_or(0, |n| n + 1);
                        if line <= begin {
                            self.recover(true);
                        } else {
                            self.at = line;
                        }
                        return Err(unclosed(first));
                    }
                },
                b')' => {
                    if open.take().is_none() {
                        let span = self.span(self.at, self.at + 1);
                        self.recover(false);
                        return Err(LexFault {
                            id: "zone-parenthesis",
                            span,
                            message: "a closing parenthesis without an opening one",
                            help: "take it away, or open it before the fields that go over several lines",
                        });
                    }
                    self.at += 1;
                }
                _ => {
                    if let Err(fault) = self.token(entry) {
                        return Err(match open.filter(|first| self.looks_left_open(*first)) {
                            Some(first) => self.restart(begin, first),
                            None => {
                                self.recover(open.is_some());
                                fault
                            }
                        });
                    }
                }
            }
        }
        match open {
            None => Ok(()),
            Some(first) => Err(self.restart(begin, first)),
        }
    }

    /// Goes back to an entry whose parenthesis swallowed others, and behind what looks like its own lines.
    fn restart(&mut self, begin: usize, first: usize) -> LexFault {
        self.at = begin;
        self.recover(true);
        unclosed(first)
    }

    /// Returns whether a line behind the parenthesis begins like a new record.
    fn looks_left_open(&self, first: usize) -> bool {
        let inside = self.text.get(first..self.at).unwrap_or_default();
        inside.windows(2).any(|pair| pair[0] == b'\n' && !matches!(pair[1], b' ' | b'\t' | b'\r' | b'\n' | b')' | b';'))
    }

    fn token(&mut self, entry: &mut Entry<'a>) -> Result<(), LexFault> {
        let begin = self.at;
        let (from, to, quoted, mixed);
        if self.peek() == Some(b'"') {
            self.quoted()?;
            (from, to, quoted, mixed) = (begin + 1, self.at - 1, true, false);
            if !matches!(self.peek(), None | Some(b' ' | b'\t' | b'\r' | b'\n' | b';' | b'(' | b')' | b'"')) {
                return Err(self.fault(begin, "a blank is missing behind the closing quote", QUOTE_HELP));
            }
        } else {
            mixed = self.plain()?;
            (from, to, quoted) = (begin, self.at, false);
        }
        entry.tokens.push(Token { text: &self.text[from..to], quoted, mixed });
        entry.spans.push(self.span(begin, self.at));
        Ok(())
    }

    /// Passes over an unquoted token; returns whether quotes are in it.
    fn plain(&mut self) -> Result<bool, LexFault> {
        let begin = self.at;
        let mut mixed = false;
        while let Some(octet) = self.peek() {
            match octet {
                b' ' | b'\t' | b'\r' | b'\n' | b';' | b'(' | b')' => break,
                b'\\' => {
                    if matches!(self.text.get(self.at + 1), None | Some(b'\n' | b'\r')) {
                        return Err(self.fault(begin, "a backslash at the end of the line", ESCAPE_HELP));
                    }
                    self.at += 2;
                }
                // RFC 9460 §2.1: key="value" is one token.
                b'"' if self.at > begin && self.text.get(self.at - 1) == Some(&b'=') => {
                    self.quoted()?;
                    mixed = true;
                }
                b'"' => {
                    self.at += 1;
                    return Err(self.fault(begin, "a quote inside of a word", QUOTE_HELP));
                }
                _ => self.at += 1,
            }
        }
        Ok(mixed)
    }

    /// Passes over a quoted string, from its opening quote.
    fn quoted(&mut self) -> Result<(), LexFault> {
        let begin = self.at;
        self.at += 1;
        while let Some(octet) = self.peek() {
            match octet {
                b'"' => {
                    self.at += 1;
                    return Ok(());
                }
                b'\\' if self.at + 1 < self.text.len() => self.at += 2,
                b'\n' => break,
                _ => self.at += 1,
            }
        }
        self.at = self.at.min(self.text.len());
        Err(self.fault(begin, "a quoted string that does not end on its line", QUOTE_HELP))
    }

    /// Goes to the next line; out of parentheses that were `open`, over the lines that look like theirs.
    fn recover(&mut self, open: bool) {
        let mut rest = self.at;
        loop {
            self.at = self.line_end();
            let line = self.text.get(rest..self.at).unwrap_or_default();
            self.at = (self.at + 1).min(self.text.len());
            rest = self.at;
            let closed = line.split(|octet| *octet == b';').next().is_some_and(|line| line.contains(&b')'));
            let continues = matches!(self.peek(), Some(b' ' | b'\t' | b')' | b'\r' | b'\n'));
            if !open || closed || !continues {
                return;
            }
        }
    }

    fn peek(&self) -> Option<u8> {
        self.text.get(self.at).copied()
    }

    fn line_end(&self) -> usize {
        let rest = self.text.get(self.at..).unwrap_or_default();
        self.at + rest.iter().position(|octet| *octet == b'\n').unwrap_or(rest.len())
    }

    fn span(&self, begin: usize, end: usize) -> Span {
        Span { begin: offset(begin), end: offset(end) }
    }

    fn fault(&self, begin: usize, message: &'static str, help: &'static str) -> LexFault {
        let id = if help == ESCAPE_HELP { "zone-escape" } else { "zone-quotes" };
        LexFault { id, span: self.span(begin, self.at.max(begin + 1)), message, help }
    }
}

fn unclosed(first: usize) -> LexFault {
    LexFault {
        id: "zone-parenthesis",
        span: Span { begin: offset(first), end: offset(first + 1) },
        message: "this parenthesis is never closed",
        help: "put a `)` behind the record's last field",
    }
}

/// The reader refuses files of 4 GiB.
fn offset(at: usize) -> u32 {
    u32::try_from(at).unwrap_or(u32::MAX)
}

const QUOTE_HELP: &str =
    "a string is \"…\" on one line; a quote within it is \\\", and the next string stands behind a blank";
const ESCAPE_HELP: &str = "a backslash takes three decimal digits up to 255, or one other character";
