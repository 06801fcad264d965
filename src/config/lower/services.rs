//! SRV sets become pools; their members get targets on each address of their hosts.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::net::SocketAddr;

use crate::base::finding::{Finding, Place};
use crate::base::table::{RowId, Table};
use crate::config::shape::{PolicyKeys, ServiceEntry};
use crate::engine::setup::{Fill, FollowSetup, MemberData, MemberSetup, PoolSetup, ZoneSetup};
use crate::health::TargetId;
use crate::keys::reader::nearest;
use crate::policy::{self, FollowId, Kind, Member, Need, Pool, PoolId};
use crate::probe::{self, CheckContext, Inference, TargetSettings};
use crate::snapshot::ZoneId;
use crate::zone::reference_identity::ReferenceIdentity;
use crate::zone::{Name, Rtype};

use super::defaults::Defaults;
use super::patterns::Patterns;
use super::risks::Risks;
use super::service_plans::ServicePlans;
use super::shallow::Shallow;
use super::targets::{Plan, Targets};
use super::twins::Twins;
use super::zone_index::{Host, Service, ZoneIndex, ancestors};

/// The pools in the making.
#[derive(Debug)]
pub(super) struct Services<'a, 't, 'c> {
    pub(super) zones: &'a Table<ZoneId, ZoneSetup>,
    pub(super) zone_index: &'a ZoneIndex,
    pub(super) targets: &'t mut Targets<'c>,
    pub(super) inherited: TargetSettings,
    pub(super) defaults: Defaults<'c>,
    pub(super) policy: policy::Settings,
    pub(super) pools: Table<PoolId, PoolSetup>,
    pub(super) follows: Table<FollowId, FollowSetup>,
    pub(super) findings: Vec<Finding>,
    /// The pool of each service, by owner name.
    pub(super) by_owner: HashMap<Name, PoolId>,
    /// For each host of the zone index, for each of its addresses, the targets on it.
    host_targets: Vec<Vec<Vec<TargetId>>>,
    /// For each host of the zone index the pools with a member on it.
    host_pools: Vec<Vec<PoolId>>,
    /// The hosts outside of the zones that are to be resolved, of services.
    outside: BTreeSet<Name>,
    /// Those that only aliases lead to.
    outside_of_aliases: BTreeSet<Name>,
    /// The services for which no check is known, each with its pool.
    unprobed: Vec<(PoolId, Name)>,
    /// Services that follow a tested twin.
    twins: Twins,
    /// What testing may do to a server or to us.
    risks: Risks,
    /// What a config checks by less than its protocol.
    shallow: Shallow,
    /// Where `min-up` is above a tier's size: its place, what is said of the first service, and how many others.
    min_up: Vec<(Option<Place>, String, usize)>,
    /// Hosts with more addresses than are tested, with how many they have.
    many_addresses: BTreeMap<Name, usize>,
    /// Hosts of tested services that have no address to test.
    unaddressed: BTreeSet<Name>,
}

/// What is left of the making, besides the targets.
#[derive(Debug)]
pub(super) struct Finished {
    pub(super) pools: Table<PoolId, PoolSetup>,
    pub(super) follows: Table<FollowId, FollowSetup>,
    /// For each host of the zone index, for each of its addresses, the targets on it.
    pub(super) host_targets: Vec<Vec<Vec<TargetId>>>,
    /// For each host of the zone index the pools with a member on it.
    pub(super) host_pools: Vec<Vec<PoolId>>,
    /// The hosts outside of the zones that are to be resolved.
    pub(super) outside: Vec<Name>,
}

impl<'a, 't, 'c> Services<'a, 't, 'c> {
    /// Starts without pools.
    pub(super) fn new(
        zones: &'a Table<ZoneId, ZoneSetup>,
        zone_index: &'a ZoneIndex,
        targets: &'t mut Targets<'c>,
        defaults: Defaults<'c>,
        policy: policy::Settings,
    ) -> Self {
        Self {
            zones,
            zone_index,
            targets,
            inherited: defaults.of(None),
            defaults,
            policy,
            pools: Table::new(),
            follows: Table::new(),
            findings: Vec::new(),
            by_owner: HashMap::new(),
            host_targets: zone_index.hosts.iter().map(|host| vec![Vec::new(); host.addresses.len()]).collect(),
            host_pools: vec![Vec::new(); zone_index.hosts.len()],
            outside: BTreeSet::new(),
            outside_of_aliases: BTreeSet::new(),
            unprobed: Vec::new(),
            twins: Twins::default(),
            risks: Risks::default(),
            shallow: Shallow::default(),
            min_up: Vec::new(),
            many_addresses: BTreeMap::new(),
            unaddressed: BTreeSet::new(),
        }
    }

