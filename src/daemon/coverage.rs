//! Tells what is tested and what is not: one warning for each reason, a remark in readiness, and metrics of targets and
//! services.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric as _};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use tracing::{info, warn};

use crate::base::clock::Clock;
use crate::base::tasks::Tasks;
use crate::engine::EngineHandle;
use crate::engine::status::{Coverage, ServiceCoverage};
use crate::policy::ActiveTier;

use super::readiness::ReadinessState;

/// Watches what is tested.
pub(super) struct CoverageWatch {
    pub(super) tasks: Tasks,
    pub(super) engine: EngineHandle,
    pub(super) readiness_state: ReadinessState,
    pub(super) clock: Clock,
    pub(super) latest: Latest,
}

/// The latest coverage; clones share it.
#[derive(Clone, Debug, Default)]
pub(super) struct Latest(Arc<Mutex<Coverage>>);

/// What cannot be tested for one reason over one family.
type Gap = (String, &'static str);

impl CoverageWatch {
    /// Watches until the process drains. Warnings begin when the server answers: what is not tested until then may be soon.
    pub(super) async fn run(self) {
        let mut told: BTreeSet<Gap> = BTreeSet::new();
        let mut follower = self.engine.history().follow(self.engine.history().start());
        loop {
            let began = self.clock.now().mono;
            let Ok(coverage) = self.engine.coverage(MOST_SERVICES).await else { return };
            if self.readiness_state.readiness().load().answering {
                told = self.tell(&coverage, &told);
            }
            self.latest.set(coverage);
            // Counting very many targets takes its time: nine tenths of it are left to the engine.
            let pause = SETTLE.max(self.clock.now().mono.since(began) * 9);
            tokio::select! {
                biased;
                () = self.tasks.stopped() => return,
                page = follower.next() => {
                    if page.is_none() {
                        return;
                    }
                    tokio::select! {
                        biased;
                        () = self.tasks.stopped() => return,
                        () = tokio::time::sleep(pause) => {}
                    }
                    drop(follower.pending().await);
                }
                () = tokio::time::sleep(REFRESH.max(pause)) => {}
            }
        }
    }

    /// Warns of each reason with a gap that is new, and returns all gaps.
    fn tell(&self, coverage: &Coverage, told: &BTreeSet<Gap>) -> BTreeSet<Gap> {
        let (mut gaps, mut remarks) = (BTreeSet::new(), Vec::new());
        for (reason, counts) in &coverage.untested {
            let families = ["IPv4", "IPv6"].into_iter().zip(counts).filter(|(_, count)| **count > 0);
            let found: Vec<Gap> = families.map(|(family, _)| (reason.clone(), family)).collect();
            let sentence = sentence(reason, *counts);
            if found.iter().any(|gap| !told.contains(gap)) {
                let [v4, v6] = counts;
                warn!(targets = v4 + v6, v4, v6, reason, "{sentence}; a failure there will not be seen");
            }
            remarks.push(sentence);
            gaps.extend(found);
        }
        for (reason, family) in told.difference(&gaps) {
            info!(family, reason, "no {family} target is kept from being tested by this any more: {reason}");
        }
        let untested = (!remarks.is_empty()).then(|| remarks.join("; "));
        if told != &gaps || untested.is_some() {
            self.readiness_state.set(|parts| parts.untested = untested);
        }
        gaps
    }
}

/// Says how many targets of each family cannot be tested, as in `8 IPv6 targets cannot be tested: no route`.
fn sentence(reason: &str, counts: [usize; 2]) -> String {
    let (count, family) = match counts {
        [v4, 0] => (v4, "IPv4 "),
        [0, v6] => (v6, "IPv6 "),
        [v4, v6] => (v4 + v6, ""),
    };
    let targets = if count == 1 { "target" } else { "targets" };
    format!("{count} {family}{targets} cannot be tested: {reason}")
}

impl Latest {
    /// Returns how many targets of services there are, and how many of them no test tells anything of.
    pub(super) fn counts(&self) -> (usize, usize) {
        let coverage = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        (coverage.states.values().sum(), coverage.untested.values().flatten().sum())
    }

    pub(super) fn set(&self, coverage: Coverage) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = coverage;
    }
}

