//! Where the engine's effects go: the publisher, the probes, the store, the log, and subscribers.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::{mpsc, oneshot, watch};
use tracing::{debug, error, info, warn};

use crate::base::error::Chain;
use crate::engine::driver::EffectHandler;
use crate::engine::effect::StoredValue;
use crate::engine::history::Recorder;
use crate::engine::{Effect, Kept, NotKept, Notice};
use crate::history::OutcomeSender;
use crate::policy::Move;
use crate::probe::runner::Command;
use crate::snapshot::Publisher;
use crate::store::{Change, Persist, WriteError};

/// The engine's way out.
#[derive(Clone, Debug)]
pub(super) struct Outputs {
    /// What the listeners read. The lock is the engine's alone: it is for the next engine, should one fail.
    pub(super) publisher: Arc<Mutex<Publisher>>,
    pub(super) probes: mpsc::Sender<Command>,
    pub(super) store: PersistQueue,
    pub(super) history: Recorder,
    pub(super) outcomes: OutcomeSender,
    pub(super) settled: watch::Sender<bool>,
    /// The number of the last publication, for those who tell secondaries.
    pub(super) published: watch::Sender<u64>,
}

/// Hands changes to the store without ever waiting for its disk: what finds no room waits here, the last value of each
/// key, until there is room again.
#[derive(Debug)]
pub(super) struct PersistQueue {
    queue: mpsc::Sender<Persist>,
    backlog: BTreeMap<String, Option<StoredValue>>,
    /// Who waits until what was handed over is on disk; they come after the backlog.
    syncs: VecDeque<oneshot::Sender<Result<(), WriteError>>>,
}

impl Clone for PersistQueue {
    /// Hands changes to the same store; what waits here stays here.
    fn clone(&self) -> Self {
        Self::new(self.queue.clone())
    }
}

impl PersistQueue {
    pub(super) const fn new(queue: mpsc::Sender<Persist>) -> Self {
        Self { queue, backlog: BTreeMap::new(), syncs: VecDeque::new() }
    }

    fn keep(&mut self, key: String, value: Option<StoredValue>) {
        self.backlog.insert(key, value);
        self.flush();
    }

    /// Returns what ends when all that was handed over so far is on disk.
    fn kept(&mut self) -> Kept {
        let (done, synced) = oneshot::channel();
        self.syncs.push_back(done);
        self.flush();
        Kept::new(async move {
            let synced = synced.await.unwrap_or(Err(WriteError::Stopped));
            synced.map_err(|error| NotKept(Chain(&error).to_string()))
        })
    }

    fn flush(&mut self) {
        let queue = self.queue.clone();
        while self.is_waiting() {
            match queue.try_reserve() {
                Ok(room) => {
                    if let Some(persist) = self.next() {
                        room.send(persist);
                    }
                }
                Err(TrySendError::Full(())) => return,
                Err(TrySendError::Closed(())) => return self.give_up(),
            }
        }
    }

    fn is_waiting(&self) -> bool {
        !self.backlog.is_empty() || !self.syncs.is_empty()
    }

    /// Hands over what still waits as there is room, and ends; without anything that waits it never ends.
    async fn catch_up(&mut self) {
        if !self.is_waiting() {
            std::future::pending::<()>().await;
        }
        self.finish().await;
    }

    /// Hands over what still waits, now waiting for room: also the last thing before the end.
    async fn finish(&mut self) {
        let queue = self.queue.clone();
        while self.is_waiting() {
            let Ok(room) = queue.reserve().await else { return self.give_up() };
            if let Some(persist) = self.next() {
                room.send(persist);
            }
        }
    }

    /// Takes what is handed over next: changes first, so that who waits for them waits for all of them.
    fn next(&mut self) -> Option<Persist> {
        let change = self.backlog.pop_first().map(|(key, value)| {
            let value = value.map(StoredValue::into_octets);
            Persist::Change(Change { key, value })
        });
        change.or_else(|| self.syncs.pop_front().map(Persist::Sync))
    }

