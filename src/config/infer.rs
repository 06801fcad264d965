//! From a service's owner name to its check (product rules, "Nothing but a zone file is needed").

use crate::zone::Name;

/// What an owner name tells about the check.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Inference {
    /// The check.
    pub guess: Guess,
    /// The protocol whose own check would say more, once it is there.
    pub until: Option<&'static str>,
}

/// A check without its parameters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Guess {
    /// None: served as declared.
    Nothing,
    /// A TCP connect.
    Tcp,
    /// A TLS handshake, with the service's domain as SNI and the certificate's name.
    Tls {
        /// The protocols to offer by ALPN.
        alpn: &'static [&'static str],
    },
}

/// Infers the check of a service.
///
/// | owner labels | check |
/// |---|---|
/// | `_sip`, `_xmpp-*`, `_stun`, `_turn` over `_tcp` | TCP, until the protocol's own check is there |
/// | `_sips`, `_xmpps-*` (with ALPN, XEP-0368), `_stuns`, `_turns` over `_tcp`; anything over `_tls` | TLS, likewise |
/// | over `_tcp` and known to be TLS | TLS |
/// | any other over `_tcp`, also `*` | TCP |
/// | anything else, as `_udp` | none |
pub fn infer(owner: &Name) -> Inference {
    let [service, transport] = first_labels(owner);
    let until = protocol_of(&service);
    let guess = match (transport.as_str(), service.as_str()) {
        ("_tcp", "_xmpps-client") => Guess::Tls { alpn: &["xmpp-client"] },
        ("_tcp", "_xmpps-server") => Guess::Tls { alpn: &["xmpp-server"] },
        ("_tcp", service) if TLS.contains(&service) => Guess::Tls { alpn: &[] },
        ("_tcp", _) => Guess::Tcp,
        ("_tls", _) => Guess::Tls { alpn: &[] },
        _ => Guess::Nothing,
    };
    Inference { guess, until }
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

/// Returns the protocol whose check is still to come.
fn protocol_of(service: &str) -> Option<&'static str> {
    match service {
        "_sip" | "_sips" => Some("SIP"),
        "_xmpp-client" | "_xmpp-server" | "_xmpps-client" | "_xmpps-server" => Some("XMPP"),
        "_stun" | "_stuns" => Some("STUN"),
        "_turn" | "_turns" => Some("TURN"),
        _ => None,
    }
}

/// Services over TCP that begin with a TLS handshake (IANA service names; RFC 6764, RFC 8314, RFC 8620).
const TLS: &[&str] = &[
    "_amqps",
    "_caldavs",
    "_carddavs",
    "_domain-s",
    "_ftps",
    "_https",
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
    "_sips",
    "_smtps",
    "_stuns",
    "_submissions",
    "_syslog-tls",
    "_telnets",
    "_turns",
    "_wss",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_owner_tells_the_check() {
        let tls = Guess::Tls { alpn: &[] };
        for (owner, guess, until) in [
            ("_sip._udp.example.com", Guess::Nothing, Some("SIP")),
            ("_sip._tcp.example.com", Guess::Tcp, Some("SIP")),
            ("_sips._tcp.example.com", tls, Some("SIP")),
            ("_SIP._TLS.example.com", tls, Some("SIP")),
            ("_xmpp-client._tcp.example.com", Guess::Tcp, Some("XMPP")),
            ("_xmpp-server._tcp.example.com", Guess::Tcp, Some("XMPP")),
            ("_xmpps-client._tcp.example.com", Guess::Tls { alpn: &["xmpp-client"] }, Some("XMPP")),
            ("_xmpps-server._tcp.example.com", Guess::Tls { alpn: &["xmpp-server"] }, Some("XMPP")),
            ("_stun._udp.example.com", Guess::Nothing, Some("STUN")),
            ("_stun._tcp.example.com", Guess::Tcp, Some("STUN")),
            ("_stuns._tcp.example.com", tls, Some("STUN")),
            ("_turn._udp.example.com", Guess::Nothing, Some("TURN")),
            ("_turn._tcp.example.com", Guess::Tcp, Some("TURN")),
            ("_turns._tcp.example.com", tls, Some("TURN")),
            ("_imaps._tcp.example.com", tls, None),
            ("_submissions._tcp.example.com", tls, None),
            ("_ldaps._tcp.example.com", tls, None),
            ("_https._tcp.example.com", tls, None),
            ("_imap._tcp.example.com", Guess::Tcp, None),
            ("*._tcp.example.com", Guess::Tcp, None),
            ("_minecraft._udp.example.com", Guess::Nothing, None),
            ("_foo._sctp.example.com", Guess::Nothing, None),
            ("example.com", Guess::Nothing, None),
            (".", Guess::Nothing, None),
        ] {
            assert_eq!(infer(&owner.parse().unwrap()), Inference { guess, until }, "{owner}");
        }
    }

    #[test]
    fn the_domain_lies_behind_two_labels() {
        for (owner, domain) in [("_sip._tls.Example.com", "Example.com"), ("_sip._tcp", ""), ("_sip", "")] {
            assert_eq!(service_domain(&owner.parse().unwrap()), domain);
        }
    }
}
