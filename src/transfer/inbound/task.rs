//! Asks for the zones that are due, a few at once, and hands on what comes.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;

use tokio::sync::{mpsc, oneshot, watch};
use tracing::{debug, info, warn};

use crate::base::clock::{Clock, UnixTime};
use crate::base::error::Chain;
use crate::base::tasks::Tasks;
use crate::transfer::Metrics;
use crate::transfer::handle::{OrderKind, TransferOrder};
use crate::transfer::ledger::{InboundStatus, Ledger};
use crate::zone::{Name, Serial, Zone};

use super::assembly::{Limits, Outcome};
use super::fetch::{FetchContext, FetchError, Primary, fetch};
use super::schedule::{Schedule, Times};

/// Where each zone comes from.
pub type Settings = BTreeMap<Name, Upstream>;

/// Where a zone comes from.
#[derive(Clone, Debug, Default)]
pub struct Upstream {
    /// The primaries, in the order in which they are asked.
    pub primaries: Vec<Primary>,
    /// Whether this server is the spare of a primary that does the same: what it gives is served untouched while it answers.
    pub spare: bool,
}

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
    /// To be told that it is kept, or why not.
    pub kept: oneshot::Sender<Result<(), String>>,
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
    /// As it was, while no primary gives what is of use any longer: why.
    Failing(String),
    /// As it was, while no primary answers for longer than `refresh`: a spare judges by itself now.
    Overdue,
    /// As it was; a primary answers again, and the spare serves what it gives.
    Recovered,
}

/// What the task reads, and where it tells what comes.
pub struct Sources {
    /// Changes with a reload.
    pub settings: watch::Receiver<Settings>,
    /// What primaries tell.
    pub notified: mpsc::Receiver<Notified>,
    /// What operators want.
    pub orders: mpsc::Receiver<TransferOrder>,
    /// The zones that a former run left, and when they were the newest.
    pub known: HashMap<Name, (Arc<Zone>, UnixTime)>,
    /// Who keeps what comes, and serves it.
    pub arrived: mpsc::Sender<Arrived>,
    /// Numbers by chance.
    pub random: fn() -> [u8; 16],
    /// The counters.
    pub metrics: Metrics,
    /// Where the status of each zone is noted.
    pub ledger: Ledger,
    /// The clock.
    pub clock: Clock,
    /// Whose tasks the transfers are.
    pub tasks: Tasks,
}

/// One zone.
struct Row {
    schedule: Schedule,
    zone: Option<Arc<Zone>>,
    upstream: Upstream,
    /// Whether an order is open to take the whole zone, even if it is not newer; and whether the last query was for that.
    takes_any: bool,
    is_whole: bool,
    transferred: Option<UnixTime>,
    failed: Option<(UnixTime, String)>,
}

type Fetched = (Name, Result<Outcome, Vec<Failed>>);

/// A primary, and why it gave nothing that is of use.
type Failed = (SocketAddr, FetchError);

/// Asks for zones until its owner is stopped.
pub async fn run(mut sources: Sources) {
    let owner = sources.tasks.clone();
    let mut rows: BTreeMap<Name, Row> = BTreeMap::new();
    let mut running = owner.set::<Fetched>("transfer-in");
    let mut are_new = true;
    loop {
        if std::mem::take(&mut are_new) {
            sources.renew(&mut rows);
        }
        let now = sources.clock.now();
        for (origin, row) in &mut rows {
            if row.schedule.expires(now) {
                warn!(zone = %origin, "the zone has expired: no primary has given it for too long");
                sources.metrics.inbound("expired");
                row.zone = None;
                drop(sources.tell(origin, Arrival::Expired).await);
                sources.note(origin, row);
            }
            if row.schedule.becomes_overdue(now) && row.upstream.spare && row.zone.is_some() {
                warn!(zone = %origin, "no primary answers: the spare judges by itself");
                drop(sources.tell(origin, Arrival::Overdue).await);
            }
            if running.len() < AT_ONCE && row.schedule.begin(now) {
                sources.note(origin, row);
                let (origin, primaries) = (origin.clone(), row.upstream.primaries.clone());
                row.is_whole = row.takes_any;
                let zone = row.zone.clone().filter(|_| !row.is_whole);
                let context = FetchContext { clock: sources.clock, random: sources.random, limits: Limits::default() };
                running.spawn(async move { ask(origin, zone, primaries, context).await });
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
                        sources.note(&told.origin, row);
                    }
                }
            }
            Some(order) = sources.orders.recv() => sources.obey(&mut rows, order),
            changed = sources.settings.changed() => match changed {
                Ok(()) => are_new = true,
                Err(_) => return,
            },
        }
    }
}

/// Asks the primaries one after the other, until one gives an answer.
async fn ask(origin: Name, zone: Option<Arc<Zone>>, primaries: Vec<Primary>, context: FetchContext) -> Fetched {
    let mut errors = Vec::new();
    for primary in &primaries {
        match fetch(primary, &origin, zone.as_ref(), context).await {
            Ok(outcome) => return (origin, Ok(outcome)),
            Err(error) => {
                info!(zone = %origin, primary.addr = %primary.address, error = %Chain(&error), "no transfer from a primary");
                errors.push((primary.address, error));
            }
        }
    }
    (origin, Err(errors))
}

