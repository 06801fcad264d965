//! Limits on connections and on the memory they hold, in total and per client.
//!
//! Silent connections do not block new clients: a new connection is always accepted, and at the limit another one is
//! closed (RFC 7766 §6.2.3). Connections without any query are closed first, once they hold a quarter of the permits;
//! otherwise the connection whose last complete query is the oldest. At the limit of one client, one of its own
//! connections is closed.
//!
//! Memory for incomplete queries and unread answers counts against one budget. When it is exceeded, the connection that
//! holds the most is closed, of the client that holds the most.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::net::IpAddr;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::clock::Mono;
use super::prefix::IpPrefix;

/// The limits of connections.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// The most connections at once.
    pub all: u32,
    /// The most connections at once of one IPv4 address or one /64.
    pub per_client: u32,
    /// How long a connection is kept on which no whole query comes; a handshake may take as long.
    pub idle: Duration,
}

/// All connections of one kind; clones are the same.
#[derive(Clone, Debug)]
pub struct ConnectionLimiter {
    limits: Limits,
    budget: usize,
    rows: Arc<Mutex<Rows>>,
    /// The octets that all of them hold.
    held: Arc<AtomicUsize>,
}

/// The place of one connection; dropping it makes it free.
#[derive(Debug)]
pub struct Permit {
    number: u64,
    last: Arc<AtomicU64>,
    leave: CancellationToken,
    held: Arc<AtomicUsize>,
    limiter: ConnectionLimiter,
}

/// Octets that a connection holds; dropping it gives them back.
#[derive(Debug)]
pub struct Held {
    octets: usize,
    counts: [Arc<AtomicUsize>; 2],
}

#[derive(Debug, Default)]
struct Rows {
    rows: HashMap<u64, ClientRow>,
    /// Each connection with the activity that was known when it was put here: the real one is as late or later. Those
    /// that have never asked stand first.
    order: BTreeSet<(u64, u64)>,
    clients: BTreeMap<IpAddr, Vec<u64>>,
    /// How many have never asked.
    silent: usize,
    next: u64,
}

#[derive(Debug)]
struct ClientRow {
    client: IpAddr,
    /// The activity by which it stands in the order.
    known: u64,
    /// When its last whole query came, in milliseconds, with [`ASKED`]; when it was let in, if none came.
    last: Arc<AtomicU64>,
    held: Arc<AtomicUsize>,
    leave: CancellationToken,
}

impl ConnectionLimiter {
    /// Makes room for nobody yet; they may hold as much as they like.
    pub fn new(limits: Limits) -> Self {
        Self { limits, budget: usize::MAX, rows: Arc::default(), held: Arc::default() }
    }

    /// Sets how many octets all connections may hold.
    #[must_use]
    pub fn with_budget(self, octets: usize) -> Self {
        Self { budget: octets, ..self }
    }

    /// Returns the limits.
    pub const fn limits(&self) -> Limits {
        self.limits
    }

    /// Gives a connection its place; at a limit another one is told to leave.
    pub fn admit(&self, address: IpAddr, now: Mono) -> Permit {
        let client = client_of(address);
        let all = usize::try_from(self.limits.all).unwrap_or(usize::MAX);
        let row = ClientRow {
            client,
            known: millis(now),
            last: Arc::new(AtomicU64::new(millis(now))),
            held: Arc::default(),
            leave: CancellationToken::new(),
        };
        let (last, held, leave) = (Arc::clone(&row.last), Arc::clone(&row.held), row.leave.clone());
        let mut rows = self.rows();
        let own = rows.clients.get(&client).map_or(0, Vec::len);
        if own >= usize::try_from(self.limits.per_client).unwrap_or(usize::MAX) {
            rows.evict_of(client);
        } else if rows.rows.len() >= all {
            rows.make_room(all);
        }
        let number = rows.add(row);
        drop(rows);
        Permit { number, last, leave, held, limiter: self.clone() }
    }

    /// Tells one connection to leave: the process has no file descriptors left.
    pub fn make_room(&self) {
        self.rows().make_room(0);
    }

    /// Returns how many there are.
    pub fn len(&self) -> usize {
        self.rows().rows.len()
    }

    /// Returns whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Returns how many octets they hold.
    pub fn held(&self) -> usize {
        self.held.load(Ordering::Relaxed)
    }