    /// The store is gone: nothing can be kept, and who waits is told.
    fn give_up(&mut self) {
        self.backlog.clear();
        self.syncs.clear();
    }
}

impl Outputs {
    async fn tell_probes(&self, command: Command) {
        if self.probes.send(command).await.is_err() {
            debug!("probes have stopped");
        }
    }
}

impl EffectHandler for Outputs {
    async fn finish(&mut self) {
        self.store.finish().await;
    }

    fn kept(&mut self) -> Kept {
        self.store.kept()
    }

    async fn catch_up(&mut self) {
        self.store.catch_up().await;
    }

    async fn carry_out(&mut self, effect: Effect) {
        self.store.flush();
        match effect {
            Effect::Publish(snapshot) => {
                let mut publisher = self.publisher.lock().unwrap_or_else(PoisonError::into_inner);
                let (generation, current) = (snapshot.generation(), publisher.generation());
                // The first snapshot is served from the start and comes by here once more.
                if !publisher.publish(snapshot) && generation < current {
                    error!(generation, current, "an older snapshot than the served one is dropped");
                }
                drop(publisher);
                self.published.send_replace(generation);
            }
            // The runner takes commands while its reports wait, so this cannot hang on a full inbox of ours.
            Effect::Probe(request) => self.tell_probes(Command::Probe(request)).await,
            Effect::Post(post) => self.tell_probes(Command::Post(post)).await,
            Effect::Persist { key, value } => self.store.keep(key, value),
            Effect::Notice(event) => {
                log(&event.notice);
                // The task of the history waits for nobody, so this does not wait long.
                self.history.record(event).await;
            }
            Effect::Tested(tested) => self.outcomes.send(*tested),
            Effect::Settled => drop(self.settled.send_replace(true)),
        }
    }
}

