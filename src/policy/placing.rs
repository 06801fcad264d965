//! The position of each member in the answer, given the active tier (product rules 4, 5 and 7).
//!
//! A tier serves:
//!
//! | member | `failed = "withdraw"` | `"demote"` |
//! |---|---|---|
//! | eligible, serving tier | as declared, or renumbered | the same |
//! | eligible, later tier | as declared; left out with `standby = "hidden"` | as declared |
//! | yielding; eligible in a tier before the serving one | left out | behind |
//! | withheld by health | left out | behind |
//! | withheld by order | left out | left out |
//!
//! *Behind* is the highest declared priority + 1 + the rank of the tier, counted from 0; above 65535 left out. Of tiers of
//! addresses, and of the names behind an alias, which have no priorities to tell clients, only the serving one is listed. Halves that would be left empty
//! are filled in `pair`.
//!
//! No tier holds, and `below-min-up = "all"`: all are listed as declared, of addresses and aliases those of the serving tier; what is
//! withheld by order is left out.
//!
//! Nobody serves:
//!
//! | | listed |
//! |---|---|
//! | last resort | the leaving members, as declared; of addresses (of each family) and aliases those of the first tier that has any |
//! | all down, `declared` | the declared set |
//! | `last-good` | the last set that a tier served, else the declared one |
//! | `closed` | nothing, if every member is down by conclusive failure or order; else the declared set |
//! | of addresses, of an alias | the first tier (of each family), whatever is set |
//!
//! In all-down sets, members withheld by order stay out while another member of the half remains.

use super::pair::spare_ordered;
use super::tiers::{TierSummary, half_of, halves};
use super::{AllDown, Failed, Kind, Listed, Member, Placement, Promote, Standby, Why};
use crate::health::{By, Verdict};

/// Places every member while the tier of `serving` serves.
pub(super) fn place_tier(summary: &TierSummary<'_>, serving: u16) -> Vec<Placement> {
    let lowest = summary.tiers.first().map_or(serving, |t| t.priority);
    let members = summary.pool.members.iter().enumerate();
    members
        .map(|(i, member)| match summary.verdict(i) {
            Verdict::Serve { .. } if member.priority < serving => spare(summary, i, Why::Waits),
            Verdict::Serve { .. } if member.priority > serving && hides(summary) => Placement::LeftOut(Why::Hidden),
            Verdict::Serve { .. } if summary.yields(i) => spare(summary, i, Why::Yields),
            Verdict::Serve { .. } => match summary.pool.settings.promote {
                Promote::Renumber if member.priority == serving && serving != lowest => Placement::Renumbered(lowest),
                Promote::Renumber | Promote::AsDeclared => Placement::AsDeclared,
            },
            withheld @ Verdict::Withhold { by: By::Health, .. } => spare(summary, i, why_withheld(withheld)),
            withheld @ Verdict::Withhold { by: By::Order, .. } => Placement::LeftOut(why_withheld(withheld)),
        })
        .collect()
}

/// Places every member while no tier holds and all are wanted then; the tier of `serving` has somebody who is up.
pub(super) fn place_all(summary: &TierSummary<'_>, serving: u16) -> Vec<Placement> {
    let is_elsewhere = |priority| summary.pool.kind.lists_one_tier() && priority != serving;
    let place = |(i, member): (usize, &Member)| match summary.verdict(i) {
        withheld @ Verdict::Withhold { by: By::Order, .. } => Placement::LeftOut(why_withheld(withheld)),
        withheld @ Verdict::Withhold { by: By::Health, .. } if is_elsewhere(member.priority) => {
            Placement::LeftOut(why_withheld(withheld))
        }
        Verdict::Withhold { by: By::Health, .. } => Placement::BelowMinUp,
        Verdict::Serve { .. } if is_elsewhere(member.priority) => Placement::LeftOut(Why::Hidden),
        Verdict::Serve { .. } => Placement::AsDeclared,
    };
    summary.pool.members.iter().enumerate().map(place).collect()
}

/// Places every member at last resort.
pub(super) fn place_last_resort(summary: &TierSummary<'_>) -> Vec<Placement> {
    let leaving = summary.leaving();
    let priority = |i: usize| summary.pool.members.get(i).map(|m| m.priority);
    let half = |i: usize| half_of(summary.pool, i);
    let first = |of: usize| leaving.iter().filter(|i| half(**i) == half(of)).filter_map(|i| priority(*i)).min();
    let listed = |i: usize| match summary.pool.kind {
        Kind::Addresses | Kind::Alias => leaving.contains(&i) && priority(i) == first(i),
        Kind::Service | Kind::Pair => leaving.contains(&i),
    };
    let place =
        |i| if listed(i) { Placement::LastResort } else { Placement::LeftOut(why_withheld(summary.verdict(i))) };
    (0..summary.pool.members.len()).map(place).collect()
}

