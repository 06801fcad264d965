//! What the end of a probe means for the others of its group and of its address: who shares it, who is probed next, and how
//! soon. Pure.
//!
//! Who hangs keeps all requests in its sockets and reads them in one burst when it resumes; flood guards count them then.
//! So there are few of them, and few more until the burst is forgotten.

use std::net::IpAddr;
use std::time::Duration;

use super::groups::{Groups, is_shared};
use crate::base::clock::Mono;
use crate::health::TargetId;
use crate::health::cadence::Priority;
use crate::probe::schedule::{Schedule, Start};
use crate::probe::{ProbeReport, Watch};

/// A probe that has ended.
pub(super) struct End<'a> {
    pub(super) start: &'a Start,
    /// The targets that shared it.
    pub(super) joined: &'a [TargetId],
    pub(super) address: IpAddr,
    pub(super) report: &'a ProbeReport,
}

/// Has the targets of a group share a probe that starts; returns whose turn it is, and the others.
pub(super) fn share(groups: &Groups, schedule: &mut Schedule, start: Start, now: Mono) -> (Start, Vec<TargetId>) {
    let mut sharing = groups.sharing(start.target);
    sharing.retain(|&target| target == start.target || schedule.join(target, now));
    let turn = sharing.first().copied().unwrap_or(start.target);
    sharing.retain(|target| *target != turn);
    (Start { target: turn, ..start }, sharing)
}

/// Takes in how a probe ended under the setup at hand or an earlier one. Returns those for whom its outcome counts too; the
/// others that shared it are probed themselves.
pub(super) fn take_in(
    groups: &mut Groups,
    schedule: &mut Schedule,
    end: &End<'_>,
    (setup, now): (u64, Mono),
) -> Vec<TargetId> {
    let &End { start, joined, address, report } = end;
    let (was_mute, was_hushed) = (groups.is_mute(address), groups.hushed(address));
    if start.setup == setup {
        groups.learn(start.target, report, true);
    }
    let counts = is_shared(report);
    for &target in joined {
        if counts {
            groups.learn(target, report, false);
        } else {
            schedule.leave(setup, target);
            schedule.due(target, now, Priority::Urgent);
        }
    }
    if let Some(starts) = was_hushed.or_else(|| groups.hushed(address)) {
        schedule.be_gentle(address, starts, now);
    }
    match (was_mute, groups.is_mute(address)) {
        (false, true) => schedule.set_mute(address, true, now),
        (true, false) => {
            schedule.set_mute(address, false, now);
            // It answers again: the others need not wait, and need not come at once either.
            let others = groups.apart_on(address).into_iter();
            let others = others.filter(|target| *target != start.target && !joined.contains(target));
            for (target, after) in others.zip(1..) {
                schedule.due(target, now + AWAKENING * after, Priority::Routine);
            }
        }
        (true, true) | (false, false) => schedule.set_idle(address, now),
    }
    if counts { joined.to_vec() } else { Vec::new() }
}

/// Returns by how much a routine probe comes later than told while a connection to its target stands; `well_since` is since
/// when all of its outcomes were passes.
pub(super) fn spared(watch: Watch, well_since: Option<Mono>, now: Mono) -> Duration {
    let is_long_up = well_since.is_some_and(|since| now.since(since) >= LONG_UP);
    if is_long_up { watch.spares } else { Duration::ZERO }
}

