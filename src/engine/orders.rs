//! The orders in force, and what they apply to.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::Duration;

use crate::base::clock::UnixTime;
use crate::health::orders::{Force, Order, Scope};
use crate::health::push::PushRefusal;

/// Numbers an order for good.
pub type OrderId = u64;

/// Why an order was not taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// It takes the last eligible member of these services.
    #[error("it takes the last eligible member of {}; --last does it all the same", without_dots(.0))]
    TakesLast(Vec<String>),
    /// There is no such pool.
    #[error("there is no service {0}")]
    NoSuchService(String),
    /// There is no such order.
    #[error("there is no order {0}")]
    NoSuchOrder(OrderId),
    /// No target that may be probed is covered.
    #[error("no target that may be probed is on {0}")]
    NoSuchTarget(Scope),
    /// The state that was posted is not taken.
    #[error(transparent)]
    Post(#[from] PushRefusal),
    /// A text of an order is too long.
    #[error("its {what} is longer than {max} octets")]
    TooLong {
        /// Which text.
        what: &'static str,
        /// How long it may be.
        max: usize,
    },
    /// Too many orders are in force or scheduled.
    #[error("there are {MAX_ORDERS} orders already: clear some first")]
    TooMany,
}

fn without_dots(services: &[String]) -> String {
    services.iter().map(|service| service.trim_end_matches('.')).collect::<Vec<_>>().join(", ")
}

/// All orders that have not ended.
#[derive(Clone, Debug, Default)]
pub(super) struct OrderBook {
    orders: BTreeMap<OrderId, Order>,
    last: OrderId,
}

/// What time does to the orders over something.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Times {
    /// How long until a scheduled drain takes it out of the answer.
    pub(super) drain_due: Option<Duration>,
    /// How long until an order begins or ends.
    pub(super) change: Option<Duration>,
}

impl OrderBook {
    /// Begins with what a former run left.
    pub(super) fn new(orders: BTreeMap<OrderId, Order>) -> Self {
        let last = orders.last_key_value().map_or(0, |(id, _)| *id);
        Self { orders, last }
    }

    /// Returns why an order cannot be added, if it cannot.
    ///
    /// # Errors
    /// [`Refusal::TooLong`] and [`Refusal::TooMany`].
    pub(super) fn check(&self, order: &Order) -> Result<(), Refusal> {
        let scope = match &order.scope {
            Scope::Host(name, _) => name.len(),
            Scope::Address(..) => 0,
        };
        let texts = [("host", scope, MAX_HOST), ("reason", order.reason.len(), MAX_TEXT)];
        for (what, length, max) in texts.into_iter().chain([("author", order.author.len(), MAX_TEXT)]) {
            if length > max {
                return Err(Refusal::TooLong { what, max });
            }
        }
        if self.orders.len() >= MAX_ORDERS { Err(Refusal::TooMany) } else { Ok(()) }
    }

    /// Adds an order under a number that no other order of this run has or had.
    pub(super) fn add(&mut self, order: Order) -> OrderId {
        self.last += 1;
        self.orders.insert(self.last, order);
        self.last
    }

    /// Takes back what was added last and never told: its number is free again.
    pub(super) fn retract(&mut self, id: OrderId) {
        self.orders.remove(&id);
        self.last = id - 1;
    }

    pub(super) fn remove(&mut self, id: OrderId) -> Option<Order> {
        self.orders.remove(&id)
    }