/// Places every member while all are down; returns too what is really shown of the three ways.
pub(super) fn place_all_down(summary: &TierSummary<'_>, last_good: Option<&[Listed]>) -> (Vec<Placement>, AllDown) {
    let pool = summary.pool;
    let setting = if pool.kind.lists_one_tier() { AllDown::Declared } else { pool.settings.all_down };
    let last_good = last_good.filter(|_| setting == AllDown::LastGood).unwrap_or_default();
    if setting == AllDown::Closed && (0..pool.members.len()).all(|i| down_for_sure(summary.verdict(i))) {
        return (vec![Placement::LeftOut(Why::Closed); pool.members.len()], AllDown::Closed);
    }
    let mut shown = AllDown::Declared;
    let mut chosen = vec![None; pool.members.len()];
    for half in 0..halves(pool) {
        let (set, from) = all_down_set(summary, last_good, half);
        if from == AllDown::LastGood {
            shown = from;
        }
        for (member, priority) in set {
            if let Some(place) = chosen.get_mut(member) {
                *place = Some(priority);
            }
        }
    }
    let left_out = |i| {
        let why = if summary.by_order(i) || shown == AllDown::Declared {
            why_withheld(summary.verdict(i))
        } else {
            Why::NotLastGood
        };
        Placement::LeftOut(why)
    };
    let place = |(i, priority): (usize, Option<u16>)| priority.map_or_else(|| left_out(i), Placement::AllDown);
    (chosen.into_iter().enumerate().map(place).collect(), shown)
}

/// Chooses what one half lists while all are down, with priorities.
fn all_down_set(summary: &TierSummary<'_>, last_good: &[Listed], half: usize) -> (Vec<(usize, u16)>, AllDown) {
    let pool = summary.pool;
    let good = last_good.iter().filter(|l| l.member < pool.members.len() && half_of(pool, l.member) == half);
    let good: Vec<(usize, u16)> = good.map(|l| (l.member, l.priority)).collect();
    let good_unordered: Vec<(usize, u16)> = good.iter().copied().filter(|(i, _)| !summary.by_order(*i)).collect();
    let members: Vec<usize> = (0..pool.members.len()).filter(|i| half_of(pool, *i) == half).collect();
    let remaining = spare_ordered(summary, &members);
    let all_ordered = remaining.iter().all(|i| summary.by_order(*i));
    if !good_unordered.is_empty() {
        return (good_unordered, AllDown::LastGood);
    }
    if !good.is_empty() && all_ordered {
        return (good, AllDown::LastGood);
    }
    let priority = |i: usize| pool.members.get(i).map_or(0, |m| m.priority);
    let first = remaining.iter().map(|i| priority(*i)).min();
    let listed = |i: &usize| !pool.kind.lists_one_tier() || Some(priority(*i)) == first;
    (remaining.into_iter().filter(listed).map(|i| (i, priority(i))).collect(), AllDown::Declared)
}

fn hides(summary: &TierSummary<'_>) -> bool {
    summary.pool.kind.lists_one_tier() || summary.pool.settings.standby == Standby::Hidden
}

/// Leaves a member out, or puts it behind.
fn spare(summary: &TierSummary<'_>, member: usize, why: Why) -> Placement {
    let behind = u16::try_from(summary.behind(member)).ok();
    match (summary.pool.settings.failed, summary.pool.kind, behind) {
        (Failed::Demote, Kind::Service | Kind::Pair, Some(priority)) => Placement::Behind(priority, why),
        (Failed::Demote | Failed::Withdraw, ..) => Placement::LeftOut(why),
    }
}

fn why_withheld(verdict: Verdict) -> Why {
    match verdict {
        Verdict::Withhold { by: By::Health, leaving: true, .. } => Why::Leaving,
        Verdict::Withhold { by: By::Order, leaving: true, .. } => Why::Drained,
        Verdict::Withhold { by: By::Order, leaving: false, .. } => Why::Order,
        Verdict::Withhold { by: By::Health, leaving: false, .. } | Verdict::Serve { .. } => Why::Down,
    }
}

fn down_for_sure(verdict: Verdict) -> bool {
    match verdict {
        Verdict::Serve { .. } => false,
        Verdict::Withhold { by: By::Health, conclusive, .. } => conclusive,
        Verdict::Withhold { by: By::Order, .. } => true,
    }
}
