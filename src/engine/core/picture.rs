//! What a run believes and remembers at one moment, in the form in which it is kept: another core can go on from it.

use std::collections::BTreeMap;

use crate::base::clock::Now;
use crate::engine::memory::{self, Change};

use super::Core;

impl Core {
    /// Pictures beliefs, memories and orders, under the keys of the store; read by
    /// [`Restored`](crate::engine::memory::Restored).
    pub fn picture(&self, now: Now) -> BTreeMap<String, Vec<u8>> {
        let setup = &self.prepared.setup;
        let beliefs = setup
            .targets
            .iter()
            .filter(|(_, target)| target.is_probed())
            .map(|(id, target)| memory::keep_health(&target.key.to_string(), &self.targets[id].health, now));
        let memories = setup.pools.iter().map(|(id, pool)| {
            let row = &self.pools[id];
            memory::keep_memory(pool, &row.memory, row.unsettled_until, now)
        });
        let ordered = setup.pools.iter().filter(|(id, _)| self.pools[*id].failback_ordered);
        let failbacks = ordered.map(|(_, pool)| memory::keep_failback(&pool.name));
        let orders = self.orders.iter().map(|(id, order)| memory::keep_order(id, order));
        let ago = |since| now.wall.as_millis().saturating_sub(memory::millis(now.mono.since(since)));
        let isolated = self.witnesses.isolated_since().map(|since| memory::keep_isolated_since(ago(since)));
        let all = beliefs.chain(memories).chain(failbacks).chain(orders).chain(isolated);
        let written = |(key, value): Change| Some((key, value?.into_octets()));
        all.chain([memory::keep_alive(now)]).filter_map(written).collect()
    }
}
