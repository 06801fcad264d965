//! Records on their way into a zone: collected in the order of arrival, sorted once, checked as RRsets.
//!
//! A run of records with one owner is kept as one sort key; so there is no hash table to attack with chosen collisions,
//! and the cost is one sort whatever the input.

use std::collections::HashSet;
use std::fmt;
use std::sync::Arc;

use super::signed::original_ttl;
use super::zone::Zone;
use super::{Name, Rrset, Rtype, name, schema};

/// Records in the order of arrival.
#[derive(Debug, Default)]
pub(super) struct Records {
    /// Sort keys and wire names of the runs.
    names: Vec<u8>,
    runs: Vec<Run>,
    octets: Vec<u8>,
    entries: Vec<Entry>,
}

/// Which rules beyond those of every zone are kept.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Rules {
    /// Whether the origin must own NS records.
    pub(super) ns_required: bool,
}

/// Where a record came from: a number for its file and an offset in it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Source {
    pub(super) file: u16,
    pub(super) offset: u32,
}

/// What is wrong with a record in view of the others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Its owner is not within the zone.
    Outside,
    /// A second SOA at the origin.
    SecondSoa,
    /// An SOA below the origin.
    SoaBelow,
    /// The origin owns no NS records.
    NoNs,
    /// Data beside a CNAME (RFC 1034 §3.6.2).
    CnameBeside {
        /// A type that stands beside it.
        other: Rtype,
    },
    /// A second CNAME or DNAME of one owner (RFC 2181 §10.1, RFC 6672 §2.4).
    SecondAlias,
    /// A set that no message can carry (RFC 1035 §4.2.2: 65,535 octets): its clients get none of it.
    TooLarge {
        /// The octets that it would take, names compressed.
        octets: usize,
    },
    /// A set with more records than a message can count.
    TooMany {
        /// The number of records.
        records: usize,
    },
    /// A TTL that differs from the set's first (RFC 2181 §5.2); the first is used.
    TtlDiffers {
        /// The TTL of this record in seconds.
        ttl: u32,
        /// The TTL of the set in seconds.
        used: u32,
    },
    /// A record that the set has already (RFC 2181 §5); dropped.
    Duplicate,
}

/// Takes a fault, with the wire name of the owner, the type, and the record's number in order of arrival.
pub(super) type Judge<'a> = &'a mut dyn FnMut(&[u8], Rtype, Fault, usize);

/// Records in a row with one owner. The key begins at `key` in `names`, the wire name behind it.
#[derive(Clone, Copy, Debug)]
struct Run {
    key: u32,
    key_len: u16,
    wire_len: u8,
    first: u32,
}

#[derive(Clone, Copy, Debug)]
struct Entry {
    at: u32,
    ttl: u32,
    source_offset: u32,
    len: u16,
    rtype: Rtype,
    source_file: u16,
}

impl Fault {
    /// Returns whether there can be no zone with it.
    pub const fn is_error(&self) -> bool {
        match self {
            Self::Outside
            | Self::SecondSoa
            | Self::SoaBelow
            | Self::NoNs
            | Self::CnameBeside { .. }
            | Self::SecondAlias
            | Self::TooMany { .. } => true,
            Self::TooLarge { .. } | Self::TtlDiffers { .. } | Self::Duplicate => false,
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Outside => f.write_str("outside of the zone"),
            Self::SecondSoa => f.write_str("a second SOA"),
            Self::SoaBelow => f.write_str("an SOA below the origin"),
            Self::NoNs => f.write_str("no NS records at the origin"),
            Self::CnameBeside { other } => write!(f, "a CNAME beside {other}"),
            Self::SecondAlias => f.write_str("a second record of a type that stands alone"),
            Self::TooLarge { octets } => write!(f, "a set of {octets} octets fits into no message"),
            Self::TooMany { records } => write!(f, "no message counts {records} records"),
            Self::TtlDiffers { ttl, used } => write!(f, "TTL {ttl} differs from the set's, {used}"),
            Self::Duplicate => f.write_str("a record twice"),
        }
    }
}

impl Records {
    /// Makes room for the records of `text_len` octets of master file; untouched room costs nothing.
    pub(super) fn reserve(&mut self, text_len: usize) {
        self.octets.reserve(text_len / 2);
        self.entries.reserve(text_len / 32);
        self.names.reserve(text_len / 2);
        self.runs.reserve(text_len / 64);
    }

