//! From verdicts to decisions: tiers, failback, TTLs. It knows pools of members, not names or records.
//!
//! ```text
//! verdicts ─▶ standing ─▶ decide: who serves ─▶ placing, pair: where each member stands ─▶ Decision ─▶ hosts, ttl
//!                            ▲    failback: what ripens, flaps
//!          memory, now ──────┘                                                           reason: all of it in words
//! ```
//!
//! **Invariant:** policy does not know what a DNS record is, and reads no clock: `now` is a parameter.
//!
//! **Invariant:** a decision lists at least one member of every half that has members, or is closed.

mod decide;
mod failback;
mod hosts;
mod ids;
mod pair;
mod placing;
mod reason;
#[cfg(test)]
mod tests;
mod tiers;
mod ttl;

use std::time::Duration;

use crate::base::clock::Mono;

pub use decide::{Answer, Ask, Decision, Trigger, decide, takes_last};
pub use failback::hold;
pub use hosts::{HostAddress, followed, stay};
pub use ids::{FollowId, HostId, PoolId};
pub use reason::{Better, Move, Placement, Reason, Tally, Waits, Why};
pub use tiers::ActiveTier;
pub use ttl::{Conditions, Ttl, TtlState, settled, ttl, unsettled};

/// The settings of one pool (`[policy]`, `[[service]]`, `[[address]]`).
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    /// The longest TTL of a settled answer, in seconds.
    pub ttl: u32,
    /// The longest TTL of an unsettled answer, in seconds.
    pub unsettled_ttl: u32,
    /// What a tier needs to hold.
    pub min_up: Need,
    /// Whether eligible members of later tiers are listed.
    pub standby: Standby,
    /// What becomes of members that failed.
    pub failed: Failed,
    /// Whether the serving tier gets the lowest declared priority.
    pub promote: Promote,
    /// What is served when no tier holds.
    pub below_min_up: BelowMinUp,
    /// What is served when nothing is eligible and none is leaving.
    pub all_down: AllDown,
    /// When a better tier becomes active again.
    pub failback: Failback,
    /// How long a better tier must hold before the failback, before flaps double it.
    pub hold: Duration,
    /// Whether the settled TTL is the declared one, as nothing tests what the sets name.
    pub keeps_ttl: bool,
}

/// What a tier needs to hold.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Need {
    /// So many eligible members, at most the tier's size.
    Count(u32),
    /// This share (0 to 1) of the tier's declared weight (of its count if all weights are 0), and at least one member.
    Share(f64),
}

/// `standby`: whether eligible members of tiers behind the serving one are listed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standby {
    /// As declared.
    Listed,
    /// Left out.
    Hidden,
}

/// `failed`: what becomes of members withheld by health, and of those before the serving tier.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failed {
    /// Left out.
    Withdraw,
    /// Put behind every declared priority.
    Demote,
}

/// `promote`: the number that the serving tier bears.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Promote {
    /// Its own.
    AsDeclared,
    /// The lowest declared one.
    Renumber,
}

/// `below-min-up`: what is served when no tier holds, though somebody is up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BelowMinUp {
    /// Those of the first tier that are up, and what stands behind it.
    Living,
    /// All members, the dead ones too: those that are left would be overrun.
    All,
}

/// `all-down`: what is served when nothing is eligible and none is leaving.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AllDown {
    /// The declared set.
    Declared,
    /// The last set that was neither all down nor last resort, else the declared one.
    LastGood,
    /// `0 0 0 .`, if every member is down by conclusive failure or order; else the declared set.
    Closed,
}

/// `failback`: when a better tier becomes active again that holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Failback {
    /// After the hold.
    Auto,
    /// By order only.
    Manual,
    /// After the hold, within a daily window in UTC.
    Window {
        /// Minutes after midnight at which the window opens.
        from: u16,
        /// Minutes after midnight at which it closes; before `from` means the next day.
        to: u16,
    },
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            ttl: 30,
            unsettled_ttl: 5,
            min_up: Need::Count(1),
            standby: Standby::Listed,
            failed: Failed::Withdraw,
            promote: Promote::AsDeclared,
            below_min_up: BelowMinUp::Living,
            all_down: AllDown::Declared,
            failback: Failback::Auto,
            hold: Duration::from_secs(60),
            keeps_ttl: false,
        }
    }
}

