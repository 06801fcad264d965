//! When a zone is asked for next, and when it expires: pure (RFC 1034 §4.3.5, RFC 1996 §4).

use std::time::Duration;

use crate::base::clock::{Mono, Now, UnixTime};
use crate::zone::Rrset;
use crate::zone::serial::Soa;

/// The times of an SOA.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Times {
    /// From one successful query to the next.
    pub refresh: Duration,
    /// From one failure to the next query.
    pub retry: Duration,
    /// How long the zone is served without a successful query.
    pub expire: Duration,
}

/// The state of one zone.
///
/// | state | edge |
/// |---|---|
/// | waiting | it is due, or a NOTIFY → running |
/// | running | a success → waiting for `refresh`; a failure → waiting for `retry`; a NOTIFY → once more when it ends |
/// | either | no success for longer than `refresh` → overdue, until the next one |
/// | either | no success for `expire` → expired, until the next one |
#[derive(Clone, Debug)]
pub struct Schedule {
    times: Option<Times>,
    /// The last success.
    good_at: Option<UnixTime>,
    state: State,
    /// Failures in a row.
    failures: u32,
    /// When the last query began.
    begun: Option<Mono>,
    is_overdue: bool,
    /// Whether it was said: not before the primaries were asked in this run.
    is_overdue_said: bool,
    is_expired: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Waiting(Mono),
    Running { again: bool },
}

impl Times {
    /// Reads them; times that make no sense are brought within limits.
    pub fn of(soa: &Rrset) -> Option<Self> {
        let soa = Soa::read(soa.rdatas().next()?)?;
        let time = |secs: u32, least: Duration| Duration::from_secs(u64::from(secs)).clamp(least, LONGEST);
        let (refresh, retry) = (time(soa.refresh, REFRESH_LEAST), time(soa.retry, RETRY_LEAST));
        // RFC 1912 §2.2: a zone outlives some failures.
        Some(Self { refresh, retry, expire: time(soa.expire, refresh + retry) })
    }

    /// Returns from which age on a zone is overdue: its refresh has failed, and a retry too.
    pub fn overdue(self) -> Duration {
        self.refresh + RETRY_LEAST
    }
}

impl Schedule {
    /// Begins with a zone that a former run left, or with none; it is due at once.
    pub fn new(known: Option<(Times, UnixTime)>, now: Now) -> Self {
        let (times, good_at) = known.unzip();
        let state = State::Waiting(now.mono);
        let mut schedule = Self {
            times,
            good_at,
            state,
            failures: 0,
            begun: None,
            is_overdue: false,
            is_overdue_said: false,
            is_expired: false,
        };
        schedule.is_overdue = schedule.overdue().is_some_and(|at| at <= now.wall);
        schedule
    }

    /// The primary told of a new version.
    pub fn notified(&mut self, now: Now) {
        match &mut self.state {
            State::Running { again } => *again = true,
            State::Waiting(due) => *due = earliest(self.begun, now).min(*due),
        }
    }

    /// The operator wants it asked for now.
    pub fn ordered(&mut self, now: Now) {
        match &mut self.state {
            State::Running { again } => *again = true,
            State::Waiting(due) => *due = now.mono,
        }
    }

    /// Begins a query, if one is due.
    pub fn begin(&mut self, now: Now) -> bool {
        let is_due = matches!(self.state, State::Waiting(due) if due <= now.mono);
        if is_due {
            self.state = State::Running { again: false };
            self.begun = Some(now.mono);
        }
        is_due
    }

    /// The primary has answered: there is a zone with these times, which is the newest version.
    pub fn succeeded(&mut self, times: Times, now: Now) {
        (self.times, self.good_at, self.failures) = (Some(times), Some(now.wall), 0);
        (self.is_overdue, self.is_overdue_said, self.is_expired) = (false, false, false);
        self.wait(times.refresh, now);
    }

    /// No primary has given an answer that is of use.
    pub fn failed(&mut self, now: Now) {
        self.failures = self.failures.saturating_add(1);
        let doubled = FIRST_RETRY.saturating_mul(1 << (self.failures - 1).min(16));
        self.wait(doubled.min(self.times.map_or(RETRY_WITHOUT_ZONE, |times| times.retry)), now);
    }

