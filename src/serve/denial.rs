//! The proof that something does not exist, in the authority section (RFC 4035 §3.1.3, RFC 5155 §7.2).

use crate::snapshot::{Denial, Node, Nsec3Chain, NsecChain, ZoneView};
use crate::zone::{Rtype, name};

use super::plan::{Item, Owner, Plan};
use super::view::signatures;

/// What does not exist.
#[derive(Clone, Copy, Debug)]
pub(super) enum Absence<'a> {
    /// The name, and a wildcard for it; with its closest encloser.
    Name(Node<'a>),
    /// The type that was asked, at this name; DS, at a cut.
    Type(Node<'a>),
    /// The name; this wildcard answers for it.
    Covered(Node<'a>),
    /// The name; this wildcard answers for it, but has no such type.
    CoveredType(Node<'a>),
}

/// Proves an absence at or below `name`, if the zone can; nobody is told who did not set the DO bit.
pub(super) fn prove<'a>(plan: &mut Plan<'a>, zone: ZoneView<'a>, name: &[u8], absence: Absence<'a>) {
    match zone.denial() {
        Denial::Unsigned => {}
        Denial::Nsec(chain) => by_names(plan, chain, name, absence),
        Denial::Nsec3(chain) => by_hashes(plan, zone, chain, name, absence),
    }
}

fn by_names<'a>(plan: &mut Plan<'a>, chain: NsecChain<'a>, name: &[u8], absence: Absence<'a>) {
    match absence {
        Absence::Name(encloser) => {
            add(plan, chain.at_or_before(name), Rtype::NSEC);
            add(plan, chain.at_or_before(&wildcard_of(encloser.owner().wire())), Rtype::NSEC);
        }
        // An empty non-terminal has no record: the one before it ends below it.
        Absence::Type(node) => add(plan, chain.at_or_before(node.owner().wire()), Rtype::NSEC),
        Absence::Covered(_) => add(plan, chain.at_or_before(name), Rtype::NSEC),
        Absence::CoveredType(wildcard) => {
            add(plan, chain.at_or_before(wildcard.owner().wire()), Rtype::NSEC);
            add(plan, chain.at_or_before(name), Rtype::NSEC);
        }
    }
}

fn by_hashes<'a>(plan: &mut Plan<'a>, zone: ZoneView<'a>, chain: Nsec3Chain<'a>, name: &[u8], absence: Absence<'a>) {
    match absence {
        Absence::Name(encloser) => {
            let encloser = enclose(plan, zone, chain, name, encloser.owner().wire().len());
            add(plan, chain.covering(&wildcard_of(encloser)), Rtype::NSEC3);
        }
        Absence::Type(node) => {
            let wire = node.owner().wire();
            match chain.matching(wire) {
                Some(found) => add(plan, Some(found), Rtype::NSEC3),
                // RFC 5155 §7.2.4: opt-out leaves names without a record.
                None => _ = enclose(plan, zone, chain, wire, parent(wire).len()),
            }
        }
        Absence::Covered(wildcard) => {
            let (next_closer, _) = split(name, parent(wildcard.owner().wire()).len());
            add(plan, chain.covering(next_closer), Rtype::NSEC3);
        }
        Absence::CoveredType(wildcard) => {
            let wire = wildcard.owner().wire();
            enclose(plan, zone, chain, name, parent(wire).len());
            add(plan, chain.matching(wire), Rtype::NSEC3);
        }
    }
}

/// Adds the closest provable encloser proof (RFC 5155 §7.2.1), from the closest encloser upward: one that exists but
/// for opt-out has no record. Returns the encloser.
fn enclose<'a, 'n>(
    plan: &mut Plan<'a>,
    zone: ZoneView<'a>,
    chain: Nsec3Chain<'a>,
    name: &'n [u8],
    encloser_length: usize,
) -> &'n [u8] {
    let (mut next_closer, mut encloser) = split(name, encloser_length);
    while encloser.len() >= zone.origin().wire().len() {
        if let Some(found) = chain.matching(encloser) {
            add(plan, Some(found), Rtype::NSEC3);
            add(plan, chain.covering(next_closer), Rtype::NSEC3);
            break;
        }
        if encloser.len() <= 1 {
            break;
        }
        (next_closer, encloser) = (encloser, parent(encloser));
    }
    encloser
}

/// Adds the chain's record of a node once.
fn add<'a>(plan: &mut Plan<'a>, node: Option<Node<'a>>, rtype: Rtype) {
    let Some((node, set)) = node.and_then(|node| Some((node, node.records(rtype)?))) else { return };
    if !plan.authority.iter().any(|item| item.is(set)) {
        let item = Item::of(Owner::Wire(node.owner().wire()), set);
        plan.authority.push(Item { signatures: signatures(node, true), ..item });
    }
}

/// Returns the ancestor of a name that has so many octets, and the name one label below it on the way.
fn split(name: &[u8], ancestor_length: usize) -> (&[u8], &[u8]) {
    let (mut below, mut at) = (name, name);
    while at.len() > ancestor_length.max(1) {
        (below, at) = (at, parent(at));
    }
    (below, at)
}

fn parent(wire: &[u8]) -> &[u8] {
    let first = wire.first().map_or(0, |length| usize::from(*length) + 1);
    wire.get(first..).filter(|rest| !rest.is_empty()).unwrap_or(&[0])
}

/// Returns `*` below a name; one that would be too long is the name itself, below which there is nothing to deny.
fn wildcard_of(wire: &[u8]) -> Wildcard {
    let length = wire.len() + 2;
    let mut made = Wildcard { octets: [0; name::MAX_NAME], length: length.min(name::MAX_NAME) };
    let place = if length <= name::MAX_NAME { 2 } else { 0 };
    if let Some(rest) = made.octets.get_mut(place..place + wire.len()) {
        rest.copy_from_slice(wire);
    }
    if let (2, Some(first)) = (place, made.octets.first_chunk_mut::<2>()) {
        *first = *b"\x01*";
    }
    made
}

struct Wildcard {
    octets: [u8; name::MAX_NAME],
    length: usize,
}

impl std::ops::Deref for Wildcard {
    type Target = [u8];
    fn deref(&self) -> &[u8] {
        self.octets.get(..self.length).unwrap_or(&[0])
    }
}
