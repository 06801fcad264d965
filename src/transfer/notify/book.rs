//! Who is to be told of which version, and who has answered: pure.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use crate::base::clock::Mono;
use crate::transfer::Key;
use crate::transfer::tsig::Verifier;
use crate::zone::{Name, Rrset, Serial};

/// All secondaries of all zones.
#[derive(Debug, Default)]
pub(super) struct Book {
    rows: BTreeMap<Pair, Row>,
}

/// A secondary of a zone.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Pair {
    pub(super) zone: Name,
    pub(super) address: SocketAddr,
}

/// A version of a zone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Version {
    pub(super) serial: Serial,
    pub(super) soa: Arc<Rrset>,
}

#[derive(Debug)]
struct Row {
    newest: Version,
    key: Option<Arc<Key>>,
    state: State,
}

#[derive(Debug)]
enum State {
    /// It knows the version with this serial, or was given up with it.
    Idle(Option<Serial>),
    /// A datagram is to be sent: so many were, and got no answer.
    Due { at: Mono, sent: usize },
    /// A datagram with this number was sent.
    Waiting { id: u16, serial: Serial, until: Mono, sent: usize, verifier: Option<Box<Verifier>> },
}

/// A datagram to be sent.
#[derive(Clone, Debug)]
pub(super) struct Order {
    pub(super) pair: Pair,
    pub(super) version: Version,
    pub(super) key: Option<Arc<Key>>,
}

impl Book {
    /// Notes the newest version of a zone, and who is to know of it; those who were told of it are left alone.
    pub(super) fn want(
        &mut self,
        zone: &Name,
        version: &Version,
        who: &BTreeMap<SocketAddr, Option<Arc<Key>>>,
        now: Mono,
    ) {
        self.rows.retain(|pair, _| pair.zone != *zone || who.contains_key(&pair.address));
        for (&address, key) in who {
            let new = || Row { newest: version.clone(), key: key.clone(), state: State::Idle(None) };
            let row = self.rows.entry(Pair { zone: zone.clone(), address }).or_insert_with(new);
            (row.newest, row.key) = (version.clone(), key.clone());
            if matches!(row.state, State::Idle(known) if known != Some(version.serial)) {
                row.state = State::Due { at: now, sent: 0 };
            }
        }
    }

    /// Forgets all zones but these.
    pub(super) fn keep(&mut self, zones: &BTreeSet<&Name>) {
        self.rows.retain(|pair, _| zones.contains(&pair.zone));
    }

    /// Returns when to come again.
    pub(super) fn next(&self) -> Option<Mono> {
        let when = |row: &Row| match row.state {
            State::Idle(_) => None,
            State::Due { at, .. } => Some(at),
            State::Waiting { until, .. } => Some(until),
        };
        self.rows.values().filter_map(when).min()
    }

    /// Returns those that have not answered in time and are given up, with the serial that they were told.
    pub(super) fn time_out(&mut self, now: Mono) -> Vec<(Pair, Serial)> {
        let mut given_up = Vec::new();
        for (pair, row) in &mut self.rows {
            let State::Waiting { serial, until, sent, .. } = row.state else { continue };
            if until > now {
                continue;
            }
            row.state = if sent < WAITS.len() {
                State::Due { at: now, sent }
            } else if serial == row.newest.serial {
                given_up.push((pair.clone(), serial));
                State::Idle(Some(serial))
            } else {
                State::Due { at: now, sent: 0 }
            };
        }
        given_up
    }

    /// Returns the datagrams that are due.
    pub(super) fn due(&self, now: Mono) -> Vec<Order> {
        let is_due = |row: &Row| matches!(row.state, State::Due { at, .. } if at <= now);
        let order = |(pair, row): (&Pair, &Row)| Order {
            pair: pair.clone(),
            version: row.newest.clone(),
            key: row.key.clone(),
        };
        self.rows.iter().filter(|(_, row)| is_due(row)).map(order).collect()
    }

    /// Notes that a datagram was sent with this number.
    pub(super) fn sent(&mut self, order: &Order, id: u16, verifier: Option<Verifier>, now: Mono) {
        let Some(row) = self.rows.get_mut(&order.pair) else { return };
        let State::Due { sent, .. } = row.state else { return };
        let wait = WAITS.get(sent).or(WAITS.last()).copied().unwrap_or_default();
        let (serial, verifier) = (order.version.serial, verifier.map(Box::new));
        row.state = State::Waiting { id, serial, until: now + wait, sent: sent + 1, verifier };
    }

