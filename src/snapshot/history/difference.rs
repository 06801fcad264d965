//! What changed from one version of a zone to the next.

use crate::snapshot::ContentDigest;
use crate::zone::diff::Diff;
use crate::zone::{Name, Rrset, Serial};

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

impl Difference {
    /// Returns whether it begins a history: no version before it is known.
    pub fn is_opening(&self) -> bool {
        self.from == self.to
    }

    fn sets(&self) -> impl Iterator<Item = &(Name, Rrset)> {
        self.diff.removed.iter().chain(&self.diff.added)
    }

    pub(super) fn records(&self) -> usize {
        self.sets().map(|(_, set)| set.len()).sum()
    }

    pub(super) fn octets(&self) -> usize {
        let octets = |(owner, set): &(Name, Rrset)| owner.wire().len() + set.rdatas().map(<[u8]>::len).sum::<usize>();
        self.sets().map(octets).sum()
    }
}
