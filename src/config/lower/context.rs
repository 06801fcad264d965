//! What a check is for: what it takes from the owner name and from `[health]` when nothing else is written.

use crate::config::infer::{InferredCheck, Transport};
use crate::config::settings::Inherited;
use crate::probe::{Http, Over, Tls};

/// What a check is for.
#[derive(Clone, Debug)]
pub(super) struct CheckContext {
    /// The domain that clients ask for: the certificate's name, unless the check names another.
    pub(super) domain: String,
    /// What the owner name tells.
    pub(super) inferred_check: InferredCheck,
    /// What clients go over, unless the check says otherwise.
    pub(super) transport: Transport,
}

impl CheckContext {
    /// Returns what a TLS handshake offers by ALPN.
    pub(super) fn offered(&self) -> Vec<Vec<u8>> {
        match self.inferred_check {
            InferredCheck::Tls { alpn } => alpn.iter().map(|protocol| protocol.as_bytes().to_vec()).collect(),
            InferredCheck::Xmpp(role) if self.transport == Transport::Tls => vec![role.alpn().to_vec()],
            InferredCheck::Http { is_tls: true } => Http::protocols(),
            InferredCheck::Nothing
            | InferredCheck::Tcp
            | InferredCheck::Http { is_tls: false }
            | InferredCheck::Sip
            | InferredCheck::Stun
            | InferredCheck::Turn
            | InferredCheck::Xmpp(_) => Vec::new(),
        }
    }

    /// Returns the name that a check gives, else the domain.
    pub(super) fn named(&self, name: Option<&String>) -> String {
        name.unwrap_or(&self.domain).clone()
    }
}

/// Makes the TLS part of a check.
pub(super) fn tls(name: String, alpn: Vec<Vec<u8>>, with: &Inherited) -> Tls {
    Tls { name, verify: with.verify, alpn, authority: with.authority.clone() }
}

/// Makes what a protocol without ALPN goes over.
pub(super) fn over(transport: Transport, name: &str, with: &Inherited) -> Over {
    match transport {
        Transport::Udp => Over::Udp,
        Transport::Tcp => Over::Tcp,
        Transport::Tls => Over::Tls(tls(name.to_owned(), Vec::new(), with)),
    }
}
