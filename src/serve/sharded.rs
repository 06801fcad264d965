//! A number that many threads count up: each in a cell of its own, added up by who reads it.

use std::sync::atomic::{AtomicU64, Ordering};

use prometheus_client::metrics::counter::Atomic;

/// A number in cells that share no line of the processor's cache. The first threads have a cell to themselves while they live,
/// and add without a locked instruction; all others share the cells behind, and lose no count.
#[derive(Debug, Default)]
pub(super) struct Sharded([Cell; OWNED + SHARED]);

#[derive(Debug, Default)]
#[repr(align(64))]
struct Cell(AtomicU64);

impl Atomic<u64> for Sharded {
    fn inc(&self) -> u64 {
        self.inc_by(1)
    }

    fn inc_by(&self, by: u64) -> u64 {
        // A thread that ends may count in what it drops.
        let number = PLACE.try_with(|place| place.0).unwrap_or(OWNED);
        let Some(Cell(cell)) = self.0.get(number) else { return 0 };
        if number < OWNED {
            let former = cell.load(Ordering::Relaxed);
            cell.store(former.wrapping_add(by), Ordering::Relaxed);
            former
        } else {
            cell.fetch_add(by, Ordering::Relaxed)
        }
    }

    fn get(&self) -> u64 {
        self.0.iter().map(|cell| cell.0.load(Ordering::Relaxed)).fold(0, u64::wrapping_add)
    }
}

/// The cell of a thread, which is given back when it ends.
struct Place(usize);

impl Place {
    fn take() -> Self {
        let free = |taken: u64| Some(taken.trailing_ones()).filter(|free| (*free as usize) < OWNED);
        // Whoever had the cell before has written its last count there.
        let taken = TAKEN.fetch_update(Ordering::Acquire, Ordering::Acquire, |taken| Some(taken | 1 << free(taken)?));
        let owned = taken.ok().and_then(free).map(|place| place as usize);
        Self(owned.unwrap_or_else(|| {
            let number = usize::try_from(LATER.fetch_add(1, Ordering::Relaxed)).unwrap_or(0);
            OWNED + number % SHARED
        }))
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if self.0 < OWNED {
            TAKEN.fetch_and(!(1 << self.0), Ordering::Release);
        }
    }
}

thread_local! {
    static PLACE: Place = Place::take();
}

/// A bit for each owned cell.
static TAKEN: AtomicU64 = AtomicU64::new(0);
/// How many threads found no cell free.
static LATER: AtomicU64 = AtomicU64::new(0);

/// Cells of one thread each.
const OWNED: usize = 4;
/// Cells of all other threads.
const SHARED: usize = 4;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn threads_that_share_a_cell_lose_no_count() {
        let number = Sharded::default();
        std::thread::scope(|scope| {
            for _ in 0..3 * (OWNED + SHARED) {
                scope.spawn(|| (0..1_000).for_each(|_| _ = number.inc_by(2)));
            }
        });
        assert_eq!(number.get(), 3 * 8 * 2_000);
    }

    #[test]
    fn a_cell_that_is_given_back_is_counted_on() {
        let number = Sharded::default();
        // More threads than cells, one after the other.
        for _ in 0..10 * (OWNED + SHARED) {
            std::thread::scope(|scope| {
                scope.spawn(|| (0..100).for_each(|_| _ = number.inc()));
                scope.spawn(|| (0..100).for_each(|_| _ = number.inc()));
            });
        }
        assert_eq!(number.get(), 2 * 10 * 8 * 100);
    }
}