    /// Returns when to come again.
    pub fn next(&self, now: Now) -> Option<Mono> {
        let due = self.due();
        let expiry = self.expiry().filter(|_| !self.is_expired);
        let at_wall = |at: UnixTime| now.mono + at.since(now.wall).min(LONGEST);
        let overdue = self.overdue().filter(|_| !self.is_overdue_said).map(at_wall);
        let overdue = overdue.zip(self.unanswered(now)).map(|(overdue, unanswered)| overdue.max(unanswered));
        due.into_iter().chain(expiry.map(at_wall)).chain(overdue).min()
    }

    /// Returns when a query is due; nothing while one runs.
    pub const fn due(&self) -> Option<Mono> {
        match self.state {
            State::Waiting(due) => Some(due),
            State::Running { .. } => None,
        }
    }

    /// Returns how many times in a row no primary gave an answer that is of use.
    pub const fn failures(&self) -> u32 {
        self.failures
    }

    /// Returns when a primary last said which version is the newest.
    pub const fn refreshed(&self) -> Option<UnixTime> {
        self.good_at
    }

    /// Returns when the zone expires, if there is one.
    pub fn expiry(&self) -> Option<UnixTime> {
        Some(self.good_at? + self.times?.expire)
    }

    /// Returns whether the zone has expired.
    pub const fn is_expired(&self) -> bool {
        self.is_expired
    }

    /// Returns whether the zone has expired just now; it says so once.
    pub fn expires(&mut self, now: Now) -> bool {
        let is_over = self.expiry().is_some_and(|at| at <= now.wall) && !self.is_expired;
        self.is_expired |= is_over;
        is_over
    }

    /// Returns whether no primary has answered for longer than `refresh` by now, for the first time since one did; they
    /// must have been asked in this run.
    pub fn becomes_overdue(&mut self, now: Now) -> bool {
        let is_unanswered = self.unanswered(now).is_some_and(|at| at <= now.mono);
        let is_over = self.overdue().is_some_and(|at| at <= now.wall) && is_unanswered && !self.is_overdue_said;
        self.is_overdue |= is_over;
        self.is_overdue_said |= is_over;
        is_over
    }

    /// Returns whether it is so, said or not.
    pub const fn is_overdue(&self) -> bool {
        self.is_overdue
    }

    fn overdue(&self) -> Option<UnixTime> {
        Some(self.good_at? + self.times?.overdue())
    }

    /// Returns from when on the primaries of this run give no answer: a query has failed, or takes its time.
    fn unanswered(&self, now: Now) -> Option<Mono> {
        let begun = self.begun?;
        Some(if self.failures > 0 { now.mono } else { begun + RETRY_LEAST })
    }

    fn wait(&mut self, time: Duration, now: Now) {
        let again = matches!(self.state, State::Running { again: true });
        self.state = State::Waiting(if again { earliest(self.begun, now) } else { now.mono + time });
    }
}

/// Returns when the next query may begin: floods of NOTIFYs become one every now and then.
fn earliest(begun: Option<Mono>, now: Now) -> Mono {
    begun.map_or(now.mono, |begun| (begun + PAUSE).max(now.mono))
}

/// From the begin of one query to that of the next, whatever NOTIFYs come.
const PAUSE: Duration = Duration::from_millis(100);
/// The first retry; each one later doubles it, up to the zone's own.
const FIRST_RETRY: Duration = Duration::from_secs(1);
/// The longest time between retries without any zone.
const RETRY_WITHOUT_ZONE: Duration = Duration::from_secs(60);
/// The shortest refresh.
const REFRESH_LEAST: Duration = Duration::from_secs(5);
/// The shortest retry.
const RETRY_LEAST: Duration = Duration::from_secs(2);
/// The longest of all times.
const LONGEST: Duration = Duration::from_secs(86_400 * 3_650);

#[cfg(test)]
mod tests {
    use super::*;

    const TIMES: Times =
        Times { refresh: Duration::from_secs(100), retry: Duration::from_secs(10), expire: Duration::from_secs(300) };

    fn at(secs: u64) -> Now {
        let wall = UnixTime::from_secs(1_000_000 + secs);
        Now { mono: Mono::START + Duration::from_secs(secs), wall }
    }

