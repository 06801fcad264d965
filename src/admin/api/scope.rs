//! What an operator means by a host or an address: one that is there, in full or short, or a refusal that names the
//! nearest.

use std::collections::BTreeSet;
use std::net::IpAddr;

use axum::http::StatusCode;

use crate::base::nearest::{nearest, tolerance};
use crate::base::table::RowId as _;
use crate::engine::status::{MemberStatus, PoolStatus, Status};
use crate::health::orders::Scope;

use super::error::ApiError;

/// Reads what is meant. A host may be named by what stands before its zone's origin.
///
/// # Errors
/// If nothing of that name is there: an order over nothing would look as if it worked.
pub(super) fn resolve(text: &str, status: &Status) -> Result<Scope, ApiError> {
    let scope = Scope::parse(text.trim()).ok_or_else(|| {
        ApiError::new(StatusCode::UNPROCESSABLE_ENTITY, "bad-target", format!("`{text}` is no host and no address"))
            .help("name a host, an address, HOST:PORT, ADDRESS:PORT or [ADDRESS]:PORT")
    })?;
    match scope {
        Scope::Host(name, port) => {
            let hosts = hosts(status);
            let full = full_name(&name, &hosts, status).ok_or_else(|| no_such(text, &name, &hosts))?;
            Ok(Scope::Host(full, port))
        }
        Scope::Address(address, _) if has_address(status, address) => Ok(scope),
        Scope::Address(address, _) => Err(ApiError::new(
            StatusCode::NOT_FOUND,
            "no-such-target",
            format!("no member of a service is on {address}"),
        )),
    }
}

/// Returns the services that have a member which is covered.
pub(super) fn covered<'s>(scope: &Scope, status: &'s Status) -> Vec<&'s PoolStatus> {
    let is_covered = |pool: &&PoolStatus| pool.members.iter().any(|member| covers(scope, pool, member, status));
    status.pools.iter().filter(is_covered).collect()
}

fn covers(scope: &Scope, pool: &PoolStatus, member: &MemberStatus, status: &Status) -> bool {
    let (host, port) = name_of(pool, member);
    let ports = member.targets.iter().filter_map(|id| status.targets.get(id.index()));
    ports.map(|target| target.address).any(|at| scope.covers(&host, Some(at.ip()), port.unwrap_or_else(|| at.port())))
        || scope.covers(&host, member.label.parse().ok(), port.unwrap_or_default())
}

/// The name by which orders cover a member, and its port if it has one of its own.
fn name_of(pool: &PoolStatus, member: &MemberStatus) -> (String, Option<u16>) {
    match member.label.rsplit_once(':').filter(|_| member.label.parse::<IpAddr>().is_err()) {
        Some((host, port)) => (host.to_ascii_lowercase(), port.parse().ok()),
        None => (pool.name.trim_end_matches('.').to_ascii_lowercase(), None),
    }
}

fn hosts(status: &Status) -> BTreeSet<String> {
    let of = |pool: &PoolStatus| pool.members.iter().map(|member| name_of(pool, member).0).collect::<Vec<_>>();
    status.pools.iter().flat_map(of).collect()
}

fn full_name(name: &str, hosts: &BTreeSet<String>, status: &Status) -> Option<String> {
    if hosts.contains(name) {
        return Some(name.to_owned());
    }
    let origins = status.zones.iter().map(|zone| zone.origin.trim_end_matches('.').to_ascii_lowercase());
    let mut full = origins.map(|origin| format!("{name}.{origin}")).filter(|full| hosts.contains(full));
    // Two zones with a host of this short name: neither is meant for sure.
    full.next().filter(|_| full.next().is_none())
}

fn no_such(text: &str, name: &str, hosts: &BTreeSet<String>) -> ApiError {
    let message = format!("no member of a service is on {text}");
    let error = ApiError::new(StatusCode::NOT_FOUND, "no-such-target", message);
    let names = hosts.iter().flat_map(|host| [Some(host.as_str()), host.split_once('.').map(|(first, _)| first)]);
    match nearest(name, names.flatten().take(MOST_COMPARED), tolerance(name)) {
        Some(near) if near == name => error.help("more than one zone has such a host: name it in full"),
        Some(near) => error.help(format!("did you mean {near}?")),
        None => error,
    }
}

fn has_address(status: &Status, address: IpAddr) -> bool {
    let members = || status.pools.iter().flat_map(|pool| &pool.members);
    status.targets.iter().any(|target| target.address.ip() == address)
        || members().any(|member| member.label.parse() == Ok(address))
}

/// The most names that a misspelt one is compared with.
const MOST_COMPARED: usize = 10_000;
