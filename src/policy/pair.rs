//! Pools of two halves: `_xmpp-X` and `_xmpps-X` are one list for clients (XEP-0368), and so are the A and the AAAA
//! addresses of one name. What a half lists if it would be empty:
//!
//! | the half has | services (product rule 6) | addresses (rule 11) |
//! |---|---|---|
//! | eligible members in tiers after the serving one | those of the first such tier, as declared | the same |
//! | else other eligible members | them, behind (at most 65535) | those of their first tier |
//! | else | its declared members, behind (at most 65535) | those of its first tier |
//!
//! Those withheld by order are listed only if there is no other.

use super::tiers::{TierSummary, half_of, halves};
use super::{ActiveTier, Placement};

/// Fills each half that has members but lists none.
pub(super) fn fill(summary: &TierSummary<'_>, served: ActiveTier, placements: &mut [Placement]) {
    for half in 0..halves(summary.pool) {
        let members: Vec<usize> =
            (0..summary.pool.members.len()).filter(|i| half_of(summary.pool, *i) == half).collect();
        if members.iter().any(|i| placements.get(*i).is_some_and(|p| p.lists())) {
            continue;
        }
        for (member, priority) in stand_ins(summary, served, &members) {
            if let Some(placement) = placements.get_mut(member) {
                *placement = Placement::FillsHalf(priority);
            }
        }
    }
}

fn stand_ins(summary: &TierSummary<'_>, served: ActiveTier, members: &[usize]) -> Vec<(usize, u16)> {
    let priority = |i: usize| summary.pool.members.get(i).map_or(0, |m| m.priority);
    let eligible: Vec<usize> =
        members.iter().copied().filter(|i| summary.verdict(*i).serves() && !summary.yields(*i)).collect();
    if let ActiveTier::Tier(tier) = served {
        let after = eligible.iter().map(|i| priority(*i)).filter(|p| *p > tier).min();
        if let Some(next) = after {
            return eligible.iter().filter(|i| priority(**i) == next).map(|i| (*i, next)).collect();
        }
    }
    let candidates = if eligible.is_empty() { spare_ordered(summary, members) } else { eligible };
    if summary.pool.kind.lists_one_tier() {
        let first = candidates.iter().map(|i| priority(*i)).min();
        let listed = candidates.into_iter().filter(|i| Some(priority(*i)) == first);
        return listed.map(|i| (i, priority(i))).collect();
    }
    candidates.into_iter().map(|i| (i, u16::try_from(summary.behind(i)).unwrap_or(u16::MAX))).collect()
}

/// Leaves out the members withheld by order, while another remains.
pub(super) fn spare_ordered(summary: &TierSummary<'_>, members: &[usize]) -> Vec<usize> {
    let others: Vec<usize> = members.iter().copied().filter(|i| !summary.by_order(*i)).collect();
    if others.is_empty() { members.to_vec() } else { others }
}
