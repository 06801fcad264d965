//! A new setup replaces the old one: health, pool states and serials are carried over, then everything is decided
//! again.

use std::collections::{HashMap, HashSet};
use std::net::IpAddr;
use std::sync::Arc;

use crate::base::clock::Now;
use crate::base::table::Table;
use crate::engine::effect::Notice;
use crate::engine::memory::{self, Restored};
use crate::engine::prepare::Prepared;
use crate::engine::setup::{Setup, TargetKey};
use crate::health::{Settings, TargetId};
use crate::policy::{PoolId, Trigger};
use crate::snapshot::ZoneId;
use crate::zone::{Name, Rtype};

use super::slots::SlotRow;
use super::{Core, Event, HostRow, PoolRow, TargetRow};

impl Core {
    pub(super) fn reload(&mut self, number: u64, prepared: Prepared, now: Now) {
        let before = std::mem::replace(&mut self.prepared, prepared);
        let was = std::mem::replace(&mut self.number, number);
        self.notify(Notice::Reloaded, now);
        self.timers.retain(|timer| !timer.is_of_setup());
        let early = self.arrivals.moved(was, places(&before.setup, &self.prepared.setup));
        self.stragglers.0.clear();
        let (changed, new) = self.carry_targets(&before.setup, now);
        self.carry_pools(&before.setup);
        self.carry_slots(&before);
        let setup = &self.prepared.setup;
        self.hosts = setup.hosts.iter().map(|(_, host)| HostRow { stays: vec![true; host.addresses.len()] }).collect();
        self.serials.reload(&setup.zones);
        // Where only targets changed, the slots and what is served stay as they are.
        if !Arc::ptr_eq(&before.image, &self.prepared.image) {
            self.publication.note_reload(good_zones(&before.setup), now.mono);
        }
        self.push_store.expect(&setup.posts, now.mono);
        let resumed = self.carry_witnesses();
        self.wait_for_unknown();
        self.judge_all(Trigger::Reload, now);
        self.probe_after_reload(&changed, &new, now);
        if resumed {
            self.resume(now);
        }
        for report in early {
            self.handle(Event::Report(report), now);
        }
        self.settle();
    }

    /// Carries beliefs over; returns the targets whose check changed, and the new ones.
    fn carry_targets(&mut self, before: &Setup, now: Now) -> (Vec<TargetId>, Vec<TargetId>) {
        let mut exact: HashMap<&TargetKey, TargetId> = HashMap::new();
        let mut alike: HashMap<_, TargetId> = HashMap::new();
        for (id, target) in before.targets.iter().filter(|(_, target)| target.is_probed()) {
            exact.entry(&target.key).or_insert(id);
            alike.entry(likeness(&target.key)).or_insert(id);
        }
        let (mut changed, mut new) = (Vec::new(), Vec::new());
        let mut rows: Table<TargetId, TargetRow> = Table::new();
        for (id, target) in self.prepared.setup.targets.iter() {
            let mut row = TargetRow::new(target, &Restored::default(), now);
            let same = exact.get(&target.key);
            match same.or_else(|| alike.get(&likeness(&target.key))).filter(|_| target.is_probed()) {
                Some(&former) => {
                    let old = &self.targets[former];
                    (row.health, row.due, row.woken) = (old.health.clone(), old.due, old.woken);
                    (row.last, row.run, row.unknowns) = (old.last.clone(), old.run, old.unknowns);
                    row.noted = old.noted.clone().filter(|_| same.is_some());
                    let counts = |settings: &Settings| (settings.fall, settings.rise);
                    if same.is_none() || counts(&before.targets[former].settings) != counts(&target.settings) {
                        row.health.reset_counters(now.mono);
                        changed.push(id);
                    }
                }
                None => new.push(id),
            }
            rows.push(row);
        }
        self.targets = rows;
        self.awaiting = self.targets.iter().filter(|(_, row)| row.health.awaits_witness()).map(|(id, _)| id).collect();
        self.keep_beliefs(before, &changed, now);
        (changed, new)
    }

