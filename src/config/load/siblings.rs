//! The other name servers of a zone: whoever asks one that does not follow health gets an answer that does not either.

use std::collections::BTreeSet;
use std::net::{IpAddr, SocketAddr};

use crate::base::finding::Finding;
use crate::base::table::Table;
use crate::engine::setup::{Setup, ZoneSetup};
use crate::snapshot::ZoneId;
use crate::zone::serial::Soa;
use crate::zone::{Name, Rtype, Zone};

use super::transfers::{Primaries, Secondaries};

/// Finds the name servers of zones with services that neither are this server, which answers at `listen`, nor have the zone
/// from it.
pub(super) fn judge(
    setup: &Setup,
    listen: &[SocketAddr],
    primaries: &Primaries,
    secondaries: &Secondaries,
) -> Vec<Finding> {
    let fills = setup.pools.iter().flat_map(|(_, pool)| &pool.fills);
    let zones: BTreeSet<ZoneId> = fills.map(|fill| fill.zone).collect();
    let mut findings = Vec::new();
    for id in zones {
        let ZoneSetup { origin, zone: Some(zone), .. } = &setup.zones[id] else { continue };
        let upstream = primaries.settings.get(origin);
        let told = secondaries.notify.get(origin);
        if upstream.is_none() && told.is_none() && !secondaries.rules.contains_key(origin) {
            // A zone that is in no transfer at all: the others have the same file.
            continue;
        }
        let mut strangers = Vec::new();
        for host in servers(zone) {
            let addresses = addresses(&setup.zones, &host);
            let is_primary = |address: &IpAddr| {
                upstream
                    .is_some_and(|upstream| upstream.primaries.iter().any(|primary| primary.address.ip() == *address))
            };
            if addresses.iter().any(is_primary) && upstream.is_some_and(|upstream| !upstream.spare) {
                findings.push(primary_finding(origin, &host));
                continue;
            }
            let is_ours = |address: &IpAddr| listen.iter().any(|at| at.ip() == *address || at.ip().is_unspecified());
            let is_told = told.is_some_and(|told| {
                (told.servers && !is_named(zone, &host))
                    || told.named.iter().any(|named| addresses.contains(&named.address.ip()))
            });
            let may =
                |address: &IpAddr| secondaries.rules.get(origin).is_some_and(|rules| rules.admit(*address, |_| true));
            if !(is_told || addresses.iter().any(|address| is_ours(address) || may(address) || is_primary(address))) {
                strangers.push(host);
            }
        }
        findings.extend(stranger_finding(origin, &strangers));
    }
    findings
}

/// Returns the hosts of a zone's NS records.
fn servers(zone: &Zone) -> Vec<Name> {
    let servers = zone.rrset(zone.origin(), Rtype::NS).into_iter().flat_map(|set| set.rdatas());
    servers.filter_map(|wire| Name::from_wire(wire).ok()).collect()
}

/// Returns whether a host is the one that the SOA names, which is told of nothing.
fn is_named(zone: &Zone, host: &Name) -> bool {
    let soa = zone.soa().rdatas().next().and_then(Soa::read);
    soa.is_some_and(|soa| soa.primary.eq_ignore_ascii_case(host.wire()))
}

/// Returns the addresses of a host, as far as the zones tell.
fn addresses(zones: &Table<ZoneId, ZoneSetup>, host: &Name) -> Vec<IpAddr> {
    let zones = zones.iter().filter_map(|(_, zone)| zone.zone.as_ref());
    let sets = zones.flat_map(|zone| zone.rrsets(host));
    let address = |rdata: &[u8]| {
        let v4 = <[u8; 4]>::try_from(rdata).map(IpAddr::from);
        v4.or_else(|_| <[u8; 16]>::try_from(rdata).map(IpAddr::from)).ok()
    };
    let sets = sets.filter(|set| matches!(set.rtype(), Rtype::A | Rtype::AAAA));
    sets.flat_map(|set| set.rdatas().filter_map(address).collect::<Vec<_>>()).collect()
}

fn primary_finding(origin: &Name, host: &Name) -> Finding {
    let message = format!("{host} is a primary of {origin} and one of its name servers: it answers without health");
    Finding::warning("zone-siblings", message)
        .why("resolvers ask any of a zone's name servers, and those that ask this one get dead targets too")
        .help("leave it out of the zone's NS records: as a hidden primary it serves this server alone")
}

fn stranger_finding(origin: &Name, hosts: &[Name]) -> Option<Finding> {
    let names: Vec<String> = hosts.iter().map(ToString::to_string).collect();
    let (have, it) = match names.len() {
        0 => return None,
        1 => ("is a name server", "it"),
        _ => ("are name servers", "they"),
    };
    let message = format!(
        "{} {have} of {origin}, and as far as this config tells {it} cannot have the zone from here",
        names.join(", ")
    );
    Some(
        Finding::note("zone-siblings", message)
            .why("resolvers ask any of a zone's name servers: whoever has another copy of the zone answers without health")
            .help("let it transfer the zone from here (`allow-transfer`, `also-notify`), or run understudy there too"),
    )
}
