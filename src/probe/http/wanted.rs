//! What a response must have to pass: its status, and the content of its body.

use std::fmt;
use std::ops::RangeInclusive;
use std::str::FromStr;

use regex_lite::{Regex, RegexBuilder};
use thiserror::Error;

/// A set of statuses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Statuses(Vec<RangeInclusive<u16>>);

/// What a body must hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Expect {
    /// These octets, anywhere.
    Text(Vec<u8>),
    /// What this pattern matches, anywhere.
    Pattern(Pattern),
}

/// A regular expression without look-around, matched in linear time.
#[derive(Clone, Debug)]
pub struct Pattern {
    text: String,
    regex: Regex,
}

/// Why a pattern is none.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{0}")]
pub struct PatternError(String);

impl Statuses {
    /// Makes a set of ranges; nothing if it is empty, or a range is, or a status is not from 100 to 599.
    pub fn new(ranges: Vec<RangeInclusive<u16>>) -> Option<Self> {
        let sound = |range: &RangeInclusive<u16>| !range.is_empty() && *range.start() >= 100 && *range.end() <= 599;
        (!ranges.is_empty() && ranges.iter().all(sound)).then_some(Self(ranges))
    }

    /// Returns what a server answers that is alive, whatever it thinks of the path: all from 200 to 499, but not 421 (the
    /// domain is not served there) and 429 (the checker is limited).
    pub fn alive() -> Self {
        Self(vec![200..=420, 422..=428, 430..=499])
    }

    /// Returns the ranges.
    pub(super) fn into_ranges(self) -> Vec<RangeInclusive<u16>> {
        self.0
    }

    /// Returns whether a status is in it.
    pub fn contains(&self, status: u16) -> bool {
        self.0.iter().any(|range| range.contains(&status))
    }
}

impl Default for Statuses {
    fn default() -> Self {
        Self(vec![200..=299])
    }
}

impl fmt::Display for Statuses {
    /// Prints `200-299,301`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, range) in self.0.iter().enumerate() {
            let comma = if index > 0 { "," } else { "" };
            write!(f, "{comma}{}", range.start())?;
            if range.start() != range.end() {
                write!(f, "-{}", range.end())?;
            }
        }
        Ok(())
    }
}

impl Expect {
    /// Returns whether a body holds it.
    pub(super) fn is_in(&self, body: &[u8]) -> bool {
        match self {
            Self::Text(text) => text.is_empty() || body.windows(text.len()).any(|window| window == text),
            Self::Pattern(pattern) => pattern.regex.is_match(&String::from_utf8_lossy(body)),
        }
    }
}

impl fmt::Display for Expect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => write!(f, "expect=\"{}\"", text.escape_ascii()),
            Self::Pattern(pattern) => write!(f, "match=\"{}\"", pattern.text.escape_default()),
        }
    }
}

impl FromStr for Pattern {
    type Err = PatternError;

    fn from_str(text: &str) -> Result<Self, PatternError> {
        let regex = RegexBuilder::new(text).size_limit(COMPILED_MAX).build();
        Ok(Self { text: text.to_owned(), regex: regex.map_err(|error| PatternError(error.to_string()))? })
    }
}

impl PartialEq for Pattern {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Eq for Pattern {}

/// The largest compiled pattern, in octets: a match costs at most this times the length of the body.
const COMPILED_MAX: usize = 65_536;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statuses_are_ranges_from_100_to_599() {
        let set = Statuses::new(vec![200..=204, 301..=301]).unwrap();
        assert_eq!(set.to_string(), "200-204,301");
        for (status, is_in) in [(199, false), (200, true), (204, true), (205, false), (301, true), (302, false)] {
            assert_eq!(set.contains(status), is_in, "{status}");
        }
        #[expect(clippy::reversed_empty_ranges, reason = "it must be refused")]
        for wrong in [vec![], vec![300..=200], vec![99..=200], vec![200..=600]] {
            assert_eq!(Statuses::new(wrong.clone()), None, "{wrong:?}");
        }
    }

    #[test]
    fn texts_and_patterns_are_found_anywhere() {
        let pattern = |text: &str| Expect::Pattern(text.parse().unwrap());
        for (expect, body, found) in [
            (Expect::Text(b"ok".to_vec()), &b"all ok here"[..], true),
            (Expect::Text(b"ok".to_vec()), b"o", false),
            (pattern("^ready: [0-9]+$"), b"ready: 12", true),
            (pattern("^ready: [0-9]+$"), b"ready: no", false),
            (pattern("b.d"), b"\xffb\xfed", true),
        ] {
            assert_eq!(expect.is_in(body), found, "{expect} {body:?}");
        }
    }

    #[test]
    fn a_pattern_that_is_broken_or_huge_is_refused() {
        for text in ["(", "[a", "(a{500}){500}"] {
            assert!(text.parse::<Pattern>().is_err(), "{text}");
        }
    }
}
