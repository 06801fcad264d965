//! Reads `KIND[+udp|tcp|tls]://HOST[:PORT][/DOMAIN]`.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use thiserror::Error;

use crate::keys::reader::nearest;
use crate::probe::stun::CREDENTIALS_INTERVAL;
use crate::probe::xmpp::Role;
use crate::probe::{Authority, Check, Credentials, Over, Sip, Spec, Stun, Tcp, Tls, Turn, Verify, Xmpp};

use super::kinds;

/// What the options say beside the URL.
#[derive(Clone, Debug)]
pub(super) struct Choices {
    /// `--timeout`.
    pub(super) timeout: Duration,
    /// `--verify`.
    pub(super) verify: Verify,
    /// `--ca-file`.
    pub(super) authority: Option<Authority>,
    /// `--user`, with `--password-file` or `--secret-file`.
    pub(super) credentials: Option<Credentials>,
}

impl Choices {
    /// Returns how TLS is spoken with the owner of a name.
    pub(super) fn tls(&self, name: String, alpn: Vec<Vec<u8>>) -> Tls {
        Tls { name, verify: self.verify, alpn, authority: self.authority.clone() }
    }
}

/// Why a text names nothing that can be probed.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub(super) enum UrlError {
    /// There is no `://`.
    #[error(
        "\"{0}\" is no check: write KIND://ADDRESS:PORT, such as tcp://127.0.0.1:5060 or sip+tls://[::1]:5061/example.com"
    )]
    Shape(String),
    /// No kind that we know.
    #[error("there is no check {0}; {1}")]
    Kind(String, String),
    /// A transport that the kind does not have.
    #[error("the check {kind} does not go over {transport}{help}")]
    Transport {
        /// The kind.
        kind: &'static str,
        /// The transport asked for.
        transport: String,
        /// What would be right.
        help: &'static str,
    },
    /// The host is neither an address nor a name.
    #[error("{0} is neither an address nor a host name: write it as in tcp://127.0.0.1:5060")]
    Name(String),
    /// The domain is no host name.
    #[error("\"{0}\" is no domain: write KIND://ADDRESS:PORT/DOMAIN, such as sip://127.0.0.1/example.com")]
    Domain(String),
    /// It does not say what a name server is to be asked.
    #[error("the check dns asks for a name, and \"{0}\" is none with a type: write dns://127.0.0.1:53/example.com/SOA")]
    Question(String),
    /// A kind that logs in nowhere.
    #[error("the check {0} has no use for a user and a password; turn has")]
    Credentials(&'static str),
    /// There is no port, or it is none.
    #[error("the check {0} needs a port from 1 to 65535: write {0}://{1}:PORT")]
    Port(&'static str, String),
}

/// Reads what is to be probed, and how. The domain is the name that is asked for; without it, the address is.
pub(super) fn parse(text: &str, choices: &Choices) -> Result<Spec, UrlError> {
    let (scheme, rest) = text.split_once("://").ok_or_else(|| UrlError::Shape(text.to_owned()))?;
    let scheme = scheme.to_ascii_lowercase();
    let (kind, transport) = match scheme.split_once('+') {
        Some((kind, transport)) => (kind, Some(transport)),
        None => (scheme.as_str(), None),
    };
    let (host, target) = rest.split_once('/').unwrap_or((rest, ""));
    if let Some(read) = kinds::read(kind, transport, split_port(host).0, target, choices) {
        return read.and_then(|(check, port)| finish(check, host, port, choices));
    }
    let (host, domain) = match rest.split_once('/') {
        Some((host, domain)) => (host, Some(domain.trim_end_matches('.')).filter(|domain| !domain.is_empty())),
        None => (rest, None),
    };
    let name = domain.unwrap_or_else(|| split_port(host).0).to_owned();
    match kind {
        "tcp" => over(Tcp::default(), Check::Tcp, "tcp", transport, "; for a TLS handshake write tls://")
            .and_then(|check| finish(check, host, None, choices)),
        "tls" => {
            let transport = transport.filter(|&transport| transport != "tcp");
            over(choices.tls(name, Vec::new()), Check::Tls, "tls", transport, "")
                .and_then(|check| finish(check, host, None, choices))
        }
        "sip" | "sips" => {
            // RFC 3261 §19.1.2, RFC 3263 §4.1: sip is over UDP unless said otherwise, sips over TLS.
            let (over, port) = match (kind, transport) {
                (_, Some("tls")) | ("sips", None | Some("tcp")) => {
                    (Over::Tls(choices.tls(name.clone(), Vec::new())), 5061)
                }
                ("sip", None | Some("udp")) => (Over::Udp, 5060),
                ("sip", Some("tcp")) => (Over::Tcp, 5060),
                (_, other) => {
                    let transport = other.unwrap_or_default().to_owned();
                    let help = if kind == "sips" { "; sips:// is sip+tls://" } else { "; it has udp, tcp and tls" };
                    return Err(UrlError::Transport { kind: "sip", transport, help });
                }
            };
            if domain.is_some() && !Sip::can_ask_for(&name) {
                return Err(UrlError::Domain(name));
            }
            finish(Check::Sip(Sip::new(name, over)), host, Some(port), choices)
        }
        "xmpp" | "xmpp-client" | "xmpp-server" | "xmpps" | "xmpps-client" | "xmpps-server" => {
            let role = if kind.ends_with("-server") { Role::Server } else { Role::Client };
            let direct = match (kind.starts_with("xmpps"), transport) {
                (true, None | Some("tcp" | "tls")) | (false, Some("tls")) => true,
                (false, None | Some("tcp")) => false,
                (_, other) => {
                    let transport = other.unwrap_or_default().to_owned();
                    let help = "; it has tcp (STARTTLS) and tls (direct TLS)";
                    return Err(UrlError::Transport { kind: "xmpp", transport, help });
                }
            };
            // 5222 and 5269 are registered (RFC 6120 §14.7), those for direct TLS are a custom.
            let port = match (role, direct) {
                (Role::Client, false) => 5222,
                (Role::Client, true) => 5223,
                (Role::Server, false) => 5269,
                (Role::Server, true) => 5270,
            };
            finish(Check::Xmpp(Xmpp::new(role, direct, choices.tls(name, Vec::new()))), host, Some(port), choices)
        }
        "stun" | "stuns" | "turn" | "turns" => {
            relay(kind, transport, name, choices).and_then(|(check, port)| finish(check, host, Some(port), choices))
        }
        _ => Err(UrlError::Kind(kind.to_owned(), suggest(kind))),
    }
}

/// Makes a check of STUN or TURN, with its own port. Both go over UDP unless said otherwise, `stuns` and `turns` over
/// TLS (RFC 7064 §3.2, RFC 7065 §3.2).
fn relay(kind: &str, transport: Option<&str>, name: String, choices: &Choices) -> Result<(Check, u16), UrlError> {
    let (word, secure) = match kind {
        "stun" => ("stun", false),
        "stuns" => ("stun", true),
        "turn" => ("turn", false),
        _ => ("turn", true),
    };
    let (over, port) = match (secure, transport) {
        (_, Some("tls")) | (true, None | Some("tcp")) => (Over::Tls(choices.tls(name, Vec::new())), 5349),
        (false, None | Some("udp")) => (Over::Udp, 3478),
        (false, Some("tcp")) => (Over::Tcp, 3478),
        (_, other) => {
            let transport = other.unwrap_or_default().to_owned();
            let help = if secure { "; DTLS is not spoken here" } else { "; it has udp, tcp and tls" };
            return Err(UrlError::Transport { kind: word, transport, help });
        }
    };
    let check = if word == "stun" {
        Check::Stun(Stun { over })
    } else {
        let credentials = choices.credentials.clone();
        Check::Turn(Turn { over, credentials, credentials_interval: CREDENTIALS_INTERVAL })
    };
    Ok((check, port))
}

/// Makes a check if it goes over the transport that was asked for.
fn over<P>(
    parameters: P,
    make: fn(P) -> Check,
    kind: &'static str,
    transport: Option<&str>,
    help: &'static str,
) -> Result<Check, UrlError> {
    match transport {
        Some(transport) if transport != kind => {
            Err(UrlError::Transport { kind, transport: transport.to_owned(), help })
        }
        Some(_) | None => Ok(make(parameters)),
    }
}

/// Adds where to, by default on the protocol's own port if it has one, and how long.
fn finish(check: Check, host: &str, usual: Option<u16>, choices: &Choices) -> Result<Spec, UrlError> {
    let (address, port) = split_port(host);
    let address: IpAddr = address.parse().map_err(|_| UrlError::Name(host.to_owned()))?;
    if !check.has_port() && port.is_none() {
        return Ok(Spec { address: SocketAddr::new(address, 0), check, timeout: choices.timeout, watch: None });
    }
    let port = port.map_or(usual, |port| port.parse().ok()).filter(|&port| port != 0);
    let port = port.ok_or_else(|| UrlError::Port(check.kind(), bracketed(address)))?;
    if choices.credentials.is_some() && !matches!(check, Check::Turn(_)) {
        return Err(UrlError::Credentials(check.kind()));
    }
    Ok(Spec { address: SocketAddr::new(address, port), check, timeout: choices.timeout, watch: None })
}

/// Parts `host:port`, `[v6]:port`, `[v6]` and bare addresses.
fn split_port(host: &str) -> (&str, Option<&str>) {
    if let Some((address, after)) = host.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        return (address, after.strip_prefix(':'));
    }
    match host.rsplit_once(':') {
        // More than one colon: an IPv6 address without brackets.
        Some((address, port)) if !address.contains(':') => (address, Some(port)),
        Some(_) | None => (host, None),
    }
}

