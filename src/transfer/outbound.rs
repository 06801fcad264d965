//! A zone or its differences as a stream of messages (RFC 5936 §2.2, RFC 1995 §4), made from one snapshot.

use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;

use tracing::info;

use crate::base::clock::UnixTime;
use crate::snapshot::{Difference, Snapshot, ZoneId, ZoneView};
use crate::zone::compress::Compressor;
use crate::zone::serial::Soa;
use crate::zone::{Name, Rrset, Rtype, Serial};

use super::{Metrics, Permit, SentStatus};

/// What a query asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Asked {
    /// The zone.
    pub zone: ZoneId,
    /// The serial that the client has; nothing if it asks for the whole zone.
    pub since: Option<Serial>,
}

/// What is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// The SOA alone: the client has this version or a later one, or shall ask again by a stream.
    Soa,
    /// The whole zone.
    Whole,
    /// The differences since the client's version.
    Differences,
}

/// How the first message begins, and what the others share with it.
#[derive(Clone, Debug)]
pub struct Opening {
    /// The number of the query.
    pub id: u16,
    /// The two octets of flags.
    pub flags: [u8; 2],
    /// The question as it came.
    pub question: Vec<u8>,
    /// The OPT record of the first message (RFC 5936 §2.2.5); empty if the query has none.
    pub opt: Vec<u8>,
}

/// The stream of one transfer.
pub struct Outbound {
    snapshot: Arc<Snapshot>,
    zone: ZoneId,
    kind: Kind,
    /// The differences to be sent, oldest first.
    differences: Vec<Arc<Difference>>,
    opening: Opening,
    next: Next,
    /// How many records of the next set are written already.
    written: usize,
    records: usize,
    messages: usize,
    client: IpAddr,
    asked_at: UnixTime,
    metrics: Metrics,
    permit: Option<Permit>,
}

/// The next set of a transfer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Next {
    /// The SOA that opens it.
    First,
    /// A set of a name, each by its number in the zone and at the name.
    Of { row: u32, set: usize },
    /// A set of a difference: of those that left, or those that came. The SOA comes before the others.
    Changed { difference: usize, came: bool, set: usize },
    /// The SOA that closes it.
    Last,
    /// There is none.
    Done,
}

impl Outbound {
    /// Begins what answers a query: differences if they are known, else the whole zone.
    ///
    /// `None` if the zone is broken, so that it has no SOA.
    pub fn begin(
        snapshot: &Arc<Snapshot>,
        asked: Asked,
        opening: Opening,
        (client, asked_at): (IpAddr, UnixTime),
        metrics: &Metrics,
    ) -> Option<Self> {
        let current = serial(snapshot, asked.zone)?;
        let history = snapshot.history(asked.zone).filter(|history| history.serial() == current);
        let known = |since| {
            let found = history?.since(since)?;
            found.iter().all(|difference| has_both_serials(difference)).then_some(found)
        };
        let (kind, differences) = match asked.since {
            None => (Kind::Whole, Vec::new()),
            // RFC 1995 §2: the same or a later version is answered by the SOA alone.
            Some(since) if !current.is_after(since) => (Kind::Soa, Vec::new()),
            Some(since) => known(since).map_or((Kind::Whole, Vec::new()), |found| (Kind::Differences, found)),
        };
        Some(Self {
            snapshot: Arc::clone(snapshot),
            zone: asked.zone,
            kind,
            differences,
            opening,
            next: Next::First,
            written: 0,
            records: 0,
            messages: 0,
            client,
            asked_at,
            metrics: metrics.clone(),
            permit: None,
        })
    }

    /// Returns whether it is the SOA alone.
    pub const fn is_short(&self) -> bool {
        matches!(self.kind, Kind::Soa)
    }

    /// Holds the right to run while it lasts.
    pub fn hold(&mut self, permit: Permit) {
        self.permit = Some(permit);
    }

    /// Answers with the SOA alone instead: what was to be sent has no room in a datagram (RFC 1995 §2).
    pub fn shorten(&mut self) {
        (self.kind, self.next) = (Kind::Soa, Next::First);
        (self.written, self.records, self.messages) = (0, 0, 0);
    }

