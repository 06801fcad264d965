//! How long new clients wait.

use std::time::Duration;

/// The waits of some clients that came one after the other, the shortest first.
#[derive(Debug)]
pub(crate) struct Waits([Duration; TRIES]);

/// How many clients come.
pub(crate) const TRIES: usize = 9;
/// How often clients come again if they waited too long: the machine may have been busy with something else.
pub(crate) const ROUNDS: usize = 5;
/// What a new client may wait.
const LIMIT: Duration = Duration::from_millis(100);

impl Waits {
    /// Lets clients come.
    pub(crate) async fn of(mut wait: impl AsyncFnMut() -> Duration) -> Self {
        let mut waits = [Duration::ZERO; TRIES];
        for place in &mut waits {
            *place = wait().await;
        }
        waits.sort_unstable();
        Self(waits)
    }

    /// Lets clients come until most waited no longer than alone; returns the waits of the last ones.
    pub(crate) async fn like(alone: &Self, mut wait: impl AsyncFnMut() -> Duration) -> Self {
        let mut waits = Self::of(&mut wait).await;
        for _ in 1..ROUNDS {
            if waits.are_like(alone) {
                break;
            }
            waits = Self::of(&mut wait).await;
        }
        waits
    }

    /// Whether most of them waited no longer than they may, or not much longer than alone: unoptimised cryptography on a
    /// busy machine takes its time, and it may be busy with something else for a while.
    pub(crate) fn are_like(&self, alone: &Self) -> bool {
        self.median() < LIMIT.max(alone.median() * 5)
    }

    fn median(&self) -> Duration {
        self.0[TRIES / 2]
    }
}
