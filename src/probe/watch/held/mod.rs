//! The state machine of the held connection to one address, port and transport. Pure.

use std::collections::VecDeque;
use std::time::Duration;

use super::Times;
use super::limit::Limit;
use crate::base::clock::Mono;
use crate::base::hash::StableHash;

/// What is held at one place.
///
/// ```text
///            a probe passed           stands              time to renew
///   ┌──────┐ ────────────▶ ┌─────────┐ ──────▶ ┌──────┐ ───────────────▶ ┌──────────┐
///   │ idle │               │ opening │         │ held │                  │ renewing │ the old one is still held
///   └──────┘ ◀──────────── └─────────┘         └──────┘ ◀─────────────── └──────────┘
///       ▲        fails                            │       the new one stands: the old one is closed; or it fails
///       │                                         │
///       ├──────────── breaks: probe now ──────────┤
///       └── (opened again) ◀── the idle limit ────┘
///
///   from any: more breaks within a minute than times allow, or a fault of our own ──▶ resting, then idle
/// ```
///
/// A break counts only if the server was well after it: one that dies in a crash loop is watched on.
#[derive(Debug)]
pub(super) struct HeldConnection {
    times: Times,
    /// A number of its own, for spreading renewals.
    seed: u64,
    state: HoldState,
    limit: Limit,
    /// Whether connections here have ever answered a ping: only then a missing answer counts.
    ponged: bool,
    /// The breaks of the last minute at a server that was well.
    breaks: VecDeque<Mono>,
    /// Breaks after which nobody knows yet whether the server is well.
    unproven: VecDeque<Mono>,
    /// How long nothing is held the next time.
    rest: Duration,
    /// The number of the next connection.
    next: Number,
    acts: VecDeque<Act>,
}

/// Numbers the connections at one place.
pub(super) type Number = u64;

/// What the shell is to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Act {
    /// Open a connection with this number.
    Open(Number),
    /// Close it, as polite as can be.
    Close(Number),
    /// Close it: another one has taken its place.
    Renewed(Number),
    /// Ask for an answer on it.
    Ping(Number),
    /// Tell the engine: something happened here, every target on this address is to be probed.
    Wake(&'static str),
    /// Tell the operator: nothing is held here for so long.
    Rest(Duration),
    /// Tell the engine what the far side said: it is leaving.
    Leaving,
}

/// How a connection ended, or did not come to be, by the far side.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum CloseReason {
    /// Closed with FIN.
    Closed,
    /// Closed with RST, or broken otherwise by a no of the far side.
    Reset,
    /// Nothing was heard: keepalive, a write, or a ping has timed out.
    Silent,
    /// Closed with the words that it was idle for too long.
    Idle,
    /// Closed with the words that the server is leaving.
    Leaving,
    /// It said more than anybody would: closed by us.
    Noisy,
}

/// What an end meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Meaning {
    /// The server's idle limit: opened again.
    Limit,
    /// Nothing explains it: probed at once.
    Break,
    /// The server said that it is leaving.
    Leaving,
    /// It was not, or no longer, ours.
    Nothing,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum HoldState {
    /// Nothing is held; the next probe that passes opens a connection.
    Idle,
    /// A connection is being opened.
    Opening(Number),
    /// One is held.
    Held(Held),
    /// One is held, and the next one is being opened.
    Renewing(Held, Number),
    /// Nothing is held before then.
    Resting(Mono),
}

/// A connection that stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Held {
    number: Number,
    since: Mono,
    renew_at: Mono,
    /// When the next ping is due; never if this place is not pinged.
    ping_at: Option<Mono>,
    /// Until when the answer to a ping must have come.
    pong_by: Option<Mono>,
}

impl HeldConnection {
    /// Begins with nothing held.
    pub(super) fn new(times: Times, seed: u64) -> Self {
        let limit = Limit::new(&times);
        Self {
            times,
            seed,
            state: HoldState::Idle,
            limit,
            ponged: false,
            breaks: VecDeque::new(),
            unproven: VecDeque::new(),
            rest: times.rest,
            next: 0,
            acts: VecDeque::new(),
        }
    }

    /// Takes in that a probe failed here: what broke before was a death.
    pub(super) fn failed(&mut self) {
        self.unproven.clear();
    }

