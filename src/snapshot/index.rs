//! Names found by hash: open addressing with linear probing over row numbers.

/// Finds the number of a row by the hash of its whole name.
///
/// The names are not copied: who asks says which row has the name.
pub(super) struct NameIndex {
    /// Two of three are taken.
    places: Box<[Place]>,
}

#[derive(Clone, Copy)]
struct Place {
    /// The low half of the hash: rows of other hashes are not looked at.
    mark: u32,
    /// The row, or [`NONE`].
    number: u32,
}

impl NameIndex {
    /// Makes an index with room for `count` rows.
    pub(super) fn with_room(count: usize) -> Self {
        let free = Place { mark: 0, number: NONE };
        Self { places: vec![free; count + count / 2 + 1].into() }
    }

    /// Adds a row.
    pub(super) fn insert(&mut self, hash: u64, number: u32) {
        let mut at = self.first(hash);
        while self.places[at].number != NONE {
            at = self.after(at);
        }
        self.places[at] = Place { mark: mark(hash), number };
    }

    /// Returns the first row with this hash that `is_it` accepts.
    pub(super) fn find(&self, hash: u64, is_it: impl Fn(u32) -> bool) -> Option<u32> {
        let mark = mark(hash);
        let mut at = self.first(hash);
        loop {
            let place = *self.places.get(at)?;
            if place.number == NONE {
                return None;
            }
            if place.mark == mark && is_it(place.number) {
                return Some(place.number);
            }
            at = self.after(at);
        }
    }

    /// Returns where to begin: the high half of the hash, scaled to the number of places.
    fn first(&self, hash: u64) -> usize {
        let scaled = ((hash >> 32) * self.places.len() as u64) >> 32;
        usize::try_from(scaled).expect("less than a length")
    }

    const fn after(&self, at: usize) -> usize {
        if at + 1 == self.places.len() { 0 } else { at + 1 }
    }
}

fn mark(hash: u64) -> u32 {
    u32::try_from(hash & u64::from(u32::MAX)).expect("32 bits")
}

/// No row.
pub(super) const NONE: u32 = u32::MAX;
