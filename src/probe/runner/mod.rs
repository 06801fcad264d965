//! The task that probes and holds connections: commands in, reports and breaks out.
//!
//! | limit | what happens at it |
//! |---|---|
//! | probes in flight, starts on an address | see [`schedule`](super::schedule): they start later, and the lateness is measured |
//! | the queue of reports is full | accounts wait here, counted as in flight, so no more than that many; commands are still taken |
//! | the queue of commands is full | the sender waits |

mod depths;
mod groups;
mod pacing;
mod pulse;
mod refusals;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::select;
use tokio::sync::mpsc;
use tokio::task::{Id, JoinError, JoinHandle};
use tracing::{debug, warn};

use super::attempt::Effort;
use super::metrics::Metrics;
use super::schedule::{Limits, Schedule, Start, spread};
use super::watch::Times;
use super::watch::manager::{self as watch, WatchEvent, WatchManager};
use super::{CertificateBook, Check, Depth, ProbeContext, ProbeReport, Spec, run_hasty, run_to};
use crate::base::clock::{Clock, Mono};
use crate::base::table::Table;
use crate::base::tasks::{TaskSet, Tasks};
use crate::health::cadence::Priority;
use crate::health::{BrokenConnection, NamedPost, Outcome, ProbeRequest, Report, TargetId, TargetReport};
use depths::Depths;
use groups::Groups;
use pulse::Pulse;
use refusals::{Identity, Refusals, identity};

/// What the runner is told.
#[derive(Clone, Debug)]
pub enum Command {
    /// Takes a new setup. A probe in flight whose target stays as it is goes on for the new one; the others end and are
    /// reported with the number of theirs.
    Replace {
        /// The setup's number.
        setup: u64,
        /// The targets; nothing: not probed.
        targets: Table<TargetId, Option<Spec>>,
        /// The window over which the first probes are spread, from now; nothing: each is told by [`Command::Probe`].
        first: Option<Duration>,
    },
    /// Makes a target due; one in flight starts after the end.
    Probe(ProbeRequest),
    /// Takes a post, and makes the targets due whose checks read it.
    Post(NamedPost),
}

/// What the runner tells.
#[derive(Clone, Debug)]
pub enum Event {
    /// A probe has ended.
    Finished(TargetReport),
    /// A target said something on its held connection.
    Said(TargetReport),
    /// A held connection broke: all targets on its address are to be probed.
    Broke(BrokenConnection),
}

/// What the runner needs of the process.
#[derive(Clone, Debug)]
pub struct Deps {
    /// The clock.
    pub clock: Clock,
    /// What all probes share.
    pub context: Arc<ProbeContext>,
    /// How much may be done at once.
    pub limits: Limits,
    /// The most connections that are held open beside the probes.
    pub held: usize,
    /// What is counted.
    pub metrics: Metrics,
    /// The certificates that targets show.
    pub certificates: CertificateBook,
}

/// Starts the runner; it ends when `tasks` stops, or when the other end of either queue is gone.
pub fn spawn(
    tasks: &Tasks,
    deps: Deps,
    commands: mpsc::Receiver<Command>,
    reports: mpsc::Sender<Event>,
) -> JoinHandle<()> {
    let watch = watch::Deps {
        tasks: tasks.clone(),
        clock: deps.clock,
        context: Arc::clone(&deps.context),
        metrics: deps.metrics.watch.clone(),
        limit: deps.held,
        times: Times::DEFAULT,
    };
    let runner = Runner {
        manager: WatchManager::new(watch),
        schedule: Schedule::new(deps.limits),
        probes: tasks.set("probe"),
        setup: 0,
        targets: Table::new(),
        depths: Depths::default(),
        groups: Groups::default(),
        refusals: Refusals::default(),
        pulse: Pulse::new(None),
        breaks: BTreeMap::new(),
        running: BTreeMap::new(),
        readers: BTreeMap::new(),
        outbox: VecDeque::new(),
        deps,
    };
    let owner = tasks.clone();
    tasks.spawn_vital("probe-runner", async move { runner.work(&owner, commands, reports).await })
}

struct Runner {
    deps: Deps,
    schedule: Schedule,
    manager: WatchManager,
    setup: u64,
    targets: Table<TargetId, Option<Arc<Spec>>>,
    depths: Depths,
    groups: Groups,
    refusals: Refusals,
    pulse: Pulse,
    /// When a held connection last broke on an address, for as long as its probes are in haste.
    breaks: BTreeMap<IpAddr, Mono>,
    /// The targets whose checks read what is posted under each name.
    readers: BTreeMap<String, Vec<TargetId>>,
    probes: TaskSet<ProbeReport>,
    running: BTreeMap<Id, Running>,
    /// Events that wait for room in the queue of reports.
    outbox: VecDeque<Outgoing>,
}

