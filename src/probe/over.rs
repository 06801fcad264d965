//! The transport of a check's protocol.

use super::tls::Tls;
use super::watch::HoldSpec;
use crate::keys::values::Words;

/// What clients of a service go over, for checks that can go over several.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Transport {
    /// Datagrams.
    Udp,
    /// A connection.
    Tcp,
    /// A connection in TLS from its begin.
    Tls,
}

impl Words for Transport {
    const WORDS: &'static [(&'static str, Self)] = &[("udp", Self::Udp), ("tcp", Self::Tcp), ("tls", Self::Tls)];
}

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
