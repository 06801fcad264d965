//! The dialogue with a server, without sockets: octets in, turns out.
//!
//! ```text
//!            hello                                  features                     Pass
//!   ──────────────────▶ header ──▶ features ──┬──────────────────────────────────▶
//!                          ▲                  │ STARTTLS, deep
//!                          │ secured          ▼            proceed        Secure
//!                          └────────────── tls ◀── starttls ◀─────────────────────
//! ```
//!
//! A stream error may come instead of features or proceed; see `complaint` for what it means.

#![warn(clippy::indexing_slicing, clippy::arithmetic_side_effects)]

use std::borrow::Cow;

use super::complaint::Complaint;
use super::element::{Element, ElementReader, Event};
use super::features::Features;
use super::{MalformedStream, Role, Xmpp};
use crate::base::terminal;
use crate::health::Outcome;
use crate::probe::Depth;
use crate::probe::attempt::conclusive;

/// One probe's dialogue.
#[derive(Debug)]
pub struct Dialogue<'a> {
    check: &'a Xmpp,
    depth: Depth,
    secure: bool,
    stage: Stage,
    reader: ElementReader,
    header: Header,
    warnings: Vec<String>,
}

/// What is to be done next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Turn {
    /// Read on.
    Wait,
    /// Send [`STARTTLS`] and read on; what was seen ends the step.
    Ask(String),
    /// Shake hands, then call [`Dialogue::secured`].
    Secure,
    /// The target passes; what was seen ends the step.
    Pass(String),
}

/// Asks for TLS on a stream (RFC 6120 §5.4.2.1).
pub const STARTTLS: &str = "<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>";
/// Closes a stream (RFC 6120 §4.4).
pub const GOODBYE: &str = "</stream:stream>";

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    Header,
    Features,
    Proceed,
}

/// What is kept of a stream header until the features come: a stream error stands over what is odd about it.
#[derive(Debug, Default)]
struct Header {
    from: Option<String>,
    /// Whose stream it is, by the namespaces declared.
    role: Option<Role>,
    version: bool,
}

impl<'a> Dialogue<'a> {
    /// Begins before anything is sent; `secure` if the connection is within TLS already.
    pub fn new(check: &'a Xmpp, depth: Depth, secure: bool) -> Self {
        Self {
            check,
            depth,
            secure,
            stage: Stage::Header,
            reader: ElementReader::new(),
            header: Header::default(),
            warnings: Vec::new(),
        }
    }

    /// Returns what opens a stream: at the begin, and again within TLS. To be sent at once, as one piece.
    pub fn hello(&self) -> String {
        let space = match self.check.role {
            Role::Client => "xmlns='jabber:client'",
            Role::Server => "xmlns='jabber:server' xmlns:db='jabber:server:dialback'",
        };
        let from = self.check.from.as_deref().map(|from| format!(" from='{}'", escape(from))).unwrap_or_default();
        let to = escape(&self.check.domain);
        format!(
            "<?xml version='1.0'?><stream:stream{from} to='{to}' version='1.0' xml:lang='en' {space} \
             xmlns:stream='{}'>",
            super::STREAMS
        )
    }

