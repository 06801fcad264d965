//! Which addresses may be probed: a zone from elsewhere must not turn the server into a scanner.

use std::net::{IpAddr, Ipv4Addr};

use thiserror::Error;

use crate::base::prefix::{self, IpPrefix};

/// `probe-allow` and `probe-deny`: what may be probed.
///
/// | address | permitted |
/// |---|---|
/// | unspecified, multicast, broadcast | never |
/// | in `probe-deny` | no |
/// | `probe-allow` is empty | unless it is a documentation prefix (RFC 5737, RFC 3849, RFC 9637) |
/// | `probe-allow` names networks | if one of them holds it: the list stands in place of the default |
///
/// An IPv4-mapped IPv6 address counts as its IPv4 address.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Access {
    /// The only networks that may be probed; if empty, all but documentation prefixes.
    pub allow: Vec<IpPrefix>,
    /// Networks that may not be probed, whatever `probe-allow` says.
    pub deny: Vec<IpPrefix>,
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
    /// It lies in a prefix for documentation, and `probe-allow` is empty.
    #[error(
        "{0} is in {1}, a prefix for documentation (RFC 5737, RFC 3849, RFC 9637), which probe-allow does not name"
    )]
    Documentation(IpAddr, IpPrefix),
}

impl Refused {
    /// Returns the reason without the address.
    pub const fn reason(self) -> &'static str {
        match self {
            Self::NoHost(..) => "an address of no single host",
            Self::Denied(..) => "in a network that `probe-deny` names",
            Self::NotAllowed(_) => "in no network that `probe-allow` names",
            Self::Documentation(..) => "an address for documentation",
        }
    }
}

impl Access {
    /// Says whether an address may be probed.
    pub fn permits(&self, address: IpAddr) -> Result<(), Refused> {
        let address = address.to_canonical();
        if let Some(what) = no_host(address) {
            return Err(Refused::NoHost(address, what));
        }
        if let Some(&network) = self.deny.iter().find(|network| network.contains(address)) {
            return Err(Refused::Denied(address, network));
        }
        if !self.allow.is_empty() {
            let named = self.allow.iter().any(|network| network.contains(address));
            return if named { Ok(()) } else { Err(Refused::NotAllowed(address)) };
        }
        match prefix::documentation(address) {
            Some(network) => Err(Refused::Documentation(address, network)),
            None => Ok(()),
        }
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

#[cfg(test)]
mod tests {
    use super::*;

    fn networks(texts: &[&str]) -> Vec<IpPrefix> {
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
            "10.1.0.1 is in 10.1.0.0/16, which probe-deny names"
        );
        assert!(!permits(&access, "9.9.9.9"));
        assert!(!permits(&access, "2001:db9::1"));
    }
}
