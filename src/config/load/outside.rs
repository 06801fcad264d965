//! Finds the resolver for the hosts outside of the zones.

use std::path::Path;

use crate::base::finding::Finding;
use crate::config::values::Resolver;
use crate::keys::source::Placed;
use crate::resolve::{ResolveRequest, Servers};
use crate::zone::Name;

/// Joins the hosts with the resolver that is to be asked for them; its file is read only if there are any, or if its name is
/// that of a host.
pub(super) fn wanted(
    hosts: Vec<Name>,
    resolver: Option<&Placed<Resolver>>,
    folder: &Path,
    findings: &mut Vec<Finding>,
) -> ResolveRequest {
    let named = resolver.and_then(|resolver| host_named(&resolver.value));
    if hosts.is_empty() && named.is_none() {
        return ResolveRequest::default();
    }
    let servers = match servers(resolver.map(|resolver| &resolver.value), folder) {
        Ok(servers) => Some(servers),
        Err(message) => {
            let help = match named {
                Some(host) => {
                    format!("{host} is a name: write the address of the server, such as `resolver = \"127.0.0.1:53\"`")
                }
                None => "name one in [health], such as `resolver = \"127.0.0.1:53\"`".to_owned(),
            };
            let finding = Finding::warning("resolver-none", message)
                .why("hosts outside of the zones cannot be tested without a resolver: all their records are always served")
                .help(help);
            findings.push(match resolver {
                Some(resolver) => finding.at(resolver.place.clone()),
                None => finding,
            });
            None
        }
    };
    ResolveRequest { hosts, servers }
}

/// Returns the name of a server that was written where its address belongs.
fn host_named(resolver: &Resolver) -> Option<&str> {
    let Resolver::File(path) = resolver else { return None };
    let text = path.to_str().filter(|text| !text.contains('/'))?;
    let host = text.rsplit_once(':').filter(|(_, port)| port.parse::<u16>().is_ok()).map_or(text, |(host, _)| host);
    let last = host.rsplit('.').next().unwrap_or_default();
    (last != "conf" && host.parse::<Name>().is_ok()).then_some(text)
}

/// Returns the servers that a resolver means; nothing said means the system's. A path is relative to `folder`.
///
/// # Errors
/// What is wrong with its file.
pub fn servers(resolver: Option<&Resolver>, folder: &Path) -> Result<Servers, String> {
    let path = match resolver.cloned().unwrap_or_default() {
        Resolver::Server(server) => return Ok(Servers::one(server)),
        Resolver::File(path) => folder.join(path),
    };
    let name = path.display();
    let text = super::file::read(&path).map_err(|error| format!("cannot read {name}: {error}"))?;
    Servers::from_resolv_conf(&text).map_err(|_| format!("{name} names no resolver"))
}