fn bracketed(address: IpAddr) -> String {
    match address {
        IpAddr::V4(address) => address.to_string(),
        IpAddr::V6(address) => format!("[{address}]"),
    }
}

/// Returns what may have been meant by a kind that there is not.
fn suggest(kind: &str) -> String {
    match nearest(kind, KINDS.split(", ")) {
        Some(near) => format!("did you mean {near}?"),
        None => format!("there are {KINDS}"),
    }
}

/// The checks that there are.
const KINDS: &str = "tcp, tls, sip, sips, xmpp, xmpps, xmpp-server, xmpps-server, stun, stuns, turn, turns, http, https, grpc, dns, icmp";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::probe::stun::credentials::Kind;

    fn choices() -> Choices {
        Choices { timeout: Duration::from_secs(2), verify: Verify::Name, authority: None, credentials: None }
    }

    fn read(text: &str) -> Result<Spec, UrlError> {
        parse(text, &choices())
    }

    #[test]
    fn addresses_of_both_families_are_read() {
        let spec = read("tcp://127.0.0.1:5060").unwrap();
        assert_eq!((spec.address, spec.check), ("127.0.0.1:5060".parse().unwrap(), Check::Tcp(Tcp::default())));
        for (text, address, name) in [
            ("tls://[::1]:5061/Example.com.", "[::1]:5061", "Example.com"),
            ("TLS+TCP://127.0.0.1:443", "127.0.0.1:443", "127.0.0.1"),
            ("tls+tls://[::1]:443/", "[::1]:443", "::1"),
        ] {
            let spec = read(text).unwrap();
            assert_eq!(spec.address, address.parse().unwrap(), "{text}");
            assert!(matches!(&spec.check, Check::Tls(tls) if tls.name == name), "{text}: {:?}", spec.check);
        }
    }

    #[test]
    fn sip_goes_over_what_the_scheme_says_and_has_ports_of_its_own() {
        for (text, address, transport, domain) in [
            ("sip://127.0.0.1", "127.0.0.1:5060", "udp", "127.0.0.1"),
            ("sip+udp://127.0.0.1:5070/Example.com.", "127.0.0.1:5070", "udp", "Example.com"),
            ("sip+tcp://[::1]/example.com", "[::1]:5060", "tcp", "example.com"),
            ("sip+tls://[::1]/example.com", "[::1]:5061", "tls", "example.com"),
            ("sips://127.0.0.1/example.com", "127.0.0.1:5061", "tls", "example.com"),
            ("sips+tcp://127.0.0.1:443/example.com", "127.0.0.1:443", "tls", "example.com"),
        ] {
            let spec = read(text).unwrap();
            assert_eq!((spec.address, spec.check.transport()), (address.parse().unwrap(), transport), "{text}");
            let Check::Sip(sip) = &spec.check else { panic!("{text}: {spec:?}") };
            assert_eq!(sip.domain, domain);
            assert!(!matches!(&sip.over, Over::Tls(tls) if tls.name != domain), "{text}: {sip:?}");
        }
    }

    #[test]
    fn stun_and_turn_go_over_what_the_scheme_says_and_have_ports_of_their_own() {
        for (text, address, kind, transport) in [
            ("stun://127.0.0.1", "127.0.0.1:3478", "stun", "udp"),
            ("stun+tcp://[::1]:13478", "[::1]:13478", "stun", "tcp"),
            ("stun+tls://[::1]/example.com", "[::1]:5349", "stun", "tls"),
            ("stuns://127.0.0.1", "127.0.0.1:5349", "stun", "tls"),
            ("turn+udp://127.0.0.1", "127.0.0.1:3478", "turn", "udp"),
            ("turns+tcp://127.0.0.1:443/example.com", "127.0.0.1:443", "turn", "tls"),
        ] {
            let spec = read(text).unwrap();
            let read = (spec.address, spec.check.kind(), spec.check.transport());
            assert_eq!(read, (address.parse().unwrap(), kind, transport), "{text}");
        }
        let credentials = Some(Credentials::new(Kind::Password, "probe", "secret"));
        let choices = Choices { credentials: credentials.clone(), ..choices() };
        let turn = parse("turn://127.0.0.1", &choices).unwrap();
        assert!(matches!(turn.check, Check::Turn(turn) if turn.credentials == credentials));
        assert_eq!(parse("stun://127.0.0.1", &choices), Err(UrlError::Credentials("stun")));
    }

    #[test]
    fn xmpp_plays_clients_and_servers_with_starttls_and_direct_tls() {
        for (text, address, role, direct) in [
            ("xmpp://127.0.0.1/example.com", "127.0.0.1:5222", Role::Client, false),
            ("xmpp-client+tcp://127.0.0.1/example.com", "127.0.0.1:5222", Role::Client, false),
            ("xmpp-server://127.0.0.1/example.com", "127.0.0.1:5269", Role::Server, false),
            ("xmpps://127.0.0.1/example.com", "127.0.0.1:5223", Role::Client, true),
            ("xmpp+tls://[::1]:443/example.com.", "[::1]:443", Role::Client, true),
            ("xmpps-server+tcp://127.0.0.1/example.com", "127.0.0.1:5270", Role::Server, true),
        ] {
            let spec = read(text).unwrap();
            let Check::Xmpp(xmpp) = &spec.check else { panic!("{text}: {spec:?}") };
            assert_eq!((spec.address, xmpp.role, xmpp.direct), (address.parse().unwrap(), role, direct), "{text}");
            assert_eq!((xmpp.domain.as_str(), xmpp.tls.name.as_str()), ("example.com", "example.com"), "{text}");
            assert_eq!(xmpp.tls.alpn.len(), usize::from(direct), "{text}");
        }
    }

    #[test]
    fn what_cannot_be_probed_is_told_with_the_mend() {
        for (text, part) in [
            ("127.0.0.1:5060", "is no check: write KIND://"),
            ("grpcs://127.0.0.1:50051", "there is no check grpcs; did you mean grpc?"),
            ("xmpp+udp://127.0.0.1", "the check xmpp does not go over udp; it has tcp (STARTTLS) and tls (direct TLS)"),
            ("xmpp-component://127.0.0.1", "there is no check xmpp-component"),
            ("sip+sctp://127.0.0.1", "the check sip does not go over sctp; it has udp, tcp and tls"),
            ("sips+udp://127.0.0.1", "the check sip does not go over udp; sips:// is sip+tls://"),
            ("stun+sctp://127.0.0.1", "the check stun does not go over sctp; it has udp, tcp and tls"),
            ("turns+udp://127.0.0.1", "the check turn does not go over udp; DTLS is not spoken here"),
            ("sip://127.0.0.1:0", "needs a port"),
            ("sip://127.0.0.1/exa mple", "\"exa mple\" is no domain"),
            ("sip://127.0.0.1/example.com?x=y", "\"example.com?x=y\" is no domain"),
            ("sip://127.0.0.1:", "needs a port"),
            ("gopher://127.0.0.1:70", "there is no check gopher"),
            ("tcp://node1..example.com:5060", "is neither an address nor a host name"),
            ("tcp://127.0.0.1", "needs a port from 1 to 65535: write tcp://127.0.0.1:PORT"),
            ("tls://::1", "write tls://[::1]:PORT"),
            ("tcp://127.0.0.1:0", "needs a port"),
            ("tcp://127.0.0.1:65536", "needs a port"),
            ("tcp+tls://127.0.0.1:1", "does not go over tls; for a TLS handshake write tls://"),
            ("tls+udp://127.0.0.1:1", "the check tls does not go over udp"),
        ] {
            let error = read(text).unwrap_err().to_string();
            assert!(error.contains(part), "{text}: {error}");
        }
    }
}
