//! Reasons as data; printed, they are the text of logs, status, `explain` and extended errors (RFC 8914).

use std::fmt;
use std::time::Duration;

use crate::base::duration::write_whole;

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
        /// Whether all members are listed, as no tier holds.
        lists_all: bool,
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
    /// Those of the eligible ones that are taken as up without being tested.
    pub untested: usize,
    /// Those withheld by order.
    pub by_order: usize,
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

/// How the active tier changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Move {
    /// A tier becomes active as nobody had it: start, reload, or the end of last resort and all down.
    Taken {
        /// The tier.
        to: u16,
    },
    /// The serving tier does not hold, another becomes active at once.
    Failover {
        /// The tier that lost it.
        from: u16,
        /// The tier that has it now.
        to: u16,
    },
    /// A better tier becomes active again.
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
    /// As declared though not up, since too few are (`below-min-up`).
    BelowMinUp,
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
    /// Eligible, but its tier has not failed back yet.
    Waits,
    /// Eligible in a later tier, and the standby is hidden.
    Hidden,
    /// Not in the last good set.
    NotLastGood,
    /// The service is closed.
    Closed,
}

impl Tally {
    /// The tally of a tier without members.
    pub(super) const fn none(need: Need) -> Self {
        Self { up: 0, of: 0, untested: 0, by_order: 0, need, holds: false }
    }

    /// Says why the tier does not serve: by health, by order, or by both.
    fn failed(&self) -> String {
        let Self { up, of, by_order, .. } = *self;
        match by_order {
            0 => "failed".to_owned(),
            _ if up + by_order == of => "is out by order".to_owned(),
            _ => format!("failed ({by_order} of {of} members out by order)"),
        }
    }
}

impl Placement {
    /// Returns the priority that a member of this declared priority bears in the answer; nothing if it is left out.
    pub const fn priority(self, declared: u16) -> Option<u16> {
        match self {
            Self::AsDeclared | Self::LastResort | Self::BelowMinUp => Some(declared),
            Self::Renumbered(p) | Self::FillsHalf(p) | Self::AllDown(p) | Self::Behind(p, _) => Some(p),
            Self::LeftOut(_) => None,
        }
    }

    /// Returns whether the member is in the answer.
    pub const fn lists(self) -> bool {
        self.priority(0).is_some()
    }
}

impl Reason {
    /// Returns what clients are told (RFC 8914); nothing if the preferred tier serves. It tells no durations, so that it
    /// stays true: it ends with the tier that is `holding`, for its times to follow.
    pub fn note(&self, holding: Option<u16>) -> Option<String> {
        let Self::Tier { tier, better, lists_all: false, .. } = self else { return Some(self.to_string()) };
        if better.is_empty() {
            return None;
        }
        let mut text = format!("standby: tier {tier} is active");
        let (last, first): (Vec<&Better>, Vec<&Better>) =
            better.iter().partition(|better| Some(better.tier) == holding);
        for better in first.into_iter().chain(last) {
            let number = better.tier;
            text += &match better.waits {
                Waits::Failed => format!(", tier {number} {}", better.tally.failed()),
                Waits::Proof => format!(", tier {number} is not known to be up"),
                Waits::Order => format!(", tier {number} is healthy and fails back by order only"),
                Waits::Hold(_) | Waits::Window { .. } => format!(", tier {number} is healthy"),
            };
        }
        Some(text)
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tier { tier, tally, better, lists_all } => {
                write!(f, "tier {tier} serves")?;
                for (place, better) in better.iter().enumerate() {
                    write!(f, "{}{better}", if place == 0 { " since " } else { "; " })?;
                }
                match (tally.holds, better.is_empty()) {
                    (true, true) => write!(f, ": {tally}"),
                    (true, false) => Ok(()),
                    (false, true) => write!(f, " as no tier holds: {tally}"),
                    (false, false) => write!(f, "; no tier holds, {tier} has {tally}"),
                }?;
                f.write_str(if *lists_all { "; all members are listed (below-min-up = all)" } else { "" })
            }
            Self::LastResort { leaving: 1 } => f.write_str("last resort: nobody else is up, serving 1 leaving member"),
            Self::LastResort { leaving } => {
                write!(f, "last resort: nobody else is up, serving {leaving} leaving members")
            }
            Self::AllDown { setting, shown } => {
                f.write_str("all members down: ")?;
                f.write_str(match shown {
                    AllDown::Declared => "serving the declared set",
                    AllDown::LastGood => "serving the last good set",
                    AllDown::Closed => "saying that the service is not available",
                })?;
                match (setting, shown) {
                    (AllDown::Closed, AllDown::Declared) => {
                        f.write_str(" (all-down = closed, but not every failure is conclusive)")
                    }
                    (AllDown::LastGood, AllDown::Declared) => f.write_str(" (all-down = last-good, but there is none)"),
                    (AllDown::Declared | AllDown::LastGood | AllDown::Closed, _) => {
                        write!(f, " (all-down = {})", setting.as_str())
                    }
                }
            }
        }
    }
}

