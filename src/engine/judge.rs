//! From health to the values of slots: verdicts, decisions, TTLs.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use crate::base::clock::{Mono, Now, UnixTime};
use crate::base::table::RowId;
use crate::health::members::{self, Standing};
use crate::health::orders::Force;
use crate::health::{TargetId, Verdict};
use crate::policy::{self, Ask, Conditions, Decision, HostAddress, Kind, Served, Trigger, TtlMemory};
use crate::snapshot::{SlotId, SlotValue, Snapshot, ZoneId};
use crate::zone::{Rrset, Rtype, Srv};

use super::core::{Core, FollowRow, HostRow, Place, Timer};
use super::effect::{Effect, Notice};
use super::memory;
use super::prepare::Prepared;
use super::setup::{Fill, MemberData, PoolId};

/// One RRset that follows decisions.
#[derive(Clone, Debug)]
pub(super) struct FillRow {
    pub(super) slot: SlotId,
    ttl: TtlMemory,
    pub(super) value: Option<SlotValue>,
}

/// What a fill is made from, but for its TTL.
struct Filling<'a> {
    fill: &'a Fill,
    rdatas: Vec<Vec<u8>>,
    settings: &'a policy::Settings,
    target_in_motion: bool,
    last_resort_or_all_down: bool,
    move_due: Option<Duration>,
}

impl FillRow {
    pub(super) fn new(slot: SlotId) -> Self {
        Self { slot, ttl: TtlMemory::default(), value: None }
    }

    /// Takes over the memory of the same fill in a former setup.
    pub(super) fn succeed(&mut self, former: &Self) {
        self.ttl = former.ttl;
        self.value.clone_from(&former.value);
    }

    /// Makes the value that holds now; returns how long until time alone may change it.
    fn fill(&mut self, filling: &Filling<'_>, now: Mono) -> Option<Duration> {
        let changed = self.value.as_ref().is_some_and(|value| match value {
            SlotValue::Records(set) => !set.rdatas().eq(filling.rdatas.iter().map(Vec::as_slice)),
            SlotValue::Empty { .. } => !filling.rdatas.is_empty(),
        });
        let conditions = Conditions {
            target_in_motion: filling.target_in_motion,
            last_resort_or_all_down: filling.last_resort_or_all_down,
            records_changed: changed,
            move_due: filling.move_due,
        };
        let ttl = policy::ttl(filling.fill.ttl, filling.settings, conditions, self.ttl, now);
        self.ttl = ttl.memory;
        self.value = Some(if filling.rdatas.is_empty() {
            SlotValue::Empty { negative_ttl: ttl.secs }
        } else {
            SlotValue::Records(Arc::new(Rrset::new(filling.fill.rtype, ttl.secs, &filling.rdatas)))
        });
        ttl.again
    }
}

impl Core {
    pub(super) fn judge_all(&mut self, trigger: Trigger, now: Now) {
        for host in 0..self.hosts.len() {
            self.judge_host(host, now);
        }
        for pool in self.pools.ids() {
            self.judge_pool(pool, trigger, now);
        }
    }

    /// Returns the verdict of each member of a pool.
    pub(super) fn verdicts(&self, pool: PoolId, wall: UnixTime) -> Vec<Verdict> {
        let setup = &self.prepared.setup.pools[pool];
        let lead = Duration::from_secs(u64::from(setup.pool.settings.unsettled_ttl));
        let judge = |member: &super::setup::MemberSetup| {
            let (host, port) = scope_of(&member.data, &setup.name, self.orders.is_empty());
            let force = |address| self.orders.force(&host, address, port, lead, wall);
            if member.targets.is_empty() {
                let unknown = !member.unprobed && !self.orders.is_empty() && force(None).is_none();
                return if unknown || (!member.unprobed && self.orders.is_empty()) {
                    Verdict::Serve { degraded: false, proven: false }
                } else {
                    members::unprobed(force(None))
                };
            }
            members::verdict(member.targets.iter().map(|id| self.standing(*id, &force)))
        };
        setup.members.iter().map(judge).collect()
    }

