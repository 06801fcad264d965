//! From the messages of a transfer to a whole zone: pure (RFC 5936 §2.2, RFC 1995 §4).

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use crate::transfer::tsig::expand;
use crate::zone::serial::Soa;
use crate::zone::{Name, Rtype, Serial, Zone, ZoneBuilder, ZoneError, in_full};

/// Takes the messages of one transfer, in their order.
#[derive(Debug)]
pub struct Assembly {
    origin: Name,
    id: u16,
    /// The zone as it was.
    had: Option<Arc<Zone>>,
    /// Whether its differences are asked for.
    is_incremental: bool,
    state: State,
    /// The SOA of the first record, and its serial.
    newest: Option<(Vec<u8>, Serial)>,
    /// What is added to what stays.
    added: Vec<Record>,
    /// The records of `had` that left.
    removed: HashSet<Identity>,
    /// The records that were added by a difference, by their place in `added`; those that left again are taken out.
    live: HashMap<Identity, usize>,
    messages: usize,
    octets: usize,
}

/// What a stream has come to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// There are more messages to come.
    More,
    /// The zone that we have is the newest.
    Current,
    /// A new version.
    New(Arc<Zone>),
}

/// Why a transfer is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// A message that is no answer to the query, or cannot be read.
    #[error("a message that is malformed, or answers another query")]
    Malformed,
    /// The primary answers with an error.
    #[error("the primary answers {}", rcode_text(*.0))]
    Rcode(u8),
    /// The first record is no SOA of the zone.
    #[error("the transfer does not begin with the zone's SOA")]
    NoSoa,
    /// The primary has an older version than we have.
    #[error("the primary's serial {theirs} is behind ours, {ours}")]
    Behind {
        /// The primary's.
        theirs: Serial,
        /// That of the version that we have.
        ours: Serial,
    },
    /// The last SOA is not the first one.
    #[error("the transfer ends with another SOA than it begins with")]
    OtherSoa,
    /// A difference begins at another version than the one before it ends.
    #[error("a difference leads from serial {0}, which is not the version before it")]
    Gap(Serial),
    /// A difference deletes what is not there.
    #[error("a difference deletes a record of {0} that is not there")]
    NotThere(Name),
    /// A record of another class.
    #[error("a record of another class than IN")]
    Class,
    /// A record outside of the zone.
    #[error("{0} lies outside of the zone")]
    Outside(Name),
    /// More than is taken.
    #[error("it is longer than {OCTETS_MOST} octets or {RECORDS_MOST} records")]
    TooLong,
    /// Records behind the end.
    #[error("there are records behind the last SOA")]
    BehindTheEnd,
    /// The records are no zone.
    #[error("the records are no zone")]
    Zone(#[source] ZoneError),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Before the first record.
    Begin,
    /// Behind the first SOA.
    Opened,
    /// Within a whole zone.
    Whole,
    /// Within the deletions that lead from a version.
    Deleting,
    /// Within the additions that lead to a version.
    Adding(Serial),
    /// Behind the last SOA.
    End,
    /// Within a whole zone that is the version that we have: nothing of it is needed.
    Same,
}

#[derive(Clone, Debug)]
struct Record {
    owner: Name,
    rtype: Rtype,
    ttl: u32,
    rdata: Vec<u8>,
}

/// A record without its TTL; the owner in lower case.
type Identity = (Name, Rtype, Vec<u8>);

impl Assembly {
    /// Begins a transfer: of the differences since the zone as it was, or of the whole zone.
    pub fn new(origin: Name, id: u16, had: Option<Arc<Zone>>, is_incremental: bool) -> Self {
        Self {
            origin,
            id,
            is_incremental: is_incremental && had.is_some(),
            had,
            state: State::Begin,
            newest: None,
            added: Vec::new(),
            removed: HashSet::new(),
            live: HashMap::new(),
            messages: 0,
            octets: 0,
        }
    }

    /// Writes the query.
    pub fn query(&self) -> Vec<u8> {
        let [i0, i1] = self.id.to_be_bytes();
        let mut query = vec![i0, i1, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0];
        let rtype = if self.is_incremental { Rtype::IXFR } else { Rtype::AXFR };
        query.extend_from_slice(self.origin.wire());
        query.extend_from_slice(&rtype.0.to_be_bytes());
        query.extend_from_slice(&CLASS_IN);
        let had = self.had.as_ref().filter(|_| self.is_incremental);
        let soa = had.and_then(|had| had.soa().rdatas().next());
        if let Some((soa, length)) = soa.and_then(|soa| Some((soa, u16::try_from(soa.len()).ok()?))) {
            // RFC 1995 §3: our version stands in the authority section.
            if let Some(count) = query.get_mut(9) {
                *count = 1;
            }
            query.extend_from_slice(&[0xc0, 12]);
            query.extend_from_slice(&Rtype::SOA.0.to_be_bytes());
            query.extend_from_slice(&CLASS_IN);
            query.extend_from_slice(&[0; 4]);
            query.extend_from_slice(&length.to_be_bytes());
            query.extend_from_slice(soa);
        }
        query
    }

