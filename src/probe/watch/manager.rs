//! All held connections: to which endpoints, how many, and the reaction to their events.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;
use tracing::{info, warn};

use super::connection::{ConnEvent, Connection, EventSender, News};
use super::held::{Act, HeldConnection, Number};
use super::metrics::Metrics;
use super::{HoldSpec, PING_EVERY, Place, Times};
use crate::base::clock::{Clock, Mono};
use crate::base::hash::StableHash;
use crate::base::table::Table;
use crate::base::tasks::Tasks;
use crate::base::timers::Timers;
use crate::health::TargetId;
use crate::probe::schedule::Schedule;
use crate::probe::{ProbeContext, Spec};

/// What the keeper needs.
#[derive(Clone, Debug)]
pub(in crate::probe) struct Deps {
    /// The owner of its tasks.
    pub(in crate::probe) tasks: Tasks,
    /// The clock.
    pub(in crate::probe) clock: Clock,
    /// What all probes share.
    pub(in crate::probe) context: Arc<ProbeContext>,
    /// What is counted.
    pub(in crate::probe) metrics: Metrics,
    /// The most places where a connection is held; each takes one descriptor, and another one while it is renewed.
    pub(in crate::probe) limit: usize,
    /// The times by which connections are held.
    pub(in crate::probe) times: Times,
}

/// All that is held.
#[derive(Debug)]
pub(in crate::probe) struct WatchManager {
    deps: Deps,
    rows: BTreeMap<Place, PlaceRow>,
    /// The place of each target that is watched.
    places: Table<TargetId, Option<Place>>,
    /// When a place wants to be looked after.
    timers: Timers<Place>,
    /// Places with something to do.
    touched: BTreeSet<Place>,
    events: mpsc::Receiver<ConnEvent>,
    sender: mpsc::Sender<ConnEvent>,
    counts: Counts,
    told_limit: bool,
}

/// What the engine is to be told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::probe) enum WatchEvent {
    /// Something happened there: every target on the address is to be probed at once.
    Broke(SocketAddr, &'static str),
    /// The server there says that it is leaving; these are its targets.
    Leaving(Vec<TargetId>),
}

/// What a setup wants held at one place, and what is.
#[derive(Debug)]
struct PlaceRow {
    hold_spec: Arc<HoldSpec>,
    longest: Duration,
    timeout: Duration,
    targets: Vec<TargetId>,
    /// Nothing until a probe passes there.
    hold: Option<Box<Hold>>,
}

/// What is held at one place, or was.
#[derive(Debug)]
struct Hold {
    connection: HeldConnection,
    /// The connections, opened or being opened; a dropped link closes its own.
    links: BTreeMap<Number, mpsc::Sender<()>>,
    /// A connection that is to be opened once the address had few enough starts.
    put_off: Option<(Mono, Number)>,
    /// What it was counted as.
    counted: Counts,
}

/// How many places are so.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Counts {
    /// Connections, opened or being opened; of a place that is renewed one.
    open: usize,
    /// Connections that stand; of a place that is renewed one.
    held: usize,
    /// Places given up for a while, or not held as too many are.
    unheld: usize,
}

/// How many letters may wait; a connection waits when it is full.
const POST: usize = 256;

impl WatchManager {
    /// Begins with nothing held.
    pub(in crate::probe) fn new(deps: Deps) -> Self {
        let (sender, events) = mpsc::channel(POST);
        Self {
            deps,
            rows: BTreeMap::new(),
            places: Table::new(),
            timers: Timers::new(),
            touched: BTreeSet::new(),
            events,
            sender,
            counts: Counts::default(),
            told_limit: false,
        }
    }

    /// Takes the targets of a new setup. What is held in the same manner is held on; the rest is closed.
    pub(in crate::probe) fn replace(&mut self, targets: &Table<TargetId, Option<Arc<Spec>>>) {
        let mut before = std::mem::take(&mut self.rows);
        self.timers.clear();
        self.touched.clear();
        self.counts = Counts::default();
        self.places = targets.iter().map(|(_, spec)| spec.as_ref().and_then(|spec| place(spec))).collect();
        self.rows = wishes(targets);
        for (place, row) in &mut self.rows {
            let kept = before.remove(place).filter(|was| was.hold_spec == row.hold_spec && was.longest == row.longest);
            row.hold = kept.and_then(|was| was.hold);
            if let Some(hold) = &mut row.hold {
                hold.counted = Counts::default();
                self.touched.insert(*place);
            }
        }
    }

