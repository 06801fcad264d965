//! A new setup takes the place of the old one: beliefs, memory and serials are carried over, then all is judged anew.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use crate::base::clock::Now;
use crate::base::table::{RowId, Table};
use crate::health::TargetId;
use crate::policy::Trigger;
use crate::snapshot::ZoneId;
use crate::zone::{Name, Rtype, Zone};

use super::core::{Core, FollowRow, HostRow, PoolRow, TargetRow, Timer, ZoneRow};
use super::effect::Effect;
use super::judge::FillRow;
use super::memory::{self, Restored};
use super::prepare::Prepared;
use super::serials::Serials;
use super::setup::TargetKey;

/// The window over which targets are probed anew after a reload.
const RELOAD_SPREAD: Duration = Duration::from_secs(1);

impl Core {
    pub(super) fn reload(&mut self, number: u64, prepared: Prepared, now: Now) {
        let before = std::mem::replace(&mut self.prepared, prepared);
        self.number = number;
        self.timers.retain(|(_, timer)| *timer == Timer::Alive);
        self.dirty.clear();
        let fresh = self.carry_targets(&before, now);
        self.carry_pools(&before);
        self.carry_addresses(&before);
        self.meet_targets(&Restored::default(), now);
        self.forget_settled();
        let snapshot = std::sync::Arc::clone(&self.snapshot);
        self.want_fresh(now);
        self.judge_all(Trigger::Reload, now);
        self.carry_zones(&before, &snapshot);
        self.arm_orders(now);
        self.probe_after_reload(&fresh, now);
        self.settle();
    }

    /// Carries beliefs over; returns the targets that are new or changed, to be probed at once.
    fn carry_targets(&mut self, before: &Prepared, now: Now) -> Vec<TargetId> {
        let mut exact: HashMap<&TargetKey, TargetId> = HashMap::new();
        let mut alike: HashMap<(_, _, _, _), TargetId> = HashMap::new();
        for (id, target) in before.setup.targets.iter() {
            exact.entry(&target.key).or_insert(id);
            alike.entry(likeness(&target.key)).or_insert(id);
        }
        let mut fresh = Vec::new();
        let mut rows = Table::new();
        for (id, target) in self.prepared.setup.targets.iter() {
            let mut row = TargetRow::new(&target.key, &Restored::default(), now);
            let same = exact.get(&target.key).copied();
            let former = same.or_else(|| alike.get(&likeness(&target.key)).copied());
            if let Some(former) = former {
                row.health = self.targets[former].health.clone();
                row.last.clone_from(&self.targets[former].last);
                if same.is_none() || before.setup.targets[former].settings != target.settings {
                    row.health.reset_counters(now.mono);
                    fresh.push(id);
                }
            } else {
                fresh.push(id);
            }
            rows.push(row);
        }
        let kept: HashSet<&TargetKey> = self.prepared.setup.targets.iter().map(|(_, target)| &target.key).collect();
        let gone = exact.into_keys().filter(|key| !kept.contains(key));
        let mut gone: Vec<String> = gone.map(memory::health_key).collect();
        gone.sort_unstable();
        self.effects.extend(gone.into_iter().map(|key| Effect::Persist { key, value: None }));
        for &id in &fresh {
            let (key, value) = memory::keep_health(&self.prepared.setup.targets[id].key, &rows[id].health, now);
            self.effects.push_back(Effect::Persist { key, value });
        }
        self.targets = rows;
        fresh
    }

    fn carry_pools(&mut self, before: &Prepared) {
        let former: HashMap<&str, _> = before.setup.pools.iter().map(|(id, pool)| (pool.name.as_str(), id)).collect();
        let mut rows = Table::new();
        for (id, pool) in self.prepared.setup.pools.iter() {
            let mut fills: Vec<FillRow> = self.prepared.pool_slots[id].iter().map(|slot| FillRow::new(*slot)).collect();
            let Some(&was) = former.get(pool.name.as_str()) else {
                rows.push(PoolRow::new(fills));
                continue;
            };
            let (old, row) = (&before.setup.pools[was], &self.pools[was]);
            let place = |member: usize| {
                let label = &old.members.get(member)?.label;
                let half = old.pool.members.get(member)?.half;
                let mut members = pool.members.iter().zip(&pool.pool.members);
                members.position(|(row, m)| row.label == *label && m.half == half)
            };
            for (fill, former) in fills.iter_mut().zip(&row.fills) {
                fill.succeed(former);
            }
            let memory = row.memory.clone().carried(place);
            let (failback_ordered, changed) = (row.failback_ordered, row.changed);
            rows.push(PoolRow { memory, failback_ordered, changed, ..PoolRow::new(fills) });
        }
        self.pools = rows;
    }

