//! The OPT record (RFC 6891): the options of a query, and those of its answer.
//!
//! | option | in an answer |
//! |---|---|
//! | COOKIE (RFC 7873, RFC 9018) | if the query has it; a malformed one is FORMERR |
//! | edns-tcp-keepalive (RFC 7828) | if the query has it, over TCP and TLS |
//! | NSID (RFC 5001) | if the query has it and one is configured |
//! | extended error (RFC 8914) | where there is something to say, and room for it |
//! | padding (RFC 7830, RFC 8467) | if the query has it, over encrypted transports; over QUIC always (RFC 9250 §5.4) |
//!
//! Other options are ignored.

use std::time::Duration;

use crate::snapshot::NoteView;
use crate::zone::Rtype;

use super::Context;
use super::cookie::Cookie;
pub(super) use super::cookie::MalformedCookie;
use super::query::QueryView;
use super::rcode::Rcode;

/// What the OPT record of an answer says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reply<'a> {
    /// The longest datagram that this server takes, in octets.
    pub payload: u16,
    /// The DO bit, as in the query (RFC 3225 §3).
    pub dnssec_ok: bool,
    /// The COOKIE option.
    pub cookie: Option<Cookie>,
    /// How long an idle connection is kept, in tenths of a second (RFC 7828 §3.1).
    pub keepalive: Option<u16>,
    /// The NSID option's data.
    pub nsid: Option<&'a [u8]>,
    /// An extended error.
    pub ede: Option<Ede<'a>>,
    /// Whether extended errors are given at all.
    pub extended_errors: bool,
    /// Whether the answer is padded to whole blocks.
    pub padded: bool,
}

/// An extended error (RFC 8914).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ede<'a> {
    /// The info code.
    pub code: u16,
    /// Text for people.
    pub note: NoteView<'a>,
}

impl Ede<'_> {
    /// RFC 8914 §4.15: the server is not ready to serve.
    pub(super) const BROKEN: Self = Self::fixed(14, "");
    /// RFC 8914 §4.19: this client may not ask here.
    pub(super) const PROHIBITED: Self = Self::fixed(18, "");
    /// RFC 8914 §4.21.
    pub(super) const NOT_AUTHORITATIVE: Self = Self::fixed(20, "");
    /// RFC 8914 §4.22: not by this transport.
    pub(super) const NOT_HERE: Self = Self::fixed(21, "transfers go over TCP, TLS and QUIC");
    /// RFC 8914 §4.15: the server is not ready to serve another one.
    pub(super) const TOO_MANY_TRANSFERS: Self = Self::fixed(14, "too many transfers at once");

    const fn fixed(code: u16, text: &'static str) -> Self {
        Self { code, note: NoteView { text, hold: None } }
    }
}

/// Makes the OPT record of an answer; nothing if the query has none (RFC 6891 §6.1.1).
///
/// # Errors
/// [`MalformedCookie`] with the record for the FORMERR that follows.
pub(super) fn reply<'a>(
    query: &QueryView<'_>,
    context: &Context<'a>,
) -> (Option<Reply<'a>>, Result<(), MalformedCookie>) {
    let Some(edns) = query.edns else { return (None, Ok(())) };
    let (settings, client) = (context.settings, context.client);
    let mut reply = Reply {
        payload: settings.udp_size,
        dnssec_ok: edns.dnssec_ok,
        cookie: None,
        keepalive: None,
        nsid: None,
        ede: None,
        extended_errors: settings.extended_errors,
        padded: false,
    };
    reply.padded = client.transport.kind().pads_unasked;
    // RFC 6891 §6.1.3: the options of a higher version may mean something else.
    if edns.options.is_empty() || edns.version > 0 {
        return (Some(reply), Ok(()));
    }
    let asks = |code: u16| edns.option(code).is_some();
    if asks(OPTION_NSID) {
        reply.nsid = settings.nsid.as_deref().map(|nsid| nsid.get(..255).unwrap_or(nsid));
    }
    if client.transport.kind().has_keepalive && asks(OPTION_KEEPALIVE) {
        reply.keepalive = Some(tenths(settings.keepalive));
    }
    reply.padded |= client.transport.kind().is_encrypted && asks(OPTION_PADDING);
    let cookie = edns.option(OPTION_COOKIE);
    match cookie.map(|option| Cookie::of(option, client.address, context.secrets, client.now.wall)).transpose() {
        Ok(cookie) => {
            reply.cookie = cookie;
            (Some(reply), Ok(()))
        }
        Err(malformed) => (Some(reply), Err(malformed)),
    }
}