    /// Takes an answer from an address; returns whose it is, and the serial that it was told. `verify` judges the signature
    /// of one that must be signed. Nothing if nobody waits for this answer, or if its signature does not hold.
    pub(super) fn answered(
        &mut self,
        from: SocketAddr,
        number: u16,
        verify: impl FnOnce(&mut Verifier) -> bool,
        now: Mono,
    ) -> Option<(Pair, Serial)> {
        let waits = |row: &Row| matches!(row.state, State::Waiting { id, .. } if id == number);
        let (pair, row) = self.rows.iter_mut().find(|(pair, row)| pair.address == from && waits(row))?;
        let State::Waiting { serial, verifier, .. } = &mut row.state else { return None };
        if verifier.as_mut().is_some_and(|verifier| !verify(verifier)) {
            return None;
        }
        let serial = *serial;
        row.state =
            if serial == row.newest.serial { State::Idle(Some(serial)) } else { State::Due { at: now, sent: 0 } };
        Some((pair.clone(), serial))
    }
}

/// How long each datagram's answer is waited for before the next one is sent (RFC 1996 §3.6 leaves the times open).
const WAITS: [Duration; 7] = [
    Duration::from_secs(1),
    Duration::from_secs(2),
    Duration::from_secs(4),
    Duration::from_secs(8),
    Duration::from_secs(16),
    Duration::from_secs(32),
    Duration::from_secs(60),
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::zone::Rtype;

    fn at(secs: u64) -> Mono {
        Mono::START + Duration::from_secs(secs)
    }

    fn version(serial: u32) -> Version {
        Version { serial: Serial(serial), soa: Arc::new(Rrset::new(Rtype::SOA, 60, [[0]])) }
    }

    fn want(book: &mut Book, serial: u32, ports: &[u16], now: Mono) {
        let who = ports.iter().map(|port| (([127, 0, 0, 1], *port).into(), None)).collect();
        book.want(&"example.".parse().unwrap(), &version(serial), &who, now);
    }

    /// Sends what is due; returns the ports and serials.
    fn send(book: &mut Book, now: Mono) -> Vec<(u16, u32)> {
        let orders = book.due(now);
        orders.iter().for_each(|order| book.sent(order, order.pair.address.port(), None, now));
        orders.iter().map(|order| (order.pair.address.port(), order.version.serial.0)).collect()
    }

    fn answer(book: &mut Book, port: u16, now: Mono) -> Option<u32> {
        book.answered(([127, 0, 0, 1], port).into(), port, |_| true, now).map(|(_, serial)| serial.0)
    }

    #[test]
    fn each_version_is_told_once_to_those_who_answer() {
        let mut book = Book::default();
        want(&mut book, 1, &[1, 2], at(0));
        assert_eq!(send(&mut book, at(0)), [(1, 1), (2, 1)]);
        assert_eq!((answer(&mut book, 1, at(0)), answer(&mut book, 2, at(0))), (Some(1), Some(1)));
        assert_eq!((answer(&mut book, 1, at(0)), book.next()), (None, None), "nobody waits");
        want(&mut book, 1, &[1, 2], at(1));
        assert_eq!(send(&mut book, at(1)), [], "nothing is new");
        want(&mut book, 2, &[1, 3], at(2));
        assert_eq!(send(&mut book, at(2)), [(1, 2), (3, 2)], "who is gone is told nothing");
    }

    #[test]
    fn versions_that_come_before_the_answer_merge() {
        let mut book = Book::default();
        want(&mut book, 1, &[1], at(0));
        assert_eq!(send(&mut book, at(0)), [(1, 1)]);
        want(&mut book, 2, &[1], at(0));
        want(&mut book, 3, &[1], at(0));
        assert_eq!(send(&mut book, at(0)), [], "it waits for the answer");
        assert_eq!(answer(&mut book, 1, at(0)), Some(1));
        assert_eq!(send(&mut book, at(0)), [(1, 3)], "one round for both");
    }

    #[test]
    fn who_does_not_answer_is_told_again_later_each_time_and_given_up_until_there_is_news() {
        let mut book = Book::default();
        want(&mut book, 1, &[1], at(0));
        let mut sent = Vec::new();
        for second in 0..400 {
            let given_up = book.time_out(at(second));
            if !given_up.is_empty() {
                assert_eq!(second, 123);
            }
            sent.extend(send(&mut book, at(second)).iter().map(|_| second));
        }
        assert_eq!((sent, book.next()), (vec![0, 1, 3, 7, 15, 31, 63], None));
        want(&mut book, 2, &[1], at(400));
        assert_eq!(send(&mut book, at(400)), [(1, 2)]);
    }
}
