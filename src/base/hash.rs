//! A keyed hash whose values are stable over restarts, machines and Rust releases.

use std::hash::Hasher as _;

use siphasher::sip::SipHasher13;

/// SipHash-1-3 over fields, most significant octet first. One use of it has one key, so that uses do not meet.
#[derive(Clone, Copy, Debug)]
pub struct StableHash(SipHasher13);

/// What a hash depends on beside its fields; who does not know it cannot choose what collides.
pub type Key = [u8; 16];

impl StableHash {
    /// Begins a hash.
    #[must_use]
    pub fn new(key: &Key) -> Self {
        Self(SipHasher13::new_with_key(key))
    }

    /// Adds a number.
    #[must_use]
    pub fn number(mut self, number: u64) -> Self {
        self.0.write(&number.to_be_bytes());
        self
    }

    /// Adds octets behind their length, so that what follows is never taken for a part of them.
    #[must_use]
    pub fn octets(self, octets: &[u8]) -> Self {
        self.number(octets.len() as u64).last(octets)
    }

    /// Adds octets behind which no field follows.
    #[must_use]
    pub fn last(mut self, octets: &[u8]) -> Self {
        self.0.write(octets);
        self
    }

    /// Returns the hash.
    #[must_use]
    pub fn finish(self) -> u64 {
        self.0.finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_never_change() {
        let key: Key = std::array::from_fn(|place| u8::try_from(place).unwrap());
        // The vectors of SipHash-1-3 for no octets, and for the octets 0 to 7.
        assert_eq!(StableHash::new(&key).finish(), 0xabac_0158_050f_c4dc);
        assert_eq!(StableHash::new(&key).last(&[0, 1, 2, 3, 4, 5, 6, 7]).finish(), 0x3690_9511_8d29_9a8e);
        assert_eq!(StableHash::new(&key).number(0x0001_0203_0405_0607).finish(), 0x3690_9511_8d29_9a8e);
    }

    #[test]
    fn fields_do_not_run_together() {
        let hash = |first: &[u8], second: &[u8]| StableHash::new(&[7; 16]).octets(first).octets(second).finish();
        assert_ne!(hash(b"ab", b"c"), hash(b"a", b"bc"));
        assert_ne!(StableHash::new(&[7; 16]).number(1).finish(), StableHash::new(&[8; 16]).number(1).finish());
    }
}
