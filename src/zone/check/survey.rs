//! The input of the rules: the zone's services and hosts, gathered in one walk.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use super::Options;
use super::tree::{Fate, Forest, Tree};
use crate::base::finding::Place;
use crate::zone::parse::Places;
use crate::zone::{Name, Rrset, Rtype, Srv, Zone};

/// A zone with what is known of its SRV sets.
pub(super) struct Survey<'a> {
    /// The zone.
    pub(super) zone: &'a Zone,
    /// The settings.
    pub(super) options: &'a Options<'a>,
    /// All SRV sets, in canonical order of their owners.
    pub(super) sets: Vec<SrvSet<'a>>,
    /// The hosts that SRV records name, by the number of [`Member::number`].
    pub(super) hosts: Vec<Host>,
    places: &'a Places,
    /// The names of this zone.
    tree: &'a Tree<'a>,
    /// The names of all zones that are looked at together.
    forest: &'a Forest<'a>,
}

/// One SRV set.
pub(super) struct SrvSet<'a> {
    /// The owner name.
    pub(super) owner: &'a Name,
    /// The records.
    pub(super) rrset: &'a Rrset,
    /// Service, protocol and domain, if the owner has the form `_service._proto.domain`.
    pub(super) service: Option<Service>,
    /// The records that name a host.
    pub(super) members: Vec<Member<'a>>,
    /// The record whose target is the root: "no such service" (RFC 2782).
    pub(super) closed: Option<usize>,
}

/// The parts of an owner name `_service._proto.domain`, in lower case.
pub(super) struct Service {
    /// Such as `_sip`.
    pub(super) label: String,
    /// Such as `_tcp`.
    pub(super) proto: String,
    /// The rest.
    pub(super) domain: Name,
}

/// A host with the records that name it.
pub(super) struct Host {
    /// The host.
    pub(super) name: Name,
    /// The records; at least one.
    pub(super) uses: Vec<Use>,
}

/// One SRV record that names a host.
pub(super) struct Member<'a> {
    /// Its data.
    pub(super) srv: Srv<'a>,
    /// The host's place in [`Survey::hosts`].
    pub(super) number: usize,
    /// The host.
    pub(super) host: Name,
    /// Its place in the set.
    pub(super) record: usize,
}

/// Says which record names a host.
#[derive(Clone, Copy)]
pub(super) struct Use {
    /// The place in [`Survey::sets`].
    pub(super) set: usize,
    /// The record's place in the set.
    pub(super) record: usize,
}

impl<'a> Survey<'a> {
    /// Gathers the services and hosts of one zone of the forest.
    pub(super) fn new(
        tree: &'a Tree<'a>,
        forest: &'a Forest<'a>,
        places: &'a Places,
        options: &'a Options<'a>,
    ) -> Self {
        let mut sets: Vec<SrvSet<'a>> = Vec::new();
        for (owner, rrsets) in tree.zone.nodes() {
            sets.extend(rrsets.iter().filter(|set| set.rtype() == Rtype::SRV).map(|set| SrvSet::new(owner, set)));
        }
        let hosts = number_hosts(&mut sets);
        Self { zone: tree.zone, options, sets, hosts, places, tree, forest }
    }

    /// Returns what a query for the addresses of `name` would meet, in whichever of the zones it lies.
    pub(super) fn fate(&self, name: &Name) -> Fate<'a> {
        self.tree_of(name).map_or(Fate::Outside, |tree| tree.fate(name))
    }

    /// Returns what a query for the addresses of `name` would meet in this zone alone.
    pub(super) fn fate_here(&self, name: &Name) -> Fate<'a> {
        match self.tree_of(name) {
            Some(tree) if tree.zone.origin() == self.zone.origin() => tree.fate(name),
            Some(_) | None => Fate::Outside,
        }
    }

    /// Returns one set, in whichever of the zones it lies.
    pub(super) fn rrset(&self, owner: &Name, rtype: Rtype) -> Option<&'a Arc<Rrset>> {
        self.tree_of(owner)?.rrset(owner, rtype)
    }

    /// Returns the delegation or DNAME above `name` that takes it out of the zone's own data, with its type.
    pub(super) fn cover(&self, name: &Name) -> Option<(Name, Rtype)> {
        self.tree.cover(name)
    }

    /// Two versions of one zone may be looked at together: each sees its own names.
    fn tree_of(&self, name: &Name) -> Option<&'a Tree<'a>> {
        let tree = self.forest.tree_of(name)?;
        Some(if tree.zone.origin() == self.zone.origin() { self.tree } else { tree })
    }

    /// Returns the number of IPv4 and of IPv6 addresses that the zone gives for a host.
    pub(super) fn address_count(&self, host: &Name) -> (usize, usize) {
        match self.fate(host) {
            Fate::Addresses { owner, .. } => {
                let count = |rtype| self.rrset(&owner, rtype).map_or(0, |set| set.len());
                (count(Rtype::A), count(Rtype::AAAA))
            }
            Fate::Outside | Fate::Dname(_) | Fate::Alias(_) | Fate::Nothing => (0, 0),
        }
    }

    /// Returns whether `domain` has the service; nothing if its owner name lies outside of the zones, where nobody can say.
    pub(super) fn has(&self, domain: &Name, service: &str, proto: &str) -> Option<bool> {
        let owner = domain.child(proto.as_bytes()).and_then(|name| name.child(service.as_bytes())).ok()?;
        self.tree_of(&owner)
            .map(|tree| [Rtype::SRV, Rtype::CNAME].iter().any(|rtype| tree.rrset(&owner, *rtype).is_some()))
    }
}

