//! The services that the lint knows: labels, protocols, usual ports.

use crate::base::nearest::nearest;

/// A service over one protocol, and the port on which its clients expect it.
pub(super) struct Known {
    /// Such as `_sip`.
    pub(super) label: &'static str,
    /// Such as `_tcp`.
    pub(super) proto: &'static str,
    /// The usual port.
    pub(super) port: u16,
    /// Services that speak otherwise but stand beside this one share its family; 0 is none.
    pub(super) family: u8,
}

/// Returns what is known of a service over a protocol.
pub(super) fn known(label: &str, proto: &str) -> Option<&'static Known> {
    KNOWN.iter().find(|known| known.label == label && known.proto == proto)
}

/// Returns the service of the same family whose usual port this is.
pub(super) fn other_on(known: &Known, port: u16) -> Option<&'static Known> {
    KNOWN.iter().find(|other| known.family != 0 && other.family == known.family && other.port == port)
}

/// Returns whether a check is known for the service over UDP, or no client asks for it over UDP anyway.
pub(super) fn is_probed_over_udp(label: &str) -> bool {
    match known(label, "_udp") {
        Some(known) => known.family != 0,
        None => protos(label).next().is_some(),
    }
}

/// Walks over the protocols that a service is used with.
pub(super) fn protos(label: &str) -> impl Iterator<Item = &'static Known> {
    KNOWN.iter().filter(move |known| known.label == label)
}

/// Returns the known label that an unknown one was meant to be, as far as that can be told.
pub(super) fn meant(label: &str) -> Option<&'static str> {
    let bare = |label: &str| label.replace(['_', '-'], "");
    if IN_USE.contains(&label) || protos(label).next().is_some() {
        return None;
    }
    if let Some(known) = KNOWN.iter().find(|known| bare(known.label) == bare(label)) {
        return Some(known.label);
    }
    // The shorter a label, the more likely is another service one slip away.
    let long = |known: &&Known| known.label.len() >= 6;
    let labels = |known: &'static Known| known.label;
    let one = KNOWN.iter().filter(|known| known.family != 0 || long(known)).map(labels);
    let two = KNOWN.iter().filter(|known| known.family != 0 && known.label.len() >= 8).map(labels);
    nearest(label, one, 1).or_else(|| nearest(label, two, 2))
}

/// Labels in use that are one or two slips from a known one.
const IN_USE: &[&str] =
    &["_smtp", "_ftp", "_ssh", "_ptp", "_ldp", "_pop2", "_snmp", "_nntp", "_tftp", "_http3", "_zip", "_rip", "_ipp"];

/// The protocol labels in use (RFC 2782; RFC 3263 §4.1 for `_tls`; RFC 7118 §5 for `_ws`; the registry of RFC 8552).
pub(super) const PROTOS: &[&str] = &["_tcp", "_udp", "_tls", "_sctp", "_dccp", "_ws", "_wss", "_quic"];

const SIP: u8 = 1;
const XMPP: u8 = 2;
const RELAY: u8 = 3;

const fn row(label: &'static str, proto: &'static str, port: u16, family: u8) -> Known {
    Known { label, proto, port, family }
}

// RFC 3263 and RFC 3261 §19.1.2; RFC 6120 §14; XEP-0368; RFC 8489 §8.1; RFC 5928; RFC 6186; RFC 8314; RFC 2782's users.
const KNOWN: &[Known] = &[
    row("_sip", "_udp", 5060, SIP),
    row("_sip", "_tcp", 5060, SIP),
    row("_sip", "_sctp", 5060, SIP),
    row("_sip", "_tls", 5061, SIP),
    row("_sip", "_ws", 80, 0),
    row("_sip", "_wss", 443, 0),
    row("_sips", "_tcp", 5061, SIP),
    row("_sips", "_sctp", 5061, SIP),
    row("_sips", "_ws", 443, 0),
    row("_sipfederationtls", "_tcp", 5061, SIP),
    row("_sipinternaltls", "_tcp", 5061, SIP),
    row("_xmpp-client", "_tcp", 5222, XMPP),
    row("_xmpp-server", "_tcp", 5269, XMPP),
    row("_xmpps-client", "_tcp", 5223, XMPP),
    row("_xmpps-server", "_tcp", 5270, XMPP),
    row("_jabber", "_tcp", 5269, XMPP),
    row("_stun", "_udp", 3478, RELAY),
    row("_stun", "_tcp", 3478, RELAY),
    row("_stuns", "_tcp", 5349, RELAY),
    row("_stuns", "_udp", 5349, RELAY),
    row("_stun-behavior", "_udp", 3478, 0),
    row("_stun-behavior", "_tcp", 3478, 0),
    row("_turn", "_udp", 3478, RELAY),
    row("_turn", "_tcp", 3478, RELAY),
    row("_turns", "_tcp", 5349, RELAY),
    row("_turns", "_udp", 5349, RELAY),
    row("_imap", "_tcp", 143, 0),
    row("_imaps", "_tcp", 993, 0),
    row("_pop3", "_tcp", 110, 0),
    row("_pop3s", "_tcp", 995, 0),
    row("_submission", "_tcp", 587, 0),
    row("_submissions", "_tcp", 465, 0),
    row("_sieve", "_tcp", 4190, 0),
    row("_ldap", "_tcp", 389, 0),
    row("_ldaps", "_tcp", 636, 0),
    row("_kerberos", "_udp", 88, 0),
    row("_kerberos", "_tcp", 88, 0),
    row("_kpasswd", "_udp", 464, 0),
    row("_kpasswd", "_tcp", 464, 0),
    row("_http", "_tcp", 80, 0),
    row("_https", "_tcp", 443, 0),
    row("_caldav", "_tcp", 80, 0),
    row("_caldavs", "_tcp", 443, 0),
    row("_carddav", "_tcp", 80, 0),
    row("_carddavs", "_tcp", 443, 0),
    row("_matrix", "_tcp", 8448, 0),
    row("_matrix-fed", "_tcp", 8448, 0),
    row("_h323ls", "_udp", 1719, 0),
    row("_h323cs", "_tcp", 1720, 0),
    row("_mumble", "_tcp", 64738, 0),
    row("_minecraft", "_tcp", 25565, 0),
    row("_ntp", "_udp", 123, 0),
    row("_radiustls", "_tcp", 2083, 0),
];
