//! From decisions to RDATA.

use std::net::IpAddr;

use crate::engine::setup::{MemberData, PoolSetup};
use crate::policy::{Decision, Kind, Listed};
use crate::zone::{Rtype, Srv};

/// Returns the RDATA that a decision puts into one fill of a pool.
pub(super) fn of_pool(setup: &PoolSetup, decision: &Decision, fill: usize) -> Vec<Vec<u8>> {
    if decision.closed {
        return vec![Srv { priority: 0, weight: 0, port: 0, host: b"\0" }.write()];
    }
    // A name need not have addresses of both families: its sets tell by their type which half fills them.
    let half = match setup.pool.kind {
        Kind::Addresses => usize::from(setup.fills[fill].rtype == Rtype::AAAA),
        Kind::Service | Kind::Pair => fill,
    };
    let listed = decision.listed.get(half).map_or(&[][..], Vec::as_slice);
    let rdata = |listed: &Listed| match &setup.members[listed.member].data {
        MemberData::Srv { port, host } => {
            let (priority, weight) = (listed.priority, listed.weight);
            Some(Srv { priority, weight, port: *port, host: host.wire() }.write())
        }
        MemberData::Address(address) => octets(setup.fills[fill].rtype, *address),
    };
    let mut rdatas: Vec<Vec<u8>> = Vec::with_capacity(listed.len());
    for rdata in listed.iter().filter_map(rdata) {
        // Renumbered or demoted members may become equal records; a set has each once (RFC 2181 §5).
        if !rdatas.contains(&rdata) {
            rdatas.push(rdata);
        }
    }
    rdatas
}

/// Returns the RDATA of the addresses that belong into a set of this type.
pub(super) fn of_addresses(rtype: Rtype, addresses: impl IntoIterator<Item = IpAddr>) -> Vec<Vec<u8>> {
    addresses.into_iter().filter_map(|address| octets(rtype, address)).collect()
}

fn octets(rtype: Rtype, address: IpAddr) -> Option<Vec<u8>> {
    match address {
        IpAddr::V4(v4) if rtype == Rtype::A => Some(v4.octets().to_vec()),
        IpAddr::V6(v6) if rtype == Rtype::AAAA => Some(v6.octets().to_vec()),
        IpAddr::V4(_) | IpAddr::V6(_) => None,
    }
}