    fn rows(&self) -> MutexGuard<'_, Rows> {
        self.rows.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Permit {
    /// Notes that a whole query came.
    pub fn touch(&self, now: Mono) {
        let before = self.last.swap(ASKED | millis(now), Ordering::Relaxed);
        if before & ASKED == 0 {
            self.limiter.rows().has_asked(self.number);
        }
    }

    /// Returns how long ago the last whole query came.
    pub fn idle_for(&self, now: Mono) -> Duration {
        Duration::from_millis(millis(now).saturating_sub(self.last.load(Ordering::Relaxed) & !ASKED))
    }

    /// Counts octets against the budget until what is returned is dropped. If there are too many, those who hold the most
    /// are told to leave; this may be one of them.
    pub fn hold(&self, octets: usize) -> Held {
        let counts = [Arc::clone(&self.held), Arc::clone(&self.limiter.held)];
        let held = Held { octets, counts };
        let [_, all] = held.counts.each_ref().map(|count| count.fetch_add(octets, Ordering::Relaxed) + octets);
        if all > self.limiter.budget {
            self.limiter.rows().evict_beyond(self.limiter.budget);
        }
        held
    }

    /// Waits until the connection is told to leave.
    pub async fn evicted(&self) {
        self.leave.cancelled().await;
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        self.limiter.rows().remove(self.number);
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        for count in &self.counts {
            count.fetch_sub(self.octets, Ordering::Relaxed);
        }
    }
}

impl Rows {
    fn add(&mut self, row: ClientRow) -> u64 {
        let number = self.next;
        self.next += 1;
        self.order.insert((row.known, number));
        self.clients.entry(row.client).or_default().push(number);
        self.silent += 1;
        self.rows.insert(number, row);
        number
    }

    fn remove(&mut self, number: u64) -> Option<ClientRow> {
        let row = self.rows.remove(&number)?;
        self.order.remove(&(row.known, number));
        self.silent -= usize::from(row.known & ASKED == 0);
        if let Some(numbers) = self.clients.get_mut(&row.client) {
            numbers.retain(|known| *known != number);
            if numbers.is_empty() {
                self.clients.remove(&row.client);
            }
        }
        Some(row)
    }

    /// Moves a connection from those that have never asked to the others.
    fn has_asked(&mut self, number: u64) {
        let Some(row) = self.rows.get_mut(&number).filter(|row| row.known & ASKED == 0) else { return };
        self.order.remove(&(row.known, number));
        row.known = row.last.load(Ordering::Relaxed);
        self.order.insert((row.known, number));
        self.silent -= 1;
    }

    fn evict(&mut self, number: u64) {
        if let Some(row) = self.remove(number) {
            row.leave.cancel();
        }
    }

    /// Tells one to leave, of so many places: who has never asked, if such have a quarter of them, so that new clients
    /// have a while to ask; else the longest idle.
    fn make_room(&mut self, places: usize) {
        if self.silent * SILENT_SHARE < places {
            self.evict_idle();
        } else if let Some(&(_, number)) = self.order.first() {
            self.evict(number);
        }
    }

    /// Tells the longest idle of those to leave that have asked; without one, the oldest.
    fn evict_idle(&mut self) {
        while let Some(&(known, number)) = self.order.range((ASKED, 0)..).next() {
            let Some(row) = self.rows.get_mut(&number) else { break };
            let last = row.last.load(Ordering::Relaxed);
            if last == known {
                return self.evict(number);
            }
            // It has asked since: it stands further behind. Each query pays for one such move at most.
            row.known = last;
            self.order.remove(&(known, number));
            self.order.insert((last, number));
        }
        if let Some(&(_, number)) = self.order.first() {
            self.evict(number);
        }
    }

    fn evict_of(&mut self, client: IpAddr) {
        let numbers = self.clients.get(&client).into_iter().flatten();
        let last = |number: &u64| self.rows.get(number).map(|row| row.last.load(Ordering::Relaxed));
        if let Some(number) = numbers.min_by_key(|number| last(number)).copied() {
            self.evict(number);
        }
    }

    /// Tells those to leave that hold the most, until the others hold no more than so many octets.
    fn evict_beyond(&mut self, octets: usize) {
        let held = |number: &u64| self.rows.get(number).map_or(0, |row| row.held.load(Ordering::Relaxed));
        let of_client = |numbers: &Vec<u64>| numbers.iter().map(held).sum::<usize>();
        let mut clients: Vec<(usize, IpAddr)> =
            self.clients.iter().map(|(client, numbers)| (of_client(numbers), *client)).collect();
        let mut all: usize = clients.iter().map(|(held, _)| held).sum();
        let mut leave = Vec::new();
        while all > octets {
            let Some(place) = clients.iter_mut().max() else { break };
            let numbers = self.clients.get(&place.1).into_iter().flatten();
            let left = numbers.filter(|number| !leave.contains(*number)).map(|number| (held(number), *number));
            // What nobody holds any more has been given back meanwhile.
            let Some((most, number)) = left.max().filter(|(most, _)| *most > 0) else { break };
            leave.push(number);
            all = all.saturating_sub(most);
            place.0 = place.0.saturating_sub(most);
        }
        leave.into_iter().for_each(|number| self.evict(number));
    }
}

/// Returns what counts as one client: who has one IPv6 address has its whole /64.
pub fn client_of(address: IpAddr) -> IpAddr {
    IpPrefix::around(address.to_canonical(), 32, 64).first()
}

fn millis(now: Mono) -> u64 {
    u64::try_from(now.since_start().as_millis()).unwrap_or(u64::MAX) & !ASKED
}

/// Marks the activity of those that have asked; they stand behind the others.
const ASKED: u64 = 1 << 63;
/// One of so many places is for those that have never asked.
const SILENT_SHARE: usize = 4;

#[cfg(test)]
#[expect(clippy::indexing_slicing, reason = "the lists are the test's own")]
mod tests {
    use super::*;

