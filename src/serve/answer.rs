//! From a query to a plan (RFC 1034 §4.3.2): pure, and without allocation.

use std::sync::Arc;

use crate::base::clock::Mono;
use crate::snapshot::{Held, Lookup, Node, Snapshot, ZoneView};
use crate::zone::{Rrset, Rtype, name};

use super::denial::{self, Absence};
use super::edns::{self, Ede};
use super::plan::{ADDITIONAL_MAX, ADDITIONAL_UDP, CHAIN_MAX, Data, Item, Owner, Plan};
use super::query::{CLASS_ANY, CLASS_CH, CLASS_IN, OPCODE_NOTIFY, OPCODE_UPDATE, QueryView, Question};
use super::rcode::Rcode;
use super::view::{ClientView, signatures, zone_of};
use super::{Context, Settings, Transport, UpdateAnswer, additional, chaos, limit, notify, signing, transfer};

/// Answers a query from one snapshot.
pub fn answer<'a>(snapshot: &'a Snapshot, query: &QueryView<'a>, context: &Context<'a>) -> Plan<'a> {
    let mut plan = Plan::default();
    answer_into(snapshot, query, context, &mut plan);
    plan
}

/// Answers a query from one snapshot, in room that the caller gives.
pub(super) fn answer_into<'a>(
    snapshot: &'a Snapshot,
    query: &QueryView<'a>,
    context: &Context<'a>,
    plan: &mut Plan<'a>,
) {
    let asked = query.question.map_or(CLASS_IN, |question| question.class);
    let class = if asked == CLASS_ANY { CLASS_IN } else { asked };
    let (reply, options) = edns::reply(query, context);
    plan.begin(class, context.rotation, reply);
    (plan.given, plan.draw) = (context.client.now.wall, context.draw());
    plan.additional.most = match context.client.transport {
        Transport::Udp => ADDITIONAL_UDP,
        Transport::Tcp | Transport::Tls | Transport::Https | Transport::Quic => ADDITIONAL_MAX,
    };
    let view = ClientView::new(snapshot, *context);
    if !context.settings.transport_acl.admits(context.client.transport, context.client.address) {
        plan.rcode = Rcode::REFUSED;
        plan.explain(Ede::PROHIBITED);
        return;
    }
    match gate(query, options, context.settings) {
        Err(rcode) => plan.rcode = rcode,
        Ok(None) => {}
        Ok(Some(question)) if query.header.opcode() == OPCODE_NOTIFY => notify::judge(query, &question, context, plan),
        Ok(Some(question)) if class == CLASS_CH => chaos::answer(plan, &question, context),
        Ok(Some(_)) if class != CLASS_IN => plan.rcode = Rcode::REFUSED,
        Ok(Some(question)) if matches!(question.rtype, Rtype::AXFR | Rtype::IXFR) => {
            transfer::judge(snapshot, query, &question, context, plan);
        }
        Ok(Some(question)) => {
            let (now, limit) = (context.client.now.mono, limit(query, context));
            Walk { snapshot: view, query, rtype: question.rtype, now, limit, plan: &mut *plan }.follow();
            if !context.settings.minimal_responses {
                plan.measure_room(query, limit);
                additional::add_targets(view, query, plan);
            }
            // RFC 1035 §6.2: an answer for all classes cannot claim to be whole.
            plan.authoritative &= asked != CLASS_ANY;
        }
    }
}

/// Lets questions for data through, and none where only a cookie is asked for (RFC 7873 §5.4); the others get their
/// response code (RFC 8906 §3).
fn gate<'a>(
    query: &QueryView<'a>,
    options: Result<(), edns::MalformedCookie>,
    settings: &Settings,
) -> Result<Option<Question<'a>>, Rcode> {
    match query.header.opcode() {
        0 => {}
        OPCODE_NOTIFY if !settings.primaries.is_empty() => {}
        OPCODE_UPDATE if settings.update == UpdateAnswer::Refused => return Err(Rcode::REFUSED),
        _ => return Err(Rcode::NOTIMP),
    }
    options.map_err(|edns::MalformedCookie| Rcode::FORMERR)?;
    if query.edns.is_some_and(|edns| edns.version > 0) {
        return Err(Rcode::BADVERS);
    }
    if let Some(rcode) = signing::rcode(query.signed) {
        return Err(rcode);
    }
    let Some(question) = query.question else {
        let asks_cookie = query.edns.is_some_and(|edns| edns.option(edns::OPTION_COOKIE).is_some());
        return if asks_cookie { Ok(None) } else { Err(Rcode::FORMERR) };
    };
    match question.rtype {
        Rtype::OPT | Rtype::TSIG => Err(Rcode::FORMERR),
        Rtype::TKEY | Rtype::MAILA | Rtype::MAILB => Err(Rcode::NOTIMP),
        // The others of RFC 6895 §3.1 that no zone can hold have no meaning yet: unknown types like any (RFC 3597).
        _ => Ok(Some(question)),
    }
}