fn log(notice: &Notice) {
    match notice {
        Notice::Target { target, address, hosts, services, from, to, cause, .. } => {
            let (service, host) = (services.join(", "), hosts.join(", "));
            let reason = cause.as_deref();
            // Two levels are two macros.
            macro_rules! tell {
                ($level:ident) => {
                    $level!(service, host, %address, health.from = from, health.to = to, reason, probe.target = %target, "health changed")
                };
            }
            if matches!(*to, "down" | "leaving") { tell!(warn) } else { tell!(info) }
        }
        Notice::Decision { pool, reason, moved, alarm: false, .. } => {
            let told = moved.as_ref().map(ToString::to_string);
            match moved {
                Some(Move::Failover { .. } | Move::Lost { .. }) => {
                    warn!(service = %pool, %reason, moved = told, "answer changed");
                }
                Some(Move::Taken { .. } | Move::Failback { .. }) | None => {
                    info!(service = %pool, %reason, moved = told, "answer changed");
                }
            }
        }
        Notice::Decision { pool, reason, alarm: true, .. } => {
            error!(service = %pool, %reason, "no member is up: a person must act");
        }
        Notice::Broke { address, cause } => {
            debug!(peer.addr = %address, %cause, "a held connection broke: testing at once");
        }
        Notice::Isolated(true) => {
            warn!("isolated: no witness answers, so silent failures do not count until one does");
        }
        Notice::Isolated(false) => info!("no longer isolated: a witness answered"),
        Notice::Ordered(id, order) => {
            let [from, until] = [order.from, order.until].map(|at| at.map(tracing::field::display));
            info!(order.id = id, force = order.force.as_str(), scope = %order.scope, from, until, author = order.author, reason = order.reason, "order given");
        }
        Notice::Cleared(id, order) => {
            info!(order.id = id, force = order.force.as_str(), scope = %order.scope, "order cleared");
        }
        Notice::Ended(id, order) => {
            info!(order.id = id, force = order.force.as_str(), scope = %order.scope, "order ended");
        }
        Notice::FailbackOrdered(service) => info!(service = %service, "failback ordered"),
        // Whoever reloads, asks primaries or looks at certificates logs it.
        Notice::Reloaded | Notice::ReloadFailed(_) | Notice::Transfer { .. } | Notice::Certificate { .. } => {}
        Notice::Published { generation, zones } => {
            let zones = zones.iter().map(|(zone, serial)| format!("{zone} {serial}")).collect::<Vec<_>>();
            debug!(generation, zone.serials = zones.join(", "), "published");
        }
    }
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;
    use std::sync::atomic::{AtomicU32, Ordering};
    use std::time::Duration;

    use tokio::time::timeout;

    use super::*;
    use crate::base::clock::{Clock, Mono};
    use crate::base::table::RowId;
    use crate::base::tasks::Tasks;
    use crate::engine::core::tests::{order, setup};
    use crate::engine::driver::{INBOX, Message, drive};
    use crate::engine::history::{RECORDS, history};
    use crate::engine::memory::Restored;
    use crate::engine::{Core, EngineHandle, Event, Prepared, Refusal, RequestError};
    use crate::health::orders::{Force, Scope};
    use crate::health::push::{PushRefusal, PushReport, PushState};
    use crate::health::{Outcome, Report, TargetId, TargetReport};
    use crate::store::{self, Store};

    /// An engine with its real driver and outlet; the test holds the other ends.
    struct Rig {
        engine: EngineHandle,
        inbox: mpsc::Sender<Message>,
        tasks: Tasks,
        store: Option<mpsc::Receiver<Persist>>,
        probes: mpsc::Receiver<Command>,
    }

    /// Begins with what `kept` holds, and a queue to the store with room for `room`.
    async fn rig(kept: &store::Entries, room: usize) -> Rig {
        let clock = Clock::start();
        let (restored, unreadable) = Restored::read(kept, Duration::from_secs(3_600));
        assert_eq!(unreadable, [""; 0]);
        let core = Core::new(Prepared::new(setup(1, 1)), &restored, clock.now());
        let publisher = Publisher::new((**core.snapshot()).clone());
        let tasks = Tasks::new();
        let (recorder, history, keeping) = history(RECORDS, clock.now().wall);
        drop(tasks.spawn("history", keeping.run()));
        let (probes, probe_queue) = mpsc::channel(1_024);
        let (persist, persist_queue) = mpsc::channel(room);
        let outputs = Outputs {
            publisher: Arc::new(Mutex::new(publisher)),
            probes,
            store: PersistQueue::new(persist),
            history: recorder,
            outcomes: OutcomeSender::none(),
            settled: watch::channel(false).0,
            published: watch::channel(0).0,
        };
        let (inbox, mut messages) = mpsc::channel(INBOX);
        let stop = tasks.token().clone();
        drop(tasks.spawn("engine", async move { drive(core, clock, &mut messages, outputs, stop).await }));
        let rig = Rig {
            engine: EngineHandle::new(inbox.clone(), history),
            inbox,
            tasks,
            store: Some(persist_queue),
            probes: probe_queue,
        };
        for target in 0..2 {
            let report = Report { outcome: Outcome::Pass, began: Mono::START, latency: Duration::ZERO };
            let event = Event::Report(TargetReport { setup: 1, target: TargetId::from_index(target), report });
            rig.inbox.send(Message::Event(event)).await.unwrap();
        }
        rig
    }

    impl Rig {
        /// Lets the store run over a folder.
        fn run_store(&mut self, dir: &Scratch) {
            drop(self.tasks.spawn(
                "store",
                store::run(Store::open(&dir.0).unwrap(), self.store.take().unwrap(), store::Metrics::default()),
            ));
        }

        async fn stop(self) {
            self.tasks.stop();
            drop((self.engine, self.inbox));
            self.tasks.finished(Duration::from_secs(10)).await.unwrap();
        }
    }

    #[tokio::test]
    async fn an_order_is_acknowledged_when_it_is_on_disk_and_survives() {
        let dir = Scratch::new();
        let mut first = rig(&store::Entries::new(), store::QUEUE).await;
        first.run_store(&dir);
        let id = first.engine.give_order(order(Force::Drained, "h1.s0.example"), false).await.unwrap();
        let kept = store::read(&dir.0).unwrap();
        assert!(kept.contains_key(&format!("order/{id}")), "{:?}", kept.keys());
        // As after a crash: nothing is written after the acknowledgement.
        let mut second = rig(&kept, store::QUEUE).await;
        let orders = second.engine.orders().await.unwrap();
        assert_eq!(orders.len(), 1);
        assert!(orders[0].id == id && orders[0].active && !orders[0].idle);
        first.stop().await;
        second.run_store(&dir);
        second.engine.clear_order(id).await.unwrap();
        assert!(!store::read(&dir.0).unwrap().contains_key(&format!("order/{id}")));
        assert_eq!(second.engine.clear_order(id).await, Err(RequestError::Refused(Refusal::NoSuchOrder(id))));
        second.stop().await;
    }

    #[tokio::test]
    async fn without_the_disk_nothing_is_acknowledged_and_the_engine_goes_on() {
        // Of all that is to be kept, one change finds room: the rest waits behind it, the acknowledgement last.
        let mut rig = rig(&store::Entries::new(), 1).await;
        let engine = rig.engine.clone();
        let giving = rig
            .tasks
            .spawn("client", async move { engine.give_order(order(Force::Down, "h1.s0.example"), false).await });
        // Requests are taken in their order, so the order is in force when the second one is answered.
        while rig.engine.orders().await.unwrap().is_empty() {
            tokio::task::yield_now().await;
        }
        assert!(!giving.is_finished());
        // Killed before the acknowledgement: the store never takes the rest.
        drop(rig.store.take());
        let failed = timeout(Duration::from_secs(10), giving).await.unwrap().unwrap();
        assert!(matches!(failed, Err(RequestError::NotKept(_))), "{failed:?}");
        assert_eq!(rig.engine.orders().await.unwrap().len(), 1);
        rig.stop().await;
    }

    #[tokio::test]
    async fn what_finds_no_room_is_handed_over_as_soon_as_there_is_some() {
        let mut rig = rig(&store::Entries::new(), 1).await;
        let engine = rig.engine.clone();
        let giving = rig.tasks.spawn("client", async move { engine.fail_back("_sip._tcp.s0.example").await });
        let mut queue = rig.store.take().unwrap();
        let mut seen = Vec::new();
        let done = loop {
            match timeout(Duration::from_secs(10), queue.recv()).await.unwrap().unwrap() {
                Persist::Change(change) => seen.push(change.key),
                Persist::Sync(done) => break done,
            }
        };
        assert!(seen.contains(&"failback/_sip._tcp.s0.example.".to_owned()), "{seen:?}");
        assert!(!giving.is_finished());
        done.send(Ok(())).unwrap();
        timeout(Duration::from_secs(10), giving).await.unwrap().unwrap().unwrap();
        drop(queue);
        rig.stop().await;
    }

    #[tokio::test]
    async fn refusals_have_types_and_change_nothing() {
        let rig = rig(&store::Entries::new(), store::QUEUE).await;
        let refusal = |result: Result<(), RequestError>| match result {
            Err(RequestError::Refused(refusal)) => refusal,
            other => panic!("{other:?}"),
        };
        let last = rig.engine.give_order(order(Force::Down, "h2.s0.example"), false);
        // The store does not run, so an order that is accepted is not acknowledged.
        assert!(timeout(Duration::from_millis(50), last).await.is_err());
        let last = rig.engine.give_order(order(Force::Down, "h1.s0.example"), false).await.map(drop);
        assert_eq!(refusal(last), Refusal::TakesLast(vec!["_sip._tcp.s0.example.".to_owned()]));
        let mut long = order(Force::Up, "h1.s0.example");
        long.reason = "x".repeat(1_001);
        let long = rig.engine.give_order(long, false).await.map(drop);
        assert_eq!(refusal(long), Refusal::TooLong { what: "reason", max: 1_000 });
        assert_eq!(refusal(rig.engine.fail_back("nobody").await), Refusal::NoSuchService("nobody".to_owned()));
        let scope = Scope::parse("nobody").unwrap();
        let nobody = rig.engine.probe_now(scope.clone()).await.map(drop);
        assert_eq!(refusal(nobody), Refusal::NoSuchTarget(scope));
        let post =
            PushReport { state: PushState::Up, reason: String::new(), ttl: Duration::from_secs(60), sequence: 1 };
        let no_name = Refusal::Post(PushRefusal::NoSuchName("nobody".to_owned()));
        assert_eq!(refusal(rig.engine.post("nobody", post).await), no_name);
        assert_eq!(rig.engine.orders().await.unwrap().len(), 1);
        rig.stop().await;
    }

    #[tokio::test]
    async fn a_scope_is_probed_at_once() {
        let dir = Scratch::new();
        let mut rig = rig(&store::Entries::new(), store::QUEUE).await;
        rig.run_store(&dir);
        // What the start and the reports have scheduled is taken out first.
        let status = rig.engine.status().await.unwrap();
        while rig.probes.try_recv().is_ok() {}
        let targets = rig.engine.probe_now(Scope::parse("127.2.0.1:5060").unwrap()).await.unwrap();
        assert_eq!(targets, [status.targets[1].name.clone()]);
        let command = rig.probes.try_recv().unwrap();
        let is_urgent = |priority| priority == crate::health::cadence::Priority::Urgent;
        assert!(
            matches!(command, Command::Probe(request) if request.target.index() == 1 && is_urgent(request.priority)),
            "{command:?}"
        );
        rig.stop().await;
    }

    #[tokio::test]
    async fn what_happens_is_recorded_with_names_in_its_order() {
        let dir = Scratch::new();
        let mut rig = rig(&store::Entries::new(), store::QUEUE).await;
        rig.run_store(&dir);
        let id = rig.engine.give_order(order(Force::Down, "h1.s0.example"), false).await.unwrap();
        let history = rig.engine.history();
        let page = history.read(history.start()).await.unwrap();
        assert_eq!((page.lost, page.next), (0, history.end()));
        let numbers: Vec<u64> = page.records.iter().map(|record| record.sequence).collect();
        assert!(numbers.iter().copied().eq(1..=numbers.len() as u64), "{numbers:?}");
        let up = page.records.iter().find_map(|record| {
            let Notice::Target { id, services, zones, to: "up", .. } = &record.event.notice else { return None };
            Some((id.index(), services.clone(), zones.clone()))
        });
        let (service, zone) = ("_sip._tcp.s0.example.".to_owned(), "example.".to_owned());
        assert_eq!(up, Some((0, vec![service.clone()], vec![zone.clone()])));
        let place = |is: &dyn Fn(&Notice) -> bool| page.records.iter().position(|record| is(&record.event.notice));
        let ordered = place(&|notice| matches!(notice, Notice::Ordered(given, _) if *given == id)).unwrap();
        let decided = place(
            &|notice| matches!(notice, Notice::Decision { pool, zones, .. } if *pool == service && zones == std::slice::from_ref(&zone)),
        );
        assert!(decided.is_some_and(|decided| ordered < decided), "{page:?}");
        rig.stop().await;
    }

    #[tokio::test]
    async fn an_engine_that_is_gone_is_told() {
        let rig = rig(&store::Entries::new(), store::QUEUE).await;
        let engine = rig.engine.clone();
        rig.stop().await;
        assert_eq!(engine.clear_order(1).await, Err(RequestError::Stopped));
        assert!(matches!(engine.status().await, Err(RequestError::Stopped)));
    }

    /// A folder of its own for one test, removed with it.
    struct Scratch(PathBuf);

    impl Scratch {
        fn new() -> Self {
            static NEXT: AtomicU32 = AtomicU32::new(0);
            let number = NEXT.fetch_add(1, Ordering::Relaxed);
            let dir = std::env::temp_dir().join(format!("understudy-outlet-{}-{number}", std::process::id()));
            Self(dir)
        }
    }

    impl Drop for Scratch {
        fn drop(&mut self) {
            drop(std::fs::remove_dir_all(&self.0));
        }
    }
}
