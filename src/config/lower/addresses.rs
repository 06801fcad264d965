//! `[[address]]` and `[[alias]]`: names whose addresses follow a service, have their own tiers, or that are aliases.

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use crate::base::finding::Finding;
use crate::config::shape::{AddressEntry, AddressSource};
use crate::config::values::TierMember;
use crate::engine::setup::{Fill, FollowSetup, MemberData, MemberSetup, PoolSetup, ZoneSetup};
use crate::keys::source::{List, Placed};
use crate::policy::{Kind, Member, Pool, PoolId};
use crate::probe::{CheckContext, CheckEntry, TargetSettings, Transport};
use crate::snapshot::{Pick, ZoneId};
use crate::zone::{Name, Rrset, Rtype};

use super::services::Services;
use super::targets::Plan;
use super::zone_index::{addresses, ancestors, fills};

/// What one of our zones declares for a name.
#[derive(Clone, Copy)]
pub(super) struct OwnSets<'z> {
    /// The zone.
    pub(super) zone: ZoneId,
    /// The sets.
    pub(super) sets: &'z [Arc<Rrset>],
}

/// The addresses that one of our zones declares for a name.
struct Declared {
    fills: Vec<Fill>,
    addresses: Vec<IpAddr>,
}

impl<'z> Services<'z, '_, '_> {
    /// Makes what each `[[address]]` and each `[[alias]]` asks for.
    pub(super) fn lower_addresses(&mut self, entries: &[AddressEntry]) {
        let zones = self.zones;
        let origins: HashMap<&Name, ZoneId> = zones.iter().map(|(id, zone)| (&zone.origin, id)).collect();
        let mut lines: HashMap<&Name, u32> = HashMap::new();
        for entry in entries {
            let name = &entry.name.value;
            self.findings.extend(entry.target.judge(&self.inherited));
            self.findings.extend(entry.policy.judge(&self.policy));
            if let Some(line) = lines.insert(name, entry.name.place.line) {
                let finding =
                    Finding::error("address-duplicate", format!("{name} has an entry already, at line {line}"));
                self.findings.push(finding.at(entry.name.place.clone()).help("make one entry of the two"));
                continue;
            }
            let Some(own) = self.own_sets(&origins, entry) else { continue };
            match &entry.source {
                AddressSource::Follows(service) => {
                    if let Some(declared) = self.declared(entry, own) {
                        self.add_follower(entry, service, declared);
                    }
                }
                AddressSource::Tiers(tiers, check, pick) => {
                    if let Some(declared) = self.declared(entry, own) {
                        self.add_tiers(entry, tiers, (check, *pick), declared);
                    }
                }
                AddressSource::Alias(tiers, check) => self.add_alias(entry, tiers, check, own),
            }
        }
    }

