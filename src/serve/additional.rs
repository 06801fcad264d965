//! The additional section: addresses of the hosts that an answer names, and glue.

use crate::snapshot::{Lookup, Node, ZoneView};
use crate::zone::{Rrset, Rtype, name};

use super::plan::{Data, Item, Owner, Plan};
use super::query::QueryView;
use super::view::{ClientView, signatures};

/// Adds what a client will ask next of the names in the answer, as far as this server has authority for them: the
/// addresses of every host; behind a NAPTR record what its flag tells (RFC 3403 §4.2), behind an alias of SVCB or
/// HTTPS the target's own set and its addresses, with which clients go on without one (RFC 9460 §3, §4.1).
pub(super) fn add_targets<'a>(snapshot: ClientView<'a>, query: &QueryView<'a>, plan: &mut Plan<'a>) {
    // Addresses name no further hosts: the section does not feed itself.
    for number in 0..plan.answer.len() {
        let Some(&item) = plan.answer.iter().nth(number) else { break };
        let Data::Set(set) = item.data else { continue };
        let rtype = set.rtype();
        for rdata in set.rdatas() {
            if plan.is_full() {
                return;
            }
            let Some(target) = host(rtype, rdata) else { continue };
            let own = name::labels(target).next().is_none();
            match (next(rtype, rdata), item.owner) {
                (Next::Set(next), _) => {
                    add_next(snapshot, query, plan, next, target);
                    if is_binding(next) {
                        add_host(snapshot, query, plan, rtype, target);
                    }
                }
                (Next::Nothing, _) => {}
                (Next::Addresses, _) if !own => add_host(snapshot, query, plan, rtype, target),
                // RFC 9460 §2.5.2: in service mode "." is the owner itself.
                (Next::Addresses, Owner::Wire(owner)) if is_binding(rtype) => {
                    add_host(snapshot, query, plan, rtype, owner);
                }
                (Next::Addresses, Owner::Question) if is_binding(rtype) => {
                    let owner = query.question.map_or([0].as_slice(), |question| question.name);
                    add_host(snapshot, query, plan, rtype, owner);
                }
                (Next::Addresses, _) => {}
            }
        }
    }
}

/// Adds the addresses of a cut's servers (RFC 9471 §3): those in the delegated domain itself must be in the answer,
/// those elsewhere help.
pub(super) fn add_glue<'a>(
    snapshot: ClientView<'a>,
    query: &QueryView<'a>,
    plan: &mut Plan<'a>,
    zone: ZoneView<'a>,
    cut: Node<'a>,
) {
    let Some(servers) = cut.records(Rtype::NS) else { return };
    let in_domain = |target: &[u8]| name::suffix(target, cut.owner().wire()).is_some();
    for target in servers.rdatas().filter(|target| in_domain(target)) {
        if plan.room.is_none() {
            return;
        }
        if let Some(node) = zone.occluded(target) {
            add_addresses(query, plan, target, node, true);
        }
    }
    for target in servers.rdatas().filter(|target| !in_domain(target)) {
        if plan.is_full() {
            return;
        }
        match zone.occluded(target) {
            Some(node) => add_addresses(query, plan, target, node, false),
            None => add_host(snapshot, query, plan, Rtype::A, target),
        }
    }
}

/// Adds the addresses of a host that records of type `from` name.
fn add_host<'a>(snapshot: ClientView<'a>, query: &QueryView<'a>, plan: &mut Plan<'a>, from: Rtype, target: &'a [u8]) {
    match snapshot.lookup(target, Rtype::A) {
        Lookup::Exact(_, node) | Lookup::Wildcard(_, node) => add_addresses(query, plan, target, node, false),
        // A zone's own server below one of its cuts: glue, though no authority.
        Lookup::Delegated(zone, _) if from == Rtype::NS => {
            if let Some(node) = zone.occluded(target) {
                add_addresses(query, plan, target, node, false);
            }
        }
        Lookup::Outside | Lookup::Broken | Lookup::Missing(..) | Lookup::Delegated(..) | Lookup::Renamed(..) => {}
    }
}

