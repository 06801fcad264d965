//! What the engine keeps over restarts, as JSON under keys of the store.

pub(super) mod history;
mod json;
mod kept;
mod value;

use std::collections::{BTreeMap, HashMap, HashSet};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::base::clock::{Mono, Now, UnixTime};
use crate::health::Cause;
use crate::health::machine::{Down, Health, MAX_QUIET, State};
use crate::health::orders::{Force, Order, Scope};
use crate::policy::{Listed, PoolState};
use crate::zone::serial::Serial;

use super::orders::OrderId;
use super::setup::{PoolSetup, TargetKey};
use history::KeptDifference;
use kept::KeptListed;
pub use kept::{KeptHealth, KeptMemory};
pub use value::{Change, StoredValue};

/// What a former run left, read from the store.
#[derive(Clone, Debug, Default)]
pub struct Restored {
    health: BTreeMap<String, KeptHealth>,
    memory: HashMap<String, KeptMemory>,
    serials: HashMap<String, KeptSerial>,
    orders: BTreeMap<OrderId, Order>,
    failbacks: Vec<String>,
    /// Why targets could not be tested.
    untested: BTreeMap<String, Cause>,
    /// Differences by origin and by the serial that they lead to.
    differences: BTreeMap<String, BTreeMap<u32, KeptDifference>>,
    alive: Option<UnixTime>,
    isolated: Option<UnixTime>,
    max_age: Duration,
    /// Whether the former run is pictured as it is, and not succeeded: see [`Restored::as_picture`].
    is_picture: bool,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct KeptSerial {
    ceiling: u32,
}

#[derive(Debug, Serialize, Deserialize)]
struct KeptOrder {
    force: String,
    scope: String,
    from_ms: Option<u64>,
    until_ms: Option<u64>,
    reason: String,
    author: String,
}

#[derive(Debug, Serialize, Deserialize)]
struct KeptAlive {
    at_ms: u64,
}

/// The key under which the engine notes that it lives: the age of all beliefs counts from here.
const ALIVE: &str = "alive";
/// The key under which the engine notes since when it is isolated.
const ISOLATED: &str = "isolated";
/// The word for up.
const UP: &str = "up";

impl Restored {
    /// Reads what the engine keeps; keys of other owners are not to be given. Values that cannot be read are named in the
    /// second part and passed over.
    ///
    /// `max_age` is the age beyond which beliefs of health count no more.
    pub fn read<'s>(
        kept: impl IntoIterator<Item = (&'s String, &'s Vec<u8>)>,
        max_age: Duration,
    ) -> (Self, Vec<String>) {
        let mut restored = Self { max_age, ..Self::default() };
        let mut unreadable = Vec::new();
        for (key, value) in kept {
            if restored.take(key, value).is_none() {
                unreadable.push(key.clone());
            }
        }
        (restored, unreadable)
    }

    fn take(&mut self, key: &str, value: &[u8]) -> Option<()> {
        if key == ALIVE {
            self.alive = Some(UnixTime::from_millis(serde_json::from_slice::<KeptAlive>(value).ok()?.at_ms));
            return Some(());
        }
        if key == ISOLATED {
            self.isolated = Some(UnixTime::from_millis(serde_json::from_slice::<KeptAlive>(value).ok()?.at_ms));
            return Some(());
        }
        let (kind, name) = key.split_once('/')?;
        match kind {
            "health" => drop(self.health.insert(name.to_owned(), serde_json::from_slice(value).ok()?)),
            "memory" => drop(self.memory.insert(name.to_owned(), serde_json::from_slice(value).ok()?)),
            "serial" => drop(self.serials.insert(name.to_owned(), serde_json::from_slice(value).ok()?)),
            "order" => {
                let kept: KeptOrder = serde_json::from_slice(value).ok()?;
                drop(self.orders.insert(name.parse().ok()?, kept.restore()?));
            }
            "history" => {
                let (origin, to) = history::read_name(name)?;
                let kept = serde_json::from_slice(value).ok()?;
                drop(self.differences.entry(origin).or_default().insert(to, kept));
            }
            "failback" => self.failbacks.push(name.to_owned()),
            "untested" => drop(self.untested.insert(name.to_owned(), serde_json::from_slice(value).ok()?)),
            _ => return None,
        }
        Some(())
    }