    pub(super) fn get(&self, id: OrderId) -> Option<&Order> {
        self.orders.get(&id)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.orders.is_empty()
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (OrderId, &Order)> {
        self.orders.iter().map(|(id, order)| (*id, order))
    }

    /// Returns the strongest order in force over a target. A drain is in force from `lead` before its time, so that the
    /// last cached answer has expired when it comes.
    pub(super) fn force(
        &self,
        host: &str,
        address: Option<IpAddr>,
        port: u16,
        lead: Duration,
        wall: UnixTime,
    ) -> Option<Force> {
        let covering = self.orders.values().filter(|order| order.scope.covers(host, address, port));
        covering.filter(|order| !order.is_over(wall) && begins_in(order, lead, wall).is_none()).map(|o| o.force).min()
    }

    /// Returns what time does to the orders whose scope is `covered`.
    pub(super) fn times(&self, covered: impl Fn(&Scope) -> bool, lead: Duration, wall: UnixTime) -> Times {
        let mut times = Times::default();
        for order in self.orders.values().filter(|order| !order.is_over(wall) && covered(&order.scope)) {
            let begins = begins_in(order, lead, wall);
            let ends = order.until.map(|until| until.since(wall));
            times.change = times.change.into_iter().chain(begins).chain(ends).min();
            if order.force == Force::Drained {
                times.drain_due = times.drain_due.into_iter().chain(begins).min();
            }
        }
        times
    }

    /// Returns how long until the first order is over.
    pub(super) fn next_end(&self, wall: UnixTime) -> Option<Duration> {
        self.orders.values().filter_map(|order| order.until).map(|until| until.since(wall)).min()
    }

    /// Removes and returns the orders that are over.
    pub(super) fn end(&mut self, wall: UnixTime) -> Vec<(OrderId, Order)> {
        let over: Vec<OrderId> = self.iter().filter(|(_, order)| order.is_over(wall)).map(|(id, _)| id).collect();
        over.into_iter().filter_map(|id| Some((id, self.orders.remove(&id)?))).collect()
    }
}

/// How many orders there may be at once.
const MAX_ORDERS: usize = 1_000;
/// The longest text of an order, in octets.
const MAX_TEXT: usize = 1_000;
/// The longest name of a host as text, in octets: 255 octets of a name, each escaped as `\DDD`.
const MAX_HOST: usize = 1_020;

/// Returns how long until an order begins to count; nothing if it has begun.
fn begins_in(order: &Order, lead: Duration, wall: UnixTime) -> Option<Duration> {
    let lead = if order.force == Force::Drained { lead } else { Duration::ZERO };
    order.from.map(|from| from.since(wall + lead)).filter(|due| !due.is_zero())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn order(force: Force, scope: &str, from: Option<u64>, until: Option<u64>) -> Order {
        let (from, until) = (from.map(UnixTime::from_secs), until.map(UnixTime::from_secs));
        Order { force, scope: Scope::parse(scope).unwrap(), from, until, reason: String::new(), author: String::new() }
    }

    fn book(orders: &[Order]) -> OrderBook {
        let mut book = OrderBook::default();
        for order in orders {
            book.add(order.clone());
        }
        book
    }

    const LEAD: Duration = Duration::from_secs(5);

    #[test]
    fn a_drain_counts_from_the_lead_before_its_time_and_to_its_very_end() {
        let book = book(&[order(Force::Drained, "a", Some(100), Some(200))]);
        let force = |secs| book.force("a", None, 1, LEAD, UnixTime::from_secs(secs));
        assert_eq!([94, 95, 199, 200].map(force), [None, Some(Force::Drained), Some(Force::Drained), None]);
        let times = |secs| book.times(|_| true, LEAD, UnixTime::from_secs(secs));
        let secs = Duration::from_secs;
        assert_eq!(times(90), Times { drain_due: Some(secs(5)), change: Some(secs(5)) });
        assert_eq!(times(95), Times { drain_due: None, change: Some(secs(105)) });
        assert_eq!(times(200), Times::default());
    }

    #[test]
    fn down_and_up_count_from_their_own_time() {
        let book = book(&[order(Force::Down, "a", Some(100), None)]);
        assert_eq!(book.force("a", None, 1, LEAD, UnixTime::from_secs(99)), None);
        assert_eq!(book.force("a", None, 1, LEAD, UnixTime::from_secs(100)), Some(Force::Down));
        assert_eq!(book.times(|_| true, LEAD, UnixTime::from_secs(90)).drain_due, None);
    }

    #[test]
    fn of_several_orders_over_a_target_down_counts_before_drained_before_up() {
        let book = book(&[
            order(Force::Up, "a", None, None),
            order(Force::Drained, "a:5060", None, None),
            order(Force::Down, "127.0.0.1", None, None),
        ]);
        let force = |address: Option<IpAddr>, port| book.force("a", address, port, LEAD, UnixTime::default());
        assert_eq!(force(Some([127, 0, 0, 1].into()), 5060), Some(Force::Down));
        assert_eq!(force(Some([127, 0, 0, 2].into()), 5060), Some(Force::Drained));
        assert_eq!(force(None, 5061), Some(Force::Up));
    }

    #[test]
    fn numbers_are_not_used_again() {
        let mut book = book(&[order(Force::Up, "a", None, Some(10))]);
        assert_eq!(book.next_end(UnixTime::from_secs(4)), Some(Duration::from_secs(6)));
        assert_eq!(book.end(UnixTime::from_secs(10)).len(), 1);
        assert_eq!(book.add(order(Force::Up, "a", None, None)), 2);
    }
}
