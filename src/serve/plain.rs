//! Plain questions over UDP, which most are: for data of a usual type, at a name that is no alias and under no cut. They are
//! answered at once, from the sets of the snapshot into the message, without a plan.
//!
//! What is not plain, or not short enough, is left to the general road before anything of it is counted. The answer is the
//! same to the octet: the tests compare both roads.

use arrayvec::ArrayVec;

use crate::snapshot::{Held, Lookup, Node, SetView, ZoneView};
use crate::zone::{Name, Rrset, Rtype, name};

use super::answer::EDE_OTHER;
use super::edns::{self, Ede, OPTION_EXPIRE, Reply};
use super::known_names::KnownNames;
use super::order::Order;
use super::plan::HEADER_LENGTH;
use super::query::{CLASS_IN, QueryView, Question, Signed};
use super::rate::Kind;
use super::rcode::Rcode;
use super::render::{limit, response_header, write_header};
use super::view::ClientView;
use super::{Context, additional};

/// An answer that stands in the message but for its OPT record and its header.
#[derive(Debug)]
pub(super) struct Plain<'a> {
    pub(super) sections: Sections<'a>,
    /// The OPT record; nothing if the query has none.
    pub(super) edns: Option<Reply<'a>>,
    /// How long the answer may be.
    pub(super) limit: usize,
    /// Whether the client has shown by a cookie that it owns its address.
    pub(super) is_proven: bool,
}

/// What the sections of an answer say.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sections<'a> {
    pub(super) rcode: Rcode,
    pub(super) zone: ZoneView<'a>,
    /// How long the answer may be cached, in seconds.
    pub(super) lifetime: u32,
    /// What it counts as for the limit of like answers: the first set's type and the name that it belongs to.
    first: (Rtype, &'a Name),
    counts: [u16; 3],
}

/// Writes the sections of an answer into `message`, whatever was in it; nothing if the question is not plain.
pub(super) fn write<'a>(
    view: ClientView<'a>,
    query: &QueryView<'a>,
    context: &Context<'a>,
    octets: usize,
    message: &mut Vec<u8>,
) -> Option<Plain<'a>> {
    let question = query.question.filter(is_plain)?;
    let settings = context.settings;
    let is_open = settings.transport_acl.admits(context.client.transport, context.client.address);
    let is_usual = query.header.opcode() == 0 && query.signed == Signed::No && is_open;
    if !is_usual || query.edns.is_some_and(|edns| edns.version > 0 || edns.option(OPTION_EXPIRE).is_some()) {
        return None;
    }
    let (edns, Ok(())) = edns::reply(query, context) else { return None };
    let cookie = edns.as_ref().and_then(|reply| reply.cookie);
    let is_proven = cookie.is_some_and(|cookie| cookie.proven);
    let mut most = limit(query, context);
    if !(is_proven || settings.amplification) {
        most = most.min(octets + edns::cookie_growth(cookie.as_ref(), query));
    }
    let room = most.checked_sub(edns.as_ref().map_or(0, Reply::reserved))?;
    message.clear();
    message.extend_from_slice(&[0; HEADER_LENGTH]);
    message.extend_from_slice(question.octets);
    let mut writer = Writer { view, question, context, message, names: KnownNames::default(), room, edns };
    writer.names.add(HEADER_LENGTH, question.name)?;
    let sections = writer.answer()?;
    Some(Plain { sections, edns: writer.edns, limit: most, is_proven })
}

impl Plain<'_> {
    /// Returns what the answer counts as for the limit of like answers.
    pub(super) fn kind(&self) -> Kind<'_> {
        let (rtype, owner) = self.sections.first;
        Kind { rcode: self.sections.rcode, first: Some((rtype, owner.wire())) }
    }

    /// Ends the message; with `truncated`, without the sections.
    pub(super) fn finish(&self, query: &QueryView<'_>, truncated: bool, message: &mut Vec<u8>) {
        let [answers, authorities, mut additionals] = if truncated { [0; 3] } else { self.sections.counts };
        if truncated {
            message.truncate(HEADER_LENGTH + query.question.map_or(0, |question| question.octets.len()));
        }
        if let Some(reply) = &self.edns {
            reply.write(message, self.sections.rcode, self.limit);
            additionals += 1;
        }
        let header = response_header(query.header, self.sections.rcode, true, truncated);
        write_header(message, header, [1, answers, authorities, additionals]);
    }
}

