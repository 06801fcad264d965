//! Walks all zones once or twice and indexes what health can change: SRV sets, their hosts, the hosts' addresses.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::Arc;

use crate::base::table::Table;
use crate::engine::setup::{Fill, ZoneSetup};
use crate::resolve::Addresses;
use crate::snapshot::ZoneId;
use crate::zone::{Name, Rrset, Rtype};

/// What was found.
#[derive(Debug, Default)]
pub(super) struct ZoneIndex {
    /// Every SRV set that is a service, in the order of zones and names.
    pub(super) services: Vec<Service>,
    /// The owners of SRV sets that say "no such service": a single record with the root as host (RFC 2782).
    pub(super) closed: HashSet<Name>,
    /// Every host of a member, and every host that an alias may lead to.
    pub(super) hosts: Vec<Host>,
    /// The zones that came signed and would have services, and how many: they are served as declared.
    pub(super) signed: BTreeMap<Name, usize>,
    by_name: HashMap<Name, usize>,
}

/// One SRV set.
#[derive(Debug)]
pub(super) struct Service {
    /// The zone.
    pub(super) zone: ZoneId,
    /// Its name as written.
    pub(super) owner: Name,
    /// Its records.
    pub(super) set: Arc<Rrset>,
    /// For each record the place of its host in [`ZoneIndex::hosts`].
    pub(super) hosts: Vec<usize>,
}

/// One host of members or aliases.
#[derive(Debug)]
pub(super) struct Host {
    /// Its name as a member writes it.
    pub(super) name: Name,
    /// Its address sets, if one of our zones answers for them.
    pub(super) fills: Vec<Fill>,
    /// Its addresses, of our data, of glue below a delegation, or as they were resolved.
    pub(super) addresses: Vec<IpAddr>,
    /// Whether the name lies in one of our zones, broken ones included, and not below a delegation without glue.
    pub(super) inside: bool,
    /// Whether the name lies in one of our zones, and has no address record of its own there: it is an alias, below a wildcard,
    /// or missing.
    pub(super) is_unaddressed: bool,
    /// Whether the resolver says that it has no address: its clients cannot reach it.
    pub(super) is_nowhere: bool,
}

impl ZoneIndex {
    /// Takes stock of the zones; `resolved` are the addresses of hosts outside of them, `others` are hosts that no SRV record
    /// names.
    pub(super) fn build<'h>(
        zones: &Table<ZoneId, ZoneSetup>,
        resolved: &Addresses,
        others: impl Iterator<Item = &'h Name>,
    ) -> Self {
        let mut zone_index = Self::default();
        let signed: Table<ZoneId, bool> = zones.iter().map(|(_, zone)| zone.signed().is_some()).collect();
        walk(zones, |zone, owner, sets, ours| {
            let srv = sets.iter().find(|set| set.rtype() == Rtype::SRV);
            if let Some(set) = srv.filter(|_| ours) {
                if signed[zone] {
                    *zone_index.signed.entry(zones[zone].origin.clone()).or_default() += 1;
                } else {
                    zone_index.add_service(zone, owner, set);
                }
            }
        });
        others.for_each(|host| {
            zone_index.host_row(host.clone());
        });
        walk(zones, |zone, owner, sets, ours| zone_index.add_addresses(zone, owner, sets, ours, signed[zone]));
        let origins: HashMap<&Name, &ZoneSetup> = zones.iter().map(|(_, zone)| (&zone.origin, zone)).collect();
        for host in &mut zone_index.hosts {
            host.inside = !host.addresses.is_empty() || is_inside(&host.name, &origins);
            host.is_unaddressed = host.inside && host.addresses.is_empty() && !is_of_broken_zone(&host.name, &origins);
            if !host.inside && !host.name.is_root() {
                let addresses = resolved.get(&host.name);
                host.is_nowhere = addresses.is_some_and(Vec::is_empty);
                host.addresses = addresses.cloned().unwrap_or_default();
            }
        }
        zone_index
    }

    /// Returns a host of members by its name.
    pub(super) fn host(&self, name: &Name) -> Option<usize> {
        self.by_name.get(name).copied()
    }

    fn add_service(&mut self, zone: ZoneId, owner: &Name, set: &Arc<Rrset>) {
        if set.len() == 1 && set.srvs().all(|srv| srv.host == [0]) {
            self.closed.insert(owner.clone());
            return;
        }
        let hosts =
            set.srvs().filter_map(|srv| Name::from_wire(srv.host).ok()).map(|name| self.host_row(name)).collect();
        self.services.push(Service { zone, owner: owner.clone(), set: Arc::clone(set), hosts });
    }

    fn host_row(&mut self, name: Name) -> usize {
        let next = self.hosts.len();
        let row = *self.by_name.entry(name.clone()).or_insert(next);
        if row == next {
            self.hosts.push(Host {
                name,
                fills: Vec::new(),
                addresses: Vec::new(),
                inside: false,
                is_unaddressed: false,
                is_nowhere: false,
            });
        }
        row
    }

    fn add_addresses(&mut self, zone: ZoneId, owner: &Name, sets: &[Arc<Rrset>], ours: bool, signed: bool) {
        let has = sets.iter().any(|set| matches!(set.rtype(), Rtype::A | Rtype::AAAA));
        let Some(row) = has.then(|| self.host(owner)).flatten() else { return };
        let Some(host) = self.hosts.get_mut(row) else { return };
        // What a zone answers for itself stands over glue, of whichever zone comes first.
        if !ours && !host.addresses.is_empty() {
            return;
        }
        host.addresses = addresses(sets);
        if ours && !signed {
            host.fills = fills(zone, owner, sets);
        }
    }
}

