//! Names found by hash: open addressing with linear probing over row numbers.

use crate::base::hash::{Key, StableHash};
use crate::zone::name;

/// Finds the number of a row by its parent's number and its own key (a label, or a whole name), without case.
///
/// The keys are not copied: who asks says which row has the key.
pub(super) struct NameIndex {
    /// Row numbers, or [`NONE`]. At most half full.
    places: Vec<u32>,
    key: Key,
}

impl NameIndex {
    /// Makes an index with room for `count` rows.
    pub(super) fn with_room(count: usize, key: Key) -> Self {
        Self { places: vec![NONE; (count * 2).next_power_of_two()], key }
    }

    /// Adds a row.
    pub(super) fn insert(&mut self, parent: u32, key: &[u8], number: u32) {
        let mut place = self.first_place(parent, key);
        while self.places[place] != NONE {
            place = (place + 1) % self.places.len();
        }
        self.places[place] = number;
    }

    /// Returns the first row with this parent and key that `is_it` accepts.
    pub(super) fn find(&self, parent: u32, key: &[u8], is_it: impl Fn(u32) -> bool) -> Option<u32> {
        let mut place = self.first_place(parent, key);
        loop {
            let number = *self.places.get(place)?;
            if number == NONE {
                return None;
            }
            if is_it(number) {
                return Some(number);
            }
            place = (place + 1) % self.places.len();
        }
    }

    fn first_place(&self, parent: u32, key: &[u8]) -> usize {
        let mut lower = [0u8; name::MAX_NAME];
        let lower = &mut lower[..key.len()];
        lower.copy_from_slice(key);
        lower.make_ascii_lowercase();
        let hash = StableHash::new(&self.key).number(parent.into()).last(lower).finish();
        // The index is smaller than 2^33 places: the low half of the hash is enough.
        usize::try_from(hash % self.places.len() as u64).expect("less than a length")
    }
}

/// No row.
pub(super) const NONE: u32 = u32::MAX;