    /// Forgets on disk the targets that are gone, and keeps those that have a new key.
    fn keep_beliefs(&mut self, before: &Setup, changed: &[TargetId], now: Now) {
        let targets = || self.prepared.setup.targets.iter().filter(|(_, target)| target.is_probed());
        let kept: HashSet<&TargetKey> = targets().map(|(_, target)| &target.key).collect();
        let former = before.targets.iter().map(|(_, target)| &target.key);
        let gone = former.filter(|key| !kept.contains(key)).map(ToString::to_string);
        let gone: Vec<String> =
            gone.flat_map(|target| [memory::health_key(&target), memory::untested_key(&target)]).collect();
        let beliefs = changed.iter().map(|id| (&self.prepared.setup.targets[*id].key, &self.targets[*id].health));
        let beliefs: Vec<_> = beliefs.map(|(key, health)| memory::keep_health(&key.to_string(), health, now)).collect();
        gone.into_iter().map(|key| (key, None)).chain(beliefs).for_each(|change| self.persist(change));
    }

    /// Memory stays with the service, also where two become a pair or a pair is parted.
    fn carry_pools(&mut self, before: &Setup) {
        let halves = before.pools.iter().flat_map(|(id, pool)| pool.name.split('+').map(move |half| (half, id)));
        let halves: HashMap<&str, PoolId> = halves.collect();
        let rows = self.prepared.setup.pools.iter().map(|(_, pool)| {
            let Some(&was) = pool.name.split('+').find_map(|half| halves.get(half)) else { return PoolRow::default() };
            let (old, row) = (&before.pools[was], &self.pools[was]);
            let place = |member: usize| {
                let declared = old.pool.members.get(member)?;
                pool.find(&old.members.get(member)?.label, declared.half, declared.priority)
            };
            let memory = row.memory.clone().carried(&old.pool, &pool.pool, place);
            // Of the same members the last decision tells whether anything changes: nothing is told twice.
            let is_same = old.members.iter().map(|member| &member.label).eq(pool.members.iter().map(|m| &m.label));
            let decision = row.decision.clone().filter(|_| is_same && old.pool.members == pool.pool.members);
            PoolRow {
                memory,
                decision,
                failback_ordered: row.failback_ordered,
                changed: row.changed,
                tier_changes: row.tier_changes,
                ..PoolRow::default()
            }
        });
        self.pools = rows.collect();
    }

    /// The values and the memory of TTLs stay with the sets.
    fn carry_slots(&mut self, before: &Prepared) {
        let key = |prepared: &Prepared, slot| -> (Name, Rtype) {
            let key = &prepared.slots[slot];
            (key.owner.clone(), key.rtype)
        };
        let origin = |prepared: &Prepared, slot| prepared.setup.zones[prepared.slots[slot].zone].origin.clone();
        let former: HashMap<(Name, Rtype), _> = before.slots.ids().map(|slot| (key(before, slot), slot)).collect();
        let rows = self.prepared.slots.ids().map(|slot| {
            let was = former.get(&key(&self.prepared, slot));
            let was = was.filter(|was| origin(before, **was) == origin(&self.prepared, slot));
            was.map_or_else(SlotRow::default, |was| self.slots[*was].clone())
        });
        self.slots = rows.collect();
    }

    /// Who was heard and whether the checker is cut off stays known; returns whether it no longer is, as nobody can
    /// testify any more.
    fn carry_witnesses(&mut self) -> bool {
        let was_isolated = self.witnesses.is_isolated();
        self.witnesses.replace(&self.prepared.named_witnesses(), self.prepared.witnesses());
        was_isolated && !self.witnesses.is_isolated()
    }
}

/// Finds where each target of one setup is in the next: the same in address, port, check and parameters.
fn places(before: &Setup, after: &Setup) -> Table<TargetId, Option<TargetId>> {
    let mut by_key: HashMap<&TargetKey, TargetId> = HashMap::new();
    for (id, target) in after.targets.iter() {
        by_key.entry(&target.key).or_insert(id);
    }
    before.targets.iter().map(|(_, target)| by_key.get(&target.key).copied()).collect()
}

/// What keeps a target's health over a reload.
fn likeness(key: &TargetKey) -> (IpAddr, u16, &'static str, &'static str) {
    (key.address, key.port, key.transport, key.kind)
}

fn good_zones(setup: &Setup) -> HashMap<Name, ZoneId> {
    let good = setup.zones.iter().filter(|(_, zone)| zone.zone.is_some());
    good.map(|(id, zone)| (zone.origin.clone(), id)).collect()
}
