//! The content of an answer before it is encoded: references into the snapshot, the query and the plan itself.

use std::collections::HashSet;
use std::hash::{BuildHasher as _, Hasher as _};

use arrayvec::ArrayVec;

use crate::base::clock::UnixTime;
use crate::snapshot::Draw;
use crate::transfer::Asked;
use crate::transfer::inbound::Notified;
use crate::zone::{Name, Rrset, Rtype, name, signed};

use super::edns::{Ede, Reply};
use super::query::QueryView;
use super::rcode::Rcode;

/// One answer. Nothing in it is allocated but for a very long additional section, and the room that it does not use is not
/// written to.
#[derive(Clone, Debug)]
pub struct Plan<'a> {
    /// The response code.
    pub rcode: Rcode,
    /// The AA bit.
    pub authoritative: bool,
    /// The class of all records: that of the question.
    pub class: u16,
    /// By how many places the records of a set are turned.
    pub rotation: u16,
    /// When it is given.
    pub given: UnixTime,
    /// By what weighted sets choose their part.
    pub(super) draw: Draw,
    /// The zone of the name that was asked; nothing if there is none, or if it is not for this client.
    pub zone: Option<&'a Name>,
    /// The name in the snapshot that the first set of the answer belongs to: a wildcard's own, not the name asked.
    pub source: Option<&'a Name>,
    /// Whether no record is sent and the TC bit is set, so that the client comes by another transport.
    pub truncate: bool,
    /// The answer section.
    pub answer: List<Item<'a>, ANSWER_MAX>,
    /// The authority section.
    pub authority: List<Item<'a>, AUTHORITY_MAX>,
    /// The additional section, OPT left out.
    pub additional: LongList<Item<'a>>,
    /// The OPT record; nothing if the query has none.
    pub edns: Option<Reply<'a>>,
    /// The transfer that is asked for and granted.
    pub transfer: Option<Asked>,
    /// What a primary tells.
    pub notified: Option<Notified>,
    /// How many octets the message has left at most; nothing if what must be in it does not fit.
    pub(super) room: Option<usize>,
    /// Which sets the additional section has beyond its first items.
    pub(super) marks: HashSet<u64>,
    /// Names made for this answer: targets of CNAMEs that stand for a DNAME.
    pub(super) synthesized: SynthesizedNames,
}

/// One set of records in a section.
#[derive(Clone, Copy, Debug)]
pub struct Item<'a> {
    /// The owner name.
    pub owner: Owner<'a>,
    /// The records.
    pub data: Data<'a>,
    /// The TTL of each in seconds.
    pub ttl: u32,
    /// The signatures at the records' owner, those of other types too; nothing if they are not to be told.
    pub signatures: Option<&'a Rrset>,
    /// Whether an answer without it is a truncated one.
    pub required: bool,
}

/// An owner name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Owner<'a> {
    /// The name in the question.
    Question,
    /// A name in the snapshot.
    Wire(&'a [u8]),
    /// A name made for this answer.
    Synthesized(SynthesizedName),
}

/// The records of an [`Item`].
#[derive(Clone, Copy, Debug)]
pub enum Data<'a> {
    /// A set of the snapshot.
    Set(&'a Rrset),
    /// One CNAME record with a target made for this answer (RFC 6672 §3.1).
    Cname(SynthesizedName),
    /// One TXT record of two pieces in one string of octets.
    Text(&'static str, &'a [u8]),
}

/// Where a made name lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SynthesizedName {
    start: u16,
    end: u16,
}

/// The octets of made names.
#[derive(Clone, Debug, Default)]
pub(super) struct SynthesizedNames(ArrayVec<u8, SYNTHESIZED_MAX>);

/// A list with a limit that is part of its type.
#[derive(Clone, Debug)]
pub struct List<T, const N: usize>(ArrayVec<T, N>);

/// A list that is rarely long: only then it stands on the heap.
#[derive(Clone, Debug)]
pub struct LongList<T> {
    first: ArrayVec<T, ADDITIONAL_FIRST>,
    more: Vec<T>,
    /// The most items.
    pub(super) most: usize,
}

impl Default for Plan<'_> {
    /// Makes room for an answer.
    fn default() -> Self {
        Self {
            rcode: Rcode::NOERROR,
            authoritative: false,
            class: 0,
            rotation: 0,
            given: UnixTime::default(),
            draw: Draw::default(),
            zone: None,
            source: None,
            truncate: false,
            answer: List::default(),
            authority: List::default(),
            additional: LongList::default(),
            edns: None,
            transfer: None,
            notified: None,
            room: Some(usize::MAX),
            marks: HashSet::new(),
            synthesized: SynthesizedNames::default(),
        }
    }
}

