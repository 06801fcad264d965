//! The names of zones, indexed for many lookups: what exists, what is occluded, where addresses are.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use crate::zone::{Name, Rrset, Rtype, Zone};

/// The names of one zone.
#[derive(Debug)]
pub(super) struct Tree<'a> {
    /// The zone.
    pub(super) zone: &'a Zone,
    /// The sets of each owner name: the lint asks for many names, and a zone is large.
    nodes: HashMap<&'a Name, &'a [Arc<Rrset>]>,
    /// Names above a record that own none (RFC 4592 §2.2.2).
    empty: HashSet<Name>,
    /// The names of delegations and DNAMEs, which take what is below them out of the zone.
    cuts: HashMap<&'a Name, Rtype>,
}

/// The zones that are looked at together.
#[derive(Debug)]
pub(super) struct Forest<'a> {
    /// The trees, in the order of the zones.
    pub(super) trees: Vec<Tree<'a>>,
    by_origin: HashMap<&'a Name, usize>,
}

/// What a query for a name's addresses would meet in its zone.
pub(super) enum Fate<'a> {
    /// The name lies outside of the zone, or below a delegation within it.
    Outside,
    /// A DNAME at this name covers it.
    Dname(Name),
    /// A CNAME.
    Alias(&'a Rrset),
    /// Addresses; `wildcard` if they stand at a wildcard.
    Addresses {
        /// The name at which they stand.
        owner: Name,
        /// Whether that name is a wildcard.
        wildcard: bool,
    },
    /// No address.
    Nothing,
}

impl<'a> Forest<'a> {
    /// Prepares zones; of two with one origin the first counts for the others.
    pub(super) fn new(zones: impl Iterator<Item = &'a Zone>) -> Self {
        let trees: Vec<Tree<'a>> = zones.map(Tree::new).collect();
        let mut by_origin = HashMap::new();
        for (place, tree) in trees.iter().enumerate() {
            by_origin.entry(tree.zone.origin()).or_insert(place);
        }
        Self { trees, by_origin }
    }

    /// Returns the zone that a name lies in: the one with the deepest origin.
    pub(super) fn tree_of(&self, name: &Name) -> Option<&Tree<'a>> {
        let place = match self.by_origin.get(name) {
            Some(place) => Some(place),
            None => std::iter::successors(name.parent(), Name::parent).find_map(|above| self.by_origin.get(&above)),
        };
        self.trees.get(*place?)
    }
}

impl<'a> Tree<'a> {
    /// Walks over the zone once.
    fn new(zone: &'a Zone) -> Self {
        let nodes: HashMap<&Name, &[Arc<Rrset>]> = zone.nodes().collect();
        let (mut empty, mut cuts) = (HashSet::new(), HashMap::new());
        for (owner, rrsets) in zone.nodes() {
            note_ancestors(&mut empty, &nodes, owner, zone.origin());
            let has = |rtype| rrsets.iter().any(|set| set.rtype() == rtype);
            if has(Rtype::DNAME) {
                cuts.insert(owner, Rtype::DNAME);
            } else if owner != zone.origin() && has(Rtype::NS) {
                cuts.insert(owner, Rtype::NS);
            }
        }
        Self { zone, nodes, empty, cuts }
    }

    /// Returns what a query for the addresses of `name` would meet.
    pub(super) fn fate(&self, name: &Name) -> Fate<'a> {
        if !name.is_within(self.zone.origin()) {
            return Fate::Outside;
        }
        match self.cover(name) {
            Some((_, Rtype::NS)) => return Fate::Outside,
            Some((at, _)) => return Fate::Dname(at),
            None => {}
        }
        if self.cuts.get(name) == Some(&Rtype::NS) {
            return Fate::Outside;
        }
        if self.exists(name) {
            return self.addresses_at(name.clone());
        }
        let mut encloser = name.parent();
        while let Some(ancestor) = encloser {
            if self.exists(&ancestor) {
                return ancestor.child(b"*").map_or(Fate::Nothing, |wildcard| self.addresses_at(wildcard));
            }
            encloser = ancestor.parent();
        }
        Fate::Nothing
    }

    /// Returns one set.
    pub(super) fn rrset(&self, owner: &Name, rtype: Rtype) -> Option<&'a Arc<Rrset>> {
        self.nodes.get(owner)?.iter().find(|set| set.rtype() == rtype)
    }

    /// Returns the delegation or DNAME above `name` that takes it out of the zone's own data, with its type.
    pub(super) fn cover(&self, name: &Name) -> Option<(Name, Rtype)> {
        let mut above = name.parent().filter(|_| !self.cuts.is_empty());
        let mut highest = None;
        while let Some(ancestor) = above {
            if let Some((at, rtype)) = self.cuts.get_key_value(&ancestor) {
                highest = Some(((*at).clone(), *rtype));
            }
            above = ancestor.parent();
        }
        highest
    }

    fn exists(&self, name: &Name) -> bool {
        self.nodes.contains_key(name) || self.empty.contains(name)
    }

    fn addresses_at(&self, owner: Name) -> Fate<'a> {
        if let Some(alias) = self.rrset(&owner, Rtype::CNAME) {
            return Fate::Alias(alias);
        }
        if [Rtype::A, Rtype::AAAA].iter().any(|rtype| self.rrset(&owner, *rtype).is_some()) {
            return Fate::Addresses { wildcard: owner.is_wildcard(), owner };
        }
        Fate::Nothing
    }
}

fn note_ancestors(empty: &mut HashSet<Name>, nodes: &HashMap<&Name, &[Arc<Rrset>]>, owner: &Name, origin: &Name) {
    let mut next = owner.parent().filter(|_| owner != origin);
    while let Some(name) = next.filter(|name| !nodes.contains_key(name)) {
        next = name.parent();
        if !empty.insert(name) {
            break;
        }
    }
}
