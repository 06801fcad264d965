//! What a pool answers now: the truth tables.

use std::time::Duration;

use super::{Listed, Memory, Move, Placement, Pool, Reason};
use crate::base::clock::Now;
use crate::health::Verdict;

/// All that a decision is made of.
#[derive(Clone, Copy, Debug)]
pub struct Ask<'a> {
    /// The pool.
    pub pool: &'a Pool,
    /// The verdict of each member, in the order of [`Pool::members`].
    pub verdicts: &'a [Verdict],
    /// What the last answer left.
    pub memory: &'a Memory,
    /// What made us ask.
    pub trigger: Trigger,
    /// Whether the order `failback` is waiting to be used.
    pub failback_ordered: bool,
    /// The time.
    pub now: Now,
}

/// What made us ask; a failover counts as a strike only by [`Trigger::Health`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trigger {
    /// A target changed.
    Health,
    /// The operator gave, changed or ended an order, or it reached its time.
    Order,
    /// A new setup.
    Reload,
    /// The moment that [`Answer::again`] named.
    Time,
    /// The process started: holds begin anew.
    Start,
}

/// A decision and what follows from it.
#[derive(Clone, Debug, PartialEq)]
pub struct Answer {
    /// What the pool answers now.
    pub decision: Decision,
    /// What to give to the next ask.
    pub memory: Memory,
    /// How the part changed hands, if it did; for the log.
    pub moved: Option<Move>,
    /// How long until time alone may change the decision.
    pub again: Option<Duration>,
    /// How long until a failback is due if all stays as it is; TTLs are unsettled one settled TTL before.
    pub failback_due: Option<Duration>,
    /// Whether the order `failback` was used up.
    pub failback_used: bool,
}

/// What a pool answers, with its reason. It holds no passing time, so an equal decision means that nothing changed.
#[derive(Clone, Debug, PartialEq)]
pub struct Decision {
    /// Who has the part.
    pub served: Served,
    /// What is listed: by half, in declared order.
    pub listed: Vec<Vec<Listed>>,
    /// Whether every half is exactly `0 0 0 .`; then nothing is listed.
    pub closed: bool,
    /// Why each member is where it is, in the order of [`Pool::members`].
    pub placements: Vec<Placement>,
    /// Why it is so.
    pub reason: Reason,
}

/// Who has the part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Served {
    /// The tier of this priority.
    Tier(u16),
    /// The leaving members of all tiers.
    LastResort,
    /// Nobody.
    AllDown,
}

impl Decision {
    /// Returns whether `other` puts the same records into the answer, whatever its reason.
    pub fn same_records(&self, other: &Self) -> bool {
        self.closed == other.closed && self.listed == other.listed
    }
}

/// Decides what the pool answers now. Pure; asked again at the same time with the memory it left, it decides the same.
pub fn decide(ask: &Ask<'_>) -> Answer {
    let _ = ask;
    unimplemented!()
}

/// Returns whether going from one list of verdicts to another takes the last eligible member (`--last`).
pub fn takes_last(before: &[Verdict], after: &[Verdict]) -> bool {
    before.iter().any(|v| v.serves()) && !after.iter().any(|v| v.serves())
}