    fn carry_addresses(&mut self, before: &Prepared) {
        let key = |fills: &[super::setup::Fill]| fills.first().map(|fill| fill.owner.clone());
        let old_hosts: HashMap<Name, usize> =
            before.setup.hosts.iter().enumerate().filter_map(|(n, host)| Some((key(&host.fills)?, n))).collect();
        let old_follows: HashMap<Name, usize> =
            before.setup.follows.iter().enumerate().filter_map(|(n, row)| Some((key(&row.fills)?, n))).collect();
        let mut hosts: Vec<HostRow> =
            (0..self.prepared.setup.hosts.len()).map(|number| HostRow::new(&self.prepared, number)).collect();
        for (setup, row) in self.prepared.setup.hosts.iter().zip(&mut hosts) {
            if let Some(was) = key(&setup.fills).and_then(|name| old_hosts.get(&name)) {
                succeed(&setup.fills, &mut row.fills, &before.setup.hosts[*was].fills, &self.hosts[*was].fills);
            }
        }
        let mut follows: Vec<FollowRow> =
            (0..self.prepared.setup.follows.len()).map(|number| FollowRow::new(&self.prepared, number)).collect();
        for (setup, row) in self.prepared.setup.follows.iter().zip(&mut follows) {
            if let Some(was) = key(&setup.fills).and_then(|name| old_follows.get(&name)) {
                succeed(&setup.fills, &mut row.fills, &before.setup.follows[*was].fills, &self.follows[*was].fills);
            }
        }
        self.hosts = hosts;
        self.follows = follows;
    }

    /// Carries serials over; one whose zone serves other data than before moves on.
    fn carry_zones(&mut self, before: &Prepared, snapshot: &crate::snapshot::Snapshot) {
        let former: HashMap<&Name, ZoneId> = before.setup.zones.iter().map(|(id, zone)| (&zone.origin, id)).collect();
        let old: Vec<Option<Serials>> = self.zones.iter().map(|(_, row)| row.as_ref().map(|row| row.serials)).collect();
        // A row for each zone of the new setup: there may be more or fewer than before.
        let begin = |declared: &Zone| ZoneRow { serials: Serials::begin(declared.serial(), None) };
        let zones = self.prepared.setup.zones.iter();
        self.zones = zones.map(|(_, zone)| zone.zone.as_deref().map(begin)).collect();
        let (fresh, _) = self.whole_snapshot(0);
        let mut rows = Table::new();
        for (id, zone) in self.prepared.setup.zones.iter() {
            rows.push(zone.zone.as_ref().map(|declared| {
                let was = former.get(&zone.origin).and_then(|was| Some((*was, old[was.index()]?)));
                let Some((was, mut serials)) = was else {
                    return ZoneRow { serials: Serials::begin(declared.serial(), None) };
                };
                let changed = !same_data(snapshot, was, &fresh, id, declared);
                serials.declare(declared.serial(), changed);
                ZoneRow { serials }
            }));
        }
        self.zones = rows;
    }

    fn probe_after_reload(&mut self, fresh: &[TargetId], now: Now) {
        self.probe_all(RELOAD_SPREAD, now);
        for &target in fresh {
            self.effects.push_back(Effect::Probe { setup: self.number, target, at: now.mono });
        }
    }
}

fn likeness(key: &TargetKey) -> (std::net::IpAddr, u16, &'static str, &'static str) {
    (key.address, key.port, key.transport, key.kind)
}

/// Hands the memory of fills over to those of the same type.
fn succeed(setup: &[super::setup::Fill], rows: &mut [FillRow], old_setup: &[super::setup::Fill], old_rows: &[FillRow]) {
    for (fill, row) in setup.iter().zip(rows) {
        let mut former = old_setup.iter().zip(old_rows);
        if let Some((_, former)) = former.find(|(old, _)| old.rtype == fill.rtype) {
            row.succeed(former);
        }
    }
}

/// Returns whether a zone serves the same as before, the SOA's serial left out.
fn same_data(
    old: &crate::snapshot::Snapshot,
    was: ZoneId,
    new: &crate::snapshot::Snapshot,
    is: ZoneId,
    declared: &Zone,
) -> bool {
    let blank = |set: &std::sync::Arc<crate::zone::Rrset>| {
        if set.rtype() == Rtype::SOA {
            crate::zone::serial::with_serial(set, declared.serial())
        } else {
            (**set).clone()
        }
    };
    let (mut a, mut b) = (old.records(was), new.records(is));
    loop {
        match (a.next(), b.next()) {
            (None, None) => return true,
            (Some((owner_a, set_a)), Some((owner_b, set_b))) => {
                let same = owner_a.wire() == owner_b.wire()
                    && (std::sync::Arc::ptr_eq(set_a, set_b) || blank(set_a) == blank(set_b));
                if !same {
                    return false;
                }
            }
            (Some(_), None) | (None, Some(_)) => return false,
        }
    }
}