/// An event on its way.
struct Outgoing {
    event: Event,
    /// Whether it is the end of a probe that another target shared.
    joined: bool,
}

impl From<Event> for Outgoing {
    fn from(event: Event) -> Self {
        Self { event, joined: false }
    }
}

struct Running {
    start: Start,
    /// The targets that share it, by their numbers in the setup at hand.
    joined: Vec<TargetId>,
    spec: Arc<Spec>,
    depth: Depth,
    began: Mono,
    /// How much time was lost to pauses of our own before it began.
    lost: Duration,
}

impl Runner {
    async fn work(mut self, owner: &Tasks, mut commands: mpsc::Receiver<Command>, reports: mpsc::Sender<Event>) {
        loop {
            self.pulse.beat(!self.running.is_empty(), self.deps.clock.now().mono);
            self.start_due();
            self.watch();
            let next = [self.schedule.next(), self.manager.next(), self.pulse.next()].into_iter().flatten().min();
            let timer = async {
                match next {
                    Some(at) => tokio::time::sleep_until(self.deps.clock.instant(at)).await,
                    None => std::future::pending().await,
                }
            };
            select! {
                biased;
                () = owner.stopped() => break,
                command = commands.recv() => match command {
                    Some(command) => self.obey(command),
                    None => break,
                },
                () = timer => {}
                permit = reports.reserve(), if !self.outbox.is_empty() => match permit {
                    Ok(permit) => if let Some(event) = self.hand_over() { permit.send(event) },
                    Err(_) => break,
                },
                Some(event) = self.manager.event() => self.manager.read(event, self.deps.clock.now().mono),
                Some((id, result)) = self.probes.next() => self.finish(id, result),
            }
        }
    }

    fn obey(&mut self, command: Command) {
        let now = self.deps.clock.now().mono;
        match command {
            Command::Replace { setup, targets, first } => {
                let addresses = targets.iter().map(|(_, spec)| spec.as_ref().map(|spec| spec.address.ip()));
                self.schedule.replace(setup, addresses, now);
                let targets: Table<TargetId, Option<Arc<Spec>>> =
                    targets.into_rows().map(|spec| spec.map(Arc::new)).collect();
                let places = places(&self.targets, &targets);
                self.label_anew(setup, &places);
                self.depths.replace(&places, targets.len());
                self.groups.replace(&places, &targets);
                for address in self.groups.mute_addresses() {
                    self.schedule.set_mute(address, true, now);
                }
                for (target, _) in targets.iter() {
                    if let Some(window) = first {
                        self.schedule.due(target, now + spread(target, window), Priority::Routine);
                    }
                }
                self.setup = setup;
                self.readers = readers(&targets);
                let names: BTreeSet<String> = self.readers.keys().cloned().collect();
                self.deps.context.push_store().expect(&names, now);
                self.targets = targets;
                let timeouts = self.targets.iter().filter_map(|(_, spec)| spec.as_ref().map(|spec| spec.timeout));
                self.pulse.set_timeout(timeouts.min());
                self.manager.replace(&self.targets);
                self.deps.certificates.keep_only(self.targets.iter().filter_map(|(_, spec)| spec.as_deref()));
                self.refusals.keep_only(self.targets.iter().filter_map(|(_, spec)| spec.as_deref()));
            }
            Command::Probe(ProbeRequest { setup, target, at, priority }) if setup == self.setup => {
                let spared = if priority == Priority::Routine { self.spared(target, now) } else { Duration::ZERO };
                let at = self.groups.not_before(target).map_or(at + spared, |earliest| earliest.max(at));
                self.schedule.due(target, at, priority);
            }
            Command::Post(NamedPost { name, post }) => match self.deps.context.push_store().post(&name, post, now) {
                Ok(()) => {
                    for &target in self.readers.get(&name).into_iter().flatten() {
                        self.schedule.due(target, now, Priority::Urgent);
                    }
                }
                Err(_) => self.deps.metrics.dropped(),
            },
            Command::Probe(_) => self.deps.metrics.dropped(),
        }
    }

    /// Returns by how much a routine probe comes later than told, as a held connection watches its target.
    fn spared(&self, target: TargetId, now: Mono) -> Duration {
        let watch = self.targets.get(target).and_then(Option::as_ref).and_then(|spec| spec.watch);
        let watch = watch.filter(|watch| !watch.spares.is_zero() && self.manager.holds(target));
        watch.map_or(Duration::ZERO, |watch| pacing::spared(watch, self.groups.well_since(target), now))
    }