    fn standing(&self, id: TargetId, force: &impl Fn(Option<IpAddr>) -> Option<Force>) -> Standing<'_> {
        let key = &self.prepared.setup.targets[id].key;
        let force = if self.orders.is_empty() { None } else { force(Some(key.address)) };
        Standing { health: &self.targets[id].health, force }
    }

    pub(super) fn judge_pool(&mut self, id: PoolId, trigger: Trigger, now: Now) {
        let verdicts = self.verdicts(id, now.wall);
        let setup = &self.prepared.setup.pools[id];
        let row = &self.pools[id];
        let answer = policy::decide(&Ask {
            pool: &setup.pool,
            verdicts: &verdicts,
            memory: &row.memory,
            trigger,
            failback_ordered: row.failback_ordered,
            now,
        });
        let in_motion =
            setup.members.iter().flat_map(|m| &m.targets).any(|id| self.targets[*id].health.state().in_motion());
        let move_due = [answer.failback_due, self.drain_due(id, now.wall)].into_iter().flatten().min();

        let row = &mut self.pools[id];
        let mut again = answer.again;
        for (number, (fill, slot)) in setup.fills.iter().zip(&mut row.fills).enumerate() {
            let filling = Filling {
                fill,
                rdatas: pool_rdatas(setup, &answer.decision, number),
                settings: &setup.pool.settings,
                target_in_motion: in_motion,
                last_resort_or_all_down: !matches!(answer.decision.served, Served::Tier(_)),
                move_due,
            };
            again = sooner(again, slot.fill(&filling, now.mono));
        }
        let before = std::mem::replace(&mut row.memory, answer.memory);
        if memory::differs(&before, &row.memory) {
            let (key, value) = memory::keep_memory(setup, &row.memory, now);
            self.effects.push_back(Effect::Persist { key, value });
        }
        if answer.failback_used {
            row.failback_ordered = false;
            self.effects.push_back(Effect::Persist { key: memory::failback_key(&setup.name), value: None });
        }
        self.take_decision(id, answer.decision, answer.moved, now);
        self.touch_pool(id, again, now);
    }

    fn take_decision(&mut self, id: PoolId, decision: Decision, moved: Option<policy::Move>, now: Now) {
        let row = &mut self.pools[id];
        let before = row.decision.replace(decision);
        let Some((before, decision)) = before.zip(row.decision.as_ref()) else { return };
        if before.same_records(decision) && before.served == decision.served {
            return;
        }
        row.changed = Some(now.wall);
        self.effects.push_back(Effect::Notice(Notice::Decision {
            pool: self.prepared.setup.pools[id].name.clone(),
            reason: decision.reason.clone(),
            moved,
            alarm: decision.served == Served::AllDown,
        }));
    }

    fn touch_pool(&mut self, id: PoolId, again: Option<Duration>, now: Now) {
        let wake = arm(&mut self.timers, self.pools[id].wake, again, Timer::Pool(id), now.mono);
        self.pools[id].wake = wake;
        for number in 0..self.pools[id].fills.len() {
            self.touch(Place::Pool(id, number), now);
        }
        for follow in self.prepared.followers[id].clone() {
            self.judge_follow(follow, now);
        }
    }

    /// Rule 10: an address leaves when all on it is withheld and another one serves.
    pub(super) fn judge_host(&mut self, number: usize, now: Now) {
        let setup = &self.prepared.setup.hosts[number];
        let name = if self.orders.is_empty() { String::new() } else { bare(&setup.fills[0].owner) };
        let lead = Duration::from_secs(u64::from(self.hosts[number].settings.unsettled_ttl));
        let judge = |targets: &Vec<TargetId>| {
            let standings = targets.iter().map(|id| {
                let port = self.prepared.setup.targets[*id].key.port;
                self.standing(*id, &|address| self.orders.force(&name, address, port, lead, now.wall))
            });
            HostAddress {
                withheld: !targets.is_empty() && standings.clone().all(|s| !s.serves()),
                known_serving: standings.clone().any(|s| s.is_known() && s.serves()),
            }
        };
        let addresses: Vec<HostAddress> = setup.addresses.iter().map(|(_, targets)| judge(targets)).collect();
        let stays = policy::stay(&addresses);
        let mut targets = setup.addresses.iter().flat_map(|(_, targets)| targets);
        let in_motion = targets.any(|id| self.targets[*id].health.state().in_motion());

        let row = &mut self.hosts[number];
        let mut again = None;
        for (fill, slot) in setup.fills.iter().zip(&mut row.fills) {
            let staying = setup.addresses.iter().zip(&stays).filter(|(_, stays)| **stays);
            let filling = Filling {
                fill,
                rdatas: of_family(fill.rtype, staying.map(|((address, _), _)| *address)),
                settings: &row.settings,
                target_in_motion: in_motion,
                last_resort_or_all_down: false,
                move_due: None,
            };
            again = sooner(again, slot.fill(&filling, now.mono));
        }
        let changed = row.stays != stays;
        row.stays = stays;
        row.wake = arm(&mut self.timers, row.wake, again, Timer::Host(number), now.mono);
        for fill in 0..self.hosts[number].fills.len() {
            self.touch(Place::Host(number, fill), now);
        }
        if changed {
            let pools = &self.prepared.setup.hosts[number].pools;
            let follows = pools.iter().flat_map(|pool| &self.prepared.followers[*pool]);
            for follow in follows.copied().collect::<Vec<usize>>() {
                self.judge_follow(follow, now);
            }
        }
    }

    /// Rule 11: the effective addresses of the serving members' hosts, else its own declared ones.
    pub(super) fn judge_follow(&mut self, number: usize, now: Now) {
        let setup = &self.prepared.setup.follows[number];
        let pool = &self.prepared.setup.pools[setup.pool];
        let Some(decision) = &self.pools[setup.pool].decision else { return };
        let mut addresses: Vec<IpAddr> = Vec::new();
        for member in policy::followed(&pool.pool, decision) {
            let Some(host) = self.prepared.member_hosts[setup.pool][member] else { continue };
            let declared = self.prepared.setup.hosts[host].addresses.iter().zip(&self.hosts[host].stays);
            for ((address, _), _) in declared.filter(|(_, stays)| **stays) {
                if !addresses.contains(address) {
                    addresses.push(*address);
                }
            }
        }
        if addresses.is_empty() {
            addresses.clone_from(&setup.addresses);
        }
        let in_motion =
            pool.members.iter().flat_map(|m| &m.targets).any(|id| self.targets[*id].health.state().in_motion());
        let unsettled = !matches!(decision.served, Served::Tier(_));
        let row = &mut self.follows[number];
        let mut again = None;
        for (fill, slot) in setup.fills.iter().zip(&mut row.fills) {
            let filling = Filling {
                fill,
                rdatas: of_family(fill.rtype, addresses.iter().copied()),
                settings: &pool.pool.settings,
                target_in_motion: in_motion,
                last_resort_or_all_down: unsettled,
                move_due: None,
            };
            again = sooner(again, slot.fill(&filling, now.mono));
        }
        row.wake = arm(&mut self.timers, row.wake, again, Timer::Follow(number), now.mono);
        for fill in 0..self.follows[number].fills.len() {
            self.touch(Place::Follow(number, fill), now);
        }
    }

    fn drain_due(&self, id: PoolId, wall: UnixTime) -> Option<Duration> {
        if self.orders.is_empty() {
            return None;
        }
        let setup = &self.prepared.setup.pools[id];
        let lead = Duration::from_secs(u64::from(setup.pool.settings.unsettled_ttl));
        let due = |member: &super::setup::MemberSetup| {
            let (host, port) = scope_of(&member.data, &setup.name, false);
            let addresses = member.targets.iter().map(|id| Some(self.prepared.setup.targets[*id].key.address));
            let addresses: Vec<_> = addresses.chain([None]).collect();
            addresses.into_iter().filter_map(|a| self.orders.drain_due(&host, a, port, lead, wall)).min()
        };
        setup.members.iter().filter_map(due).min()
    }

    /// Judges everything anew as orders began, ended or came.
    pub(super) fn orders_changed(&mut self, now: Now) {
        for (id, _) in self.orders.end(now.wall) {
            self.effects.push_back(Effect::Persist { key: memory::order_key(id), value: None });
        }
        self.judge_all(Trigger::Order, now);
        self.arm_orders(now);
    }

    /// Sets the timer for the next order that begins or ends. The wall clock may jump: it is asked again each minute.
    pub(super) fn arm_orders(&mut self, now: Now) {
        self.timers.retain(|(_, timer)| *timer != Timer::Orders);
        let leads = self.prepared.setup.pools.iter().map(|(_, pool)| pool.pool.settings.unsettled_ttl);
        let leads: std::collections::BTreeSet<u32> = leads.collect();
        let changes = leads.into_iter().map(|lead| Duration::from_secs(u64::from(lead)));
        let change = changes.filter_map(|lead| self.orders.next_change(lead, now.wall)).min();
        if let Some(change) = change {
            let at = now.mono + change.min(Duration::from_secs(60));
            self.timers.insert((at, Timer::Orders));
        }
    }

    /// Notes whether a fill's value differs from the published one.
    fn touch(&mut self, place: Place, now: Now) {
        let row = self.fill_row(place);
        if self.snapshot.slot(row.slot) == row.value.as_ref() {
            self.dirty.remove(&place);
        } else {
            self.dirty.insert(place);
        }
        self.want_publication(now);
    }

    pub(super) fn fill_row(&self, place: Place) -> &FillRow {
        match place {
            Place::Pool(pool, fill) => &self.pools[pool].fills[fill],
            Place::Host(host, fill) => &self.hosts[host].fills[fill],
            Place::Follow(follow, fill) => &self.follows[follow].fills[fill],
        }
    }

    /// Makes the next snapshot from the dirty fills, with one new serial for each zone that they are in.
    pub(super) fn next_snapshot(&mut self) -> (Snapshot, Vec<(String, u32)>) {
        let dirty = std::mem::take(&mut self.dirty);
        let mut changes = Vec::with_capacity(dirty.len() + 1);
        let mut zones = std::collections::BTreeSet::new();
        for place in dirty {
            let row = self.fill_row(place);
            zones.insert(self.prepared.slots[row.slot].zone);
            changes.extend(row.value.clone().map(|value| (row.slot, value)));
        }
        let mut serials = Vec::with_capacity(zones.len());
        for zone in zones {
            if let Some(row) = &mut self.zones[zone] {
                row.serials.data_changed();
            }
            changes.extend(self.soa_value(zone));
            serials.extend(self.named_serial(zone));
        }
        (self.snapshot.next(changes), serials)
    }

    /// Makes a snapshot of everything, for a new image.
    pub(super) fn whole_snapshot(&mut self, generation: u64) -> (Snapshot, Vec<(String, u32)>) {
        let mut values = self.prepared.empty_values();
        let pools = self.pools.iter().flat_map(|(_, row)| &row.fills);
        let hosts = self.hosts.iter().flat_map(|row| &row.fills);
        let follows = self.follows.iter().flat_map(|row| &row.fills);
        for row in pools.chain(hosts).chain(follows) {
            if let Some(value) = &row.value {
                values[row.slot.index()] = value.clone();
            }
        }
        for (slot, value) in self.zones.ids().filter_map(|zone| self.soa_value(zone)) {
            values[slot.index()] = value;
        }
        let serials = self.zones.ids().filter_map(|zone| self.named_serial(zone)).collect();
        (Snapshot::first(Arc::clone(&self.prepared.image), values, generation), serials)
    }

    fn soa_value(&self, zone: ZoneId) -> Option<(SlotId, SlotValue)> {
        let (slot, row) = self.prepared.soa[zone].zip(self.zones[zone].as_ref())?;
        let declared = self.prepared.setup.zones[zone].zone.as_ref()?.soa();
        let soa = crate::zone::serial::with_serial(declared, row.serials.current());
        Some((slot, SlotValue::Records(Arc::new(soa))))
    }

    fn named_serial(&self, zone: ZoneId) -> Option<(String, u32)> {
        let serial = self.zones[zone].as_ref()?.serials.current();
        Some((self.prepared.setup.zones[zone].origin.to_string(), serial.0))
    }
}

