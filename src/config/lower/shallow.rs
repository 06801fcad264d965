//! Notes where a configured check tests less than the service's own protocol would.

use std::collections::BTreeMap;

use crate::base::finding::{Finding, Place};
use crate::config::shape::ServiceEntry;
use crate::probe::CheckKind;
use crate::zone::Name;

/// The entries that do so: by line and protocol their place, how many services, and the first of them.
#[derive(Debug, Default)]
pub(super) struct Shallow(BTreeMap<(u32, &'static str), (Place, usize, Name)>);

impl Shallow {
    /// Takes down a service whose check is written, if it is a bare connect in place of its protocol.
    pub(super) fn take_down(&mut self, owner: &Name, inferred: Option<&CheckKind>, entry: &ServiceEntry) {
        let Some(protocol) = inferred.and_then(CheckKind::protocol) else { return };
        let written = entry.check.as_ref().and_then(|check| check.kind.as_ref());
        if written.is_some_and(CheckKind::is_bare_connect) {
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
