//! The check `sip`: asks `OPTIONS` (RFC 3261 §11) over UDP, TCP or TLS, as a client of the domain would.
//!
//! ```text
//!   request ──octets──▶ datagram, or stream ──octets──▶ incoming (streams: cut into messages) ──▶ head
//!      └──────────── is it our answer? ◀───────────────────────────────────────────────────────────┘
//!                          └──▶ verdict
//! ```
//!
//! `request`, `incoming`, `head` and `verdict` do no I/O. What the far side sends is bounded: heads of 8 KiB, 64 KiB in
//! all on a stream, and the timeout of the probe.

#![warn(clippy::indexing_slicing, clippy::arithmetic_side_effects)]

pub mod head;
pub mod incoming;
mod keys;
pub mod request;
mod verdict;

use std::net::SocketAddr;
use std::time::Duration;

use super::Tls;
use super::attempt::{Attempt, DOMAINS_OF_ONE_PROBE, Ending, Probe, Sharing, conclusive, unknown};
use super::connect::close;
use super::datagram::Datagram;
use super::over::Over;
use super::stream::Stream;
use super::tcp::quote;
use super::watch::HoldSpec;
use crate::health::Outcome;

use head::{Fault, Head};
use incoming::Incoming;
use request::{Parts, RANDOM, Request, SipReply};

pub use keys::{Mode, SipKeys};
pub use verdict::{Expect, Pattern};

/// Parameters of [`Check::Sip`](super::Check::Sip).
#[derive(Clone, Debug, PartialEq)]
pub struct Sip {
    /// Whom to ask: the service domain without a final dot, or an address.
    pub domain: String,
    /// What it goes over.
    pub over: Over,
    /// Which answers pass.
    pub expect: Expect,
    /// How many hops it may go; with 0 a proxy answers 483 itself, whatever the domain.
    pub max_forwards: u8,
}

impl Sip {
    /// Makes the check of a domain with the defaults.
    pub fn new(domain: String, over: Over) -> Self {
        Self { domain, over, expect: Expect::default(), max_forwards: MAX_FORWARDS }
    }

    /// Returns whether a domain can be asked for: it is a host name, or an address.
    pub fn can_ask_for(domain: &str) -> bool {
        request::uri_host(domain).is_some()
    }

    /// Asks by datagrams; ICMP's "port unreachable" is a no.
    async fn ask_datagram(&self, attempt: &mut Attempt<'_>) -> Result<SipReply, Outcome> {
        attempt.begin("options");
        let socket = Datagram::open(attempt).await?;
        let request = self.request(socket.local(attempt)?, attempt)?;
        let accept = |octets: &[u8]| request.answer(&Head::read(octets).ok()?);
        socket.ask(request.octets(), &RESENT, accept, attempt).await
    }

    /// Asks on a stream.
    async fn ask_stream(&self, stream: &mut Stream, attempt: &mut Attempt<'_>) -> Result<SipReply, Outcome> {
        attempt.begin("options");
        let request = self.request(stream.local(attempt)?, attempt)?;
        stream.send(request.octets(), attempt).await?;
        let mut incoming = Incoming::new();
        let mut left = READ_MAX;
        loop {
            loop {
                match incoming.next_head() {
                    Ok(Some(head)) => match request.answer(&head) {
                        Some(answer) => return Ok(answer),
                        None => attempt.passed_over(),
                    },
                    Ok(None) => break,
                    Err(fault) => return Err(attempt.fails(wrong(fault, incoming.rest()))),
                }
            }
            let (buffer, room) = incoming.room();
            let read = stream.receive(buffer, room.min(left), attempt).await?;
            left = left.saturating_sub(read);
            match (read, incoming.rest()) {
                (0, _) if left == 0 => {
                    return Err(attempt.fails(conclusive("64 KiB of other messages in place of an answer")));
                }
                (0, []) => return Err(attempt.fails(conclusive("closed without an answer"))),
                (0, rest) => return Err(attempt.fails(conclusive(format!("closed after {}", quote(rest))))),
                _ => {}
            }
        }
    }

    fn request(&self, local: SocketAddr, attempt: &mut Attempt<'_>) -> Result<Request, Outcome> {
        let mut random = [0; RANDOM];
        if attempt.context.provider().secure_random.fill(&mut random).is_err() {
            return Err(attempt.fails(unknown("the system gives no random numbers")));
        }
        let transport = match &self.over {
            Over::Udp => "UDP",
            Over::Tcp => "TCP",
            Over::Tls(_) => "TLS",
        };
        let (domain, max_forwards) = (self.domain.as_str(), self.max_forwards);
        Request::new(&Parts { domain, transport, local, max_forwards, random })
            .ok_or_else(|| attempt.fails(unknown(format!("\"{domain}\" cannot stand in a SIP URI"))))
    }

