//! Reads `KIND[+TRANSPORT]://HOST[:PORT][/TARGET]`: the target of the `probe` command.
//!
//! Each kind reads the URLs of its own schemes; the part after the host is a domain, or specific to the kind.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use thiserror::Error;

use super::kind::CheckContext;
use super::over::Transport;
use super::settings::TargetSettings;
use super::{CheckKind, Credentials, Spec};
use crate::keys::reader::nearest;
use crate::keys::values::Words;

/// What the options say beside the URL.
#[derive(Clone, Debug, Default)]
pub struct Choices {
    /// How it is tested.
    pub settings: TargetSettings,
    /// How long a probe may take; nothing: what is usual for the kind.
    pub timeout: Option<Duration>,
    /// Whom to log in as.
    pub credentials: Option<Credentials>,
}

/// A URL, taken apart.
#[derive(Clone, Copy, Debug)]
pub struct Url<'u> {
    /// The scheme without its transport, in lower case.
    pub scheme: &'u str,
    /// Whom to log in as.
    pub credentials: Option<&'u Credentials>,
    /// What stands behind `+`.
    pub(super) transport: Option<&'u str>,
    /// What stands behind the host.
    pub(super) target: &'u str,
    /// An address without brackets, or a name.
    host: &'u str,
    /// Whether the host is a name.
    is_named: bool,
}

/// What a URL asks for.
#[derive(Clone, Debug, PartialEq)]
pub struct UrlCheck<K> {
    /// The keys that it stands for.
    pub keys: K,
    /// The name that is asked for.
    pub domain: String,
    /// The port on which it is usual.
    pub port: Option<u16>,
}

/// Why a text names nothing that can be probed.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum UrlError {
    /// There is no `://`.
    #[error(
        "\"{0}\" is no check: write KIND://ADDRESS:PORT, such as tcp://127.0.0.1:5060 or sip+tls://[::1]:5061/example.com"
    )]
    Form(String),
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

/// Reads what is to be probed, and how; `resolved` is the address of a host that is named.
///
/// # Errors
/// What the text should say instead.
pub fn parse(text: &str, resolved: Option<IpAddr>, choices: &Choices) -> Result<Spec, UrlError> {
    let (scheme, rest) = text.split_once("://").ok_or_else(|| UrlError::Form(text.to_owned()))?;
    let scheme = scheme.to_ascii_lowercase();
    let (scheme, transport) = match scheme.split_once('+') {
        Some((scheme, transport)) => (scheme, Some(transport)),
        None => (scheme.as_str(), None),
    };
    let (authority, target) = rest.split_once('/').unwrap_or((rest, ""));
    let (host, port) = split_port(authority);
    let literal = host.parse().ok();
    let credentials = choices.credentials.as_ref();
    let url = Url { scheme, credentials, transport, target, host, is_named: literal.is_none() };
    let UrlCheck { keys, domain, port: usual } = CheckKind::from_url(&url)?;
    let settings = &choices.settings;
    let context = CheckContext { domain, host: None, inferred: None, transport: Transport::Udp, settings };
    let check = keys.lower(&context).ok_or_else(|| UrlError::kind(scheme))?;
    let address: IpAddr = literal.or(resolved).ok_or_else(|| UrlError::Name(authority.to_owned()))?;
    let timeout = choices.timeout.unwrap_or_else(|| keys.defaults(settings.clone()).health.timeout);
    if !check.has_port() && port.is_none() {
        return Ok(Spec { address: SocketAddr::new(address, 0), check: Arc::new(check), timeout, watch: None });
    }
    let port = port.map_or(usual, |port| port.parse().ok()).filter(|&port| port != 0);
    let port = port.ok_or_else(|| UrlError::Port(check.kind(), bracketed(address)))?;
    if credentials.is_some() && !keys.logs_in() {
        return Err(UrlError::Credentials(check.kind()));
    }
    Ok(Spec { address: SocketAddr::new(address, port), check: Arc::new(check), timeout, watch: None })
}

/// Parts `host:port`, `[v6]:port`, `[v6]` and bare addresses.
pub fn split_port(authority: &str) -> (&str, Option<&str>) {
    if let Some((address, after)) = authority.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        return (address, after.strip_prefix(':'));
    }
    match authority.rsplit_once(':') {
        // More than one colon: an IPv6 address without brackets.
        Some((address, port)) if !address.contains(':') => (address, Some(port)),
        Some(_) | None => (authority, None),
    }
}

impl<'u> Url<'u> {
    /// Returns what it goes over: one of those that are allowed, by default the first.
    pub(super) fn transport(
        &self,
        kind: &'static str,
        allowed: &[Transport],
        help: &'static str,
    ) -> Result<Transport, UrlError> {
        let Some(word) = self.transport else { return Ok(allowed.first().copied().unwrap_or(Transport::Tcp)) };
        let found = Transport::WORDS.iter().find(|(known, transport)| *known == word && allowed.contains(transport));
        let wrong = || UrlError::Transport { kind, transport: word.to_owned(), help };
        found.map(|(_, transport)| *transport).ok_or_else(wrong)
    }

    /// Checks that it goes over TLS, by a scheme that says so: `+tcp` is the same then.
    pub(super) fn secure(&self, kind: &'static str, help: &'static str) -> Result<Transport, UrlError> {
        self.transport(kind, &[Transport::Tls, Transport::Tcp], help).map(|_| Transport::Tls)
    }