    /// Takes in that a probe passed here; tells whether anything follows.
    ///
    /// Right after a break nothing is opened: the server may be dying, and would have to bear that beside the probes.
    pub(super) fn passed(&mut self, now: Mono) -> bool {
        while let Some(&broke) = self.unproven.front()
            && now.since(broke) >= self.times.proof
        {
            self.unproven.pop_front();
            if self.counts(broke, now) {
                return true;
            }
        }
        if !self.unproven.is_empty() {
            return false;
        }
        let rested = matches!(self.state, HoldState::Resting(until) if until <= now);
        let opens = rested || self.state == HoldState::Idle;
        if opens {
            self.state = HoldState::Opening(self.open());
        }
        opens
    }

    /// Takes in that a connection stands.
    pub(super) fn opened(&mut self, number: Number, now: Mono) {
        let old = match self.state {
            HoldState::Opening(awaited) if awaited == number => None,
            HoldState::Renewing(old, awaited) if awaited == number => Some(old),
            HoldState::Idle
            | HoldState::Opening(_)
            | HoldState::Held(_)
            | HoldState::Renewing(..)
            | HoldState::Resting(_) => {
                self.acts.push_back(Act::Close(number));
                return;
            }
        };
        if let Some(old) = old {
            self.limit.survived(&self.times);
            self.rest = self.times.rest;
            self.acts.push_back(Act::Renewed(old.number));
        }
        self.state = HoldState::Held(Held {
            number,
            since: now,
            renew_at: now + self.shorten(self.limit.held(), number),
            ping_at: self.times.ping_every.map(|every| now + self.shorten(every, number)),
            pong_by: None,
        });
    }

    /// Takes in that a connection could not be opened: the far side said no, or nothing was heard.
    pub(super) fn refused(&mut self, number: Number, end: CloseReason, now: Mono) {
        match self.state {
            HoldState::Opening(awaited) if awaited == number => self.state = HoldState::Idle,
            HoldState::Renewing(old, awaited) if awaited == number => {
                self.state = HoldState::Held(Held { renew_at: now + self.times.retry, ..old });
            }
            HoldState::Idle
            | HoldState::Opening(_)
            | HoldState::Held(_)
            | HoldState::Renewing(..)
            | HoldState::Resting(_) => return,
        }
        match end {
            CloseReason::Leaving => self.acts.push_back(Act::Leaving),
            CloseReason::Closed | CloseReason::Reset => self.broke("no other connection is taken", now),
            // A probe tells more of silence than a connection that is only held.
            CloseReason::Silent | CloseReason::Idle | CloseReason::Noisy => {}
        }
    }

    /// Takes in that no connection can be opened by a fault of our own: no descriptors, no route.
    pub(super) fn unable(&mut self, number: Number, now: Mono) {
        match self.state {
            HoldState::Opening(awaited) if awaited == number => self.state = HoldState::Resting(now + self.times.pause),
            HoldState::Renewing(old, awaited) if awaited == number => {
                self.state = HoldState::Held(Held { renew_at: now + self.times.pause, ..old });
            }
            HoldState::Idle
            | HoldState::Opening(_)
            | HoldState::Held(_)
            | HoldState::Renewing(..)
            | HoldState::Resting(_) => {}
        }
    }

    /// Takes in that the far side answered a ping.
    pub(super) fn ponged(&mut self, number: Number) {
        if let HoldState::Held(held) | HoldState::Renewing(held, _) = &mut self.state
            && held.number == number
            && held.pong_by.take().is_some()
        {
            self.ponged = true;
        }
    }

    /// Takes in that a connection that stood has ended, and tells what that means.
    pub(super) fn ended(&mut self, number: Number, end: CloseReason, now: Mono) -> Meaning {
        let held = match self.state {
            HoldState::Held(held) if held.number == number => {
                self.state = HoldState::Idle;
                held
            }
            HoldState::Renewing(held, next) if held.number == number => {
                self.state = HoldState::Opening(next);
                held
            }
            HoldState::Idle
            | HoldState::Opening(_)
            | HoldState::Held(_)
            | HoldState::Renewing(..)
            | HoldState::Resting(_) => {
                return Meaning::Nothing;
            }
        };
        let age = now.since(held.since);
        let explained = match end {
            CloseReason::Leaving => {
                self.acts.push_back(Act::Leaving);
                return Meaning::Leaving;
            }
            CloseReason::Idle => self.limit.told(age, &self.times),
            CloseReason::Closed | CloseReason::Reset => self.limit.closed(age, &self.times),
            CloseReason::Silent | CloseReason::Noisy => false,
        };
        if explained {
            if self.state == HoldState::Idle {
                self.state = HoldState::Opening(self.open());
            }
            return Meaning::Limit;
        }
        let told = match end {
            CloseReason::Closed => "closed by the far side",
            CloseReason::Reset => "reset by the far side",
            CloseReason::Silent => "no longer answered",
            CloseReason::Idle => "closed as idle sooner than is worth holding",
            CloseReason::Noisy => "full of words that nobody asked for",
            CloseReason::Leaving => "leaving",
        };
        self.broke(told, now);
        Meaning::Break
    }

