//! Addresses of hosts and of names that follow a service (product rules 10 and 11).

use super::{ActiveTier, Decision, Placement, Pool};

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

/// Returns the members whose hosts' effective addresses a following name takes; none at last resort and all down: then,
/// or if none of these hosts lies in the zones, it serves its own declared addresses.
pub fn followed(pool: &Pool, decision: &Decision) -> Vec<usize> {
    let ActiveTier::Tier(tier) = decision.served else { return Vec::new() };
    let served = |place: &Placement| matches!(place, Placement::AsDeclared | Placement::Renumbered(_));
    let members = pool.members.iter().zip(&decision.placements).enumerate();
    members.filter(|(_, (m, place))| m.priority == tier && served(place)).map(|(index, _)| index).collect()
}
