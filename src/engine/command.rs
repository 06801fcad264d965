//! The operator's orders, as the core takes them.

use crate::base::clock::Now;
use crate::health::orders::Order;
use crate::policy::{Trigger, takes_last};

use super::core::Core;
use super::effect::Effect;
use super::memory;
use super::orders::{OrderId, Refusal};

impl Core {
    /// Takes an order; it counts once its effects are on disk.
    ///
    /// # Errors
    /// [`Refusal::TakesLast`] if it takes the last eligible member of a service and `last` is not set; nothing has
    /// changed then.
    pub fn give(&mut self, order: Order, last: bool, now: Now) -> Result<OrderId, Refusal> {
        let before: Vec<_> = self.pools.ids().map(|pool| self.verdicts(pool, now.wall)).collect();
        let id = self.orders.next_id();
        self.orders.insert(id, order.clone());
        let lost = self.pools.ids().zip(&before).filter(|(pool, v)| takes_last(v, &self.verdicts(*pool, now.wall)));
        let lost: Vec<String> = lost.map(|(pool, _)| self.prepared.setup.pools[pool].name.clone()).collect();
        if !lost.is_empty() && !last {
            self.orders.remove(id);
            return Err(Refusal::TakesLast(lost));
        }
        let (key, value) = memory::keep_order(id, &order);
        self.effects.push_back(Effect::Persist { key, value });
        self.orders_changed(now);
        Ok(id)
    }

    /// Takes an order back; tells whether there was one.
    pub fn clear(&mut self, id: OrderId, now: Now) -> bool {
        let was = self.orders.remove(id).is_some();
        if was {
            self.effects.push_back(Effect::Persist { key: memory::order_key(id), value: None });
            self.orders_changed(now);
        }
        was
    }

    /// Orders a failback: valid once, it skips the hold and, with `failback = "manual"`, is the word that is waited for.
    ///
    /// # Errors
    /// [`Refusal::NoSuchService`].
    pub fn fail_back(&mut self, pool: &str, now: Now) -> Result<(), Refusal> {
        let found = self.prepared.setup.pools.iter().find(|(_, setup)| setup.is_named(pool)).map(|(id, _)| id);
        let id = found.ok_or_else(|| Refusal::NoSuchService(pool.to_owned()))?;
        self.pools[id].failback_ordered = true;
        let key = memory::failback_key(&self.prepared.setup.pools[id].name);
        self.effects.push_back(Effect::Persist { key, value: Some(b"true".to_vec()) });
        self.judge_pool(id, Trigger::Order, now);
        Ok(())
    }
}
