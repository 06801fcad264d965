//! What changed in a zone from one serial to the next: the latest differences, for incremental transfers (RFC 1995).

mod view;

use std::collections::VecDeque;
use std::sync::Arc;

use crate::zone::diff::Diff;
use crate::zone::{Name, Rrset, Rtype, Serial};

use super::ContentDigest;
pub use view::HistoryView;
use view::Version;

/// What changed between two versions of a zone; the SOAs of both are in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// The serial before.
    pub from: Serial,
    /// The serial after.
    pub to: Serial,
    /// The records that left and those that came.
    pub diff: Diff,
    /// The digest of the content after it.
    pub digest: ContentDigest,
}

/// The versions of one zone, as far back as there is room: each difference begins where the one before ends.
///
/// The oldest make room for the newest; the newest version is always known, with its SOA and its digest. A snapshot has
/// a [`HistoryView`] of it.
#[derive(Debug)]
pub struct History {
    /// Oldest first, never empty. Only the first may be an opening: it goes from its serial to the same, and adds the
    /// SOA alone.
    entries: VecDeque<Arc<Version>>,
    /// The records in all entries.
    records: usize,
    /// The octets of owners and RDATA in all entries.
    octets: usize,
}

impl History {
    /// Begins with a version of which nothing older is known.
    pub fn open(origin: &Name, serial: Serial, soa: Rrset, digest: ContentDigest) -> Self {
        let diff = Diff { removed: Vec::new(), added: vec![(origin.clone(), soa)] };
        Self::of(Difference { from: serial, to: serial, diff, digest })
    }

    /// Joins differences in any order; nothing if they are no single line.
    pub fn join(differences: impl IntoIterator<Item = Difference>) -> Option<Self> {
        let mut left: Vec<Difference> = differences.into_iter().collect();
        let is_first = |first: &Difference| {
            let mut others = left.iter().filter(|other| !std::ptr::eq(*other, first));
            first.is_opening() || !others.any(|other| other.to == first.from)
        };
        let first = left.iter().position(is_first)?;
        let mut history = Self::of(left.swap_remove(first));
        while !left.is_empty() {
            let next = left.iter().position(|next| next.from == history.serial() && !next.is_opening())?;
            let next = left.swap_remove(next);
            if !history.fits(&next) {
                return None;
            }
            history.append(Arc::new(next));
        }
        Some(history)
    }

    /// Takes the next version in; returns the serials of those whose differences had to leave. If the line is broken or
    /// the difference has no room at all, the history begins anew with the new version.
    pub fn push(&mut self, next: Difference) -> Vec<Serial> {
        if next.from != self.serial() || next.is_opening() || !self.fits(&next) {
            let gone = self.serials();
            let is_soa = |(_, set): &&(Name, Rrset)| set.rtype() == Rtype::SOA;
            let added: Vec<_> = next.diff.added.iter().filter(is_soa).cloned().collect();
            let diff = Diff { removed: Vec::new(), added };
            *self = Self::of(Difference { from: next.to, diff, ..next });
            return gone;
        }
        self.append(Arc::new(next));
        let mut gone = Vec::new();
        while self.entries.len() > MAX_ENTRIES || self.records > MAX_RECORDS || self.octets > MAX_OCTETS {
            let Some(oldest) = self.entries.pop_front() else { break };
            self.records -= oldest.difference.records();
            self.octets -= oldest.difference.octets();
            gone.push(oldest.difference.to);
        }
        gone
    }

    /// Returns the newest serial.
    pub fn serial(&self) -> Serial {
        self.newest().to
    }

    /// Returns the digest of the newest version.
    pub fn digest(&self) -> ContentDigest {
        self.newest().digest
    }

    /// Returns the SOA of the newest version.
    pub fn soa(&self) -> Option<&(Name, Rrset)> {
        self.newest().diff.added.iter().find(|(_, set)| set.rtype() == Rtype::SOA)
    }

    /// Returns the newest entry.
    pub fn newest(&self) -> &Arc<Difference> {
        &self.last().difference
    }

    /// Returns the serials that the entries lead to, oldest first.
    pub fn serials(&self) -> Vec<Serial> {
        self.entries.iter().map(|entry| entry.difference.to).collect()
    }

    /// Returns the history as it is seen from the newest version.
    pub fn view(&self) -> HistoryView {
        HistoryView::of(self.last())
    }

    fn last(&self) -> &Arc<Version> {
        self.entries.back().expect("a history is never empty: it begins with an entry, and a push leaves the newest")
    }

    fn of(first: Difference) -> Self {
        let mut history = Self { entries: VecDeque::new(), records: 0, octets: 0 };
        history.append(Arc::new(first));
        history
    }

    fn append(&mut self, next: Arc<Difference>) {
        self.records += next.records();
        self.octets += next.octets();
        self.entries.push_back(Version::after(self.entries.back(), next));
    }

    fn fits(&self, next: &Difference) -> bool {
        next.records() <= MAX_RECORDS && next.octets() <= MAX_OCTETS
    }
}

impl Difference {
    /// Returns whether it begins a history: no version before it is known.
    pub fn is_opening(&self) -> bool {
        self.from == self.to
    }

    fn sets(&self) -> impl Iterator<Item = &(Name, Rrset)> {
        self.diff.removed.iter().chain(&self.diff.added)
    }

    fn records(&self) -> usize {
        self.sets().map(|(_, set)| set.len()).sum()
    }

    fn octets(&self) -> usize {
        let octets = |(owner, set): &(Name, Rrset)| owner.wire().len() + set.rdatas().map(<[u8]>::len).sum::<usize>();
        self.sets().map(octets).sum()
    }
}

/// The most versions that are kept of a zone.
pub const MAX_ENTRIES: usize = 100;
/// The most records that the differences of a zone may hold together.
pub const MAX_RECORDS: usize = 10_000;
/// The most octets of names and data that they may hold together; on disk they take a little more than twice as many.
pub const MAX_OCTETS: usize = 1 << 20;

#[cfg(test)]
pub(crate) mod tests;
