//! The state of a pool's tiers: who is eligible, which tiers hold, who yields (product rules 1 and 4).

use super::{Kind, Need, Pool, Tally};
use crate::health::{By, Verdict};

/// The tiers of a pool as the verdicts leave them.
#[derive(Debug)]
pub(super) struct TierSummary<'a> {
    /// The pool.
    pub(super) pool: &'a Pool,
    /// The tiers, the most preferred first.
    pub(super) tiers: Vec<Tier>,
    verdicts: &'a [Verdict],
    yields: Vec<bool>,
}

/// The members of one priority.
#[derive(Debug)]
pub(super) struct Tier {
    /// The priority.
    pub(super) priority: u16,
    /// Whether it has an eligible member.
    pub(super) eligible: bool,
    /// Whether the members known to be up reach its need.
    pub(super) proven: bool,
    /// Its numbers, and whether it holds.
    pub(super) tally: Tally,
}

/// Which tier is active.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ActiveTier {
    /// The tier of this priority.
    Tier(u16),
    /// The leaving members of all tiers.
    LastResort,
    /// Nobody.
    AllDown,
}

impl<'a> TierSummary<'a> {
    /// Counts the tiers.
    pub(super) fn of(pool: &'a Pool, verdicts: &'a [Verdict]) -> Self {
        let mut priorities: Vec<u16> = pool.members.iter().map(|m| m.priority).collect();
        priorities.sort_unstable();
        priorities.dedup();
        let mut summary = Self {
            pool,
            tiers: Vec::with_capacity(priorities.len()),
            verdicts,
            yields: vec![false; pool.members.len()],
        };
        for priority in priorities {
            let groups: Vec<Vec<usize>> = (0..halves(pool)).map(|half| summary.group(priority, half)).collect();
            let tier = summary.count(priority, &groups);
            summary.tiers.push(tier);
            for group in groups {
                summary.mark_yielding(&group);
            }
        }
        summary
    }

    /// Returns a member's verdict; one that nobody judged may serve, unproven.
    pub(super) fn verdict(&self, member: usize) -> Verdict {
        self.verdicts.get(member).copied().unwrap_or(Verdict::Serve { degraded: false, proven: false, tested: false })
    }

    /// Returns whether a member is degraded and others of its tier (and half) suffice.
    pub(super) fn yields(&self, member: usize) -> bool {
        self.yields.get(member).copied().unwrap_or(false)
    }

    /// Returns the tier of a priority, if it is declared.
    pub(super) fn tier(&self, priority: u16) -> Option<&Tier> {
        self.tiers.iter().find(|t| t.priority == priority)
    }

    /// Returns the first tier that holds, else the first with an eligible member.
    pub(super) fn first(&self) -> Option<&Tier> {
        self.tiers.iter().find(|t| t.tally.holds).or_else(|| self.tiers.iter().find(|t| t.eligible))
    }

    /// Walks over the tiers preferred to that of `priority`.
    pub(super) fn before(&self, priority: u16) -> impl Iterator<Item = &Tier> {
        self.tiers.iter().take_while(move |t| t.priority < priority)
    }

    /// Returns the members that are leaving.
    pub(super) fn leaving(&self) -> Vec<usize> {
        let leaving = |i: &usize| matches!(self.verdict(*i), Verdict::Withhold { leaving: true, .. });
        (0..self.pool.members.len()).filter(leaving).collect()
    }

    /// Returns whether a member is withheld by order.
    pub(super) fn by_order(&self, member: usize) -> bool {
        matches!(self.verdict(member), Verdict::Withhold { by: By::Order, .. })
    }

    /// Returns the priority of a member put behind all declared ones: the highest, plus 1, plus its tier's rank.
    pub(super) fn behind(&self, member: usize) -> usize {
        let priority = self.pool.members.get(member).map_or(0, |m| m.priority);
        let highest = self.tiers.last().map_or(0, |t| usize::from(t.priority));
        highest + 1 + self.before(priority).count()
    }

    fn group(&self, priority: u16, half: usize) -> Vec<usize> {
        let members = self.pool.members.iter().enumerate();
        members.filter(|(i, m)| m.priority == priority && half_of(self.pool, *i) == half).map(|(i, _)| i).collect()
    }

    fn count(&self, priority: u16, groups: &[Vec<usize>]) -> Tier {
        let all: Vec<usize> = groups.iter().flatten().copied().collect();
        let up = all.iter().filter(|i| self.verdict(**i).serves()).count();
        let by_order = all.iter().filter(|i| self.by_order(**i)).count();
        // A tier of a pair or of addresses holds when it holds in one half.
        let reached = |counts: fn(Verdict) -> bool| groups.iter().any(|group| self.reaches(group, counts));
        let untested = all.iter().filter(|i| matches!(self.verdict(**i), Verdict::Serve { tested: false, .. })).count();
        let (need, holds) = (self.pool.settings.min_up, reached(Verdict::serves));
        let tally = Tally { up, of: all.len(), untested, by_order, need, holds };
        let proven = reached(|v| matches!(v, Verdict::Serve { proven: true, .. }));
        Tier { priority, eligible: up > 0, proven, tally }
    }

    /// Returns whether those of `group` that count reach its need.
    fn reaches(&self, group: &[usize], counts: fn(Verdict) -> bool) -> bool {
        let counting = group.iter().filter(|i| counts(self.verdict(**i))).count();
        match self.pool.settings.min_up {
            // At least one, whatever is set: a tier of nobody holds nothing.
            Need::Count(need) => counting >= usize::try_from(need).unwrap_or(usize::MAX).min(group.len()).max(1),
            Need::Share(share) => counting > 0 && self.share(group, counts) >= share - ROUNDING,
        }
    }

    /// Returns the share of `group`'s declared weight (of its count if all weights are 0) that those who count bear.
    fn share(&self, group: &[usize], counts: fn(Verdict) -> bool) -> f64 {
        let weight = |i: &usize| self.pool.members.get(*i).map_or(0, |m| u64::from(m.weight));
        let weightless = group.iter().all(|i| weight(i) == 0);
        let load = |i: &usize| if weightless { 1 } else { weight(i) };
        let total: u64 = group.iter().map(load).sum();
        let bears: u64 = group.iter().filter(|i| counts(self.verdict(**i))).map(load).sum();
        // Both are below 2^53 by far: no rounding.
        bears as f64 / total as f64
    }

    fn mark_yielding(&mut self, group: &[usize]) {
        let undegraded = |v: Verdict| matches!(v, Verdict::Serve { degraded: false, .. });
        let suffices = self.reaches(group, undegraded) && self.share(group, undegraded) >= HALF;
        for &member in group.iter().filter(|_| suffices) {
            let degraded = matches!(self.verdict(member), Verdict::Serve { degraded: true, .. });
            if let Some(yields) = self.yields.get_mut(member) {
                *yields = degraded;
            }
        }
    }
}

/// Returns how many sets a pool fills.
pub(super) fn halves(pool: &Pool) -> usize {
    match pool.kind {
        Kind::Pair | Kind::Addresses => 2,
        Kind::Service | Kind::Alias => 1,
    }
}

/// Returns the half that a member belongs to.
pub(super) fn half_of(pool: &Pool, member: usize) -> usize {
    pool.members.get(member).map_or(0, |m| usize::from(m.half)).min(halves(pool) - 1)
}

/// A degraded member yields only if the others bear this share of the tier's weight.
const HALF: f64 = 0.5;

/// Shares come from decimal fractions: 0.7 of 10 is 7, not a little more.
const ROUNDING: f64 = 1e-9;
