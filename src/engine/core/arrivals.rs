//! Maps reports of probes that began under another setup to their targets.
//!
//! | the report is of | it counts for |
//! |---|---|
//! | the active setup | its target |
//! | an earlier one | the same target, if there still is one |
//! | a later one, not yet active | no target yet: it waits for the setup |
//!
//! Probes may arrive before the reload that they belong to, because the probe room gets the new setup first.

use std::collections::VecDeque;

use crate::base::table::Table;
use crate::health::{TargetId, TargetReport};

/// Where targets of earlier setups are now, and what came early.
#[derive(Debug, Default)]
pub(super) struct Arrivals {
    /// For each earlier setup, the oldest first: where each of its targets is now.
    former: VecDeque<(u64, Table<TargetId, Option<TargetId>>)>,
    /// What waits for its setup.
    early: Vec<TargetReport>,
}

impl Arrivals {
    /// Finds the target that a report is of in the `present` setup; keeps the report if its setup is yet to come.
    pub(super) fn place(&mut self, report: &TargetReport, present: u64) -> Option<TargetId> {
        let TargetReport { setup, target, .. } = *report;
        if setup > present {
            if self.early.len() < EARLY {
                self.early.push(report.clone());
            }
            return None;
        }
        if setup == present {
            return Some(target);
        }
        let (_, places) = self.former.iter().find(|(number, _)| *number == setup)?;
        places.get(target).copied().flatten()
    }

    /// Notes that the setup `was` ended, and where each of its targets is now; returns what came before its time.
    pub(super) fn moved(&mut self, was: u64, places: Table<TargetId, Option<TargetId>>) -> Vec<TargetReport> {
        for (_, former) in &mut self.former {
            for (_, place) in former.iter_mut() {
                *place = place.and_then(|place| places.get(place).copied().flatten());
            }
        }
        self.former.push_back((was, places));
        if self.former.len() > FORMER {
            self.former.pop_front();
        }
        std::mem::take(&mut self.early)
    }
}

/// How many earlier setups are known: a report takes as long as the queues between the probes and the engine, and the
/// probes' room labels anew what is in flight.
const FORMER: usize = 8;
/// How many reports wait for their setup; the others are lost.
const EARLY: usize = 1_024;

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::base::clock::Mono;
    use crate::base::table::RowId;
    use crate::health::{Outcome, Report};

    fn id(index: usize) -> TargetId {
        TargetId::from_index(index)
    }

    fn report(setup: u64, target: usize) -> TargetReport {
        let report = Report { outcome: Outcome::Pass, began: Mono::START, latency: Duration::ZERO };
        TargetReport { setup, target: id(target), report }
    }

    /// Where each target of a setup is in the next one.
    fn places(places: &[Option<usize>]) -> Table<TargetId, Option<TargetId>> {
        places.iter().map(|place| place.map(id)).collect()
    }

    #[test]
    fn a_report_finds_its_target_through_several_setups() {
        let mut arrivals = Arrivals::default();
        assert_eq!(arrivals.place(&report(1, 2), 1), Some(id(2)));
        assert_eq!(arrivals.moved(1, places(&[Some(1), None, Some(0)])), []);
        assert_eq!(arrivals.moved(2, places(&[Some(3), None])), []);
        for (setup, target, place) in [(1, 0, None), (1, 1, None), (1, 2, Some(3)), (2, 0, Some(3)), (2, 1, None)] {
            assert_eq!(arrivals.place(&report(setup, target), 3), place.map(id), "{setup} {target}");
        }
        assert_eq!(arrivals.place(&report(7, 0), 7), Some(id(0)));
        for setup in 3..3 + 2 * u64::try_from(FORMER).unwrap() {
            arrivals.moved(setup, places(&[Some(0)]));
        }
        assert_eq!(arrivals.former.len(), FORMER);
    }

    #[test]
    fn a_report_that_overtakes_its_setup_waits_for_it() {
        let mut arrivals = Arrivals::default();
        assert_eq!(arrivals.place(&report(2, 5), 1), None);
        assert_eq!(arrivals.moved(1, places(&[])), [report(2, 5)]);
        assert_eq!(arrivals.moved(2, places(&[])), [], "once");
        for _ in 0..2 * EARLY {
            arrivals.place(&report(9, 5), 3);
        }
        assert_eq!(arrivals.early.len(), EARLY);
    }
}
