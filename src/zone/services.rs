//! The known SRV services: their labels, transports, default ports, and application protocols.
//!
//! The lint and the inference of checks read the same rows.

use Application::{
    Http, Kerberos, Kpasswd, Ldap, Matrix, Minecraft, Mqtt, Mumble, Mysql, Other, Postgresql, Sip, Stun, Text, Turn,
    Vnc, XmppClient, XmppServer,
};
use TextProtocol::{Ftp, Imap, Irc, Nntp, Pop3, Sieve, Smtp, Ssh};

/// A service over one protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Service {
    /// Such as `_sip`.
    pub label: &'static str,
    /// Such as `_tcp`.
    pub proto: &'static str,
    /// The port on which its clients expect it; nothing where no client asks for this pair of labels, or where the lint
    /// has nothing to say of it.
    pub port: Option<u16>,
    /// Services that speak otherwise but stand beside this one share its family; 0 is none.
    pub family: u8,
    /// What is spoken, as far as there is a check for it over this protocol.
    pub application: Application,
    /// Whether the label promises that a connection begins with a TLS handshake.
    pub tls: bool,
}

/// What is spoken to a service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Application {
    /// Something that has no check of its own.
    Other,
    /// SIP.
    Sip,
    /// XMPP, between clients and servers.
    XmppClient,
    /// XMPP, between servers.
    XmppServer,
    /// STUN.
    Stun,
    /// TURN.
    Turn,
    /// HTTP, in TLS or not.
    Http,
    /// Matrix between servers: HTTPS with a path of its own.
    Matrix,
    /// A protocol of lines.
    Text(TextProtocol),
    /// LDAP.
    Ldap,
    /// Kerberos.
    Kerberos,
    /// Kerberos' change of passwords (RFC 3244).
    Kpasswd,
    /// MQTT.
    Mqtt,
    /// MySQL and MariaDB.
    Mysql,
    /// PostgreSQL.
    Postgresql,
    /// Minecraft, the Java edition.
    Minecraft,
    /// Mumble.
    Mumble,
    /// VNC, whose servers lock out who connects and does not log in.
    Vnc,
}

/// What servers do to a client that connects and does not log in, and how the check avoids it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Risk {
    /// What a bare connection comes to.
    pub harm: &'static str,
    /// What the check does about it.
    pub care: &'static str,
}

impl Application {
    /// Returns the risk of testing it; nothing: none is known.
    pub const fn risk(self) -> Option<Risk> {
        match self {
            Mysql => Some(Risk {
                harm: "MariaDB and MySQL lock out a host after 100 connections that end without a login (`max_connect_errors`)",
                care: "the check ends each with a login that is refused, which is not counted",
            }),
            Mumble => Some(Risk {
                harm: "Mumble bans an address for 5 min after 10 connections in 2 min (`autobanAttempts`)",
                care: "the check pings over UDP, which is not counted; the server needs `allowping`, its default",
            }),
            Vnc => Some(Risk {
                harm: "VNC servers lock out who connects five times without logging in, each time for longer",
                care: "so it is not tested: its records are always served, unless a `check` says how",
            }),
            Text(Ssh) => Some(Risk {
                harm: "fail2ban in its mode `aggressive` bans who leaves before logging in",
                care: "add the checker to its `ignoreip`, see docs/allow-listing.md",
            }),
            Other
            | Sip
            | XmppClient
            | XmppServer
            | Stun
            | Turn
            | Http
            | Matrix
            | Ldap
            | Kerberos
            | Kpasswd
            | Mqtt
            | Postgresql
            | Minecraft
            | Text(Imap | Pop3 | Sieve | Smtp | Nntp | Ftp | Irc) => None,
        }
    }
}