    /// Returns whether nothing was kept.
    pub fn is_empty(&self) -> bool {
        self.health.is_empty() && self.memory.is_empty() && self.serials.is_empty() && self.orders.is_empty()
    }

    /// Returns when the former run noted last that it lives.
    pub const fn alive(&self) -> Option<UnixTime> {
        self.alive
    }

    /// Takes it as a picture of the run that wrote it: that run's holds, motions and unsettled answers go on.
    #[must_use]
    pub fn as_picture(self) -> Self {
        Self { is_picture: true, ..self }
    }

    /// Returns whether it is a picture of the run that wrote it.
    pub(super) const fn is_picture(&self) -> bool {
        self.is_picture
    }

    /// Returns since when the run that wrote it is isolated, if it is.
    pub const fn isolated(&self) -> Option<UnixTime> {
        self.isolated
    }

    /// Returns until when a pool's answer is unsettled by what has happened, in a picture.
    pub(super) fn unsettled_until(&self, pool: &str, now: Now) -> Option<Mono> {
        let until = self.memory.get(pool).filter(|_| self.is_picture)?.unsettled_until_ms?;
        Some(now.mono + UnixTime::from_millis(until).since(now.wall))
    }

    /// Returns since when the former run believed of a target what it did.
    pub fn since(&self, key: &TargetKey) -> Option<UnixTime> {
        self.health.get(&key.to_string()).map(|kept| UnixTime::from_millis(kept.at_ms))
    }

    /// Returns why a target cannot be tested, in a picture.
    pub(super) fn untested(&self, key: &TargetKey) -> Option<Cause> {
        self.untested.get(&key.to_string()).filter(|_| self.is_picture).cloned()
    }

    /// Returns a target's health, if it is young enough: failing is up, recovering is down, counters are 0.
    pub(super) fn health(&self, key: &TargetKey, now: Now) -> Option<Health> {
        let kept = self.health.get(&key.to_string()).filter(|kept| self.is_young(kept, now))?;
        let state = match &*kept.state {
            UP => State::Up,
            word => {
                let ways = [Down::Conclusive, Down::Silent, Down::Leaving];
                State::Down(ways.into_iter().find(|how| how.as_str() == word)?)
            }
        };
        // Whatever the wall clock showed when it was kept: nobody is left alone for longer than a Retry-After may be.
        let left = |ms: u64| UnixTime::from_millis(ms).since(now.wall).min(MAX_QUIET);
        let quiet = kept.quiet_until_ms.map(|ms| now.mono + left(ms));
        let cause = kept.cause.clone();
        let state = match (kept.failing, kept.recovering) {
            (Some((passes, fails)), _) if self.is_picture => State::Failing { passes, fails },
            (_, Some(passes)) if self.is_picture => State::Recovering { passes },
            _ => return Some(Health::restored(&state, cause, quiet, now.mono)),
        };
        Some(Health::pictured(state, cause, quiet, now.mono))
    }

    /// Returns a pool's memory.
    pub(super) fn memory(&self, pool: &PoolSetup, now: Now) -> Option<PoolState> {
        let kept = self.memory.get(&pool.name)?;
        let ago = |ms: u64| now.mono - now.wall.since(UnixTime::from_millis(ms));
        let find = |kept: &KeptListed| {
            let member = pool.find(&kept.label, kept.half, kept.declared)?;
            Some(Listed { member, priority: kept.priority, weight: kept.weight })
        };
        Some(PoolState {
            current: kept.current,
            last_failback: kept.last_failback_ms.map(ago),
            flaps: kept.flaps,
            last_good: kept.last_good.as_ref().map(|set| set.iter().filter_map(find).collect()),
            holding: if self.is_picture {
                kept.holding.iter().map(|(tier, since)| (*tier, ago(*since))).collect()
            } else {
                Vec::new()
            },
        })
    }

