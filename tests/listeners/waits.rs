//! How long new clients wait, compared with those of a server that has no others.

use std::time::Duration;

/// How many clients come.
pub(crate) const TRIES: usize = 9;
/// How often they come again if they waited too long: the machine may have been busy with something else.
pub(crate) const ROUNDS: usize = 5;
/// What a new client may wait.
const LIMIT: Duration = Duration::from_millis(100);

/// The waits of some clients that came one after the other, the shortest first.
#[derive(Debug)]
pub(crate) struct Waits([Duration; TRIES]);

/// The waits at a server that is alone with them, and at one with a crowd, measured by turns.
#[derive(Debug)]
pub(crate) struct Compared {
    alone: Waits,
    crowd: Waits,
}

impl Compared {
    /// Lets clients come to both servers until the crowd makes no difference, in [`ROUNDS`] rounds at most.
    pub(crate) async fn of(mut alone: impl AsyncFnMut() -> Duration, mut crowd: impl AsyncFnMut() -> Duration) -> Self {
        let mut rounds = 1;
        loop {
            let compared = Self::round(&mut alone, &mut crowd).await;
            if compared.makes_no_difference() || rounds == ROUNDS {
                return compared;
            }
            rounds += 1;
        }
    }

    async fn round(alone: &mut impl AsyncFnMut() -> Duration, crowd: &mut impl AsyncFnMut() -> Duration) -> Self {
        let mut compared = Self { alone: Waits([Duration::ZERO; TRIES]), crowd: Waits([Duration::ZERO; TRIES]) };
        for (at_alone, at_crowd) in compared.alone.0.iter_mut().zip(&mut compared.crowd.0) {
            (*at_alone, *at_crowd) = (alone().await, crowd().await);
        }
        compared.alone.0.sort_unstable();
        compared.crowd.0.sort_unstable();
        compared
    }

    /// Whether most clients waited no longer than they may, or not much longer than alone: unoptimised cryptography on a
    /// busy machine takes its time.
    pub(crate) fn makes_no_difference(&self) -> bool {
        self.crowd.median() < LIMIT.max(self.alone.median() * 5)
    }
}

impl Waits {
    fn median(&self) -> Duration {
        self.0[TRIES / 2]
    }
}
