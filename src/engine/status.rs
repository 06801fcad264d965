//! The status: a copy of the engine's health states and decisions, for people and tools.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

use crate::base::clock::{Mono, Now, UnixTime};
use crate::health::machine::State;
use crate::health::orders::Order;
use crate::health::{By, Outcome, TargetId, Verdict};
use crate::policy::{ActiveTier, Decision, PoolId, settled};

use super::core::{Core, Timer, ttl_of};
use super::orders::OrderId;
use super::setup::{MemberSetup, Setup};

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
    /// The longest TTL that an answer from it can have, those of names that follow it included.
    pub longest_ttl: u32,
    /// The members.
    pub members: Vec<MemberStatus>,
    /// The failovers that came soon after a failback, plus one.
    pub flaps: u32,
    /// When the answer last changed, in this run.
    pub changed: Option<UnixTime>,
    /// How long until time alone may change it.
    pub again: Option<Duration>,
    /// The better tier that is healthy, and how long until it fails back if all stays as it is.
    pub failback: Option<(u16, Duration)>,
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
    /// Why no test tells anything of it now; nothing if one of its targets is tested.
    pub untested: Option<String>,
}

/// How much of the setup is tested, and why the rest is not.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Coverage {
    /// The targets of services in each state, by its word; those that were never tested are `not-tested`.
    pub states: BTreeMap<&'static str, usize>,
    /// The targets that no test tells anything of now: for each reason how many there are over IPv4 and over IPv6.
    pub untested: BTreeMap<String, [usize; 2]>,
    /// The targets that were tested, each with whether it is up.
    pub targets: Vec<(String, bool)>,
    /// How each service is served.
    pub services: Vec<ServiceCoverage>,
    /// The zones that are served, and their serials.
    pub zones: Vec<(String, u32)>,
    /// Whether the checker is cut off.
    pub isolated: bool,
    /// The generation that is served.
    pub generation: u64,
    /// How many orders are not over.
    pub orders: usize,
}

/// How one service is served, in numbers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServiceCoverage {
    /// Its name.
    pub name: String,
    /// Which tier is active.
    pub served: ActiveTier,
    /// The preferred tier.
    pub preferred: u16,
    /// When the answer last changed, in this run.
    pub changed: Option<UnixTime>,
    /// How often the active tier has changed, in this run.
    pub tier_changes: u64,
    /// The members that are up by test or order, those that are taken as up, those that are down, and those that an order
    /// keeps out.
    pub members: [usize; 4],
}