    /// Lets what is in flight, or waits to be handed over, go on under the next setup, for targets that stay.
    fn label_anew(&mut self, setup: u64, places: &Table<TargetId, Option<TargetId>>) {
        let was = self.setup;
        let place = |of: u64, target: TargetId| places.get(target).copied().flatten().filter(|_| of == was);
        for running in self.running.values_mut() {
            let joined = std::mem::take(&mut running.joined).into_iter();
            let joined = joined.filter_map(|target| places.get(target).copied().flatten());
            running.joined = joined.filter(|target| self.schedule.carry_on(*target, running.began)).collect();
            let start = &mut running.start;
            if let Some(target) = place(start.setup, start.target)
                && self.schedule.carry_on(target, running.began)
            {
                (start.setup, start.target) = (setup, target);
            }
        }
        for Outgoing { event, .. } in &mut self.outbox {
            match event {
                Event::Finished(finished) => {
                    if let Some(target) = place(finished.setup, finished.target)
                        && self.schedule.carry_on(target, finished.report.began)
                    {
                        (finished.setup, finished.target) = (setup, target);
                    }
                }
                Event::Said(finished) => {
                    if let Some(target) = place(finished.setup, finished.target) {
                        (finished.setup, finished.target) = (setup, target);
                    }
                }
                Event::Broke(_) => {}
            }
        }
    }

    fn start_due(&mut self) {
        let now = self.deps.clock.now().mono;
        // One after the other, as each has those in flight with it that share it.
        while let Some(start) = self.schedule.start(now) {
            let (start, joined) = pacing::share(&self.groups, &mut self.schedule, start, now);
            let Some(Some(spec)) = self.targets.get(start.target) else {
                self.schedule.end(start.setup, start.target);
                continue;
            };
            self.deps.metrics.started(now.since(start.due));
            let (clock, context) = (self.deps.clock, Arc::clone(&self.deps.context));
            let (spec, probed) = (Arc::clone(spec), Arc::clone(spec));
            let depth = if self.refusals.include(&spec) {
                Depth::Shallow
            } else {
                self.depths.choose(start.target, spec.check.deep_interval(), now)
            };
            let effort = Effort { resends: self.groups.resends(start.target), ..Effort::to(depth) };
            self.groups.begin(start.target, now);
            let is_hasty = self.breaks.get(&spec.address.ip()).is_some_and(|broke| now.since(*broke) < HASTE);
            let probe = async move {
                if is_hasty {
                    run_hasty(effort, &probed, &clock, &context).await
                } else {
                    run_to(effort, &probed, &clock, &context).await
                }
            };
            let id = self.probes.spawn(probe).id();
            self.running.insert(id, Running { start, joined, spec, depth, began: now, lost: self.pulse.lost() });
        }
        self.pulse.beat(!self.running.is_empty(), now);
        self.measure();
    }

    /// Looks after held connections; what they tell goes into the outbox.
    fn watch(&mut self) {
        let now = self.deps.clock.now().mono;
        for told in self.manager.work(&mut self.schedule, now) {
            match told {
                WatchEvent::Broke(address, cause) => {
                    self.breaks.retain(|_, broke| now.since(*broke) < HASTE);
                    self.breaks.insert(address.ip(), now);
                    self.outbox.push_back(Event::Broke(BrokenConnection { address, cause: cause.into() }).into());
                }
                WatchEvent::Leaving(targets) => {
                    let outcome = Outcome::Drain { cause: LEAVING.into(), retry_after: None };
                    let report = Report { outcome, began: now, latency: Duration::ZERO };
                    let said =
                        |target| Event::Said(TargetReport { setup: self.setup, target, report: report.clone() }).into();
                    self.outbox.extend(targets.into_iter().map(said));
                }
            }
        }
    }

