//! The status: a copy of the engine's health states and decisions, for people and tools.

use std::time::Duration;

use crate::base::clock::{Mono, Now, UnixTime};
use crate::health::machine::State;
use crate::health::orders::Order;
use crate::health::{Outcome, TargetId, Verdict};
use crate::policy::{Decision, PoolId};

use super::core::{Core, Timer, ttl_of};
use super::orders::OrderId;
use super::setup::Setup;

/// Everything at one moment.
#[derive(Clone, Debug)]
pub struct Status {
    /// The generation that is served.
    pub generation: u64,
    /// Whether the checker is cut off.
    pub isolated: bool,
    /// The zones.
    pub zones: Vec<ZoneStatus>,
    /// The pools.
    pub pools: Vec<PoolStatus>,
    /// The targets, by their ids.
    pub targets: Vec<TargetStatus>,
}

/// One zone.
#[derive(Clone, Debug)]
pub struct ZoneStatus {
    /// The origin.
    pub origin: String,
    /// The served serial; nothing if the zone is broken.
    pub serial: Option<u32>,
}

/// One pool.
#[derive(Clone, Debug)]
pub struct PoolStatus {
    /// Its id in the setup.
    pub id: PoolId,
    /// Its name.
    pub name: String,
    /// What is decided, and why.
    pub decision: Decision,
    /// The TTL of each fill.
    pub ttls: Vec<u32>,
    /// The members.
    pub members: Vec<MemberStatus>,
    /// The failovers that came soon after a failback, plus one.
    pub flaps: u32,
    /// When the answer last changed, in this run.
    pub changed: Option<UnixTime>,
    /// How long until time alone may change it.
    pub again: Option<Duration>,
}

/// One member.
#[derive(Clone, Debug)]
pub struct MemberStatus {
    /// Its label.
    pub label: String,
    /// 0, or 1 for the direct-TLS half of a pair.
    pub half: u8,
    /// The declared priority.
    pub priority: u16,
    /// The declared weight.
    pub weight: u16,
    /// The verdict.
    pub verdict: Verdict,
    /// Its targets.
    pub targets: Vec<TargetId>,
}

/// One target.
#[derive(Clone, Debug)]
pub struct TargetStatus {
    /// What it is, as [`super::setup::TargetKey`] prints it.
    pub name: String,
    /// Whether it may be probed.
    pub probed: bool,
    /// The belief.
    pub state: State,
    /// For how long.
    pub held: Duration,
    /// Whether it is marked degraded.
    pub degraded: bool,
    /// Why it is not, or not plainly, up.
    pub cause: Option<String>,
    /// The last outcome: when, what, how long it took.
    pub last: Option<(UnixTime, Outcome, Duration)>,
    /// The thresholds `fall` and `rise`.
    pub thresholds: (u32, u32),
}

/// One order.
#[derive(Clone, Debug)]
pub struct OrderStatus {
    /// Its number.
    pub id: OrderId,
    /// What was ordered.
    pub order: Order,
    /// Whether its time has come.
    pub active: bool,
    /// Whether it covers nothing that there is.
    pub idle: bool,
}

impl Core {
    /// Pictures the orders that are not over.
    pub fn order_status(&self, wall: UnixTime) -> Vec<OrderStatus> {
        let status = |(id, order): (OrderId, &Order)| {
            let (active, idle) = (order.is_active(wall), self.is_idle(order));
            OrderStatus { id, order: order.clone(), active, idle }
        };
        self.orders().filter(|(_, order)| !order.is_over(wall)).map(status).collect()
    }

    /// Returns the setup that runs.
    pub const fn setup(&self) -> &Setup {
        &self.prepared.setup
    }

    /// Pictures everything.
    pub fn status(&self, now: Now) -> Status {
        let zones = self.prepared.setup.zones.iter().map(|(id, zone)| ZoneStatus {
            origin: zone.origin.to_string(),
            serial: self.serials.current(id).map(|serial| serial.0),
        });
        Status {
            generation: self.snapshot.generation(),
            isolated: self.witnesses.is_isolated(),
            zones: zones.collect(),
            pools: self.pools.ids().filter_map(|id| self.pool_status(id, now)).collect(),
            targets: self.targets.ids().map(|id| self.target_status(id, now.mono)).collect(),
        }
    }

    /// Pictures one pool.
    pub fn pool_status(&self, id: PoolId, now: Now) -> Option<PoolStatus> {
        let (setup, row) = (&self.prepared.setup.pools[id], &self.pools[id]);
        let verdicts = self.verdicts(id, now.wall);
        let members = setup.members.iter().zip(&setup.pool.members).zip(verdicts);
        let values = self.prepared.pool_slots[id].iter().filter_map(|slot| self.slots[*slot].value.as_ref());
        Some(PoolStatus {
            id,
            name: setup.name.clone(),
            decision: row.decision.clone()?,
            ttls: values.map(ttl_of).collect(),
            members: members
                .map(|((setup, member), verdict)| MemberStatus {
                    label: setup.label.clone(),
                    half: member.half,
                    priority: member.priority,
                    weight: member.weight,
                    verdict,
                    targets: setup.targets.clone(),
                })
                .collect(),
            flaps: row.memory.flaps,
            changed: row.changed,
            again: self.timers.at(&Timer::Pool(id)).map(|at| at.since(now.mono)),
        })
    }

    /// Pictures one target.
    pub fn target_status(&self, id: TargetId, now: Mono) -> TargetStatus {
        let (setup, row) = (&self.prepared.setup.targets[id], &self.targets[id]);
        TargetStatus {
            name: setup.key.to_string(),
            probed: setup.probed,
            state: row.health.state().clone(),
            held: now.since(row.health.since()),
            degraded: row.health.is_degraded(),
            cause: row.health.cause().map(ToString::to_string),
            last: row.last.as_ref().map(|(at, report)| (*at, report.outcome.clone(), report.latency)),
            thresholds: (setup.settings.fall, setup.settings.rise),
        }
    }
}
