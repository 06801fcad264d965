//! The state machine of one target.

use std::time::Duration;

use super::{Cause, FailKind, Outcome, Report, Settings};
use crate::base::clock::Mono;

/// What is believed of a target.
///
/// ```text
///              pass                         fail × fall, drain
///  ┌─────────┐ ────▶ ┌────┐ ─fail─▶ ┌─────────┐ ────▶ ┌──────┐ ─pass─▶ ┌────────────┐
///  │ unknown │       │ up │         │ failing │       │ down │         │ recovering │
///  └─────────┘       └────┘ ◀─────── └─────────┘       └──────┘ ◀─fail─ └────────────┘
///       │              ▲    pass × rise                   ▲    drain         │
///       └─ fail: as up │                drain from any ───┘                  │
///                      └──────────────────── pass × rise ────────────────────┘
/// ```
///
/// With `fall = 1` a failure goes from up to down, with `rise = 1` a pass from down to up. Failures add up over passes
/// in between, so that a target that loses half its packets is caught.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum State {
    /// Nothing was heard yet: it serves, but saves nobody.
    Unknown,
    /// It serves.
    Up,
    /// It serves, but failures are counted.
    Failing {
        /// Passes in a row since the last failure.
        passes: u32,
        /// Failures since it was up.
        fails: u32,
    },
    /// It does not serve.
    Down(Down),
    /// It does not serve yet.
    Recovering {
        /// Passes since it was down.
        passes: u32,
    },
}

/// How a target came to be down, by its last counted outcome.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Down {
    /// The far side said no.
    Conclusive,
    /// Nothing was heard.
    Silent,
    /// It said that it is leaving.
    Leaving,
}

/// All that is remembered of a target.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Health {
    state: State,
    since: Mono,
    /// The begin of the first counted failure, as long as all counted ones are silent.
    silent_since: Option<Mono>,
    /// Enough silent failures to go down, but no witness has answered yet.
    awaits_witness: bool,
    /// Until when passes do not count (Retry-After of a drain).
    quiet_until: Option<Mono>,
    /// Degraded outcomes since the last `rise` plain passes in a row.
    degraded_count: u32,
    /// Plain passes in a row.
    plain_passes: u32,
    degraded: bool,
    /// The last outcome was a counted conclusive failure: the next probe confirms it.
    confirm: bool,
    cause: Option<Cause>,
    probes: u64,
}

/// Whether silent failures may take a target down.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Guard {
    /// There are no witnesses, so no guard.
    Off,
    /// The begin of the latest probe that a witness answered, if any did.
    Witnessed(Option<Mono>),
    /// The checker is isolated: silent failures count nowhere.
    Isolated,
}

/// The longest that a Retry-After is honoured.
pub const MAX_QUIET: Duration = Duration::from_secs(300);

impl Health {
    /// Makes a target of which nothing is known.
    pub const fn unknown(now: Mono) -> Self {
        Self::with(State::Unknown, now)
    }

    /// Makes a target that a former run knew: counters are 0, failing is up, recovering is down.
    pub fn restored(state: &State, cause: Option<Cause>, quiet_until: Option<Mono>, now: Mono) -> Self {
        let state = match state {
            State::Up | State::Failing { .. } => State::Up,
            State::Down(how) => State::Down(*how),
            State::Recovering { .. } => State::Down(Down::Silent),
            State::Unknown => State::Unknown,
        };
        Self { cause, quiet_until, ..Self::with(state, now) }
    }

    /// Makes a target as another run has it at this moment.
    pub fn pictured(state: State, cause: Option<Cause>, quiet_until: Option<Mono>, since: Mono) -> Self {
        Self { cause, quiet_until, ..Self::with(state, since) }
    }

    const fn with(state: State, since: Mono) -> Self {
        Self {
            state,
            since,
            silent_since: None,
            awaits_witness: false,
            quiet_until: None,
            degraded_count: 0,
            plain_passes: 0,
            degraded: false,
            confirm: false,
            cause: None,
            probes: 0,
        }
    }

    /// Takes in one finished probe.
    pub fn step(&mut self, report: &Report, settings: &Settings, guard: Guard, now: Mono) {
        self.probes += 1;
        self.confirm = false;
        match &report.outcome {
            Outcome::Pass => self.pass(false, settings, now),
            Outcome::Degraded(cause) => {
                self.cause = Some(cause.clone());
                self.pass(true, settings, now);
            }
            Outcome::Drain { cause, retry_after } => {
                self.cause = Some(cause.clone());
                self.quiet_until = retry_after.map(|after| now + after.min(MAX_QUIET));
                self.go_down(Down::Leaving, now);
            }
            Outcome::Fail { kind: FailKind::Silent, .. } if guard == Guard::Isolated => {}
            Outcome::Fail { kind, cause } => {
                self.cause = Some(cause.clone());
                self.fail(*kind, report.began, settings, guard, now);
            }
            Outcome::Unknown(_) => {}
        }
    }

    fn pass(&mut self, degraded: bool, settings: &Settings, now: Mono) {
        if self.quiet_until.is_some_and(|until| now < until) {
            return;
        }
        self.quiet_until = None;
        match &mut self.state {
            State::Unknown => self.go_up(now),
            State::Up => {}
            State::Failing { passes, .. } => {
                *passes += 1;
                if *passes >= settings.rise {
                    self.go_up(now);
                }
            }
            State::Down(_) if settings.rise <= 1 => self.go_up(now),
            State::Down(_) => self.enter(State::Recovering { passes: 1 }, now),
            State::Recovering { passes } => {
                *passes += 1;
                if *passes >= settings.rise {
                    self.go_up(now);
                }
            }
        }
        self.mark(degraded, settings);
        // What was wrong before it passed is not what is wrong now.
        if !degraded && !self.degraded && matches!(self.state, State::Up | State::Recovering { .. }) {
            self.cause = None;
        }
    }