impl Sources {
    /// Takes zones in and lets zones go as the settings say.
    fn renew(&mut self, rows: &mut BTreeMap<Name, Row>) {
        let settings = self.settings.borrow_and_update().clone();
        rows.retain(|origin, _| {
            let stays = settings.contains_key(origin);
            if !stays {
                self.ledger.set_inbound(origin, None);
                self.metrics.forget(origin);
            }
            stays
        });
        let now = self.clock.now();
        for (origin, upstream) in settings {
            let row = rows.entry(origin.clone()).or_insert_with(|| {
                let known = self.known.remove(&origin);
                let times = known.as_ref().and_then(|(zone, at)| Some((Times::of(zone.soa())?, *at)));
                Row {
                    schedule: Schedule::new(times, now),
                    zone: known.map(|(zone, _)| zone),
                    upstream: Upstream::default(),
                    takes_any: false,
                    is_whole: false,
                    transferred: None,
                    failed: None,
                }
            });
            row.upstream = upstream;
            self.note(&origin, row);
        }
    }

    /// Does what an operator wants.
    fn obey(&self, rows: &mut BTreeMap<Name, Row>, order: TransferOrder) {
        let TransferOrder { origin, kind, reply } = order;
        let row = rows.get_mut(&origin);
        // Whoever asked may be gone.
        let _gone = reply.send(row.is_some());
        let Some(row) = row else { return };
        info!(zone = %origin, order = ?kind, "ordered");
        row.takes_any |= kind == OrderKind::Retransfer;
        row.schedule.ordered(self.clock.now());
        self.note(&origin, row);
    }

    async fn take(&self, rows: &mut BTreeMap<Name, Row>, origin: &Name, result: Result<Outcome, Vec<Failed>>) {
        let Some(row) = rows.get_mut(origin) else { return };
        let recovers = row.upstream.spare && row.schedule.is_overdue();
        let (zone, state, word) = match result {
            Ok(Outcome::New(zone)) => (Some(Arc::clone(&zone)), Arrival::New(zone), "new"),
            Ok(Outcome::Current) => (row.zone.clone(), Arrival::Current, "current"),
            // A stream that has not ended gives no outcome.
            Ok(Outcome::More) => return self.fail(row, origin, String::new()).await,
            Err(failed) => return self.fail(row, origin, reasons(&failed)).await,
        };
        let times = zone.as_ref().and_then(|zone| Times::of(zone.soa()));
        let kept = self.tell(origin, state).await;
        let (Some(zone), Some(times), Ok(())) = (zone, times, &kept) else {
            let reason = kept.err().unwrap_or_else(|| "it has no SOA".to_owned());
            return self.fail(row, origin, reason).await;
        };
        self.metrics.inbound(word);
        let (serial, now) = (zone.serial().0, self.clock.now());
        if word == "new" {
            info!(zone = %origin, serial, records = zone.record_count(), "transferred from a primary");
            row.transferred = Some(now.wall);
        } else {
            debug!(zone = %origin, serial, "the zone is the newest");
        }
        if recovers {
            info!(zone = %origin, "a primary answers again: the spare serves its zone");
            drop(self.tell(origin, Arrival::Recovered).await);
        }
        row.takes_any &= !row.is_whole;
        row.zone = Some(zone);
        row.schedule.succeeded(times, now);
        self.note(origin, row);
    }

    /// Notes that no primary gave what is of use; the first time in a row is an event.
    async fn fail(&self, row: &mut Row, origin: &Name, reason: String) {
        self.metrics.inbound("failed");
        let now = self.clock.now();
        row.schedule.failed(now);
        row.failed = Some((now.wall, reason.clone()));
        self.note(origin, row);
        if row.schedule.failures() == 1 {
            drop(self.tell(origin, Arrival::Failing(reason)).await);
        }
    }

    /// Notes how a zone stands.
    fn note(&self, origin: &Name, row: &Row) {
        let now = self.clock.now();
        let status = InboundStatus {
            primaries: row.upstream.primaries.iter().map(|primary| primary.address).collect(),
            serial: row.zone.as_ref().map(|zone| zone.serial()),
            transferred: row.transferred,
            refreshed: row.schedule.refreshed(),
            next: row.schedule.due().map(|due| now.wall + due.since(now.mono)),
            expires: row.schedule.expiry(),
            is_expired: row.schedule.is_expired(),
            failures: row.schedule.failures(),
            failed: row.failed.clone(),
        };
        self.metrics.stands(origin, &status);
        self.ledger.set_inbound(origin, Some(status));
    }

    /// Hands on what has become of a zone; fails if that cannot be kept.
    async fn tell(&self, origin: &Name, state: Arrival) -> Result<(), String> {
        let (kept, done) = oneshot::channel();
        let arrived = Arrived { origin: origin.clone(), state, kept };
        let stopped = || "the server stops".to_owned();
        self.arrived.send(arrived).await.map_err(|_| stopped())?;
        done.await.unwrap_or_else(|_| Err(stopped()))
    }
}

/// Returns why each primary gave nothing that is of use.
fn reasons(failed: &[Failed]) -> String {
    let texts = failed.iter().map(|(address, error)| format!("{address}: {}", Chain(error)));
    texts.collect::<Vec<_>>().join("; ")
}

impl fmt::Debug for Sources {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "sources of {} zones", self.settings.borrow().len())
    }
}

/// How many zones are fetched at once.
const AT_ONCE: usize = 8;