/// How long a target passes before its held connection spares it probes.
const LONG_UP: Duration = Duration::from_secs(600);
/// From test to test of the targets of an address that was mute and answers again.
const AWAKENING: Duration = Duration::from_secs(1);

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::base::table::{RowId, Table};
    use crate::health::machine::{Guard, Health, State};
    use crate::health::{FailKind, Outcome, Report, Settings, cadence};
    use crate::probe::schedule::{Limits, spread};
    use crate::probe::{Check, Over, Sip, Spec, Tls};

    const TIMEOUT: Duration = Duration::from_secs(2);
    const TICK: Duration = Duration::from_millis(10);

    /// A proxy that hangs for a while, and the pure part of the checker that tests it.
    struct Play {
        schedule: Schedule,
        groups: Groups,
        specs: Table<TargetId, Option<Arc<Spec>>>,
        health: Vec<Health>,
        /// When it hangs, and until when.
        hung: (Mono, Mono),
        /// Probes in flight: with whom, since when, how they end and when.
        flying: Vec<(Start, Vec<TargetId>, Mono, Outcome, Mono)>,
        /// When the proxy reads each request.
        reads: Vec<Mono>,
    }

    fn at(millis: u64) -> Mono {
        Mono::START + Duration::from_millis(millis)
    }

    impl Play {
        fn new(domains: usize, hung: (Mono, Mono), is_with_tls: bool) -> Self {
            let spec = |over: fn(String) -> Over| {
                (0..domains).map(move |domain| {
                    let name = format!("d{domain}.example");
                    let check = Check::Sip(Sip::new(name.clone(), over(name)));
                    let port = if check.transport() == "tls" { 5061 } else { 5060 };
                    Some(Arc::new(Spec {
                        address: ([127, 0, 0, 1], port).into(),
                        check: Arc::new(check),
                        timeout: TIMEOUT,
                        watch: None,
                    }))
                })
            };
            let tls = spec(|name| Over::Tls(Tls::new(name))).filter(|_| is_with_tls);
            let specs: Table<TargetId, _> = spec(|_| Over::Udp).chain(spec(|_| Over::Tcp)).chain(tls).collect();
            let (mut schedule, mut groups) = (Schedule::new(Limits::default()), Groups::default());
            let addresses = specs.iter().map(|(_, spec)| spec.as_ref().map(|spec| spec.address.ip()));
            schedule.replace(1, addresses, Mono::START);
            groups.replace(&Table::new(), &specs);
            for (target, _) in specs.iter() {
                schedule.due(target, Mono::START + spread(target, Duration::from_secs(1)), Priority::Routine);
            }
            let health = vec![Health::unknown(Mono::START); specs.len()];
            Self { schedule, groups, specs, health, hung, flying: Vec::new(), reads: Vec::new() }
        }

        fn spec(&self, target: TargetId) -> Arc<Spec> {
            Arc::clone(self.specs.get(target).unwrap().as_ref().unwrap())
        }

        /// When the proxy reads what is sent then.
        fn reads_at(&self, sent: Mono) -> Mono {
            if sent < self.hung.0 { sent } else { sent.max(self.hung.1) }
        }

        fn tick(&mut self, now: Mono) {
            while let Some(start) = self.schedule.start(now) {
                let (start, joined) = share(&self.groups, &mut self.schedule, start, now);
                let spec = self.spec(start.target);
                let resends = self.groups.resends(start.target);
                self.groups.begin(start.target, now);
                let read = self.reads_at(now);
                let is_heard = read < now + TIMEOUT;
                // Who is shaken hands with only gets no request.
                if is_heard || spec.check.transport() != "tls" {
                    self.reads.push(read);
                }
                if spec.check.transport() == "udp" && resends {
                    for again in [500, 1_250].map(|millis| now + Duration::from_millis(millis)) {
                        if again < read {
                            let read = self.reads_at(again);
                            self.reads.push(read);
                        }
                    }
                }
                let silent = Outcome::Fail { kind: FailKind::Silent, cause: "no answer within 2s".into() };
                let (outcome, ends) = if is_heard { (Outcome::Pass, read + TICK) } else { (silent, now + TIMEOUT) };
                self.flying.push((start, joined, now, outcome, ends));
            }
            let (ended, flying) = std::mem::take(&mut self.flying).into_iter().partition(|flight| flight.4 <= now);
            self.flying = flying;
            for (start, joined, began, outcome, _) in ended {
                let report = ProbeReport { outcome, ..ProbeReport::broken(began, now.since(began), String::new()) };
                let address = self.spec(start.target).address.ip();
                let end = End { start: &start, joined: &joined, address, report: &report };
                let told = take_in(&mut self.groups, &mut self.schedule, &end, (1, now));
                let report = report.into_health_report();
                self.schedule.end(1, start.target);
                self.tell(start.target, &report, now);
                for target in told {
                    self.schedule.leave(1, target);
                    self.tell(target, &report, now);
                }
            }
        }

        /// What the engine does with a report.
        fn tell(&mut self, target: TargetId, report: &Report, now: Mono) {
            let settings = Settings::default();
            let health = &mut self.health[target.index()];
            health.step(report, &settings, Guard::Off, now);
            let seed = u64::try_from(target.index()).unwrap();
            let due = cadence::next_probe(health, report, &settings, seed, now);
            let priority = if health.wants_confirmation() { Priority::Urgent } else { Priority::Routine };
            let due = self.groups.not_before(target).map_or(due, |earliest| earliest.max(due));
            self.schedule.due(target, due, priority);
        }

        fn all(&self, is_so: impl Fn(&Health) -> bool) -> bool {
            self.health.iter().all(is_so)
        }

        /// Plays until then; a held connection breaks, as its ping is not answered. Returns when all were down, and up again.
        fn run(&mut self, until: Mono) -> (Option<Mono>, Option<Mono>) {
            let (mut now, mut down, mut up) = (Mono::START, None, None);
            let breaks = self.hung.0 + Duration::from_secs(9);
            while now < until {
                if now <= breaks && breaks < now + TICK && breaks < self.hung.1 {
                    let targets: Vec<TargetId> = self.specs.iter().map(|(target, _)| target).collect();
                    targets.into_iter().for_each(|target| self.schedule.due(target, now, Priority::Woken));
                }
                self.tick(now);
                if down.is_none() && self.all(|health| matches!(health.state(), State::Down(_))) {
                    down = Some(now);
                }
                if up.is_none() && now > self.hung.1 && self.all(|health| matches!(health.state(), State::Up)) {
                    up = Some(now);
                }
                now = now + TICK;
            }
            (down, up)
        }

        /// The most requests that are read within 2 s, and when that is over.
        fn most_within_2_s(&mut self) -> (usize, Mono) {
            self.reads.sort_unstable();
            let within =
                |first: &Mono| self.reads.iter().filter(|read| **read >= *first && **read < *first + TIMEOUT).count();
            self.reads.iter().map(|first| (within(first), *first)).max().unwrap()
        }
    }

    #[test]
    fn who_is_long_up_is_spared_probes() {
        let watch = Watch { longest: Duration::from_secs(240), spares: Duration::from_secs(10) };
        let spared = |since, now| spared(watch, since, at(now)).as_secs();
        let told = [spared(None, 9_000_000), spared(Some(at(1_000)), 600_999), spared(Some(at(1_000)), 601_000)];
        assert_eq!(told, [0, 0, 10]);
        let both = watch.with(Watch { longest: Duration::from_secs(60), spares: Duration::from_secs(5) });
        assert_eq!(both, Watch { longest: watch.longest, spares: Duration::from_secs(5) });
    }

    /// Kamailio's flood guard bans who sends 16 requests within 2 s.
    #[test]
    fn who_hangs_with_forty_domains_reads_no_burst_that_a_flood_guard_bans() {
        for phase in (0..5_000).step_by(617) {
            for (seconds, is_with_tls) in [(5, true), (5, false), (20, true), (20, false), (60, true)] {
                let hung = at(30_000 + phase);
                let resumes = hung + Duration::from_secs(seconds);
                let mut play = Play::new(40, (hung, resumes), is_with_tls);
                let (down, up) = play.run(resumes + Duration::from_secs(60));
                let (most, when) = play.most_within_2_s();
                let what = format!("hung for {seconds} s from {hung:?}, TLS {is_with_tls}");
                assert!(most < 16, "{what}: {most} at {when:?}");
                let up = up.unwrap_or_else(|| panic!("{what}: not up")).since(resumes);
                assert!(up < Duration::from_secs(20), "{what}: up after {up:?}");
                if seconds >= 20 {
                    let down = down.unwrap_or_else(|| panic!("{what}: not down")).since(hung);
                    assert!(down < Duration::from_secs(20), "{what}: down after {down:?}");
                }
            }
        }
    }
}
