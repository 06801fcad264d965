//! Whether this process itself did not run: stopped, frozen, or without CPU time. Pure.
//!
//! While probes are in flight a heartbeat is due every so often. The lateness of the heartbeats is added up; a probe
//! that lost more than a quarter of its timeout in this way has the outcome unknown.

use std::time::Duration;

use crate::base::clock::Mono;

/// The heartbeat, and what was lost so far.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pulse {
    period: Duration,
    due: Option<Mono>,
    lost: Duration,
}

impl Pulse {
    /// Begins; `timeout` is the shortest of any probe.
    pub(super) fn new(timeout: Option<Duration>) -> Self {
        Self { period: period(timeout), due: None, lost: Duration::ZERO }
    }

    /// Takes the shortest timeout of another setup.
    pub(super) fn set_timeout(&mut self, timeout: Option<Duration>) {
        self.period = period(timeout);
    }

    /// Looks at the time: on every turn of the loop, and before what a probe saw is judged. `busy` is whether a probe is in
    /// flight.
    pub(super) fn beat(&mut self, busy: bool, now: Mono) {
        if let Some(due) = self.due.filter(|due| *due <= now) {
            self.lost += now.since(due).saturating_sub(SLACK);
            self.due = None;
        }
        self.due = busy.then(|| self.due.unwrap_or(now + self.period));
    }

    /// Returns when [`Pulse::beat`] wants to be called, if ever.
    pub(super) const fn next(&self) -> Option<Mono> {
        self.due
    }

    /// Returns how much was lost so far: a probe remembers it when it begins.
    pub(super) const fn lost(&self) -> Duration {
        self.lost
    }

    /// Returns how much was lost since a probe began, if that is too much for its timeout.
    pub(super) fn spoils(&self, lost_before: Duration, timeout: Duration) -> Option<Duration> {
        let lost = self.lost.saturating_sub(lost_before);
        (lost > timeout / 4).then_some(lost)
    }
}

/// Short enough that no pause of a quarter of the timeout falls between two beats.
fn period(timeout: Option<Duration>) -> Duration {
    timeout.map_or(LONGEST, |timeout| (timeout / 16).clamp(SHORTEST, LONGEST))
}

/// The longest from beat to beat.
const LONGEST: Duration = Duration::from_millis(100);
/// The shortest.
const SHORTEST: Duration = Duration::from_millis(10);
/// So much later than asked for timers may come on any machine.
const SLACK: Duration = Duration::from_millis(5);

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: u64) -> Mono {
        Mono::START + Duration::from_millis(millis)
    }

    /// A pulse that beats at these times, always busy.
    fn beaten(timeout: u64, times: &[u64]) -> Pulse {
        let mut pulse = Pulse::new(Some(Duration::from_millis(timeout)));
        times.iter().for_each(|time| pulse.beat(true, at(*time)));
        pulse
    }

    fn spoils(pulse: &Pulse, timeout: u64) -> bool {
        pulse.spoils(Duration::ZERO, Duration::from_millis(timeout)).is_some()
    }

    #[test]
    fn a_pause_of_a_quarter_of_the_timeout_is_noticed_and_a_busy_machine_is_not() {
        assert!(!spoils(&beaten(2_000, &[0, 101, 203, 306, 410, 515, 620]), 2_000));
        assert!(spoils(&beaten(2_000, &[0, 101, 3_101, 3_201]), 2_000), "stopped for three seconds");
        assert!(!spoils(&beaten(2_000, &[0, 101, 501]), 2_000));
        assert!(spoils(&beaten(2_000, &[0, 101, 751]), 2_000));
        assert!(spoils(&beaten(200, &[0, 10, 90]), 200), "what is short is looked at more often");
        let starved: Vec<u64> = (0..6).map(|beat| beat * 220).collect();
        assert!(spoils(&beaten(2_000, &starved), 2_000), "many short pauses are a long one");
    }

    #[test]
    fn a_pause_before_a_probe_began_or_while_none_was_in_flight_counts_for_none() {
        let mut pulse = beaten(2_000, &[0, 3_000]);
        let before = pulse.lost();
        pulse.beat(true, at(3_050));
        assert_eq!(pulse.spoils(before, Duration::from_secs(2)), None);
        pulse.beat(false, at(3_090));
        assert_eq!(pulse.next(), None);
        pulse.beat(true, at(9_000));
        assert_eq!(pulse.next(), Some(at(9_100)));
        assert_eq!(pulse.spoils(before, Duration::from_secs(2)), None);
    }
}