    /// Adds a record; nothing if the zone has outgrown 4 GiB. `owner` is a valid name, `rdata` at most 65,535 octets.
    pub(super) fn push(&mut self, owner: &[u8], rtype: Rtype, ttl: u32, rdata: &[u8], source: Source) -> Option<()> {
        let first = u32::try_from(self.entries.len()).ok()?;
        let same_owner = self.runs.last().is_some_and(|run| self.wire(run).eq_ignore_ascii_case(owner));
        if !same_owner {
            let key = u32::try_from(self.names.len()).ok()?;
            name::push_sort_key(owner, &mut self.names);
            let key_len = u16::try_from(self.names.len() - key as usize).ok()?;
            self.names.extend_from_slice(owner);
            self.runs.push(Run { key, key_len, wire_len: u8::try_from(owner.len()).ok()?, first });
        }
        let at = u32::try_from(self.octets.len()).ok()?;
        let len = u16::try_from(rdata.len()).ok()?;
        self.octets.extend_from_slice(rdata);
        self.entries.push(Entry { at, ttl, len, rtype, source_file: source.file, source_offset: source.offset });
        Some(())
    }

    /// Returns where a record came from, by its number in order of arrival.
    pub(super) fn source(&self, record: usize) -> Source {
        self.entries
            .get(record)
            .map_or_else(Source::default, |entry| Source { file: entry.source_file, offset: entry.source_offset })
    }

    /// Returns a record's owner, type and RDATA by its number in order of arrival.
    pub(super) fn record(&self, record: usize) -> Option<(&[u8], Rtype, &[u8])> {
        let entry = self.entries.get(record)?;
        let run = self.runs.partition_point(|run| run.first as usize <= record).checked_sub(1)?;
        Some((self.wire(&self.runs[run]), entry.rtype, self.rdata(entry)))
    }

    /// Sorts the records into a zone and hands each fault to `judge`; nothing without an SOA at the origin.
    ///
    /// With faults that are errors the zone is incomplete: the caller drops it.
    pub(super) fn assemble(&self, origin: &Name, rules: Rules, judge: Judge<'_>) -> Option<Zone> {
        let mut origin_key = Vec::new();
        name::push_sort_key(origin.wire(), &mut origin_key);
        let order = self.sorted_runs(&origin_key, judge);
        let (mut owners, mut ends) = (Vec::with_capacity(order.len()), Vec::with_capacity(order.len()));
        let mut sets = Vec::with_capacity(order.len());
        let mut batch = Vec::new();
        for group in order.chunk_by(|a, b| self.key(a.1) == self.key(b.1)) {
            let Some(&(_, first)) = group.first() else { continue };
            batch.clear();
            for &(_, run) in group {
                batch.extend(self.entries_of(run));
            }
            let wire = self.wire(&self.runs[first as usize]);
            let is_apex = usize::from(self.runs[first as usize].key_len) == origin_key.len();
            self.judge_node(wire, &batch, is_apex, rules, judge);
            self.push_sets(wire, &mut batch, &mut sets, judge);
            owners.push(Name::from_wire(wire).ok()?);
            ends.push(u32::try_from(sets.len()).ok()?);
        }
        owners.shrink_to_fit();
        ends.shrink_to_fit();
        sets.shrink_to_fit();
        Zone::join(origin.clone(), owners, ends, sets)
    }

    /// Returns the runs within the zone in canonical order, those of one owner in order of arrival, each with the
    /// first octets of its key below the origin.
    fn sorted_runs(&self, origin_key: &[u8], judge: Judge<'_>) -> Vec<(u64, u32)> {
        let mut order = Vec::with_capacity(self.runs.len());
        for (number, run) in (0u32..).zip(&self.runs) {
            let Some(below) = self.key(number).strip_prefix(origin_key) else {
                for record in self.entries_of(number) {
                    judge(self.wire(run), self.entries[record as usize].rtype, Fault::Outside, record as usize);
                }
                continue;
            };
            let mut prefix = [0u8; 8];
            let length = below.len().min(8);
            prefix[..length].copy_from_slice(&below[..length]);
            order.push((u64::from_be_bytes(prefix), number));
        }
        order.sort_unstable_by(|a, b| {
            a.0.cmp(&b.0).then_with(|| self.key(a.1).cmp(self.key(b.1))).then_with(|| a.1.cmp(&b.1))
        });
        order
    }

