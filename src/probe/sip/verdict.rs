//! The outcome of an answer to OPTIONS.
//!
//! | answer | outcome |
//! |---|---|
//! | any that `expect` names; in the mode `strict` 2xx | pass |
//! | 503 with Retry-After (RFC 3261 §21.5.4) | drain for that long |
//! | 486 | degraded: alive but full |
//! | 408, 480 (nobody behind it answers), 505, 513, other 5xx but 501 | fail, conclusive |
//! | any other, with `expect` or `strict` | fail, conclusive: not as expected |
//! | 2xx, 6xx; 401, 403, 405, 407, 415, 416, 420, 481, 483, 484, 488, 489, 501 | pass: its SIP logic answers |
//! | 404, 3xx; any other 4xx | pass, with a warning |
//!
//! An answer is never a silent failure: it proves that the server is reachable, and that the checker is not isolated.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use super::request::SipReply;
use crate::health::Outcome;
use crate::probe::attempt::conclusive;

/// Which answers pass.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Expect {
    /// Any that shows that the SIP logic is alive (`mode = "alive"`).
    #[default]
    Alive,
    /// These only.
    Only(BTreeSet<Pattern>),
}

/// One status, or a class of them: `483`, `2xx`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Pattern {
    /// All that begin with this digit, 2 to 6.
    Class(u16),
    /// One, 200 to 699.
    Status(u16),
}

impl Expect {
    /// Makes what `mode = "strict"` expects: 2xx, so that a server which does not serve the domain fails.
    pub fn strict() -> Self {
        Self::Only(BTreeSet::from([Pattern::Class(2)]))
    }

    /// Judges an answer; a text with a pass is a warning.
    pub(super) fn judge(&self, answer: &SipReply) -> (Outcome, Option<&'static str>) {
        let line = answer.line();
        if let Self::Only(patterns) = self
            && patterns.iter().any(|pattern| pattern.holds(answer.status))
        {
            return (Outcome::Pass, None);
        }
        let failed = match (answer.status, answer.retry_after) {
            (503, Some(after)) => {
                let cause = format!("answered {line}, Retry-After {} s", after.as_secs()).into();
                Some(Outcome::Drain { cause, retry_after: Some(after) })
            }
            (486, _) => Some(Outcome::Degraded(format!("answered {line}").into())),
            (505 | 513, _) => Some(conclusive(format!("answered {line}: misconfigured"))),
            (501, _) => None,
            (408 | 480 | 500..=599, _) => Some(conclusive(format!("answered {line}"))),
            _ => None,
        };
        match (failed, self) {
            (Some(outcome), _) => (outcome, None),
            (None, Self::Only(_)) => (conclusive(format!("answered {line}, expected {self}")), None),
            (None, Self::Alive) => (Outcome::Pass, doubt(answer.status)),
        }
    }
}

impl fmt::Display for Expect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Alive => f.write_str("any sign of life"),
            Self::Only(patterns) => {
                for (place, pattern) in patterns.iter().enumerate() {
                    write!(f, "{}{pattern}", if place > 0 { "," } else { "" })?;
                }
                Ok(())
            }
        }
    }
}

impl Pattern {
    const fn holds(self, status: u16) -> bool {
        match self {
            Self::Class(digit) => status / 100 == digit,
            Self::Status(own) => status == own,
        }
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Class(digit) => write!(f, "{digit}xx"),
            Self::Status(status) => write!(f, "{status}"),
        }
    }
}

impl FromStr for Pattern {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let (pattern, bounds) = match text.strip_suffix("xx") {
            Some(digit) => (digit.parse().map(Self::Class), 2..=6),
            None => (text.parse().map(Self::Status), 200..=699),
        };
        let pattern = pattern.map_err(|_| ())?;
        let (Self::Class(number) | Self::Status(number)) = pattern;
        // Signs and zeros in front are read as numbers, but not written so.
        if bounds.contains(&number) && pattern.to_string() == text { Ok(pattern) } else { Err(()) }
    }
}

/// Says what is odd about an answer that passes nevertheless.
const fn doubt(status: u16) -> Option<&'static str> {
    match status {
        300..=399 => Some("it redirects instead of serving"),
        404 => Some("it does not know the domain, which is a failure with mode = \"strict\""),
        401 | 403 | 405 | 407 | 415 | 416 | 420 | 481 | 483 | 484 | 488 | 489 => None,
        400..=499 => Some("an odd answer to OPTIONS"),
        _ => None,
    }
}
