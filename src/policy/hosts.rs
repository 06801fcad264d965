//! Addresses of hosts and of names that follow a service (product rules 10 and 11).

use std::collections::BTreeMap;

use super::{ActiveTier, Decision, Member, Placement, Pool, Why};

/// What counts of one address of a host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HostAddress {
    /// Whether there are targets on it and every one is withheld.
    pub withheld: bool,
    /// Whether a target on it is known and serves.
    pub known_serving: bool,
}

/// Returns which addresses of a host (both families together) stay in its A and AAAA sets, in the given order.
pub fn stay(addresses: &[HostAddress]) -> Vec<bool> {
    let another = addresses.iter().any(|a| a.known_serving);
    addresses.iter().map(|a| a.known_serving || !(a.withheld && another)).collect()
}

/// Returns the members whose hosts' effective addresses a following name may take, the serving tier first, then the
/// eligible ones of each tier after it: of each family it takes those of the first tier that has any. None at last
/// resort and all down: then, or if none of these hosts has one, it serves its own declared addresses.
pub fn followed(pool: &Pool, decision: &Decision) -> Vec<Vec<usize>> {
    let ActiveTier::Tier(serving) = decision.served else { return Vec::new() };
    let counts = |member: &Member, place: &Placement| match place {
        Placement::AsDeclared | Placement::Renumbered(_) => member.priority >= serving,
        Placement::LeftOut(Why::Hidden) => member.priority > serving,
        // A half that would be empty lists its first eligible tier as declared, and others behind all that is declared.
        Placement::FillsHalf(priority) => member.priority > serving && *priority == member.priority,
        Placement::LastResort | Placement::AllDown(_) | Placement::BelowMinUp => false,
        Placement::Behind(..) | Placement::LeftOut(_) => false,
    };
    let mut tiers: BTreeMap<u16, Vec<usize>> = BTreeMap::new();
    for (index, (member, place)) in pool.members.iter().zip(&decision.placements).enumerate() {
        if counts(member, place) {
            tiers.entry(member.priority).or_default().push(index);
        }
    }
    tiers.into_values().collect()
}
