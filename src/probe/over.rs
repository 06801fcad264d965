//! What a check's protocol goes over.

use super::Tls;
use super::watch::Manner;

/// A transport, with what it needs.
#[derive(Clone, Debug, PartialEq)]
pub enum Over {
    /// Datagrams.
    Udp,
    /// A connection.
    Tcp,
    /// A connection in TLS.
    Tls(Tls),
}

impl Over {
    /// Returns `udp`, `tcp` or `tls`.
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Udp => "udp",
            Self::Tcp => "tcp",
            Self::Tls(_) => "tls",
        }
    }
    /// Returns how a connection is held; nothing: there is none.
    pub(super) fn manner(&self) -> Option<Manner> {
        match self {
            Self::Udp => None,
            Self::Tcp => Some(Manner::default()),
            Self::Tls(tls) => Some(Manner { tls: Some(tls.clone()), ..Manner::default() }),
        }
    }
}
