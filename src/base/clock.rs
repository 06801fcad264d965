//! The one clock of the process: everything below the engine's driver gets `now` as a parameter.
//!
//! The monotonic clock is that of the runtime, so it stands still in tests that pause the runtime's time.

use std::fmt;
use std::ops::{Add, Sub};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio::time::Instant;

/// A point on the monotonic clock, counted from a year before the process's [`Clock`] was started, so that a point
/// before the start (the last failback of an earlier run) can be told too.
///
/// Intervals, holds and cadences use it, as they must not jump with the wall clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Mono(Duration);

/// A point on the wall clock: the time since 1970-01-01T00:00:00Z, leap seconds not counted.
///
/// Ends of orders, windows and ages of stored state use it, as they must survive a restart.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UnixTime(Duration);

/// One reading of both clocks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Now {
    /// The monotonic reading.
    pub mono: Mono,
    /// The wall-clock reading.
    pub wall: UnixTime,
}

/// The source of [`Now`]; the only place that reads the system's clocks.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    origin: Instant,
    /// What the wall clock showed at the origin, if it runs with the monotonic one; else the system's is read.
    wall: Option<UnixTime>,
}

impl Clock {
    /// Starts the clock, at [`Mono::START`].
    #[expect(clippy::disallowed_methods, reason = "the one clock")]
    pub fn start() -> Self {
        Self { origin: Instant::now(), wall: None }
    }

    /// Starts a clock whose wall clock shows `wall` and then runs with the monotonic one: where the runtime's time is
    /// paused, both stand still.
    #[expect(clippy::disallowed_methods, reason = "the one clock")]
    pub fn start_at(wall: UnixTime) -> Self {
        Self { origin: Instant::now(), wall: Some(wall) }
    }

    /// Reads both clocks.
    #[expect(clippy::disallowed_methods, reason = "the one clock")]
    pub fn now(&self) -> Now {
        let passed = self.origin.elapsed();
        let wall = match self.wall {
            Some(wall) => wall + passed,
            None => UnixTime(SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()),
        };
        Now { mono: Mono::START + passed, wall }
    }

    /// Translates a point of the monotonic clock for timers of the runtime.
    pub fn instant(&self, at: Mono) -> Instant {
        // A far future that overflows is as good as a year from now: a timer that early only asks again.
        self.origin.checked_add(at.since(Mono::START)).unwrap_or_else(|| self.origin + Mono::START.0)
    }
}

impl Now {
    /// Returns the reading that both clocks show `by` later; tests and simulations walk time with it.
    #[must_use]
    pub fn after(self, by: Duration) -> Self {
        Self { mono: self.mono + by, wall: self.wall + by }
    }
}

impl Mono {
    /// The start of the clock: a year, so that earlier points have a place.
    pub const START: Self = Self(Duration::from_secs(31_536_000));

    /// Returns the time since the start of the clock; zero for points before it.
    pub const fn since_start(self) -> Duration {
        self.0.saturating_sub(Self::START.0)
    }

    /// Returns how long ago `earlier` was; zero if it lies ahead.
    pub fn since(self, earlier: Self) -> Duration {
        self.0.saturating_sub(earlier.0)
    }
}

impl UnixTime {
    /// Makes a point from seconds since the epoch.
    pub const fn from_secs(secs: u64) -> Self {
        Self(Duration::from_secs(secs))
    }

    /// Makes a point from milliseconds since the epoch.
    pub const fn from_millis(millis: u64) -> Self {
        Self(Duration::from_millis(millis))
    }

    /// Makes a point from microseconds since the epoch.
    pub const fn from_micros(micros: u64) -> Self {
        Self(Duration::from_micros(micros))
    }

    /// Returns whole microseconds since the epoch.
    pub fn as_micros(self) -> u64 {
        u64::try_from(self.0.as_micros()).unwrap_or(u64::MAX)
    }

    /// Reads `2026-11-30`, `2026-11-30T18:00Z` or `2026-11-30T18:00:00Z`, which is UTC with and without the `Z`.
    pub fn parse(text: &str) -> Option<Self> {
        let (date, time) = text.split_once(['T', ' ']).unwrap_or((text, "00:00"));
        let numbers = |text: &str, by: char| -> Option<Vec<u64>> {
            let is_number = |part: &&str| (2..=4).contains(&part.len()) && part.bytes().all(|c| c.is_ascii_digit());
            text.split(by).map(|part| Some(part).filter(is_number)?.parse().ok()).collect()
        };
        let [year, month, day] = numbers(date, '-')?.try_into().ok()?;
        let mut time = numbers(time.trim_end_matches('Z'), ':')?;
        time.resize(time.len().max(3), 0);
        let [hour, minute, second] = time.try_into().ok()?;
        if !(1970..=9999).contains(&year) || !(1..=12).contains(&month) || hour > 23 || minute > 59 || second > 59 {
            return None;
        }
        // A year begins on 1 March here, so that the day of a leap year comes last.
        let shifted_year = if month <= 2 { year - 1 } else { year };
        let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day.checked_sub(1)?;
        let leaps = shifted_year / 4 - shifted_year / 100 + shifted_year / 400;
        let days = shifted_year * 365 + leaps + day_of_year - 719_468;
        let found = Self::from_secs(days * 86_400 + hour * 3_600 + minute * 60 + second);
        // The 31st of a month with thirty days is another date.
        found.to_string().starts_with(date).then_some(found)
    }

