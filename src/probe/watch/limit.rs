//! Learns how long a server keeps an idle connection open. Pure.

use std::time::Duration;

use super::Times;

/// How long connections to one address are held before they are renewed.
///
/// | what happened | held from now on |
/// |---|---|
/// | nothing yet | `first` |
/// | one was held for its whole time, and no limit is sure | twice as long, at most `longest` |
/// | closed at an age A without a word | 80 % of A: a limit, perhaps |
/// | closed within a tenth of that A again, or with the words that it was idle | 80 % of A, from now on: the limit |
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Limit {
    held: Duration,
    evidence: Evidence,
}

/// How sure a limit is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Evidence {
    /// No close was seen.
    None,
    /// One close at this age.
    Once(Duration),
    /// Closes at this age again and again, or the server's word.
    Sure(Duration),
}

impl Limit {
    /// Begins with a guess.
    pub(super) fn new(times: &Times) -> Self {
        Self { held: times.first.min(times.longest), evidence: Evidence::None }
    }

    /// Returns how long the next connection is held.
    pub(super) const fn held(&self) -> Duration {
        self.held
    }

    /// Takes in that a connection was held for its whole time.
    pub(super) fn survived(&mut self, times: &Times) {
        match self.evidence {
            Evidence::None | Evidence::Once(_) => self.held = (self.held * 2).min(times.longest),
            Evidence::Sure(_) => {}
        }
    }

    /// Takes in a close without a word at this age; tells whether the server's limit explains it.
    pub(super) fn closed(&mut self, age: Duration, times: &Times) -> bool {
        if age < times.shortest {
            return false;
        }
        let explained = match self.evidence {
            Evidence::None => false,
            Evidence::Once(limit) | Evidence::Sure(limit) => age >= limit * 9 / 10 && age <= limit * 11 / 10,
        };
        self.learn(age, if explained { Evidence::Sure(age) } else { Evidence::Once(age) }, times);
        explained
    }

    /// Takes in that the server closed at this age, saying that the connection was idle for too long; tells whether
    /// connections are held at all at such a limit.
    pub(super) fn told(&mut self, age: Duration, times: &Times) -> bool {
        let worth = age >= times.shortest;
        if worth {
            self.learn(age, Evidence::Sure(age), times);
        }
        worth
    }

    fn learn(&mut self, age: Duration, evidence: Evidence, times: &Times) {
        self.evidence = evidence;
        self.held = (age * 4 / 5).min(times.longest);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TIMES: Times = Times::DEFAULT;

    fn secs(secs: u64) -> Duration {
        Duration::from_secs(secs)
    }

    #[test]
    fn a_guess_that_holds_is_doubled_up_to_the_longest() {
        let mut limit = Limit::new(&TIMES);
        let mut holds = vec![limit.held()];
        for _ in 0..5 {
            limit.survived(&TIMES);
            holds.push(limit.held());
        }
        assert_eq!(holds, [24, 48, 96, 192, 240, 240].map(secs));
    }

    #[test]
    fn a_limit_that_closes_twice_at_one_age_is_sure_and_never_tried_again() {
        // ejabberd closes after 30 s without a word.
        let mut limit = Limit::new(&TIMES);
        limit.survived(&TIMES);
        assert!(!limit.closed(secs(30), &TIMES));
        assert_eq!(limit.held(), secs(24));
        limit.survived(&TIMES);
        assert_eq!(limit.held(), secs(48));
        assert!(limit.closed(secs(31), &TIMES), "the same age, give or take a tenth");
        limit.survived(&TIMES);
        assert_eq!(limit.held(), secs(31) * 4 / 5);
    }

    #[test]
    fn a_chance_break_shortens_for_a_while_only() {
        let mut limit = Limit::new(&TIMES);
        assert!(!limit.closed(secs(15), &TIMES));
        assert_eq!(limit.held(), secs(12));
        for _ in 0..5 {
            limit.survived(&TIMES);
        }
        assert_eq!(limit.held(), secs(240));
        assert!(!limit.closed(secs(200), &TIMES), "far from the age of the last break");
    }

    #[test]
    fn a_server_that_names_its_limit_is_believed_at_once() {
        let mut limit = Limit::new(&TIMES);
        assert!(limit.told(secs(90), &TIMES));
        assert_eq!(limit.held(), secs(72));
        assert!(limit.closed(secs(88), &TIMES));
        assert!(!limit.told(secs(3), &TIMES), "not worth holding");
        assert_eq!(limit.held(), secs(88) * 4 / 5, "what is too short is not learned");
    }

    #[test]
    fn a_close_sooner_than_worth_holding_teaches_nothing() {
        let mut limit = Limit::new(&TIMES);
        for _ in 0..3 {
            assert!(!limit.closed(secs(3), &TIMES));
        }
        assert_eq!(limit, Limit::new(&TIMES));
    }
}