impl HostRow {
    pub(super) fn new(prepared: &Prepared, number: usize) -> Self {
        let setup = &prepared.setup.hosts[number];
        let pools = setup.pools.iter().map(|pool| &prepared.setup.pools[*pool].pool.settings);
        let mut settings = policy::Settings::default();
        // Of several services on a host the most impatient one sets the TTL.
        settings.ttl = pools.clone().map(|s| s.ttl).min().unwrap_or(settings.ttl);
        settings.unsettled_ttl = pools.map(|s| s.unsettled_ttl).min().unwrap_or(settings.unsettled_ttl);
        let fills = prepared.host_slots[number].iter().map(|slot| FillRow::new(*slot)).collect();
        Self { settings, stays: vec![true; setup.addresses.len()], fills, wake: None }
    }
}

impl FollowRow {
    pub(super) fn new(prepared: &Prepared, number: usize) -> Self {
        let fills = prepared.follow_slots[number].iter().map(|slot| FillRow::new(*slot)).collect();
        Self { fills, wake: None }
    }
}

/// Returns the RDATA that a decision puts into one fill of a pool.
fn pool_rdatas(setup: &super::setup::PoolSetup, decision: &Decision, number: usize) -> Vec<Vec<u8>> {
    if decision.closed {
        return vec![Srv { priority: 0, weight: 0, port: 0, host: b"\0" }.write()];
    }
    // A pool of addresses has one list, which fills two sets; a pair has a list for each half.
    let half = if setup.pool.kind == Kind::Addresses { 0 } else { number };
    let listed = decision.listed.get(half).map_or(&[][..], Vec::as_slice);
    let rdata = |listed: &policy::Listed| match &setup.members[listed.member].data {
        MemberData::Srv { port, host } => {
            let (priority, weight) = (listed.priority, listed.weight);
            Some(Srv { priority, weight, port: *port, host: host.wire() }.write())
        }
        MemberData::Address(address) => of_family(setup.fills[number].rtype, [*address].into_iter()).pop(),
    };
    let mut rdatas: Vec<Vec<u8>> = Vec::with_capacity(listed.len());
    for rdata in listed.iter().filter_map(rdata) {
        // Renumbered or demoted members may become equal records; a set has each once (RFC 2181 §5).
        if !rdatas.contains(&rdata) {
            rdatas.push(rdata);
        }
    }
    rdatas
}

