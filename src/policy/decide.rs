//! What a pool answers now: the active tier, and the reason (product rule 2).
//!
//! *Eligible* is a member whose verdict is serve. A tier *holds* when its eligible members reach its need. *First* is the
//! first tier that holds, else the first with an eligible member. *Current* is the tier in memory.
//!
//! | situation (the first that fits) | served | [`Move`] |
//! |---|---|---|
//! | nothing eligible, some leaving | last resort | `Lost`, if there was a current tier |
//! | nothing eligible, none leaving | all down | `Lost`, if there was a current tier |
//! | no current, or gone by reload | first | `Taken` |
//! | current does not hold | first, at once | `Failover`, if that is another tier |
//! | current holds, better ones ripe | the most preferred ripe one | `Failback` |
//! | current holds, else | current | – |
//!
//! A tier that does not hold may hand over to a better one that is still ripening: then a tier must be active
//! immediately, so it is a failover, not a failback, and does not start the period in which flaps are counted.
//! `placing` has the position of each member, `failback` the ripening.

use std::time::Duration;

use super::tiers::{ActiveTier, TierSummary, half_of, halves};
use super::{
    AllDown, BelowMinUp, Better, Listed, Move, Placement, Pool, PoolState, Reason, Tally, failback, pair, placing,
};
use crate::base::clock::{Mono, Now};
use crate::health::Verdict;

/// All that a decision is made of.
#[derive(Clone, Copy, Debug)]
pub struct Ask<'a> {
    /// The pool.
    pub pool: &'a Pool,
    /// The verdict of each member, in the order of [`Pool::members`].
    pub verdicts: &'a [Verdict],
    /// What the last answer left.
    pub memory: &'a PoolState,
    /// What made us ask.
    pub trigger: Trigger,
    /// Whether the order `failback` is waiting to be used.
    pub failback_ordered: bool,
    /// The time.
    pub now: Now,
}

/// What made us ask; a failover counts as a flap only by [`Trigger::Health`].
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
    pub memory: PoolState,
    /// How the active tier changed, if it did; for the log.
    pub moved: Option<Move>,
    /// How long until time alone may change the decision.
    pub again: Option<Duration>,
    /// How long until a failback is due if all stays as it is; TTLs are unsettled one settled TTL before.
    pub failback_due: Option<Duration>,
    /// The tier that fails back then, and since when it holds.
    pub holding: Option<(u16, Mono)>,
    /// Whether the order `failback` was used up.
    pub failback_used: bool,
}

/// What a pool answers, with its reason. It holds no passing time, so an equal decision means that nothing changed.
#[derive(Clone, Debug, PartialEq)]
pub struct Decision {
    /// Which tier is active.
    pub served: ActiveTier,
    /// What is listed: by half, in declared order.
    pub listed: Vec<Vec<Listed>>,
    /// Whether every half is exactly `0 0 0 .`; then nothing is listed.
    pub closed: bool,
    /// Why each member is where it is, in the order of [`Pool::members`].
    pub placements: Vec<Placement>,
    /// Why it is so.
    pub reason: Reason,
}

impl Decision {
    /// Returns whether `other` puts the same records into the answer, whatever its reason.
    pub fn same_records(&self, other: &Self) -> bool {
        self.closed == other.closed && self.listed == other.listed
    }
}

/// Decides what the pool answers now. Pure; asked again at the same time with the memory it left, it decides the same.
pub fn decide(ask: &Ask<'_>) -> Answer {
    let summary = TierSummary::of(ask.pool, ask.verdicts);
    let mut memory = ask.memory.clone();
    if ask.trigger == Trigger::Start {
        memory.holding.clear();
    }
    memory.current = memory.current.filter(|tier| summary.tier(*tier).is_some());
    let served = choose(&summary, &memory, ask);
    let moved = tell_move(&memory, served, &summary, ask);
    remember(&mut memory, served, moved, &summary, ask);
    let (placements, reason) = place(&summary, served, &memory);
    let decision = assemble(&summary, served, placements, reason);
    if matches!(decision.reason, Reason::Tier { lists_all: false, .. }) {
        memory.last_good = Some(decision.listed.concat());
    }
    let due = |holding: &(u16, Mono)| {
        Some((failback::ripe_in(&ask.pool.settings, memory.flaps, holding.1, ask.now)?, *holding))
    };
    let (failback_due, holding) = memory.holding.iter().filter_map(due).min().unzip();
    Answer {
        failback_used: ask.failback_ordered && uses_order(&summary, served, moved),
        decision,
        memory,
        moved,
        again: failback_due,
        failback_due,
        holding,
    }
}

/// Returns whether going from one list of verdicts to another takes the last eligible member (`--last`).
pub fn takes_last(before: &[Verdict], after: &[Verdict]) -> bool {
    before.iter().any(|v| v.serves()) && !after.iter().any(|v| v.serves())
}