impl<'a> Plan<'a> {
    /// Begins an answer in this room, whatever was in it.
    pub(super) fn begin(&mut self, class: u16, rotation: u16, edns: Option<Reply<'a>>) {
        self.room = Some(usize::MAX);
        self.marks.clear();
        (self.rcode, self.authoritative, self.truncate) = (Rcode::NOERROR, false, false);
        (self.zone, self.source) = (None, None);
        (self.class, self.rotation, self.edns) = (class, rotation, edns);
        (self.transfer, self.notified) = (None, None);
        self.answer.0.clear();
        self.authority.0.clear();
        self.additional.first.clear();
        self.additional.more.clear();
        self.synthesized.0.clear();
    }

    /// Tells why it is as it is (RFC 8914), if the client understands that.
    pub(super) fn explain(&mut self, ede: Ede<'a>) {
        if let Some(reply) = self.edns.as_mut().filter(|reply| reply.extended_errors) {
            reply.ede = Some(ede);
        }
    }

    /// Answers with a response code alone.
    pub(super) fn refuse(&mut self, rcode: Rcode, ede: Option<Ede<'a>>) {
        self.rcode = rcode;
        self.authoritative = false;
        if let Some(ede) = ede {
            self.explain(ede);
        }
    }

    /// Sets the room for additional records: what is left of `limit` octets beside question, OPT and the other sections. It is
    /// never less than what the renderer will have, so that what is left out here would be left out there.
    pub(super) fn measure_room(&mut self, query: &QueryView<'_>, limit: usize) {
        let question = query.question.map_or(0, |question| question.octets.len());
        let edns = self.edns.as_ref().map_or(0, Reply::reserved);
        let sections = self.answer.iter().chain(self.authority.iter()).map(Item::least_octets);
        self.room = limit.checked_sub(HEADER_LENGTH + question + edns + sections.sum::<usize>());
    }

    /// Adds to the additional section, unless it is certain that the item does not fit; one that must be there and does not
    /// fit ends the room.
    pub(super) fn push_additional(&mut self, item: Item<'a>) {
        let left = self.room.and_then(|room| room.checked_sub(item.least_octets()));
        if left.is_some() || item.required {
            self.room = left;
            if self.additional.first.is_full()
                && let (Data::Set(set), Owner::Wire(owner)) = (item.data, item.owner)
            {
                let mark = self.mark(owner, set);
                self.marks.insert(mark);
            }
            self.additional.push(item);
        }
    }

    /// Returns whether a set of this owner is in the answer or the additional section. Beside the first items of a long section
    /// a set of marks is asked, so that a thousand hosts are not compared with each other.
    pub(super) fn has(&self, owner: &[u8], set: &Rrset, query: &QueryView<'_>) -> bool {
        let is_this = |item: &Item<'_>| item.is(set) && self.name(item.owner, query).eq_ignore_ascii_case(owner);
        let first = self.answer.iter().chain(&self.additional.first);
        first.into_iter().any(is_this) || !self.marks.is_empty() && self.marks.contains(&self.mark(owner, set))
    }

    /// Marks what was added beyond the first items.
    fn mark(&self, owner: &[u8], set: &Rrset) -> u64 {
        let mut hasher = self.marks.hasher().build_hasher();
        hasher.write_usize(std::ptr::from_ref(set).addr());
        owner.iter().for_each(|octet| hasher.write_u8(octet.to_ascii_lowercase()));
        hasher.finish()
    }

    /// Returns whether no record fits any more.
    pub(super) fn is_full(&self) -> bool {
        self.room.is_none_or(|room| room < RECORD_LEAST)
    }

    /// Returns whether signatures and proofs are wanted: the DO bit (RFC 3225 §3).
    pub fn dnssec_ok(&self) -> bool {
        self.edns.is_some_and(|edns| edns.dnssec_ok)
    }

    /// Returns the octets of an owner name.
    pub fn name<'s>(&'s self, owner: Owner<'s>, query: &QueryView<'s>) -> &'s [u8] {
        match owner {
            Owner::Question => query.question.map_or(&[0], |question| question.name),
            Owner::Wire(wire) => wire,
            Owner::Synthesized(place) => self.synthesized_name(place),
        }
    }

    /// Returns the octets of a made name.
    pub fn synthesized_name(&self, place: SynthesizedName) -> &[u8] {
        self.synthesized.0.get(usize::from(place.start)..usize::from(place.end)).unwrap_or(&[0])
    }
}

impl<'a> Item<'a> {
    pub(super) fn of(owner: Owner<'a>, set: &'a Rrset) -> Self {
        Self { owner, data: Data::Set(set), ttl: set.ttl(), signatures: None, required: true }
    }

    /// Returns whether the records are this very set of the snapshot.
    pub(super) fn is(&self, set: &Rrset) -> bool {
        matches!(self.data, Data::Set(own) if std::ptr::eq(own, set))
    }

