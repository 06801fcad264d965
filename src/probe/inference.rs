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
/// | `_matrix-fed`, `_matrix` over `_tcp` | HTTPS, the path of Matrix's version |
/// | `_imap(s)`, `_pop3(s)`, `_sieve`, `_smtp(s)`, `_submission(s)`, `_nntp(s)`, `_ftp(s)`, `_ssh`, `_irc(s)` … over `_tcp` | the greeting |
/// | `_ldap(s)`, `_mysql`, `_postgresql`, `_mqtt(s)`, `_minecraft`, `_mumble` over `_tcp`; `_kerberos`, `_kpasswd` over `_udp`, `_tcp` | their own |
/// | `_rfb` over `_tcp`: servers that lock out who does not log in | none |
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
    use crate::probe::kerberos::KerberosService;
    use crate::probe::xmpp::Role;
    use crate::probe::{
        GreetingKeys, HttpKeys, KerberosKeys, LdapKeys, MinecraftKeys, MqttKeys, MumbleKeys, MysqlKeys, PostgresqlKeys,
        SipKeys, StunKeys, TcpKeys, TlsKeys, TurnKeys, XmppKeys,
    };
    use crate::zone::services::TextProtocol;

    #[test]
    fn the_owner_tells_the_check() {
        use Transport::{Tcp, Udp};
        let over_tls = Transport::Tls;
        let (sip, stun) = (Some(CheckKind::Sip(SipKeys::default())), Some(CheckKind::Stun(StunKeys::default())));
        let (turn, tcp) = (Some(CheckKind::Turn(TurnKeys::default())), Some(CheckKind::Tcp(TcpKeys::default())));
        let tls = Some(CheckKind::Tls(TlsKeys::default()));
        let xmpp = |role| Some(CheckKind::Xmpp(XmppKeys { role: Some(role), ..XmppKeys::default() }));
        let http = |is_tls, path: Option<&str>| {
            let (path, status) = (path.map(str::to_owned), Some(vec![200..=420, 422..=428, 430..=499]));
            Some(CheckKind::Http(HttpKeys { is_tls, is_inferred: true, path, status, ..HttpKeys::default() }))
        };
        let matrix = http(true, Some("/_matrix/federation/v1/version"));
        let text =
            |protocol| Some(CheckKind::Greeting(GreetingKeys { protocol: Some(protocol), ..GreetingKeys::default() }));
        let kerberos = |service| Some(CheckKind::Kerberos(KerberosKeys { service, ..KerberosKeys::default() }));
        let ldap = Some(CheckKind::Ldap(LdapKeys::default()));
        let mqtt = Some(CheckKind::Mqtt(MqttKeys::default()));
        for (owner, kind, transport) in [
            ("_sip._udp.example.com", &sip, Udp),
            ("_sip._tcp.example.com", &sip, Tcp),
            ("_sips._tcp.example.com", &sip, over_tls),
            ("_SIP._TLS.example.com", &sip, over_tls),
            ("_sips._tls.example.com", &sip, over_tls),
            ("_sips._udp.example.com", &None, Udp),
            ("_sips._sctp.example.com", &None, over_tls),
            ("_sipfederationtls._tcp.example.com", &tls, over_tls),
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
            ("_imaps._tcp.example.com", &text(TextProtocol::Imap), over_tls),
            ("_submissions._tcp.example.com", &text(TextProtocol::Smtp), over_tls),
            ("_submission._tcp.example.com", &text(TextProtocol::Smtp), Tcp),
            ("_SSH._tcp.example.com", &text(TextProtocol::Ssh), Tcp),
            ("_ircs-u._tcp.example.com", &text(TextProtocol::Irc), over_tls),
            ("_ldap._tcp.example.com", &ldap, Tcp),
            ("_ldaps._tcp.example.com", &ldap, over_tls),
            ("_kerberos._udp.example.com", &kerberos(KerberosService::Tickets), Udp),
            ("_kpasswd._tcp.example.com", &kerberos(KerberosService::Passwords), Tcp),
            ("_secure-mqtt._tcp.example.com", &mqtt, over_tls),
            ("_mysql._tcp.example.com", &Some(CheckKind::Mysql(MysqlKeys)), Tcp),
            ("_postgresql._tcp.example.com", &Some(CheckKind::Postgresql(PostgresqlKeys)), Tcp),
            ("_minecraft._tcp.example.com", &Some(CheckKind::Minecraft(MinecraftKeys::default())), Tcp),
            ("_mumble._tcp.example.com", &Some(CheckKind::Mumble(MumbleKeys)), Tcp),
            ("_rfb._tcp.example.com", &None, Tcp),
            ("_matrix-fed._tcp.example.com", &matrix, over_tls),
            ("_https._tcp.example.com", &http(true, None), over_tls),
            ("_http._tcp.example.com", &http(false, None), Tcp),
            ("_imap._tcp.example.com", &text(TextProtocol::Imap), Tcp),
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
            "_etcd-client-ssl",
            "_etcd-server-ssl",
            "_ipps",
            "_jmap",
            "_radiustls",
            "_rtsps",
            "_sipfederationtls",
            "_sipinternaltls",
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