/// Returns the RDATA of the addresses that belong into a set of this type.
fn of_family(rtype: Rtype, addresses: impl Iterator<Item = IpAddr>) -> Vec<Vec<u8>> {
    let octets = |address| match address {
        IpAddr::V4(v4) if rtype == Rtype::A => Some(v4.octets().to_vec()),
        IpAddr::V6(v6) if rtype == Rtype::AAAA => Some(v6.octets().to_vec()),
        IpAddr::V4(_) | IpAddr::V6(_) => None,
    };
    addresses.filter_map(octets).collect()
}

/// Returns the host, in lower case without its final dot, and the port by which orders name a member.
fn scope_of(data: &MemberData, pool: &str, no_orders: bool) -> (String, u16) {
    match data {
        _ if no_orders => (String::new(), 0),
        MemberData::Srv { port, host } => (bare(host), *port),
        MemberData::Address(_) => (pool.trim_end_matches('.').to_ascii_lowercase(), 0),
    }
}

fn bare(name: &crate::zone::Name) -> String {
    name.to_lower().to_string().trim_end_matches('.').to_owned()
}

fn sooner(a: Option<Duration>, b: Option<Duration>) -> Option<Duration> {
    a.into_iter().chain(b).min()
}

/// Sets a row's timer anew; returns what it is set to.
fn arm(
    timers: &mut std::collections::BTreeSet<(Mono, Timer)>,
    was: Option<Mono>,
    again: Option<Duration>,
    timer: Timer,
    now: Mono,
) -> Option<Mono> {
    let wake = again.map(|after| now + after);
    if was != wake {
        was.map(|at| timers.remove(&(at, timer)));
        wake.map(|at| timers.insert((at, timer)));
    }
    wake
}
