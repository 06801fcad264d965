//! Held connections: one idle connection stays open to each address and port, so that the death of a process is
//! detected immediately.
//!
//! ```text
//!   a probe passed ──▶ manager ──▶ held (pure: open, renew, what an end means) ──▶ connection (one task each)
//!                        │                                                            │
//!   Broke, Said ◀────────┘ ◀────────────────────── opened, words, ended ──────────────┘
//! ```
//!
//! The peer's kernel closes the connections of a dead process within milliseconds; a machine that vanishes is detected
//! by TCP keepalive and TCP_USER_TIMEOUT (RFC 5482) after 4 s, in which two keepalives were lost. A hung process is
//! detected only by probes.
//!
//! | limit | what happens at it |
//! |---|---|
//! | connections in all ([`WatchManager`](manager::WatchManager)) | not held, only probed; told once, counted |
//! | starts a second on an address, shared with probes | it opens later |
//! | breaks a minute at a server that is well | nothing is held there for 2 min, each time half as long again, at most 1 h |
//! | 64 KiB heard on one connection | closed, counted as a break |
//!
//! **Invariant:** a break marks no target down: it only triggers immediate probes. What the peer *sends* on a held
//! connection, such as the announcement of its shutdown, is an outcome like any other.
//!
//! **Invariant:** no connection is opened to a target that does not pass its probes.

mod connection;
mod held;
mod limit;
pub(super) mod manager;
pub(super) mod metrics;
mod scanner;

use std::net::SocketAddr;
use std::time::Duration;

use super::tls::Tls;

/// Where one connection is held: address, port and transport.
type Place = (SocketAddr, &'static str);

/// How a connection to a target is held.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct HoldSpec {
    /// Shakes hands once connected.
    pub(super) tls: Option<Tls>,
    /// Whether CRLF CRLF is sent now and then, which is answered by CRLF (RFC 5626 §3.5.1).
    pub(super) pings: bool,
}

/// The times by which connections are held.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Times {
    /// How long the first connection is held: shorter than any limit that servers are known to have.
    pub(super) first: Duration,
    /// The longest that one connection is held.
    pub(super) longest: Duration,
    /// Idle limits below this are not worth holding a connection.
    pub(super) shortest: Duration,
    /// From ping to ping; nothing: there are none.
    pub(super) ping_every: Option<Duration>,
    /// The longest that the answer to a ping may take (RFC 5626 §4.4.1).
    pub(super) pong_within: Duration,
    /// From a renewal that failed to the next try.
    pub(super) retry: Duration,
    /// How long nothing is opened after a fault of our own.
    pub(super) pause: Duration,
    /// How long a server must be well after a break, so that it was no death; nothing is opened there before.
    pub(super) proof: Duration,
    /// How long nothing is held where connections broke too often, for the first time; each time half as long again.
    pub(super) rest: Duration,
    /// The longest that nothing is held.
    pub(super) longest_rest: Duration,
    /// So many breaks a minute are borne.
    pub(super) breaks_per_minute: usize,
}

/// From ping to ping where the protocol has them: Kamailio keeps a connection for 120 s after the last.
const PING_EVERY: Duration = Duration::from_secs(25);

impl Times {
    /// Measured: ejabberd keeps an idle connection for 30 s, nginx and coturn 60 s, Prosody 90 s (servers) and 300 s
    /// (clients), Kamailio 120 s and with pings for ever.
    pub(super) const DEFAULT: Self = Self {
        first: Duration::from_secs(24),
        longest: Duration::from_secs(240),
        shortest: Duration::from_secs(10),
        ping_every: None,
        pong_within: Duration::from_secs(10),
        retry: Duration::from_secs(5),
        pause: Duration::from_secs(60),
        proof: Duration::from_millis(900),
        rest: Duration::from_secs(120),
        longest_rest: Duration::from_secs(3_600),
        breaks_per_minute: 3,
    };
}

#[cfg(test)]
mod tests;