/// Adds the set that a record's client will ask next of its target, and the addresses of the hosts that it names.
fn add_next<'a>(snapshot: ClientView<'a>, query: &QueryView<'a>, plan: &mut Plan<'a>, next: Rtype, target: &'a [u8]) {
    let (Lookup::Exact(_, node) | Lookup::Wildcard(_, node)) = snapshot.lookup(target, next) else { return };
    let Some(set) = node.records(next) else { return };
    add(query, plan, target, node, set, false);
    for host in set.rdatas().filter_map(|rdata| host(next, rdata)) {
        if plan.is_full() {
            return;
        }
        let host = if name::labels(host).next().is_none() && is_binding(next) { target } else { host };
        add_host(snapshot, query, plan, next, host);
    }
}

fn add_addresses<'a>(query: &QueryView<'a>, plan: &mut Plan<'a>, owner: &'a [u8], node: Node<'a>, required: bool) {
    for rtype in [Rtype::A, Rtype::AAAA] {
        if let Some(set) = node.drawn_records(rtype, || plan.draw) {
            add(query, plan, owner, node, set, required);
        }
    }
}

fn add<'a>(
    query: &QueryView<'a>,
    plan: &mut Plan<'a>,
    owner: &'a [u8],
    node: Node<'a>,
    set: &'a Rrset,
    required: bool,
) {
    if !plan.has(owner, set, query) {
        node.tell(set.rtype(), plan.given);
        let signatures = signatures(node, plan.dnssec_ok());
        plan.push_additional(Item { signatures, required, ..Item::of(Owner::Wire(owner), set) });
    }
}

/// What a client asks next of a target.
enum Next {
    Addresses,
    Set(Rtype),
    Nothing,
}

fn next(rtype: Rtype, rdata: &[u8]) -> Next {
    match rtype {
        Rtype::NAPTR => match naptr_flags(rdata) {
            Some(b"s" | b"S") => Next::Set(Rtype::SRV),
            Some(b"a" | b"A") => Next::Addresses,
            Some([]) => Next::Set(Rtype::NAPTR),
            Some(_) | None => Next::Nothing,
        },
        // RFC 9460 §2.4.2: priority 0 is an alias.
        Rtype::SVCB | Rtype::HTTPS if rdata.starts_with(&[0, 0]) => Next::Set(rtype),
        _ => Next::Addresses,
    }
}

/// Returns the host that a record names.
pub(super) fn host(rtype: Rtype, rdata: &[u8]) -> Option<&[u8]> {
    match rtype {
        Rtype::NS | Rtype::MB => Some(rdata),
        Rtype::MX | Rtype::KX | Rtype::AFSDB | Rtype::RT => rdata.get(2..),
        Rtype::SRV => rdata.get(6..),
        Rtype::SVCB | Rtype::HTTPS => name::split_wire(rdata.get(2..)?).map(|(target, _)| target),
        Rtype::NAPTR => naptr_replacement(rdata),
        _ => None,
    }
}

fn naptr_flags(rdata: &[u8]) -> Option<&[u8]> {
    let (&length, rest) = rdata.get(4..)?.split_first()?;
    rest.get(..usize::from(length))
}

/// Returns the name behind order, preference, flags, services and expression (RFC 3403 §4.1).
fn naptr_replacement(rdata: &[u8]) -> Option<&[u8]> {
    let mut rest = rdata.get(4..)?;
    for _ in 0..3 {
        let (&length, tail) = rest.split_first()?;
        rest = tail.get(usize::from(length)..)?;
    }
    Some(rest)
}

const fn is_binding(rtype: Rtype) -> bool {
    matches!(rtype, Rtype::SVCB | Rtype::HTTPS)
}
