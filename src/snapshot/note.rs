//! Why a set is not as declared, in words that stay true while time passes.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::base::clock::Mono;
use crate::base::duration::write_whole;

/// The words for one slot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    /// What holds as long as the slot holds what it holds.
    pub text: Arc<str>,
    /// The hold that the text ends with, if a better tier is in one.
    pub hold: Option<Hold>,
}

/// A better tier that is healthy and has not failed back yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hold {
    /// Since when it is healthy.
    pub since: Mono,
    /// When it fails back if all stays as it is.
    pub until: Mono,
}

/// A note at one moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NoteView<'a> {
    /// The text.
    pub text: &'a str,
    /// For how long the better tier has been healthy, and how long until it fails back.
    pub hold: Option<(Duration, Duration)>,
}

impl Note {
    /// Returns the former note if it says the same: the moment of a failback that waits for a window is known to the
    /// millisecond of the wall clock only.
    #[must_use]
    pub fn settled(self, former: Option<&Self>) -> Self {
        let near = |a: Hold, b: Hold| a.since == b.since && a.until.since(b.until).max(b.until.since(a.until)) < JITTER;
        let same = |former: &&Self| {
            former.text == self.text && former.hold.zip(self.hold).is_some_and(|(old, new)| near(old, new))
        };
        former.filter(same).cloned().unwrap_or(self)
    }

    /// Returns what it says at a moment.
    pub fn at(&self, now: Mono) -> NoteView<'_> {
        NoteView { text: &self.text, hold: self.hold.map(|hold| (now.since(hold.since), hold.until.since(now))) }
    }
}

impl fmt::Display for NoteView<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.text)?;
        let Some((healthy, left)) = self.hold else { return Ok(()) };
        let whole = |time: Duration| write_whole(Duration::from_secs(time.as_secs()));
        write!(f, " since {}, fails back in {}", whole(healthy), whole(left))
    }
}

/// What two readings of the same moment may differ by.
const JITTER: Duration = Duration::from_millis(500);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hold_counts_up_and_down() {
        let (since, until) = (Mono::START, Mono::START + Duration::from_secs(60));
        let note = Note { text: "tier 20 is active, tier 10 is healthy".into(), hold: Some(Hold { since, until }) };
        let at = |secs| note.at(Mono::START + Duration::from_millis(secs)).to_string();
        assert_eq!(at(40_200), "tier 20 is active, tier 10 is healthy since 40s, fails back in 19s");
        assert_eq!(at(60_001), "tier 20 is active, tier 10 is healthy since 1m, fails back in 0s");
    }
}
