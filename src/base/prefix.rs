//! IP prefixes: read strictly, compared, and the ones reserved for documentation.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use thiserror::Error;

/// An address with the length of its prefix; the bits behind the prefix are zero.
///
/// ```
/// use understudy::base::prefix::IpPrefix;
///
/// let prefix: IpPrefix = "192.0.2.0/24".parse()?;
/// assert!(prefix.contains("192.0.2.7".parse()?) && prefix.contains("::ffff:192.0.2.7".parse()?));
/// assert!("192.0.2.7/24".parse::<IpPrefix>().is_err(), "bits behind the prefix");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct IpPrefix(IpNet);

/// Why a text is no [`IpPrefix`].
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum PrefixError {
    /// There is no address before the slash.
    #[error("\"{0}\" is no network: write an address such as 192.0.2.1, or a prefix such as 192.0.2.0/24")]
    Address(String),
    /// The prefix's length is no number, or too large.
    #[error("the prefix's length must be a number from 0 to {0}")]
    Length(u8),
    /// There are bits behind the prefix.
    #[error("there are bits behind the prefix: did you mean {0}?")]
    HostBits(IpPrefix),
}

impl IpPrefix {
    /// Makes the prefix in which an address lies, from the length for its family; a length that is too large counts as
    /// the whole address.
    pub fn around(address: IpAddr, v4: u8, v6: u8) -> Self {
        let length = if address.is_ipv4() { v4 } else { v6 };
        Self(IpNet::new(address, length).unwrap_or_else(|_| address.into()).trunc())
    }

    /// Returns its first address.
    pub fn first(&self) -> IpAddr {
        self.0.addr()
    }

    /// Returns whether an address lies in it. An IPv4-mapped IPv6 address counts as its IPv4 address.
    pub fn contains(&self, address: IpAddr) -> bool {
        self.0.contains(&address.to_canonical())
    }
}

/// Makes the prefix that holds one address alone.
impl From<IpAddr> for IpPrefix {
    fn from(address: IpAddr) -> Self {
        Self(address.into())
    }
}

impl FromStr for IpPrefix {
    type Err = PrefixError;

    /// Reads `192.0.2.0/24`, `2001:db8::/32`, or a single address.
    fn from_str(text: &str) -> Result<Self, PrefixError> {
        let (address, length) = text.split_once('/').map_or((text, None), |(address, length)| (address, Some(length)));
        let whole: IpNet =
            address.parse().map(|address: IpAddr| address.into()).map_err(|_| PrefixError::Address(text.to_owned()))?;
        let Some(length) = length else { return Ok(Self(whole)) };
        let digits = |text: &&str| text.bytes().all(|octet| octet.is_ascii_digit());
        let length = Some(length).filter(digits).and_then(|length| length.parse().ok());
        let written = length.and_then(|length| IpNet::new(whole.addr(), length).ok());
        let written = written.ok_or_else(|| PrefixError::Length(whole.max_prefix_len()))?;
        let prefix = Self(written.trunc());
        if prefix.0 == written { Ok(prefix) } else { Err(PrefixError::HostBits(prefix)) }
    }
}

impl fmt::Display for IpPrefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Returns the prefix for documentation in which an address lies, if there is one.
pub fn documentation(address: IpAddr) -> Option<IpPrefix> {
    DOCUMENTATION.into_iter().find(|prefix| prefix.contains(address))
}

/// The prefixes for documentation: RFC 5737 §3, RFC 3849, RFC 9637.
const DOCUMENTATION: [IpPrefix; 5] = [
    IpPrefix(IpNet::V4(Ipv4Net::new_assert(Ipv4Addr::new(192, 0, 2, 0), 24))),
    IpPrefix(IpNet::V4(Ipv4Net::new_assert(Ipv4Addr::new(198, 51, 100, 0), 24))),
    IpPrefix(IpNet::V4(Ipv4Net::new_assert(Ipv4Addr::new(203, 0, 113, 0), 24))),
    IpPrefix(IpNet::V6(Ipv6Net::new_assert(Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 0), 32))),
    IpPrefix(IpNet::V6(Ipv6Net::new_assert(Ipv6Addr::new(0x3fff, 0, 0, 0, 0, 0, 0, 0), 20))),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prefixes_are_read_strictly_and_printed_back() {
        for text in ["192.0.2.0/24", "0.0.0.0/0", "::/0", "2001:db8::/32", "192.0.2.1/32", "::1/128"] {
            assert_eq!(text.parse::<IpPrefix>().unwrap().to_string(), text);
        }
        assert_eq!("127.0.0.1".parse::<IpPrefix>().unwrap().to_string(), "127.0.0.1/32");
        for text in ["", "/", "192.0.2.0/33", "192.0.2.0/", "192.0.2.0/+8", "192.0.2/24", "::/129", "example.com"] {
            assert!(text.parse::<IpPrefix>().is_err(), "{text}");
        }
        let error = "192.0.2.1/24".parse::<IpPrefix>().unwrap_err();
        assert_eq!(error.to_string(), "there are bits behind the prefix: did you mean 192.0.2.0/24?");
        let error = "2001:db8::/129".parse::<IpPrefix>().unwrap_err();
        assert_eq!(error.to_string(), "the prefix's length must be a number from 0 to 128");
    }

    #[test]
    fn addresses_are_grouped_by_the_length_of_their_family() {
        for (address, prefix) in [("192.0.2.9", "192.0.2.0/24"), ("2001:db8:1:2::3", "2001:db8:1::/48")] {
            assert_eq!(IpPrefix::around(address.parse().unwrap(), 24, 48).to_string(), prefix);
        }
        let alone = IpPrefix::around("127.0.0.1".parse().unwrap(), 33, 64);
        assert_eq!(alone, "127.0.0.1".parse().unwrap());
    }

    #[test]
    fn ipv4_prefixes_stand_before_ipv6_ones() {
        let around = |address: &str| IpPrefix::around(address.parse().unwrap(), 24, 48);
        assert!(around("255.0.0.1") < around("::1"));
    }
}
