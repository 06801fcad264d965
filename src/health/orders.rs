//! Operator orders that override the state machine.

use std::fmt;
use std::net::IpAddr;

use crate::base::clock::UnixTime;

/// What an order makes of what it covers. Of several orders the first in this order counts: down before drained
/// before up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Force {
    /// Does not serve.
    Down,
    /// Does not serve new clients; the last resort before all is down while it is alive.
    Drained,
    /// Serves.
    Up,
}

/// What an order covers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Scope {
    /// Every target of a host, by its name in lower case without the final dot, or one port of it.
    Host(String, Option<u16>),
    /// Every target on an address, or one port of it.
    Address(IpAddr, Option<u16>),
}

/// One order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Order {
    /// What it does.
    pub force: Force,
    /// What it covers.
    pub scope: Scope,
    /// When it begins: a drain may be scheduled; nothing is at once.
    pub from: Option<UnixTime>,
    /// When it ends by itself.
    pub until: Option<UnixTime>,
    /// Why, in the operator's words.
    pub reason: String,
    /// Who gave it.
    pub author: String,
}

impl Order {
    /// Returns whether it is in force at `wall`.
    pub fn is_active(&self, wall: UnixTime) -> bool {
        self.from.is_none_or(|from| from <= wall) && !self.is_over(wall)
    }

    /// Returns whether it has ended at `wall`.
    pub fn is_over(&self, wall: UnixTime) -> bool {
        self.until.is_some_and(|until| until <= wall)
    }
}

impl Scope {
    /// Returns whether a target on `address` and `port` of `host` (lower case, without the final dot) is covered.
    pub fn covers(&self, host: &str, address: Option<IpAddr>, port: u16) -> bool {
        match self {
            Self::Host(name, only) => name == host && only.is_none_or(|only| only == port),
            Self::Address(ip, only) => address == Some(*ip) && only.is_none_or(|only| only == port),
        }
    }

    /// Reads `HOST`, `HOST:PORT`, `ADDRESS`, `ADDRESS:PORT` or `[ADDRESS]:PORT`.
    pub fn parse(text: &str) -> Option<Self> {
        if let Ok(address) = text.parse::<std::net::SocketAddr>() {
            return Some(Self::Address(address.ip(), Some(address.port())));
        }
        if let Ok(address) = text.trim_start_matches('[').trim_end_matches(']').parse() {
            return Some(Self::Address(address, None));
        }
        let (host, port) = match text.rsplit_once(':') {
            Some((host, port)) => (host, Some(port.parse().ok()?)),
            None => (text, None),
        };
        let host = host.trim_end_matches('.');
        (!host.is_empty()).then(|| Self::Host(host.to_ascii_lowercase(), port))
    }
}

impl fmt::Display for Scope {
    /// Prints what [`Scope::parse`] reads.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Host(name, None) => f.write_str(name),
            Self::Host(name, Some(port)) => write!(f, "{name}:{port}"),
            Self::Address(address, None) => write!(f, "{address}"),
            Self::Address(address, Some(port)) => write!(f, "{}", std::net::SocketAddr::new(*address, *port)),
        }
    }
}

impl Force {
    /// Returns the word for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Down => "down",
            Self::Drained => "drained",
            Self::Up => "up",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_hosts_addresses_and_ports() {
        for (text, scope) in [
            ("sip-node1", Scope::Host("sip-node1".into(), None)),
            ("Sip.Example.com.:5060", Scope::Host("sip.example.com".into(), Some(5060))),
            ("192.0.2.1", Scope::Address([192, 0, 2, 1].into(), None)),
            ("192.0.2.1:53", Scope::Address([192, 0, 2, 1].into(), Some(53))),
            ("::1", Scope::Address("::1".parse().unwrap(), None)),
            ("[::1]:53", Scope::Address("::1".parse().unwrap(), Some(53))),
        ] {
            assert_eq!(Scope::parse(text), Some(scope), "{text}");
        }
        assert_eq!(Scope::parse("host:port"), None);
        assert_eq!(Scope::parse(""), None);
    }

    #[test]
    fn down_counts_before_drained_before_up() {
        assert_eq!([Force::Up, Force::Drained, Force::Down].into_iter().min(), Some(Force::Down));
    }
}
