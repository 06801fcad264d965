//! Hosts that are named in place of an address: each of their addresses is probed.

use std::net::IpAddr;
use std::path::Path;
use std::slice;
use std::time::Duration;

use crate::base::clock::Clock;
use crate::base::finding::Finding;
use crate::config::{self, Resolver};
use crate::probe::Step;
use crate::resolve::{self, Servers};
use crate::zone::Name;

/// A URL with an address.
pub(super) struct Addressed {
    /// What the user calls it.
    pub(super) label: String,
    pub(super) url: String,
    /// How its name was resolved, if it has one.
    pub(super) resolved: Option<Step>,
}

/// Puts addresses in the place of the names in URLs.
///
/// # Errors
/// A finding for each host without a known address.
pub(super) async fn addressed(urls: &[String], resolver: Option<&Resolver>) -> Result<Vec<Addressed>, Vec<Finding>> {
    let clock = Clock::start();
    let (mut all, mut findings) = (Vec::new(), Vec::new());
    for url in urls {
        let Some(host) = host_of(url) else {
            all.push(Addressed { label: url.clone(), url: url.clone(), resolved: None });
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
            url: with_address(url, address),
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
    addresses.remove(host).ok_or_else(|| {
        let why = unknown.into_iter().next().map(|(_, why)| why).unwrap_or_default();
        let finding = Finding::error("host-unresolved", format!("{host} cannot be probed: {why}"));
        finding.help("name another resolver with --resolver, or give the host's address")
    })
}

/// Returns the name that a URL has in place of an address.
fn host_of(url: &str) -> Option<Name> {
    let host = host_part(url)?;
    if host.starts_with('[') || host.parse::<IpAddr>().is_ok() {
        return None;
    }
    let name = host.split_once(':').map_or(host, |(name, _)| name);
    let name = name.strip_suffix('.').unwrap_or(name);
    if name.is_empty() || name.parse::<IpAddr>().is_ok() {
        return None;
    }
    format!("{name}.").parse().ok()
}

fn host_part(url: &str) -> Option<&str> {
    let (_, rest) = url.split_once("://")?;
    Some(rest.split_once('/').map_or(rest, |(host, _)| host))
}

/// Puts an address in the place of the name. The name stays as the domain, unless the URL says another one; with HTTP
/// it always stays, as what follows is the path. A name server is asked for what the URL says, never for itself.
fn with_address(url: &str, address: IpAddr) -> String {
    let Some((scheme, rest)) = url.split_once("://") else { return url.to_owned() };
    let (host, target) = rest.split_once('/').unwrap_or((rest, ""));
    let (name, port) = host.split_once(':').map_or((host, None), |(name, port)| (name, Some(port)));
    let kind = scheme.split_once('+').map_or(scheme, |(kind, _)| kind).to_ascii_lowercase();
    let target = match kind.as_str() {
        "http" | "https" => format!("{name}/{target}"),
        "dns" => target.to_owned(),
        _ if target.is_empty() => name.to_owned(),
        _ => target.to_owned(),
    };
    let address = if address.is_ipv6() { format!("[{address}]") } else { address.to_string() };
    match port {
        Some(port) => format!("{scheme}://{address}:{port}/{target}"),
        None => format!("{scheme}://{address}/{target}"),
    }
}

/// How long a name may take.
const TIMEOUT: Duration = Duration::from_secs(10);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_gives_way_to_its_address_and_stays_as_the_domain() {
        for (url, address, expected) in [
            ("tls://node1.example:5061", "127.0.0.1", "tls://127.0.0.1:5061/node1.example"),
            ("tls://node1.example:5061/", "::1", "tls://[::1]:5061/node1.example"),
            ("xmpp://node1.example/example", "::1", "xmpp://[::1]/example"),
            ("http://node1.example", "127.0.0.1", "http://127.0.0.1/node1.example/"),
            ("HTTPS://node1.example:8443/a/b?c=d", "::1", "HTTPS://[::1]:8443/node1.example/a/b?c=d"),
            ("dns+tcp://node1.example/example.com/A", "127.0.0.1", "dns+tcp://127.0.0.1/example.com/A"),
            ("dns://node1.example", "127.0.0.1", "dns://127.0.0.1/"),
        ] {
            assert_eq!(host_of(url), Some("node1.example.".parse().unwrap()), "{url}");
            assert_eq!(with_address(url, address.parse().unwrap()), expected, "{url}");
        }
    }

    #[test]
    fn an_address_is_no_name() {
        for url in ["tcp://127.0.0.1:1", "tcp://[::1]:1", "tcp://::1", "tcp://127.0.0.1", "127.0.0.1:1", "tcp://:1"] {
            assert_eq!(host_of(url), None, "{url}");
        }
    }
}