    /// Takes what came in; returns what is to be done, and what has not been read by then.
    pub fn receive<'o>(&mut self, octets: &'o [u8]) -> Result<(Turn, &'o [u8]), Outcome> {
        let mut rest = octets;
        while let Some((&octet, behind)) = rest.split_first() {
            let event = self.reader.push(octet).map_err(|fault| self.unreadable(&fault, octet))?;
            rest = behind;
            let Some(event) = event else { continue };
            match self.meet(event)? {
                Turn::Wait => {}
                Turn::Secure if !rest.is_empty() => {
                    // Whoever stands between could put words into the stream that TLS is to protect (RFC 6120 §5.4.3.3).
                    return Err(conclusive("sends more between <proceed/> and TLS"));
                }
                turn @ (Turn::Ask(_) | Turn::Secure | Turn::Pass(_)) => return Ok((turn, rest)),
            }
        }
        Ok((Turn::Wait, rest))
    }

    /// Goes on within TLS: a new stream begins, and nothing of the old one counts (RFC 6120 §5.4.3.3).
    pub fn secured(&mut self) {
        self.secure = true;
        self.stage = Stage::Header;
        self.reader = ElementReader::new();
        self.header = Header::default();
    }

    /// Returns what it means that the far side ended the connection here.
    pub fn ended(&self) -> Outcome {
        conclusive(match self.stage {
            Stage::Header => "closed without a stream header",
            Stage::Features => "closed before its features",
            Stage::Proceed => "closed instead of going on with TLS",
        })
    }

    /// Returns what the step under way waits for.
    pub const fn step(&self) -> &'static str {
        match self.stage {
            Stage::Header | Stage::Features => "stream",
            Stage::Proceed => "starttls",
        }
    }

    /// Returns whether the far side has not yet opened its stream.
    pub const fn awaits_header(&self) -> bool {
        matches!(self.stage, Stage::Header)
    }

    /// Returns what works but should be fixed.
    pub fn into_warnings(self) -> Vec<String> {
        self.warnings
    }

    fn meet(&mut self, event: Event) -> Result<Turn, Outcome> {
        match (event, self.stage) {
            (Event::Opened(root, declared), _) => self.open(&root, &declared),
            (Event::Stanza(element), _) if element.is(super::STREAMS, "error") => {
                let warning = Complaint::read(&element).judge()?;
                self.warnings.push(warning.clone());
                Ok(Turn::Pass(warning))
            }
            (Event::Stanza(element), Stage::Features) if element.is(super::STREAMS, "features") => {
                self.judge(&Features::read(&element))
            }
            (Event::Stanza(element), Stage::Proceed) if element.is(super::TLS, "proceed") => Ok(Turn::Secure),
            (Event::Stanza(element), Stage::Proceed) if element.is(super::TLS, "failure") => {
                Err(conclusive("offers STARTTLS, but refuses it"))
            }
            (Event::Stanza(element), _) => {
                Err(conclusive(format!("out of turn: <{}/>", terminal::escape(&element.name, NAME_MAX))))
            }
            (Event::Closed, _) => Err(self.ended()),
        }
    }

    fn open(&mut self, root: &Element, declared: &[std::sync::Arc<str>]) -> Result<Turn, Outcome> {
        if !root.is(super::STREAMS, "stream") {
            return Err(conclusive(format!("not XMPP: the answer is <{}>", terminal::escape(&root.name, NAME_MAX))));
        }
        let declares = |role: Role| declared.iter().any(|namespace| **namespace == *role.namespace());
        let other = self.check.role.other();
        self.header = Header {
            from: root.attribute("from").map(str::to_owned),
            role: [self.check.role, other].into_iter().find(|&role| declares(role)),
            version: root.attribute("version").is_some(),
        };
        self.stage = Stage::Features;
        Ok(Turn::Wait)
    }

    /// Judges features: how the stream goes on, or what is missing.
    fn judge(&mut self, features: &Features) -> Result<Turn, Outcome> {
        self.judge_header()?;
        let saw = features.words();
        if !self.secure && features.starttls {
            return Ok(match self.depth {
                Depth::Shallow => Turn::Pass(saw),
                Depth::Deep => {
                    self.stage = Stage::Proceed;
                    Turn::Ask(saw)
                }
            });
        }
        if !self.secure {
            if self.check.require_tls {
                return Err(conclusive(format!("no STARTTLS: {saw}")));
            }
            self.warnings.push("no STARTTLS is offered".to_owned());
        }
        if self.check.role == Role::Client && self.check.require_sasl && features.mechanisms.is_empty() {
            return Err(conclusive(format!("no way to log in (SASL): {saw}")));
        }
        Ok(Turn::Pass(saw))
    }

    fn judge_header(&mut self) -> Result<(), Outcome> {
        let wanted = self.check.role;
        match self.header.role {
            Some(role) if role == wanted => {}
            Some(role) => {
                return Err(conclusive(format!("a port for {}s, not for {}s", role.as_str(), wanted.as_str())));
            }
            None => self.warn(format!("the stream header does not declare {}", wanted.namespace())),
        }
        // RFC 6120 §4.7.1: it may be another of the server's own names.
        match &self.header.from {
            Some(from) if same_domain(from, &self.check.domain) => {}
            Some(from) => self.warn(format!("answers as {}", terminal::escape(from, FROM_MAX))),
            None => self.warn("the stream header does not say whom it is from".to_owned()),
        }
        if !self.header.version {
            self.warn("the stream header has no version".to_owned());
        }
        Ok(())
    }

    fn warn(&mut self, warning: String) {
        if !self.warnings.contains(&warning) {
            self.warnings.push(warning);
        }
    }

    fn unreadable(&self, fault: &MalformedStream, octet: u8) -> Outcome {
        if self.stage != Stage::Header {
            return conclusive(format!("broken stream: {fault}"));
        }
        // A TLS record begins with its type: 21 an alert, 22 a handshake (RFC 8446 §5.1).
        if !self.secure && matches!(octet, 21 | 22) {
            return conclusive("not XMPP: answers in TLS, as a port for direct TLS does");
        }
        conclusive(format!("not XMPP: {fault}"))
    }
}

/// Compares domains as DNS does, without a final dot.
fn same_domain(one: &str, other: &str) -> bool {
    one.trim_end_matches('.').eq_ignore_ascii_case(other.trim_end_matches('.'))
}

/// Writes a text as the value of an attribute.
fn escape(text: &str) -> Cow<'_, str> {
    if !text.contains(['<', '>', '&', '\'', '"']) {
        return Cow::Borrowed(text);
    }
    let text = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    Cow::Owned(text.replace('\'', "&apos;").replace('"', "&quot;"))
}

/// The longest name of an element that is told, in octets.
const NAME_MAX: usize = 40;
/// The longest domain that is told, in octets: as long as a name can be.
const FROM_MAX: usize = 255;
