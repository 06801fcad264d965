//! A name that is looked for: the hashes of all of its endings, made in one pass.

use std::hash::Hasher as _;

use arrayvec::ArrayVec;
use foldhash::SharedSeed;
use foldhash::quality::FoldHasher;

use crate::base::hash::Key;
use crate::zone::name;

/// Hashes names label by label, from the right: the hash of a name continues that of its parent. ASCII letters of both
/// cases are the same.
///
/// Whoever knows the key can make names that collide. It is secret, and no answer depends on it.
pub(super) struct NameHash {
    root: u64,
    shared: SharedSeed,
}

/// A name in lower case with the hashes of its endings.
pub(super) struct Sought {
    lower: LowerName,
    /// Where each ending begins, from the root to the whole name.
    starts: ArrayVec<u8, LABELS_MAX>,
    hashes: ArrayVec<u64, LABELS_MAX>,
}

/// A name in lower case.
pub(super) struct LowerName {
    octets: [u8; name::MAX_NAME + 1],
    length: usize,
}

/// An ending of a name that is looked for.
#[derive(Clone, Copy)]
pub(super) struct Ending<'s> {
    /// In lower case.
    pub(super) wire: &'s [u8],
    pub(super) hash: u64,
}

impl NameHash {
    /// Makes the hash of a secret key.
    pub(super) fn new(key: Key) -> Self {
        let both = u128::from_be_bytes(key);
        let half = |part: u128| u64::try_from(part & u128::from(u64::MAX)).expect("64 bits");
        Self { root: half(both >> 64), shared: SharedSeed::from_u64(half(both)) }
    }

    /// Returns the hash of the root.
    pub(super) const fn root(&self) -> u64 {
        self.root
    }

    /// Returns the hash of the name made of `label` and a name with the hash `parent`. The label is in lower case, its
    /// length before it.
    pub(super) fn child(&self, parent: u64, label: &[u8]) -> u64 {
        let mut hasher = FoldHasher::with_seed(parent, &self.shared);
        hasher.write(label);
        hasher.finish()
    }

    /// Returns the hash of the name made of whole `labels` and a name with the hash `parent`; nothing if the last label is
    /// not whole. The labels are in lower case.
    pub(super) fn descendant(&self, parent: u64, labels: &[u8]) -> Option<u64> {
        let mut starts: ArrayVec<u8, LABELS_MAX> = ArrayVec::new();
        let mut at = 0;
        while let Some(&length) = labels.get(usize::from(at)) {
            starts.try_push(at).ok()?;
            at = at.checked_add(length)?.checked_add(1)?;
        }
        let mut last = labels.len();
        let mut hash = (usize::from(at) == last).then_some(parent)?;
        for start in starts.into_iter().rev().map(usize::from) {
            hash = self.child(hash, labels.get(start..last)?);
            last = start;
        }
        Some(hash)
    }
}

impl Sought {
    /// Takes a valid uncompressed name.
    pub(super) fn new(hash: &NameHash, wire: &[u8]) -> Self {
        // Filled where it lies: it is long, and to move it takes longer than to fill it.
        let mut sought = Self { lower: LowerName::new(wire), starts: ArrayVec::new(), hashes: ArrayVec::new() };
        sought.hash(hash);
        sought
    }

    fn hash(&mut self, hash: &NameHash) {
        let lower = self.lower.wire();
        let mut at = 0;
        while let Some(&length) = lower.get(usize::from(at)).filter(|length| **length > 0) {
            self.starts.push(at);
            at += length + 1;
        }
        self.starts.push(at);
        self.starts.reverse();
        let mut value = hash.root();
        self.hashes.push(value);
        for pair in self.starts.windows(2) {
            value = hash.child(value, &lower[usize::from(pair[1])..usize::from(pair[0])]);
            self.hashes.push(value);
        }
    }

    /// Returns the number of labels.
    pub(super) const fn label_count(&self) -> usize {
        self.hashes.len() - 1
    }

    /// Returns the ending of so many labels; there are as many.
    pub(super) fn ending(&self, labels: usize) -> Ending<'_> {
        Ending { wire: &self.lower.wire()[usize::from(self.starts[labels])..], hash: self.hashes[labels] }
    }

    /// Returns the whole name.
    pub(super) fn whole(&self) -> Ending<'_> {
        self.ending(self.label_count())
    }
}

