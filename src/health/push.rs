//! Externally reported states: each is valid for a while, then expires.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use thiserror::Error;

use super::{FailKind, Outcome};
use crate::base::clock::Mono;

/// What is posted under each name.
///
/// ```text
///              post                      its time is over
///  ┌─────────┐ ────▶ ┌──────────────┐ ───────────────────▶ ┌─────────┐
///  │ nothing │       │ says a state │                      │ run out │
///  └─────────┘       └──────────────┘ ◀─────────────────── └─────────┘
///       │              ▲ post │            post                 ▲
///       │              └──────┘                                 │
///       └───────────────── nothing came for the check's time ───┘
/// ```
///
/// **Invariant:** of each name there is one post, and only names that the setup has.
#[derive(Clone, Debug, Default)]
pub struct PushStore {
    rows: BTreeMap<String, PushRow>,
}

/// One state, posted by whoever knows the target from within.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PushReport {
    /// What is said.
    pub state: PushState,
    /// Why, in plain words; at most [`REASON_MAX`] octets are kept.
    pub reason: String,
    /// How long it counts; taken to be from [`TTL_MIN`] to [`TTL_MAX`].
    pub ttl: Duration,
    /// Numbers the posts of a name: one with a lower number than the last one comes late.
    pub sequence: u64,
}

/// What a post says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PushState {
    /// It serves.
    Up,
    /// It is alive but full.
    Degraded,
    /// It is leaving.
    Drain,
    /// It does not serve.
    Down,
}

/// What a state that has run out means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expired {
    /// Whoever should post is dead: a failure.
    Down,
    /// Nothing is known, and nothing changes.
    Unknown,
}

/// Why a post is not taken.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum PushRefusal {
    /// No check reads it.
    #[error("no check of kind push is called {0}")]
    NoSuchName(String),
    /// A later one has come.
    #[error("its number {sequence} is below the last one's, {last}")]
    Late {
        /// Its number.
        sequence: u64,
        /// The number of the last one.
        last: u64,
    },
}

#[derive(Clone, Debug)]
struct PushRow {
    /// Since when posts are waited for.
    since: Mono,
    /// The last post, and until when it counts.
    last: Option<(PushReport, Mono)>,
}

impl PushStore {
    /// Takes the names of a new setup: what was posted under those that stay is kept, the rest forgotten.
    pub fn expect(&mut self, names: &BTreeSet<String>, now: Mono) {
        self.rows.retain(|name, _| names.contains(name));
        for name in names {
            self.rows.entry(name.clone()).or_insert(PushRow { since: now, last: None });
        }
    }

    /// Takes a post.
    ///
    /// # Errors
    /// [`PushRefusal`]; nothing has changed then.
    pub fn post(&mut self, name: &str, mut post: PushReport, now: Mono) -> Result<(), PushRefusal> {
        let row = self.rows.get_mut(name).ok_or_else(|| PushRefusal::NoSuchName(name.to_owned()))?;
        if let Some((last, _)) = &row.last
            && post.sequence < last.sequence
        {
            return Err(PushRefusal::Late { sequence: post.sequence, last: last.sequence });
        }
        let end = (0..=REASON_MAX).rev().find(|&end| post.reason.is_char_boundary(end)).unwrap_or(0);
        post.reason.truncate(end);
        let until = now + post.ttl.clamp(TTL_MIN, TTL_MAX);
        row.last = Some((post, until));
        Ok(())
    }

    /// Returns what is known under a name; `patience` is how long nothing may come before that means as much as a state
    /// that has run out.
    pub fn outcome(&self, name: &str, patience: Duration, expired: Expired, now: Mono) -> Outcome {
        let Some(row) = self.rows.get(name) else { return Outcome::Unknown("nobody may post this".into()) };
        match &row.last {
            Some((post, until)) if now < *until => post.outcome(),
            None if now < row.since + patience => Outcome::Unknown("nothing was posted yet".into()),
            last => {
                let cause = match last {
                    Some((post, until)) => {
                        format!(
                            "the posted state ({}) ran out {} s ago",
                            post.state.as_str(),
                            now.since(*until).as_secs()
                        )
                    }
                    None => format!("nothing was posted for {patience:?}"),
                };
                match expired {
                    Expired::Down => Outcome::Fail { kind: FailKind::Silent, cause: cause.into() },
                    Expired::Unknown => Outcome::Unknown(cause.into()),
                }
            }
        }
    }

    /// Returns when what is known under a name changes by time alone; nothing if it does not.
    pub fn ends(&self, name: &str, patience: Duration, now: Mono) -> Option<Mono> {
        let row = self.rows.get(name)?;
        let end = row.last.as_ref().map_or(row.since + patience, |(_, until)| *until);
        (now < end).then_some(end)
    }
}

impl PushReport {
    fn outcome(&self) -> Outcome {
        let said = || {
            let reason = if self.reason.is_empty() { String::new() } else { format!(": {}", self.reason) };
            format!("posted {}{reason}", self.state.as_str()).into()
        };
        match self.state {
            PushState::Up => Outcome::Pass,
            PushState::Degraded => Outcome::Degraded(said()),
            PushState::Drain => Outcome::Drain { cause: said(), retry_after: None },
            PushState::Down => Outcome::Fail { kind: FailKind::Conclusive, cause: said() },
        }
    }
}