    /// Puts an account into the outbox. A probe that panicked is a bug of ours, so its outcome is unknown.
    fn finish(&mut self, id: Id, result: Result<ProbeReport, JoinError>) {
        let Some(Running { start, joined, spec, depth, began, lost }) = self.running.remove(&id) else { return };
        self.pulse.beat(true, self.deps.clock.now().mono);
        let mut report = result.unwrap_or_else(|error| {
            let took = self.deps.clock.now().mono.since(began);
            ProbeReport::broken(began, took, format!("a bug of the checker: {error}"))
        });
        if let Some(lost) = self.pulse.spoils(lost, spec.timeout) {
            let millis = lost.as_millis();
            report.outcome =
                Outcome::Unknown(format!("the checker itself was kept from running for {millis} ms").into());
        }
        if report.refused && self.refusals.add(&spec) {
            let (kind, addr) = (spec.check.kind(), spec.address);
            warn!(probe.kind = kind, probe.addr = %addr, "credentials refused: not tried again until the config changes");
        }
        let now = self.deps.clock.now().mono;
        if start.setup == self.setup
            && self.groups.has_passed(start.target)
            && matches!(&*spec.check, Check::Http(http) if http.is_limit(&report.outcome))
        {
            report.outcome = Outcome::Unknown(LIMITED.into());
            self.schedule.due(start.target, now + LIMIT_PAUSE, Priority::Routine);
        }
        self.deps.metrics.finished(spec.check.kind(), &report);
        let (kind, addr, outcome) = (spec.check.kind(), spec.address, report.outcome.as_str());
        let latency_ms = report.latency.as_millis();
        debug!(probe.kind = kind, probe.addr = %addr, outcome, cause = report.outcome.cause(), latency_ms, "tested");
        if let Some(certificate) = &report.certificate {
            self.deps.certificates.note(&spec, certificate.not_after);
        }
        if report.met_nobody() && !start.free {
            self.schedule.give_back(spec.address.ip(), began, self.deps.clock.now().mono);
        }
        if start.setup == self.setup {
            self.depths.learn(start.target, depth, began, &report.outcome);
            match report.outcome {
                Outcome::Pass | Outcome::Degraded(_) => self.manager.passed(start.target, self.deps.clock.now().mono),
                Outcome::Fail { .. } => self.manager.failed(start.target),
                Outcome::Drain { .. } | Outcome::Unknown(_) => {}
            }
        }
        let end = pacing::End { start: &start, joined: &joined, address: spec.address.ip(), report: &report };
        for target in pacing::take_in(&mut self.groups, &mut self.schedule, &end, (self.setup, now)) {
            let report = report.clone().into_health_report();
            let finished = TargetReport { setup: self.setup, target, report };
            self.outbox.push_back(Outgoing { event: Event::Finished(finished), joined: true });
        }
        let finished = TargetReport { setup: start.setup, target: start.target, report: report.into_health_report() };
        self.outbox.push_back(Event::Finished(finished).into());
    }

    /// Takes the next event out of the outbox; from here on a target whose probe has ended may be probed again.
    fn hand_over(&mut self) -> Option<Event> {
        let Outgoing { event, joined } = self.outbox.pop_front()?;
        match &event {
            &Event::Finished(TargetReport { setup, target, .. }) if joined => self.schedule.leave(setup, target),
            &Event::Finished(TargetReport { setup, target, .. }) => {
                self.schedule.end(setup, target);
                if setup == self.setup {
                    self.heed_end_of_posts(target);
                }
            }
            Event::Said(_) | Event::Broke(_) => {}
        }
        Some(event)
    }

    /// Makes a target due when what it reads runs out.
    fn heed_end_of_posts(&mut self, target: TargetId) {
        let Some(Some(spec)) = self.targets.get(target) else { return };
        let now = self.deps.clock.now().mono;
        for (name, patience) in spec.check.posts() {
            let end = self.deps.context.push_store().ends(name, patience, now);
            if let Some(end) = end {
                self.schedule.due(target, end, Priority::Routine);
            }
        }
    }

    fn measure(&self) {
        self.deps.metrics.measure(self.schedule.in_flight(), self.schedule.held(), self.outbox.len());
    }
}

/// Finds where each target is in the next setup: the same address, kind, transport and parameters.
fn places(
    before: &Table<TargetId, Option<Arc<Spec>>>,
    after: &Table<TargetId, Option<Arc<Spec>>>,
) -> Table<TargetId, Option<TargetId>> {
    let mut by_identity: BTreeMap<Identity, TargetId> = BTreeMap::new();
    for (id, spec) in after.iter() {
        if let Some(spec) = spec {
            by_identity.entry(identity(spec)).or_insert(id);
        }
    }
    let place = |spec: &Spec| {
        let place = by_identity.get(&identity(spec)).copied()?;
        // With other credentials it begins anew.
        let after = after.get(place)?.as_ref()?;
        (after.check == spec.check).then_some(place)
    };
    before.iter().map(|(_, spec)| place(spec.as_ref()?)).collect()
}

/// Finds the targets whose checks read each name.
fn readers(targets: &Table<TargetId, Option<Arc<Spec>>>) -> BTreeMap<String, Vec<TargetId>> {
    let mut readers: BTreeMap<String, Vec<TargetId>> = BTreeMap::new();
    for (id, spec) in targets.iter() {
        for (name, _) in spec.iter().flat_map(|spec| spec.check.posts()) {
            readers.entry(name.to_owned()).or_default().push(id);
        }
    }
    readers
}

/// The words for a 503 of a server that has just passed, and of which nothing more is known.
const LIMITED: &str = "status 503 right after a pass: perhaps a limit on requests; tested again";
/// How soon such a server is tested again.
const LIMIT_PAUSE: Duration = Duration::from_secs(1);
/// How long after a break probes of its address are in haste.
const HASTE: Duration = Duration::from_secs(2);

/// What a target is believed to have said when its held connection ends with such words.
const LEAVING: &str = "says that it is shutting down";

#[cfg(test)]
mod tests;