    /// Returns whether all has been written.
    pub const fn is_done(&self) -> bool {
        matches!(self.next, Next::Done)
    }

    /// Writes the next message into `message`, within `limit` octets; returns false if there is none, or if a record is too
    /// long for any message.
    pub fn next(&mut self, limit: usize, message: &mut Vec<u8>) -> bool {
        if self.is_done() {
            return false;
        }
        message.clear();
        let mut compressor = Compressor::new();
        // RFC 5936 §2.2.1: the others need no question.
        let is_first = self.messages == 0;
        let [i0, i1] = self.opening.id.to_be_bytes();
        let [f0, f1] = self.opening.flags;
        message.extend_from_slice(&[i0, i1, f0, f1, 0, u8::from(is_first), 0, 0, 0, 0, 0, 0]);
        if is_first {
            let name = self.opening.question.len().saturating_sub(4);
            message.extend_from_slice(&self.opening.question);
            compressor.remember(HEADER, self.opening.question.get(..name).unwrap_or_default());
        }
        let opt = if is_first { self.opening.opt.len() } else { 0 };
        let count = self.fill(limit.saturating_sub(opt), message, &mut compressor);
        if count == 0 {
            // Not even one record has room: the stream ends here, and the client sees that it is cut.
            return false;
        }
        if let Some(place) = message.get_mut(6..8) {
            place.copy_from_slice(&count.to_be_bytes());
        }
        if opt > 0 {
            message.extend_from_slice(&self.opening.opt);
            if let Some(place) = message.get_mut(11) {
                *place = 1;
            }
        }
        self.messages += 1;
        self.records += usize::from(count);
        true
    }

    /// Writes records until the message is long enough, one in any case; returns how many.
    fn fill(&mut self, limit: usize, message: &mut Vec<u8>, compressor: &mut Compressor) -> u16 {
        let mut count = 0;
        // Shared, so that sets can be borrowed while the place moves.
        let (snapshot, differences) = (Arc::clone(&self.snapshot), std::mem::take(&mut self.differences));
        'sets: while let Some((owner, set)) = self.set(&snapshot, &differences) {
            for rdata in set.rdatas().skip(self.written) {
                let (length, mark) = (message.len(), compressor.mark());
                push_record(message, compressor, owner, set, rdata);
                let most = if count == 0 { limit } else { limit.min(MESSAGE) };
                if message.len() > most || count == u16::MAX {
                    message.truncate(length);
                    compressor.back(mark);
                    break 'sets;
                }
                count += 1;
                self.written += 1;
            }
            self.written = 0;
            self.step(&snapshot, &differences);
        }
        self.differences = differences;
        count
    }

    /// Returns the next set with its owner; nothing at the end.
    fn set<'a>(&self, snapshot: &'a Snapshot, differences: &'a [Arc<Difference>]) -> Option<(&'a Name, &'a Rrset)> {
        let zone = snapshot.zone(self.zone)?;
        match self.next {
            Next::First | Next::Last => Some((zone.origin(), zone.soa()?)),
            Next::Of { row, set } => {
                let node = zone.nth(row)?;
                Some((node.owner(), node.sets().nth(set)?))
            }
            Next::Changed { difference, came, set } => {
                let (owner, set) = pick(side(differences.get(difference)?, came), set)?;
                Some((owner, set))
            }
            Next::Done => None,
        }
    }

    /// Goes on to the next set that there is.
    fn step(&mut self, snapshot: &Snapshot, differences: &[Arc<Difference>]) {
        let zone = snapshot.zone(self.zone);
        self.next = match (self.next, self.kind) {
            (Next::First, Kind::Soa) | (Next::Last | Next::Done, _) => Next::Done,
            (Next::First, Kind::Whole) => seek(zone, 0, 0),
            (Next::First, Kind::Differences) => Next::Changed { difference: 0, came: false, set: 0 },
            (Next::Of { row, set }, _) => seek(zone, row, set + 1),
            (Next::Changed { difference, came, set }, _) => {
                let left = differences.get(difference).map_or(0, |found| side(found, came).len());
                match (set + 1 < left, came) {
                    (true, _) => Next::Changed { difference, came, set: set + 1 },
                    (false, false) => Next::Changed { difference, came: true, set: 0 },
                    (false, true) if difference + 1 < differences.len() => {
                        Next::Changed { difference: difference + 1, came: false, set: 0 }
                    }
                    (false, true) => Next::Last,
                }
            }
        };
    }
}

