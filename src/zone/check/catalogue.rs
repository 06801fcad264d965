//! What the lint reads from the table of services: known names, and likely intended names.

use crate::base::nearest::nearest;
use crate::zone::services::{Application, SERVICES, Service};

/// Walks over the services whose usual port is known.
fn all() -> impl Iterator<Item = &'static Service> {
    SERVICES.iter().filter(|service| service.port.is_some())
}

/// Returns what is known of a service over a protocol.
pub(super) fn known(label: &str, proto: &str) -> Option<&'static Service> {
    all().find(|known| known.label == label && known.proto == proto)
}

/// Returns the service of the same family, or the same with or without TLS, whose usual port this is.
pub(super) fn other_on(known: &Service, port: u16) -> Option<&'static Service> {
    let is_tls_of = |tls: &Service, plain: &Service| tls.label.strip_suffix('s') == Some(plain.label);
    all().find(|other| {
        let akin = known.family != 0 && other.family == known.family;
        let pair = other.proto == known.proto && (is_tls_of(other, known) || is_tls_of(known, other));
        (akin || pair) && other.port == Some(port)
    })
}

/// Returns whether a check is known for the service over UDP, or no client asks for it over UDP anyway.
pub(super) fn is_probed_over_udp(label: &str) -> bool {
    match known(label, "_udp") {
        Some(known) => known.family != 0 || known.application != Application::Other,
        None => protos(label).next().is_some(),
    }
}

/// Walks over the protocols that a service is used with.
pub(super) fn protos(label: &str) -> impl Iterator<Item = &'static Service> {
    all().filter(move |known| known.label == label)
}

/// Returns the known label that an unknown one was meant to be, as far as that can be told.
pub(super) fn meant(label: &str) -> Option<&'static str> {
    let bare = |label: &str| label.replace(['_', '-'], "");
    if IN_USE.contains(&label) || protos(label).next().is_some() {
        return None;
    }
    if let Some(known) = all().find(|known| bare(known.label) == bare(label)) {
        return Some(known.label);
    }
    // The shorter a label, the more likely is another service one slip away.
    let long = |known: &&Service| known.label.len() >= 6;
    let labels = |known: &'static Service| known.label;
    let one = all().filter(|known| known.family != 0 || long(known)).map(labels);
    let two = all().filter(|known| known.family != 0 && known.label.len() >= 8).map(labels);
    nearest(label, one, 1).or_else(|| nearest(label, two, 2))
}

/// Labels in use that are one or two slips from a known one.
const IN_USE: &[&str] =
    &["_smtp", "_ftp", "_ssh", "_ptp", "_ldp", "_pop2", "_snmp", "_nntp", "_tftp", "_http3", "_zip", "_rip", "_ipp"];

/// The protocol labels in use (RFC 2782; RFC 3263 §4.1 for `_tls`; RFC 7118 §5 for `_ws`; the registry of RFC 8552).
pub(super) const PROTOS: &[&str] = &["_tcp", "_udp", "_tls", "_sctp", "_dccp", "_ws", "_wss", "_quic"];