impl Reply<'_> {
    /// Returns the octets to keep free for the record: all of it but what gives way to records.
    pub(super) fn reserved(&self) -> usize {
        let option = |data: Option<usize>| data.map_or(0, |length| OPTION_HEADER + length);
        RECORD_LENGTH
            + option(self.cookie.map(|cookie| cookie.octets.len()))
            + option(self.keepalive.map(|_| 2))
            + option(self.nsid.map(<[u8]>::len))
    }

    /// Writes the record (RFC 6891 §6.1.2). Options that would make the message longer than `limit` octets are left out.
    pub(super) fn write(&self, message: &mut Vec<u8>, rcode: Rcode, limit: usize) {
        message.push(0);
        message.extend_from_slice(&Rtype::OPT.0.to_be_bytes());
        message.extend_from_slice(&self.payload.to_be_bytes());
        let [_, high] = (rcode.0 >> 4).to_be_bytes();
        message.extend_from_slice(&[high, 0, if self.dnssec_ok { 0x80 } else { 0 }, 0]);
        let length_place = message.len();
        message.extend_from_slice(&[0; 2]);
        self.options(|code, first, second| {
            if message.len() + OPTION_HEADER + first.len() + second.len() <= limit {
                write_option(message, code, first, second);
            }
        });
        if self.padded {
            pad(message, limit);
        }
        let length = u16::try_from(message.len() - length_place - 2).unwrap_or(0);
        if let Some(place) = message.get_mut(length_place..).and_then(|rest| rest.first_chunk_mut::<2>()) {
            *place = length.to_be_bytes();
        }
    }

    /// Hands out each option but padding: its code, and its data in two pieces.
    pub(super) fn options(&self, mut take: impl FnMut(u16, &[u8], &[u8])) {
        if let Some(cookie) = &self.cookie {
            take(OPTION_COOKIE, &cookie.octets, &[]);
        }
        if let Some(tenths) = self.keepalive {
            take(OPTION_KEEPALIVE, &tenths.to_be_bytes(), &[]);
        }
        if let Some(nsid) = self.nsid {
            take(OPTION_NSID, nsid, &[]);
        }
        if let Some(ede) = self.ede {
            match ede.note.hold {
                None => take(OPTION_EDE, &ede.code.to_be_bytes(), ede.note.text.as_bytes()),
                Some(_) => take(OPTION_EDE, &ede.code.to_be_bytes(), ede.note.to_string().as_bytes()),
            }
        }
    }
}

/// Returns by how many octets the cookie of an answer is longer than that of the query.
pub(super) fn cookie_growth(given: Option<&Cookie>, query: &QueryView<'_>) -> usize {
    let given = given.map_or(0, |cookie| cookie.octets.len());
    let asked = query.edns.and_then(|edns| edns.option(OPTION_COOKIE)).map_or(0, <[u8]>::len);
    given.saturating_sub(asked)
}

fn write_option(message: &mut Vec<u8>, code: u16, first: &[u8], second: &[u8]) {
    message.extend_from_slice(&code.to_be_bytes());
    message.extend_from_slice(&u16::try_from(first.len() + second.len()).unwrap_or(0).to_be_bytes());
    message.extend_from_slice(first);
    message.extend_from_slice(second);
}

/// Fills a message up to whole blocks, or to its limit (RFC 8467 §4.1).
fn pad(message: &mut Vec<u8>, limit: usize) {
    let bare = message.len() + OPTION_HEADER;
    let Some(room) = bare.next_multiple_of(PADDING_BLOCK).min(limit).checked_sub(bare) else { return };
    message.extend_from_slice(&OPTION_PADDING.to_be_bytes());
    message.extend_from_slice(&u16::try_from(room).unwrap_or(0).to_be_bytes());
    // RFC 7830 §3: zeroes.
    message.resize(bare + room, 0);
}

fn tenths(idle: Duration) -> u16 {
    u16::try_from(idle.as_millis() / 100).unwrap_or(u16::MAX)
}

/// RFC 5001 §2.3.
const OPTION_NSID: u16 = 3;
/// RFC 7873 §4.
pub(super) const OPTION_COOKIE: u16 = 10;
/// RFC 7828 §3.1.
pub(super) const OPTION_KEEPALIVE: u16 = 11;
/// RFC 7830 §3.
const OPTION_PADDING: u16 = 12;
/// RFC 8914 §2.
const OPTION_EDE: u16 = 15;
/// Its code and its length.
const OPTION_HEADER: usize = 4;
/// An OPT record without options.
const RECORD_LENGTH: usize = 11;
/// RFC 8467 §4.1.
const PADDING_BLOCK: usize = 468;
