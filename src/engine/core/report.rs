//! A probe has ended: updates health and witnesses, and marks what must be decided again.

use std::net::SocketAddr;
use std::time::Duration;

use crate::base::clock::{Mono, Now};
use crate::engine::effect::{Effect, Notice, Tested};
use crate::engine::memory;
use crate::health::cadence::{self, Priority, RecheckRequest};
use crate::health::isolation::{News, Sound};
use crate::health::machine::{Health, State};
use crate::health::{Cause, Outcome, Report, TargetId};
use crate::policy::Trigger;

use super::{Core, SOON, START_SPREAD, is_known, outcomes};

/// What was believed of a target before something happened to it.
struct Before {
    state: State,
    degraded: bool,
    quiet_until: Option<Mono>,
}

impl Core {
    pub(super) fn report(&mut self, id: TargetId, report: Report, now: Now) {
        let key = &self.prepared.setup.targets[id].key;
        let endpoint = key.endpoint_of(self.targets[id].seed);
        let mut matters = false;
        if key.bears_witness() {
            let sound = Sound::of(&report.outcome);
            let news = self.witnesses.hear(endpoint, report.began, sound, now.mono);
            matters = self.silence.hear(endpoint, report.began, sound, &self.witnesses);
            matters |= matches!(news, News::Isolated | News::Resumed);
            self.take_news(news, now);
        }

        let settings = &self.prepared.setup.targets[id].settings;
        let row = &mut self.targets[id];
        // While that probe was under way, the far side has said something else on its held connection.
        if row.last.as_ref().is_some_and(|(_, last)| last.began > report.began) {
            return;
        }
        let before = Before::of(&row.health);
        matters |= !outcomes::confirms(&before.state, &report.outcome);
        row.health.step(&report, settings, self.witnesses.guard(endpoint, report.began), now.mono);
        let mut next = cadence::next_probe(&row.health, &report, settings, row.seed, now.mono);
        if let Some(woken) = row.woken {
            (next, row.woken) = woken.next_probe(&report, settings, next, now.mono);
        }
        if row.woken.is_none_or(|woken| woken.is_passed_once()) {
            self.stragglers.0.remove(&id);
        }
        let is_urgent = row.health.wants_confirmation() || row.woken.is_some();
        let priority = if is_urgent { Priority::Urgent } else { Priority::Routine };
        if row.woken.is_some_and(|woken| woken.is_passed_once()) {
            // Those that fail meanwhile wait for this one: they may be of one process.
            self.publication.gather_until(next, now.mono);
        }
        row.unknowns = if matches!(report.outcome, Outcome::Unknown(_)) { row.unknowns.saturating_add(1) } else { 0 };
        let last = row.last.as_ref().map(|(_, last)| &last.outcome);
        if let Some(untold) = row.run.take(last, &report.outcome, matters) {
            let (target, age) = (self.prepared.setup.targets[id].key.print(), now.mono.since(report.began));
            let tested = Tested { target, at: now.wall, age, outcome: report.outcome.clone(), untold };
            self.effects.push_back(Effect::Tested(Box::new(tested)));
        }
        row.last = Some((now.wall, report));
        self.note_untested(id);
        self.probe(id, next, priority);
        self.follow_up(id, &before, now);
        self.inquire(now);
    }

    /// Has all targets on an address probed at once, those on the port where it happened first.
    pub(super) fn wake(&mut self, place: SocketAddr, cause: Cause, now: Now) {
        self.notify(Notice::Broke { address: place, cause }, now);
        self.publication.gather(now.mono);
        let mut targets = self.prepared.targets_at(place.ip());
        targets.sort_by_key(|id| self.prepared.setup.targets[*id].key.port != place.port());
        if self.stragglers.0.is_empty() {
            self.stragglers.1 = now.mono + SOON;
        }
        for id in targets {
            if self.prepared.setup.targets[id].is_probed() {
                self.stragglers.0.insert(id);
            }
            self.targets[id].woken = Some(RecheckRequest::at(now.mono));
            self.probe(id, now.mono, Priority::Woken);
        }
    }

    /// Keeps why a target cannot be tested, when that changes: commands that read the state tell it.
    fn note_untested(&mut self, id: TargetId) {
        let setup = &self.prepared.setup.targets[id];
        let row = &mut self.targets[id];
        let reason = row.untested(setup);
        if reason != row.noted {
            let (key, value) = memory::keep_untested(&setup.key.to_string(), reason.as_ref());
            row.noted = reason;
            self.effects.push_back(Effect::Persist { key, value });
        }
    }

