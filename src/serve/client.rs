//! The client of a query.

use std::net::{IpAddr, SocketAddr};

use crate::base::clock::Now;

use super::Transport;

/// The far side of one query.
#[derive(Clone, Copy, Debug)]
pub struct Client {
    /// Its address.
    pub address: IpAddr,
    /// How the query came.
    pub transport: Transport,
    /// When it came.
    pub now: Now,
    /// The longest datagram that reaches it, as far as is known.
    pub largest: u16,
}

impl Client {
    /// Makes a client of what a listener knows; an IPv4 address within IPv6 counts as IPv4.
    pub fn new(address: SocketAddr, transport: Transport, now: Now) -> Self {
        Self { address: address.ip().to_canonical(), transport, now, largest: u16::MAX }
    }
}
