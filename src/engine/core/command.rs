//! The operator's orders, as applied by the core.

use std::collections::BTreeSet;

use crate::base::clock::Now;
use crate::engine::effect::{Effect, Notice};
use crate::engine::memory;
use crate::engine::orders::{OrderId, Refusal};
use crate::engine::prepare::Users;
use crate::health::cadence::Priority;
use crate::health::orders::{Order, Scope};
use crate::health::push::{PushRefusal, PushReport};
use crate::health::{NamedPost, TargetId, Verdict};
use crate::policy::Trigger;

use super::Core;
use super::judge::member_name;
use super::timers::Timer;

impl Core {
    /// Takes an order.
    ///
    /// # Errors
    /// [`Refusal::TooLong`] and [`Refusal::TooMany`];
    /// [`Refusal::TakesLast`] if it takes the last eligible member of a service and `last` is not set; nothing has
    /// changed then.
    pub fn give(&mut self, order: Order, last: bool, now: Now) -> Result<OrderId, Refusal> {
        self.orders.check(&order)?;
        let scope = order.scope.clone();
        let pools = self.prepared.covered(&scope).pools;
        let before: Vec<Vec<Verdict>> = pools.iter().map(|pool| self.verdicts(*pool, now.wall)).collect();
        let id = self.orders.add(order);
        let services_losing_last = self.services_losing_last(&pools, &before, now.wall);
        if !services_losing_last.is_empty() && !last {
            self.orders.retract(id);
            return Err(Refusal::TakesLast(services_losing_last));
        }
        if let Some(order) = self.orders.get(id).cloned() {
            self.persist(memory::keep_order(id, &order));
            self.notify(Notice::Ordered(id, order), now);
        }
        self.judge_covered(&scope, now);
        self.end_orders(now);
        Ok(id)
    }

    /// Takes an order back; tells whether there was one.
    pub fn clear(&mut self, id: OrderId, now: Now) -> bool {
        let Some(order) = self.orders.remove(id) else { return false };
        self.persist((memory::order_key(id), None));
        self.notify(Notice::Cleared(id, order.clone()), now);
        self.judge_covered(&order.scope, now);
        self.end_orders(now);
        true
    }

    /// Orders a failback: valid once, it skips the hold and, with `failback = "manual"`, is the word that is waited for.
    ///
    /// # Errors
    /// [`Refusal::NoSuchService`].
    pub fn fail_back(&mut self, pool: &str, now: Now) -> Result<(), Refusal> {
        let found = self.prepared.setup.pools.iter().find(|(_, setup)| setup.is_named(pool)).map(|(id, _)| id);
        let id = found.ok_or_else(|| Refusal::NoSuchService(pool.to_owned()))?;
        self.pools[id].failback_ordered = true;
        self.persist(memory::keep_failback(&self.prepared.setup.pools[id].name));
        self.notify(Notice::FailbackOrdered(self.prepared.setup.pools[id].name.clone()), now);
        self.judge(Users { pools: vec![id], hosts: Vec::new() }, Trigger::Order, now);
        Ok(())
    }

    /// Takes a state that was posted from outside; the checks that read it are carried out at once.
    ///
    /// # Errors
    /// [`PushRefusal`]; nothing has changed then.
    pub fn post(&mut self, name: &str, post: PushReport, now: Now) -> Result<(), PushRefusal> {
        self.push_store.post(name, post.clone(), now.mono)?;
        self.effects.push_back(Effect::Post(NamedPost { name: name.to_owned(), post }));
        Ok(())
    }

    /// Has all targets of a scope probed at once; returns their names.
    ///
    /// # Errors
    /// [`Refusal::NoSuchTarget`] if none of them may be probed.
    pub fn probe_now(&mut self, scope: &Scope, now: Now) -> Result<Vec<String>, Refusal> {
        let setup = &self.prepared.setup;
        let users = self.prepared.covered(scope);
        let mut targets: BTreeSet<TargetId> = BTreeSet::new();
        let covers = |name: &str, id: TargetId| {
            let target = &setup.targets[id];
            let key = &target.key;
            target.is_probed() && scope.covers(name, Some(key.address), key.port)
        };
        for pool in users.pools.iter().map(|pool| &setup.pools[*pool]) {
            for member in &pool.members {
                let name = member_name(member, pool);
                targets.extend(member.targets.iter().copied().filter(|id| covers(&name, *id)));
            }
        }
        if let Scope::Address(address, _) = scope {
            targets.extend(self.prepared.targets_at(*address).into_iter().filter(|id| covers("", *id)));
        }
        if targets.is_empty() {
            return Err(Refusal::NoSuchTarget(scope.clone()));
        }
        let names = targets.iter().map(|id| setup.targets[*id].key.to_string()).collect();
        for id in targets {
            self.probe(id, now.mono, Priority::Urgent);
        }
        Ok(names)
    }

    /// Walks over the orders that are not over, those for something gone included.
    pub fn orders(&self) -> impl Iterator<Item = (OrderId, &Order)> {
        self.orders.iter()
    }

    /// Returns whether an order covers nothing that there is.
    pub fn is_idle(&self, order: &Order) -> bool {
        let users = self.prepared.covered(&order.scope);
        users.pools.is_empty() && users.hosts.is_empty()
    }

    /// Forgets the orders that are over, and sets the timer for the next.
    pub(super) fn end_orders(&mut self, now: Now) {
        for (id, order) in self.orders.end(now.wall) {
            self.persist((memory::order_key(id), None));
            self.notify(Notice::Ended(id, order.clone()), now);
            self.judge_covered(&order.scope, now);
        }
        let end = self.orders.next_end(now.wall);
        self.timers.set(Timer::Orders, end.map(|after| now.mono + after));
    }

    fn judge_covered(&mut self, scope: &Scope, now: Now) {
        let users = self.prepared.covered(scope);
        self.judge(users, Trigger::Order, now);
    }
}
