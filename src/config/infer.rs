//! From a service's owner name to its check (product rules, "Nothing but a zone file is needed").

use crate::probe::xmpp::Role;
use crate::zone::Name;
use crate::zone::services::{self, Application};

/// What an owner name tells about the check.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Inference {
    /// The check.
    pub inferred_check: InferredCheck,
    /// What clients go over.
    pub transport: Transport,
}

/// What clients of a service go over, for checks that can go over several.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Transport {
    /// Datagrams.
    Udp,
    /// A connection.
    Tcp,
    /// A connection in TLS from its begin.
    Tls,
}

impl Transport {
    /// The words for them, in config and URLs.
    pub const WORDS: [(&'static str, Self); 3] = [("udp", Self::Udp), ("tcp", Self::Tcp), ("tls", Self::Tls)];
}

/// A check without its parameters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum InferredCheck {
    /// None: served as declared.
    Nothing,
    /// A TCP connect.
    Tcp,
    /// A TLS handshake, with the service's domain as SNI and the certificate's name.
    Tls {
        /// The protocols to offer by ALPN.
        alpn: &'static [&'static str],
    },
    /// A request for `/`, in TLS or not; any answer will do that shows the domain to be served.
    Http {
        /// Whether it is HTTPS.
        is_tls: bool,
    },
    /// SIP OPTIONS for the service's domain, over its transport.
    Sip,
    /// An XMPP stream to the service's domain: STARTTLS over TCP, direct TLS over TLS.
    Xmpp(Role),
    /// STUN's question for our address, over the service's transport.
    Stun,
    /// TURN's question for an address that relays, over the service's transport.
    Turn,
}

/// Infers the check of a service.
///
/// | owner labels | check |
/// |---|---|
/// | `_sip` over `_udp`, `_tcp`, `_tls`; `_sips` over `_tcp`, `_tls` (RFC 3263 §4.1) | SIP |
/// | `_http`, `_https` over `_tcp` | HTTP, HTTPS |
/// | `_stun` over `_udp`, `_tcp`; `_stuns` over `_tcp` (RFC 8489 §8) | STUN |
/// | `_turn` over `_udp`, `_tcp`; `_turns` over `_tcp` (RFC 5928 §3) | TURN |
/// | `_xmpp-client`, `_xmpp-server`, `_xmpps-client`, `_xmpps-server` over `_tcp` (XEP-0368) | XMPP |
/// | anything over `_tls` | TLS |
/// | over `_tcp` and known to be TLS | TLS |
/// | any other over `_tcp`, also `*` | TCP |
/// | anything else, as `_udp` | none |
pub fn infer(owner: &Name) -> Inference {
    let [service, transport] = first_labels(owner);
    let is_tls = services::begins_with_tls(&service);
    let application = services::find(&service, &transport).map_or(Application::Other, |known| known.application);
    let inferred_check = match (application, transport.as_str()) {
        (Application::Sip, _) => InferredCheck::Sip,
        (Application::XmppClient, _) => InferredCheck::Xmpp(Role::Client),
        (Application::XmppServer, _) => InferredCheck::Xmpp(Role::Server),
        (Application::Stun, _) => InferredCheck::Stun,
        (Application::Turn, _) => InferredCheck::Turn,
        (Application::Http, _) => InferredCheck::Http { is_tls },
        (Application::Other, "_tcp") if !is_tls => InferredCheck::Tcp,
        (Application::Other, "_tcp" | "_tls") => InferredCheck::Tls { alpn: &[] },
        (Application::Other, _) => InferredCheck::Nothing,
    };
    let transport = match transport.as_str() {
        "_udp" => Transport::Udp,
        "_tls" => Transport::Tls,
        _ if is_tls => Transport::Tls,
        _ => Transport::Tcp,
    };
    Inference { inferred_check, transport }
}

/// Returns the first two labels in lower case, as in `_sip`, `_tcp`; empty ones where there are none.
pub fn first_labels(owner: &Name) -> [String; 2] {
    let mut labels = owner.labels().map(|label| String::from_utf8_lossy(label).to_ascii_lowercase());
    [labels.next().unwrap_or_default(), labels.next().unwrap_or_default()]
}

