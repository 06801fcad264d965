//! The histories of all zones: what each publication changed, kept over reloads and restarts.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::snapshot::{ContentDigest, Difference, History};
use crate::zone::diff::Diff;
use crate::zone::{Name, Rrset, Serial};

use super::memory::history::{self, Kept};

/// The histories by origin, also of zones that are gone or broken: one that comes back with the same content goes on.
#[derive(Debug)]
pub(super) struct HistoryBook {
    rows: BTreeMap<String, Arc<History>>,
}

/// What is to be kept on disk: a key and its value, or that the key goes.
pub(super) type Change = (String, Option<Vec<u8>>);

impl HistoryBook {
    /// Begins with what a former run left.
    pub(super) fn new(kept: Kept) -> Self {
        Self { rows: kept.histories.into_iter().map(|(origin, history)| (origin, Arc::new(history))).collect() }
    }

    /// Returns the history of a zone.
    pub(super) fn of(&self, origin: &Name) -> Option<&Arc<History>> {
        self.rows.get(&key(origin))
    }

    /// A zone is served that was not served just before: after a restart, or as it came back. Its history goes on if
    /// the content is what it was; else it begins anew.
    pub(super) fn appear(&mut self, origin: &Name, serial: Serial, soa: &Rrset, digest: ContentDigest) -> Vec<Change> {
        let known = self.rows.get(&key(origin)).filter(|history| history.digest() == digest);
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
        let key = key(origin);
        let Some(row) = self.rows.get_mut(&key) else { return Vec::new() };
        let digest = row.digest().after(&diff);
        let history = Arc::make_mut(row);
        let gone = history.push(Difference { from, to, diff, digest });
        changes(&key, &gone, history)
    }

    fn open(&mut self, origin: &Name, history: History) -> Vec<Change> {
        let key = key(origin);
        let gone = self.rows.get(&key).map_or_else(Vec::new, |former| former.serials());
        let changes = changes(&key, &gone, &history);
        self.rows.insert(key, Arc::new(history));
        changes
    }
}

/// Lets the oldest go, then keeps the newest: of two with one serial the newest stays.
fn changes(origin: &str, gone: &[Serial], history: &History) -> Vec<Change> {
    let gone = gone.iter().map(|serial| (history::key(origin, *serial), None));
    gone.chain([history::keep(origin, history.newest())]).collect()
}

/// Returns how a zone is named in the store.
fn key(origin: &Name) -> String {
    origin.to_lower().to_string()
}
