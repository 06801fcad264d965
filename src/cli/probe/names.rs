//! Hosts that are named in place of an address: each of their addresses is probed.

use std::net::IpAddr;
use std::path::Path;
use std::time::Duration;

use crate::base::finding::Finding;
use crate::config::{self, Resolver};
use crate::resolve::{self, Addresses, Servers};
use crate::zone::Name;

/// Puts addresses in the place of the names in URLs; each comes with what it is called.
///
/// # Errors
/// A finding for each host without a known address.
pub(super) async fn addressed(
    urls: &[String],
    resolver: Option<&Resolver>,
) -> Result<Vec<(String, String)>, Vec<Finding>> {
    let mut hosts: Vec<Name> = urls.iter().filter_map(|url| host_of(url)).collect();
    hosts.sort_unstable();
    hosts.dedup();
    let addresses = if hosts.is_empty() { Addresses::new() } else { resolve(&hosts, resolver).await? };
    let mut all = Vec::new();
    for url in urls {
        match host_of(url) {
            None => all.push((url.clone(), url.clone())),
            Some(host) => {
                for address in addresses.get(&host).into_iter().flatten() {
                    all.push((format!("{url} at {address}"), with_address(url, *address)));
                }
            }
        }
    }
    Ok(all)
}

async fn resolve(hosts: &[Name], resolver: Option<&Resolver>) -> Result<Addresses, Vec<Finding>> {
    let wrong = |message: String| {
        let finding = Finding::error("resolver-none", message);
        vec![finding.help("name one with --resolver, as in --resolver 127.0.0.1:53, or give the host's address")]
    };
    let servers: Servers = config::servers(resolver, Path::new("")).map_err(wrong)?;
    let (addresses, unknown) = resolve::once(hosts, Some(&servers), PATIENCE).await;
    let finding = |(host, why): (Name, String)| {
        let finding = Finding::error("host-unresolved", format!("{host} cannot be probed: {why}"));
        finding.help("give its address, or probe all targets of a service in a zone with `probe ZONE OWNER`")
    };
    let findings: Vec<Finding> = unknown.into_iter().map(finding).collect();
    if findings.is_empty() { Ok(addresses) } else { Err(findings) }
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

/// How long all names may take.
const PATIENCE: Duration = Duration::from_secs(10);

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