/// Chooses who serves: the first row that fits.
fn choose(summary: &TierSummary<'_>, memory: &PoolState, ask: &Ask<'_>) -> ActiveTier {
    let Some(first) = summary.first() else {
        return if summary.leaving().is_empty() { ActiveTier::AllDown } else { ActiveTier::LastResort };
    };
    let current = memory.current.and_then(|tier| summary.tier(tier));
    let Some(current) = current.filter(|tier| tier.tally.holds) else {
        return ActiveTier::Tier(first.priority);
    };
    ActiveTier::Tier(ripe(summary, memory, current.priority, ask).map_or(current.priority, |(tier, _)| tier))
}

/// Returns the most preferred ripe tier before the current one, and how long it has held.
fn ripe(summary: &TierSummary<'_>, memory: &PoolState, current: u16, ask: &Ask<'_>) -> Option<(u16, Duration)> {
    let settings = &ask.pool.settings;
    let is_ripe = |since| {
        ask.failback_ordered || failback::ripe_in(settings, memory.flaps, since, ask.now) == Some(Duration::ZERO)
    };
    let holding = failback::hold_on(summary, current, &memory.holding, ask.now.mono);
    let (tier, since) = holding.into_iter().find(|(_, since)| is_ripe(*since))?;
    Some((tier, ask.now.mono.since(since)))
}

/// Tells how the active tier changed, if it did.
fn tell_move(memory: &PoolState, served: ActiveTier, summary: &TierSummary<'_>, ask: &Ask<'_>) -> Option<Move> {
    match (memory.current, served) {
        (None, ActiveTier::Tier(to)) => Some(Move::Taken { to }),
        (Some(from), ActiveTier::Tier(to)) if from == to => None,
        (Some(from), ActiveTier::Tier(to)) if summary.tier(from).is_some_and(|tier| tier.tally.holds) => {
            let held = ripe(summary, memory, from, ask).map(|(_, held)| held).filter(|_| !ask.failback_ordered);
            Some(Move::Failback { from, to, held })
        }
        (Some(from), ActiveTier::Tier(to)) => Some(Move::Failover { from, to }),
        (Some(from), ActiveTier::LastResort | ActiveTier::AllDown) => Some(Move::Lost { from }),
        (None, ActiveTier::LastResort | ActiveTier::AllDown) => None,
    }
}

fn remember(memory: &mut PoolState, served: ActiveTier, moved: Option<Move>, summary: &TierSummary<'_>, ask: &Ask<'_>) {
    match moved {
        Some(Move::Failback { .. }) => memory.last_failback = Some(ask.now.mono),
        Some(Move::Failover { .. }) if ask.trigger == Trigger::Health => failback::flap(memory, ask.now.mono),
        Some(Move::Failover { .. } | Move::Taken { .. } | Move::Lost { .. }) | None => {}
    }
    match served {
        ActiveTier::Tier(tier) => {
            memory.current = Some(tier);
            memory.holding = failback::hold_on(summary, tier, &memory.holding, ask.now.mono);
        }
        ActiveTier::LastResort | ActiveTier::AllDown => {
            memory.current = None;
            memory.holding.clear();
        }
    }
}

/// The order is used up by a failback, and where there is nothing to go back to: it must not lie in wait.
fn uses_order(summary: &TierSummary<'_>, served: ActiveTier, moved: Option<Move>) -> bool {
    let best = summary.tiers.first().map(|tier| ActiveTier::Tier(tier.priority));
    matches!(moved, Some(Move::Failback { .. })) || Some(served) == best
}

fn place(summary: &TierSummary<'_>, served: ActiveTier, memory: &PoolState) -> (Vec<Placement>, Reason) {
    let settings = &summary.pool.settings;
    let (mut placements, reason) = match served {
        ActiveTier::Tier(tier) => {
            let better = summary.before(tier).map(|t| Better {
                tier: t.priority,
                tally: t.tally,
                waits: failback::waits(settings, memory.flaps, t),
            });
            let tally = summary.tier(tier).map_or_else(|| Tally::none(settings.min_up), |t| t.tally);
            // The first tier that holds serves: if this one does not, none does.
            let lists_all = !tally.holds && settings.below_min_up == BelowMinUp::All;
            let placements =
                if lists_all { placing::place_all(summary, tier) } else { placing::place_tier(summary, tier) };
            (placements, Reason::Tier { tier, tally, better: better.collect(), lists_all })
        }
        ActiveTier::LastResort => {
            (placing::place_last_resort(summary), Reason::LastResort { leaving: summary.leaving().len() })
        }
        ActiveTier::AllDown => {
            let (placements, shown) = placing::place_all_down(summary, memory.last_good.as_deref());
            return (placements, Reason::AllDown { setting: settings.all_down, shown });
        }
    };
    pair::fill(summary, served, &mut placements);
    (placements, reason)
}

fn assemble(summary: &TierSummary<'_>, served: ActiveTier, placements: Vec<Placement>, reason: Reason) -> Decision {
    let mut listed = vec![Vec::new(); halves(summary.pool)];
    for (index, (member, placement)) in summary.pool.members.iter().zip(&placements).enumerate() {
        if let (Some(priority), Some(half)) =
            (placement.priority(member.priority), listed.get_mut(half_of(summary.pool, index)))
        {
            half.push(Listed { member: index, priority, weight: member.weight });
        }
    }
    let closed = matches!(reason, Reason::AllDown { shown: AllDown::Closed, .. });
    Decision { served, listed, closed, placements, reason }
}
