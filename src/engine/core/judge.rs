//! From health and orders to verdicts, decisions, and the values of slots.

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::time::Duration;

use crate::base::clock::{Mono, Now, UnixTime};
use crate::engine::effect::{Effect, Notice};
use crate::engine::memory;
use crate::engine::orders::Times;
use crate::engine::prepare::{Users, order_name};
use crate::engine::setup::{MemberSetup, PoolSetup};
use crate::health::members::{self, Belief, TargetView};
use crate::health::orders::Scope;
use crate::health::{TargetId, Verdict};
use crate::policy::{
    self, ActiveTier, Ask, Conditions, Decision, FollowId, HostAddress, HostId, Move, PoolId, Trigger,
};

use crate::snapshot::{Hold, Note};

use super::timers::Timer;
use super::{Core, PoolRow, rdata};

impl Core {
    /// Judges everything: after it, judging anything again at the same time changes nothing.
    pub(super) fn judge_all(&mut self, trigger: Trigger, now: Now) {
        let all = Users { pools: self.pools.ids().collect(), hosts: self.hosts.ids().collect() };
        self.judge(all, trigger, now);
    }

    /// Judges pools and hosts, and whatever rests on what they decide.
    pub(super) fn judge(&mut self, users: Users, trigger: Trigger, now: Now) {
        self.judge_with(users, BTreeSet::new(), trigger, now);
    }

    /// Judges as [`Core::judge`] does, and these followers too.
    pub(super) fn judge_with(&mut self, users: Users, mut follows: BTreeSet<FollowId>, trigger: Trigger, now: Now) {
        let mut hosts: BTreeSet<HostId> = users.hosts.into_iter().collect();
        for pool in users.pools {
            let before = self.in_need(pool);
            self.judge_pool(pool, trigger, now);
            if before != self.in_need(pool) {
                hosts.extend(self.prepared.member_hosts[pool].iter().flatten());
            }
            follows.extend(&self.prepared.followers[pool]);
        }
        for host in hosts {
            if self.judge_host(host, now) {
                let pools = &self.prepared.setup.hosts[host].pools;
                follows.extend(pools.iter().flat_map(|pool| &self.prepared.followers[*pool]));
            }
        }
        for follow in follows {
            self.judge_follow(follow, now);
        }
    }

    /// Returns whether a pool serves its last resort or is all down.
    fn in_need(&self, pool: PoolId) -> bool {
        self.pools[pool].decision.as_ref().is_some_and(|decision| !matches!(decision.served, ActiveTier::Tier(_)))
    }

    /// Returns the verdict of each member of a pool.
    pub(in crate::engine) fn verdicts(&self, pool: PoolId, wall: UnixTime) -> Vec<Verdict> {
        let setup = &self.prepared.setup.pools[pool];
        if setup.fills.iter().any(|fill| self.prepared.setup.judged_upstream(fill).is_some()) {
            let calm = members::untested(Belief::ByDesign, std::iter::once(None));
            return setup.members.iter().map(|_| calm).collect();
        }
        let hosts = &self.prepared.member_hosts[pool];
        let lead = self.prepared.pool_leads[pool];
        let judge = |(member, host): (&MemberSetup, &Option<HostId>)| {
            let name = self.name_for_orders(member, setup);
            if !member.targets.is_empty() {
                return members::verdict(member.targets.iter().map(|id| self.standing(*id, &name, lead, wall)));
            }
            let port = member.port();
            let force = |address| self.orders.force(&name, address, port, lead, wall);
            match host.filter(|_| !self.orders.is_empty()) {
                Some(host) => {
                    let addresses = self.prepared.setup.hosts[host].addresses.iter();
                    members::untested(belief(member), addresses.map(|(address, _)| force(Some(*address))))
                }
                None => members::untested(belief(member), std::iter::once(force(member.address()))),
            }
        };
        setup.members.iter().zip(hosts).map(judge).collect()
    }

    /// Returns the name by which orders may cover a member; without orders it is not made.
    fn name_for_orders(&self, member: &MemberSetup, pool: &PoolSetup) -> String {
        if self.orders.is_empty() { String::new() } else { member_name(member, pool) }
    }

