//! From a service's owner name to its check (product rules, "Nothing but a zone file is needed").

use super::CheckKind;
use super::kind::OwnerLabels;
use super::over::Transport;
use crate::zone::Name;
use crate::zone::services::{self, Application};

/// What an owner name tells about the check.
#[derive(Clone, Debug, PartialEq)]
pub struct Inference {
    /// What is tested; nothing: served as declared.
    pub kind: Option<CheckKind>,
    /// What clients go over.
    pub transport: Transport,
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
    let [service, protocol] = first_labels(owner);
    let is_tls = services::begins_with_tls(&service);
    let application = services::find(&service, &protocol).map_or(Application::Other, |known| known.application);
    let kind = CheckKind::inferred(&OwnerLabels { application, protocol: &protocol, is_tls });
    let transport = match protocol.as_str() {
        "_udp" => Transport::Udp,
        "_tls" => Transport::Tls,
        _ if is_tls => Transport::Tls,
        _ => Transport::Tcp,
    };
    Inference { kind, transport }
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
    use crate::probe::xmpp::Role;
    use crate::probe::{HttpKeys, SipKeys, StunKeys, TcpKeys, TlsKeys, TurnKeys, XmppKeys};

    #[test]
    fn the_owner_tells_the_check() {
        use Transport::{Tcp, Udp};
        let over_tls = Transport::Tls;
        let (sip, stun) = (Some(CheckKind::Sip(SipKeys::default())), Some(CheckKind::Stun(StunKeys::default())));
        let (turn, tcp) = (Some(CheckKind::Turn(TurnKeys::default())), Some(CheckKind::Tcp(TcpKeys::default())));
        let tls = Some(CheckKind::Tls(TlsKeys::default()));
        let xmpp = |role| Some(CheckKind::Xmpp(XmppKeys { role: Some(role), ..XmppKeys::default() }));
        let http = |is_tls| {
            let status = Some(vec![200..=420, 422..=428, 430..=499]);
            Some(CheckKind::Http(HttpKeys { is_tls, status, ..HttpKeys::default() }))
        };
        for (owner, kind, transport) in [
            ("_sip._udp.example.com", &sip, Udp),
            ("_sip._tcp.example.com", &sip, Tcp),
            ("_sips._tcp.example.com", &sip, over_tls),
            ("_SIP._TLS.example.com", &sip, over_tls),
            ("_sips._tls.example.com", &sip, over_tls),
            ("_sips._udp.example.com", &None, Udp),
            ("_sips._sctp.example.com", &None, over_tls),
            ("_sipfederationtls._tcp.example.com", &tcp, Tcp),
            ("_https._tls.example.com", &tls, over_tls),
            ("_stuns._tls.example.com", &tls, over_tls),
            ("_sip._sctp.example.com", &None, Tcp),
            ("_xmpp-client._tcp.example.com", &xmpp(Role::Client), Tcp),
            ("_XMPP-Server._tcp.example.com", &xmpp(Role::Server), Tcp),
            ("_xmpps-client._tcp.example.com", &xmpp(Role::Client), over_tls),
            ("_xmpps-server._tcp.example.com", &xmpp(Role::Server), over_tls),
            ("_xmpp-client._udp.example.com", &None, Udp),
            ("_stun._udp.example.com", &stun, Udp),
            ("_stun._tcp.example.com", &stun, Tcp),
            ("_stuns._tcp.example.com", &stun, over_tls),
            ("_stuns._udp.example.com", &None, Udp),
            ("_turn._udp.example.com", &turn, Udp),
            ("_turn._tcp.example.com", &turn, Tcp),
            ("_turns._tcp.example.com", &turn, over_tls),
            ("_imaps._tcp.example.com", &tls, over_tls),
            ("_submissions._tcp.example.com", &tls, over_tls),
            ("_ldaps._tcp.example.com", &tls, over_tls),
            ("_https._tcp.example.com", &http(true), over_tls),
            ("_http._tcp.example.com", &http(false), Tcp),
            ("_imap._tcp.example.com", &tcp, Tcp),
            ("*._tcp.example.com", &tcp, Tcp),
            ("_minecraft._udp.example.com", &None, Udp),
            ("_foo._sctp.example.com", &None, Tcp),
            ("example.com", &None, Tcp),
            (".", &None, Tcp),
        ] {
            let expected = Inference { kind: kind.clone(), transport };
            assert_eq!(infer(&owner.parse().unwrap()), expected, "{owner}");
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
                Inference { kind: Some(CheckKind::Tls(TlsKeys::default())), transport: Transport::Tls },
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