    /// Takes the next message.
    ///
    /// # Errors
    /// Why all of the transfer is refused.
    pub fn take(&mut self, packet: &[u8]) -> Result<Outcome, Refused> {
        self.octets += packet.len();
        if self.octets > OCTETS_MOST {
            return Err(Refused::TooLong);
        }
        let header = packet.first_chunk::<12>().ok_or(Refused::Malformed)?;
        let &[i0, i1, f0, f1, q0, q1, a0, a1, ..] = header;
        // An answer to QUERY that is not truncated.
        if u16::from_be_bytes([i0, i1]) != self.id || f0 & 0xfa != 0x80 {
            return Err(Refused::Malformed);
        }
        if f1 & 0x0f != 0 {
            return Err(Refused::Rcode(f1 & 0x0f));
        }
        let mut at = 12;
        for _ in 0..u16::from_be_bytes([q0, q1]) {
            let (name, behind) = expand(packet, at).ok_or(Refused::Malformed)?;
            if !name.eq_ignore_ascii_case(self.origin.wire()) {
                return Err(Refused::Malformed);
            }
            at = behind + 4;
        }
        for _ in 0..u16::from_be_bytes([a0, a1]) {
            let (record, behind) = read_record(packet, at)?;
            at = behind;
            self.add(record)?;
        }
        self.messages += 1;
        self.outcome()
    }

    /// Returns what the stream has come to.
    fn outcome(&mut self) -> Result<Outcome, Refused> {
        let ours = self.had.as_ref().map(|had| had.serial());
        match (self.state, &self.newest) {
            // An empty first message; a single SOA may be all of an answer to IXFR (RFC 1995 §4).
            (State::Opened, Some((_, theirs))) if self.is_incremental && self.messages == 1 => {
                match ours.filter(|ours| ours != theirs) {
                    None => Ok(Outcome::Current),
                    Some(ours) if theirs.is_after(ours) => Ok(Outcome::More),
                    Some(ours) => Err(Refused::Behind { theirs: *theirs, ours }),
                }
            }
            (State::End, _) => self.finish().map(Outcome::New),
            (State::Same, _) => Ok(Outcome::Current),
            (State::Begin, _) => Err(Refused::NoSoa),
            _ => Ok(Outcome::More),
        }
    }

    fn add(&mut self, record: Record) -> Result<(), Refused> {
        if self.added.len() + self.removed.len() > RECORDS_MOST {
            return Err(Refused::TooLong);
        }
        let soa =
            (record.rtype == Rtype::SOA && record.owner == self.origin).then(|| Soa::read(&record.rdata)).flatten();
        let serial = soa.map(|soa| soa.serial);
        let newest = self.newest.clone();
        match (self.state, serial) {
            (State::Begin, Some(serial)) => {
                self.newest = Some((record.rdata.clone(), serial));
                self.state = State::Opened;
            }
            (State::Begin, None) => return Err(Refused::NoSoa),
            // A primary that knows no differences sends all of the same version again.
            (State::Opened, _) if self.is_same() => self.state = State::Same,
            (State::Opened, Some(serial)) if self.is_incremental && self.leads_from(serial) => {
                self.judge_serial()?;
                self.state = State::Deleting;
            }
            // Without any other record it is a zone that has its SOA alone.
            (State::Opened | State::Whole, Some(_)) => {
                self.judge_serial()?;
                self.had = None;
                self.close(&record, newest)?;
            }
            (State::Opened, None) => {
                // RFC 1995 §4: the whole zone in answer to IXFR.
                self.judge_serial()?;
                self.had = None;
                self.state = State::Whole;
                self.keep(record)?;
            }
            (State::Whole, None) => self.keep(record)?,
            (State::Deleting, None) => self.delete(record)?,
            (State::Deleting, Some(serial)) => self.state = State::Adding(serial),
            (State::Adding(_), None) => self.insert(record)?,
            (State::Adding(at), Some(serial)) if newest.as_ref().is_some_and(|(_, newest)| at == *newest) => {
                if serial != at {
                    return Err(Refused::Gap(serial));
                }
                self.close(&record, newest)?;
            }
            (State::Adding(at), Some(serial)) if serial == at => self.state = State::Deleting,
            (State::Adding(_), Some(serial)) => return Err(Refused::Gap(serial)),
            (State::End, _) => return Err(Refused::BehindTheEnd),
            (State::Same, _) => {}
        }
        Ok(())
    }

    fn is_same(&self) -> bool {
        self.newest.as_ref().is_some_and(|(_, theirs)| self.leads_from(*theirs))
    }

    fn leads_from(&self, serial: Serial) -> bool {
        self.had.as_ref().is_some_and(|had| had.serial() == serial)
    }