impl Collector for Latest {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), fmt::Error> {
        let coverage = self.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let help = "Targets by state; not-tested: no test has told anything of them yet";
        let mut metric = encoder.encode_descriptor("targets", help, None, MetricType::Gauge)?;
        for state in STATES {
            let count = coverage.states.get(state).copied().unwrap_or(0);
            gauge(count).encode(metric.encode_family(&[("state", state)])?)?;
        }
        let help = "Targets that cannot be tested now: their failure is not seen";
        let mut metric = encoder.encode_descriptor("targets_untested", help, None, MetricType::Gauge)?;
        for (reason, counts) in &coverage.untested {
            for (family, count) in ["IPv4", "IPv6"].into_iter().zip(counts).filter(|(_, count)| **count > 0) {
                gauge(*count).encode(metric.encode_family(&[("reason", reason.as_str()), ("family", family)])?)?;
            }
        }
        let help = "Whether a target that was tested is up";
        let mut metric = encoder.encode_descriptor("target_up", help, None, MetricType::Gauge)?;
        for (target, is_up) in &coverage.targets {
            ConstGauge::new(i64::from(*is_up)).encode(metric.encode_family(&[("target", target.as_str())])?)?;
        }
        let help = "How often the active tier of a service has changed, in this run";
        let mut metric = encoder.encode_descriptor("service_tier_changes", help, None, MetricType::Counter)?;
        for ServiceCoverage { name, tier_changes, .. } in &coverage.services {
            ConstCounter::new(*tier_changes).encode(metric.encode_family(&[("service", name.as_str())])?)?;
        }
        let help = "The active tier of a service; -1: none, as all members are down or leaving";
        let mut metric = encoder.encode_descriptor("service_tier", help, None, MetricType::Gauge)?;
        for service in &coverage.services {
            let tier = match service.served {
                ActiveTier::Tier(tier) => i64::from(tier),
                ActiveTier::LastResort | ActiveTier::AllDown => -1,
            };
            ConstGauge::new(tier).encode(metric.encode_family(&[("service", service.name.as_str())])?)?;
        }
        let help = "The preferred tier of a service: while another one is active, a standby stands in";
        let mut metric = encoder.encode_descriptor("service_preferred_tier", help, None, MetricType::Gauge)?;
        for ServiceCoverage { name, preferred, .. } in &coverage.services {
            ConstGauge::new(i64::from(*preferred)).encode(metric.encode_family(&[("service", name.as_str())])?)?;
        }
        let help = "When the answer of a service last changed, in this run";
        let mut metric =
            encoder.encode_descriptor("service_changed_timestamp_seconds", help, None, MetricType::Gauge)?;
        for ServiceCoverage { name, changed, .. } in &coverage.services {
            let Some(changed) = changed else { continue };
            let changed = i64::try_from(changed.as_secs()).unwrap_or(i64::MAX);
            ConstGauge::new(changed).encode(metric.encode_family(&[("service", name.as_str())])?)?;
        }
        for (name, help, value) in [
            (
                "isolated",
                "Whether no witness answers, so that silent failures do not count",
                i64::from(coverage.isolated),
            ),
            ("generation", "The number of the answers that are served", number(coverage.generation)),
            ("orders", "Orders that are not over", number(coverage.orders)),
        ] {
            let metric = encoder.encode_descriptor(name, help, None, MetricType::Gauge)?;
            ConstGauge::new(value).encode(metric)?;
        }
        let help = "The serial that is served";
        let mut metric = encoder.encode_descriptor("zone_serial", help, None, MetricType::Gauge)?;
        for (zone, serial) in &coverage.zones {
            ConstGauge::new(i64::from(*serial)).encode(metric.encode_family(&[("zone", zone.as_str())])?)?;
        }
        let help = "Members of a service: up by test or order, taken as up without a test, down, out by order";
        let mut metric = encoder.encode_descriptor("service_members", help, None, MetricType::Gauge)?;
        for ServiceCoverage { name, members, .. } in &coverage.services {
            for (state, count) in MEMBERS.into_iter().zip(members) {
                gauge(*count).encode(metric.encode_family(&[("service", name.as_str()), ("state", state)])?)?;
            }
        }
        Ok(())
    }
}

