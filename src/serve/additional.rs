//! The additional section: addresses of the hosts that an answer names, and glue.

use crate::snapshot::{Lookup, Node, ZoneView};
use crate::zone::{Rrset, Rtype, name};

use super::plan::{Data, Item, Owner, Plan};
use super::query::QueryView;
use super::seen::Seen;

/// Adds the addresses of every host that the answer names, as far as this server has authority for them.
pub(super) fn add_targets<'a>(snapshot: Seen<'a>, query: &QueryView<'a>, plan: &mut Plan<'a>) {
    // Addresses name no further hosts: the section does not feed itself.
    for number in 0..plan.answer.len() {
        let Some(&item) = plan.answer.iter().nth(number) else { break };
        let Data::Set(set) = item.data else { continue };
        for target in targets(set) {
            // RFC 9460 §2.5.2: in service mode "." is the owner itself.
            let own = name::labels(target).next().is_none();
            match (own, item.owner) {
                (false, _) => add_host(snapshot, query, plan, set.rtype(), target),
                (true, Owner::Wire(owner)) if is_binding(set.rtype()) => {
                    add_host(snapshot, query, plan, set.rtype(), owner);
                }
                (true, Owner::Question) if is_binding(set.rtype()) => {
                    let owner = query.question.map_or([0].as_slice(), |question| question.name);
                    add_host(snapshot, query, plan, set.rtype(), owner);
                }
                (true, _) => {}
            }
        }
    }
}

/// Adds the addresses of a cut's servers (RFC 9471 §3): those in the delegated domain itself must be in the answer,
/// those elsewhere help.
pub(super) fn add_glue<'a>(
    snapshot: Seen<'a>,
    query: &QueryView<'a>,
    plan: &mut Plan<'a>,
    zone: ZoneView<'a>,
    cut: Node<'a>,
) {
    let Some(servers) = cut.records(Rtype::NS) else { return };
    let in_domain = |target: &[u8]| name::suffix(target, cut.owner().wire()).is_some();
    for target in servers.rdatas().filter(|target| in_domain(target)) {
        if let Some(node) = zone.occluded(target) {
            add_addresses(query, plan, target, node, true);
        }
    }
    for target in servers.rdatas().filter(|target| !in_domain(target)) {
        match zone.occluded(target) {
            Some(node) => add_addresses(query, plan, target, node, false),
            None => add_host(snapshot, query, plan, Rtype::A, target),
        }
    }
}

/// Adds what a client will ask next of a host: addresses, and behind a NAPTR record the SRV set (RFC 3403 §4.1).
fn add_host<'a>(snapshot: Seen<'a>, query: &QueryView<'a>, plan: &mut Plan<'a>, from: Rtype, target: &'a [u8]) {
    match snapshot.lookup(target, Rtype::A) {
        Lookup::Exact(_, node) | Lookup::Wildcard(_, node) => {
            if from == Rtype::NAPTR
                && let Some(set) = node.records(Rtype::SRV)
            {
                add(query, plan, target, set, false);
            }
            add_addresses(query, plan, target, node, false);
        }
        // A zone's own server below one of its cuts: glue, though no authority.
        Lookup::Delegated(zone, _) if from == Rtype::NS => {
            if let Some(node) = zone.occluded(target) {
                add_addresses(query, plan, target, node, false);
            }
        }
        Lookup::Outside | Lookup::Broken | Lookup::Missing(_) | Lookup::Delegated(..) | Lookup::Renamed(..) => {}
    }
}

fn add_addresses<'a>(query: &QueryView<'a>, plan: &mut Plan<'a>, owner: &'a [u8], node: Node<'a>, needed: bool) {
    for rtype in [Rtype::A, Rtype::AAAA] {
        if let Some(set) = node.records(rtype) {
            add(query, plan, owner, set, needed);
        }
    }
}

fn add<'a>(query: &QueryView<'a>, plan: &mut Plan<'a>, owner: &'a [u8], set: &'a Rrset, needed: bool) {
    let is_this = |item: &Item<'a>| {
        matches!(item.data, Data::Set(other) if std::ptr::eq(other, set))
            && plan.name(item.owner, query).eq_ignore_ascii_case(owner)
    };
    if !plan.answer.iter().chain(plan.additional.iter()).any(is_this) {
        plan.additional.push(Item { needed, ..Item::of(Owner::Wire(owner), set) });
    }
}

/// Walks over the hosts that the records of a set name.
fn targets(set: &Rrset) -> impl Iterator<Item = &[u8]> {
    let rtype = set.rtype();
    set.rdatas().filter_map(move |rdata| match rtype {
        Rtype::NS => Some(rdata),
        Rtype::MX | Rtype::KX | Rtype::AFSDB | Rtype::RT => rdata.get(2..),
        Rtype::SRV => rdata.get(6..),
        Rtype::SVCB | Rtype::HTTPS => name::split_wire(rdata.get(2..)?).map(|(target, _)| target),
        Rtype::NAPTR => naptr_replacement(rdata),
        _ => None,
    })
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