struct Writer<'w, 'a> {
    view: ClientView<'a>,
    question: Question<'a>,
    context: &'w Context<'a>,
    message: &'w mut Vec<u8>,
    names: KnownNames<'a>,
    /// The octets that records may fill up to.
    room: usize,
    edns: Option<Reply<'a>>,
}

impl<'a> Writer<'_, 'a> {
    fn answer(&mut self) -> Option<Sections<'a>> {
        let rtype = self.question.rtype;
        let (zone, node) = match self.view.lookup(self.question.name, rtype) {
            Lookup::Exact(zone, node) | Lookup::Wildcard(zone, node) => (zone, node),
            Lookup::Missing(zone, _) => {
                self.check(zone)?;
                return self.deny(zone, Rcode::NXDOMAIN, None);
            }
            Lookup::Outside | Lookup::Broken | Lookup::Delegated(..) | Lookup::Renamed(..) => return None,
        };
        self.check(zone)?;
        let set = node.set(rtype);
        if let Some(note) = set.and_then(SetView::note) {
            // Words that change with time are made anew for each answer.
            let note = note.at(self.context.client.now.mono);
            note.hold.is_none().then_some(())?;
            if let Some(reply) = self.edns.as_mut().filter(|reply| reply.extended_errors) {
                reply.ede = Some(Ede { code: EDE_OTHER, note });
            }
        }
        match set.map(|set| (set, set.drawn(|| self.context.draw()))) {
            Some((set, Held::Records(records))) => {
                set.tell(self.context.client.now.wall);
                self.tell(zone, node, records)
            }
            Some((_, Held::Empty { negative_ttl })) => self.deny(zone, Rcode::NOERROR, Some(negative_ttl)),
            None if node.records(Rtype::CNAME).is_some() => None,
            None => self.deny(zone, Rcode::NOERROR, None),
        }
    }

    /// Lets a zone through of which no signature and no proof is wanted.
    fn check(&self, zone: ZoneView<'a>) -> Option<()> {
        (!zone.is_signed() || !self.edns.is_some_and(|edns| edns.dnssec_ok)).then_some(())
    }

    fn tell(&mut self, zone: ZoneView<'a>, node: Node<'a>, set: &'a Rrset) -> Option<Sections<'a>> {
        let answers = self.set(QUESTION, set)?;
        let mut additionals = 0;
        if set.rtype() == Rtype::SRV && !self.context.settings.minimal_responses {
            additionals = self.add_hosts(zone, set)?;
        }
        let (first, counts) = ((set.rtype(), node.owner()), [answers, 0, additionals]);
        Some(Sections { rcode: Rcode::NOERROR, zone, lifetime: set.ttl(), first, counts })
    }

    /// Adds the addresses of the hosts of SRV records of a zone, in the order of the set.
    fn add_hosts(&mut self, zone: ZoneView<'a>, set: &'a Rrset) -> Option<u16> {
        let mut hosts: ArrayVec<&'a [u8], HOSTS_MAX> = ArrayVec::new();
        let mut count = 0;
        for host in set.rdatas().map(|rdata| additional::host(Rtype::SRV, rdata)) {
            let host = host?;
            // Who named it before has its addresses too.
            if host == [0] || hosts.iter().any(|before| before.eq_ignore_ascii_case(host)) {
                continue;
            }
            hosts.try_push(host).ok()?;
            let node = match zone.nearby(host) {
                Some(node) => node,
                None => match self.view.lookup(host, Rtype::A) {
                    Lookup::Exact(zone, node) | Lookup::Wildcard(zone, node) => {
                        self.check(zone)?;
                        node
                    }
                    Lookup::Outside
                    | Lookup::Broken
                    | Lookup::Missing(..)
                    | Lookup::Delegated(..)
                    | Lookup::Renamed(..) => continue,
                },
            };
            let mut owner = None;
            for rtype in [Rtype::A, Rtype::AAAA] {
                let Some(set) = node.set(rtype) else { continue };
                let Held::Records(addresses) = set.drawn(|| self.context.draw()) else { continue };
                set.tell(self.context.client.now.wall);
                let place = match owner {
                    Some(place) => place,
                    None => *owner.insert(self.names.place(host)?),
                };
                count += self.set(place, addresses)?;
            }
        }
        Some(count)
    }

    /// Denies, with the SOA that tells how long that may be cached (RFC 2308 §3, §5), and at most `absence` seconds.
    fn deny(&mut self, zone: ZoneView<'a>, rcode: Rcode, absence: Option<u32>) -> Option<Sections<'a>> {
        let soa = zone.soa()?;
        let rdata = soa.rdatas().next()?;
        let minimum = rdata.last_chunk::<4>().map_or(0, |minimum| u32::from_be_bytes(*minimum));
        let ttl = soa.ttl().min(minimum).min(absence.unwrap_or(u32::MAX));
        let owner = self.names.place(zone.origin().wire())?;
        self.record(owner, Rtype::SOA, ttl, rdata)?;
        Some(Sections { rcode, zone, lifetime: ttl, first: (Rtype::SOA, zone.origin()), counts: [0, 1, 0] })
    }

    /// Writes a set whose owner stands at a place; returns the number of records.
    fn set(&mut self, owner: u16, set: &'a Rrset) -> Option<u16> {
        let mut count = 0;
        Order::of(self.context).each(set, |rdata| {
            self.record(owner, set.rtype(), set.ttl(), rdata)?;
            count += 1;
            Some(())
        })?;
        Some(count)
    }

    fn record(&mut self, owner: u16, rtype: Rtype, ttl: u32, rdata: &'a [u8]) -> Option<()> {
        // Compression only shortens it.
        let length = u16::try_from(rdata.len()).ok()?;
        if self.message.len() + RECORD_HEADER + rdata.len() > self.room {
            return None;
        }
        let [o0, o1] = owner.to_be_bytes();
        let [t0, t1] = rtype.0.to_be_bytes();
        let [c0, c1] = CLASS_IN.to_be_bytes();
        let [l0, l1, l2, l3] = ttl.to_be_bytes();
        let [d0, d1] = length.to_be_bytes();
        self.message.extend_from_slice(&[o0, o1, t0, t1, c0, c1, l0, l1, l2, l3, d0, d1]);
        let start = self.message.len();
        match rtype {
            Rtype::SRV => {
                self.message.extend_from_slice(rdata);
                // Its host stands in full (RFC 2782), but later owners may point to it.
                self.names.add(start + 6, rdata.get(6..)?)
            }
            Rtype::SOA => self.soa(start, rdata),
            _ => {
                self.message.extend_from_slice(rdata);
                Some(())
            }
        }
    }

    /// Writes the data of an SOA with its two names compressed, which begins at `start`.
    fn soa(&mut self, start: usize, rdata: &'a [u8]) -> Option<()> {
        let mut rest = rdata;
        for _ in 0..2 {
            let (wire, tail) = name::split_wire(rest)?;
            self.names.write(wire, self.message)?;
            rest = tail;
        }
        self.message.extend_from_slice(rest);
        let length = u16::try_from(self.message.len() - start).ok()?;
        *self.message.get_mut(start - 2..)?.first_chunk_mut::<2>()? = length.to_be_bytes();
        Some(())
    }
}

/// Returns whether a question is for data of a type in which no name but that of an SRV record or an SOA stands, and that no
/// rule makes special.
fn is_plain(question: &Question<'_>) -> bool {
    let rtype = matches!(
        question.rtype,
        Rtype::A | Rtype::AAAA | Rtype::SRV | Rtype::TXT | Rtype::SOA | Rtype::CAA | Rtype::TLSA
    );
    rtype && question.class == CLASS_IN && question.name.len() > 1
}

/// A pointer to the name in the question.
const QUESTION: u16 = 0xc00c;
/// Octets of a record before its RDATA, with a pointer for its owner.
const RECORD_HEADER: usize = 12;
/// Hosts of a set; one with more is left to the general road.
const HOSTS_MAX: usize = 16;
