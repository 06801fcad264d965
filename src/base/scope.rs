//! From where an address can be reached, whatever form it is written in.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::prefix;

/// From where an address can be reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// From nowhere: unspecified, multicast, broadcast and reserved addresses, IPv4 within IPv6 that goes over no wire.
    Unusable,
    /// From this machine alone.
    Loopback,
    /// From the same link alone.
    LinkLocal,
    /// From within a cloud's machine alone: the address that hands out its secrets.
    Metadata,
    /// From the same network alone.
    Private,
    /// From nowhere, as it stands in documents only.
    Documentation,
    /// From everywhere.
    Public,
}

impl Scope {
    /// Finds the scope of an address; one that a translator or a tunnel turns into one of IPv4 has the scope of that.
    pub fn of(address: IpAddr) -> Self {
        let own = match address {
            IpAddr::V4(address) => scope_v4(address),
            IpAddr::V6(address) => scope_v6(address),
        };
        match embedded(address) {
            Some(inner) if own == Self::Public => scope_v4(inner),
            Some(_) | None => own,
        }
    }
}

/// Returns the IPv4 address that an IPv6 address leads to: mapped (RFC 4291 §2.5.5.2), compatible (§2.5.5.1), of a translator
/// (RFC 6052 §2.1, RFC 8215) or of 6to4 (RFC 3056 §2).
pub fn embedded(address: IpAddr) -> Option<Ipv4Addr> {
    let IpAddr::V6(address) = address else { return None };
    let [_, _, a, b, c, d, _, _, _, _, _, _, w, x, y, z] = address.octets();
    match address.segments() {
        [0, 0, 0, 0, 0, 0, 0, 0 | 1] => None,
        [0, 0, 0, 0, 0, 0 | 0xffff, _, _] | [0x64, 0xff9b, 0, 0, 0, 0, _, _] | [0x64, 0xff9b, 1, _, _, _, _, _] => {
            Some(Ipv4Addr::new(w, x, y, z))
        }
        [0x2002, ..] => Some(Ipv4Addr::new(a, b, c, d)),
        _ => None,
    }
}

fn scope_v4(address: Ipv4Addr) -> Scope {
    match address.octets() {
        [0 | 224..=255, ..] => Scope::Unusable,
        [127, ..] => Scope::Loopback,
        [169, 254, ..] => Scope::LinkLocal,
        // RFC 1918 and RFC 6598.
        [10, ..] | [172, 16..=31, ..] | [192, 168, ..] | [100, 64..=127, ..] => Scope::Private,
        _ if prefix::documentation(address.into()).is_some() => Scope::Documentation,
        _ => Scope::Public,
    }
}

fn scope_v6(address: Ipv6Addr) -> Scope {
    match address.segments() {
        [0, 0, 0, 0, 0, 0, 0, 1] => Scope::Loopback,
        // Unspecified, IPv4-compatible and IPv4-mapped: none of them goes over a wire.
        [0, 0, 0, 0, 0, 0 | 0xffff, ..] | [0xff00..=0xffff, ..] => Scope::Unusable,
        [0xfe80..=0xfebf, ..] => Scope::LinkLocal,
        // Amazon's service of metadata.
        [0xfd00, 0xec2, ..] => Scope::Metadata,
        [0xfc00..=0xfdff, ..] => Scope::Private,
        _ if prefix::documentation(address.into()).is_some() => Scope::Documentation,
        _ => Scope::Public,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scope_is_the_same_in_every_form() {
        for (text, scope) in [
            ("0.0.0.1", Scope::Unusable),
            ("255.255.255.255", Scope::Unusable),
            ("::", Scope::Unusable),
            ("ff02::1", Scope::Unusable),
            ("::ffff:10.0.0.1", Scope::Unusable),
            ("::10.0.0.1", Scope::Unusable),
            ("127.9.9.9", Scope::Loopback),
            ("::1", Scope::Loopback),
            ("64:ff9b::127.0.0.1", Scope::Loopback),
            ("2002:7f00:1::", Scope::Loopback),
            ("169.254.169.254", Scope::LinkLocal),
            ("fe80::1", Scope::LinkLocal),
            ("64:ff9b::169.254.169.254", Scope::LinkLocal),
            ("64:ff9b:1:2:3:4:169.254.169.254", Scope::LinkLocal),
            ("2002:a9fe:a9fe::1", Scope::LinkLocal),
            ("fd00:ec2::254", Scope::Metadata),
            ("100.64.0.1", Scope::Private),
            ("fd00::1", Scope::Private),
            ("2002:c0a8:1::1", Scope::Private),
            ("192.0.2.1", Scope::Documentation),
            ("2001:db8::1", Scope::Documentation),
            ("64:ff9b::192.0.2.1", Scope::Documentation),
            ("64:ff9b::9.9.9.9", Scope::Public),
            ("9.9.9.9", Scope::Public),
            ("2620:fe::fe", Scope::Public),
        ] {
            assert_eq!(Scope::of(text.parse().unwrap()), scope, "{text}");
        }
        let inner = |text: &str| embedded(text.parse().unwrap()).map(|address| address.to_string());
        assert_eq!(inner("::ffff:10.0.0.1").as_deref(), Some("10.0.0.1"));
        assert_eq!((inner("::1"), inner("10.0.0.1"), inner("2620:fe::fe")), (None, None, None));
    }
}