    /// Takes in that a probe of a target passed.
    pub(in crate::probe) fn passed(&mut self, target: TargetId, now: Mono) {
        let Some(place) = self.places.get(target).copied().flatten() else { return };
        let Some(row) = self.rows.get_mut(&place) else { return };
        let new = || Box::new(Hold::new(place, row.longest, row.hold_spec.pings, &self.deps.times));
        if row.hold.get_or_insert_with(new).connection.passed(now) {
            self.touched.insert(place);
        }
    }

    /// Takes in that a probe of a target failed.
    pub(in crate::probe) fn failed(&mut self, target: TargetId) {
        let Some(place) = self.places.get(target).copied().flatten() else { return };
        if let Some(hold) = self.hold(place) {
            hold.connection.failed();
        }
    }

    /// Returns whether a connection to a target stands.
    pub(in crate::probe) fn holds(&self, target: TargetId) -> bool {
        let place = self.places.get(target).copied().flatten();
        let row = place.and_then(|place| self.rows.get(&place));
        row.and_then(|row| row.hold.as_ref()).is_some_and(|hold| hold.connection.is_held())
    }

    /// Returns when [`WatchManager::work`] wants to be called, if ever.
    pub(in crate::probe) fn next(&self) -> Option<Mono> {
        self.timers.next()
    }

    /// Waits for what becomes of a connection.
    ///
    /// # Cancel safety
    ///
    /// It may be dropped and called again; no letter is lost.
    pub(in crate::probe) async fn event(&mut self) -> Option<ConnEvent> {
        self.events.recv().await
    }

    /// Takes in what became of a connection.
    pub(in crate::probe) fn read(&mut self, ConnEvent { place, number, news }: ConnEvent, now: Mono) {
        let row = self.rows.get_mut(&place).and_then(|row| row.hold.as_mut());
        let Some(hold) = row.filter(|hold| hold.links.contains_key(&number)) else { return };
        match news {
            News::Opened => hold.connection.opened(number, now),
            News::Ponged => hold.connection.ponged(number),
            News::Refused(end) => {
                hold.links.remove(&number);
                hold.connection.refused(number, end, now);
            }
            News::Unable(cause) => {
                hold.links.remove(&number);
                hold.connection.unable(number, now);
                warn!(cause, "no connection can be held open: a fault of this machine; probed on");
            }
            News::Ended(end) => {
                hold.links.remove(&number);
                self.deps.metrics.ended(hold.connection.ended(number, end, now));
            }
        }
        self.touched.insert(place);
    }

    /// Does what is due, and returns what the engine is to be told. Opening a connection counts as a start on its
    /// address.
    pub(in crate::probe) fn work(&mut self, schedule: &mut Schedule, now: Mono) -> Vec<WatchEvent> {
        let mut told = Vec::new();
        while let Some((_, place)) = self.timers.take_due(now) {
            if let Some(hold) = self.rows.get_mut(&place).and_then(|row| row.hold.as_mut()) {
                self.deps.metrics.ended(hold.connection.due(now));
                self.touched.insert(place);
            }
        }
        while let Some(place) = self.touched.pop_first() {
            self.look_after(place, schedule, now, &mut told);
        }
        told
    }

    fn look_after(&mut self, place: Place, schedule: &mut Schedule, now: Mono, told: &mut Vec<WatchEvent>) {
        let Some(hold) = self.hold(place) else { return };
        if let Some((_, number)) = hold.put_off.take_if(|(at, _)| *at <= now) {
            self.open(place, number, schedule, now);
        }
        while let Some(act) = self.hold(place).and_then(|hold| hold.connection.poll()) {
            let Some(row) = self.rows.get_mut(&place) else { return };
            let Some(hold) = &mut row.hold else { return };
            match act {
                Act::Open(number) => self.open(place, number, schedule, now),
                Act::Close(number) => drop(hold.links.remove(&number)),
                Act::Renewed(number) => {
                    hold.links.remove(&number);
                    self.deps.metrics.renewed();
                }
                // A ping that finds another one waiting is as good as that.
                Act::Ping(number) => drop(hold.links.get(&number).map(|link| link.try_send(()))),
                Act::Wake(why) => told.push(WatchEvent::Broke(place.0, why)),
                Act::Rest(rest) => {
                    let secs = rest.as_secs();
                    info!(peer.addr = %place.0, secs, "connections break though the server is well: none is held there for a while");
                }
                Act::Leaving => told.push(WatchEvent::Leaving(row.targets.clone())),
            }
        }
        self.count(place, now);
        self.set_timer(place);
    }

