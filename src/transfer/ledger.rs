//! What is known of the transfers of each zone, for people and tools: written by whoever transfers, read by all.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use arc_swap::ArcSwap;

use crate::base::clock::UnixTime;
use crate::zone::{Name, Serial};

/// The transfers of all zones; clones are the same.
#[derive(Clone, Debug, Default)]
pub struct Ledger {
    zones: Arc<Mutex<BTreeMap<Name, ZoneTransfers>>>,
    /// When zones from primaries expire, for answers: they wait for no lock. It changes under the lock.
    expiries: Arc<ArcSwap<BTreeMap<Name, UnixTime>>>,
}

/// The transfers of one zone.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ZoneTransfers {
    /// How it comes; nothing if it is read from a file.
    pub inbound: Option<InboundStatus>,
    /// Who is told of new versions, and what came of it.
    pub notified: BTreeMap<SocketAddr, NotifyStatus>,
    /// The last transfer to each client, of at most [`CLIENTS_MOST`].
    pub sent: BTreeMap<IpAddr, SentStatus>,
}

/// How a zone from primaries stands.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct InboundStatus {
    /// The primaries, in the order in which they are asked.
    pub primaries: Vec<SocketAddr>,
    /// The serial of the version that came last: the primary's, which may be behind the one that is served.
    pub serial: Option<Serial>,
    /// When that version came; nothing if a former run took it.
    pub transferred: Option<UnixTime>,
    /// When a primary last said which version is the newest.
    pub refreshed: Option<UnixTime>,
    /// When the primaries are asked next; nothing while they are.
    pub next: Option<UnixTime>,
    /// When the zone expires if no primary answers.
    pub expires: Option<UnixTime>,
    /// Whether it has expired.
    pub is_expired: bool,
    /// How many times in a row no primary gave what is of use.
    pub failures: u32,
    /// When that was last so, and why; it stays when they answer again.
    pub failed: Option<(UnixTime, String)>,
}

/// What a secondary makes of NOTIFY.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotifyStatus {
    /// The serial of the last NOTIFY.
    pub serial: Serial,
    /// When it was sent, or when its answer came.
    pub at: UnixTime,
    /// What came of it.
    pub state: NotifyState,
}

/// What came of a NOTIFY.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotifyState {
    /// Its answer has not come yet.
    Waiting,
    /// The secondary has taken it.
    Acknowledged,
    /// The secondary answers with this code.
    Refused(u8),
    /// No answer came to any of the repetitions: the secondary is told of the next version.
    Unanswered,
}

/// A transfer to a client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SentStatus {
    /// When it was asked for.
    pub at: UnixTime,
    /// The serial that the client has by it.
    pub serial: Option<Serial>,
    /// What was sent: `axfr` or `ixfr`.
    pub kind: &'static str,
    /// How many records that is.
    pub records: usize,
    /// Whether the client took all of it.
    pub is_whole: bool,
}

impl Ledger {
    /// Returns the transfers of every zone that has any.
    pub fn read(&self) -> BTreeMap<Name, ZoneTransfers> {
        self.lock().clone()
    }

    /// Returns when a zone from primaries expires if none of them answers.
    pub(super) fn expiry(&self, origin: &Name) -> Option<UnixTime> {
        self.expiries.load().get(origin).copied()
    }

    /// Forgets all zones but these.
    pub fn keep(&self, stays: impl Fn(&Name) -> bool) {
        let mut zones = self.lock();
        zones.retain(|origin, _| stays(origin));
        self.set_expiries(&zones);
    }

    /// Notes how a zone from primaries stands; nothing: it no longer comes from any.
    pub(super) fn set_inbound(&self, origin: &Name, status: Option<InboundStatus>) {
        let mut zones = self.lock();
        let expires = status.as_ref().and_then(|status| status.expires);
        Self::change_in(&mut zones, origin, |zone| zone.inbound = status);
        if self.expiries.load().get(origin).copied() != expires {
            self.set_expiries(&zones);
        }
    }

    /// Forgets those who are no longer told of a zone.
    pub(super) fn keep_notified(&self, origin: &Name, stays: impl Fn(&SocketAddr) -> bool) {
        self.change(origin, |zone| zone.notified.retain(|address, _| stays(address)));
    }

    /// Notes what a secondary makes of a NOTIFY.
    pub(super) fn notified(&self, origin: &Name, address: SocketAddr, status: NotifyStatus) {
        self.change(origin, |zone| {
            zone.notified.insert(address, status);
        });
    }

    /// Notes a transfer to a client.
    pub(super) fn sent(&self, origin: &Name, client: IpAddr, status: SentStatus) {
        self.change(origin, |zone| {
            zone.sent.insert(client, status);
            if zone.sent.len() > CLIENTS_MOST {
                let oldest = zone.sent.iter().min_by_key(|(_, sent)| sent.at).map(|(client, _)| *client);
                oldest.map(|client| zone.sent.remove(&client));
            }
        });
    }

    fn change(&self, origin: &Name, change: impl FnOnce(&mut ZoneTransfers)) {
        Self::change_in(&mut self.lock(), origin, change);
    }

    fn change_in(zones: &mut BTreeMap<Name, ZoneTransfers>, origin: &Name, change: impl FnOnce(&mut ZoneTransfers)) {
        let zone = zones.entry(origin.clone()).or_default();
        change(zone);
        if *zone == ZoneTransfers::default() {
            zones.remove(origin);
        }
    }

    fn set_expiries(&self, zones: &BTreeMap<Name, ZoneTransfers>) {
        let expiries =
            zones.iter().filter_map(|(origin, zone)| Some((origin.clone(), zone.inbound.as_ref()?.expires?)));
        self.expiries.store(Arc::new(expiries.collect()));
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<Name, ZoneTransfers>> {
        self.zones.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// How many clients of a zone are remembered.
pub const CLIENTS_MOST: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_transfer_of_each_client_is_known_and_only_of_so_many() {
        let (ledger, origin) = (Ledger::default(), "t.".parse::<Name>().unwrap());
        let sent = |secs| SentStatus {
            at: UnixTime::from_secs(secs),
            serial: Some(Serial(1)),
            kind: "axfr",
            records: 3,
            is_whole: true,
        };
        for number in 0..=CLIENTS_MOST {
            let client = [10, 0, 0, u8::try_from(number).unwrap()].into();
            ledger.sent(&origin, client, sent(100 + number as u64));
        }
        let known = ledger.read().remove(&origin).unwrap().sent;
        assert_eq!(known.len(), CLIENTS_MOST);
        assert!(!known.contains_key(&IpAddr::from([10, 0, 0, 0])), "the oldest has left");
        let expires = Some(UnixTime::from_secs(500));
        ledger.set_inbound(&origin, Some(InboundStatus { expires, ..InboundStatus::default() }));
        assert!(ledger.read()[&origin].inbound.is_some());
        assert_eq!(ledger.expiry(&origin), expires);
        ledger.keep(|_| false);
        assert_eq!(ledger.expiry(&origin), None);
        ledger.set_inbound(&origin, None);
        assert_eq!(ledger.read(), BTreeMap::new(), "what says nothing is not there");
    }
}