/// One target.
#[derive(Clone, Debug)]
pub struct TargetStatus {
    /// What it is, as [`super::setup::TargetKey`] prints it.
    pub name: String,
    /// Its address and port.
    pub address: SocketAddr,
    /// Why no test tells anything of it now; nothing if tests do.
    pub untested: Option<String>,
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
            longest_ttl: self.longest_ttl(id),
            members: members
                .map(|((setup, member), verdict)| MemberStatus {
                    label: setup.label.clone(),
                    half: member.half,
                    priority: member.priority,
                    weight: member.weight,
                    verdict,
                    targets: setup.targets.clone(),
                    untested: self.member_untested(setup),
                })
                .collect(),
            flaps: row.memory.flaps,
            changed: row.changed,
            failback: row.holding.zip(row.failback_at).map(|((tier, _), at)| (tier, at.since(now.mono))),
            again: self.timers.at(&Timer::Pool(id)).map(|at| at.since(now.mono)),
        })
    }

    /// Returns the longest TTL that an answer from a pool can have.
    fn longest_ttl(&self, id: PoolId) -> u32 {
        let setup = &self.prepared.setup;
        let followers =
            setup.follows.iter().filter(|(_, follow)| follow.pool == id).flat_map(|(_, follow)| &follow.fills);
        let fills = setup.pools[id].fills.iter().chain(followers);
        fills.map(|fill| settled(fill.ttl, &setup.pools[id].pool.settings)).max().unwrap_or_default()
    }

    /// Says why no test tells anything of a member; nothing if one of its targets is tested.
    fn member_untested(&self, member: &MemberSetup) -> Option<String> {
        if member.targets.is_empty() {
            let why = if member.unprobed { "no check is known for it" } else { "no address of its host is known" };
            return Some(why.to_owned());
        }
        let reasons = member.targets.iter().map(|id| self.untested(*id)).collect::<Option<Vec<_>>>()?;
        reasons.into_iter().next()
    }

    fn untested(&self, id: TargetId) -> Option<String> {
        self.targets[id].untested(&self.prepared.setup.targets[id]).map(Cow::into_owned)
    }

    /// Counts what is tested and what is not, and how the first so many services and zones are served.
    pub fn coverage(&self, most: usize, now: Now) -> Coverage {
        let mut coverage = Coverage {
            isolated: self.witnesses.is_isolated(),
            generation: self.snapshot.generation(),
            orders: self.orders.iter().filter(|(_, order)| !order.is_over(now.wall)).count(),
            ..Coverage::default()
        };
        for (id, row) in self.targets.iter() {
            let setup = &self.prepared.setup.targets[id];
            let never = *row.health.state() == State::Unknown;
            let word = if never { "not-tested" } else { row.health.state().as_str() };
            *coverage.states.entry(word).or_default() += 1;
            if !never && coverage.targets.len() < most {
                coverage.targets.push((setup.key.to_string(), row.health.state().serves()));
            }
            if let Some(reason) = row.untested(setup).map(Cow::into_owned) {
                let reasons = &mut coverage.untested;
                let known = reasons.contains_key(&reason) || reasons.len() < MOST_REASONS;
                let families = reasons.entry(if known { reason } else { OTHER.to_owned() }).or_default();
                families[usize::from(setup.key.address.is_ipv6())] += 1;
            }
        }
        for (id, zone) in self.prepared.setup.zones.iter().take(most) {
            coverage.zones.extend(self.serials.current(id).map(|serial| (zone.origin.to_string(), serial.0)));
        }
        for (id, setup) in self.prepared.setup.pools.iter().take(most) {
            let Some(decision) = &self.pools[id].decision else { continue };
            let mut members = [0; 4];
            for verdict in self.verdicts(id, now.wall) {
                members[match verdict {
                    Verdict::Serve { tested: true, .. } => 0,
                    Verdict::Serve { tested: false, .. } => 1,
                    Verdict::Withhold { by: By::Health, .. } => 2,
                    Verdict::Withhold { by: By::Order, .. } => 3,
                }] += 1;
            }
            coverage.services.push(ServiceCoverage {
                name: setup.name.clone(),
                served: decision.served,
                preferred: setup.pool.members.iter().map(|member| member.priority).min().unwrap_or_default(),
                changed: self.pools[id].changed,
                tier_changes: self.pools[id].tier_changes,
                members,
            });
        }
        coverage
    }

    /// Pictures one target.
    pub fn target_status(&self, id: TargetId, now: Mono) -> TargetStatus {
        let (setup, row) = (&self.prepared.setup.targets[id], &self.targets[id]);
        TargetStatus {
            name: setup.key.to_string(),
            address: SocketAddr::new(setup.key.address, setup.key.port),
            untested: row.untested(setup).map(Cow::into_owned),
            state: row.health.state().clone(),
            held: now.since(row.health.since()),
            degraded: row.health.is_degraded(),
            cause: row.health.cause().map(ToString::to_string),
            last: row.last.as_ref().map(|(at, report)| (*at, report.outcome.clone(), report.latency)),
            thresholds: (setup.settings.fall, setup.settings.rise),
        }
    }
}

/// The most reasons that are told apart.
const MOST_REASONS: usize = 16;
/// What stands for all other reasons.
const OTHER: &str = "other reasons";
