//! `_xmpp-X` and `_xmpps-X` are one list for clients (XEP-0368): what a half lists that would be left empty.
//!
//! | the half has | it lists (product rule 6) |
//! |---|---|
//! | eligible members in tiers after the serving one | those of the first such tier, as declared |
//! | else other eligible members | them, behind (at most 65535) |
//! | else | its declared members, behind (at most 65535); those withheld by order only if there is no other |

use super::standing::{Standing, half_of, halves};
use super::{Placement, Served};

/// Fills each half that has members but lists none.
pub(super) fn fill(standing: &Standing<'_>, served: Served, placements: &mut [Placement]) {
    for half in 0..halves(standing.pool) {
        let members: Vec<usize> =
            (0..standing.pool.members.len()).filter(|i| half_of(standing.pool, *i) == half).collect();
        if members.iter().any(|i| placements.get(*i).is_some_and(|p| p.lists())) {
            continue;
        }
        for (member, priority) in stand_ins(standing, served, &members) {
            if let Some(placement) = placements.get_mut(member) {
                *placement = Placement::FillsHalf(priority);
            }
        }
    }
}

fn stand_ins(standing: &Standing<'_>, served: Served, members: &[usize]) -> Vec<(usize, u16)> {
    let priority = |i: usize| standing.pool.members.get(i).map_or(0, |m| m.priority);
    let eligible: Vec<usize> =
        members.iter().copied().filter(|i| standing.verdict(*i).serves() && !standing.yields(*i)).collect();
    if let Served::Tier(tier) = served {
        let after = eligible.iter().map(|i| priority(*i)).filter(|p| *p > tier).min();
        if let Some(next) = after {
            return eligible.iter().filter(|i| priority(**i) == next).map(|i| (*i, next)).collect();
        }
    }
    let candidates = if eligible.is_empty() { spare_ordered(standing, members) } else { eligible };
    candidates.into_iter().map(|i| (i, u16::try_from(standing.behind(i)).unwrap_or(u16::MAX))).collect()
}

/// Leaves out the members withheld by order, while another remains.
pub(super) fn spare_ordered(standing: &Standing<'_>, members: &[usize]) -> Vec<usize> {
    let others: Vec<usize> = members.iter().copied().filter(|i| !standing.by_order(*i)).collect();
    if others.is_empty() { members.to_vec() } else { others }
}