impl LowerName {
    /// Takes a name of at most 255 octets.
    pub(super) fn new(wire: &[u8]) -> Self {
        let mut octets = [0; name::MAX_NAME + 1];
        octets[..wire.len()].copy_from_slice(wire);
        let (words, _) = octets.as_chunks_mut::<8>();
        for word in words.iter_mut().take(wire.len().div_ceil(8)) {
            *word = lower_each(u64::from_ne_bytes(*word)).to_ne_bytes();
        }
        Self { octets, length: wire.len() }
    }

    /// Returns the wire octets.
    pub(super) fn wire(&self) -> &[u8] {
        &self.octets[..self.length]
    }
}

/// Puts eight octets into lower case at once.
const fn lower_each(octets: u64) -> u64 {
    let each = u64::from_ne_bytes([1; 8]);
    let low = octets & (each * 0x7f);
    // The highest bit of an octet tells of it alone: no sum of seven bits goes beyond.
    let (is_a_or_more, is_beyond_z) = (low + each * 0x3f, low + each * 0x25);
    let is_upper = (is_a_or_more & !is_beyond_z & !octets) & (each * 0x80);
    octets | (is_upper >> 2)
}

impl Ending<'_> {
    /// Returns whether this is the name.
    pub(super) fn is(self, wire: &[u8]) -> bool {
        // Most names are written in lower case.
        self.wire == wire || self.wire.eq_ignore_ascii_case(wire)
    }
}

/// Labels of a name, the root one counted.
const LABELS_MAX: usize = 128;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::zone::Name;

    fn hashes(key: Key, text: &str) -> Vec<u64> {
        let name: Name = text.parse().unwrap();
        let sought = Sought::new(&NameHash::new(key), name.wire());
        (0..=sought.label_count()).map(|labels| sought.ending(labels).hash).collect()
    }

    #[test]
    fn endings_of_two_names_have_the_same_hashes_as_far_as_they_are_the_same() {
        let (one, other) = (hashes([7; 16], "a.b.Example.com."), hashes([7; 16], "c.B.example.COM."));
        assert_eq!(one[..4], other[..4]);
        assert_ne!(one[4], other[4]);
        assert_eq!(one.len(), 5);
    }

    #[test]
    fn labels_do_not_run_together_and_another_key_gives_other_hashes() {
        assert_ne!(hashes([7; 16], "ab.c.").last(), hashes([7; 16], "a.bc.").last());
        assert_ne!(hashes([7; 16], "ab.c.").last(), hashes([7; 16], "abc.").last());
        assert_ne!(hashes([7; 16], "ab.c.").last(), hashes([8; 16], "ab.c.").last());
        assert_ne!(hashes([7; 16], ".").last(), hashes([8; 16], ".").last());
    }

    #[test]
    fn all_octets_are_put_into_lower_case_as_ascii_is() {
        let all: Vec<u8> = (0..=255).collect();
        for length in [0, 1, 7, 8, 9, 200, 255] {
            for start in [0, 1, 60, 63, 250].into_iter().filter(|start| start + length <= 256) {
                let octets = &all[start..start + length];
                assert_eq!(LowerName::new(octets).wire(), octets.to_ascii_lowercase());
            }
        }
    }

    #[test]
    fn a_hash_goes_on_from_that_of_an_ending() {
        let hash = NameHash::new([7; 16]);
        let name: Name = "a.bc.example.com.".parse().unwrap();
        let sought = Sought::new(&hash, name.wire());
        for labels in 0..=4 {
            let before = name.wire().len() - sought.ending(labels).wire.len();
            let found = hash.descendant(sought.ending(labels).hash, &name.wire()[..before]);
            assert_eq!(found, Some(sought.whole().hash), "{labels}");
        }
        assert_eq!(hash.descendant(hash.root(), b"\x03ab"), None);
        assert_eq!(hash.descendant(hash.root(), &[b"\x3f".as_slice(), &[0xff; 300]].concat()), None);
    }

    #[test]
    fn the_longest_names_are_taken_whole() {
        for label in ["a.", "abcdefghijklmno."] {
            let text = label.repeat(254 / label.len());
            let name: Name = text.parse().unwrap();
            let sought = Sought::new(&NameHash::new([7; 16]), name.wire());
            assert_eq!((sought.label_count(), sought.whole().wire), (name.label_count(), name.wire()));
            assert_eq!(sought.ending(0).wire, [0]);
            assert!(sought.whole().is(&name.wire().to_ascii_uppercase()));
        }
    }
}
