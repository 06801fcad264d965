//! Who asks, and by which kind of listener.

use std::net::{IpAddr, SocketAddr};

use crate::base::clock::Now;

/// The far side of one query.
#[derive(Clone, Copy, Debug)]
pub struct Client {
    /// Its address.
    pub address: IpAddr,
    /// How the query came.
    pub transport: Transport,
    /// When it came.
    pub now: Now,
}

/// By which kind of transport a query came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transport {
    /// Datagrams: answers have a limit and can be truncated, and the sender's address can be forged.
    Udp,
    /// TCP (RFC 7766).
    Tcp,
    /// DNS over TLS (RFC 7858).
    Tls,
    /// DNS over HTTPS (RFC 8484).
    Https,
    /// DNS over QUIC (RFC 9250).
    Quic,
}

impl Client {
    /// Makes a client of what a listener knows; an IPv4 address within IPv6 counts as IPv4.
    pub fn new(address: SocketAddr, transport: Transport, now: Now) -> Self {
        Self { address: address.ip().to_canonical(), transport, now }
    }
}

impl Transport {
    /// All of them, in the order of their numbers.
    pub const ALL: [Self; 5] = [Self::Udp, Self::Tcp, Self::Tls, Self::Https, Self::Quic];

    /// Returns its number: a place in lists with an entry for each transport.
    pub(crate) const fn number(self) -> usize {
        match self {
            Self::Udp => 0,
            Self::Tcp => 1,
            Self::Tls => 2,
            Self::Https => 3,
            Self::Quic => 4,
        }
    }

    /// Returns the word for it in metrics and logs.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Udp => "udp",
            Self::Tcp => "tcp",
            Self::Tls => "tls",
            Self::Https => "https",
            Self::Quic => "quic",
        }
    }

    /// Returns whether others on the way cannot read it: then lengths tell something, and are padded (RFC 8467).
    pub const fn is_encrypted(self) -> bool {
        match self {
            Self::Udp | Self::Tcp => false,
            Self::Tls | Self::Https | Self::Quic => true,
        }
    }

    /// Returns whether its handshake has proven the client's address.
    pub const fn proves_address(self) -> bool {
        match self {
            Self::Udp => false,
            Self::Tcp | Self::Tls | Self::Https | Self::Quic => true,
        }
    }

    /// Returns whether clients may ask how long an idle connection is kept (RFC 7828 §3.2; RFC 9250 §5.5.2 and HTTP
    /// have their own means).
    pub(super) const fn has_keepalive(self) -> bool {
        match self {
            Self::Tcp | Self::Tls => true,
            Self::Udp | Self::Https | Self::Quic => false,
        }
    }
}
