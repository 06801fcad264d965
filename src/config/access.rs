//! Which addresses may be probed: a transferred zone must not make a scanner of us.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// `allow` and `deny` of `[health]`.
///
/// | address | probed? |
/// |---|---|
/// | multicast, broadcast, unspecified | never |
/// | in `deny` | no |
/// | in `allow` | yes |
/// | else, `allow` not set | yes, but documentation prefixes (RFC 5737, RFC 3849) |
/// | else, `allow` set | no |
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Access {
    /// What may be probed; nothing: all but documentation prefixes.
    pub allow: Option<Vec<Prefix>>,
    /// What may not be probed, over `allow`.
    pub deny: Vec<Prefix>,
}

/// A network: an address and the number of its leading bits that count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Prefix {
    address: IpAddr,
    length: u8,
}

impl Access {
    /// Returns whether `address` may be probed.
    pub fn permits(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        let never = match address {
            IpAddr::V4(v4) => v4.is_multicast() || v4.is_broadcast() || v4.is_unspecified(),
            IpAddr::V6(v6) => v6.is_multicast() || v6.is_unspecified(),
        };
        if never || self.deny.iter().any(|prefix| prefix.contains(address)) {
            return false;
        }
        match &self.allow {
            Some(allow) => allow.iter().any(|prefix| prefix.contains(address)),
            None => !is_documentation(address),
        }
    }
}

impl Prefix {
    /// Reads `192.0.2.0/24`, `2001:db8::/32` or a single address; nothing if it is neither, or if bits behind the
    /// length are set.
    pub fn parse(text: &str) -> Option<Self> {
        let (address, length) = match text.split_once('/') {
            Some((address, length)) => (address, Some(length)),
            None => (text, None),
        };
        let address: IpAddr = address.parse().ok()?;
        let most = if address.is_ipv4() { 32 } else { 128 };
        let length = match length {
            Some(digits) if digits.bytes().all(|octet| octet.is_ascii_digit()) => digits.parse().ok()?,
            Some(_) => return None,
            None => most,
        };
        let prefix = Self { address, length };
        (length <= most && masked(address, length) == bits(address)).then_some(prefix)
    }

    /// Returns whether `address` lies within.
    pub fn contains(self, address: IpAddr) -> bool {
        self.address.is_ipv4() == address.is_ipv4() && masked(address, self.length) == bits(self.address)
    }
}

/// Returns whether an address is for documents only (RFC 5737, RFC 3849, RFC 9637).
pub fn is_documentation(address: IpAddr) -> bool {
    match address.to_canonical() {
        IpAddr::V4(v4) => matches!(v4.octets(), [192, 0, 2, _] | [198, 51, 100, _] | [203, 0, 113, _]),
        IpAddr::V6(v6) => matches!(v6.segments(), [0x2001, 0x0db8, ..] | [0x3fff, 0..=0x0fff, ..]),
    }
}

/// The address's bits, those of IPv4 at the high end.
fn bits(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(v4) => u128::from(Ipv4Addr::to_bits(v4)) << 96,
        IpAddr::V6(v6) => Ipv6Addr::to_bits(v6),
    }
}

fn masked(address: IpAddr, length: u8) -> u128 {
    bits(address) & u128::MAX.checked_shl(128 - u32::from(length.min(128))).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn by_default_documentation_addresses_are_left_alone() {
        let access = Access::default();
        for (text, permitted) in [
            ("127.0.0.1", true),
            ("10.0.0.1", true),
            ("2001:4860::1", true),
            ("192.0.2.1", false),
            ("198.51.100.7", false),
            ("2001:db8::1", false),
            ("::ffff:192.0.2.1", false),
            ("0.0.0.0", false),
            ("255.255.255.255", false),
            ("224.0.0.1", false),
            ("ff02::1", false),
        ] {
            assert_eq!(access.permits(text.parse().unwrap()), permitted, "{text}");
        }
    }

    #[test]
    fn deny_stands_over_allow() {
        let allow = Some(vec![Prefix::parse("192.0.2.0/24").unwrap(), Prefix::parse("::/0").unwrap()]);
        let access = Access { allow, deny: vec![Prefix::parse("192.0.2.9").unwrap()] };
        assert!(access.permits("192.0.2.1".parse().unwrap()));
        assert!(!access.permits("192.0.2.9".parse().unwrap()));
        assert!(!access.permits("10.0.0.1".parse().unwrap()));
        assert!(access.permits("2001:db8::1".parse().unwrap()));
    }

    #[test]
    fn prefixes_are_read_strictly() {
        for text in ["192.0.2.1/24", "192.0.2.0/33", "192.0.2.0/+4", "x", "192.0.2.0/", "2001:db8::/129"] {
            assert_eq!(Prefix::parse(text), None, "{text}");
        }
        assert!(Prefix::parse("0.0.0.0/0").unwrap().contains("203.0.113.1".parse().unwrap()));
    }
}