    /// Refuses a version that is not newer than ours.
    fn judge_serial(&self) -> Result<(), Refused> {
        let (Some((_, theirs)), Some(had)) = (&self.newest, &self.had) else { return Ok(()) };
        let ours = had.serial();
        if theirs.is_after(ours) { Ok(()) } else { Err(Refused::Behind { theirs: *theirs, ours }) }
    }

    fn close(&mut self, record: &Record, newest: Option<(Vec<u8>, Serial)>) -> Result<(), Refused> {
        if newest.is_none_or(|(soa, _)| soa != record.rdata) {
            return Err(Refused::OtherSoa);
        }
        self.added.push(record.clone());
        self.state = State::End;
        Ok(())
    }

    fn keep(&mut self, record: Record) -> Result<(), Refused> {
        if !record.owner.is_within(&self.origin) {
            return Err(Refused::Outside(record.owner));
        }
        self.added.push(record);
        Ok(())
    }

    fn insert(&mut self, record: Record) -> Result<(), Refused> {
        let identity = record.identity();
        // What left and comes back has its new TTL.
        self.keep(record)?;
        self.live.insert(identity, self.added.len() - 1);
        Ok(())
    }

    fn delete(&mut self, record: Record) -> Result<(), Refused> {
        let identity = record.identity();
        if let Some(place) = self.live.remove(&identity) {
            if let Some(record) = self.added.get_mut(place) {
                // Its place stays, so that the others keep theirs.
                record.rdata = GONE.to_vec();
                record.rtype = Rtype::OPT;
            }
            return Ok(());
        }
        let sets = self.had.as_ref().map_or(&[][..], |had| had.rrsets(&record.owner));
        let set = sets.iter().find(|set| set.rtype() == record.rtype);
        let is_there = set.is_some_and(|set| set.rdatas().any(|rdata| *rdata == record.rdata));
        if !is_there || !self.removed.insert(identity) {
            return Err(Refused::NotThere(record.owner));
        }
        Ok(())
    }

    fn finish(&mut self) -> Result<Arc<Zone>, Refused> {
        let mut builder = ZoneBuilder::new(self.origin.clone());
        if let Some(had) = self.had.take() {
            for (owner, set) in had.sets().filter(|(_, set)| set.rtype() != Rtype::SOA) {
                for rdata in set.rdatas() {
                    let leaves = !self.removed.is_empty()
                        && self.removed.contains(&(owner.to_lower(), set.rtype(), rdata.to_vec()));
                    if !leaves {
                        builder.add(owner, set.rtype(), set.ttl_of(rdata), rdata).map_err(Refused::Zone)?;
                    }
                }
            }
        }
        for Record { owner, rtype, ttl, rdata } in self.added.drain(..).filter(|record| record.rtype != Rtype::OPT) {
            builder.add(&owner, rtype, ttl, &rdata).map_err(Refused::Zone)?;
        }
        builder.finish().map(Arc::new).map_err(Refused::Zone)
    }
}

impl Record {
    fn identity(&self) -> Identity {
        (self.owner.to_lower(), self.rtype, self.rdata.clone())
    }
}

/// Reads a record; returns the place behind it.
fn read_record(packet: &[u8], at: usize) -> Result<(Record, usize), Refused> {
    let (owner, at) = expand(packet, at).ok_or(Refused::Malformed)?;
    let owner = Name::from_wire(&owner).map_err(|_| Refused::Malformed)?;
    let fields = packet.get(at..).and_then(|rest| rest.first_chunk::<10>()).ok_or(Refused::Malformed)?;
    let &[t0, t1, c0, c1, l0, l1, l2, l3, d0, d1] = fields;
    let (start, rtype) = (at + 10, Rtype(u16::from_be_bytes([t0, t1])));
    let end = start + usize::from(u16::from_be_bytes([d0, d1]));
    if [c0, c1] != CLASS_IN {
        return Err(Refused::Class);
    }
    // OPT marks what left again, and has no place in a zone.
    if rtype.is_meta() {
        return Err(Refused::Malformed);
    }
    let rdata = in_full(rtype, packet, start, end, expand).ok_or(Refused::Malformed)?;
    Ok((Record { owner, rtype, ttl: u32::from_be_bytes([l0, l1, l2, l3]), rdata }, end))
}

fn rcode_text(rcode: u8) -> String {
    match rcode {
        1 => "FORMERR".to_owned(),
        2 => "SERVFAIL".to_owned(),
        3 => "NXDOMAIN".to_owned(),
        4 => "NOTIMP".to_owned(),
        5 => "REFUSED".to_owned(),
        9 => "NOTAUTH".to_owned(),
        other => format!("with code {other}"),
    }
}

const CLASS_IN: [u8; 2] = [0, 1];
/// What stands in the place of a record that left again.
const GONE: &[u8] = &[];
/// The most octets of one transfer.
const OCTETS_MOST: usize = 1 << 30;
/// The most records of one transfer, twice those of a zone.
const RECORDS_MOST: usize = 20_000_000;