impl PushState {
    /// Returns the word for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Up => "up",
            Self::Degraded => "degraded",
            Self::Drain => "drain",
            Self::Down => "down",
        }
    }
}

/// The shortest time that a post counts.
pub const TTL_MIN: Duration = Duration::from_secs(2);
/// The longest time that a post counts.
pub const TTL_MAX: Duration = Duration::from_secs(3600);
/// The longest reason that is kept, in octets.
pub const REASON_MAX: usize = 200;

#[cfg(test)]
mod tests {
    use super::*;

    const START: Mono = Mono::START;

    fn at(secs: u64) -> Mono {
        START + Duration::from_secs(secs)
    }

    fn push_store() -> PushStore {
        let mut push_store = PushStore::default();
        push_store.expect(&BTreeSet::from(["sip".to_owned()]), START);
        push_store
    }

    fn post(state: PushState, ttl: u64, sequence: u64) -> PushReport {
        PushReport { state, reason: "why".to_owned(), ttl: Duration::from_secs(ttl), sequence }
    }

    fn word(push_store: &PushStore, expired: Expired, now: Mono) -> &'static str {
        push_store.outcome("sip", Duration::from_secs(60), expired, now).as_str()
    }

    #[test]
    fn nothing_posted_is_unknown_for_the_time_of_the_check_and_then_as_run_out() {
        let push_store = push_store();
        assert_eq!(push_store.ends("sip", Duration::from_secs(60), START), Some(at(60)));
        assert_eq!(word(&push_store, Expired::Down, at(59)), "unknown");
        assert_eq!(word(&push_store, Expired::Down, at(60)), "silent");
        assert_eq!(word(&push_store, Expired::Unknown, at(60)), "unknown");
        assert_eq!(push_store.ends("sip", Duration::from_secs(60), at(60)), None);
    }

    #[test]
    fn a_state_counts_until_its_time_is_over() {
        for (state, outcome) in [
            (PushState::Up, "pass"),
            (PushState::Degraded, "degraded"),
            (PushState::Drain, "drain"),
            (PushState::Down, "fail"),
        ] {
            let mut push_store = push_store();
            push_store.post("sip", post(state, 10, 1), at(5)).unwrap();
            assert_eq!(word(&push_store, Expired::Down, at(14)), outcome);
            assert_eq!(push_store.ends("sip", Duration::from_secs(60), at(6)), Some(at(15)));
            assert_eq!(word(&push_store, Expired::Down, at(15)), "silent");
        }
    }

    #[test]
    fn a_time_is_kept_within_bounds() {
        let mut push_store = push_store();
        push_store.post("sip", post(PushState::Up, 0, 1), START).unwrap();
        assert_eq!(push_store.ends("sip", Duration::ZERO, START), Some(at(2)));
        push_store.post("sip", post(PushState::Up, u64::MAX, 1), START).unwrap();
        assert_eq!(push_store.ends("sip", Duration::ZERO, START), Some(at(3600)));
    }

    #[test]
    fn late_posts_and_unknown_names_are_refused() {
        let mut push_store = push_store();
        push_store.post("sip", post(PushState::Down, 10, 7), START).unwrap();
        let late = push_store.post("sip", post(PushState::Up, 10, 6), at(1));
        assert_eq!(late, Err(PushRefusal::Late { sequence: 6, last: 7 }));
        assert_eq!(word(&push_store, Expired::Down, at(1)), "fail");
        let stranger = push_store.post("xmpp", post(PushState::Up, 10, 1), at(1));
        assert_eq!(stranger, Err(PushRefusal::NoSuchName("xmpp".to_owned())));
    }

    #[test]
    fn a_reload_keeps_what_stays_and_forgets_the_rest() {
        let mut push_store = push_store();
        push_store.post("sip", post(PushState::Down, 100, 1), START).unwrap();
        push_store.expect(&BTreeSet::from(["sip".to_owned(), "xmpp".to_owned()]), at(50));
        assert_eq!(word(&push_store, Expired::Down, at(51)), "fail");
        assert_eq!(push_store.ends("xmpp", Duration::from_secs(10), at(51)), Some(at(60)));
        push_store.expect(&BTreeSet::new(), at(52));
        assert_eq!(word(&push_store, Expired::Down, at(52)), "unknown");
    }

    #[test]
    fn a_long_reason_is_cut_between_letters() {
        let mut push_store = push_store();
        let reason = "ü".repeat(REASON_MAX);
        push_store.post("sip", PushReport { reason, ..post(PushState::Down, 10, 1) }, START).unwrap();
        let Outcome::Fail { cause, .. } = push_store.outcome("sip", Duration::ZERO, Expired::Down, START) else {
            panic!()
        };
        assert!(cause.len() < REASON_MAX + 20 && cause.ends_with('ü'), "{cause}");
    }
}
