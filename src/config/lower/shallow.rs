//! Notes where a config asks for less than a service's own protocol would tell.

use std::collections::BTreeMap;

use crate::base::finding::{Finding, Place};
use crate::config::infer::InferredCheck;
use crate::config::shape::{CheckKind, ServiceEntry};
use crate::zone::Name;

/// The entries that do so: by line and protocol their place, how many services, and the first of them.
#[derive(Debug, Default)]
pub(super) struct Shallow(BTreeMap<(u32, &'static str), (Place, usize, Name)>);

impl Shallow {
    /// Takes down a service whose check is written, if it is a bare connect in place of its protocol.
    pub(super) fn take_down(&mut self, owner: &Name, inferred_check: InferredCheck, entry: &ServiceEntry) {
        let is_connect = |kind: &CheckKind| matches!(kind, CheckKind::Tcp(tcp) if tcp.expect.is_none());
        let Some(protocol) = protocol(inferred_check) else { return };
        if entry.check.as_ref().is_some_and(|check| is_connect(&check.kind)) {
            let place = &entry.matches.place;
            let new = || (place.clone(), 0, owner.clone());
            self.0.entry((place.line, protocol)).or_insert_with(new).1 += 1;
        }
    }

    /// Returns one note for each entry and protocol.
    pub(super) fn notes(self) -> impl Iterator<Item = Finding> {
        self.0.into_iter().map(|((_, protocol), (place, count, first))| {
            let more = if count > 1 { format!(" and {} more", count - 1) } else { String::new() };
            let message = format!("tested by a TCP connect only, not by {protocol}: {first}{more}");
            Finding::note("check-shallow", message)
                .at(place)
                .why("the kernel accepts connections for a server that hangs, and over UDP a connect proves nothing")
                .help(format!("leave `check` out: the owner name asks for {protocol}"))
        })
    }
}

/// Returns the protocol that the check of a guess speaks.
const fn protocol(inferred_check: InferredCheck) -> Option<&'static str> {
    match inferred_check {
        InferredCheck::Nothing | InferredCheck::Tcp | InferredCheck::Tls { .. } => None,
        InferredCheck::Http { .. } => Some("HTTP"),
        InferredCheck::Sip => Some("SIP"),
        InferredCheck::Stun => Some("STUN"),
        InferredCheck::Turn => Some("TURN"),
        InferredCheck::Xmpp(_) => Some("XMPP"),
    }
}
