//! What a check's protocol goes over.

use super::Tls;
use super::watch::HoldSpec;

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
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Udp => "udp",
            Self::Tcp => "tcp",
            Self::Tls(_) => "tls",
        }
    }
    /// Returns how a connection is held; nothing: there is none.
    pub(super) fn hold_spec(&self) -> Option<HoldSpec> {
        match self {
            Self::Udp => None,
            Self::Tcp => Some(HoldSpec::default()),
            Self::Tls(tls) => Some(HoldSpec { tls: Some(tls.clone()), ..HoldSpec::default() }),
        }
    }
}
