//! Which addresses may be probed: a zone from elsewhere must not turn the server into a scanner.

use std::net::{IpAddr, Ipv4Addr};

use thiserror::Error;

use crate::base::prefix::IpPrefix;
use crate::base::scope::{Scope, embedded};

/// `probe-allow` and `probe-deny`: what may be probed.
///
/// | address | permitted |
/// |---|---|
/// | unspecified, multicast, broadcast, reserved, IPv4 within IPv6 (mapped, compatible) | never |
/// | in `probe-deny`, in any form | no |
/// | link-local, the metadata of a cloud | if a network of `probe-allow` within these ranges holds it |
/// | `probe-allow` names networks | if one of them holds it: the list stands in place of the rules below |
/// | for documentation (RFC 5737, RFC 3849, RFC 9637) | no |
/// | private or loopback | of a host in the zones; of another one, whose addresses others choose, not |
///
/// An address of a translator (NAT64) or of 6to4 counts as the IPv4 address in it, too.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Access {
    /// The only networks that may be probed; if empty, all but documentation prefixes.
    pub allow: Vec<IpPrefix>,
    /// Networks that may not be probed, whatever `probe-allow` says.
    pub deny: Vec<IpPrefix>,
}

/// Who declares the address of a host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeclaredBy {
    /// Our own zones, config or command line.
    Us,
    /// Others' zones, as the resolver tells them.
    Others,
}

/// Why an address may not be probed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum Refused {
    /// It names no single host.
    #[error("{0} is {1}: it names no single host")]
    NoHost(IpAddr, &'static str),
    /// It lies in a network of `probe-deny`.
    #[error("{0} is in {1}, which probe-deny names")]
    Denied(IpAddr, IpPrefix),
    /// It lies in no network of `probe-allow`.
    #[error("{0} is in no network that probe-allow names")]
    NotAllowed(IpAddr),
    /// It means another machine on each link, or the secrets of a cloud's machine.
    #[error("{0} is {1}, which is tested only if probe-allow names it")]
    Local(IpAddr, &'static str),
    /// It is private, and a host outside of the zones has it.
    #[error("{0} is private or loopback, and others' zones name it: it is tested only if probe-allow names it")]
    Inside(IpAddr),
    /// It lies in a prefix for documentation, and `probe-allow` is empty.
    #[error("{0} is for documentation (RFC 5737, RFC 3849, RFC 9637), and probe-allow does not name it")]
    Documentation(IpAddr),
}

impl Refused {
    /// Returns the reason without the address.
    pub const fn reason(self) -> &'static str {
        match self {
            Self::NoHost(..) => "an address of no single host",
            Self::Denied(..) => "in a network that `probe-deny` names",
            Self::NotAllowed(_) => "in no network that `probe-allow` names",
            Self::Local(..) => "link-local, or of a cloud's metadata",
            Self::Inside(_) => "private or loopback, of a host outside of the zones",
            Self::Documentation(..) => "an address for documentation",
        }
    }
}

impl Access {
    /// Says whether an address may be probed.
    ///
    /// # Errors
    /// Why not.
    pub fn permits(&self, address: IpAddr, declared_by: DeclaredBy) -> Result<(), Refused> {
        if let Some(what) = no_host(address) {
            return Err(Refused::NoHost(address, what));
        }
        let inner = embedded(address).map(IpAddr::V4);
        let forms = || std::iter::once(address).chain(inner);
        if let Some(&network) = self.deny.iter().find(|network| forms().any(|form| network.contains(form))) {
            return Err(Refused::Denied(address, network));
        }
        let scope = Scope::of(address);
        let local = match scope {
            Scope::LinkLocal => Some("a link-local address"),
            Scope::Metadata => Some("the address of a cloud's metadata"),
            Scope::Unusable | Scope::Loopback | Scope::Private | Scope::Documentation | Scope::Public => None,
        };
        if let Some(what) = local {
            // A network that is much wider was not written for it.
            let is_meant = |network: &&IpPrefix| Scope::of(network.first()) == scope;
            let named = self.allow.iter().filter(is_meant).any(|network| forms().any(|form| network.contains(form)));
            return if named { Ok(()) } else { Err(Refused::Local(address, what)) };
        }
        if !self.allow.is_empty() {
            let named = self.allow.iter().any(|network| network.contains(address));
            return if named { Ok(()) } else { Err(Refused::NotAllowed(address)) };
        }
        match (scope, declared_by) {
            (Scope::Documentation, _) => Err(Refused::Documentation(address)),
            (Scope::Private | Scope::Loopback, DeclaredBy::Others) => Err(Refused::Inside(address)),
            (Scope::Private | Scope::Loopback, DeclaredBy::Us)
            | (Scope::Public | Scope::Unusable | Scope::LinkLocal | Scope::Metadata, _) => Ok(()),
        }
    }
}