/// Where things stand in the file.
impl Survey<'_> {
    /// Returns the place of a record's owner name.
    pub(super) fn at_owner(&self, owner: &Name, rtype: Rtype, record: usize) -> Option<Place> {
        Some(self.places.record(owner, rtype, record)?.owner())
    }

    /// Returns the place of a set's TTL; of its first record where it is not written.
    pub(super) fn at_ttl(&self, owner: &Name, rtype: Rtype) -> Option<Place> {
        let record = self.places.record(owner, rtype, 0)?;
        Some(record.ttl().unwrap_or_else(|| record.owner()))
    }

    /// Returns the place of a field of a record's data, from 0.
    pub(super) fn at_field(&self, owner: &Name, rtype: Rtype, record: usize, field: usize) -> Option<Place> {
        self.places.record(owner, rtype, record)?.field(field)
    }

    /// Returns the place of an SRV record's target.
    pub(super) fn at_target(&self, used: Use) -> Option<Place> {
        self.at_field(self.sets.get(used.set)?.owner, Rtype::SRV, used.record, TARGET)
    }

    /// Returns whether a name in a record's data was written without its final dot.
    pub(super) fn is_relative(&self, owner: &Name, rtype: Rtype, record: usize, field: usize) -> bool {
        self.places.record(owner, rtype, record).is_some_and(|record| record.is_relative(field))
    }
}

impl<'a> SrvSet<'a> {
    fn new(owner: &'a Name, rrset: &'a Rrset) -> Self {
        let mut members = Vec::with_capacity(rrset.len());
        let mut closed = None;
        for (record, srv) in rrset.srvs().enumerate() {
            match Name::from_wire(srv.host) {
                Ok(host) if host.is_root() => closed = Some(record),
                Ok(host) => members.push(Member { srv, number: 0, host, record }),
                Err(_) => {}
            }
        }
        Self { owner, rrset, service: Service::of(owner), members, closed }
    }

    /// Returns the members by tier, the preferred tier first.
    pub(super) fn tiers(&self) -> BTreeMap<u16, Vec<&Member<'a>>> {
        let mut tiers: BTreeMap<u16, Vec<&Member<'a>>> = BTreeMap::new();
        for member in &self.members {
            tiers.entry(member.srv.priority).or_default().push(member);
        }
        tiers
    }
}

impl Service {
    /// Reads an owner name of the form `_service._proto.domain`.
    pub(super) fn of(owner: &Name) -> Option<Self> {
        let mut labels = owner.labels();
        let (label, proto) = (labels.next()?, labels.next()?);
        let domain = owner.parent()?.parent()?;
        let text = |label: &[u8]| String::from_utf8_lossy(label).to_ascii_lowercase();
        (label.starts_with(b"_") && proto.starts_with(b"_")).then(|| Self {
            label: text(label),
            proto: text(proto),
            domain,
        })
    }
}

/// Gathers the hosts in the order in which they are named first.
fn number_hosts(sets: &mut [SrvSet<'_>]) -> Vec<Host> {
    let mut numbers: HashMap<Name, usize> = HashMap::new();
    let mut hosts: Vec<Host> = Vec::new();
    for (set, srv_set) in sets.iter_mut().enumerate() {
        for member in &mut srv_set.members {
            member.number = *numbers.entry(member.host.clone()).or_insert(hosts.len());
            if member.number == hosts.len() {
                hosts.push(Host { name: member.host.clone(), uses: Vec::new() });
            }
            hosts[member.number].uses.push(Use { set, record: member.record });
        }
    }
    hosts
}

/// The fields of SRV data, in the order of the file.
pub(super) const PRIORITY: usize = 0;
/// See [`PRIORITY`].
pub(super) const WEIGHT: usize = 1;
/// See [`PRIORITY`].
pub(super) const PORT: usize = 2;
/// See [`PRIORITY`].
pub(super) const TARGET: usize = 3;
