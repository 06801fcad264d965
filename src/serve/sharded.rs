//! Counters that many threads add to without meeting: each thread has a cell of its own, and whoever reads adds them up.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use prometheus_client::metrics::counter::Atomic;

/// A number in cells that share no line of the processor's cache. Threads beyond [`CELLS`] share cells, and lose no count.
#[derive(Debug, Default)]
pub(super) struct Sharded([Cell; CELLS]);

#[derive(Debug, Default)]
#[repr(align(64))]
struct Cell(AtomicU64);

impl Atomic<u64> for Sharded {
    fn inc(&self) -> u64 {
        self.inc_by(1)
    }

    fn inc_by(&self, by: u64) -> u64 {
        let cell = OWN.with(|own| *own);
        self.0.get(cell).map_or(0, |cell| cell.0.fetch_add(by, Ordering::Relaxed))
    }

    fn get(&self) -> u64 {
        self.0.iter().map(|cell| cell.0.load(Ordering::Relaxed)).fold(0, u64::wrapping_add)
    }
}

thread_local! {
    /// The cell of this thread.
    static OWN: usize = NEXT.fetch_add(1, Ordering::Relaxed) % CELLS;
}

static NEXT: AtomicUsize = AtomicUsize::new(0);

/// Cells of a number.
const CELLS: usize = 8;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn threads_that_share_a_cell_lose_no_count() {
        let number = Sharded::default();
        std::thread::scope(|scope| {
            for _ in 0..3 * CELLS {
                scope.spawn(|| (0..1_000).for_each(|_| _ = number.inc_by(2)));
            }
        });
        assert_eq!(number.get(), 3 * 8 * 2_000);
    }
}