    /// `fall` degraded outcomes, not cleared by `rise` plain passes in a row, set the mark; such passes clear it.
    fn mark(&mut self, degraded: bool, settings: &Settings) {
        if degraded {
            self.plain_passes = 0;
            self.degraded_count = self.degraded_count.saturating_add(1);
            self.degraded |= self.degraded_count >= settings.fall;
        } else {
            self.plain_passes = self.plain_passes.saturating_add(1);
            if self.plain_passes >= settings.rise {
                self.degraded_count = 0;
                self.degraded = false;
            }
        }
    }

    fn fail(&mut self, kind: FailKind, began: Mono, settings: &Settings, guard: Guard, now: Mono) {
        self.plain_passes = 0;
        let how = match kind {
            FailKind::Conclusive => Down::Conclusive,
            FailKind::Silent => Down::Silent,
        };
        let fails = match &mut self.state {
            State::Unknown | State::Up => {
                self.silent_since = (kind == FailKind::Silent).then_some(began);
                self.enter(State::Failing { passes: 0, fails: 1 }, now);
                1
            }
            State::Failing { passes, fails } => {
                *passes = 0;
                *fails = fails.saturating_add(1);
                let fails = *fails;
                if kind == FailKind::Conclusive {
                    self.silent_since = None;
                }
                fails
            }
            State::Down(was) => {
                *was = how;
                return;
            }
            State::Recovering { .. } => return self.go_down(how, now),
        };
        self.confirm = kind == FailKind::Conclusive;
        if fails < settings.fall {
            return;
        }
        match (guard, self.silent_since) {
            (Guard::Off, _) | (_, None) => self.go_down(how, now),
            (Guard::Witnessed(Some(answered)), Some(first)) if answered > first => self.go_down(how, now),
            (Guard::Witnessed(_) | Guard::Isolated, Some(_)) => self.awaits_witness = true,
        }
    }

    /// Takes a target down that only waited for a witness, if one answered a probe that began at `answered`; tells
    /// whether it did.
    pub fn mark_down(&mut self, answered: Mono, now: Mono) -> bool {
        let marked_down = self.awaits_witness && self.silent_since.is_some_and(|first| answered > first);
        if marked_down {
            self.go_down(Down::Silent, now);
        }
        marked_down
    }

    /// Ends waiting for a witness, as the checker is no longer isolated. What was counted stays: a target that hangs goes
    /// down with its next failure, one that was only cut off comes up by its passes.
    pub const fn resume(&mut self) {
        self.awaits_witness = false;
    }

    /// Forgets counters but keeps the belief: the check's parameters or thresholds changed.
    pub fn reset_counters(&mut self, now: Mono) {
        let kept = Self::restored(&self.state, self.cause.clone(), self.quiet_until, self.since);
        *self = Self { since: if kept.state == self.state { self.since } else { now }, probes: self.probes, ..kept };
    }

    fn go_up(&mut self, now: Mono) {
        self.enter(State::Up, now);
    }

    fn go_down(&mut self, how: Down, now: Mono) {
        self.degraded = false;
        self.degraded_count = 0;
        self.plain_passes = 0;
        if let State::Down(was) = &mut self.state {
            *was = how;
        } else {
            self.enter(State::Down(how), now);
        }
    }

    fn enter(&mut self, state: State, now: Mono) {
        if !matches!(state, State::Failing { .. }) {
            self.silent_since = None;
        }
        self.awaits_witness = false;
        self.state = state;
        self.since = now;
    }

    /// Returns the state.
    pub const fn state(&self) -> &State {
        &self.state
    }

    /// Returns since when it has this state.
    pub const fn since(&self) -> Mono {
        self.since
    }

    /// Returns whether the mark *degraded* is set.
    pub const fn is_degraded(&self) -> bool {
        self.degraded
    }

    /// Returns whether only a witness's answer is missing to take it down.
    pub const fn awaits_witness(&self) -> bool {
        self.awaits_witness
    }

    /// Returns whether the last outcome was a counted conclusive failure that has not taken it down yet.
    pub const fn wants_confirmation(&self) -> bool {
        self.confirm
    }

    /// Returns until when passes do not count.
    pub const fn quiet_until(&self) -> Option<Mono> {
        self.quiet_until
    }

    /// Returns why it is not, or not plainly, up.
    pub const fn cause(&self) -> Option<&Cause> {
        self.cause.as_ref()
    }

    /// Returns how many probes were taken in.
    pub const fn probes(&self) -> u64 {
        self.probes
    }
}

impl State {
    /// Returns the word for it.
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::Up => "up",
            Self::Failing { .. } => "failing",
            Self::Down(Down::Leaving) => "leaving",
            Self::Down(Down::Conclusive | Down::Silent) => "down",
            Self::Recovering { .. } => "recovering",
        }
    }

    /// Returns whether a target in this state serves.
    pub const fn serves(&self) -> bool {
        matches!(self, Self::Unknown | Self::Up | Self::Failing { .. })
    }

    /// Returns whether an answer that rests on it may change soon (product rule 9).
    pub const fn in_motion(&self) -> bool {
        matches!(self, Self::Failing { .. } | Self::Recovering { .. })
    }
}

impl Down {
    /// Returns the word for it in state files.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Conclusive => "conclusive",
            Self::Silent => "silent",
            Self::Leaving => "leaving",
        }
    }
}

#[cfg(test)]
mod tests;