    /// Returns when [`HeldConnection::due`] wants to be called, if ever.
    pub(super) fn next(&self) -> Option<Mono> {
        match self.state {
            HoldState::Held(held) => held.pong_by.or(held.ping_at).into_iter().chain([held.renew_at]).min(),
            HoldState::Renewing(held, _) => held.pong_by.or(held.ping_at),
            HoldState::Idle | HoldState::Opening(_) | HoldState::Resting(_) => None,
        }
    }

    /// Does what time alone makes due.
    pub(super) fn due(&mut self, now: Mono) -> Meaning {
        let (HoldState::Held(held) | HoldState::Renewing(held, _)) = &mut self.state else { return Meaning::Nothing };
        let number = held.number;
        if held.pong_by.is_some_and(|by| by <= now) {
            held.pong_by = None;
            if self.ponged {
                self.acts.push_back(Act::Close(number));
                return self.ended(number, CloseReason::Silent, now);
            }
        }
        if held.pong_by.is_none() && held.ping_at.is_some_and(|at| at <= now) {
            held.pong_by = Some(now + self.times.pong_within);
            held.ping_at = self.times.ping_every.map(|every| now + every);
            self.acts.push_back(Act::Ping(number));
        }
        if let HoldState::Held(held) = self.state
            && held.renew_at <= now
        {
            self.state = HoldState::Renewing(held, self.open());
        }
        Meaning::Nothing
    }

    /// Returns what is to be done next, in order.
    pub(super) fn poll(&mut self) -> Option<Act> {
        self.acts.pop_front()
    }

    /// Returns whether a connection stands.
    pub(super) const fn is_held(&self) -> bool {
        matches!(self.state, HoldState::Held(_) | HoldState::Renewing(..))
    }

    /// Returns whether it was given up for a while, as connections broke too often.
    pub(super) fn is_resting(&self, now: Mono) -> bool {
        matches!(self.state, HoldState::Resting(until) if now < until)
    }

    /// Takes in a break that nothing explains: whether it counts is known when a probe tells how the server is.
    fn broke(&mut self, told: &'static str, now: Mono) {
        self.acts.push_back(Act::Wake(told));
        self.unproven.push_back(now);
        if self.unproven.len() > UNPROVEN {
            self.unproven.pop_front();
        }
    }

    /// Counts a break at a server that is well; too many, and nothing is held for a while. Returns whether it is so.
    fn counts(&mut self, broke: Mono, now: Mono) -> bool {
        while self.breaks.front().is_some_and(|first| broke.since(*first) >= MINUTE) {
            self.breaks.pop_front();
        }
        self.breaks.push_back(broke);
        if self.breaks.len() <= self.times.breaks_per_minute {
            return false;
        }
        self.breaks.clear();
        self.unproven.clear();
        match self.state {
            HoldState::Held(held) => self.acts.push_back(Act::Close(held.number)),
            HoldState::Opening(number) => self.acts.push_back(Act::Close(number)),
            HoldState::Renewing(held, number) => self.acts.extend([Act::Close(held.number), Act::Close(number)]),
            HoldState::Idle | HoldState::Resting(_) => {}
        }
        self.state = HoldState::Resting(now + self.rest);
        self.acts.push_back(Act::Rest(self.rest));
        self.rest = (self.rest * 3 / 2).min(self.times.longest_rest);
        true
    }

    fn open(&mut self) -> Number {
        let number = self.next;
        self.next += 1;
        self.acts.push_back(Act::Open(number));
        number
    }

    /// Shortens a time by 0 to 10 %, so that what was opened together is not renewed together.
    fn shorten(&self, time: Duration, number: Number) -> Duration {
        let hash = StableHash::new(b"understudyrenewl").number(self.seed).number(number).finish();
        let part = u32::try_from(hash % 1_024).unwrap_or(0);
        time - time * part / 10_240
    }
}

const MINUTE: Duration = Duration::from_secs(60);
/// How many breaks may wait for a probe that tells how the server is.
const UNPROVEN: usize = 16;

#[cfg(test)]
mod tests;
