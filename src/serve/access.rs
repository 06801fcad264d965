//! Access control: the networks allowed for each transport and each zone.

use std::net::IpAddr;

use crate::base::prefix::IpPrefix;

use super::{PerTransport, Transport};

/// Networks that may do something; without a list, everybody.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AccessList(Option<Vec<IpPrefix>>);

/// Who may come by which transport.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TransportAcl(PerTransport<AccessList>);

impl AccessList {
    /// Lets these networks in, and nobody else.
    pub const fn only(networks: Vec<IpPrefix>) -> Self {
        Self(Some(networks))
    }

    /// Returns whether an address may.
    pub fn admits(&self, address: IpAddr) -> bool {
        self.0.as_ref().is_none_or(|networks| networks.iter().any(|network| network.contains(address)))
    }

    /// Returns whether everybody may.
    pub const fn is_open(&self) -> bool {
        self.0.is_none()
    }
}

impl TransportAcl {
    /// Sets who may come by a transport.
    #[must_use]
    pub fn with(mut self, transport: Transport, list: AccessList) -> Self {
        self.0.set(transport, list);
        self
    }

    /// Returns whether an address may come by a transport.
    pub fn admits(&self, transport: Transport, address: IpAddr) -> bool {
        self.0.get(transport).admits(address)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_admits_its_networks_only_and_none_admits_everybody() {
        let inside: IpAddr = "127.0.0.9".parse().unwrap();
        let outside: IpAddr = "::1".parse().unwrap();
        let only = || AccessList::only(vec!["127.0.0.0/8".parse().unwrap()]);
        assert!(only().admits(inside) && !only().admits(outside));
        assert!(AccessList::default().admits(outside));
        assert!(!AccessList::only(Vec::new()).admits(inside));
        let acl = TransportAcl::default().with(Transport::Tls, only());
        assert!(acl.admits(Transport::Udp, outside) && !acl.admits(Transport::Tls, outside));
        assert!(acl.admits(Transport::Tls, inside));
    }
}