    /// Finds what the name has in its zone; nothing, with a finding, if it cannot follow health there.
    fn own_sets(&mut self, origins: &HashMap<&Name, ZoneId>, entry: &AddressEntry) -> Option<OwnSets<'z>> {
        let name = &entry.name.value;
        let types = match &entry.source {
            AddressSource::Follows(_) | AddressSource::Tiers(..) => "A or AAAA records",
            AddressSource::Alias(..) => "a CNAME record",
        };
        let Some(id) = ancestors(name).find_map(|above| origins.get(&above).copied()) else {
            let finding = Finding::error("address-outside", format!("{name} lies in none of the zones"));
            self.findings
                .push(finding.at(entry.name.place.clone()).help(format!("name an owner of {types} of a zone here")));
            return None;
        };
        let zone: &'z ZoneSetup = self.zones.get(id)?;
        if let Some(origin) = zone.signed() {
            let finding = Finding::error("address-signed", format!("{name} lies in {origin}, which comes signed"));
            self.findings.push(
                finding
                    .at(entry.name.place.clone())
                    .why("records other than the declared ones would have no signature")
                    .help("leave the entry out, or serve the zone unsigned"),
            );
            return None;
        }
        // A broken zone has findings of its own.
        Some(OwnSets { zone: id, sets: zone.zone.as_ref()?.rrsets(name) })
    }

    /// Finds the name's own addresses; nothing, with a finding, if there are none.
    fn declared(&mut self, entry: &AddressEntry, own: OwnSets<'_>) -> Option<Declared> {
        let name = &entry.name.value;
        let OwnSets { zone, sets } = own;
        let declared = Declared { fills: fills(zone, name, sets), addresses: addresses(sets) };
        if declared.addresses.is_empty() {
            let finding = Finding::error("address-undeclared", format!("{name} has no A or AAAA record in its zone"));
            self.findings.push(
                finding
                    .at(entry.name.place.clone())
                    .why("its declared addresses are served when nothing better is known")
                    .help("declare at least one address in the zone"),
            );
            return None;
        }
        Some(declared)
    }

    fn add_follower(&mut self, entry: &AddressEntry, service: &Placed<Name>, declared: Declared) {
        let Some(&pool) = self.by_owner.get(&service.value) else {
            if !self.in_broken_zone(&service.value) {
                let finding = Finding::error("address-follows", format!("no service is called {}", service.value));
                let help = self.suggest_service(&service.value);
                self.findings.push(finding.at(service.place.clone()).help(help));
            }
            return;
        };
        let name = &entry.name.value;
        let is_host = |member: &MemberSetup| matches!(&member.data, MemberData::Srv { host, .. } if host == name);
        if self.pools.get(pool).is_some_and(|pool| pool.members.iter().any(is_host)) {
            let message = format!("{name} is a host of {} and cannot follow it", service.value);
            let finding = Finding::error("address-follows-host", message).at(entry.name.place.clone());
            self.findings.push(
                finding
                    .why("its addresses would depend on themselves")
                    .help("leave the entry out: a host's addresses follow their health anyway"),
            );
            return;
        }
        self.judge_host(entry);
        let fills = self.with_families_of(pool, declared.fills);
        self.follows.push(FollowSetup { fills, addresses: declared.addresses, pool });
    }

    /// Adds a fill for a family that only the hosts of the service have: it comes and goes with them.
    fn with_families_of(&self, pool: PoolId, mut fills: Vec<Fill>) -> Vec<Fill> {
        let members = self.pools.get(pool).into_iter().flat_map(|pool| &pool.members);
        let hosts = members.filter_map(|member| match &member.data {
            MemberData::Srv { host, .. } => self.zone_index.hosts.get(self.zone_index.host(host)?),
            MemberData::Address(_) | MemberData::Alias(_) => None,
        });
        let inside = hosts.filter(|host| !host.fills.is_empty());
        for address in inside.flat_map(|host| &host.addresses) {
            let rtype = if address.is_ipv4() { Rtype::A } else { Rtype::AAAA };
            if let Some(other) = fills.first().filter(|_| fills.iter().all(|fill| fill.rtype != rtype)) {
                fills.push(Fill { rtype, ..other.clone() });
            }
        }
        fills
    }

    fn add_tiers(
        &mut self,
        entry: &AddressEntry,
        tiers: &[List<TierMember<IpAddr>>],
        (check, pick): (&CheckEntry, Pick),
        declared: Declared,
    ) {
        let name = &entry.name.value;
        let with = entry.target.lay_over(&self.defaults.of(check.kind.as_ref()));
        let context = context(name, &with);
        let plan = check.kind.as_ref().and_then(|kind| Some(Plan::new(kind.lower(&context)?, &with)));
        let numbered = plan.as_ref().map(|plan| (plan, self.targets.number(plan)));
        let port = check.port.as_ref().map_or(0, |port| port.value);
        let mut pool = PoolSetup {
            name: name.to_string(),
            pool: Pool { kind: Kind::Addresses, members: Vec::new(), settings: entry.policy.over(&self.policy) },
            members: Vec::new(),
            fills: declared.fills,
            pick: is_weighed(tiers).then_some(pick),
        };
        let mut seen: HashMap<IpAddr, u32> = HashMap::new();
        for (priority, tier) in (0u16..).zip(tiers) {
            for member in &tier.value {
                let address = Placed { value: member.value.value, place: member.place.clone() };
                if let Some(line) = seen.insert(address.value, address.place.line) {
                    self.refuse_address(
                        &address,
                        "address-tier-twice",
                        &format!("stands in a tier already, at line {line}"),
                    );
                    continue;
                }
                if !declared.addresses.contains(&address.value) {
                    self.refuse_address(
                        &address,
                        "address-tier-undeclared",
                        &format!("is no declared address of {name}"),
                    );
                    continue;
                }
                let target = numbered
                    .and_then(|(plan, number)| self.targets.target(SocketAddr::new(address.value, port), plan, number));
                let half = u8::from(address.value.is_ipv6());
                let weight = weight(&member.value, pool.pick.is_some());
                pool.pool.members.push(Member { half, priority, weight });
                pool.members.push(MemberSetup {
                    label: address.value.to_string(),
                    targets: target.into_iter().collect(),
                    unprobed: plan.is_none(),
                    nowhere: false,
                    data: MemberData::Address(address.value),
                });
            }
        }
        for address in declared.addresses.iter().filter(|address| !seen.contains_key(address)) {
            let finding = Finding::warning("address-tier-missing", format!("{address} of {name} stands in no tier"));
            let finding = finding.at(entry.name.place.clone()).why("only addresses of the serving tier are answered");
            self.findings.push(finding.help("add it to a tier, or take it out of the zone"));
        }
        self.judge_host(entry);
        pool.pool.settings.keeps_ttl = !self.targets.test(&pool);
        self.pools.push(pool);
    }

    fn refuse_address(&mut self, address: &Placed<IpAddr>, id: &'static str, what: &str) {
        let finding = Finding::error(id, format!("{} {what}", address.value)).at(address.place.clone());
        self.findings.push(finding.help("name each address of the name's A and AAAA records once"));
    }

    /// Notes that an entry rules addresses that would follow health as those of a host.
    fn judge_host(&mut self, entry: &AddressEntry) {
        let name = &entry.name.value;
        if self.zone_index.host(name).is_some() {
            let message = format!("{name} is also the host of a service: this entry alone rules its addresses");
            self.findings.push(Finding::note("address-host", message).at(entry.name.place.clone()));
        }
    }

    fn in_broken_zone(&self, name: &Name) -> bool {
        let broken = |above: &Name| self.zones.iter().any(|(_, zone)| zone.zone.is_none() && zone.origin == *above);
        ancestors(name).any(|above| broken(&above))
    }
}

/// Returns whether a member of these tiers has a weight.
pub(super) fn is_weighed<T>(tiers: &[List<TierMember<T>>]) -> bool {
    tiers.iter().flat_map(|tier| &tier.value).any(|member| member.value.weight.is_some())
}

/// Returns the weight of a member: 1 where others have one, 0 where none has.
pub(super) fn weight<T>(member: &TierMember<T>, is_weighed: bool) -> u16 {
    member.weight.unwrap_or_else(|| u16::from(is_weighed))
}

/// Says what the check of a name's addresses is for: the name itself, over UDP unless the check says otherwise, as
/// clients without SRV do it (RFC 3263 §4.1).
pub(super) fn context<'a>(name: &Name, settings: &'a TargetSettings) -> CheckContext<'a> {
    let domain = name.to_string().trim_end_matches('.').to_owned();
    CheckContext { domain, host: None, inferred: None, transport: Transport::Udp, settings }
}