    /// Returns whole seconds since the epoch.
    pub const fn as_secs(self) -> u64 {
        self.0.as_secs()
    }

    /// Returns whole milliseconds since the epoch.
    pub fn as_millis(self) -> u64 {
        u64::try_from(self.0.as_millis()).unwrap_or(u64::MAX)
    }

    /// Returns how long ago `earlier` was; zero if it lies ahead.
    pub fn since(self, earlier: Self) -> Duration {
        self.0.saturating_sub(earlier.0)
    }
}

impl Add<Duration> for Mono {
    type Output = Self;
    fn add(self, by: Duration) -> Self {
        Self(self.0.saturating_add(by))
    }
}

impl Sub<Duration> for Mono {
    type Output = Self;
    fn sub(self, by: Duration) -> Self {
        Self(self.0.saturating_sub(by))
    }
}

impl Sub<Duration> for UnixTime {
    type Output = Self;
    fn sub(self, by: Duration) -> Self {
        Self(self.0.saturating_sub(by))
    }
}

impl Add<Duration> for UnixTime {
    type Output = Self;
    fn add(self, by: Duration) -> Self {
        Self(self.0.saturating_add(by))
    }
}

impl fmt::Display for UnixTime {
    /// Prints RFC 3339 in UTC with whole seconds, such as `2026-11-21T09:30:00Z`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let secs = self.as_secs();
        let (days, rest) = (secs / 86_400, secs % 86_400);
        // Civil date from a day count; eras of 400 years begin on 1 March 0000 (day -719468 of the epoch).
        let shifted = days + 719_468;
        let (era, day_of_era) = (shifted / 146_097, shifted % 146_097);
        let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
        let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let shifted_month = (5 * day_of_year + 2) / 153;
        let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
        let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
        let year = year_of_era + era * 400 + u64::from(month <= 2);
        write!(f, "{year:04}-{month:02}-{day:02}T{:02}:{:02}:{:02}Z", rest / 3_600, rest % 3_600 / 60, rest % 60)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prints_dates_as_rfc_3339() {
        for (secs, text) in [
            (0, "1970-01-01T00:00:00Z"),
            (951_782_400, "2000-02-29T00:00:00Z"),
            (1_795_253_400, "2026-11-21T09:30:00Z"),
            (4_107_542_399, "2100-02-28T23:59:59Z"),
        ] {
            assert_eq!(UnixTime::from_secs(secs).to_string(), text);
        }
    }

    #[test]
    fn reads_dates_as_they_are_printed_and_shorter_ones() {
        for secs in [0, 951_782_400, 1_795_253_400, 4_107_542_399, 1_709_164_800] {
            let at = UnixTime::from_secs(secs);
            assert_eq!(UnixTime::parse(&at.to_string()), Some(at));
        }
        let evening = Some(UnixTime::from_secs(1_795_284_000));
        for text in ["2026-11-21T18:00:00Z", "2026-11-21T18:00Z", "2026-11-21 18:00", "2026-11-21T18:00:00"] {
            assert_eq!(UnixTime::parse(text), evening, "{text}");
        }
        assert_eq!(UnixTime::parse("2026-11-21").unwrap().to_string(), "2026-11-21T00:00:00Z");
        for text in [
            "",
            "2h",
            "2026",
            "2026-02-29",
            "2026-13-01",
            "2026-11-00",
            "2026-11-31",
            "2026-11-21T24:00",
            "2026-11-21T1",
            "26-11-21",
        ] {
            assert_eq!(UnixTime::parse(text), None, "{text}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn both_clocks_follow_the_time_of_the_runtime() {
        let clock = Clock::start_at(UnixTime::from_secs(1_795_253_400));
        let begin = clock.now();
        assert_eq!((begin.mono, begin.wall.to_string()), (Mono::START, "2026-11-21T09:30:00Z".to_owned()));
        let hour = Duration::from_secs(3_600);
        tokio::time::sleep_until(clock.instant(begin.mono + hour)).await;
        assert_eq!(clock.now(), begin.after(hour));
        // Without a wall clock of its own, the system's is read.
        let system = Clock::start();
        let before = system.now();
        tokio::time::advance(hour).await;
        assert_eq!(system.now().mono, before.mono + hour);
        assert!(system.now().wall.since(before.wall) < hour);
    }

    #[test]
    fn time_before_is_zero() {
        let now = Mono::START;
        assert_eq!(now.since(now + Duration::from_secs(1)), Duration::ZERO);
        assert_eq!(now.since(now - Duration::from_secs(9)), Duration::from_secs(9));
    }
}
