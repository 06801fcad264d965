//! The address that other servers are talked to from: they know this one by it.

use std::net::{IpAddr, SocketAddr};

/// The address to send from, for each family; nothing: whichever the machine chooses.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SendFrom {
    v4: Option<IpAddr>,
    v6: Option<IpAddr>,
}

impl SendFrom {
    /// Takes the address of each family at which alone the server answers beyond its own machine.
    pub fn of(listen: &[SocketAddr]) -> Self {
        let alone = |is_v4: bool| {
            let mut found = listen.iter().map(SocketAddr::ip).filter(|ip| ip.is_ipv4() == is_v4 && !is_local(*ip));
            let first = found.next().filter(|ip| !ip.is_unspecified())?;
            found.all(|other| other == first).then_some(first)
        };
        Self { v4: alone(true), v6: alone(false) }
    }

    /// Puts an address that is named in the place of that of its family.
    #[must_use]
    pub const fn or_named(self, named: Option<IpAddr>) -> Self {
        match named {
            None => self,
            Some(IpAddr::V4(_)) => Self { v4: named, ..self },
            Some(IpAddr::V6(_)) => Self { v6: named, ..self },
        }
    }

    /// Returns the address to send from to a server.
    pub fn towards(self, server: IpAddr) -> Option<IpAddr> {
        let own = if server.is_ipv4() { self.v4 } else { self.v6 };
        // A server of the same machine is reached as it always is, unless the operator names an address of it.
        own.filter(|own| !server.is_loopback() || is_local(*own))
    }
}

/// Returns whether an address means nothing beyond one link.
const fn is_local(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => ip.is_loopback() || ip.is_link_local(),
        IpAddr::V6(ip) => ip.is_loopback() || ip.is_unicast_link_local(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// From which address is sent to each of two servers, one for each family, and to one of the same machine.
    fn sent(listen: &[&str], named: Option<&str>) -> [Option<String>; 3] {
        let listen: Vec<SocketAddr> = listen.iter().map(|text| text.parse().unwrap()).collect();
        let from = SendFrom::of(&listen).or_named(named.map(|text| text.parse().unwrap()));
        ["198.51.100.2", "2001:db8::2", "127.0.0.2"]
            .map(|to| from.towards(to.parse().unwrap()).map(|address| address.to_string()))
    }

    #[test]
    fn it_is_the_one_address_at_which_the_server_answers() {
        let [v4, v6] = ["192.0.2.53", "2001:db8::53"].map(|text| Some(text.to_owned()));
        assert_eq!(sent(&["192.0.2.53:53", "192.0.2.53:5353", "[2001:db8::53]:53"], None), [v4.clone(), v6, None]);
        assert_eq!(sent(&["127.0.0.1:53", "192.0.2.53:53", "[fe80::1]:53"], None), [v4, None, None]);
        for several in [&["192.0.2.53:53", "192.0.2.54:53"][..], &["0.0.0.0:53", "[::]:53"], &["127.0.0.1:53"], &[]] {
            assert_eq!(sent(several, None), [None, None, None], "{several:?}");
        }
    }

    #[test]
    fn an_address_that_is_named_comes_first_in_its_family() {
        let [v4, v6] = ["192.0.2.7", "2001:db8::53"].map(|text| Some(text.to_owned()));
        assert_eq!(sent(&["192.0.2.53:53", "[2001:db8::53]:53"], Some("192.0.2.7")), [v4, v6, None]);
        let own = Some("127.0.0.9".to_owned());
        assert_eq!(sent(&["192.0.2.53:53"], Some("127.0.0.9")), [own.clone(), None, own]);
    }
}