    /// Opens a connection, if there may be one more; later, if the address had its starts.
    fn open(&mut self, place: Place, number: Number, schedule: &mut Schedule, now: Mono) {
        let Some(row) = self.rows.get_mut(&place) else { return };
        let Some(hold) = &mut row.hold else { return };
        if hold.counted.open == 0 && self.counts.open >= self.deps.limit {
            if !std::mem::replace(&mut self.told_limit, true) {
                let limit = self.deps.limit;
                warn!(limit, "more targets than connections may be held open: the others are only probed");
            }
            hold.connection.unable(number, now);
            return;
        }
        if let Err(at) = schedule.begin_other(place.0.ip(), now) {
            hold.put_off = Some((at, number));
            return;
        }
        let (link, pings) = mpsc::channel(1);
        hold.links.insert(number, link);
        let connection = Connection {
            address: place.0,
            hold_spec: Arc::clone(&row.hold_spec),
            timeout: row.timeout,
            clock: self.deps.clock,
            context: Arc::clone(&self.deps.context),
        };
        let sender = EventSender { place, number, way: self.sender.clone() };
        drop(self.deps.tasks.spawn("held-connection", connection.keep(pings, sender)));
    }

    fn set_timer(&mut self, place: Place) {
        let Some(hold) = self.hold(place) else { return };
        let next = hold.connection.next().into_iter().chain(hold.put_off.map(|(at, _)| at)).min();
        self.timers.set(place, next);
    }

    /// Counts a place anew.
    fn count(&mut self, place: Place, now: Mono) {
        let Some(hold) = self.hold(place) else { return };
        let new = Counts {
            open: usize::from(!hold.links.is_empty()),
            held: usize::from(hold.connection.is_held()),
            unheld: usize::from(hold.connection.is_resting(now)),
        };
        let old = std::mem::replace(&mut hold.counted, new);
        if old != new {
            self.counts = self.counts.without(old).with(new);
            self.deps.metrics.measure(self.counts.held, self.counts.unheld);
        }
    }

    fn hold(&mut self, place: Place) -> Option<&mut Hold> {
        self.rows.get_mut(&place)?.hold.as_deref_mut()
    }
}

impl Counts {
    fn with(self, other: Self) -> Self {
        Self { open: self.open + other.open, held: self.held + other.held, unheld: self.unheld + other.unheld }
    }

    /// Takes away what was counted before.
    fn without(self, other: Self) -> Self {
        let (open, held) = (self.open.saturating_sub(other.open), self.held.saturating_sub(other.held));
        Self { open, held, unheld: self.unheld.saturating_sub(other.unheld) }
    }
}

impl Hold {
    fn new(place: Place, longest: Duration, pings: bool, times: &Times) -> Self {
        let (address, transport) = place;
        let key = StableHash::new(b"understudy watch").octets(transport.as_bytes());
        let seed = key.last(address.to_string().as_bytes()).finish();
        let ping_every = pings.then_some(PING_EVERY);
        Self {
            connection: HeldConnection::new(Times { longest, ping_every, ..*times }, seed),
            links: BTreeMap::new(),
            put_off: None,
            counted: Counts::default(),
        }
    }
}

/// Finds out what a setup wants held. Of several manners at one place the first counts that does more than connect.
fn wishes(targets: &Table<TargetId, Option<Arc<Spec>>>) -> BTreeMap<Place, PlaceRow> {
    let mut wishes: BTreeMap<Place, PlaceRow> = BTreeMap::new();
    // Most are like the one before.
    let mut last = Arc::<HoldSpec>::default();
    for (id, spec) in targets.iter() {
        let Some(spec) = spec else { continue };
        let (Some(place), Some(hold_spec), Some(watch)) = (place(spec), spec.check.hold_spec(), spec.watch) else {
            continue;
        };
        if *last != hold_spec {
            last = Arc::new(hold_spec);
        }
        let (longest, timeout) = (watch.longest, spec.timeout);
        let hold_spec = || Arc::clone(&last);
        let new = || PlaceRow { hold_spec: hold_spec(), longest, timeout, targets: Vec::with_capacity(1), hold: None };
        let row = wishes.entry(place).or_insert_with(new);
        if *row.hold_spec == HoldSpec::default() {
            row.hold_spec = hold_spec();
        }
        row.targets.push(id);
    }
    wishes
}

/// Returns where a connection is held for a target; nothing if it is not watched.
fn place(spec: &Spec) -> Option<Place> {
    spec.watch.zip(spec.check.hold_spec()).map(|_| (spec.address, spec.check.transport()))
}
