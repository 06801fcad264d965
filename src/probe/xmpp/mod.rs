//! The check `xmpp`: opens a stream as clients and servers do (RFC 6120), with STARTTLS or within TLS (XEP-0368).
//!
//! ```text
//!   octets ──▶ lexer (rxml) ──▶ element: header, features, errors ──▶ dialogue ──▶ turns ──▶ conduct: sockets
//!                                                                       └ features, complaint: what it means
//! ```
//!
//! **Invariant:** it never authenticates; at most 64 KiB of a stream are read, and entities are never expanded.

mod complaint;
mod dialogue;
mod element;
mod features;
mod idn;
mod keys;
mod lexer;

use std::time::Duration;

use thiserror::Error;
use tokio::io::AsyncWriteExt;
use tokio::time::timeout;

use super::attempt::{Attempt, DEEP_INTERVAL, DOMAINS_OF_ONE_PROBE, Depth, Ending, Probe, Sharing};
use super::connect::close;
use super::stream::Stream;
use super::tcp::quote;
use super::tls::Tls;
use super::watch::HoldSpec;
use crate::health::Outcome;

use idn::to_unicode;

pub use dialogue::{Dialogue, GOODBYE, STARTTLS, Turn};
pub use keys::XmppKeys;

/// Parameters of [`Check::Xmpp`](super::Check::Xmpp).
#[derive(Clone, Debug, PartialEq)]
pub struct Xmpp {
    /// Who is played.
    pub role: Role,
    /// The domain that the stream is opened to: the service domain, in U-labels if it has any (RFC 7622 §3.2).
    pub domain: String,
    /// Whom the stream is from, if that is said: some servers want it of servers.
    pub from: Option<String>,
    /// Whether TLS comes first (XEP-0368) rather than by STARTTLS.
    pub direct: bool,
    /// Whether a server without STARTTLS fails, rather than being warned of.
    pub require_tls: bool,
    /// Whether a server for clients must offer a way to log in.
    pub require_sasl: bool,
    /// The longest time between deep probes. Those between stop at the offer of STARTTLS; with direct TLS of servers
    /// at the end of the handshake; with direct TLS of clients all are deep.
    pub deep_interval: Duration,
    /// TLS: the name, ALPN, and what makes a certificate a failure.
    pub tls: Tls,
}

/// Who is played.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    /// A client (c2s).
    Client,
    /// Another server (s2s).
    Server,
}

impl Role {
    /// Returns the default namespace of its streams (RFC 6120 §4.8.2).
    pub const fn namespace(self) -> &'static str {
        match self {
            Self::Client => "jabber:client",
            Self::Server => "jabber:server",
        }
    }

    /// Returns its protocol's name for ALPN (XEP-0368 §3).
    pub const fn alpn(self) -> &'static [u8] {
        match self {
            Self::Client => b"xmpp-client",
            Self::Server => b"xmpp-server",
        }
    }

    const fn other(self) -> Self {
        match self {
            Self::Client => Self::Server,
            Self::Server => Self::Client,
        }
    }

    const fn as_str(self) -> &'static str {
        match self {
            Self::Client => "client",
            Self::Server => "server",
        }
    }
}

impl Probe for Xmpp {
    const KIND: &'static str = "xmpp";

    fn transport(&self) -> &'static str {
        if self.direct { "tls" } else { "tcp" }
    }

    fn parameters(&self) -> String {
        let mut text = format!("role={}", self.role.as_str());
        if self.domain.to_lowercase() != to_unicode(&self.tls.name).to_lowercase() {
            text.push_str(&format!(" domain={}", self.domain.to_lowercase()));
        }
        if let Some(from) = &self.from {
            text.push_str(&format!(" from={from}"));
        }
        if !self.require_tls {
            text.push_str(" require-tls=false");
        }
        if !self.require_sasl {
            text.push_str(" require-sasl=false");
        }
        if !self.is_always_whole() && self.deep_interval != DEEP_INTERVAL {
            text.push_str(&format!(" deep-interval={:?}", self.deep_interval));
        }
        // What a role always offers says nothing.
        let is_usual = self.direct && self.tls.alpn == [self.role.alpn()];
        let alpn = if is_usual { Vec::new() } else { self.tls.alpn.clone() };
        text.push(' ');
        text.push_str(&Tls { alpn, ..self.tls.clone() }.parameters());
        text
    }

    /// A server that opens a stream to one of its domains is well; each domain has its own certificate, and may be missing.
    fn sharing(&self) -> Option<Sharing> {
        let unnamed = Self { domain: String::new(), tls: self.tls.unnamed(), ..self.clone() };
        Some(Sharing { parameters: unnamed.parameters(), domains: DOMAINS_OF_ONE_PROBE })
    }

    fn hold_spec(&self) -> Option<HoldSpec> {
        // No stream is opened: Prosody says on a bare connection too that it leaves, and a stream would only be logged.
        Some(HoldSpec { tls: self.direct.then(|| self.tls.clone()), ..HoldSpec::default() })
    }

    fn deep_interval(&self) -> Option<Duration> {
        (!self.is_always_whole()).then_some(self.deep_interval)
    }

    async fn run(&self, attempt: &mut Attempt<'_>) -> Ending {
        let mut dialogue = Dialogue::new(self, attempt.effort.depth, self.direct);
        let ending = self.talk(&mut dialogue, attempt).await;
        attempt.warnings.extend(dialogue.into_warnings());
        ending
    }
}

