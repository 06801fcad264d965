//! The view of a snapshot for one client.

use crate::snapshot::{Lookup, Node, Snapshot, ZoneView};
use crate::zone::{Rrset, Rtype, name};

use super::Context;

/// What a client may see: zones that are not for it lie outside.
#[derive(Clone, Copy)]
pub(super) struct ClientView<'a> {
    snapshot: &'a Snapshot,
    context: Context<'a>,
}

impl<'a> ClientView<'a> {
    pub(super) const fn new(snapshot: &'a Snapshot, context: Context<'a>) -> Self {
        Self { snapshot, context }
    }

    /// Looks a name up.
    pub(super) fn lookup(&self, wire: &[u8], rtype: Rtype) -> Lookup<'a> {
        let found = self.snapshot.lookup(wire, rtype);
        if matches!(found, Lookup::Broken) && self.hides_broken(wire) {
            return Lookup::Outside;
        }
        match zone_of(found) {
            Some(zone) if !self.context.settings.may_ask(zone.origin(), self.context.client.address) => Lookup::Outside,
            Some(_) | None => found,
        }
    }

    /// Returns whether a name lies in a broken zone that is not for this client: of the zones with a list the nearest counts.
    fn hides_broken(&self, wire: &[u8]) -> bool {
        let settings = self.context.settings;
        let above = settings.zones.keys().filter(|origin| name::suffix(wire, origin.wire()).is_some());
        let nearest = above.max_by_key(|origin| origin.wire().len());
        nearest.is_some_and(|origin| !settings.may_ask(origin, self.context.client.address))
    }
}

/// Returns the zone that a lookup ended in.
pub(super) const fn zone_of(found: Lookup<'_>) -> Option<ZoneView<'_>> {
    match found {
        Lookup::Outside | Lookup::Broken => None,
        Lookup::Missing(zone, _)
        | Lookup::Exact(zone, _)
        | Lookup::Wildcard(zone, _)
        | Lookup::Delegated(zone, _)
        | Lookup::Renamed(zone, _) => Some(zone),
    }
}

/// Returns a node's signatures, if they are wanted.
pub(super) fn signatures(node: Node<'_>, wanted: bool) -> Option<&Rrset> {
    if wanted { node.signatures().map(|set| &**set) } else { None }
}