    /// Makes a pool of each service, or of each pair of them (XEP-0368).
    pub(super) fn lower(&mut self, entries: &[ServiceEntry]) {
        let (mut patterns, duplicates) = Patterns::new(entries);
        self.findings.extend(duplicates);
        for entry in entries {
            self.findings.extend(entry.target.judge(&self.inherited));
            self.findings.extend(entry.policy.judge(&self.policy));
        }
        let zone_index = self.zone_index;
        let partners = pairs(&zone_index.services);
        for (index, service) in zone_index.services.iter().enumerate() {
            let entry = patterns.find(&service.owner).and_then(|place| entries.get(place));
            match partners.get(&index) {
                Some(&second) if second > index => {
                    let Some(other) = zone_index.services.get(second) else { continue };
                    let other_entry = patterns.find(&other.owner).and_then(|place| entries.get(place));
                    self.add_pair([service, other], [entry, other_entry]);
                }
                Some(_) => {}
                None => self.add_pool(&[(service, entry)], entry.map(|entry| &entry.policy)),
            }
        }
        self.twins.follow(&mut self.unprobed, &self.by_owner, &mut self.pools);
        for (index, entry) in entries.iter().enumerate() {
            if !patterns.is_used(index) {
                self.judge_unmatched(entry);
            }
        }
    }

    /// Returns the pools, the following names, and what is known of each host.
    pub(super) fn finish(self, findings: &mut Vec<Finding>) -> Finished {
        findings.extend(self.findings);
        findings.extend(unprobed_note(&self.unprobed));
        findings.extend(self.twins.note());
        findings.extend(self.risks.findings());
        findings.extend(self.shallow.notes());
        for (place, message, others) in self.min_up {
            let others = if others == 0 { String::new() } else { format!("; so it is for {others} more") };
            let finding = Finding::warning("min-up-size", message + &others).at(place);
            let why = "a tier never needs more members than it has: the first that fails ends the tier";
            findings.push(finding.why(why).help("set it to the number of members that are enough to carry the load"));
        }
        if let Some((host, count)) = self.many_addresses.first_key_value() {
            let others = match self.many_addresses.len() {
                1 => String::new(),
                hosts => format!("; {} more hosts have too many", hosts - 1),
            };
            let message = format!("{host} has {count} addresses, of which {ADDRESSES_MAX} are tested{others}");
            let why = "a zone must not make the server a scanner: the other addresses are served as declared";
            findings
                .push(Finding::warning("host-addresses", message).why(why).help("give each server a name of its own"));
        }
        if let Some(first) = self.unaddressed.first() {
            let (number, verb) =
                (hosts(self.unaddressed.len()), if self.unaddressed.len() == 1 { "has" } else { "have" });
            let message = format!(
                "{number} of these zones (first {first}) {verb} no address record: served as declared and never tested"
            );
            let why = "who is an alias, lies below a wildcard or is missing has no address of its own to test";
            let finding = Finding::warning(UNADDRESSED, message).why(why);
            findings.push(finding.help("give each an A or AAAA record of its own"));
        }
        if let Some(first) = self.outside.first() {
            let message = format!("{} outside of the zones (first {first})", hosts(self.outside.len()));
            let note = Finding::note(OUTSIDE, message + ": asked of the resolver, so that they can be tested");
            let help = "they are tested every 5 min; a [[service]] with an `interval` of its own sets another pace";
            findings.push(note.why("their addresses are in no zone here, and are never answered from here").help(help));
        }
        let mut host_targets = self.host_targets;
        for targets in host_targets.iter_mut().flatten() {
            targets.sort_unstable();
            targets.dedup();
        }
        Finished {
            pools: self.pools,
            follows: self.follows,
            host_targets,
            host_pools: self.host_pools,
            outside: self.outside.union(&self.outside_of_aliases).cloned().collect(),
        }
    }

