//! The histories of all zones: what each publication changed, kept over reloads and restarts.

use std::collections::HashMap;
use std::sync::Arc;

use crate::snapshot::{ContentDigest, Difference, History, HistoryView};
use crate::zone::diff::Diff;
use crate::zone::{Name, Rrset, Serial};

use super::memory::history::{self, Kept};
use super::memory::{Change, StoredValue};

/// The histories by origin, also of zones that are gone or broken: one that comes back with the same content goes on.
#[derive(Debug)]
pub(super) struct HistoryBook {
    rows: HashMap<Name, Row>,
}

#[derive(Debug)]
struct Row {
    /// How the zone is named in the store.
    key: String,
    history: History,
}

impl HistoryBook {
    /// Begins with what a former run left.
    pub(super) fn new(kept: Kept) -> Self {
        let row = |(key, history): (String, History)| {
            let origin = key.parse().ok()?;
            Some((origin, Row { key, history }))
        };
        Self { rows: kept.histories.into_iter().filter_map(row).collect() }
    }

    /// Returns the history of a zone as it is seen from its newest version.
    pub(super) fn view(&self, origin: &Name) -> Option<HistoryView> {
        self.rows.get(origin).map(|row| row.history.view())
    }

    /// Returns the serials of a zone that are known.
    #[cfg(test)]
    pub(super) fn serials(&self, origin: &Name) -> Vec<Serial> {
        self.rows.get(origin).map_or_else(Vec::new, |row| row.history.serials())
    }

    /// A zone is served that was not served just before: after a restart, or as it came back. Its history goes on if
    /// the content is what it was; else it begins anew.
    pub(super) fn appear(&mut self, origin: &Name, serial: Serial, soa: &Rrset, digest: ContentDigest) -> Vec<Change> {
        let known = self.rows.get(origin).map(|row| &row.history).filter(|history| history.digest() == digest);
        match known.and_then(|history| Some((history.serial(), history.soa()?.clone()))) {
            Some((from, _)) if from == serial => Vec::new(),
            Some((from, was)) if serial.is_after(from) => {
                let diff = Diff { removed: vec![was], added: vec![(origin.clone(), soa.clone())] };
                self.push(origin, from, serial, diff)
            }
            Some(_) | None => self.open(origin, History::open(origin, serial, soa.clone(), digest)),
        }
    }

    /// A zone went from one serial to the next.
    pub(super) fn push(&mut self, origin: &Name, from: Serial, to: Serial, diff: Diff) -> Vec<Change> {
        let Some(row) = self.rows.get_mut(origin) else { return Vec::new() };
        let digest = row.history.digest().after(&diff);
        let gone = row.history.push(Difference { from, to, diff, digest });
        row.changes(&gone)
    }

    fn open(&mut self, origin: &Name, history: History) -> Vec<Change> {
        let row = Row { key: origin.to_lower().to_string(), history };
        let former = self.rows.get(origin);
        let changes = row.changes(&former.map_or_else(Vec::new, |former| former.history.serials()));
        self.rows.insert(origin.clone(), row);
        changes
    }
}

impl Row {
    /// Lets the oldest go, then keeps the newest: of two with one serial the newest stays.
    fn changes(&self, gone: &[Serial]) -> Vec<Change> {
        let gone = gone.iter().map(|serial| (history::key(&self.key, *serial), None));
        let newest = self.history.newest();
        let kept = StoredValue::Difference(Arc::clone(newest));
        gone.chain([(history::key(&self.key, newest.to), Some(kept))]).collect()
    }
}
