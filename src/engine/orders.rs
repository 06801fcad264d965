//! The orders in force, and what they cover.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::Duration;

use crate::base::clock::UnixTime;
use crate::health::orders::{Force, Order};

/// Numbers an order for good.
pub type OrderId = u64;

/// Why an order was not taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// It takes the last eligible member of these services.
    #[error("it takes the last eligible member of {}; --last does it all the same", .0.join(", "))]
    TakesLast(Vec<String>),
    /// There is no such pool.
    #[error("there is no service {0}")]
    NoSuchService(String),
}

/// All orders that have not ended.
#[derive(Clone, Debug, Default)]
pub(super) struct OrderBook {
    orders: BTreeMap<OrderId, Order>,
}

impl OrderBook {
    pub(super) fn insert(&mut self, id: OrderId, order: Order) {
        self.orders.insert(id, order);
    }

    pub(super) fn remove(&mut self, id: OrderId) -> Option<Order> {
        self.orders.remove(&id)
    }

    pub(super) fn next_id(&self) -> OrderId {
        self.orders.last_key_value().map_or(1, |(id, _)| id + 1)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.orders.is_empty()
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (OrderId, &Order)> {
        self.orders.iter().map(|(id, order)| (*id, order))
    }

    /// Returns the strongest order over a target at `wall`; a scheduled drain counts from `lead` before its time, so
    /// that the last cached answer has expired when it comes.
    pub(super) fn force(
        &self,
        host: &str,
        address: Option<IpAddr>,
        port: u16,
        lead: Duration,
        wall: UnixTime,
    ) -> Option<Force> {
        let active = self.orders.values().filter(|order| order.is_active(judged_at(order, lead, wall)));
        let covering = active.filter(|order| !order.is_over(wall) && order.scope.covers(host, address, port));
        covering.map(|order| order.force).min()
    }

    /// Returns how long until a scheduled drain over a target takes it out of the answer.
    pub(super) fn drain_due(
        &self,
        host: &str,
        address: Option<IpAddr>,
        port: u16,
        lead: Duration,
        wall: UnixTime,
    ) -> Option<Duration> {
        let drains = self.orders.values().filter(|order| order.force == Force::Drained && !order.is_over(wall));
        let covering = drains.filter(|order| order.scope.covers(host, address, port));
        let begins = covering.filter_map(|order| order.from);
        begins.map(|from| from.since(wall + lead)).filter(|due| !due.is_zero()).min()
    }

    /// Returns how long until an order begins or ends, at the latest `lead` before it does.
    pub(super) fn next_change(&self, lead: Duration, wall: UnixTime) -> Option<Duration> {
        let begins = self.orders.values().filter_map(|order| order.from).map(|from| from.since(wall + lead));
        let again = self.orders.values().filter_map(|order| order.from).map(|from| from.since(wall));
        let ends = self.orders.values().filter_map(|order| order.until).map(|until| until.since(wall));
        begins.chain(again).chain(ends).filter(|due| !due.is_zero()).min()
    }

    /// Removes and returns the orders that have ended.
    pub(super) fn end(&mut self, wall: UnixTime) -> Vec<(OrderId, Order)> {
        let over: Vec<OrderId> = self.iter().filter(|(_, order)| order.is_over(wall)).map(|(id, _)| id).collect();
        over.into_iter().filter_map(|id| Some((id, self.orders.remove(&id)?))).collect()
    }
}

fn judged_at(order: &Order, lead: Duration, wall: UnixTime) -> UnixTime {
    if order.force == Force::Drained { wall + lead } else { wall }
}