    /// Returns the domain that stands behind the host, without its final dot.
    pub(super) fn said_domain(&self) -> Option<&'u str> {
        Some(self.target.trim_end_matches('.')).filter(|domain| !domain.is_empty())
    }

    /// Returns the domain: by default the host.
    pub(super) fn domain(&self) -> String {
        self.said_domain().unwrap_or_else(|| self.host.trim_end_matches('.')).to_owned()
    }

    /// Returns the domain that stands before the first slash behind the host, by default the host, and what follows.
    pub(super) fn domain_and_rest(&self) -> (&'u str, &'u str) {
        let (domain, rest) = self.target.split_once('/').unwrap_or((self.target, ""));
        let domain = Some(domain.trim_end_matches('.')).filter(|domain| !domain.is_empty());
        (domain.unwrap_or_else(|| self.host.trim_end_matches('.')), rest)
    }

    /// Returns the domain and the path: behind a name stands the path alone.
    pub(super) fn domain_and_path(&self) -> (&'u str, &'u str) {
        if self.is_named { (self.host.trim_end_matches('.'), self.target) } else { self.domain_and_rest() }
    }
}

impl<K> UrlCheck<K> {
    /// Makes it.
    pub(super) fn new(keys: K, domain: impl Into<String>, port: impl Into<Option<u16>>) -> Self {
        Self { keys, domain: domain.into(), port: port.into() }
    }

    /// Changes the keys.
    pub(super) fn map<L>(self, change: impl FnOnce(K) -> L) -> UrlCheck<L> {
        UrlCheck { keys: change(self.keys), domain: self.domain, port: self.port }
    }
}

impl UrlError {
    /// Says that there is no such kind, and what may have been meant.
    pub(super) fn kind(scheme: &str) -> Self {
        let schemes: Vec<&str> = CheckKind::SCHEMES.iter().copied().flatten().copied().collect();
        let help = match nearest(scheme, schemes.iter().copied()) {
            Some(near) => format!("did you mean {near}?"),
            None => format!("there are {}", schemes.join(", ")),
        };
        Self::Kind(scheme.to_owned(), help)
    }
}

fn bracketed(address: IpAddr) -> String {
    match address {
        IpAddr::V4(address) => address.to_string(),
        IpAddr::V6(address) => format!("[{address}]"),
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::probe::stun::credentials::Kind;
    use crate::probe::xmpp::Role;
    use crate::probe::{Check, Over, Tcp};

    fn read(text: &str) -> Result<Spec, UrlError> {
        parse(text, None, &Choices::default())
    }

    #[test]
    fn addresses_of_both_families_are_read() {
        let spec = read("tcp://127.0.0.1:5060").unwrap();
        assert_eq!((spec.address, &*spec.check), ("127.0.0.1:5060".parse().unwrap(), &Check::Tcp(Tcp::default())));
        for (text, address, name) in [
            ("tls://[::1]:5061/Example.com.", "[::1]:5061", "Example.com"),
            ("TLS+TCP://127.0.0.1:443", "127.0.0.1:443", "127.0.0.1"),
            ("tls+tls://[::1]:443/", "[::1]:443", "::1"),
        ] {
            let spec = read(text).unwrap();
            assert_eq!(spec.address, address.parse().unwrap(), "{text}");
            assert!(matches!(&*spec.check, Check::Tls(tls) if tls.name == name), "{text}: {:?}", spec.check);
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
            let Check::Sip(sip) = &*spec.check else { panic!("{text}: {spec:?}") };
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
        let credentials = Some(Credentials::new(Kind::Password, "probe", "secret", Path::new("f")));
        let choices = Choices { credentials: credentials.clone(), ..Choices::default() };
        let turn = parse("turn://127.0.0.1", None, &choices).unwrap();
        assert!(matches!(&*turn.check, Check::Turn(turn) if turn.credentials == credentials));
        assert_eq!(parse("stun://127.0.0.1", None, &choices), Err(UrlError::Credentials("stun")));
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
            let Check::Xmpp(xmpp) = &*spec.check else { panic!("{text}: {spec:?}") };
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

    #[test]
    fn a_name_gives_way_to_its_address_and_stays_as_the_domain() {
        for (url, address, expected) in [
            ("tls://node1.example:5061", "127.0.0.1:5061", "name=node1.example"),
            ("tls://node1.example.:5061/", "[::1]:5061", "name=node1.example"),
            ("xmpp://node1.example/example", "[::1]:5222", "role=client name=example"),
            ("http://node1.example", "127.0.0.1:80", "host=node1.example"),
            ("HTTP://node1.example:8443/a/b?c=d", "[::1]:8443", "host=node1.example path=\"/a/b?c=d\""),
            ("grpc://node1.example:50051", "127.0.0.1:50051", "host=node1.example"),
            ("dns+tcp://node1.example/example.com/A", "127.0.0.1:53", "name=example.com. type=A"),
        ] {
            let address: SocketAddr = address.parse().unwrap();
            let spec = parse(url, Some(address.ip()), &Choices::default()).unwrap();
            assert_eq!((spec.address, spec.check.parameters().as_str()), (address, expected), "{url}");
        }
        let error = parse("dns://node1.example", "127.0.0.1".parse().ok(), &Choices::default()).unwrap_err();
        assert_eq!(error, UrlError::Question(String::new()), "a name server is never asked for itself");
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
            let spec = read(text).unwrap();
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
            let error = read(text).unwrap_err().to_string();
            assert!(error.contains(part), "{text}: {error}");
        }
    }
}