    /// Returns how many octets its records take at least, with names as short as compression makes them.
    fn least_octets(&self) -> usize {
        match self.data {
            Data::Set(set) => {
                // Types that no name in is compressed stand as they are.
                let rdata =
                    if matches!(set.rtype(), Rtype::A | Rtype::AAAA | Rtype::SRV) { set.rdata_octets() } else { 0 };
                set.len() * RECORD_HEADER + rdata
            }
            Data::Cname(_) | Data::Text(..) => RECORD_HEADER,
        }
    }

    /// Walks over the RDATA of the signatures over these records (RFC 4035 §3.1.1); they have the records' owner and
    /// TTL.
    pub fn signature_rdatas(&self) -> impl Iterator<Item = &'a [u8]> {
        let rtype = self.rtype();
        let all = self.signatures.into_iter().flat_map(Rrset::rdatas);
        all.filter(move |rdata| signed::covered_type(rdata) == Some(rtype))
    }

    /// Returns the TTL of one of the records in seconds.
    pub fn ttl_of(&self, rdata: &[u8]) -> u32 {
        match self.data {
            Data::Set(set) if set.rtype() == Rtype::RRSIG => set.ttl_of(rdata),
            Data::Set(_) | Data::Cname(_) | Data::Text(..) => self.ttl,
        }
    }

    /// Returns the type.
    pub const fn rtype(&self) -> Rtype {
        match self.data {
            Data::Set(set) => set.rtype(),
            Data::Cname(_) => Rtype::CNAME,
            Data::Text(..) => Rtype::TXT,
        }
    }
}

impl SynthesizedNames {
    /// Joins a name from labels and an ancestor; nothing if the room for names is used up.
    pub(super) fn join(&mut self, labels: &[u8], ancestor: &[u8]) -> Option<SynthesizedName> {
        debug_assert!(labels.len() + ancestor.len() <= name::MAX_NAME, "the caller has measured the name");
        let start = self.0.len();
        if self.0.remaining_capacity() < labels.len() + ancestor.len() {
            return None;
        }
        self.0.extend(labels.iter().chain(ancestor).copied());
        Some(SynthesizedName { start: u16::try_from(start).ok()?, end: u16::try_from(self.0.len()).ok()? })
    }
}

impl<T> Default for LongList<T> {
    fn default() -> Self {
        Self { first: ArrayVec::new(), more: Vec::new(), most: ADDITIONAL_MAX }
    }
}

impl<T> LongList<T> {
    /// Adds an item; returns false if the list is full.
    pub(super) fn push(&mut self, item: T) -> bool {
        if self.len() >= self.most {
            return false;
        }
        if let Err(full) = self.first.try_push(item) {
            self.more.push(full.element());
        }
        true
    }

    /// Walks over the items.
    pub fn iter(&self) -> impl Iterator<Item = &T> {
        self.first.iter().chain(&self.more)
    }

    /// Returns the number of items.
    pub fn len(&self) -> usize {
        self.first.len() + self.more.len()
    }

    /// Returns whether there are no items.
    pub fn is_empty(&self) -> bool {
        self.first.is_empty()
    }
}

impl<T, const N: usize> Default for List<T, N> {
    fn default() -> Self {
        Self(ArrayVec::new())
    }
}

impl<T, const N: usize> List<T, N> {
    /// Adds an item; returns false if the list is full.
    pub(super) fn push(&mut self, item: T) -> bool {
        self.0.try_push(item).is_ok()
    }

    /// Walks over the items.
    pub fn iter(&self) -> impl Iterator<Item = &T> {
        self.0.iter()
    }

    /// Returns the number of items.
    pub const fn len(&self) -> usize {
        self.0.len()
    }

    /// Returns whether there are no items.
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// Sets in an answer section: a DNAME and a CNAME for each step of a chain, the last one too.
pub const ANSWER_MAX: usize = 2 * (CHAIN_MAX + 1);
/// Sets in an authority section: for each step of a chain that a wildcard made one proof, at its end four sets more.
pub const AUTHORITY_MAX: usize = CHAIN_MAX + 1 + 4;
/// Sets of an additional section that stand in the plan: A and AAAA of 20 targets.
const ADDITIONAL_FIRST: usize = 40;
/// Sets in an additional section: as many of the shortest records (16 octets) as the longest message holds.
pub const ADDITIONAL_MAX: usize = 4096;
/// The same for the longest datagram, of 4096 octets.
pub(super) const ADDITIONAL_UDP: usize = 256;
/// Octets of a message's header.
pub(super) const HEADER_LENGTH: usize = 12;
/// Octets of a record before its RDATA, with a name that points to another.
const RECORD_HEADER: usize = 12;
/// Octets of the shortest record that an additional section has: an address of IPv4.
const RECORD_LEAST: usize = RECORD_HEADER + 4;
/// Steps from alias to alias; a longer chain is answered in part, and its client asks on from there.
pub(super) const CHAIN_MAX: usize = 11;
/// Octets for made names: for each step of a chain one of the longest.
const SYNTHESIZED_MAX: usize = (CHAIN_MAX + 1) * name::MAX_NAME;
