//! What services are answered with, as time goes on. Pure.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::admin::view::Served;
use crate::base::clock::UnixTime;

use super::tape::Decided;

/// The timelines of all services, by their names.
#[derive(Debug, Default)]
pub(super) struct Timelines(BTreeMap<String, Timeline>);

/// The timeline of one service.
#[derive(Clone, Debug, Default)]
pub(super) struct Timeline {
    /// What was decided, and when.
    pub(super) decisions: Vec<(UnixTime, Decided)>,
    /// What was served from one moment to another; nothing is known of the time between.
    spans: Vec<Span>,
    /// What is served, and since when.
    now: Option<(UnixTime, Served, Option<u16>)>,
    /// When a later tier became active, or none.
    failovers: Vec<UnixTime>,
    /// When an earlier tier became active again.
    failbacks: Vec<UnixTime>,
}

/// What was served for a time.
#[derive(Clone, Copy, Debug)]
struct Span {
    from: UnixTime,
    to: UnixTime,
    served: Served,
    tier: Option<u16>,
}

/// What it comes to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Sums {
    /// How often a later tier became active, or none.
    pub(super) failovers: usize,
    /// How often an earlier tier became active again.
    pub(super) failbacks: usize,
    /// For how long a tier served that is not the first.
    pub(super) standby: Duration,
    /// For how long the last resort was served.
    pub(super) last_resort: Duration,
    /// For how long all were down.
    pub(super) all_down: Duration,
    /// For how long anything is known.
    pub(super) known: Duration,
}

impl Timelines {
    /// Notes what a service is answered with at the begin of a run.
    pub(super) fn begin(&mut self, decided: Decided, at: UnixTime) {
        self.0.entry(decided.service).or_default().serve(decided.served, decided.tier, at);
    }

    /// Notes a decision.
    pub(super) fn decide(&mut self, decided: Decided, at: UnixTime) {
        let timeline = self.0.entry(decided.service.clone()).or_default();
        timeline.serve(decided.served, decided.tier, at);
        timeline.decisions.push((at, decided));
    }

    /// Ends a run.
    pub(super) fn end(&mut self, at: UnixTime) {
        self.0.values_mut().for_each(|timeline| timeline.close(at));
    }

    /// Returns the timeline of a service.
    pub(super) fn of(&self, service: &str) -> Timeline {
        self.0.get(service).cloned().unwrap_or_default()
    }

    /// Walks over the names of the services.
    pub(super) fn services(&self) -> impl Iterator<Item = &String> {
        self.0.keys()
    }
}

impl Timeline {
    fn serve(&mut self, served: Served, tier: Option<u16>, at: UnixTime) {
        let before = self.now;
        self.close(at);
        self.now = Some((at, served, tier));
        let Some((_, was, from)) = before else { return };
        match (from, tier) {
            (Some(from), Some(to)) if to > from => self.failovers.push(at),
            (Some(from), Some(to)) if to < from => self.failbacks.push(at),
            (Some(_), None) if was != served => self.failovers.push(at),
            _ => {}
        }
    }

    fn close(&mut self, to: UnixTime) {
        if let Some((from, served, tier)) = self.now.take() {
            self.spans.push(Span { from, to, served, tier });
        }
    }

    /// Adds up what happened since a moment; `first` is the preferred tier.
    pub(super) fn sums(&self, first: Option<u16>, since: UnixTime) -> Sums {
        let count = |moments: &[UnixTime]| moments.iter().filter(|at| **at >= since).count();
        let (failovers, failbacks) = (count(&self.failovers), count(&self.failbacks));
        let mut sums = Sums { failovers, failbacks, ..Sums::default() };
        for Span { from, to, served, tier } in &self.spans {
            let length = to.since(*from.max(&since));
            sums.known += length;
            match served {
                Served::Tier if tier.is_some() && *tier != first => sums.standby += length,
                Served::Tier => {}
                Served::LastResort => sums.last_resort += length,
                Served::AllDown => sums.all_down += length,
            }
        }
        sums
    }
}