/// A protocol of lines, in which the server greets or answers before anybody logs in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TextProtocol {
    /// IMAP (RFC 9051).
    Imap,
    /// POP3 (RFC 1939).
    Pop3,
    /// ManageSieve (RFC 5804).
    Sieve,
    /// SMTP and submission (RFC 5321).
    Smtp,
    /// NNTP (RFC 3977).
    Nntp,
    /// FTP (RFC 959).
    Ftp,
    /// SSH (RFC 4253).
    Ssh,
    /// IRC (RFC 1459, IRCv3).
    Irc,
}

/// Returns what is known of a service over a protocol, by its labels in lower case.
pub fn find(label: &str, proto: &str) -> Option<&'static Service> {
    SERVICES.iter().find(|service| service.label == label && service.proto == proto)
}

/// Returns whether connections to a service begin with a TLS handshake, by its label in lower case.
pub fn begins_with_tls(label: &str) -> bool {
    SERVICES.iter().any(|service| service.tls && service.label == label)
}

const SIP: u8 = 1;
const XMPP: u8 = 2;
const RELAY: u8 = 3;

const fn row(label: &'static str, proto: &'static str, port: u16, family: u8, application: Application) -> Service {
    Service { label, proto, port: Some(port), family, application, tls: false }
}

const fn tls(label: &'static str, proto: &'static str, port: u16, family: u8, application: Application) -> Service {
    Service { label, proto, port: Some(port), family, application, tls: true }
}

/// A service of which the lint has nothing to say.
const fn plain(label: &'static str, proto: &'static str, application: Application) -> Service {
    Service { label, proto, port: None, family: 0, application, tls: false }
}

/// The same, within TLS.
const fn unlisted(label: &'static str, proto: &'static str, application: Application) -> Service {
    Service { label, proto, port: None, family: 0, application, tls: true }
}