/// Returns the domain that a service is for: the owner without its first two labels and without the final dot.
pub fn service_domain(owner: &Name) -> String {
    let domain = owner.parent().and_then(|name| name.parent()).unwrap_or_else(Name::root);
    domain.to_string().trim_end_matches('.').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_owner_tells_the_check() {
        use Transport::{Tcp, Udp};
        let (tls, over_tls) = (InferredCheck::Tls { alpn: &[] }, Transport::Tls);
        for (owner, inferred_check, transport) in [
            ("_sip._udp.example.com", InferredCheck::Sip, Udp),
            ("_sip._tcp.example.com", InferredCheck::Sip, Tcp),
            ("_sips._tcp.example.com", InferredCheck::Sip, over_tls),
            ("_SIP._TLS.example.com", InferredCheck::Sip, over_tls),
            ("_sips._tls.example.com", InferredCheck::Sip, over_tls),
            ("_sips._udp.example.com", InferredCheck::Nothing, Udp),
            ("_sips._sctp.example.com", InferredCheck::Nothing, over_tls),
            ("_sipfederationtls._tcp.example.com", InferredCheck::Tcp, Tcp),
            ("_https._tls.example.com", tls, over_tls),
            ("_stuns._tls.example.com", tls, over_tls),
            ("_sip._sctp.example.com", InferredCheck::Nothing, Tcp),
            ("_xmpp-client._tcp.example.com", InferredCheck::Xmpp(Role::Client), Tcp),
            ("_XMPP-Server._tcp.example.com", InferredCheck::Xmpp(Role::Server), Tcp),
            ("_xmpps-client._tcp.example.com", InferredCheck::Xmpp(Role::Client), over_tls),
            ("_xmpps-server._tcp.example.com", InferredCheck::Xmpp(Role::Server), over_tls),
            ("_xmpp-client._udp.example.com", InferredCheck::Nothing, Udp),
            ("_stun._udp.example.com", InferredCheck::Stun, Udp),
            ("_stun._tcp.example.com", InferredCheck::Stun, Tcp),
            ("_stuns._tcp.example.com", InferredCheck::Stun, over_tls),
            ("_stuns._udp.example.com", InferredCheck::Nothing, Udp),
            ("_turn._udp.example.com", InferredCheck::Turn, Udp),
            ("_turn._tcp.example.com", InferredCheck::Turn, Tcp),
            ("_turns._tcp.example.com", InferredCheck::Turn, over_tls),
            ("_imaps._tcp.example.com", tls, over_tls),
            ("_submissions._tcp.example.com", tls, over_tls),
            ("_ldaps._tcp.example.com", tls, over_tls),
            ("_https._tcp.example.com", InferredCheck::Http { is_tls: true }, over_tls),
            ("_http._tcp.example.com", InferredCheck::Http { is_tls: false }, Tcp),
            ("_imap._tcp.example.com", InferredCheck::Tcp, Tcp),
            ("*._tcp.example.com", InferredCheck::Tcp, Tcp),
            ("_minecraft._udp.example.com", InferredCheck::Nothing, Udp),
            ("_foo._sctp.example.com", InferredCheck::Nothing, Tcp),
            ("example.com", InferredCheck::Nothing, Tcp),
            (".", InferredCheck::Nothing, Tcp),
        ] {
            assert_eq!(infer(&owner.parse().unwrap()), Inference { inferred_check, transport }, "{owner}");
        }
    }

    #[test]
    fn services_known_to_be_tls_are_tested_by_a_handshake() {
        for label in [
            "_amqps",
            "_caldavs",
            "_carddavs",
            "_domain-s",
            "_ftps",
            "_imaps",
            "_ircs",
            "_ircs-u",
            "_jmap",
            "_ldaps",
            "_matrix",
            "_matrix-fed",
            "_mqtts",
            "_nntps",
            "_pop3s",
            "_rtsps",
            "_secure-mqtt",
            "_smtps",
            "_submissions",
            "_syslog-tls",
            "_telnets",
            "_wss",
        ] {
            let inference = infer(&format!("{label}._tcp.example.com").parse().unwrap());
            assert_eq!(
                inference,
                Inference { inferred_check: InferredCheck::Tls { alpn: &[] }, transport: Transport::Tls },
                "{label}"
            );
        }
    }

    #[test]
    fn the_domain_lies_behind_two_labels() {
        for (owner, domain) in [("_sip._tls.Example.com", "Example.com"), ("_sip._tcp", ""), ("_sip", "")] {
            assert_eq!(service_domain(&owner.parse().unwrap()), domain);
        }
    }
}