    fn due(schedule: &Schedule, now: Now) -> Option<u64> {
        schedule.next(now).map(|next| next.since_start().as_secs())
    }

    #[test]
    fn it_asks_each_refresh_and_after_failures_sooner() {
        let mut schedule = Schedule::new(None, at(0));
        assert!(schedule.begin(at(0)) && !schedule.begin(at(0)));
        schedule.succeeded(TIMES, at(1));
        assert_eq!((due(&schedule, at(1)), schedule.begin(at(100))), (Some(101), false));
        let mut asked = Vec::new();
        for second in 101..140 {
            if schedule.begin(at(second)) {
                asked.push(second);
                schedule.failed(at(second));
            }
        }
        assert_eq!(asked, [101, 102, 104, 108, 116, 126, 136], "doubled up to retry");
    }

    #[test]
    fn a_zone_without_news_of_its_primary_expires_once_and_comes_back() {
        let mut schedule = Schedule::new(Some((TIMES, at(0).wall)), at(50));
        assert!(schedule.begin(at(50)));
        schedule.failed(at(50));
        let expired: Vec<u64> = (51..400).filter(|second| schedule.expires(at(*second))).collect();
        assert_eq!(expired, [300]);
        schedule.notified(at(400));
        assert!(schedule.begin(at(400)));
        schedule.succeeded(TIMES, at(400));
        assert!(!schedule.expires(at(699)) && schedule.expires(at(700)));
    }

    #[test]
    fn a_zone_is_overdue_when_a_refresh_and_a_retry_have_failed() {
        let mut schedule = Schedule::new(Some((TIMES, at(0).wall)), at(0));
        assert!(schedule.begin(at(0)));
        schedule.succeeded(TIMES, at(0));
        let mut overdue = Vec::new();
        for second in 1..200 {
            if schedule.begin(at(second)) {
                schedule.failed(at(second));
            }
            if schedule.becomes_overdue(at(second)) {
                overdue.push((second, schedule.failures()));
            }
        }
        assert_eq!((overdue, schedule.is_overdue()), (vec![(102, 2)], true), "said once");
        schedule.ordered(at(200));
        assert!(schedule.begin(at(200)));
        schedule.succeeded(TIMES, at(200));
        assert!(!schedule.is_overdue() && schedule.next(at(200)) == Some(at(300).mono));
    }

    #[test]
    fn after_a_restart_it_is_overdue_and_that_is_said_when_the_primaries_were_asked_in_vain() {
        let begin = || {
            let mut schedule = Schedule::new(Some((TIMES, at(0).wall)), at(200));
            assert!(schedule.is_overdue() && !schedule.becomes_overdue(at(200)), "nobody was asked yet");
            assert!(schedule.begin(at(200)));
            (due(&schedule, at(200)), schedule.becomes_overdue(at(201)), schedule)
        };
        let (next, early, mut schedule) = begin();
        assert_eq!((next, early), (Some(202), false));
        schedule.succeeded(TIMES, at(201));
        assert!(!schedule.is_overdue() && !schedule.becomes_overdue(at(202)), "a primary answers");
        let (.., mut schedule) = begin();
        assert!(schedule.becomes_overdue(at(202)) && !schedule.becomes_overdue(at(203)), "it takes its time");
        let (.., mut schedule) = begin();
        schedule.failed(at(201));
        assert!(schedule.becomes_overdue(at(201)) && !schedule.becomes_overdue(at(203)), "it gives nothing of use");
    }

    #[test]
    fn notifies_ask_at_once_and_floods_of_them_every_now_and_then() {
        let mut schedule = Schedule::new(Some((TIMES, at(0).wall)), at(0));
        assert!(schedule.begin(at(0)));
        (0..1_000).for_each(|_| schedule.notified(at(0)));
        schedule.succeeded(TIMES, at(0));
        assert!(!schedule.begin(at(0)) && schedule.begin(at(1)), "once more for what came meanwhile, and not at once");
        schedule.succeeded(TIMES, at(1));
        (0..1_000).for_each(|_| schedule.notified(at(1)));
        assert!(!schedule.begin(at(1)) && schedule.begin(at(2)));
    }
}