/// Returns the next set of a zone that is not its SOA, from this one on.
fn seek(zone: Option<ZoneView<'_>>, mut row: u32, mut set: usize) -> Next {
    while let Some(node) = zone.and_then(|zone| zone.nth(row)) {
        match node.sets().nth(set) {
            // It opens the transfer and closes it.
            Some(found) if found.rtype() == Rtype::SOA => set += 1,
            Some(_) => return Next::Of { row, set },
            None => (row, set) = (row + 1, 0),
        }
    }
    Next::Last
}

/// Returns one half of a difference.
fn side(difference: &Difference, came: bool) -> &[(Name, Rrset)] {
    if came { &difference.diff.added } else { &difference.diff.removed }
}

/// Returns the set of this number in the order of RFC 1995 §4: the SOA first. It stands at the apex, so near the front.
fn pick(sets: &[(Name, Rrset)], number: usize) -> Option<&(Name, Rrset)> {
    let soa = place_of_soa(sets)?;
    sets.get(if number == 0 { soa } else { number - usize::from(number <= soa) })
}

fn place_of_soa(sets: &[(Name, Rrset)]) -> Option<usize> {
    sets.iter().position(|(_, set)| set.rtype() == Rtype::SOA)
}

/// Returns whether a difference says which version it leads from, and to which.
fn has_both_serials(difference: &Difference) -> bool {
    [false, true].into_iter().all(|came| place_of_soa(side(difference, came)).is_some())
}

fn push_record(message: &mut Vec<u8>, compressor: &mut Compressor, owner: &Name, set: &Rrset, rdata: &[u8]) {
    compressor.write(message, owner.wire());
    message.extend_from_slice(&set.rtype().0.to_be_bytes());
    message.extend_from_slice(&CLASS_IN.to_be_bytes());
    message.extend_from_slice(&set.ttl_of(rdata).to_be_bytes());
    let place = message.len();
    message.extend_from_slice(&[0; 2]);
    compressor.write_rdata(message, set.rtype(), rdata);
    let length = u16::try_from(message.len() - place - 2).unwrap_or(u16::MAX);
    if let Some(octets) = message.get_mut(place..place + 2) {
        octets.copy_from_slice(&length.to_be_bytes());
    }
}

/// Returns the serial that a snapshot serves.
fn serial(snapshot: &Snapshot, zone: ZoneId) -> Option<Serial> {
    Some(Soa::read(snapshot.zone(zone)?.soa()?.rdatas().next()?)?.serial)
}

impl Kind {
    /// Returns the word for it in logs and metrics.
    const fn as_str(self) -> &'static str {
        match self {
            Self::Soa => "soa",
            Self::Whole => "axfr",
            Self::Differences => "ixfr",
        }
    }
}

impl Drop for Outbound {
    fn drop(&mut self) {
        if self.messages == 0 {
            return;
        }
        let kind = self.kind.as_str();
        let result = if self.is_done() { "sent" } else { "broken" };
        self.metrics.outbound(kind, result);
        if self.kind == Kind::Soa {
            return;
        }
        let Some(origin) = self.snapshot.zone(self.zone).map(|zone| zone.origin().clone()) else { return };
        let serial = serial(&self.snapshot, self.zone);
        let (records, messages) = (self.records, self.messages);
        if let Some(permit) = self.permit.take() {
            let (at, is_whole) = (self.asked_at, self.is_done());
            permit.note(&origin, self.client, SentStatus { at, serial, kind, records, is_whole });
        }
        let serial = serial.map(|serial| serial.0);
        info!(zone = %origin, serial, client.addr = %self.client, kind, records, messages, result, "transfer to a secondary");
    }
}

impl fmt::Debug for Outbound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} of zone {:?} at {:?}", self.kind, self.zone, self.next)
    }
}

const HEADER: usize = 12;
const CLASS_IN: u16 = 1;
/// How long a message grows before the next one begins: pointers of compressed names lead as far.
const MESSAGE: usize = 16 << 10;