    /// Tells what was answered and what it means.
    fn judge(&self, answer: &SipReply, attempt: &mut Attempt<'_>) -> Ending {
        let (outcome, warning) = self.expect.judge(answer);
        attempt.warnings.extend(warning.map(|warning| format!("answered {}: {warning}", answer.line())));
        match outcome {
            Outcome::Pass => {
                attempt.saw(format!("answered {}", answer.line()));
                attempt.passes();
                Ok(())
            }
            Outcome::Degraded(_) | Outcome::Drain { .. } | Outcome::Fail { .. } | Outcome::Unknown(_) => {
                Err(attempt.fails(outcome))
            }
        }
    }
}

impl Probe for Sip {
    const KIND: &'static str = "sip";

    fn transport(&self) -> &'static str {
        self.over.as_str()
    }

    /// In the mode `alive` a proxy that answers is well, whichever of its domains it is asked for; TLS shows each its own
    /// certificate, so that few share there.
    fn sharing(&self) -> Option<Sharing> {
        let (tls, domains) = match &self.over {
            Over::Udp | Over::Tcp => (String::new(), usize::MAX),
            Over::Tls(tls) => (tls.unnamed().parameters(), DOMAINS_OF_ONE_PROBE),
        };
        let parameters = format!("max-forwards={} {tls}", self.max_forwards);
        (self.expect == Expect::Alive).then_some(Sharing { parameters, domains })
    }

    fn parameters(&self) -> String {
        let mut parts = Vec::new();
        let tls = match &self.over {
            Over::Udp | Over::Tcp => None,
            Over::Tls(tls) => Some(tls),
        };
        // With TLS, its name says the domain too, unless they differ.
        if !tls.is_some_and(|tls| tls.name.eq_ignore_ascii_case(&self.domain)) {
            parts.push(format!("domain={}", self.domain.to_ascii_lowercase()));
        }
        parts.extend(tls.map(Tls::parameters));
        if let Expect::Only(_) = self.expect {
            parts.push(format!("expect={}", self.expect));
        }
        if self.max_forwards != MAX_FORWARDS {
            parts.push(format!("max-forwards={}", self.max_forwards));
        }
        parts.join(" ")
    }

    fn hold_spec(&self) -> Option<HoldSpec> {
        self.over.hold_spec().map(|hold_spec| HoldSpec { pings: true, ..hold_spec })
    }

    async fn run(&self, attempt: &mut Attempt<'_>) -> Ending {
        let tls = match &self.over {
            Over::Udp => {
                let answer = self.ask_datagram(attempt).await?;
                return self.judge(&answer, attempt);
            }
            Over::Tcp => None,
            Over::Tls(tls) => Some(tls),
        };
        let mut stream = Stream::open(tls, attempt).await?;
        attempt.warnings.extend(wildcard(&self.domain, attempt));
        let answer = self.ask_stream(&mut stream, attempt).await?;
        let ending = self.judge(&answer, attempt);
        close(stream).await;
        ending
    }
}

/// Says what came in place of SIP.
fn wrong(fault: Fault, octets: &[u8]) -> Outcome {
    match fault {
        Fault::Other | Fault::Version | Fault::Status => conclusive(format!("{fault}: answered {}", quote(octets))),
        Fault::Long | Fault::Length => conclusive(format!("answered with {fault}")),
    }
}

/// Warns of a certificate that bears the domain by a wildcard only, which SIP does not allow (RFC 5922 §7.2).
fn wildcard(domain: &str, attempt: &Attempt<'_>) -> Option<String> {
    let names = &attempt.certificate.as_ref()?.names;
    let (_, parent) = domain.split_once('.')?;
    let is_named = names.iter().any(|name| name.eq_ignore_ascii_case(domain));
    let wild =
        names.iter().find(|name| name.strip_prefix("*.").is_some_and(|rest| rest.eq_ignore_ascii_case(parent)))?;
    let text = format!("the certificate bears {domain} only as {wild}, which SIP clients refuse (RFC 5922)");
    (!is_named).then_some(text)
}

/// What RFC 3261 §8.1.1.6 recommends.
pub const MAX_FORWARDS: u8 = 70;
/// When a datagram is sent again, since the first: Timer E (RFC 3261 §17.1.2.1) drawn in, so that a lost one costs less.
const RESENT: [Duration; 2] = [Duration::from_millis(500), Duration::from_millis(1250)];
/// The most octets that are read from one stream.
const READ_MAX: usize = 64 * 1024;

#[cfg(test)]
mod tests;