/// Says why an address names no single host.
fn no_host(address: IpAddr) -> Option<&'static str> {
    match address {
        _ if address.is_unspecified() => Some("the unspecified address"),
        _ if address.is_multicast() => Some("a multicast address"),
        IpAddr::V4(Ipv4Addr::BROADCAST) => Some("the broadcast address"),
        IpAddr::V6(_) if address.to_canonical().is_ipv4() => Some("an IPv4 address within IPv6"),
        _ if Scope::of(address) == Scope::Unusable => Some("a reserved address"),
        IpAddr::V4(_) | IpAddr::V6(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn networks(texts: &[&str]) -> Vec<IpPrefix> {
        texts.iter().map(|text| text.parse().unwrap()).collect()
    }

    fn permits(access: &Access, address: &str) -> bool {
        access.permits(address.parse().unwrap(), DeclaredBy::Us).is_ok()
    }

    #[test]
    fn by_default_public_private_and_loopback_addresses_may_be_probed() {
        let access = Access::default();
        for address in ["192.0.1.255", "192.0.3.0", "10.0.0.1", "127.0.0.1", "::1", "2001:db7::1", "4000::", "fd00::1"]
        {
            assert!(permits(&access, address), "{address}");
        }
        for address in ["192.0.2.0", "198.51.100.255", "203.0.113.7", "2001:db8:ffff::1", "3fff:fff::1"] {
            assert!(!permits(&access, address), "{address}");
        }
    }

    #[test]
    fn what_names_no_single_host_is_never_probed() {
        let access = Access { allow: networks(&["0.0.0.0/0", "::/0"]), deny: Vec::new() };
        for address in [
            "0.0.0.0",
            "0.0.0.9",
            "::",
            "224.0.0.1",
            "239.255.255.255",
            "ff02::1",
            "240.0.0.1",
            "255.255.255.255",
            "::ffff:224.0.0.1",
            "::ffff:192.0.2.1",
        ] {
            assert!(!permits(&access, address), "{address}");
        }
        assert!(permits(&access, "192.0.2.1"));
    }

    #[test]
    fn link_local_and_metadata_addresses_are_probed_only_if_a_network_of_theirs_is_named() {
        let wide = Access { allow: networks(&["0.0.0.0/0", "::/0", "64:ff9b::/96"]), deny: Vec::new() };
        let named = Access { allow: networks(&["169.254.0.0/16", "fe80::/64", "fd00:ec2::/32"]), deny: Vec::new() };
        for (address, if_named) in [
            ("169.254.169.254", true),
            ("fe80::1", true),
            ("fd00:ec2::254", true),
            ("64:ff9b::169.254.169.254", true),
            ("2002:a9fe:a9fe::1", true),
            ("::ffff:169.254.169.254", false),
        ] {
            for access in [&Access::default(), &wide] {
                assert!(!permits(access, address), "{address} by {access:?}");
            }
            assert_eq!(permits(&named, address), if_named, "{address}");
        }
    }

    #[test]
    fn of_hosts_in_others_zones_private_and_loopback_addresses_are_not_probed() {
        let by_others = |access: &Access, address: &str| access.permits(address.parse().unwrap(), DeclaredBy::Others);
        let allowing = Access { allow: networks(&["10.0.0.0/8", "127.0.0.0/8", "::/0"]), deny: Vec::new() };
        for address in ["10.0.0.1", "127.0.0.1", "::1", "fd12::1", "64:ff9b::10.0.0.1", "2002:7f00:1::"] {
            let refused = by_others(&Access::default(), address).unwrap_err();
            assert!(matches!(refused, Refused::Inside(_)), "{refused}");
            assert_eq!(by_others(&allowing, address), Ok(()), "{address}");
        }
        assert_eq!(by_others(&Access::default(), "9.9.9.9"), Ok(()));
    }

    #[test]
    fn a_denied_network_is_denied_in_every_form() {
        let access = Access { allow: Vec::new(), deny: networks(&["10.1.0.0/16"]) };
        for address in ["10.1.0.1", "::ffff:10.1.0.1", "::10.1.0.1", "64:ff9b::10.1.0.1", "2002:a01:1::"] {
            assert!(!permits(&access, address), "{address}");
        }
        assert!(permits(&access, "64:ff9b::10.2.0.1"));
    }

    #[test]
    fn allow_stands_in_place_of_the_default_and_deny_wins() {
        let access = Access { allow: networks(&["192.0.2.0/24", "10.0.0.0/8"]), deny: networks(&["10.1.0.0/16"]) };
        assert!(permits(&access, "192.0.2.9"));
        assert!(permits(&access, "10.2.0.1"));
        assert_eq!(
            access.permits("10.1.0.1".parse().unwrap(), DeclaredBy::Us).unwrap_err().to_string(),
            "10.1.0.1 is in 10.1.0.0/16, which probe-deny names"
        );
        assert!(!permits(&access, "9.9.9.9"));
        assert!(!permits(&access, "2001:db9::1"));
    }
}
