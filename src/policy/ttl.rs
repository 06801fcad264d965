//! One TTL for each RRset, with two values: settled, and unsettled while a move may be near (product rule 9).

use std::time::Duration;

use super::Settings;
use crate::base::clock::Mono;

/// What makes an RRset's answer unsettled, as seen now.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Conditions {
    /// A target of the service is failing or recovering.
    pub target_in_motion: bool,
    /// Last resort or all down is served.
    pub last_resort_or_all_down: bool,
    /// The records (not the TTL) changed at this moment.
    pub records_changed: bool,
    /// How long until a failback or a scheduled drain is due.
    pub move_due: Option<Duration>,
}

/// What must be remembered of one RRset's TTL from ask to ask.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TtlState {
    held: bool,
    until: Option<Mono>,
}

impl TtlState {
    /// Makes the state of an answer that is unsettled until a moment.
    pub const fn unsettled_until(until: Mono) -> Self {
        Self { held: false, until: Some(until) }
    }

    /// Returns when it settles; nothing while a condition holds, or if it is settled.
    pub fn ends(self) -> Option<Mono> {
        self.until.filter(|_| !self.held)
    }
}

/// A TTL and what follows from it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ttl {
    /// The TTL, in seconds.
    pub secs: u32,
    /// Whether it is the unsettled one.
    pub unsettled: bool,
    /// What to give to the next ask.
    pub memory: TtlState,
    /// How long until time alone may change the TTL.
    pub again: Option<Duration>,
}

/// Returns the TTL of a settled answer, in seconds.
pub fn settled(declared: u32, settings: &Settings) -> u32 {
    if settings.keeps_ttl { declared } else { declared.min(settings.ttl).max(1) }
}

/// Returns the TTL of an unsettled answer, in seconds; at least 1.
pub fn unsettled(declared: u32, settings: &Settings) -> u32 {
    settled(declared, settings).min(settings.unsettled_ttl).max(1)
}

/// Returns the TTL that an RRset bears now: unsettled while a condition holds, and for one settled TTL after.
pub fn ttl(declared: u32, settings: &Settings, conditions: Conditions, memory: TtlState, now: Mono) -> Ttl {
    let settled = settled(declared, settings);
    let span = Duration::from_secs(u64::from(settled));
    let move_near = conditions.move_due.is_some_and(|due| due <= span);
    let holds = conditions.target_in_motion || conditions.last_resort_or_all_down || move_near;
    // A condition ends when it is first not seen; a change of records ends at once.
    let until = if holds || memory.held || conditions.records_changed { Some(now + span) } else { memory.until };
    let until = until.filter(|until| *until > now);
    let unsettled_now = holds || until.is_some();
    let move_in = conditions.move_due.and_then(|due| due.checked_sub(span)).filter(|d| !d.is_zero());
    let settles_in = until.filter(|_| !holds).map(|until| until.since(now));
    Ttl {
        secs: if unsettled_now { unsettled(declared, settings) } else { settled },
        unsettled: unsettled_now,
        memory: TtlState { held: holds, until },
        again: [move_in, settles_in].into_iter().flatten().min(),
    }
}