/// What policy sees of a service, of a pair of services (XEP-0368), of tiers of addresses, or of an alias.
#[derive(Clone, Debug, PartialEq)]
pub struct Pool {
    /// What the pool stands for.
    pub kind: Kind,
    /// The members, in declared order; verdicts and decisions name them by their place here.
    pub members: Vec<Member>,
    /// The settings.
    pub settings: Settings,
}

/// What a pool stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// One SRV set: all members have half 0.
    Service,
    /// `_xmpp-X` (half 0) and `_xmpps-X` (half 1) together: one list for clients (XEP-0368).
    Pair,
    /// Tiers of addresses, IPv4 (half 0) and IPv6 (half 1): only the serving tier is listed, all down is the first tier.
    Addresses,
    /// Tiers of names that an alias leads to: all members have half 0, else as with addresses.
    Alias,
}

impl Kind {
    /// Returns whether only one tier is ever listed: what is answered bears no priorities by which clients could try one
    /// tier after the other.
    pub const fn lists_one_tier(self) -> bool {
        match self {
            Self::Addresses | Self::Alias => true,
            Self::Service | Self::Pair => false,
        }
    }
}

/// One member of a pool.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Member {
    /// 0, or 1 for the direct-TLS half of a pair and for IPv6.
    pub half: u8,
    /// The tier's number; the lower is preferred.
    pub priority: u16,
    /// The declared weight.
    pub weight: u16,
}

/// What must be remembered of a pool from decision to decision.
#[derive(Clone, Debug, PartialEq)]
pub struct PoolState {
    /// The priority of the serving tier; last resort and all down clear it.
    pub current: Option<u16>,
    /// Since when each tier better than the current one holds without a break, by proven members: (priority, since),
    /// sorted by priority.
    pub holding: Vec<(u16, Mono)>,
    /// When the last failback was; a failover by health clears it, so that a second one in a row adds no flap.
    pub last_failback: Option<Mono>,
    /// One more than the failovers by health that came soon after a failback; the hold doubles with each.
    pub flaps: u32,
    /// The last set that was neither all down nor last resort (`all-down = "last-good"`).
    pub last_good: Option<Vec<Listed>>,
}

impl Default for PoolState {
    fn default() -> Self {
        Self { current: None, holding: Vec::new(), last_failback: None, flaps: 1, last_good: None }
    }
}

impl PoolState {
    /// Carries the memory over a reload: `place` tells where a member of the old pool stands in the new one.
    ///
    /// A tier is its members: one that only gets another number is still the same.
    #[must_use]
    pub fn carried(mut self, old: &Pool, new: &Pool, place: impl Fn(usize) -> Option<usize>) -> Self {
        let renumbered = |tier: u16| {
            let members = old.members.iter().enumerate().filter(|(_, member)| member.priority == tier);
            let tiers: Vec<u16> =
                members.filter_map(|(member, _)| Some(new.members.get(place(member)?)?.priority)).collect();
            if tiers.contains(&tier) { tier } else { tiers.first().copied().unwrap_or(tier) }
        };
        self.current = self.current.map(renumbered);
        let mut holding: Vec<(u16, Mono)> =
            self.holding.into_iter().map(|(tier, since)| (renumbered(tier), since)).collect();
        // Of two that become one, the older counts.
        holding.sort_unstable();
        holding.dedup_by_key(|(tier, _)| *tier);
        self.holding = holding;
        if let Some(listed) = &mut self.last_good {
            *listed = listed.iter().filter_map(|l| Some(Listed { member: place(l.member)?, ..*l })).collect();
        }
        self
    }
}

/// One member as it is listed in an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Listed {
    /// Its place in [`Pool::members`].
    pub member: usize,
    /// The priority it bears in the answer.
    pub priority: u16,
    /// The weight it bears in the answer.
    pub weight: u16,
}
