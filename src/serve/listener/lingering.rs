//! Who may begin a QUIC handshake while connections that have ended still hold memory.
//!
//! quinn keeps a connection for three times its probe timeout after its end (RFC 9000 §10.2): 3 s if its handshake failed,
//! longer if its client says that it is slow to acknowledge. A first packet that ends its own connection needs no
//! address, and connections that end at once count against no limit of open ones. So those that linger have limits of
//! their own.

use std::collections::{HashMap, VecDeque};
use std::net::IpAddr;
use std::time::Duration;

use crate::base::clock::Mono;
use crate::base::connections::client_of;

/// What is to be done with a new client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Admission {
    /// Its handshake may begin.
    Begin,
    /// It has to show that its address is its own first.
    Retry,
    /// There is no room for it.
    Refuse,
}

/// Whose connections have ended lately, the oldest first.
#[derive(Debug, Default)]
pub(super) struct Departures {
    recent: VecDeque<(Mono, IpAddr)>,
    of_client: HashMap<IpAddr, usize>,
}

impl Departures {
    /// Notes that a connection of a client has ended.
    pub(super) fn note(&mut self, client: IpAddr, now: Mono) {
        self.forget(now);
        if self.recent.len() >= REMEMBERED {
            self.forget_oldest();
        }
        let client = client_of(client);
        self.recent.push_back((now, client));
        *self.of_client.entry(client).or_default() += 1;
    }

    /// Returns what is to be done with a client, while so many handshakes are under way and so many connections linger.
    pub(super) fn admit(
        &mut self,
        client: IpAddr,
        is_proven: bool,
        half_open: usize,
        lingering: usize,
        now: Mono,
    ) -> Admission {
        self.forget(now);
        let is_frequent = || self.of_client.get(&client_of(client)).is_some_and(|ended| *ended >= FREQUENT);
        match is_proven {
            false if half_open >= HALF_OPEN_FREE || lingering >= LINGERING_FREE => Admission::Retry,
            _ if lingering >= LINGERING_MOST || lingering >= LINGERING_MANY && is_frequent() => Admission::Refuse,
            _ => Admission::Begin,
        }
    }

    fn forget(&mut self, now: Mono) {
        while self.recent.front().is_some_and(|(ended, _)| now.since(*ended) > LATELY) {
            self.forget_oldest();
        }
    }

    fn forget_oldest(&mut self) {
        let Some((_, client)) = self.recent.pop_front() else { return };
        if let Some(ended) = self.of_client.get_mut(&client) {
            *ended -= 1;
            if *ended == 0 {
                self.of_client.remove(&client);
            }
        }
    }
}

/// Unfinished handshakes, and connections that linger, from which on clients have to prove their address first.
const HALF_OPEN_FREE: usize = 32;
const LINGERING_FREE: usize = 128;
/// Connections that linger from which on those have to wait whose connections end often, and from which on all have to: 27 KiB
/// each.
const LINGERING_MANY: usize = 256;
const LINGERING_MOST: usize = 512;
/// How many connections of a client that end within a minute are often.
const FREQUENT: usize = 32;
const LATELY: Duration = Duration::from_secs(60);
/// How many ends are remembered.
const REMEMBERED: usize = 4_096;

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Mono = Mono::START;

    fn client(number: u16) -> IpAddr {
        let [high, low] = number.to_be_bytes();
        [127, 0, high, low].into()
    }

    #[test]
    fn who_comes_while_many_connections_linger_shows_its_address_first() {
        let mut departures = Departures::default();
        let mut admit =
            |is_proven, half_open, lingering| departures.admit(client(1), is_proven, half_open, lingering, NOW);
        assert_eq!(admit(false, HALF_OPEN_FREE - 1, LINGERING_FREE - 1), Admission::Begin);
        assert_eq!(admit(false, HALF_OPEN_FREE, 0), Admission::Retry);
        assert_eq!(admit(false, 0, LINGERING_FREE), Admission::Retry);
        assert_eq!(admit(false, 0, LINGERING_MOST), Admission::Retry, "a forger gets no more than that");
        assert_eq!(admit(true, HALF_OPEN_FREE, LINGERING_MOST - 1), Admission::Begin);
        assert_eq!(admit(true, 0, LINGERING_MOST), Admission::Refuse);
    }

    #[test]
    fn whose_connections_end_often_waits_before_others() {
        let mut departures = Departures::default();
        (0..FREQUENT).for_each(|_| departures.note(client(1), NOW));
        (1..FREQUENT).for_each(|_| departures.note(client(2), NOW));
        let admit = |departures: &mut Departures, number, lingering, now| {
            departures.admit(client(number), true, 0, lingering, now)
        };
        assert_eq!(admit(&mut departures, 1, LINGERING_MANY - 1, NOW), Admission::Begin, "there is room");
        assert_eq!(admit(&mut departures, 1, LINGERING_MANY, NOW), Admission::Refuse);
        assert_eq!(admit(&mut departures, 2, LINGERING_MANY, NOW), Admission::Begin);
        assert_eq!(admit(&mut departures, 3, LINGERING_MANY, NOW), Admission::Begin);
        let later = NOW + LATELY + Duration::from_millis(1);
        assert_eq!(admit(&mut departures, 1, LINGERING_MANY, later), Admission::Begin, "that is long ago");
        assert!(departures.recent.is_empty() && departures.of_client.is_empty());
    }

    #[test]
    fn only_so_many_ends_are_remembered() {
        let mut departures = Departures::default();
        (0..5_000).for_each(|number| departures.note(client(number), NOW));
        assert_eq!((departures.recent.len(), departures.of_client.len()), (REMEMBERED, REMEMBERED));
        assert!(!departures.of_client.contains_key(&client(0)));
    }
}
