//! A number for the content of a zone: equal content has equal numbers, also over a restart.

use std::hash::Hasher;

use siphasher::sip128::{Hasher128, SipHasher13};

use crate::zone::diff::Diff;
use crate::zone::{Name, Rrset, Rtype, name};

/// The sum of a hash of each record. So it does not depend on their order, and a change costs what changes.
///
/// SOAs are left out: a zone that goes on after a restart has a new serial. It is not secret, and proves nothing
/// against one who makes up zones.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ContentDigest(pub u128);

impl ContentDigest {
    /// Takes a set in.
    pub fn add(&mut self, owner: &Name, set: &Rrset) {
        self.0 = self.0.wrapping_add(sum(owner, set));
    }

    /// Takes a set out that is in it.
    pub fn remove(&mut self, owner: &Name, set: &Rrset) {
        self.0 = self.0.wrapping_sub(sum(owner, set));
    }

    /// Returns the digest of the content after a difference.
    #[must_use]
    pub fn after(mut self, diff: &Diff) -> Self {
        diff.removed.iter().for_each(|(owner, set)| self.remove(owner, set));
        diff.added.iter().for_each(|(owner, set)| self.add(owner, set));
        self
    }

    /// Returns the digest of what two digests are of.
    pub(super) const fn with(self, other: Self) -> Self {
        Self(self.0.wrapping_add(other.0))
    }
}

fn sum(owner: &Name, set: &Rrset) -> u128 {
    if set.rtype() == Rtype::SOA {
        return 0;
    }
    let mut lower = [0u8; name::MAX_NAME];
    let lower = &mut lower[..owner.wire().len()];
    lower.copy_from_slice(owner.wire());
    lower.make_ascii_lowercase();
    let mut of_set = SipHasher13::new();
    of_set.write(lower);
    of_set.write(&set.rtype().0.to_be_bytes());
    of_set.write(&set.ttl().to_be_bytes());
    let hash = |rdata: &[u8]| {
        let mut hasher = of_set;
        hasher.write(rdata);
        hasher.finish128().as_u128()
    };
    set.rdatas().fold(0, |sum, rdata| sum.wrapping_add(hash(rdata)))
}
