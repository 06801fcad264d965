//! The URLs of HTTP, gRPC, DNS and ping: what stands behind the address is more than a domain.
//!
//! | URL | asks |
//! |---|---|
//! | `http://ADDRESS[:PORT][/DOMAIN[/PATH]]`, `https://…` | for the path, `/` if there is none |
//! | `grpc[+tls]://ADDRESS:PORT[/DOMAIN[/SERVICE]]` | for the service, the whole server if there is none |
//! | `dns[+tcp]://ADDRESS[:PORT]/NAME[/TYPE]` | for the name's records, SOA if there is no type |
//! | `icmp://ADDRESS` | for an echo |

use std::net::Ipv6Addr;

use crate::probe::{Check, Dns, Grpc, Http, Icmp};
use crate::zone::Rtype;

use super::url::{Choices, UrlError};

/// Reads a URL of one of these kinds; nothing if it is another. `target` stands behind the address, and `address`
/// takes the place of a domain that is left out. The port is the usual one, if there is one.
pub(super) fn read(
    kind: &str,
    transport: Option<&str>,
    address: &str,
    target: &str,
    choices: &Choices,
) -> Option<Result<(Check, Option<u16>), UrlError>> {
    let (domain, rest) = target.split_once('/').unwrap_or((target, ""));
    let domain = domain.trim_end_matches('.');
    let name = if domain.is_empty() { address } else { domain };
    Some(match kind {
        "http" | "https" => http(kind == "https", transport, name, rest, choices),
        "grpc" => grpc(transport, name, rest, choices),
        "dns" => dns(transport, domain, rest),
        "icmp" => match transport {
            None | Some("icmp") => Ok((Check::Icmp(Icmp), None)),
            Some(other) => Err(wrong_transport("icmp", other, "; it has none")),
        },
        _ => return None,
    })
}

fn http(
    is_tls: bool,
    transport: Option<&str>,
    name: &str,
    path: &str,
    choices: &Choices,
) -> Result<(Check, Option<u16>), UrlError> {
    let is_tls = match transport {
        Some("tls") => true,
        None | Some("tcp") => is_tls,
        Some(other) => return Err(wrong_transport("http", other, "; it has tcp and tls")),
    };
    let tls = is_tls.then(|| choices.tls(name.to_owned(), Http::protocols()));
    let http = Http { path: format!("/{path}"), ..Http::new(authority(name), tls) };
    Ok((Check::Http(http), Some(if is_tls { 443 } else { 80 })))
}

fn grpc(
    transport: Option<&str>,
    name: &str,
    service: &str,
    choices: &Choices,
) -> Result<(Check, Option<u16>), UrlError> {
    let tls = match transport {
        Some("tls") => Some(choices.tls(name.to_owned(), vec![b"h2".to_vec()])),
        None | Some("tcp") => None,
        Some(other) => return Err(wrong_transport("grpc", other, "; it has tcp and tls")),
    };
    Ok((Check::Grpc(Grpc { tls, host: authority(name), service: service.to_owned() }), None))
}

fn dns(transport: Option<&str>, name: &str, rtype: &str) -> Result<(Check, Option<u16>), UrlError> {
    let tcp = match transport {
        Some("tcp") => true,
        None | Some("udp") => false,
        Some(other) => return Err(wrong_transport("dns", other, "; it has udp and tcp")),
    };
    let question = || UrlError::Question(if rtype.is_empty() { name.to_owned() } else { format!("{name}/{rtype}") });
    let zone = Some(name).filter(|name| !name.is_empty()).and_then(|name| name.parse().ok()).ok_or_else(question)?;
    let mut dns = Dns::of_zone(zone, tcp);
    if !rtype.is_empty() {
        dns.rtype = Rtype::parse(rtype).filter(|rtype| !rtype.is_meta()).ok_or_else(question)?;
    }
    Ok((Check::Dns(dns), Some(53)))
}

/// Writes an address as URLs have it.
fn authority(name: &str) -> String {
    if name.parse::<Ipv6Addr>().is_ok() { format!("[{name}]") } else { name.to_owned() }
}

fn wrong_transport(kind: &'static str, transport: &str, help: &'static str) -> UrlError {
    UrlError::Transport { kind, transport: transport.to_owned(), help }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::super::url::parse;
    use super::*;
    use crate::probe::{Spec, Verify};

    fn url(text: &str) -> Result<Spec, UrlError> {
        parse(
            text,
            &Choices { timeout: Duration::from_secs(2), verify: Verify::Name, authority: None, credentials: None },
        )
    }

    #[test]
    fn each_url_names_a_check_and_an_address() {
        for (text, address, transport, parameters) in [
            ("http://127.0.0.1", "127.0.0.1:80", "tcp", "host=127.0.0.1"),
            ("http://127.0.0.1:8080/Shop.example.", "127.0.0.1:8080", "tcp", "host=shop.example"),
            ("http://[::1]:8080", "[::1]:8080", "tcp", "host=[::1]"),
            ("http://127.0.0.1/shop.example/a/b?c=d", "127.0.0.1:80", "tcp", "host=shop.example path=\"/a/b?c=d\""),
            (
                "https://[::1]/shop.example",
                "[::1]:443",
                "tls",
                "host=shop.example tls(name=shop.example alpn=\"h2\" alpn=\"http/1.1\")",
            ),
            ("grpc://127.0.0.1:50051", "127.0.0.1:50051", "tcp", "host=127.0.0.1"),
            (
                "grpc+tls://127.0.0.1:443/mesh.example/sip",
                "127.0.0.1:443",
                "tls",
                "host=mesh.example service=\"sip\" tls(name=mesh.example alpn=\"h2\")",
            ),
            ("dns://127.0.0.1/example.com", "127.0.0.1:53", "udp", "name=example.com. type=SOA"),
            ("dns+tcp://127.0.0.1:5353/Example.com/a", "127.0.0.1:5353", "tcp", "name=example.com. type=A"),
            ("icmp://::1", "[::1]:0", "icmp", ""),
        ] {
            let spec = url(text).unwrap();
            assert_eq!(spec.address, address.parse().unwrap(), "{text}");
            assert_eq!((spec.check.transport(), spec.check.parameters().as_str()), (transport, parameters), "{text}");
        }
    }

    #[test]
    fn what_is_missing_is_told() {
        for (text, part) in [
            ("grpc://127.0.0.1", "needs a port"),
            ("http+udp://127.0.0.1", "does not go over udp; it has tcp and tls"),
            ("dns+tls://127.0.0.1/example.com", "does not go over tls; it has udp and tcp"),
            ("dns://127.0.0.1", "asks for a name"),
            ("dns://127.0.0.1/example.com/AXFR", "asks for a name"),
            ("icmp+tcp://127.0.0.1", "does not go over tcp"),
            ("http://shop..example/", "is neither an address nor a host name"),
        ] {
            let error = url(text).unwrap_err().to_string();
            assert!(error.contains(part), "{text}: {error}");
        }
    }
}
