//! Which name the clients of a service look for in a certificate: the service's domain, or the host that the SRV record
//! names.
//!
//! A client must not trust a host name that it learnt from plain DNS (RFC 6125 §6.2.1), so the domain is the rule. The
//! clients of the services in this table ask for the host in fact, or accept either. `docs/behaviour.md` has the same
//! table; a test compares them.

/// The name that a client looks for in a certificate, and sends as SNI (RFC 6125 §1.8: reference identity).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ReferenceIdentity {
    /// The domain that the service is for.
    Domain,
    /// The host that the SRV record names; a certificate for the domain is as good.
    Host,
}

/// What some labels have in common.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LabelRule {
    /// The labels, in lower case.
    pub labels: &'static [&'static str],
    /// What their clients look for.
    pub identity: ReferenceIdentity,
    /// Where it says so.
    pub source: &'static str,
}

/// Returns what the clients of a service look for, by its label in lower case.
pub fn reference_identity(label: &str) -> ReferenceIdentity {
    let rule = RULES.iter().find(|rule| rule.labels.contains(&label));
    rule.map_or(ReferenceIdentity::Domain, |rule| rule.identity)
}

const fn domain(labels: &'static [&'static str], source: &'static str) -> LabelRule {
    LabelRule { labels, identity: ReferenceIdentity::Domain, source }
}

const fn host(labels: &'static [&'static str], source: &'static str) -> LabelRule {
    LabelRule { labels, identity: ReferenceIdentity::Host, source }
}

/// The labels of which it is known; for all others the domain counts.
pub const RULES: &[LabelRule] = &[
    domain(&["_sip", "_sips"], "RFC 5922 §7"),
    domain(&["_xmpp-client", "_xmpp-server", "_xmpps-client", "_xmpps-server"], "RFC 6120 §13.7.2.1, XEP-0368"),
    domain(&["_stun", "_stuns", "_turn", "_turns"], "RFC 8489 §6.2.3"),
    domain(&["_http", "_https"], "RFC 9110 §4.3.4"),
    domain(&["_matrix", "_matrix-fed"], "Matrix, Server-Server API, \"Resolving server names\""),
    host(&["_imap", "_imaps", "_pop3", "_pop3s"], "RFC 6186 §6, RFC 7817 §3"),
    host(&["_submission", "_submissions", "_smtp", "_smtps"], "RFC 6186 §6, RFC 7817 §3, RFC 8314"),
    host(&["_sieve"], "RFC 5804 §2.2.1, RFC 7817 §3"),
    host(&["_ldap", "_ldaps"], "RFC 4513 §3.1.3"),
    host(&["_caldav", "_caldavs", "_carddav", "_carddavs"], "RFC 6764 §8"),
    host(&["_jmap"], "RFC 8620 §2.2"),
    host(&["_nntp", "_nntps"], "RFC 4642, RFC 8143"),
    host(&["_ftp", "_ftps"], "RFC 4217"),
    host(&["_irc", "_ircs", "_ircs-u"], "RFC 7194 §2.2"),
    host(&["_amqp", "_amqps"], "AMQP 1.0 §5.2"),
    host(&["_mqtt", "_mqtts", "_secure-mqtt"], "MQTT 5.0 §5.4.3"),
    host(&["_syslog-tls"], "RFC 5425 §5.2"),
    host(&["_rtsps"], "RFC 7826"),
    host(&["_telnets"], "its clients are given a host"),
    host(&["_domain-s"], "RFC 8310"),
    host(&["_radiustls"], "RFC 6614 §2.3"),
    host(&["_ipps"], "RFC 7472"),
    host(&["_sipfederationtls", "_sipinternaltls"], "Skype for Business Server, certificate requirements"),
    host(&["_etcd-server-ssl", "_etcd-client-ssl"], "etcd, \"Clustering Guide\", DNS discovery"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_label_stands_twice() {
        let labels: Vec<&str> = RULES.iter().flat_map(|rule| rule.labels).copied().collect();
        let mut once = labels.clone();
        once.sort_unstable();
        once.dedup();
        assert_eq!(once.len(), labels.len());
    }

    #[test]
    fn mail_directories_and_chat_ask_for_the_host_and_all_that_is_not_known_for_the_domain() {
        for label in ["_imaps", "_pop3s", "_submissions", "_ldaps", "_ircs", "_amqps", "_secure-mqtt", "_jmap"] {
            assert_eq!(reference_identity(label), ReferenceIdentity::Host, "{label}");
        }
        for label in ["_sips", "_xmpps-client", "_https", "_matrix-fed", "_turns", "_wss", "_foo", "*", ""] {
            assert_eq!(reference_identity(label), ReferenceIdentity::Domain, "{label}");
        }
    }
}