/// The way from alias to alias.
struct Walk<'a, 'q> {
    snapshot: ClientView<'a>,
    query: &'q QueryView<'a>,
    rtype: Rtype,
    now: Mono,
    /// The longest answer, in octets.
    limit: usize,
    plan: &'q mut Plan<'a>,
}

impl<'a> Walk<'a, '_> {
    fn follow(&mut self) {
        let mut owner = Owner::Question;
        for _ in 0..=CHAIN_MAX {
            match self.step(owner) {
                Some(next) if !self.has_been_at(next) => owner = next,
                Some(_) | None => return,
            }
        }
    }

    /// Answers for one name; returns the name to go on with, if it is an alias.
    fn step(&mut self, owner: Owner<'a>) -> Option<Owner<'a>> {
        let first = self.plan.answer.is_empty();
        let found = self.snapshot.lookup(self.plan.name(owner, self.query), self.rtype);
        if first {
            self.plan.zone = zone_of(found).map(ZoneView::origin);
        }
        // RFC 1035 §4.1.1: AA tells of the first owner name.
        self.plan.authoritative |= first && !matches!(found, Lookup::Outside | Lookup::Broken | Lookup::Delegated(..));
        match found {
            Lookup::Outside => {
                if first {
                    self.plan.rcode = Rcode::REFUSED;
                    // The same for a zone that is not for this client: it is not told that there is one.
                    self.explain(Ede::NOT_AUTHORITATIVE);
                }
                None
            }
            Lookup::Broken => {
                if first {
                    self.plan.rcode = Rcode::SERVFAIL;
                    self.explain(Ede::BROKEN);
                }
                None
            }
            Lookup::Delegated(zone, cut) => {
                self.refer(zone, cut);
                None
            }
            Lookup::Missing(zone, encloser) => {
                // RFC 6604 §3: after aliases the code tells of the last name.
                self.plan.rcode = Rcode::NXDOMAIN;
                self.deny(zone, None);
                self.prove(owner, zone, Absence::Name(encloser));
                None
            }
            Lookup::Renamed(zone, node) => self.rename(owner, zone, node),
            Lookup::Exact(zone, node) => self.take(owner, zone, node, false),
            Lookup::Wildcard(zone, node) => self.take(owner, zone, node, true),
        }
    }

    /// Answers from an existing name or a wildcard, whose records are then those of `owner` (RFC 4592 §3.3.1).
    fn take(&mut self, owner: Owner<'a>, zone: ZoneView<'a>, node: Node<'a>, wildcard: bool) -> Option<Owner<'a>> {
        self.tell_reason(node);
        match self.select(node) {
            Ok(set) => {
                if self.plan.answer.is_empty() {
                    self.plan.source = Some(node.owner());
                }
                node.tell(set.rtype(), self.plan.given);
                self.plan.answer.push(self.item(owner, node, set));
                if wildcard {
                    self.prove(owner, zone, Absence::Covered(node));
                }
                let follow = set.rtype() == Rtype::CNAME && !matches!(self.rtype, Rtype::CNAME | Rtype::ANY);
                if follow { set.rdatas().next().map(Owner::Wire) } else { None }
            }
            Err(negative_ttl) => {
                self.deny(zone, negative_ttl);
                self.prove(owner, zone, if wildcard { Absence::CoveredType(node) } else { Absence::Type(node) });
                None
            }
        }
    }

    /// Chooses the set that answers, or tells the longest that its absence may be cached, if a decision rules that.
    fn select(&self, node: Node<'a>) -> Result<&'a Rrset, Option<u32>> {
        if self.rtype == Rtype::ANY {
            // RFC 8482 §4.1: one set is enough; one that people asked for, if there is any.
            let is_data = |set: &&Arc<Rrset>| !matches!(set.rtype(), Rtype::RRSIG | Rtype::NSEC);
            let one = node.records(Rtype::SRV).or_else(|| node.sets().find(is_data)).or_else(|| node.sets().next());
            return one.map(|set| &**set).ok_or_else(|| node.absence());
        }
        match node.drawn(self.rtype, || self.plan.draw) {
            Some(Held::Records(set)) => Ok(set),
            Some(Held::Empty { negative_ttl }) => Err(Some(negative_ttl)),
            // RFC 4035 §2.5: these belong to the alias itself.
            None if matches!(self.rtype, Rtype::RRSIG | Rtype::NSEC) => Err(None),
            None => node.drawn_records(Rtype::CNAME, || self.plan.draw).map(|set| &**set).ok_or(None),
        }
    }

    /// Makes an item of one of a node's sets, with signatures if they are wanted.
    fn item(&self, owner: Owner<'a>, node: Node<'a>, set: &'a Rrset) -> Item<'a> {
        let wanted = self.plan.dnssec_ok();
        Item { signatures: signatures(node, wanted), ..Item::of(owner, set) }
    }

    fn prove(&mut self, owner: Owner<'a>, zone: ZoneView<'a>, absence: Absence<'a>) {
        if !self.plan.dnssec_ok() {
            return;
        }
        let mut copy = [0u8; name::MAX_NAME];
        let wire = self.plan.name(owner, self.query);
        let Some(copy) = copy.get_mut(..wire.len()) else { return };
        copy.copy_from_slice(wire);
        denial::prove(self.plan, zone, copy, absence);
    }

    /// Puts the target of a DNAME in the place of its owner (RFC 6672 §2.2, §3.1).
    fn rename(&mut self, owner: Owner<'a>, zone: ZoneView<'a>, node: Node<'a>) -> Option<Owner<'a>> {
        let Some((set, target)) = node.records(Rtype::DNAME).and_then(|set| Some((set, set.rdatas().next()?))) else {
            self.deny(zone, None);
            return None;
        };
        let dname = self.item(Owner::Wire(node.owner().wire()), node, set);
        let mut copy = [0u8; name::MAX_NAME];
        let wire = self.plan.name(owner, self.query);
        let labels_length = wire.len().saturating_sub(node.owner().wire().len());
        let labels = copy.get_mut(..labels_length)?;
        labels.copy_from_slice(wire.get(..labels_length)?);
        if labels_length + target.len() > name::MAX_NAME {
            self.plan.rcode = Rcode::YXDOMAIN;
            self.plan.answer.push(dname);
            return None;
        }
        // Without room for one more name the chain ends before its DNAME; the client asks on from there.
        let made = self.plan.synthesized.join(labels, target)?;
        self.plan.answer.push(dname);
        self.plan.answer.push(Item {
            owner,
            data: Data::Cname(made),
            ttl: set.ttl(),
            signatures: None,
            required: true,
        });
        (self.rtype != Rtype::CNAME).then_some(Owner::Synthesized(made))
    }

    /// Adds the SOA that tells how long "no" may be cached (RFC 2308 §3, §5), and at most `absence` seconds.
    fn deny(&mut self, zone: ZoneView<'a>, absence: Option<u32>) {
        let Some(soa) = zone.soa() else {
            self.plan.rcode = Rcode::SERVFAIL;
            return;
        };
        let minimum =
            soa.rdatas().next().and_then(|rdata| rdata.last_chunk::<4>()).map_or(0, |m| u32::from_be_bytes(*m));
        let ttl = soa.ttl().min(minimum).min(absence.unwrap_or(u32::MAX));
        let item = self.item(Owner::Wire(zone.origin().wire()), zone.apex(), soa);
        self.plan.authority.push(Item { ttl, ..item });
    }

    /// Names the servers of a cut, and whether the zone there is signed (RFC 4035 §3.1.4).
    fn refer(&mut self, zone: ZoneView<'a>, cut: Node<'a>) {
        let Some(servers) = cut.records(Rtype::NS) else { return };
        let owner = Owner::Wire(cut.owner().wire());
        self.plan.authority.push(Item::of(owner, servers));
        if self.plan.dnssec_ok() {
            match cut.records(Rtype::DS) {
                Some(set) => _ = self.plan.authority.push(self.item(owner, cut, set)),
                None => self.prove(owner, zone, Absence::Type(cut)),
            }
        }
        self.plan.measure_room(self.query, self.limit);
        additional::add_glue(self.snapshot, self.query, self.plan, zone, cut);
    }

    fn has_been_at(&self, next: Owner<'_>) -> bool {
        let wire = self.plan.name(next, self.query);
        self.plan.answer.iter().any(|item| {
            item.rtype() == Rtype::CNAME && self.plan.name(item.owner, self.query).eq_ignore_ascii_case(wire)
        })
    }

    /// Tells why a set is not as declared, if so it is.
    fn tell_reason(&mut self, node: Node<'a>) {
        // An alias stands for every type.
        if let Some(note) = node.note(self.rtype).or_else(|| node.note(Rtype::CNAME)) {
            self.explain(Ede { code: EDE_OTHER, note: note.at(self.now) });
        }
    }

    fn explain(&mut self, ede: Ede<'a>) {
        self.plan.explain(ede);
    }
}

/// RFC 8914 §4.1: the text says it.
pub(super) const EDE_OTHER: u16 = 0;
