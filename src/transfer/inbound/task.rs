//! Asks for the zones that are due, a few at once, and hands on what comes.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::sync::Arc;

use tokio::sync::{mpsc, oneshot, watch};
use tracing::{debug, info, warn};

use crate::base::clock::{Clock, UnixTime};
use crate::base::error::Chain;
use crate::base::tasks::Tasks;
use crate::transfer::Metrics;
use crate::zone::{Name, Serial, Zone};

use super::assembly::Outcome;
use super::fetch::{FetchError, Primary, fetch};
use super::schedule::{Schedule, Times};

/// The primaries of each zone, in the order in which they are asked.
pub type Settings = BTreeMap<Name, Vec<Primary>>;

/// What a primary told (RFC 1996).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notified {
    /// The zone.
    pub origin: Name,
    /// Its new serial, if it was told.
    pub serial: Option<Serial>,
}

/// What has become of a zone.
#[derive(Debug)]
pub struct Arrived {
    /// The zone.
    pub origin: Name,
    /// What it is now.
    pub state: Arrival,
    /// To be told whether that is kept.
    pub kept: oneshot::Sender<bool>,
}

/// What a zone is now.
#[derive(Clone, Debug)]
pub enum Arrival {
    /// A new version.
    New(Arc<Zone>),
    /// The same version, which is still the newest.
    Current,
    /// Nothing: it was not refreshed for too long.
    Expired,
}

/// What the task reads, and where it tells what comes.
pub struct Sources {
    /// Changes with a reload.
    pub settings: watch::Receiver<Settings>,
    /// What primaries tell.
    pub notified: mpsc::Receiver<Notified>,
    /// The zones that a former run left, and when they were the newest.
    pub known: HashMap<Name, (Arc<Zone>, UnixTime)>,
    /// Who keeps what comes, and serves it.
    pub arrived: mpsc::Sender<Arrived>,
    /// Numbers by chance.
    pub random: fn() -> [u8; 16],
    /// The counters.
    pub metrics: Metrics,
    /// The clock.
    pub clock: Clock,
    /// Whose tasks the transfers are.
    pub tasks: Tasks,
}

/// One zone.
struct Row {
    schedule: Schedule,
    zone: Option<Arc<Zone>>,
    primaries: Vec<Primary>,
}

type Fetched = (Name, Result<Outcome, Vec<FetchError>>);

/// Asks for zones until its owner is stopped.
pub async fn run(mut sources: Sources) {
    let owner = sources.tasks.clone();
    let mut rows: BTreeMap<Name, Row> = BTreeMap::new();
    let mut running = owner.set::<Fetched>("transfer-in");
    loop {
        sources.renew(&mut rows);
        let now = sources.clock.now();
        for (origin, row) in &mut rows {
            if row.schedule.expires(now) {
                warn!(zone = %origin, "the zone has expired: no primary has given it for too long");
                sources.metrics.inbound("expired");
                row.zone = None;
                sources.tell(origin, Arrival::Expired).await;
            }
            if running.len() < AT_ONCE && row.schedule.begin(now) {
                let (origin, zone, primaries) = (origin.clone(), row.zone.clone(), row.primaries.clone());
                let (clock, random) = (sources.clock, sources.random);
                running.spawn(async move { ask(origin, zone, primaries, clock, random).await });
            }
        }
        let full = running.len() >= AT_ONCE;
        let next = rows.values().filter_map(|row| row.schedule.next(now)).min().filter(|_| !full);
        let wait = async {
            match next {
                Some(at) => tokio::time::sleep_until(sources.clock.instant(at)).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            biased;
            () = owner.stopped() => return,
            Some((_, fetched)) = running.next() => {
                if let Ok((origin, result)) = fetched {
                    sources.take(&mut rows, &origin, result).await;
                }
            }
            () = wait => {}
            Some(told) = sources.notified.recv() => {
                let now = sources.clock.now();
                if let Some(row) = rows.get_mut(&told.origin) {
                    let ours = row.zone.as_ref().map(|zone| zone.serial());
                    let is_news = ours.zip(told.serial).is_none_or(|(ours, theirs)| theirs.is_after(ours));
                    if is_news {
                        row.schedule.notified(now);
                    }
                }
            }
            changed = sources.settings.changed() => if changed.is_err() { return },
        }
    }
}

/// Asks the primaries one after the other, until one gives an answer.
async fn ask(
    origin: Name,
    zone: Option<Arc<Zone>>,
    primaries: Vec<Primary>,
    clock: Clock,
    random: fn() -> [u8; 16],
) -> Fetched {
    let mut errors = Vec::new();
    for primary in &primaries {
        match fetch(primary, &origin, zone.as_ref(), clock, random).await {
            Ok(outcome) => return (origin, Ok(outcome)),
            Err(error) => {
                info!(zone = %origin, primary.addr = %primary.address, error = %Chain(&error), "no transfer from a primary");
                errors.push(error);
            }
        }
    }
    (origin, Err(errors))
}

impl Sources {
    /// Takes zones in and lets zones go as the settings say.
    fn renew(&mut self, rows: &mut BTreeMap<Name, Row>) {
        let settings = self.settings.borrow_and_update().clone();
        rows.retain(|origin, _| settings.contains_key(origin));
        let now = self.clock.now();
        for (origin, primaries) in settings {
            let row = rows.entry(origin.clone()).or_insert_with(|| {
                let known = self.known.remove(&origin);
                let times = known.as_ref().and_then(|(zone, at)| Some((Times::of(zone.soa())?, *at)));
                Row { schedule: Schedule::new(times, now), zone: known.map(|(zone, _)| zone), primaries: Vec::new() }
            });
            row.primaries = primaries;
        }
    }

    async fn take(&self, rows: &mut BTreeMap<Name, Row>, origin: &Name, result: Result<Outcome, Vec<FetchError>>) {
        let Some(row) = rows.get_mut(origin) else { return };
        let (zone, state, word) = match result {
            Ok(Outcome::New(zone)) => (Some(Arc::clone(&zone)), Arrival::New(zone), "new"),
            Ok(Outcome::Current) => (row.zone.clone(), Arrival::Current, "current"),
            // A stream that has not ended gives no outcome.
            Ok(Outcome::More) | Err(_) => {
                self.metrics.inbound("failed");
                return row.schedule.failed(self.clock.now());
            }
        };
        let times = zone.as_ref().and_then(|zone| Times::of(zone.soa()));
        let kept = self.tell(origin, state).await;
        let (Some(zone), Some(times), true) = (zone, times, kept) else {
            self.metrics.inbound("failed");
            return row.schedule.failed(self.clock.now());
        };
        self.metrics.inbound(word);
        let serial = zone.serial().0;
        if word == "new" {
            info!(zone = %origin, serial, records = zone.record_count(), "transferred from a primary");
        } else {
            debug!(zone = %origin, serial, "the zone is the newest");
        }
        row.zone = Some(zone);
        row.schedule.succeeded(times, self.clock.now());
    }

    /// Hands on what has become of a zone; returns whether it is kept.
    async fn tell(&self, origin: &Name, state: Arrival) -> bool {
        let (kept, done) = oneshot::channel();
        let arrived = Arrived { origin: origin.clone(), state, kept };
        self.arrived.send(arrived).await.is_ok() && done.await.unwrap_or(false)
    }
}

impl fmt::Debug for Sources {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "sources of {} zones", self.settings.borrow().len())
    }
}

/// How many zones are fetched at once.
const AT_ONCE: usize = 8;