    /// Judges the types of one owner against each other.
    fn judge_node(&self, owner: &[u8], batch: &[u32], is_apex: bool, rules: Rules, judge: Judge<'_>) {
        let rtype = |record: u32| self.entries[record as usize].rtype;
        let (mut cname, mut soa, mut ns) = (None, None, None);
        for &record in batch {
            match rtype(record) {
                Rtype::CNAME => cname = cname.or(Some(record)),
                Rtype::NS => ns = ns.or(Some(record)),
                Rtype::SOA if !is_apex => judge(owner, Rtype::SOA, Fault::SoaBelow, record as usize),
                Rtype::SOA => soa = soa.or(Some(record)),
                _ => {}
            }
        }
        if let Some(cname) = cname {
            let beside = batch.iter().copied().find(|&record| !may_stand_beside_cname(rtype(record)));
            if let Some(beside) = beside {
                // The later of the two is the one that came too much.
                let (at, other) = if beside > cname { (beside, rtype(beside)) } else { (cname, rtype(beside)) };
                judge(owner, rtype(at), Fault::CnameBeside { other }, at as usize);
            }
        }
        if let (true, true, None, Some(soa)) = (is_apex, rules.ns_required, ns, soa) {
            judge(owner, Rtype::NS, Fault::NoNs, soa as usize);
        }
    }

    /// Sorts the records of one owner into sets.
    fn push_sets(&self, owner: &[u8], batch: &mut [u32], sets: &mut Vec<Arc<Rrset>>, judge: Judge<'_>) {
        if batch.len() > 1 {
            // Stable: within a type the order of arrival stays.
            batch.sort_by_key(|&record| self.entries[record as usize].rtype);
        }
        for records in batch.chunk_by(|&a, &b| self.entries[a as usize].rtype == self.entries[b as usize].rtype) {
            if let Some(set) = self.set(owner, records, judge) {
                sets.push(Arc::new(set));
            }
        }
    }

    fn set(&self, owner: &[u8], records: &[u32], judge: Judge<'_>) -> Option<Rrset> {
        let (&first, others) = records.split_first()?;
        let Entry { rtype, ttl, .. } = self.entries[first as usize];
        // RFC 4034 §3: RRSIGs have the TTLs of what they sign, which stand in their RDATA.
        let signed = (rtype == Rtype::RRSIG).then(|| original_ttl(self.rdata(&self.entries[first as usize]))).flatten();
        let ttl = signed.unwrap_or(ttl);
        if others.is_empty() {
            return Some(Rrset::new(rtype, ttl, [self.rdata(&self.entries[first as usize])]));
        }
        let twice = self.duplicates(rtype, records);
        let mut kept = Vec::with_capacity(records.len());
        let mut octets = MESSAGE_FRAME + owner.len();
        for (&record, twice) in records.iter().zip(twice) {
            let entry = &self.entries[record as usize];
            if entry.ttl != ttl && rtype != Rtype::RRSIG {
                judge(owner, rtype, Fault::TtlDiffers { ttl: entry.ttl, used: ttl }, record as usize);
            }
            if twice {
                judge(owner, rtype, Fault::Duplicate, record as usize);
                continue;
            }
            octets += RECORD_FRAME + usize::from(entry.len);
            kept.push(record);
        }
        let alone = match rtype {
            Rtype::SOA => Some(Fault::SecondSoa),
            Rtype::CNAME | Rtype::DNAME => Some(Fault::SecondAlias),
            _ => None,
        };
        if let (Some(fault), Some(&second)) = (alone, kept.get(1)) {
            judge(owner, rtype, fault, second as usize);
        }
        if kept.len() > usize::from(u16::MAX) {
            judge(owner, rtype, Fault::TooMany { records: kept.len() }, first as usize);
            return None;
        }
        if octets > MAX_MESSAGE {
            let rdatas = kept.iter().map(|&record| self.rdata(&self.entries[record as usize]));
            let octets = compressed_octets(owner, rtype, rdatas);
            if octets > MAX_MESSAGE {
                judge(owner, rtype, Fault::TooLarge { octets }, first as usize);
            }
        }
        Some(Rrset::new(rtype, ttl, kept.iter().map(|&record| self.rdata(&self.entries[record as usize]))))
    }

