//! Writes the request `OPTIONS` (RFC 3261 §11), and recognizes its answer.

use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use super::head::{Head, Start};
use crate::base::terminal;

/// One OPTIONS request: what it is sent with, and what tells its answer from all others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    text: String,
    branch: String,
    call_id: String,
}

/// What a request is made of.
#[derive(Clone, Copy, Debug)]
pub struct Parts<'a> {
    /// Whom to ask: the service domain, or an address.
    pub domain: &'a str,
    /// `UDP`, `TCP` or `TLS`, as Via has it.
    pub transport: &'static str,
    /// Our own end.
    pub local: SocketAddr,
    /// How many hops it may go.
    pub max_forwards: u8,
    /// What makes it one of its kind.
    pub random: [u8; RANDOM],
}

/// The final answer to a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SipReply {
    /// The code, 200 to 699.
    pub status: u16,
    /// What is said with it, safe to print, at most 64 octets of it.
    pub reason: String,
    /// How long it asks to be left alone.
    pub retry_after: Option<Duration>,
}

impl Request {
    /// Writes a request; nothing if the domain cannot stand in a SIP URI.
    ///
    /// The URI has no user: with one, a server might hand the request on to a phone. It is a `sip:` URI over TLS too,
    /// as some servers answer 416 to `sips:`.
    pub fn new(parts: &Parts<'_>) -> Option<Self> {
        let Parts { domain, transport, local, max_forwards, random } = parts;
        let domain = uri_host(domain)?;
        let host = bracketed(local.ip());
        let (branch, rest) = random.split_at_checked(8)?;
        let (call_id, tag) = rest.split_at_checked(8)?;
        let hex = |octets: &[u8]| data_encoding::HEXLOWER.encode(octets);
        // RFC 3261 §8.1.1.7: the cookie tells that the branch is one of a kind.
        let (branch, call_id, tag) = (format!("z9hG4bK{}", hex(branch)), hex(call_id), hex(tag));
        let (port, contact) = (local.port(), transport.to_ascii_lowercase());
        let agent = concat!("understudy/", env!("CARGO_PKG_VERSION"));
        let text = format!(
            "OPTIONS sip:{domain} SIP/2.0\r\n\
             Via: SIP/2.0/{transport} {host}:{port};branch={branch};rport\r\n\
             Max-Forwards: {max_forwards}\r\n\
             From: <sip:probe@{host}>;tag={tag}\r\n\
             To: <sip:{domain}>\r\n\
             Call-ID: {call_id}\r\n\
             CSeq: {NUMBER} {METHOD}\r\n\
             Contact: <sip:probe@{host}:{port};transport={contact}>\r\n\
             User-Agent: {agent}\r\n\
             Accept: application/sdp\r\n\
             Content-Length: 0\r\n\
             \r\n"
        );
        Some(Self { text, branch, call_id })
    }

    /// Returns the octets to send.
    pub const fn octets(&self) -> &[u8] {
        self.text.as_bytes()
    }

    /// Returns the answer if a head is the final one to this request: not a provisional one (1xx), nor somebody else's.
    pub fn answer(&self, head: &Head<'_>) -> Option<SipReply> {
        let Start::Answer { status, reason } = head.start else { return None };
        // RFC 3261 §17.1.3: branch and method; Call-ID and number too, as nobody may change them on the way.
        let is = |found: &[u8], ours: &str| found.eq_ignore_ascii_case(ours.as_bytes());
        let mut ours = head.branch.is_some_and(|branch| is(branch, &self.branch));
        ours &= head.call_id.is_some_and(|call_id| is(call_id, &self.call_id));
        ours &= head.cseq.is_some_and(|(method, number)| method == METHOD.as_bytes() && number == NUMBER.as_bytes());
        // RFC 3261 §8.1.3.3: an answer with several Vias went astray.
        (ours && head.vias == 1 && status >= 200).then(|| SipReply {
            status,
            reason: printable(reason),
            retry_after: head.retry_after_secs.map(|secs| Duration::from_secs(secs.into())),
        })
    }
}

impl SipReply {
    /// Returns status and reason as a status line has them.
    pub fn line(&self) -> String {
        format!("{} {}", self.status, self.reason).trim_end().to_owned()
    }
}

/// Writes a domain as the host of a URI: a name, or an address, in brackets if it is an IPv6 one.
pub(super) fn uri_host(domain: &str) -> Option<String> {
    if let Ok(address) = domain.parse::<Ipv6Addr>() {
        return Some(format!("[{address}]"));
    }
    let is_plain = |octet: u8| octet.is_ascii_alphanumeric() || matches!(octet, b'-' | b'.' | b'_');
    (!domain.is_empty() && domain.len() <= NAME_MAX && domain.bytes().all(is_plain)).then(|| domain.to_owned())
}

fn bracketed(address: IpAddr) -> String {
    match address {
        IpAddr::V4(address) => address.to_string(),
        IpAddr::V6(address) => format!("[{address}]"),
    }
}

/// Makes a reason phrase, which is UTF-8 (RFC 3261 §25.1), fit for terminals and logs.
fn printable(reason: &[u8]) -> String {
    terminal::escape(&String::from_utf8_lossy(reason.get(..REASON_MAX).unwrap_or(reason)), usize::MAX)
}

/// So many random octets go into a request.
pub const RANDOM: usize = 20;
const METHOD: &str = "OPTIONS";
const NUMBER: &str = "1";
/// The longest domain name, in octets (RFC 1035 §2.3.4).
const NAME_MAX: usize = 253;
/// The longest reason that is kept, in octets.
const REASON_MAX: usize = 64;