    /// Returns the keys of beliefs that count no more: those of targets that are not `known`, those too old, and why targets
    /// could not be tested, which a new run finds out by itself.
    pub(super) fn stale(&self, known: &HashSet<String>, now: Now) -> Vec<String> {
        let counts = |name: &String, kept: &KeptHealth| known.contains(name) && self.is_young(kept, now);
        let stale = self.health.iter().filter(|(name, kept)| !counts(name, kept));
        let stale = stale.map(|(name, _)| health_key(name));
        stale.chain(self.untested.keys().map(|name| untested_key(name))).collect()
    }

    /// Returns the ceilings of the zones' serials, by origin.
    pub(super) fn ceilings(&self) -> BTreeMap<String, Serial> {
        let mut names: Vec<&String> = self.serials.keys().collect();
        names.sort_unstable();
        names.into_iter().map(|name| (name.clone(), Serial(self.serials[name].ceiling))).collect()
    }

    /// Returns the histories of the zones, by origin.
    pub(super) fn histories(&self) -> history::Kept {
        history::join(&self.differences)
    }

    pub(super) fn orders(&self) -> BTreeMap<OrderId, Order> {
        self.orders.clone()
    }

    pub(super) fn failback_ordered(&self, pool: &str) -> bool {
        self.failbacks.iter().any(|name| name == pool)
    }

    fn is_young(&self, kept: &KeptHealth, now: Now) -> bool {
        let seen = self.alive.unwrap_or_default().max(UnixTime::from_millis(kept.at_ms));
        now.wall.since(seen) <= self.max_age
    }

    /// Supposes the health of a target instead of reading it: for `simulate` and tests.
    pub fn assume(&mut self, key: &TargetKey, up: bool, at: UnixTime) {
        let state = if up { UP } else { Down::Conclusive.as_str() };
        let cause = (!up).then_some("assumed to be down".into());
        let kept = KeptHealth {
            state: state.into(),
            at_ms: at.as_millis(),
            quiet_until_ms: None,
            cause,
            failing: None,
            recovering: None,
        };
        self.max_age = self.max_age.max(Duration::from_secs(60));
        self.health.insert(key.to_string(), kept);
    }
}

impl KeptOrder {
    fn restore(self) -> Option<Order> {
        let force = [Force::Down, Force::Drained, Force::Up].into_iter().find(|force| force.as_str() == self.force)?;
        Some(Order {
            force,
            scope: Scope::parse(&self.scope)?,
            from: self.from_ms.map(UnixTime::from_millis),
            until: self.until_ms.map(UnixTime::from_millis),
            reason: self.reason,
            author: self.author,
        })
    }
}

/// Says what is kept of a target, by its printed key: nothing while it is unknown.
pub(super) fn keep_health(target: &str, health: &Health, now: Now) -> Change {
    let value = kept_word(health.state()).map(|state| {
        let quiet = health.quiet_until().map(|until| (now.wall + until.since(now.mono)).as_millis());
        let (failing, recovering) = match health.state() {
            State::Failing { passes, fails } => (Some((*passes, *fails)), None),
            State::Recovering { passes } => (None, Some(*passes)),
            State::Unknown | State::Up | State::Down(_) => (None, None),
        };
        let cause = health.cause().cloned();
        let at_ms = now.wall.as_millis().saturating_sub(millis(now.mono.since(health.since())));
        let state = state.into();
        StoredValue::Health(KeptHealth { state, at_ms, quiet_until_ms: quiet, cause, failing, recovering })
    });
    (health_key(target), value)
}

/// Says what is kept of why a target cannot be tested.
pub(super) fn keep_untested(target: &str, reason: Option<&Cause>) -> Change {
    (untested_key(target), reason.map(StoredValue::of))
}

/// Returns the key of why a target cannot be tested, by the target's printed key.
pub(super) fn untested_key(target: &str) -> String {
    ["untested/", target].concat()
}