impl Xmpp {
    /// Makes the check of a service's domain with the defaults; `tls` bears its name, and gets the role's ALPN.
    pub fn new(role: Role, direct: bool, mut tls: Tls) -> Self {
        if direct {
            tls.alpn = vec![role.alpn().to_vec()];
        }
        Self {
            role,
            domain: to_unicode(&tls.name),
            from: None,
            direct,
            require_tls: true,
            require_sasl: true,
            deep_interval: DEEP_INTERVAL,
            tls,
        }
    }

    /// Returns whether a shallow probe would not be much cheaper. Direct TLS without a stream leaves out what a hung
    /// server behind a proxy for TLS shows; for servers it is done all the same, as Prosody warns of each stream
    /// without a client certificate in its log.
    fn is_always_whole(&self) -> bool {
        self.direct && self.role == Role::Client
    }

    async fn talk(&self, dialogue: &mut Dialogue<'_>, attempt: &mut Attempt<'_>) -> Ending {
        let mut stream = Stream::open(self.direct.then_some(&self.tls), attempt).await?;
        if self.direct && !self.is_always_whole() && attempt.effort.depth == Depth::Shallow {
            attempt.passes();
            close(stream).await;
            return Ok(());
        }
        let ending = loop {
            match exchange(dialogue, &mut stream, attempt).await {
                Ok(After::Secure) => stream = stream.secure(&self.tls, attempt).await?,
                Ok(After::Nothing) => break Ok(()),
                Err(outcome) => break Err(outcome),
            }
            dialogue.secured();
        };
        goodbye(stream).await;
        ending
    }
}

/// What follows an exchange.
enum After {
    Secure,
    Nothing,
}

/// Opens a stream and goes on until it is decided or TLS begins.
async fn exchange(
    dialogue: &mut Dialogue<'_>,
    stream: &mut Stream,
    attempt: &mut Attempt<'_>,
) -> Result<After, Outcome> {
    attempt.begin(dialogue.step());
    stream.send(dialogue.hello().as_bytes(), attempt).await?;
    let mut buffer = Vec::with_capacity(CHUNK);
    loop {
        buffer.clear();
        if stream.receive(&mut buffer, CHUNK, attempt).await? == 0 {
            return Err(attempt.fails(dialogue.ended()));
        }
        let mut unread = buffer.as_slice();
        while !unread.is_empty() {
            let (turn, rest) = dialogue.receive(unread).map_err(|outcome| {
                if dialogue.awaits_header() {
                    attempt.saw(format!("answered {}", quote(&buffer)));
                }
                attempt.fails(outcome)
            })?;
            unread = rest;
            match turn {
                Turn::Wait => {}
                Turn::Ask(saw) => {
                    attempt.saw(saw);
                    attempt.begin(dialogue.step());
                    stream.send(STARTTLS.as_bytes(), attempt).await?;
                }
                Turn::Secure => {
                    attempt.saw("proceed");
                    return Ok(After::Secure);
                }
                Turn::Pass(saw) => {
                    attempt.passes();
                    attempt.saw(saw);
                    return Ok(After::Nothing);
                }
            }
        }
    }
}

/// Closes stream and connection as RFC 6120 §4.4 wants it; what was decided stands.
async fn goodbye(mut stream: Stream) {
    // Whoever takes nothing more, or is gone, is none to be polite to.
    if let Ok(Ok(())) = timeout(CLOSE_TIMEOUT, stream.write_all(GOODBYE.as_bytes())).await {
        close(stream).await;
    }
}

/// Why octets are not the stream that they should be.
#[derive(Clone, Debug, PartialEq, Error)]
enum MalformedStream {
    /// XML does not allow it.
    #[error("not well-formed XML ({0})")]
    Syntax(&'static str),
    /// The same, as the reader says it.
    #[error("not well-formed XML ({0})")]
    Xml(rxml::Error),
    /// XMPP does not allow it.
    #[error("{0}, which XMPP forbids (RFC 6120 §11)")]
    Forbidden(&'static str),
    /// It is more than anybody needs.
    #[error("{0}")]
    Limit(&'static str),
}

/// How much is read at once, in octets.
const CHUNK: usize = 2048;
/// How long the far side may take to take our last words.
const CLOSE_TIMEOUT: Duration = Duration::from_millis(100);
const STREAMS: &str = "http://etherx.jabber.org/streams";
const TLS: &str = "urn:ietf:params:xml:ns:xmpp-tls";

#[cfg(test)]
mod tests;