fn gauge(count: usize) -> ConstGauge<i64> {
    ConstGauge::new(number(count))
}

fn number(count: impl TryInto<i64>) -> i64 {
    count.try_into().unwrap_or(i64::MAX)
}

/// The words for the states of targets.
const STATES: [&str; 6] = ["not-tested", "up", "failing", "down", "leaving", "recovering"];
/// The words for what is believed of members.
const MEMBERS: [&str; 4] = ["up", "not-tested", "down", "by-order"];
/// The most services, the most targets and the most zones that have metrics of their own.
const MOST_SERVICES: usize = 1_000;
/// How often it is looked when nothing happens.
const REFRESH: Duration = Duration::from_secs(1);
/// How long after a change it is looked: what comes together is counted once.
const SETTLE: Duration = Duration::from_millis(50);

#[cfg(test)]
mod tests {
    use prometheus_client::registry::Registry;

    use super::*;
    use crate::base::clock::UnixTime;

    #[test]
    fn targets_are_counted_with_their_family_where_only_one_is_concerned() {
        assert_eq!(sentence("no route", [0, 8]), "8 IPv6 targets cannot be tested: no route");
        assert_eq!(sentence("no route", [1, 0]), "1 IPv4 target cannot be tested: no route");
        assert_eq!(sentence("no route", [1, 8]), "9 targets cannot be tested: no route");
    }

    #[test]
    fn what_is_tested_and_what_is_not_are_metrics() {
        let latest = Latest::default();
        latest.set(Coverage {
            states: [("up", 2), ("not-tested", 1)].into(),
            untested: [("no route".to_owned(), [0, 1])].into(),
            targets: vec![("tcp 127.0.0.1:5060".to_owned(), true), ("tcp 127.0.0.2:5060".to_owned(), false)],
            services: vec![ServiceCoverage {
                name: "_sip._tcp.example.".into(),
                served: ActiveTier::Tier(20),
                preferred: 10,
                changed: Some(UnixTime::from_secs(1_795_253_400)),
                tier_changes: 3,
                members: [2, 1, 0, 3],
            }],
            zones: vec![("example.".into(), 12)],
            isolated: true,
            generation: 7,
            orders: 2,
        });
        assert_eq!(latest.counts(), (3, 1));
        let mut registry = Registry::with_prefix("understudy");
        registry.register_collector(Box::new(latest));
        let mut text = String::new();
        prometheus_client::encoding::text::encode(&mut text, &registry).unwrap();
        for line in [
            "understudy_targets{state=\"up\"} 2",
            "understudy_targets{state=\"down\"} 0",
            "understudy_targets_untested{reason=\"no route\",family=\"IPv6\"} 1",
            "understudy_target_up{target=\"tcp 127.0.0.1:5060\"} 1",
            "understudy_target_up{target=\"tcp 127.0.0.2:5060\"} 0",
            "understudy_service_tier_changes_total{service=\"_sip._tcp.example.\"} 3",
            "understudy_service_tier{service=\"_sip._tcp.example.\"} 20",
            "understudy_service_preferred_tier{service=\"_sip._tcp.example.\"} 10",
            "understudy_service_changed_timestamp_seconds{service=\"_sip._tcp.example.\"} 1795253400",
            "understudy_isolated 1",
            "understudy_zone_serial{zone=\"example.\"} 12",
            "understudy_generation 7",
            "understudy_orders 2",
            "understudy_service_members{service=\"_sip._tcp.example.\",state=\"not-tested\"} 1",
            "understudy_service_members{service=\"_sip._tcp.example.\",state=\"down\"} 0",
            "understudy_service_members{service=\"_sip._tcp.example.\",state=\"by-order\"} 3",
        ] {
            assert!(text.lines().any(|found| found == line), "{line}\n{text}");
        }
    }
}
