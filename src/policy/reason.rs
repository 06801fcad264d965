//! Reasons as data; printed, they are the text of logs, status, `explain` and extended errors (RFC 8914).

use std::fmt;
use std::time::Duration;

use super::{AllDown, Need};

/// Why a decision is as it is.
#[derive(Clone, Debug, PartialEq)]
pub enum Reason {
    /// A tier serves.
    Tier {
        /// Its priority.
        tier: u16,
        /// How it stands.
        tally: Tally,
        /// The tiers before it, and why they do not serve.
        better: Vec<Better>,
    },
    /// Nothing is eligible, but some are leaving.
    LastResort {
        /// How many.
        leaving: usize,
    },
    /// Nothing is eligible, none is leaving.
    AllDown {
        /// What is set for this.
        setting: AllDown,
        /// What is served: [`AllDown::Declared`] also where the set one could not be.
        shown: AllDown,
    },
}

/// How a tier stands against its need.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Tally {
    /// Its eligible members.
    pub up: usize,
    /// Its members.
    pub of: usize,
    /// Its need.
    pub need: Need,
    /// Whether it holds.
    pub holds: bool,
}

/// A tier that is preferred to the serving one.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Better {
    /// Its priority.
    pub tier: u16,
    /// How it stands.
    pub tally: Tally,
    /// What it waits for.
    pub waits: Waits,
}

/// What keeps a better tier from serving.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Waits {
    /// It does not hold.
    Failed,
    /// It holds, but not by members known up.
    Proof,
    /// It must hold for this long.
    Hold(Duration),
    /// It waits for the order `failback`.
    Order,
    /// It must hold for so long, and waits for the window.
    Window {
        /// How long it must hold.
        hold: Duration,
        /// Minutes after midnight UTC at which the window opens.
        from: u16,
        /// Minutes after midnight UTC at which it closes.
        to: u16,
    },
}

/// How the part changed hands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Move {
    /// A tier takes the part as nobody had it: start, reload, or the end of last resort and all down.
    Taken {
        /// The tier.
        to: u16,
    },
    /// The serving tier does not hold, another takes the part at once.
    Failover {
        /// The tier that lost it.
        from: u16,
        /// The tier that has it now.
        to: u16,
    },
    /// A better tier takes the part back.
    Failback {
        /// The tier that had it.
        from: u16,
        /// The tier that has it now.
        to: u16,
        /// How long the better tier had held; nothing if it was ordered.
        held: Option<Duration>,
    },
    /// The part is lost: last resort or all down.
    Lost {
        /// The tier that had it.
        from: u16,
    },
}

/// Where a member stands in the answer, and why.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Placement {
    /// As declared.
    AsDeclared,
    /// In the serving tier, which bears another priority.
    Renumbered(u16),
    /// As declared or behind (this priority), since its half of the pair would be empty.
    FillsHalf(u16),
    /// As declared, since it is leaving and nobody else serves.
    LastResort,
    /// Listed though down, with this priority, since all are.
    AllDown(u16),
    /// Behind every declared priority.
    Behind(u16, Why),
    /// Left out.
    LeftOut(Why),
}

/// Why a member is behind or left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Why {
    /// Down.
    Down,
    /// Down because it said that it is leaving.
    Leaving,
    /// Drained by order while alive.
    Drained,
    /// Withheld by order.
    Order,
    /// Degraded, and others of its tier suffice.
    Yields,
    /// Eligible, but its tier has not taken the part back.
    Waits,
    /// Eligible in a later tier, and the standby is hidden.
    Hidden,
    /// Not in the last good set.
    NotLastGood,
    /// The service is closed.
    Closed,
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self:?}")
    }
}

impl fmt::Display for Move {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self:?}")
    }
}

impl fmt::Display for Placement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self:?}")
    }
}

impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self:?}")
    }
}
