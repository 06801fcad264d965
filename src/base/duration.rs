//! Durations as text: read from the config, written for people, in one form.

use std::time::Duration;

/// The units, the largest first, with their milliseconds.
const UNITS: [(&str, u64); 5] = [("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1_000), ("ms", 1)];

/// Reads `1m30s`: numbers with the units `ms`, `s`, `m`, `h`, `d`, each at most once and the largest first.
///
/// ```
/// use std::time::Duration;
/// use understudy::base::duration::{read, write};
///
/// assert_eq!(read("1m30s"), Some(Duration::from_secs(90)));
/// assert_eq!(write(Duration::from_secs(90)), "1m30s");
/// assert_eq!(read("90"), None, "90 what?");
/// ```
pub fn read(text: &str) -> Option<Duration> {
    let (mut rest, mut millis, mut units) = (text, 0u64, &UNITS[..]);
    while !rest.is_empty() {
        let digits = rest.find(|letter: char| !letter.is_ascii_digit())?;
        let (number, tail) = rest.split_at_checked(digits)?;
        let letters = tail.find(|letter: char| letter.is_ascii_digit()).unwrap_or(tail.len());
        let (unit, tail) = tail.split_at_checked(letters)?;
        let place = units.iter().position(|(word, _)| *word == unit)?;
        millis = number.parse::<u64>().ok()?.checked_mul(units.get(place)?.1)?.checked_add(millis)?;
        (rest, units) = (tail, units.get(place + 1..)?);
    }
    (!text.is_empty()).then(|| Duration::from_millis(millis))
}

/// Writes a duration as [`read`] takes it, to the millisecond.
pub fn write(duration: Duration) -> String {
    let mut millis = u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
    let mut text = String::new();
    for (unit, length) in UNITS {
        if millis >= length {
            text += &format!("{}{unit}", millis / length);
            millis %= length;
        }
    }
    if text.is_empty() { "0s".to_owned() } else { text }
}

/// Writes a duration in whole seconds; one below a second in milliseconds.
pub fn write_whole(duration: Duration) -> String {
    let whole = Duration::from_secs(duration.as_secs());
    write(if whole.is_zero() { duration } else { whole })
}

/// Writes a duration in its two largest units, as in `1d2h` and `1m30s`; what is left of a second counts as one.
pub fn write_short(duration: Duration) -> String {
    let secs = duration.as_secs() + u64::from(duration.subsec_nanos() > 0);
    let grain = match secs {
        86_400.. => 3_600,
        3_600.. => 60,
        _ => 1,
    };
    write(Duration::from_secs(secs - secs % grain))
}

/// Writes what is left in one unit for people: whole days from two of them on, else whole hours, else minutes.
pub fn write_left(duration: Duration) -> String {
    let minutes = duration.as_secs() / 60;
    match minutes {
        2_880.. => format!("{} days", minutes / 1_440),
        120.. => format!("{} h", minutes / 60),
        _ => format!("{minutes} min"),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_is_left_is_told_in_one_unit() {
        let left = [0, 7_199, 7_200, 86_399, 172_799, 172_800].map(|secs| write_left(Duration::from_secs(secs)));
        assert_eq!(left, ["0 min", "119 min", "2 h", "23 h", "47 h", "2 days"]);
    }

    #[test]
    fn durations_are_numbers_with_units() {
        for (text, millis) in [
            ("5s", Some(5_000)),
            ("250ms", Some(250)),
            ("1m30s", Some(90_000)),
            ("2h", Some(7_200_000)),
            ("0s", Some(0)),
            ("1d", Some(86_400_000)),
            ("", None),
            ("5", None),
            ("s", None),
            ("5 s", None),
            ("-5s", None),
            ("30s1m", None),
            ("1s1s", None),
            ("5x", None),
            ("99999999999999999999s", None),
            ("18446744073709551615d", None),
        ] {
            assert_eq!(read(text), millis.map(Duration::from_millis), "{text}");
        }
    }

    #[test]
    fn they_are_written_exactly_wholly_or_shortly() {
        for (millis, exact, whole, short) in [
            (0, "0s", "0s", "0s"),
            (1, "1ms", "1ms", "1s"),
            (1_500, "1s500ms", "1s", "2s"),
            (60_000, "1m", "1m", "1m"),
            (61_000, "1m1s", "1m1s", "1m1s"),
            (3_600_000, "1h", "1h", "1h"),
            (7_384_000, "2h3m4s", "2h3m4s", "2h3m"),
            (93_784_005, "1d2h3m4s5ms", "1d2h3m4s", "1d2h"),
            (2_592_000_000, "30d", "30d", "30d"),
        ] {
            let duration = Duration::from_millis(millis);
            assert_eq!((&*write(duration), &*write_whole(duration), &*write_short(duration)), (exact, whole, short));
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_again(millis: u64) {
            let duration = Duration::from_millis(millis);
            prop_assert_eq!(read(&write(duration)), Some(duration));
        }
    }
}
