//! A history as steps in the order in which they happened, run by run. Pure.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::admin::view::{EventView, Served};
use crate::base::clock::UnixTime;
use crate::engine::{OrderId, Tested};
use crate::health::orders::{Force, Order, Scope};
use crate::history::{EventLine, Line};

/// All that a history tells.
#[derive(Debug, Default)]
pub(super) struct Tape {
    /// The runs of the server, the oldest first.
    pub(super) runs: Vec<Run>,
    /// How many outcomes and lines the history lacks, as it says itself.
    pub(super) lost: u64,
    /// How many lines of another version it has.
    pub(super) strange: u64,
}

/// One run of the server.
#[derive(Debug)]
pub(super) struct Run {
    /// When it began, or when the part of it began that the history still has.
    pub(super) begin: UnixTime,
    /// What it believed then; nothing if the history does not say.
    pub(super) kept: Option<BTreeMap<String, Vec<u8>>>,
    /// What happened, in order.
    pub(super) steps: Vec<Step>,
    /// When it ended, or when it was last heard of.
    pub(super) end: UnixTime,
    /// Whether it ended in order.
    pub(super) is_stopped: bool,
}

/// What happened at one moment.
#[derive(Debug)]
pub(super) struct Step {
    pub(super) at: UnixTime,
    pub(super) what: What,
}

/// What happened.
#[derive(Debug)]
pub(super) enum What {
    /// An outcome was judged.
    Tested(Tested),
    /// An order was given.
    Given(OrderId, Order),
    /// An order was taken back.
    Cleared(OrderId),
    /// A failback of a service was ordered.
    FailBack(String),
    /// A service was answered otherwise.
    Decided(Decided),
}

/// What a service was answered with from one moment on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Decided {
    /// The service.
    pub(super) service: String,
    /// What is served.
    pub(super) served: Served,
    /// The active tier, if one is.
    pub(super) tier: Option<u16>,
    /// Why.
    pub(super) reason: String,
}

impl Tape {
    /// Takes in the lines of a history, up to a moment.
    pub(super) fn read<E>(lines: impl Iterator<Item = Result<Line, E>>, until: UnixTime) -> Result<Self, E> {
        let mut tape = Self::default();
        // The last line of each target in this run.
        let mut last: BTreeMap<String, Tested> = BTreeMap::new();
        for line in lines {
            let line = line?;
            if line.at_us().is_some_and(|at| at >= until.as_micros()) {
                continue;
            }
            tape.take(line, &mut last);
        }
        for run in &mut tape.runs {
            // Events and outcomes come by different ways: each in its order.
            run.steps.sort_by_key(|step| step.at);
            run.end = run.steps.last().map_or(run.end, |step| run.end.max(step.at));
        }
        Ok(tape)
    }

    fn take(&mut self, line: Line, last: &mut BTreeMap<String, Tested>) {
        match line {
            Line::History(_) | Line::Passed(_) => {}
            Line::Start(start) => {
                last.clear();
                self.runs.push(Run::new(UnixTime::from_micros(start.at_us), None));
            }
            Line::Stop(stop) => {
                if let Some(run) = self.runs.last_mut() {
                    run.is_stopped = true;
                    run.end = run.end.max(UnixTime::from_micros(stop.at_us));
                }
            }
            Line::Picture(picture) => {
                let at = UnixTime::from_micros(picture.at_us);
                let written = |(key, value): (String, Value)| (key, value.to_string().into_bytes());
                let kept = picture.kept.map(|kept| kept.into_iter().map(written).collect());
                match self.runs.last_mut() {
                    // Of a file in the middle of a run: all that it says has been told.
                    Some(run) if run.kept.is_some() || !run.steps.is_empty() => run.end = run.end.max(at),
                    Some(run) => run.kept = kept,
                    None => self.runs.push(Run::new(at, kept)),
                }
            }
            Line::Outcome(outcome) => match outcome.restore() {
                Ok(tested) => {
                    let between = last.get(&tested.target).map(|before| between(before, &tested)).unwrap_or_default();
                    last.insert(tested.target.clone(), tested.clone());
                    between.into_iter().chain([tested]).for_each(|tested| self.add(tested.at, What::Tested(tested)));
                }
                Err(_) => self.strange += 1,
            },
            Line::Event(line) => {
                // Of the millisecond, the end: what it follows from came before.
                let at = UnixTime::from_micros(line.at_ms.saturating_mul(1_000).saturating_add(999));
                if let Some(what) = event(line) {
                    self.add(at, what);
                }
            }
            Line::Lost(lost) => self.lost += lost.lines,
        }
    }

    /// Adds a step to the last run; what was before anything that is known is passed over.
    fn add(&mut self, at: UnixTime, what: What) {
        if let Some(run) = self.runs.last_mut()
            && at >= run.begin
        {
            run.steps.push(Step { at, what });
        }
    }

    /// Returns when the first run begins and the last one ends.
    pub(super) fn span(&self) -> Option<(UnixTime, UnixTime)> {
        Some((self.runs.first()?.begin, self.runs.last()?.end))
    }
}

impl Run {
    const fn new(begin: UnixTime, kept: Option<BTreeMap<String, Vec<u8>>>) -> Self {
        Self { begin, kept, steps: Vec::new(), end: begin, is_stopped: false }
    }
}

/// Puts in the outcomes that have no line: all like the one before, at an even pace. More than `fall` and `rise` can
/// count are not needed.
fn between(before: &Tested, after: &Tested) -> Vec<Tested> {
    let pace = after.at.since(before.at) / (after.untold + 1);
    let count = after.untold.min(MOST);
    (1..=count).map(|number| Tested { at: before.at + pace * number, ..before.clone() }).collect()
}

/// Returns what is to be played of an event; nothing of one that only follows from others.
fn event(line: EventLine) -> Option<What> {
    let event = EventView::recall(line)?;
    match event.kind.as_str() {
        "order-given" => {
            let order = event.order?;
            let force = [Force::Down, Force::Drained, Force::Up].into_iter().find(|f| f.as_str() == order.force)?;
            let given = Order {
                force,
                scope: Scope::parse(&order.on)?,
                from: order.from_ms.map(UnixTime::from_millis),
                until: order.until_ms.map(UnixTime::from_millis),
                reason: order.reason,
                author: order.author,
            };
            Some(What::Given(order.id, given))
        }
        "order-cleared" => Some(What::Cleared(event.order?.id)),
        "failback-ordered" => Some(What::FailBack(event.services.into_iter().next()?)),
        "decision" => Some(What::Decided(Decided {
            service: event.services.into_iter().next()?,
            served: event.served?,
            tier: event.tier,
            reason: event.reason.unwrap_or_default(),
        })),
        _ => None,
    }
}

/// The largest `fall` and `rise`.
const MOST: u32 = 100;
