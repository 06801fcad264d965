//! The checks `all`, `any`, `at-least` and `not`: several checks of one address at once, with one outcome.
//!
//! | part | `all` | `any` | `not` |
//! |---|---|---|---|
//! | pass, degraded | good | good: enough | fail, conclusive |
//! | unknown | unknown, unless another is bad | unknown, unless another is good | unknown |
//! | drain, fail | bad: enough | bad | pass |
//!
//! `at-least` *n* is good with *n* good parts, bad when even the unknown ones would not make *n*. Which bad outcome it
//! is, and why, the deciding part says.

mod keys;
mod logic;

use std::fmt;
use std::future::{Future, poll_fn};
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::Poll;
use std::time::Duration;

use super::attempt::{Attempt, Effort, Ending, Probe, unknown};
use super::watch::HoldSpec;
use super::{Check, Depth, ProbeContext, ProbeReport, once, report};
use crate::base::clock::Clock;
use crate::health::{NO_TRANSPORT, Outcome};

pub use keys::CompositeKeys;

/// Parameters of [`Check::Composite`].
#[derive(Clone, Debug, PartialEq)]
pub struct Composite {
    /// How the parts come to one outcome.
    pub rule: Rule,
    /// The parts; of `not` there is one.
    pub parts: Vec<Part>,
}

/// One check among others.
#[derive(Clone, Debug, PartialEq)]
pub struct Part {
    /// What is done.
    pub check: Check,
    /// The port; nothing: the target's.
    pub port: Option<u16>,
}

/// How several outcomes come to one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rule {
    /// Each must be good.
    All,
    /// One must be good.
    Any,
    /// So many must be good.
    AtLeast(usize),
    /// It must not be good.
    Not,
}

impl Probe for Composite {
    const KIND: &'static str = "composite";

    /// Returns the parts' common transport; else `mixed`, or `none` where the outcome is no proof of an answer.
    fn transport(&self) -> &'static str {
        let mut transports = self.parts.iter().map(|part| part.check.transport());
        let first = transports.clone().next().unwrap_or(NO_TRANSPORT);
        if self.rule == Rule::Not || transports.clone().any(|transport| transport == NO_TRANSPORT) {
            NO_TRANSPORT
        } else if transports.all(|transport| transport == first) {
            first
        } else {
            "mixed"
        }
    }

    fn parameters(&self) -> String {
        let parts: Vec<String> = self.parts.iter().map(ToString::to_string).collect();
        format!("{}({})", self.rule, parts.join("; "))
    }

    fn has_port(&self) -> bool {
        self.parts.iter().any(|part| part.port.is_none() && part.check.has_port())
    }

    fn posts(&self) -> Vec<(&str, Duration)> {
        self.parts.iter().flat_map(|part| part.check.posts()).collect()
    }

    /// Returns that of the first part that goes to the target's own port.
    fn hold_spec(&self) -> Option<HoldSpec> {
        let own = self.parts.iter().filter(|part| self.rule != Rule::Not && part.port.is_none());
        own.filter_map(|part| part.check.hold_spec()).next()
    }

    /// Returns the shortest of its parts; nothing but for `all`, as otherwise a pass does not vouch for each part.
    fn deep_interval(&self) -> Option<Duration> {
        let parts = self.parts.iter().filter(|_| self.rule == Rule::All);
        parts.filter_map(|part| part.check.deep_interval()).min()
    }

    async fn run(&self, attempt: &mut Attempt<'_>) -> Ending {
        let limit = attempt.left().saturating_sub(attempt.left() / MARGIN);
        let depth = if self.rule == Rule::All { attempt.effort.depth } else { Depth::Deep };
        let effort = Effort { depth, ..attempt.effort };
        let runs = self.parts.iter().map(|part| {
            let mut address = attempt.address;
            address.set_port(part.port.unwrap_or_else(|| address.port()));
            begin(address, &part.check, (effort, limit), attempt.clock, attempt.context)
        });
        let ended = self.run(runs.collect()).await;
        let mut seen = Vec::new();
        for (place, (part, report)) in self.parts.iter().zip(ended).enumerate() {
            if let Some(report) = report {
                let label = part.label(place);
                seen.push((label.clone(), report.outcome.clone()));
                attempt.absorb(&label, report);
            }
        }
        let deciding = logic::deciding(self.rule, seen.iter().map(|(_, outcome)| outcome));
        let Some((label, outcome)) = deciding.and_then(|place| seen.get(place)) else {
            return Err(unknown("there are no parts"));
        };
        let whole = match self.rule {
            Rule::Not => logic::negated(outcome, label),
            Rule::All | Rule::Any | Rule::AtLeast(_) => report::because(outcome, label),
        };
        match whole {
            Outcome::Pass => Ok(()),
            other @ (Outcome::Degraded(_) | Outcome::Drain { .. } | Outcome::Fail { .. } | Outcome::Unknown(_)) => {
                Err(attempt.fails(other))
            }
        }
    }
}

impl Composite {
    /// Runs the parts at once, until they have ended or the others cannot change the outcome.
    async fn run<'a>(&self, mut runs: Vec<Run<'a>>) -> Vec<Option<ProbeReport>> {
        let mut ended: Vec<Option<ProbeReport>> = runs.iter().map(|_| None).collect();
        poll_fn(|context| {
            for (run, slot) in runs.iter_mut().zip(&mut ended).filter(|(_, slot)| slot.is_none()) {
                if let Poll::Ready(report) = run.as_mut().poll(context) {
                    *slot = Some(report);
                }
            }
            let outcomes = ended.iter().map(|slot| slot.as_ref().map(|report| &report.outcome));
            let done = ended.iter().all(Option::is_some) || logic::is_decided(self.rule, outcomes);
            if done { Poll::Ready(()) } else { Poll::Pending }
        })
        .await;
        ended
    }
}

impl Part {
    /// Returns what it is called in the account: `2 http:8080`.
    fn label(&self, place: usize) -> String {
        let port = self.port.map(|port| format!(":{port}")).unwrap_or_default();
        format!("{} {}{port}", place.saturating_add(1), self.check.kind())
    }
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (kind, transport) = (self.check.kind(), self.check.transport());
        f.write_str(kind)?;
        if kind != transport {
            write!(f, "+{transport}")?;
        }
        if let Some(port) = self.port {
            write!(f, " port={port}")?;
        }
        let parameters = self.check.parameters();
        if !parameters.is_empty() {
            write!(f, " {parameters}")?;
        }
        Ok(())
    }
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::All => f.write_str("all"),
            Self::Any => f.write_str("any"),
            Self::AtLeast(count) => write!(f, "at-least {count}"),
            Self::Not => f.write_str("not"),
        }
    }
}

/// One part under way.
type Run<'a> = Pin<Box<dyn Future<Output = ProbeReport> + Send + 'a>>;

/// Begins a part; boxed, since a part may have parts.
fn begin<'a>(
    address: SocketAddr,
    check: &'a Check,
    to: (Effort, Duration),
    clock: &'a Clock,
    context: &'a ProbeContext,
) -> Run<'a> {
    Box::pin(once(address, check, to, clock, context))
}

/// The share of the time that is left for the decision: parts that keep silent end before the whole does.
const MARGIN: u32 = 20;
