//! What may be probed: a transferred zone must not make us a scanner.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

use thiserror::Error;

/// `allow` and `deny`: what may be probed.
///
/// | address | permitted |
/// |---|---|
/// | unspecified, multicast, broadcast | never |
/// | in `deny` | no |
/// | `allow` is empty | unless it is a documentation prefix (RFC 5737, RFC 3849, RFC 9637) |
/// | `allow` names networks | if one of them holds it: the list stands in place of the default |
///
/// An IPv4-mapped IPv6 address counts as its IPv4 address.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Access {
    /// The only networks that may be probed; if empty, all but documentation prefixes.
    pub allow: Vec<Network>,
    /// Networks that may not be probed, whatever `allow` says.
    pub deny: Vec<Network>,
}

/// Why an address may not be probed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum Refused {
    /// It names no single host.
    #[error("{0} is {1}: it names no single host")]
    NoHost(IpAddr, &'static str),
    /// It lies in a network of `deny`.
    #[error("{0} is in {1}, which deny names")]
    Denied(IpAddr, Network),
    /// It lies in no network of `allow`.
    #[error("{0} is in no network that allow names")]
    NotAllowed(IpAddr),
    /// It lies in a prefix for documentation, and `allow` is empty.
    #[error("{0} is in {1}, a prefix for documentation (RFC 5737, RFC 3849, RFC 9637), which allow does not name")]
    Documentation(IpAddr, Network),
}

impl Access {
    /// Says whether an address may be probed.
    pub fn permits(&self, address: IpAddr) -> Result<(), Refused> {
        let address = address.to_canonical();
        if let Some(what) = no_host(address) {
            return Err(Refused::NoHost(address, what));
        }
        if let Some(&network) = self.deny.iter().find(|network| network.holds(address)) {
            return Err(Refused::Denied(address, network));
        }
        if !self.allow.is_empty() {
            let named = self.allow.iter().any(|network| network.holds(address));
            return if named { Ok(()) } else { Err(Refused::NotAllowed(address)) };
        }
        match DOCUMENTATION.into_iter().find(|network| network.holds(address)) {
            Some(network) => Err(Refused::Documentation(address, network)),
            None => Ok(()),
        }
    }
}

/// An address with the length of its prefix; bits behind the prefix are zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Network {
    address: IpAddr,
    length: u8,
}

/// Why a text is no [`Network`].
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum NetworkError {
    /// There is no address before the slash.
    #[error("\"{0}\" is no network: write an address such as 192.0.2.1, or a prefix such as 192.0.2.0/24")]
    Address(String),
    /// The prefix's length is no number, or too large.
    #[error("the prefix's length must be a number from 0 to {0}")]
    Length(u8),
    /// There are bits behind the prefix.
    #[error("there are bits behind the prefix: did you mean {0}?")]
    HostBits(Network),
}

impl Network {
    /// Makes a network; nothing if the length is too large or bits behind the prefix are set.
    pub fn new(address: IpAddr, length: u8) -> Option<Self> {
        (length <= width(address) && mask(address, length) == address).then_some(Self { address, length })
    }

    /// Returns whether an address lies in it. An IPv4-mapped IPv6 address counts as its IPv4 address.
    pub fn holds(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        width(address) == width(self.address) && mask(address, self.length) == self.address
    }
}

impl FromStr for Network {
    type Err = NetworkError;

    /// Reads `192.0.2.0/24`, `2001:db8::/32`, or a single address.
    fn from_str(text: &str) -> Result<Self, NetworkError> {
        let (address, length) = text.split_once('/').map_or((text, None), |(address, length)| (address, Some(length)));
        let address: IpAddr = address.parse().map_err(|_| NetworkError::Address(text.to_owned()))?;
        let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        let length = match length {
            None => width(address),
            Some(text) => (text.parse().ok())
                .filter(|length| digits(text) && *length <= width(address))
                .ok_or_else(|| NetworkError::Length(width(address)))?,
        };
        Self::new(address, length)
            .ok_or_else(|| NetworkError::HostBits(Self { address: mask(address, length), length }))
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.address, self.length)
    }
}

/// Says why an address names no single host.
fn no_host(address: IpAddr) -> Option<&'static str> {
    match address {
        _ if address.is_unspecified() => Some("the unspecified address"),
        _ if address.is_multicast() => Some("a multicast address"),
        IpAddr::V4(Ipv4Addr::BROADCAST) => Some("the broadcast address"),
        IpAddr::V4(_) | IpAddr::V6(_) => None,
    }
}