    /// Says of each record whether an earlier one equals it.
    fn duplicates(&self, rtype: Rtype, records: &[u32]) -> Vec<bool> {
        let rdata = |at: usize| self.rdata(&self.entries[records[at] as usize]);
        let mut twice = vec![false; records.len()];
        if records.len() <= FEW {
            for (at, twice) in twice.iter_mut().enumerate() {
                *twice = (0..at).any(|before| schema::same(rtype, rdata(before), rdata(at)));
            }
            return twice;
        }
        let mut order: Vec<(std::borrow::Cow<'_, [u8]>, usize)> =
            (0..records.len()).map(|at| (schema::canonical(rtype, rdata(at)), at)).collect();
        order.sort_unstable();
        for pair in order.windows(2) {
            if let [(before, _), (rdata, at)] = pair {
                twice[*at] = before == rdata;
            }
        }
        twice
    }

    fn key(&self, run: u32) -> &[u8] {
        let run = &self.runs[run as usize];
        &self.names[run.key as usize..][..usize::from(run.key_len)]
    }

    fn wire(&self, run: &Run) -> &[u8] {
        &self.names[run.key as usize + usize::from(run.key_len)..][..usize::from(run.wire_len)]
    }

    fn rdata(&self, entry: &Entry) -> &[u8] {
        &self.octets[entry.at as usize..][..usize::from(entry.len)]
    }

    fn entries_of(&self, run: u32) -> std::ops::Range<u32> {
        let next = self.runs.get(run as usize + 1).map(|next| next.first);
        // `push` counts entries in 32 bits.
        let end = next.unwrap_or_else(|| u32::try_from(self.entries.len()).unwrap_or(u32::MAX));
        self.runs[run as usize].first..end
    }
}

/// Returns the octets of a message with one set, its names compressed as the server does (RFC 1035 §4.1.4).
fn compressed_octets<'r>(owner: &[u8], rtype: Rtype, rdatas: impl Iterator<Item = &'r [u8]>) -> usize {
    let mut known: HashSet<Vec<u8>> = HashSet::new();
    let mut at = MESSAGE_FRAME - 4;
    written(owner, &mut at, &mut known);
    at += 4;
    for rdata in rdatas {
        at += RECORD_FRAME;
        match schema::compressible(rtype, rdata) {
            Some((fixed, names)) => {
                at += fixed;
                names.into_iter().for_each(|name| written(name, &mut at, &mut known));
            }
            None => at += rdata.len(),
        }
    }
    at
}

/// Goes on by the octets of a name: up to its longest known ending, and a pointer.
fn written(wire: &[u8], at: &mut usize, known: &mut HashSet<Vec<u8>>) {
    let mut rest = wire;
    while let Some(&length) = rest.first().filter(|length| **length > 0) {
        let ending = rest.to_ascii_lowercase();
        if known.contains(&ending) {
            *at += 2;
            return;
        }
        if known.len() < KNOWN_MAX && *at < POINTER_MAX {
            known.insert(ending);
        }
        *at += 1 + usize::from(length);
        rest = rest.get(1 + usize::from(length)..).unwrap_or_default();
    }
    *at += 1;
}

/// DNSSEC's own data (RFC 4034 §2.5, RFC 2535 §2.3.5), and the CNAME itself.
const fn may_stand_beside_cname(rtype: Rtype) -> bool {
    matches!(rtype, Rtype::CNAME | Rtype::RRSIG | Rtype::NSEC | Rtype::KEY | Rtype::SIG | Rtype::NXT)
}

/// Up to so many records of a set are compared each with each.
const FEW: usize = 12;
/// The largest message over TCP in octets (RFC 1035 §4.2.2).
const MAX_MESSAGE: usize = 65_535;
/// Header, and type and class of the question; the question's name is added.
const MESSAGE_FRAME: usize = 12 + 4;
/// Compressed owner, type, class, TTL and RDATA length.
const RECORD_FRAME: usize = 12;
/// Labels that the server remembers in a message.
const KNOWN_MAX: usize = 96;
/// A pointer has 14 bits.
const POINTER_MAX: usize = 0x4000;
