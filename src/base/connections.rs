//! How many connections there are: so many in all, so many of one client. The longest idle one makes room.
//!
//! Who opens connections and says nothing keeps nobody out: a new client is always let in, and the connection whose last
//! whole query is the longest ago is told to leave (RFC 7766 §6.2.3). Beyond the limit of one client its own makes room.

use std::collections::{BTreeSet, HashMap};
use std::net::IpAddr;
use std::sync::atomic::{AtomicU64, Ordering};
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
    rows: Arc<Mutex<Rows>>,
}

/// The place of one connection; dropping it makes it free.
#[derive(Debug)]
pub struct Permit {
    number: u64,
    last: Arc<AtomicU64>,
    leave: CancellationToken,
    limiter: ConnectionLimiter,
}

#[derive(Debug, Default)]
struct Rows {
    rows: HashMap<u64, Row>,
    /// Each connection with the activity that was known when it was put here: the real one is as late or later.
    order: BTreeSet<(u64, u64)>,
    clients: HashMap<IpAddr, Vec<u64>>,
    next: u64,
}

#[derive(Debug)]
struct Row {
    client: IpAddr,
    /// The activity by which it stands in the order.
    known: u64,
    /// When its last whole query came, in milliseconds.
    last: Arc<AtomicU64>,
    leave: CancellationToken,
}

impl ConnectionLimiter {
    /// Makes room for nobody yet.
    pub fn new(limits: Limits) -> Self {
        Self { limits, rows: Arc::default() }
    }

    /// Returns the limits.
    pub const fn limits(&self) -> Limits {
        self.limits
    }

    /// Gives a connection its place; at a limit another one is told to leave.
    pub fn admit(&self, address: IpAddr, now: Mono) -> Permit {
        let client = client_of(address);
        let last = Arc::new(AtomicU64::new(millis(now)));
        let leave = CancellationToken::new();
        let mut rows = self.rows();
        let own = rows.clients.get(&client).map_or(0, Vec::len);
        if own >= usize::try_from(self.limits.per_client).unwrap_or(usize::MAX) {
            rows.evict_of(client);
        } else if rows.rows.len() >= usize::try_from(self.limits.all).unwrap_or(usize::MAX) {
            rows.evict_oldest();
        }
        let number = rows.add(client, millis(now), &last, &leave);
        drop(rows);
        Permit { number, last, leave, limiter: self.clone() }
    }

    /// Tells the longest idle connection to leave: the process has no file descriptors left.
    pub fn make_room(&self) {
        self.rows().evict_oldest();
    }

    /// Returns how many there are.
    pub fn len(&self) -> usize {
        self.rows().rows.len()
    }

    /// Returns whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn rows(&self) -> MutexGuard<'_, Rows> {
        self.rows.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Permit {
    /// Notes that a whole query came.
    pub fn touch(&self, now: Mono) {
        self.last.store(millis(now), Ordering::Relaxed);
    }

    /// Returns how long ago the last whole query came.
    pub fn idle_for(&self, now: Mono) -> Duration {
        Duration::from_millis(millis(now).saturating_sub(self.last.load(Ordering::Relaxed)))
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

impl Rows {
    fn add(&mut self, client: IpAddr, known: u64, last: &Arc<AtomicU64>, leave: &CancellationToken) -> u64 {
        let number = self.next;
        self.next += 1;
        self.order.insert((known, number));
        self.clients.entry(client).or_default().push(number);
        self.rows.insert(number, Row { client, known, last: Arc::clone(last), leave: leave.clone() });
        number
    }

    fn remove(&mut self, number: u64) -> Option<Row> {
        let row = self.rows.remove(&number)?;
        self.order.remove(&(row.known, number));
        if let Some(numbers) = self.clients.get_mut(&row.client) {
            numbers.retain(|known| *known != number);
            if numbers.is_empty() {
                self.clients.remove(&row.client);
            }
        }
        Some(row)
    }

    fn evict(&mut self, number: u64) {
        if let Some(row) = self.remove(number) {
            row.leave.cancel();
        }
    }

    fn evict_oldest(&mut self) {
        while let Some((known, number)) = self.order.pop_first() {
            let Some(row) = self.rows.get_mut(&number) else { continue };
            let last = row.last.load(Ordering::Relaxed);
            if last == known {
                return self.evict(number);
            }
            // It has asked since: it stands further behind. Each query pays for one such move at most.
            row.known = last;
            self.order.insert((last, number));
        }
    }

    fn evict_of(&mut self, client: IpAddr) {
        let numbers = self.clients.get(&client).into_iter().flatten();
        let last = |number: &u64| self.rows.get(number).map(|row| row.last.load(Ordering::Relaxed));
        if let Some(number) = numbers.min_by_key(|number| last(number)).copied() {
            self.evict(number);
        }
    }
}

/// Returns what counts as one client: who has one IPv6 address has its whole /64.
fn client_of(address: IpAddr) -> IpAddr {
    IpPrefix::around(address.to_canonical(), 32, 64).first()
}

fn millis(now: Mono) -> u64 {
    u64::try_from(now.since_start().as_millis()).unwrap_or(u64::MAX)
}

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
        assert!(first.leave.is_cancelled() && !fourth.leave.is_cancelled());
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
