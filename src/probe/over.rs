//! What a check's protocol goes over.

use super::Tls;

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
}
