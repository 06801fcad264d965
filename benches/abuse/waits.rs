//! How long clients waited.

use std::time::Duration;

/// The times of those that were answered, and how many were not.
#[derive(Default)]
pub(crate) struct Waits {
    times: Vec<Duration>,
    lost: usize,
}

impl Waits {
    /// Adds one client: how long it waited, or nothing if it was not answered.
    pub(crate) fn add(&mut self, wait: Option<Duration>) {
        match wait {
            Some(wait) => self.times.push(wait),
            None => self.lost += 1,
        }
    }

    /// Adds those of another.
    pub(crate) fn join(&mut self, other: Self) {
        self.times.extend(other.times);
        self.lost += other.lost;
    }

    /// Returns how many were not answered.
    pub(crate) fn lost(&self) -> usize {
        self.lost
    }

    /// Returns how many were answered.
    pub(crate) fn answered(&self) -> usize {
        self.times.len()
    }

    /// Tells how many were answered, how many not, and three times, as cells of a table.
    pub(crate) fn render(mut self) -> String {
        self.times.sort_unstable();
        let at = |share: usize| {
            let time = self.times.get(self.times.len() * share / 100).or_else(|| self.times.last());
            format!("{:.2} ms", time.copied().unwrap_or_default().as_secs_f64() * 1e3)
        };
        format!("{} | {} | {} | {} | {}", self.times.len(), self.lost, at(50), at(99), at(100))
    }
}
