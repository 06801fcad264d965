//! Until when caches may hold answers of this server that name something.

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::time::Duration;

use crate::base::clock::{Now, UnixTime};
use crate::engine::setup::{Fill, MemberData};
use crate::health::orders::Scope;
use crate::policy::settled;
use crate::snapshot::{SlotId, SlotValue};
use crate::zone::{Name, Rrset, Rtype};

use super::Core;

/// What caches may hold of what a scope covers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cached {
    /// Until when, by the answers that this server has given.
    pub until: UnixTime,
    /// The origins of the zones whose answers are looked at.
    pub zones: Vec<Name>,
}

/// What names what a scope covers.
#[derive(Default)]
struct Named<'a> {
    /// The hosts of covered members, each with its port, if its record names one.
    hosts: Vec<(&'a Name, Option<u16>)>,
    /// Their addresses.
    addresses: BTreeSet<IpAddr>,
}

impl Core {
    /// Returns until when caches may hold answers that name what `scope` covers; nothing while a decision is not
    /// published. What was answered before this run or the last change of the zones is not known: for that the longest
    /// TTL counts.
    pub fn cached(&self, scope: &Scope, now: Now) -> Option<Cached> {
        if self.publication.due().is_some() {
            return None;
        }
        let (prepared, setup) = (&self.prepared, &self.prepared.setup);
        let users = prepared.covered(scope);
        let mut named = Named::default();
        let (mut slots, mut fills): (Vec<SlotId>, Vec<(&Fill, u32)>) = (Vec::new(), Vec::new());
        for &pool in &users.pools {
            let row = &setup.pools[pool];
            let members = row.members.iter().zip(&prepared.member_hosts[pool]);
            for (member, host) in members.filter(|(member, host)| self.is_covered(scope, member, row, **host)) {
                match &member.data {
                    MemberData::Srv { port, host } => named.hosts.push((host, Some(*port))),
                    MemberData::Address(address) => drop(named.addresses.insert(*address)),
                    MemberData::Alias(host) => named.hosts.push((host, None)),
                }
                let addresses = host.iter().flat_map(|host| &setup.hosts[*host].addresses);
                named.addresses.extend(addresses.map(|(address, _)| *address));
            }
            slots.extend(&prepared.pool_slots[pool]);
            let settings = &row.pool.settings;
            fills.extend(row.fills.iter().map(|fill| (fill, settled(fill.ttl, settings))));
            for &follow in &prepared.followers[pool] {
                slots.extend(&prepared.follow_slots[follow]);
                fills.extend(setup.follows[follow].fills.iter().map(|fill| (fill, settled(fill.ttl, settings))));
            }
        }
        let mut until =
            slots.into_iter().map(|slot| self.slot_cached(slot, &named, now.wall)).max().unwrap_or_default();
        if let Scope::Address(address, _) = scope {
            named.addresses = [*address].into();
            // A host whose every address is taken keeps them, as nobody is sent there: only what left it counts.
            for &host in &users.hosts {
                let former = prepared.host_slots[host].iter().map(|slot| self.formers_cached(*slot, &named));
                until = former.chain([until]).max().unwrap_or_default();
                let settings = &prepared.host_settings[host];
                fills.extend(setup.hosts[host].fills.iter().map(|fill| (fill, settled(fill.ttl, settings))));
            }
        }
        let longest = fills.iter().map(|(_, ttl)| *ttl).max().unwrap_or_default();
        let until = until.max(self.remembers_since + Duration::from_secs(longest.into()));
        let mut zones: Vec<Name> = fills.iter().map(|(fill, _)| setup.zones[fill.zone].origin.clone()).collect();
        zones.sort_unstable();
        zones.dedup();
        Some(Cached { until, zones })
    }

    fn slot_cached(&self, slot: SlotId, named: &Named<'_>, wall: UnixTime) -> UnixTime {
        let present = self.snapshot.slot(slot).and_then(SlotValue::all_records).filter(|set| named.is_in(set));
        // What still names it is told to whoever asks.
        let present =
            present.map_or_else(UnixTime::default, |set| wall + Duration::from_secs(u64::from(set.ttl()) + 1));
        self.formers_cached(slot, named).max(present)
    }

    fn formers_cached(&self, slot: SlotId, named: &Named<'_>) -> UnixTime {
        let formers = &self.slots[slot].formers;
        let naming =
            formers.last.iter().filter(|served| served.value().all_records().is_some_and(|set| named.is_in(set)));
        naming.map(|served| served.cached_until()).fold(formers.others_until, UnixTime::max)
    }
}

impl Named<'_> {
    /// Returns whether a set names what is covered.
    fn is_in(&self, set: &Rrset) -> bool {
        let is_host = |own: &Name, named: &[u8]| own.wire().eq_ignore_ascii_case(named);
        if set.rtype() == Rtype::SRV {
            return set
                .srvs()
                .any(|srv| self.hosts.iter().any(|(host, port)| *port == Some(srv.port) && is_host(host, srv.host)));
        }
        if set.rtype() == Rtype::CNAME {
            return set.rdatas().any(|rdata| self.hosts.iter().any(|(host, _)| is_host(host, rdata)));
        }
        set.rdatas().any(|rdata| {
            self.addresses.iter().any(|address| match address {
                IpAddr::V4(address) => rdata == address.octets(),
                IpAddr::V6(address) => rdata == address.octets(),
            })
        })
    }
}
