//! Certificates that end soon: warnings at 14, 7 and 1 days and when one has ended, and metrics; for targets and for our own
//! listeners.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric as _};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::gauge::ConstGauge;
use tracing::warn;

use crate::base::clock::{Clock, UnixTime};
use crate::base::duration::write_left;
use crate::base::tasks::Tasks;
use crate::engine::history::Recorder;
use crate::engine::{Notice, TimedNotice};
use crate::probe::{CertificateBook, certificate_end};
use crate::serve::Identity;

use super::switcher::SetupSwitcher;

/// Watches over the ends of certificates; clones share what they watch.
#[derive(Clone, Debug, Default)]
pub(super) struct CertificateWatch {
    targets: CertificateBook,
    own: Arc<Mutex<Option<UnixTime>>>,
}

/// How near an end is; the nearest last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Nearness {
    Far,
    FourteenDays,
    SevenDays,
    OneDay,
    Ended,
}

/// How near to its end each certificate was when that was told.
type Told = BTreeMap<String, (UnixTime, Nearness)>;

impl CertificateWatch {
    /// Takes the certificate that the listeners show from now on.
    pub(super) fn set_own(&self, identity: Option<&Identity>) {
        let end = identity.and_then(|identity| certificate_end(identity.leaf()));
        *self.own.lock().unwrap_or_else(PoisonError::into_inner) = end;
    }

    /// Returns where the ends of targets' certificates are noted.
    pub(super) const fn book(&self) -> &CertificateBook {
        &self.targets
    }

    /// Warns until the process drains.
    pub(super) async fn run(self, tasks: Tasks, clock: Clock, recorder: Recorder, setups: SetupSwitcher) {
        let mut told = BTreeMap::new();
        loop {
            let at = clock.now().wall;
            let notices;
            (told, notices) = self.tell(&told, at);
            for notice in notices {
                recorder.record(TimedNotice { at, setup: setups.number(), notice }).await;
            }
            tokio::select! {
                biased;
                () = tasks.stopped() => return,
                () = tokio::time::sleep(LOOK_EVERY) => {}
            }
        }
    }

    /// Returns a sentence for each certificate that ends soon or has ended.
    pub(super) fn ending(&self, now: UnixTime) -> Vec<String> {
        let ends = self.ends().into_iter().filter(|(_, end)| Nearness::of(now, *end) > Nearness::Far);
        ends.map(|(whose, end)| sentence(&whose, now, end)).collect()
    }

    /// Warns of each that is nearer to its end than was told; returns what is told now, and what is new of it.
    fn tell(&self, told: &Told, now: UnixTime) -> (Told, Vec<Notice>) {
        let (mut tells, mut notices) = (BTreeMap::new(), Vec::new());
        for (whose, end) in self.ends() {
            let nearness = Nearness::of(now, end);
            let before =
                told.get(&whose).filter(|(known, _)| *known == end).map_or(Nearness::Far, |(_, before)| *before);
            if nearness > before {
                let text = sentence(&whose, now, end);
                warn!(certificate = whose, not_after = %end, "{text}");
                notices.push(Notice::Certificate { whose: whose.clone(), text, ended: nearness == Nearness::Ended });
            }
            tells.insert(whose, (end, nearness));
        }
        (tells, notices)
    }

    fn ends(&self) -> BTreeMap<String, UnixTime> {
        let mut ends = self.targets.ends();
        let own = *self.own.lock().unwrap_or_else(PoisonError::into_inner);
        ends.extend(own.map(|end| (OWN.to_owned(), end)));
        ends
    }
}

impl Nearness {
    fn of(now: UnixTime, end: UnixTime) -> Self {
        let left = end.since(now);
        match left.as_secs() {
            0 => Self::Ended,
            1..=DAY => Self::OneDay,
            secs if secs <= 7 * DAY => Self::SevenDays,
            secs if secs <= 14 * DAY => Self::FourteenDays,
            _ => Self::Far,
        }
    }
}

fn sentence(whose: &str, now: UnixTime, end: UnixTime) -> String {
    if end > now {
        format!("certificate expires in {}: {whose}", write_left(end.since(now)))
    } else {
        format!("certificate expired {} ago: {whose}", write_left(now.since(end)))
    }
}

impl Collector for CertificateWatch {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), fmt::Error> {
        let help = "When the certificate expires that a target has shown, or that the encrypted listeners show";
        let name = "certificate_expiry_timestamp_seconds";
        let mut metric = encoder.encode_descriptor(name, help, None, MetricType::Gauge)?;
        for (whose, end) in self.ends().into_iter().take(MOST) {
            let end = i64::try_from(end.as_secs()).unwrap_or(i64::MAX);
            ConstGauge::new(end).encode(metric.encode_family(&[("of", whose)])?)?;
        }
        Ok(())
    }
}

/// What stands for the certificate of the encrypted listeners.
const OWN: &str = "our own listeners";
const DAY: u64 = 86_400;
/// How often it is looked.
const LOOK_EVERY: Duration = Duration::from_secs(5);
/// The most certificates that have a metric.
const MOST: usize = 1_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_warns_at_each_step_once() {
        let watch = CertificateWatch::default();
        let end = UnixTime::from_secs(100 * DAY);
        *watch.own.lock().unwrap() = Some(end);
        let at = |left: u64| UnixTime::from_secs(100 * DAY - left);
        let nearness = |left| Nearness::of(at(left), end);
        let steps = [15 * DAY, 14 * DAY, 7 * DAY, DAY, 0].map(nearness);
        let all = [Nearness::Far, Nearness::FourteenDays, Nearness::SevenDays, Nearness::OneDay, Nearness::Ended];
        assert_eq!(steps, all);
        let (told, notices) = watch.tell(&BTreeMap::new(), at(3 * DAY));
        let text = "certificate expires in 3 days: our own listeners".to_owned();
        assert_eq!(notices, [Notice::Certificate { whose: OWN.to_owned(), text, ended: false }]);
        assert_eq!(watch.tell(&told, at(3 * DAY - 5)), (told, Vec::new()));
        assert_eq!(watch.ending(at(15 * DAY)), [""; 0]);
        assert_eq!(watch.ending(at(DAY - 1_800)), ["certificate expires in 23 h: our own listeners"]);
        assert_eq!(watch.ending(UnixTime::from_secs(103 * DAY)), ["certificate expired 3 days ago: our own listeners"]);
    }
}