const fn width(address: IpAddr) -> u8 {
    match address {
        IpAddr::V4(_) => 32,
        IpAddr::V6(_) => 128,
    }
}

/// Clears the bits behind a prefix.
fn mask(address: IpAddr, length: u8) -> IpAddr {
    match address {
        IpAddr::V4(v4) => {
            let mask = u32::MAX.checked_shl(32_u32.saturating_sub(length.into())).unwrap_or(0);
            Ipv4Addr::from_bits(v4.to_bits() & mask).into()
        }
        IpAddr::V6(v6) => {
            let mask = u128::MAX.checked_shl(128_u32.saturating_sub(length.into())).unwrap_or(0);
            Ipv6Addr::from_bits(v6.to_bits() & mask).into()
        }
    }
}

/// The prefixes for documentation: RFC 5737 §3, RFC 3849, RFC 9637.
const DOCUMENTATION: [Network; 5] = [
    Network { address: IpAddr::V4(Ipv4Addr::new(192, 0, 2, 0)), length: 24 },
    Network { address: IpAddr::V4(Ipv4Addr::new(198, 51, 100, 0)), length: 24 },
    Network { address: IpAddr::V4(Ipv4Addr::new(203, 0, 113, 0)), length: 24 },
    Network { address: IpAddr::V6(Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 0)), length: 32 },
    Network { address: IpAddr::V6(Ipv6Addr::new(0x3fff, 0, 0, 0, 0, 0, 0, 0)), length: 20 },
];

#[cfg(test)]
mod tests {
    use super::*;

    fn networks(texts: &[&str]) -> Vec<Network> {
        texts.iter().map(|text| text.parse().unwrap()).collect()
    }

    fn permits(access: &Access, address: &str) -> bool {
        access.permits(address.parse().unwrap()).is_ok()
    }

    #[test]
    fn by_default_all_but_documentation_prefixes_may_be_probed() {
        let access = Access::default();
        for address in ["192.0.1.255", "192.0.3.0", "10.0.0.1", "127.0.0.1", "::1", "2001:db7::1", "4000::", "fe80::1"]
        {
            assert!(permits(&access, address), "{address}");
        }
        for address in
            ["192.0.2.0", "198.51.100.255", "203.0.113.7", "2001:db8:ffff::1", "3fff:fff::1", "::ffff:192.0.2.1"]
        {
            assert!(!permits(&access, address), "{address}");
        }
    }

    #[test]
    fn what_names_no_single_host_is_never_probed() {
        let access = Access { allow: networks(&["0.0.0.0/0", "::/0"]), deny: Vec::new() };
        for address in
            ["0.0.0.0", "::", "224.0.0.1", "239.255.255.255", "ff02::1", "255.255.255.255", "::ffff:224.0.0.1"]
        {
            assert!(!permits(&access, address), "{address}");
        }
        assert!(permits(&access, "192.0.2.1"));
    }

    #[test]
    fn allow_stands_in_place_of_the_default_and_deny_wins() {
        let access = Access { allow: networks(&["192.0.2.0/24", "10.0.0.0/8"]), deny: networks(&["10.1.0.0/16"]) };
        assert!(permits(&access, "192.0.2.9"));
        assert!(permits(&access, "10.2.0.1"));
        assert_eq!(
            access.permits("10.1.0.1".parse().unwrap()).unwrap_err().to_string(),
            "10.1.0.1 is in 10.1.0.0/16, which deny names"
        );
        assert!(!permits(&access, "9.9.9.9"));
        assert!(!permits(&access, "2001:db9::1"));
    }

    #[test]
    fn networks_are_read_strictly_and_printed_back() {
        for text in ["192.0.2.0/24", "0.0.0.0/0", "::/0", "2001:db8::/32", "192.0.2.1/32", "::1/128"] {
            assert_eq!(text.parse::<Network>().unwrap().to_string(), text);
        }
        assert_eq!("127.0.0.1".parse::<Network>().unwrap().to_string(), "127.0.0.1/32");
        for text in ["", "/", "192.0.2.0/33", "192.0.2.0/", "192.0.2.0/+8", "192.0.2/24", "::/129", "example.com"] {
            assert!(text.parse::<Network>().is_err(), "{text}");
        }
        let error = "192.0.2.1/24".parse::<Network>().unwrap_err();
        assert_eq!(error.to_string(), "there are bits behind the prefix: did you mean 192.0.2.0/24?");
    }
}