    /// Makes one pool of `_xmpp-X` and `_xmpps-X`. An entry that only one half has rules both.
    fn add_pair(&mut self, halves: [&'a Service; 2], entries: [Option<&ServiceEntry>; 2]) {
        let [first, second] = entries.map(|entry| entry.map(|entry| &entry.policy));
        if let ([Some(a), Some(b)], [Some(_), Some(entry)]) = ([first, second], entries)
            && a.over(&self.policy) != b.over(&self.policy)
        {
            let [one, two] = halves.map(|half| &half.owner);
            let message = format!("{one} and {two} are one list for clients (XEP-0368), but their settings differ");
            let finding = Finding::error("service-pair-settings", message);
            let place = entry.policy.first_place().unwrap_or_else(|| entry.matches.place.clone());
            self.findings
                .push(finding.at(place).help("set the keys of [policy] alike for both, or for one of them only"));
        }
        let [half, other] = halves;
        let [entry, other_entry] = entries;
        self.add_pool(&[(half, entry), (other, other_entry)], first.or(second));
    }

    fn add_pool(&mut self, halves: &[(&'a Service, Option<&ServiceEntry>)], policy: Option<&PolicyKeys>) {
        let mut pool = PoolSetup {
            name: halves.iter().map(|(service, _)| service.owner.to_string()).collect::<Vec<_>>().join("+"),
            pool: Pool {
                kind: if halves.len() == 2 { Kind::Pair } else { Kind::Service },
                members: Vec::new(),
                settings: policy.map_or_else(|| self.policy.clone(), |keys| keys.over(&self.policy)),
            },
            members: Vec::new(),
            fills: Vec::new(),
            pick: None,
        };
        let id = PoolId::from_index(self.pools.len());
        for (half, (service, entry)) in (0u8..).zip(halves) {
            let plans = self.plans(service, *entry);
            let port = self.port(*entry, &plans);
            self.add_members(&mut pool, (half, service), &plans, port, id);
            self.by_owner.insert(service.owner.clone(), id);
            let (owner, ttl) = (service.owner.clone(), service.set.ttl());
            pool.fills.push(Fill { zone: service.zone, owner, rtype: Rtype::SRV, ttl });
        }
        pool.fills.shrink_to_fit();
        self.judge_min_up(&pool, halves, policy);
        pool.pool.settings.keeps_ttl = !self.targets.test(&pool);
        self.pools.push(pool);
    }

    /// Notes where `min-up` asks for more members than the preferred tier has.
    fn judge_min_up(
        &mut self,
        pool: &PoolSetup,
        halves: &[(&'a Service, Option<&ServiceEntry>)],
        policy: Option<&PolicyKeys>,
    ) {
        let Need::Count(need) = pool.pool.settings.min_up else { return };
        let first = pool.pool.members.iter().map(|member| member.priority).min();
        let count = |half| {
            pool.pool.members.iter().filter(|member| member.half == half && Some(member.priority) == first).count()
        };
        let size = (0u8..).zip(halves).map(|(half, _)| count(half)).max().unwrap_or_default();
        if (need as usize) <= size || size == 0 {
            return;
        }
        let place = policy.and_then(|keys| keys.min_up.as_ref()).map(|placed| placed.place.clone());
        let known = self.min_up.iter_mut().find(|(at, ..)| *at == place);
        match known {
            Some((_, _, count)) => *count += 1,
            None => {
                let message =
                    format!("`min-up` is {need}, and the preferred tier of {} has {}", pool.name, members(size));
                self.min_up.push((place, message, 0));
            }
        }
    }

    /// Adds the members of one half. They are tested at their own ports, unless the check names another.
    fn add_members(
        &mut self,
        pool: &mut PoolSetup,
        (half, service): (u8, &Service),
        plans: &ServicePlans,
        port: Option<u16>,
        id: PoolId,
    ) {
        for (srv, &row) in service.set.srvs().zip(&service.hosts) {
            let Some(host) = self.zone_index.hosts.get(row) else { continue };
            let mut targets = Vec::new();
            if let Some(plan) = plans.of(host) {
                let number = self.targets.number(plan);
                if !host.inside && !host.name.is_root() && !is_address(&host.name) {
                    self.outside.insert(host.name.clone());
                }
                if host.is_unaddressed && !is_address(&host.name) && !self.targets.is_fixed() {
                    self.unaddressed.insert(host.name.clone());
                }
                if host.addresses.len() > ADDRESSES_MAX {
                    self.many_addresses.insert(host.name.clone(), host.addresses.len());
                }
                for (at, address) in host.addresses.iter().enumerate().take(ADDRESSES_MAX) {
                    let at_port = SocketAddr::new(*address, port.unwrap_or(srv.port));
                    let Some(target) = self.targets.target(at_port, plan, number) else { continue };
                    targets.push(target);
                    self.note_target(row, at, target);
                }
            }
            if let Some(pools) = self.host_pools.get_mut(row).filter(|pools| pools.last() != Some(&id)) {
                pools.push(id);
            }
            pool.pool.members.push(Member { half, priority: srv.priority, weight: srv.weight });
            let mut label = host.name.to_string();
            if !host.name.is_root() {
                label.pop();
            }
            label.push(':');
            label.push_str(&srv.port.to_string());
            pool.members.push(MemberSetup {
                label,
                targets,
                unprobed: plans.is_unprobed(),
                nowhere: (host.is_nowhere || host.name.is_root()) && !plans.is_unprobed(),
                data: MemberData::Srv { port: srv.port, host: host.name.clone() },
            });
        }
    }

    /// Returns how the targets of a service are probed, and notes where no check is known.
    fn plans(&mut self, service: &Service, entry: Option<&ServiceEntry>) -> ServicePlans {
        let Inference { kind: inferred, transport } = probe::infer(&service.owner);
        let labels = probe::first_labels(&service.owner);
        let kind = match entry.and_then(|entry| Some((entry, entry.check.as_ref()?))) {
            Some((entry, check)) => {
                self.shallow.take_down(&service.owner, inferred.as_ref(), entry);
                self.risks.take_down(&service.owner, Some(entry));
                check.kind.as_ref()
            }
            None => {
                if inferred.is_none() {
                    self.unprobed.push((PoolId::from_index(self.pools.len()), service.owner.clone()));
                }
                self.risks.take_down(&service.owner, None);
                inferred.as_ref()
            }
        };
        let defaults = self.defaults.of(kind);
        let with = entry.map_or_else(|| defaults.clone(), |entry| entry.target.lay_over(&defaults));
        let context = |host| CheckContext {
            domain: probe::service_domain(&service.owner),
            host,
            inferred: inferred.clone(),
            transport,
            settings: &with,
        };
        let plan = |host| Some(Plan::new(kind?.lower(&context(host))?, &with));
        let own = entry.map(|entry| &entry.target);
        let [label, _] = &labels;
        match with.reference_identity(label) {
            ReferenceIdentity::Domain => ServicePlans::alike(plan(None), own),
            ReferenceIdentity::Host => {
                let hosts = service.hosts.iter().filter_map(|&row| self.zone_index.hosts.get(row));
                ServicePlans::by_host(hosts.map(|host| (host, plan(certificate_host(host)))), own)
            }
        }
    }

    /// Returns the port that a check names, and notes one that nothing connects to.
    fn port(&mut self, entry: Option<&ServiceEntry>, plans: &ServicePlans) -> Option<u16> {
        let port = entry.and_then(|entry| entry.check.as_ref()?.port.as_ref())?;
        if !plans.use_port() {
            let finding = Finding::warning("config-key-idle", "this `port` has no effect: the check connects to none");
            self.findings.push(finding.at(port.place.clone()).help("leave it out"));
        }
        Some(port.value)
    }

    /// Notes a host that an alias may lead to; returns whether it is known to have no address.
    pub(super) fn note_host(&mut self, host: &Name, pool: PoolId, is_tested: bool) -> bool {
        let Some(row) = self.zone_index.host(host) else { return false };
        let Some(found) = self.zone_index.hosts.get(row) else { return false };
        if let Some(pools) = self.host_pools.get_mut(row).filter(|pools| pools.last() != Some(&pool)) {
            pools.push(pool);
        }
        if is_tested && !found.inside {
            self.outside_of_aliases.insert(host.clone());
        }
        if is_tested && found.is_unaddressed && !self.targets.is_fixed() {
            self.unaddressed.insert(host.clone());
        }
        if is_tested && found.addresses.len() > ADDRESSES_MAX {
            self.many_addresses.insert(host.clone(), found.addresses.len());
        }
        found.is_nowhere
    }

    /// Notes a target on an address of a host, by their places in the zone index.
    pub(super) fn note_target(&mut self, row: usize, at: usize, target: TargetId) {
        if let Some(known) = self.host_targets.get_mut(row).and_then(|addresses| addresses.get_mut(at)) {
            known.push(target);
        }
    }

    fn judge_unmatched(&mut self, entry: &ServiceEntry) {
        let name = &entry.matches.value;
        let origins: HashSet<&Name> =
            self.zones.iter().filter(|(_, zone)| zone.zone.is_none()).map(|(_, zone)| &zone.origin).collect();
        let origins: HashSet<&Name> = origins.into_iter().chain(self.zone_index.signed.keys()).collect();
        if ancestors(name).any(|above| origins.contains(&above)) {
            return;
        }
        let finding = Finding::warning("service-unmatched", format!("no service is called {name}"));
        let finding = finding.at(entry.matches.place.clone());
        self.findings.push(if self.zone_index.closed.contains(name) {
            finding.help("its only record is `0 0 0 .`, which says that there is no such service: it stays as it is")
        } else {
            finding.help(self.suggest_service(name))
        });
    }

    /// Returns the help for a name that is no service.
    pub(super) fn suggest_service(&self, name: &Name) -> String {
        let few = self.zone_index.services.iter().take(MOST_COMPARED);
        let names: Vec<String> = few.map(|service| service.owner.to_string()).collect();
        match nearest(&name.to_string(), names.iter().map(String::as_str)) {
            Some(near) => format!("did you mean {near}?"),
            None => "name the owner of an SRV set in one of the zones, such as _sip._tcp.example.com".to_owned(),
        }
    }
}

/// Finds for each half of an XMPP pair the place of the other.
fn pairs(services: &[Service]) -> HashMap<usize, usize> {
    let mut halves: HashMap<Name, usize> = HashMap::new();
    let mut partners = HashMap::new();
    for (index, service) in services.iter().enumerate() {
        let first = service.owner.labels().next().unwrap_or_default();
        if !first.get(..5).is_some_and(|begin| begin.eq_ignore_ascii_case(b"_xmpp")) {
            continue;
        }
        let [label, transport] = probe::first_labels(&service.owner);
        let twin = match (label.as_str(), transport.as_str()) {
            ("_xmpp-client", "_tcp") => "_xmpps-client",
            ("_xmpp-server", "_tcp") => "_xmpps-server",
            ("_xmpps-client", "_tcp") => "_xmpp-client",
            ("_xmpps-server", "_tcp") => "_xmpp-server",
            _ => continue,
        };
        let twin = service.owner.parent().and_then(|parent| parent.child(twin.as_bytes()).ok());
        if let Some(&other) = twin.and_then(|twin| halves.get(&twin)) {
            partners.insert(index, other);
            partners.insert(other, index);
        }
        halves.insert(service.owner.clone(), index);
    }
    partners
}

/// Tells in one note which services are not tested, as no check is known for them.
fn unprobed_note(services: &[(PoolId, Name)]) -> Option<Finding> {
    let mut unprobed: BTreeMap<String, (usize, &Name)> = BTreeMap::new();
    for (_, owner) in services {
        unprobed.entry(probe::first_labels(owner).join(".")).or_insert((0, owner)).0 += 1;
    }
    let which = unprobed.iter().take(MOST_NAMED).map(|(labels, (count, first))| {
        if *count == 1 { first.to_string() } else { format!("{labels} ({count} services)") }
    });
    let which = which.collect::<Vec<_>>().join(", ");
    let rest = unprobed.len().saturating_sub(MOST_NAMED);
    let rest = if rest > 0 { format!(" and {rest} more") } else { String::new() };
    let note = Finding::note("check-none", format!("not tested, as no check is known: {which}{rest}"));
    let help = "set one with [[service]] check = { kind = \"tcp\" }, if it listens on TCP too";
    let why = "all records of such a service are always served";
    (!unprobed.is_empty()).then(|| note.why(why).help(help))
}

/// Returns the name of a host as its certificate bears it; nothing if it is none.
fn certificate_host(host: &Host) -> Option<String> {
    let is_name = !host.name.is_root() && !is_address(&host.name);
    is_name.then(|| host.name.to_string().trim_end_matches('.').to_owned())
}

/// Returns whether a host's name is an address that was written as a name, which no resolver knows.
pub(super) fn is_address(host: &Name) -> bool {
    host.to_string().trim_end_matches('.').parse::<std::net::IpAddr>().is_ok()
}

fn members(count: usize) -> String {
    if count == 1 { "1 member".to_owned() } else { format!("{count} members") }
}

fn hosts(count: usize) -> String {
    if count == 1 { "1 host".to_owned() } else { format!("{count} hosts") }
}

/// Tells that a zone's services do not follow health.
pub(super) fn signed_finding(origin: &Name, services: usize) -> Finding {
    let services =
        if services == 1 { "its service follows".to_owned() } else { format!("its {services} services follow") };
    Finding::warning("zone-signed", format!("{origin} comes signed: {services} no health"))
        .why("records other than the declared ones would have no signature, and validating resolvers would refuse them")
        .help("serve the zone unsigned, or move the services into an unsigned zone of their own below it")
}

/// What is noted of hosts that are resolved.
pub(super) const OUTSIDE: &str = "host-outside";
/// What is found of hosts that have nothing to test.
const UNADDRESSED: &str = "host-unaddressed";
/// The most addresses of one host that are tested.
pub(super) const ADDRESSES_MAX: usize = 32;
/// The most kinds of services that one note names.
const MOST_NAMED: usize = 8;
/// The most names that a misspelt one is compared with.
const MOST_COMPARED: usize = 2_000;