/// Returns the word for a state as it is kept: failing is up, recovering is down (the machine forgets how), unknown is
/// nothing.
pub(super) const fn kept_word(state: &State) -> Option<&'static str> {
    match state {
        State::Unknown => None,
        State::Up | State::Failing { .. } => Some(UP),
        State::Recovering { .. } => Some(Down::Silent.as_str()),
        State::Down(how) => Some(how.as_str()),
    }
}

/// Returns the key of the belief of a target, by the target's printed key.
pub(super) fn health_key(target: &str) -> String {
    ["health/", target].concat()
}

/// Returns whether what is kept of two memories differs.
pub(super) fn differs(a: &PoolState, b: &PoolState) -> bool {
    (a.current, a.last_failback, a.flaps, &a.last_good, &a.holding)
        != (b.current, b.last_failback, b.flaps, &b.last_good, &b.holding)
}

/// Writes what is kept of a pool.
pub(super) fn keep_memory(pool: &PoolSetup, memory: &PoolState, unsettled_until: Option<Mono>, now: Now) -> Change {
    let label = |listed: &Listed| {
        let (row, member) = (pool.members.get(listed.member)?, pool.pool.members.get(listed.member)?);
        let (label, half, declared) = (row.label.clone(), member.half, member.priority);
        Some(KeptListed { label, half, declared, priority: listed.priority, weight: listed.weight })
    };
    let ago = |at: Mono| now.wall.as_millis().saturating_sub(millis(now.mono.since(at)));
    let kept = KeptMemory {
        current: memory.current,
        last_failback_ms: memory.last_failback.map(ago),
        flaps: memory.flaps,
        last_good: memory.last_good.as_ref().and_then(|set| set.iter().map(label).collect()),
        holding: memory.holding.iter().map(|(tier, since)| (*tier, ago(*since))).collect(),
        unsettled_until_ms: unsettled_until.map(|until| (now.wall + until.since(now.mono)).as_millis()),
    };
    (["memory/", &pool.name].concat(), Some(StoredValue::Memory(kept)))
}

/// Writes a zone's ceiling.
pub(super) fn keep_serial(origin: &str, ceiling: Serial) -> Change {
    (format!("serial/{origin}"), Some(StoredValue::of(&KeptSerial { ceiling: ceiling.0 })))
}

/// Writes an order.
pub(super) fn keep_order(id: OrderId, order: &Order) -> Change {
    let kept = KeptOrder {
        force: order.force.as_str().to_owned(),
        scope: order.scope.to_string(),
        from_ms: order.from.map(UnixTime::as_millis),
        until_ms: order.until.map(UnixTime::as_millis),
        reason: order.reason.clone(),
        author: order.author.clone(),
    };
    (order_key(id), Some(StoredValue::of(&kept)))
}

/// Returns the key of an order.
pub(super) fn order_key(id: OrderId) -> String {
    format!("order/{id}")
}

/// Returns the key of a failback order that waits.
pub(super) fn failback_key(pool: &str) -> String {
    format!("failback/{pool}")
}

/// Writes that a failback was ordered that waits.
pub(super) fn keep_failback(pool: &str) -> Change {
    (failback_key(pool), Some(StoredValue::Written(b"true".to_vec())))
}

/// Writes that the engine lives.
pub(super) fn keep_alive(now: Now) -> Change {
    (ALIVE.to_owned(), Some(StoredValue::of(&KeptAlive { at_ms: now.wall.as_millis() })))
}

/// Writes since when the engine is isolated; nothing if it is not.
pub(super) fn keep_isolated(isolated: bool, now: Now) -> Change {
    (ISOLATED.to_owned(), isolated.then(|| StoredValue::of(&KeptAlive { at_ms: now.wall.as_millis() })))
}

/// Writes that the engine is isolated, since a moment in Unix time.
pub(super) fn keep_isolated_since(at_ms: u64) -> Change {
    (ISOLATED.to_owned(), Some(StoredValue::of(&KeptAlive { at_ms })))
}

pub(super) fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests;
