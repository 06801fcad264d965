//! Host names given instead of an address: each address of the host is probed.

use std::net::IpAddr;
use std::path::Path;
use std::slice;
use std::time::Duration;

use crate::base::clock::Clock;
use crate::base::finding::Finding;
use crate::config::{self, Resolver};
use crate::probe::Step;
use crate::probe::url::split_port;
use crate::resolve::{self, Servers};
use crate::zone::Name;

/// A URL, with the address of its host.
pub(super) struct Addressed {
    /// What the user calls it.
    pub(super) label: String,
    pub(super) url: String,
    /// The address, if the host is named.
    pub(super) address: Option<IpAddr>,
    /// How its name was resolved, if it has one.
    pub(super) resolved: Option<Step>,
}

/// Finds the addresses of the hosts that are named in URLs.
///
/// # Errors
/// A finding for each host without a known address.
pub(super) async fn addressed(urls: &[String], resolver: Option<&Resolver>) -> Result<Vec<Addressed>, Vec<Finding>> {
    let clock = Clock::start();
    let (mut all, mut findings) = (Vec::new(), Vec::new());
    for url in urls {
        let Some(host) = host_of(url) else {
            all.push(Addressed { label: url.clone(), url: url.clone(), address: None, resolved: None });
            continue;
        };
        let begin = clock.now().mono;
        let addresses = match resolve(&host, resolver).await {
            Ok(addresses) => addresses,
            Err(finding) => {
                findings.push(finding);
                continue;
            }
        };
        let saw = addresses.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
        let step = Step { what: "resolve", took: clock.now().mono.since(begin), saw };
        all.extend(addresses.into_iter().map(|address| Addressed {
            label: format!("{url} at {address}"),
            url: url.clone(),
            address: Some(address),
            resolved: Some(step.clone()),
        }));
    }
    if findings.is_empty() { Ok(all) } else { Err(findings) }
}

async fn resolve(host: &Name, resolver: Option<&Resolver>) -> Result<Vec<IpAddr>, Finding> {
    let servers: Servers = config::servers(resolver, Path::new("")).map_err(|message| {
        let finding = Finding::error("resolver-none", message);
        finding.help("name one with --resolver, as in --resolver 127.0.0.1:53, or give the host's address")
    })?;
    let resolve::Heard { mut addresses, unknown, .. } =
        resolve::once(slice::from_ref(host), Some(&servers), TIMEOUT).await;
    addresses.remove(host).filter(|addresses| !addresses.is_empty()).ok_or_else(|| {
        let why = unknown.into_iter().next().map(|(_, why)| why).unwrap_or_default();
        let finding = Finding::error("host-unresolved", format!("{host} cannot be probed: {why}"));
        finding.help("name another resolver with --resolver, or give the host's address")
    })
}

/// Returns the name that a URL has in place of an address.
fn host_of(url: &str) -> Option<Name> {
    let (_, rest) = url.split_once("://")?;
    let authority = rest.split_once('/').map_or(rest, |(authority, _)| authority);
    let (host, _) = split_port(authority);
    let name = host.strip_suffix('.').unwrap_or(host);
    let is_address = authority.starts_with('[') || name.contains(':') || name.parse::<IpAddr>().is_ok();
    if name.is_empty() || is_address { None } else { format!("{name}.").parse().ok() }
}

/// How long a name may take.
const TIMEOUT: Duration = Duration::from_secs(10);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_may_stand_in_place_of_an_address() {
        for url in ["tls://node1.example:5061", "tls://node1.example.:5061/", "HTTPS://node1.example:8443/a/b?c=d"] {
            assert_eq!(host_of(url), Some("node1.example.".parse().unwrap()), "{url}");
        }
    }

    #[test]
    fn an_address_is_no_name() {
        for url in ["tcp://127.0.0.1:1", "tcp://[::1]:1", "tcp://::1", "tcp://127.0.0.1", "127.0.0.1:1", "tcp://:1"] {
            assert_eq!(host_of(url), None, "{url}");
        }
    }
}
