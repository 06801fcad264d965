//! Who is told of a zone: those that the config names, and the hosts of its NS records.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;

use crate::snapshot::{Lookup, Snapshot, ZoneId};
use crate::transfer::{Key, KeyRing, SendFrom};
use crate::zone::serial::Soa;
use crate::zone::{Name, Rtype};

/// Who is told of a zone.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Recipients {
    /// Those that are named.
    pub named: Vec<Destination>,
    /// Whether the hosts of the zone's NS records are told too, that of the SOA excepted (RFC 1996 §2.1).
    pub servers: bool,
    /// The name of the key for those hosts.
    pub key: Option<Name>,
    /// The address that NOTIFY is sent from.
    pub from: SendFrom,
}

/// An address, and the key that signs what goes there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Destination {
    /// The address.
    pub address: SocketAddr,
    /// The name of the key.
    pub key: Option<Name>,
}

/// The addresses of a host, as far as they are known.
pub(super) type Hosts<'a> = &'a dyn Fn(&Name) -> Vec<IpAddr>;

impl Recipients {
    /// Returns all addresses, each with its key; those of hosts only if `permits` does not object.
    pub(super) fn addresses(
        &self,
        snapshot: &Snapshot,
        zone: ZoneId,
        keys: &KeyRing,
        outside: Hosts<'_>,
        permits: &dyn Fn(IpAddr) -> bool,
    ) -> BTreeMap<SocketAddr, Option<Arc<Key>>> {
        let key = |name: &Option<Name>| name.as_ref().and_then(|name| keys.get(name)).map(Arc::clone);
        let mut found = BTreeMap::new();
        let hosts = if self.servers { hosts(snapshot, zone) } else { Vec::new() };
        for host in hosts {
            let mut addresses = held(snapshot, &host);
            if addresses.is_empty() {
                addresses = outside(&host);
            }
            let permitted = addresses.into_iter().filter(|address| permits(*address));
            found.extend(permitted.map(|address| (SocketAddr::new(address, PORT), key(&self.key))));
        }
        found.extend(self.named.iter().map(|named| (named.address, key(&named.key))));
        found
    }
}

/// Returns the hosts of a zone's NS records, that of its SOA left out.
pub(super) fn hosts(snapshot: &Snapshot, zone: ZoneId) -> Vec<Name> {
    let Some(zone) = snapshot.zone(zone) else { return Vec::new() };
    let soa = zone.soa().and_then(|soa| Soa::read(soa.rdatas().next()?));
    let is_primary = |wire: &[u8]| soa.is_some_and(|soa| soa.primary.eq_ignore_ascii_case(wire));
    let servers = zone.apex().records(Rtype::NS).into_iter().flat_map(|set| set.rdatas());
    servers.filter(|wire| !is_primary(wire)).filter_map(|wire| Name::from_wire(wire).ok()).collect()
}

/// Returns the addresses of a host that lies in a zone of this server, glue included.
fn held(snapshot: &Snapshot, host: &Name) -> Vec<IpAddr> {
    let node = match snapshot.lookup(host.wire(), Rtype::A) {
        Lookup::Exact(_, node) => Some(node),
        Lookup::Delegated(zone, _) => zone.occluded(host.wire()),
        Lookup::Outside | Lookup::Broken | Lookup::Wildcard(..) | Lookup::Missing(..) | Lookup::Renamed(..) => None,
    };
    let Some(node) = node else { return Vec::new() };
    let v4 = node.records(Rtype::A).into_iter().flat_map(|set| set.rdatas());
    let v6 = node.records(Rtype::AAAA).into_iter().flat_map(|set| set.rdatas());
    let v4 = v4.filter_map(|rdata| Some(IpAddr::from(Ipv4Addr::from(<[u8; 4]>::try_from(rdata).ok()?))));
    v4.chain(v6.filter_map(|rdata| Some(IpAddr::from(Ipv6Addr::from(<[u8; 16]>::try_from(rdata).ok()?))))).collect()
}

/// Where name servers are told.
const PORT: u16 = 53;