    fn standing(&self, id: TargetId, name: &str, lead: Duration, wall: UnixTime) -> TargetView<'_> {
        let key = &self.prepared.setup.targets[id].key;
        let force = self.orders.force(name, Some(key.address), key.port, lead, wall);
        TargetView { health: &self.targets[id].health, force }
    }

    fn judge_pool(&mut self, id: PoolId, trigger: Trigger, now: Now) {
        let verdicts = self.verdicts(id, now.wall);
        let times = self.pool_times(id, now.wall);
        let setup = &self.prepared.setup.pools[id];
        let row = &mut self.pools[id];
        let (memory, failback_ordered) = (&row.memory, row.failback_ordered);
        let answer =
            policy::decide(&Ask { pool: &setup.pool, verdicts: &verdicts, memory, trigger, failback_ordered, now });
        let differs = memory::differs(&row.memory, &answer.memory);
        row.memory = answer.memory;
        row.failback_at = answer.failback_due.map(|due| now.mono + due);
        row.holding = answer.holding;
        if answer.failback_used {
            row.failback_ordered = false;
            self.effects.push_back(Effect::Persist { key: memory::failback_key(&setup.name), value: None });
        }
        let before = row.decision.replace(answer.decision);
        self.tell_decision(id, before.as_ref(), answer.moved, now);

        let conditions = Conditions {
            target_in_motion: self.in_motion(self.prepared.setup.pools[id].targets()),
            last_resort_or_all_down: self.in_need(id),
            move_due: sooner(answer.failback_due, times.drain_due),
            records_changed: false,
        };
        let again = self.fill_pool(id, conditions, now.mono);
        self.keep_pool(id, differs, now);
        let again = [answer.again, times.change, again].into_iter().flatten().min();
        self.timers.set(Timer::Pool(id), again.map(|after| now.mono + after));
    }

    /// Keeps what must be known of a pool over a restart or by who looks on, if it has changed.
    fn keep_pool(&mut self, id: PoolId, differs: bool, now: Now) {
        let until = self.prepared.pool_slots[id].iter().filter_map(|slot| self.slots[*slot].unsettled_until()).max();
        let row = &mut self.pools[id];
        let kept = std::mem::replace(&mut row.unsettled_until, until);
        // One that has passed needs no removal.
        if differs || (until.is_some() && until != kept) {
            let (key, value) = memory::keep_memory(&self.prepared.setup.pools[id], &row.memory, until, now);
            self.effects.push_back(Effect::Persist { key, value });
        }
    }

    fn fill_pool(&mut self, id: PoolId, conditions: Conditions, now: Mono) -> Option<Duration> {
        let mut again = None;
        let note = self.note(id);
        for number in 0..self.prepared.pool_slots[id].len() {
            let setup = &self.prepared.setup.pools[id];
            let slot = self.prepared.pool_slots[id][number];
            let Some(decision) = &self.pools[id].decision else { continue };
            if let Some(declared) = self.prepared.setup.judged_upstream(&setup.fills[number]) {
                self.slots[slot].declare(declared);
                self.touch(slot, now);
                continue;
            }
            let row = &mut self.slots[slot];
            row.note = note.clone().map(|note| note.settled(row.note.as_ref()));
            let records = rdata::of_pool(setup, decision, number);
            let fill = &setup.fills[number];
            again = sooner(again, self.slots[slot].fill(fill, &records, &setup.pool.settings, conditions, now));
            self.touch(slot, now);
        }
        again
    }

    /// Returns why a pool is not served as declared; nothing if it is.
    fn note(&self, id: PoolId) -> Option<Note> {
        let row = &self.pools[id];
        let text = row.decision.as_ref()?.reason.note(row.holding.map(|(tier, _)| tier))?;
        let hold = row.holding.zip(row.failback_at).map(|((_, since), until)| Hold { since, until });
        Some(Note { text: text.into(), hold })
    }

    /// Tells of a decision if other records are served than before, or if nobody is up from the start.
    fn tell_decision(&mut self, id: PoolId, before: Option<&Decision>, moved: Option<Move>, now: Now) {
        let row: &mut PoolRow = &mut self.pools[id];
        let Some(decision) = &row.decision else { return };
        let alarm = decision.served == ActiveTier::AllDown;
        let calm = match before {
            Some(before) => before.same_records(decision) && before.served == decision.served,
            None => !alarm,
        };
        if calm {
            return;
        }
        row.changed = Some(now.wall);
        row.tier_changes += u64::from(before.is_some_and(|before| before.served != decision.served));
        let (pool, reason) = (self.prepared.setup.pools[id].name.clone(), decision.reason.clone());
        let zones = self.zones_of(&[id]);
        self.notify(Notice::Decision { pool, id, zones, reason, moved, alarm }, now);
    }

    /// Rule 10: an address leaves when all on it is withheld and another one serves. Returns whether one left or came.
    ///
    /// The sets are unsettled while a target on the host is in motion, and while a service with a member on it is at
    /// last resort or all down; a failback of a service moves no address of a host.
    fn judge_host(&mut self, number: HostId, now: Now) -> bool {
        let setup = &self.prepared.setup.hosts[number];
        let name = if self.orders.is_empty() { String::new() } else { order_name(&setup.fills[0].owner) };
        let lead = self.prepared.host_lead(number);
        let judge = |targets: &Vec<TargetId>| {
            let standings = targets.iter().map(|id| self.standing(*id, &name, lead, now.wall));
            HostAddress {
                withheld: !targets.is_empty() && standings.clone().all(|s| !s.serves()),
                known_serving: standings.clone().any(|s| s.is_known() && s.serves()),
            }
        };
        let addresses: Vec<HostAddress> = setup.addresses.iter().map(|(_, targets)| judge(targets)).collect();
        let stays = policy::stay(&addresses);
        let times = self.host_times(number, &name, lead, now.wall);
        let conditions = Conditions {
            target_in_motion: self.in_motion(setup.addresses.iter().flat_map(|(_, targets)| targets)),
            last_resort_or_all_down: setup.pools.iter().any(|pool| self.in_need(*pool)),
            move_due: times.drain_due,
            records_changed: false,
        };
        let staying = setup.addresses.iter().zip(&stays).filter(|(_, stays)| **stays);
        let staying: Vec<IpAddr> = staying.map(|((address, _), _)| *address).collect();
        let mut again = times.change;
        for place in 0..self.prepared.host_slots[number].len() {
            let fill = &self.prepared.setup.hosts[number].fills[place];
            let slot = self.prepared.host_slots[number][place];
            if let Some(declared) = self.prepared.setup.judged_upstream(fill) {
                self.slots[slot].declare(declared);
                self.touch(slot, now.mono);
                continue;
            }
            let records = rdata::of_addresses(fill.rtype, staying.iter().copied());
            let settings = &self.prepared.host_settings[number];
            again = sooner(again, self.slots[slot].fill(fill, &records, settings, conditions, now.mono));
            self.touch(slot, now.mono);
        }
        self.timers.set(Timer::Host(number), again.map(|after| now.mono + after));
        let before = std::mem::replace(&mut self.hosts[number].stays, stays);
        before != self.hosts[number].stays
    }

    /// Rule 11: the effective addresses of the serving members' hosts, else its own declared ones.
    pub(super) fn judge_follow(&mut self, number: FollowId, now: Now) {
        let setup = &self.prepared.setup.follows[number];
        let addresses = self.followed(number);
        let pool = &self.prepared.setup.pools[setup.pool];
        let failback_due = self.pools[setup.pool].failback_at.map(|at| at.since(now.mono));
        let conditions = Conditions {
            target_in_motion: self.in_motion(pool.targets()),
            last_resort_or_all_down: self.in_need(setup.pool),
            move_due: sooner(failback_due, self.pool_times(setup.pool, now.wall).drain_due),
            records_changed: false,
        };
        let mut again = None;
        for place in 0..self.prepared.follow_slots[number].len() {
            let setup = &self.prepared.setup.follows[number];
            let slot = self.prepared.follow_slots[number][place];
            let fill = &setup.fills[place];
            if let Some(declared) = self.prepared.setup.judged_upstream(fill) {
                self.slots[slot].declare(declared);
                self.touch(slot, now.mono);
                continue;
            }
            let records = rdata::of_addresses(fill.rtype, addresses.iter().copied());
            let settings = &self.prepared.setup.pools[setup.pool].pool.settings;
            again = sooner(again, self.slots[slot].fill(fill, &records, settings, conditions, now.mono));
            self.touch(slot, now.mono);
        }
        self.timers.set(Timer::Follow(number), again.map(|after| now.mono + after));
    }

    /// Each family by itself: the first of the tiers whose hosts have it, else the name's own.
    fn followed(&self, number: FollowId) -> Vec<IpAddr> {
        let setup = &self.prepared.setup.follows[number];
        let pool = &self.prepared.setup.pools[setup.pool];
        let tiers = self.pools[setup.pool].decision.iter().flat_map(|d| policy::followed(&pool.pool, d));
        let tiers = tiers.map(|members| self.staying(setup.pool, &members)).chain([setup.addresses.clone()]);
        let mut families: [Vec<IpAddr>; 2] = Default::default();
        for addresses in tiers {
            for (family, found) in families.iter_mut().enumerate() {
                if found.is_empty() {
                    found.extend(addresses.iter().filter(|address| usize::from(address.is_ipv6()) == family));
                }
            }
        }
        families.concat()
    }

    /// Returns the addresses that stay of the in-zone hosts of some members, each once.
    fn staying(&self, pool: PoolId, members: &[usize]) -> Vec<IpAddr> {
        let mut addresses: Vec<IpAddr> = Vec::new();
        for host in members.iter().filter_map(|member| self.prepared.member_hosts[pool][*member]) {
            let declared = self.prepared.setup.hosts[host].addresses.iter().zip(&self.hosts[host].stays);
            for ((address, _), _) in declared.filter(|(_, stays)| **stays) {
                if !addresses.contains(address) {
                    addresses.push(*address);
                }
            }
        }
        addresses
    }

    fn in_motion<'a>(&self, mut targets: impl Iterator<Item = &'a TargetId>) -> bool {
        targets.any(|id| self.targets[*id].health.state().in_motion())
    }

    fn pool_times(&self, id: PoolId, wall: UnixTime) -> Times {
        if self.orders.is_empty() {
            return Times::default();
        }
        let setup = &self.prepared.setup.pools[id];
        let members = || setup.members.iter().zip(&self.prepared.member_hosts[id]);
        let covers = |scope: &Scope| members().any(|(member, host)| self.is_covered(scope, member, setup, *host));
        self.orders.times(covers, self.prepared.pool_leads[id], wall)
    }

    /// Returns whether something of a member is covered.
    pub(super) fn is_covered(
        &self,
        scope: &Scope,
        member: &MemberSetup,
        pool: &PoolSetup,
        host: Option<HostId>,
    ) -> bool {
        let name = member_name(member, pool);
        let keys = member.targets.iter().map(|id| &self.prepared.setup.targets[*id].key);
        let hosts = host.iter().flat_map(|host| &self.prepared.setup.hosts[*host].addresses);
        keys.map(|key| (Some(key.address), key.port))
            .chain(hosts.map(|(address, _)| (Some(*address), member.port())))
            .chain([(member.address(), member.port())])
            .any(|(address, port)| scope.covers(&name, address, port))
    }

    fn host_times(&self, number: HostId, name: &str, lead: Duration, wall: UnixTime) -> Times {
        let targets = self.prepared.setup.hosts[number].addresses.iter().flat_map(|(_, targets)| targets);
        let keys = targets.map(|id| &self.prepared.setup.targets[*id].key);
        let covers = |scope: &Scope| keys.clone().any(|key| scope.covers(name, Some(key.address), key.port));
        self.orders.times(covers, lead, wall)
    }

    /// Returns the names of the pools that have lost their last eligible member since their verdicts were `before`.
    pub(super) fn services_losing_last(
        &self,
        pools: &[PoolId],
        before: &[Vec<Verdict>],
        wall: UnixTime,
    ) -> Vec<String> {
        let services_losing_last =
            pools.iter().zip(before).filter(|(id, v)| policy::takes_last(v, &self.verdicts(**id, wall)));
        services_losing_last.map(|(id, _)| self.prepared.setup.pools[*id].name.clone()).collect()
    }
}

/// Returns the name by which orders may cover a member.
pub(super) fn member_name(member: &MemberSetup, pool: &PoolSetup) -> String {
    order_name(member.data.host().unwrap_or(&pool.fills[0].owner))
}

/// Returns what is believed of a member without targets.
const fn belief(member: &MemberSetup) -> Belief {
    if member.unprobed {
        Belief::ByDesign
    } else if member.nowhere {
        Belief::Nowhere
    } else {
        Belief::Nothing
    }
}

fn sooner(a: Option<Duration>, b: Option<Duration>) -> Option<Duration> {
    a.into_iter().chain(b).min()
}