    fn limiter(all: u32, per_client: u32) -> ConnectionLimiter {
        let limits = Limits { all, per_client, idle: Duration::from_secs(10) };
        ConnectionLimiter::new(limits)
    }

    fn at(millis: u64) -> Mono {
        Mono::START + Duration::from_millis(millis)
    }

    fn address(host: u8) -> IpAddr {
        [127, 0, 0, host].into()
    }

    #[test]
    fn the_longest_idle_connection_makes_room_and_never_the_new_one() {
        let limiter = limiter(3, 3);
        let admit = |host, millis| limiter.admit(address(host), at(millis));
        let (first, second, third) = (admit(1, 0), admit(2, 1), admit(3, 2));
        first.touch(at(50));
        let fourth = admit(4, 60);
        assert!(second.leave.is_cancelled() && limiter.len() == 3);
        assert!(![&first, &third, &fourth].iter().any(|permit| permit.leave.is_cancelled()));
        drop(second);
        assert_eq!(limiter.len(), 3, "who was told to leave has lost its place already");
        let _fifth = admit(5, 70);
        assert!(third.leave.is_cancelled() && !first.leave.is_cancelled());
        let _sixth = admit(6, 80);
        assert!(fourth.leave.is_cancelled() && !first.leave.is_cancelled(), "who has asked outlives who never did");
    }

    #[test]
    fn who_never_asked_makes_room_before_who_works_and_has_a_quarter_of_the_places() {
        let limiter = limiter(40, 40);
        let working: Vec<Permit> = (0..30).map(|host| limiter.admit(address(host), at(u64::from(host)))).collect();
        working.iter().for_each(|permit| permit.touch(at(100)));
        // They work once in 5 s, while 300 a second come and say nothing.
        let mut silent = Vec::new();
        for number in 0..3_000_u64 {
            let now = 200 + number * 10 / 3;
            if number % 1_500 == 0 {
                working.iter().for_each(|permit| permit.touch(at(now)));
            }
            silent.push(limiter.admit([10, 0, number.to_be_bytes()[6], number.to_be_bytes()[7]].into(), at(now)));
        }
        assert!(!working.iter().any(|permit| permit.leave.is_cancelled()));
        let left = silent.iter().rev().take(10).filter(|permit| !permit.leave.is_cancelled());
        assert_eq!((left.count(), limiter.len()), (10, 40), "the last to come are there yet");
        // Where few are silent, the longest idle makes room: new clients have a while to ask.
        drop(silent);
        let late = limiter.admit(address(50), at(20_000));
        let asking: Vec<Permit> = (51..60).map(|host| limiter.admit(address(host), at(20_000))).collect();
        asking.iter().for_each(|permit| permit.touch(at(20_001)));
        let _new = limiter.admit(address(99), at(20_002));
        assert!(!late.leave.is_cancelled() && working[0].leave.is_cancelled() && limiter.len() == 40);
    }

    #[test]
    fn beyond_the_budget_the_client_leaves_that_holds_the_most() {
        let limiter = limiter(100, 100).with_budget(1_000);
        let one = limiter.admit(address(1), at(0));
        let _small = one.hold(300);
        let crowd: Vec<Permit> = (0..4).map(|_| limiter.admit(address(2), at(0))).collect();
        let mut held: Vec<Held> = crowd.iter().map(|permit| permit.hold(150)).collect();
        assert_eq!((limiter.held(), limiter.len()), (900, 5));
        held.push(crowd[3].hold(200));
        assert!(crowd[3].leave.is_cancelled() && limiter.len() == 4, "its client holds the most, and it of its client");
        assert!(!one.leave.is_cancelled());
        drop((held, _small));
        assert_eq!(limiter.held(), 0);
    }

    #[test]
    fn a_client_at_its_limit_loses_its_own_oldest_connection() {
        let limiter = limiter(100, 2);
        let other = limiter.admit(address(9), at(0));
        let first = limiter.admit(address(1), at(1));
        let second = limiter.admit(address(1), at(2));
        first.touch(at(3));
        let third = limiter.admit(address(1), at(4));
        assert!(second.leave.is_cancelled() && limiter.len() == 3);
        assert!(![&other, &first, &third].iter().any(|permit| permit.leave.is_cancelled()));
        let (one, two): (IpAddr, IpAddr) = ("2001:db8::1".parse().unwrap(), "2001:db8::ffff".parse().unwrap());
        let held: Vec<Permit> = [one, two, two].map(|ip| limiter.admit(ip, at(5))).into();
        assert!(held[0].leave.is_cancelled(), "a /64 is one client");
        drop((held, other, first, second, third));
        assert!(limiter.is_empty() && limiter.rows().clients.is_empty() && limiter.rows().order.is_empty());
    }
}