    /// Follows up a change of a target's health: notice, store, and everything that rests on it.
    fn follow_up(&mut self, id: TargetId, before: &Before, now: Now) {
        let health = &self.targets[id].health;
        if health.awaits_witness() {
            self.awaiting.insert(id);
        } else {
            self.awaiting.remove(&id);
        }
        let (from, to) = (&before.state, health.state());
        let is_kept_anew = from != to || before.quiet_until != health.quiet_until();
        let is_told = from.as_str() != to.as_str();
        let key = &self.prepared.setup.targets[id].key;
        let target = if is_kept_anew || is_told { key.print() } else { String::new() };
        if is_kept_anew {
            let (key, value) = memory::keep_health(&target, health, now);
            self.effects.push_back(Effect::Persist { key, value });
        }
        if from == to && before.degraded == health.is_degraded() {
            return;
        }
        if is_told {
            let (from, to, cause) = (from.as_str(), to.as_str(), health.cause().cloned());
            let address = SocketAddr::new(key.address, key.port);
            let pools = self.prepared.users(id).pools;
            let services = pools.iter().map(|pool| self.prepared.setup.pools[*pool].name.clone()).collect();
            let zones = self.zones_of(&pools);
            let hosts = self.labels(id);
            self.notify(Notice::Target { target, id, address, hosts, services, zones, from, to, cause }, now);
        }
        if is_known(self.targets[id].health.state()) {
            self.unsettled.remove(&id);
        }
        let users = self.prepared.users(id);
        self.judge(users, Trigger::Health, now);
        self.settle();
    }

    /// Returns the labels of the members that rest on a target, each once.
    fn labels(&self, id: TargetId) -> Vec<String> {
        let pools = self.prepared.users(id).pools.into_iter().map(|pool| &self.prepared.setup.pools[pool]);
        let members = pools.flat_map(|pool| &pool.members).filter(|member| member.targets.contains(&id));
        let mut labels: Vec<String> = members.map(|member| member.label.clone()).collect();
        labels.sort_unstable();
        labels.dedup();
        labels
    }

    fn take_news(&mut self, news: News, now: Now) {
        match news {
            News::None => {}
            News::Answered => {
                for id in self.awaiting.clone() {
                    let proof = self.witnesses.proof(self.prepared.setup.targets[id].key.endpoint());
                    self.change(id, now, |health| {
                        if let Some(answered) = proof {
                            health.mark_down(answered, now.mono);
                        }
                    });
                }
            }
            News::Isolated => {
                self.persist(memory::keep_isolated(true, now));
                self.notify(Notice::Isolated(true), now);
            }
            News::Resumed => self.resume(now),
        }
    }

    /// Ends isolation: nobody waits for a witness any more, and all are probed.
    pub(super) fn resume(&mut self, now: Now) {
        self.persist(memory::keep_isolated(false, now));
        self.notify(Notice::Isolated(false), now);
        for id in std::mem::take(&mut self.awaiting) {
            self.change(id, now, Health::resume);
        }
        self.probe_all(START_SPREAD, now);
    }

    fn change(&mut self, id: TargetId, now: Now, change: impl FnOnce(&mut Health)) {
        let health = &mut self.targets[id].health;
        let before = Before::of(health);
        change(health);
        self.follow_up(id, &before, now);
    }

    /// Asks witnesses why a target is silent, unless they are being asked or have told.
    fn inquire(&mut self, now: Now) {
        let Some(&silent) = self.awaiting.first() else { return };
        let silent = self.prepared.setup.targets[silent].key.endpoint();
        let targets = &self.targets;
        let is_up = |id: TargetId| *targets[id].health.state() == State::Up;
        for target in self.witnesses.inquire(silent, is_up, now.mono) {
            self.targets[target].run.ask();
            self.probe(target, now.mono, Priority::Urgent);
        }
    }

    /// Probes after a reload: `changed` targets at once, new ones spread over their interval, at most 5 s, the others when
    /// they were due.
    pub(super) fn probe_after_reload(&mut self, changed: &[TargetId], new: &[TargetId], now: Now) {
        for &id in changed {
            self.targets[id].due = now.mono;
        }
        for &id in new {
            let window = self.prepared.setup.targets[id].settings.interval.min(RELOAD_SPREAD);
            self.targets[id].due = now.mono + cadence::spread(window, self.targets[id].seed);
        }
        for id in self.targets.ids() {
            let row = &self.targets[id];
            if row.woken.is_none_or(|woken| woken.is_passed_once()) {
                self.stragglers.0.remove(&id);
            }
            let is_urgent = row.health.wants_confirmation() || row.woken.is_some();
            let priority = if is_urgent { Priority::Urgent } else { Priority::Routine };
            self.probe(id, row.due, priority);
        }
    }
}

impl Before {
    fn of(health: &Health) -> Self {
        Self { state: health.state().clone(), degraded: health.is_degraded(), quiet_until: health.quiet_until() }
    }
}

/// The longest window over which the first probes of new targets are spread: what is new is not known.
const RELOAD_SPREAD: Duration = Duration::from_secs(5);