impl fmt::Display for Tally {
    /// Prints as in `1 of 2 members up, 1 out by order, needs 2`; a member is called up only if it was tested.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { up, of, untested, .. } = *self;
        let members = if of == 1 { "member" } else { "members" };
        if untested == 0 {
            write!(f, "{up} of {of} {members} up")?;
        } else if untested == of {
            write!(f, "{of} {members} taken as up, not tested")?;
        } else {
            write!(f, "{} of {of} {members} up, {untested} not tested and taken as up", up - untested)?;
        }
        if self.by_order > 0 {
            write!(f, ", {} out by order", self.by_order)?;
        }
        if self.holds {
            return Ok(());
        }
        match self.need {
            Need::Count(need) => {
                write!(f, ", needs {}", usize::try_from(need).unwrap_or(usize::MAX).min(self.of).max(1))
            }
            Need::Share(share) => write!(f, ", needs {} % of the weight", share * 100.0),
        }
    }
}

impl fmt::Display for Better {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { tier, tally, waits } = self;
        match waits {
            Waits::Failed if tally.by_order == 0 => write!(f, "tier {tier} failed: {tally}"),
            Waits::Failed => write!(f, "tier {tier} is out: {tally}"),
            Waits::Proof => write!(f, "tier {tier} is not known to be up yet"),
            Waits::Hold(hold) => write!(f, "tier {tier} must hold for {} first", write_whole(*hold)),
            Waits::Order => write!(f, "tier {tier} waits for the order failback"),
            Waits::Window { hold, from, to } => {
                write!(f, "tier {tier} must hold for {} and waits for the window ", write_whole(*hold))?;
                write!(f, "{:02}:{:02}-{:02}:{:02} UTC", from / 60, from % 60, to / 60, to % 60)
            }
        }
    }
}

impl fmt::Display for Move {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Taken { to } => write!(f, "tier {to} becomes active"),
            Self::Failover { from, to } => write!(f, "failover from tier {from} to tier {to}"),
            Self::Failback { to, held: Some(held), .. } => {
                write!(f, "failback to tier {to}: it held for {}", write_whole(*held))
            }
            Self::Failback { to, held: None, .. } => write!(f, "failback to tier {to} by order"),
            Self::Lost { from } => write!(f, "tier {from} is no longer active, and no other is"),
        }
    }
}

impl fmt::Display for Placement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AsDeclared => f.write_str("as declared"),
            Self::Renumbered(priority) => write!(f, "serving as priority {priority}"),
            Self::FillsHalf(priority) => write!(f, "at priority {priority}: nobody else of its half serves"),
            Self::LastResort => f.write_str("as declared: last resort"),
            Self::BelowMinUp => f.write_str("as declared: too few members are up"),
            Self::AllDown(priority) => write!(f, "at priority {priority}: all members are down"),
            Self::Behind(priority, why) => write!(f, "behind at priority {priority}: {why}"),
            Self::LeftOut(why) => write!(f, "left out: {why}"),
        }
    }
}

impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Down => "down",
            Self::Leaving => "down, as it said that it is leaving",
            Self::Drained => "drained by order",
            Self::Order => "withheld by order",
            Self::Yields => "degraded, others of its tier suffice",
            Self::Waits => "its tier has not failed back yet",
            Self::Hidden => "standby hidden",
            Self::NotLastGood => "not in the last good set",
            Self::Closed => "the service is closed",
        })
    }
}

impl AllDown {
    /// Returns the word of the config.
    const fn as_str(self) -> &'static str {
        match self {
            Self::Declared => "declared",
            Self::LastGood => "last-good",
            Self::Closed => "closed",
        }
    }
}