/// Returns the addresses of A and AAAA sets.
pub(super) fn addresses(sets: &[Arc<Rrset>]) -> Vec<IpAddr> {
    let mut addresses = Vec::new();
    for set in sets {
        match set.rtype() {
            Rtype::A => addresses.extend(set.rdatas().filter_map(v4)),
            Rtype::AAAA => addresses.extend(set.rdatas().filter_map(v6)),
            _ => {}
        }
    }
    addresses
}

/// Returns whether one of our zones answers for a name, or would if it were not broken.
fn is_inside(name: &Name, origins: &HashMap<&Name, &ZoneSetup>) -> bool {
    let Some((above, zone)) = ancestors(name).find_map(|above| Some((above.clone(), origins.get(&above)?))) else {
        return false;
    };
    let Some(data) = &zone.zone else { return true };
    let is_cut = |name: &Name| data.rrset(name, Rtype::NS).is_some();
    !ancestors(name).take_while(|name| *name != above).any(|name| is_cut(&name))
}

/// Returns whether the zone of a name could not be read, so that nobody knows what it has.
fn is_of_broken_zone(name: &Name, origins: &HashMap<&Name, &ZoneSetup>) -> bool {
    ancestors(name).find_map(|above| origins.get(&above)).is_some_and(|zone| zone.zone.is_none())
}

/// Returns what an owner's A and AAAA sets are to be filled with.
pub(super) fn fills(zone: ZoneId, owner: &Name, sets: &[Arc<Rrset>]) -> Vec<Fill> {
    let sets = sets.iter().filter(|set| matches!(set.rtype(), Rtype::A | Rtype::AAAA));
    let mut fills: Vec<Fill> =
        sets.map(|set| Fill { zone, owner: owner.clone(), rtype: set.rtype(), ttl: set.ttl() }).collect();
    fills.shrink_to_fit();
    fills
}

/// Walks over a name and the names above it, the root last.
pub(super) fn ancestors(name: &Name) -> impl Iterator<Item = Name> {
    std::iter::successors(Some(name.clone()), Name::parent)
}

/// Walks over all names of all good zones; the last argument says whether the zone answers for the name, that is,
/// whether it lies neither at or below a delegation nor in another of our zones.
fn walk<'z>(zones: &'z Table<ZoneId, ZoneSetup>, mut visit: impl FnMut(ZoneId, &'z Name, &'z [Arc<Rrset>], bool)) {
    let nested = nested_origins(zones);
    for (id, zone) in zones.iter() {
        let Some(data) = &zone.zone else { continue };
        let mut cut: Option<&Name> = None;
        // In canonical order all names below a cut follow it directly (RFC 4034 §6.1).
        for (owner, sets) in data.nodes() {
            if cut.is_none_or(|cut| !owner.is_within(cut)) {
                let delegated = owner != &zone.origin
                    && (sets.iter().any(|set| set.rtype() == Rtype::NS) || nested.contains(owner));
                cut = delegated.then_some(owner);
            }
            visit(id, owner, sets, cut.is_none());
        }
    }
}

/// Returns the origins that lie below another one: most often none, and then asking for a name costs nothing.
fn nested_origins(zones: &Table<ZoneId, ZoneSetup>) -> HashSet<&Name> {
    let origins: HashSet<&Name> = zones.iter().map(|(_, zone)| &zone.origin).collect();
    let below = |origin: &Name| ancestors(origin).skip(1).any(|above| origins.contains(&above));
    origins.iter().copied().filter(|origin| below(origin)).collect()
}

fn v4(rdata: &[u8]) -> Option<IpAddr> {
    <[u8; 4]>::try_from(rdata).ok().map(|octets| Ipv4Addr::from(octets).into())
}

fn v6(rdata: &[u8]) -> Option<IpAddr> {
    <[u8; 16]>::try_from(rdata).ok().map(|octets| Ipv6Addr::from(octets).into())
}