/// The services that are known.
///
/// RFC 3263 and RFC 3261 §19.1.2; RFC 6120 §14; XEP-0368; RFC 8489 §8.1; RFC 5928; RFC 6186; RFC 6764; RFC 8314; RFC 8620;
/// RFC 2782's users; IANA's service names.
pub const SERVICES: &[Service] = &[
    row("_sip", "_udp", 5060, SIP, Sip),
    row("_sip", "_tcp", 5060, SIP, Sip),
    row("_sip", "_sctp", 5060, SIP, Other),
    row("_sip", "_tls", 5061, SIP, Sip),
    row("_sip", "_ws", 80, 0, Other),
    row("_sip", "_wss", 443, 0, Other),
    tls("_sips", "_tcp", 5061, SIP, Sip),
    tls("_sips", "_sctp", 5061, SIP, Other),
    tls("_sips", "_ws", 443, 0, Other),
    tls("_sipfederationtls", "_tcp", 5061, SIP, Other),
    tls("_sipinternaltls", "_tcp", 5061, SIP, Other),
    row("_xmpp-client", "_tcp", 5222, XMPP, XmppClient),
    row("_xmpp-server", "_tcp", 5269, XMPP, XmppServer),
    tls("_xmpps-client", "_tcp", 5223, XMPP, XmppClient),
    tls("_xmpps-server", "_tcp", 5270, XMPP, XmppServer),
    row("_jabber", "_tcp", 5269, XMPP, Other),
    row("_stun", "_udp", 3478, RELAY, Stun),
    row("_stun", "_tcp", 3478, RELAY, Stun),
    tls("_stuns", "_tcp", 5349, RELAY, Stun),
    tls("_stuns", "_udp", 5349, RELAY, Other),
    row("_stun-behavior", "_udp", 3478, 0, Other),
    row("_stun-behavior", "_tcp", 3478, 0, Other),
    row("_turn", "_udp", 3478, RELAY, Turn),
    row("_turn", "_tcp", 3478, RELAY, Turn),
    tls("_turns", "_tcp", 5349, RELAY, Turn),
    tls("_turns", "_udp", 5349, RELAY, Other),
    row("_imap", "_tcp", 143, 0, Text(Imap)),
    tls("_imaps", "_tcp", 993, 0, Text(Imap)),
    row("_pop3", "_tcp", 110, 0, Text(Pop3)),
    tls("_pop3s", "_tcp", 995, 0, Text(Pop3)),
    row("_submission", "_tcp", 587, 0, Text(Smtp)),
    tls("_submissions", "_tcp", 465, 0, Text(Smtp)),
    row("_sieve", "_tcp", 4190, 0, Text(Sieve)),
    row("_ldap", "_tcp", 389, 0, Ldap),
    tls("_ldaps", "_tcp", 636, 0, Ldap),
    row("_kerberos", "_udp", 88, 0, Kerberos),
    row("_kerberos", "_tcp", 88, 0, Kerberos),
    row("_kpasswd", "_udp", 464, 0, Kpasswd),
    row("_kpasswd", "_tcp", 464, 0, Kpasswd),
    row("_http", "_tcp", 80, 0, Http),
    tls("_https", "_tcp", 443, 0, Http),
    row("_caldav", "_tcp", 80, 0, Other),
    tls("_caldavs", "_tcp", 443, 0, Other),
    row("_carddav", "_tcp", 80, 0, Other),
    tls("_carddavs", "_tcp", 443, 0, Other),
    tls("_matrix", "_tcp", 8448, 0, Matrix),
    tls("_matrix-fed", "_tcp", 8448, 0, Matrix),
    row("_h323ls", "_udp", 1719, 0, Other),
    row("_h323cs", "_tcp", 1720, 0, Other),
    row("_mumble", "_tcp", 64738, 0, Mumble),
    row("_minecraft", "_tcp", 25565, 0, Minecraft),
    row("_ntp", "_udp", 123, 0, Other),
    tls("_radiustls", "_tcp", 2083, 0, Other),
    unlisted("_amqps", "_tcp", Other),
    unlisted("_domain-s", "_tcp", Other),
    unlisted("_ftps", "_tcp", Text(Ftp)),
    unlisted("_ircs", "_tcp", Text(Irc)),
    unlisted("_ircs-u", "_tcp", Text(Irc)),
    unlisted("_jmap", "_tcp", Other),
    unlisted("_mqtts", "_tcp", Mqtt),
    unlisted("_nntps", "_tcp", Text(Nntp)),
    unlisted("_rtsps", "_tcp", Other),
    unlisted("_secure-mqtt", "_tcp", Mqtt),
    unlisted("_smtps", "_tcp", Text(Smtp)),
    unlisted("_syslog-tls", "_tcp", Other),
    unlisted("_telnets", "_tcp", Other),
    unlisted("_wss", "_tcp", Other),
    unlisted("_etcd-server-ssl", "_tcp", Other),
    unlisted("_etcd-client-ssl", "_tcp", Other),
    unlisted("_ipps", "_tcp", Other),
    unlisted("_sips", "_tls", Sip),
    plain("_smtp", "_tcp", Text(Smtp)),
    plain("_ftp", "_tcp", Text(Ftp)),
    plain("_ssh", "_tcp", Text(Ssh)),
    plain("_sftp-ssh", "_tcp", Text(Ssh)),
    plain("_irc", "_tcp", Text(Irc)),
    plain("_ircu", "_tcp", Text(Irc)),
    plain("_nntp", "_tcp", Text(Nntp)),
    plain("_mqtt", "_tcp", Mqtt),
    plain("_mysql", "_tcp", Mysql),
    plain("_postgresql", "_tcp", Postgresql),
    plain("_rfb", "_tcp", Vnc),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_pair_of_labels_stands_twice() {
        for (place, service) in SERVICES.iter().enumerate() {
            assert_eq!(find(service.label, service.proto), SERVICES.get(place));
        }
    }

    #[test]
    fn over_tcp_a_label_means_tls_or_not_as_a_whole() {
        for service in SERVICES {
            assert_eq!(service.tls, begins_with_tls(service.label), "{} {}", service.label, service.proto);
        }
    }
}
