//! From decisions to RDATA, with the weights by which answers draw.

use std::net::IpAddr;

use crate::engine::setup::{MemberData, PoolSetup};
use crate::policy::{Decision, Kind, Listed};
use crate::snapshot::Pick;
use crate::zone::{Rtype, Srv};

/// The records of a set.
#[derive(Debug, Default)]
pub(super) struct Records {
    /// Their RDATA.
    pub(super) rdatas: Vec<Vec<u8>>,
    /// How much of them one answer holds, and the weight of each; nothing: all of them.
    pub(super) drawn: Option<(Pick, Vec<u16>)>,
}

/// Returns the records that a decision puts into one fill of a pool.
pub(super) fn of_pool(setup: &PoolSetup, decision: &Decision, fill: usize) -> Records {
    if decision.closed {
        let rdatas = vec![Srv { priority: 0, weight: 0, port: 0, host: b"\0" }.write()];
        return Records { rdatas, drawn: None };
    }
    // A name need not have addresses of both families: its sets tell by their type which half fills them.
    let half = match setup.pool.kind {
        Kind::Addresses => usize::from(setup.fills[fill].rtype == Rtype::AAAA),
        Kind::Service | Kind::Pair | Kind::Alias => fill,
    };
    let listed = decision.listed.get(half).map_or(&[][..], Vec::as_slice);
    let rdata = |listed: &Listed| match &setup.members[listed.member].data {
        MemberData::Srv { port, host } => {
            let (priority, weight) = (listed.priority, listed.weight);
            Some(Srv { priority, weight, port: *port, host: host.wire() }.write())
        }
        MemberData::Address(address) => octets(setup.fills[fill].rtype, *address),
        MemberData::Alias(host) => Some(host.wire().to_vec()),
    };
    let mut rdatas: Vec<Vec<u8>> = Vec::with_capacity(listed.len());
    let mut weights = Vec::new();
    for (listed, rdata) in listed.iter().filter_map(|listed| Some((listed, rdata(listed)?))) {
        // Renumbered or demoted members may become equal records; a set has each once (RFC 2181 §5).
        if !rdatas.contains(&rdata) {
            rdatas.push(rdata);
            weights.extend(setup.pick.map(|_| listed.weight));
        }
    }
    let is_choice = rdatas.len() > 1;
    Records { rdatas, drawn: setup.pick.filter(|_| is_choice).map(|pick| (pick, weights)) }
}

/// Returns the records of the addresses that belong into a set of this type.
pub(super) fn of_addresses(rtype: Rtype, addresses: impl IntoIterator<Item = IpAddr>) -> Records {
    let rdatas = addresses.into_iter().filter_map(|address| octets(rtype, address)).collect();
    Records { rdatas, drawn: None }
}

fn octets(rtype: Rtype, address: IpAddr) -> Option<Vec<u8>> {
    match address {
        IpAddr::V4(v4) if rtype == Rtype::A => Some(v4.octets().to_vec()),
        IpAddr::V6(v6) if rtype == Rtype::AAAA => Some(v6.octets().to_vec()),
        IpAddr::V4(_) | IpAddr::V6(_) => None,
    }
}
