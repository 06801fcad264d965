//! A server without sockets over zones written in a few lines, and answers as text.

use std::sync::Arc;

use hickory_proto::op::{Message, ResponseCode};
use hickory_proto::rr::Record;
use prometheus_client::registry::Registry;
use understudy::base::clock::{Clock, Mono, Now, UnixTime};
use understudy::base::table::Table;
use understudy::serve::{
    Client, Limiter, Metrics, Parts, QueryView, Readiness, Responder, Secrets, Settings, Signed, Transport, hickory,
};
use understudy::snapshot::{Image, Publisher, SlotId, SlotKey, SlotValue, Snapshot, ZoneId, ZoneInput};
use understudy::zone::{Name, Rrset, Rtype, Srv, Zone, ZoneBuilder};

/// Reads lines of `owner TTL TYPE RDATA`; the first line's owner is the origin, names without a final dot lie below it.
pub(crate) fn zone(text: &str) -> Zone {
    let mut lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    let origin = name(lines.clone().next().unwrap().split_whitespace().next().unwrap());
    let mut builder = ZoneBuilder::new(origin.clone());
    lines.by_ref().for_each(|line| {
        let words: Vec<&str> = line.split_whitespace().collect();
        let owner = Name::parse(words[0].as_bytes(), Some(&origin)).unwrap();
        let rtype = Rtype::parse(words[2]).unwrap();
        builder.add(&owner, rtype, words[1].parse().unwrap(), &rdata(rtype, &words[3..], &origin)).unwrap();
    });
    builder.finish().unwrap()
}

/// Reads RDATA of the types that the tests use; others stand in hexadecimal.
pub(crate) fn rdata(rtype: Rtype, words: &[&str], origin: &Name) -> Vec<u8> {
    let target = |text: &str| Name::parse(text.as_bytes(), Some(origin)).unwrap().wire().to_vec();
    let short = |text: &str| text.parse::<u16>().unwrap().to_be_bytes().to_vec();
    let string = |text: &str| [&[u8::try_from(text.len()).unwrap()], text.as_bytes()].concat();
    match rtype {
        Rtype::A => words[0].parse::<std::net::Ipv4Addr>().unwrap().octets().to_vec(),
        Rtype::AAAA => words[0].parse::<std::net::Ipv6Addr>().unwrap().octets().to_vec(),
        Rtype::NS | Rtype::CNAME | Rtype::DNAME | Rtype::PTR => target(words[0]),
        Rtype::MX => [short(words[0]), target(words[1])].concat(),
        Rtype::TXT => string(words[0]),
        Rtype::SRV => [short(words[0]), short(words[1]), short(words[2]), target(words[3])].concat(),
        Rtype::HTTPS => [short(words[0]), target(words[1])].concat(),
        Rtype::NAPTR => {
            let strings = words[2..5].iter().map(|word| string(word.trim_matches('"')));
            [short(words[0]), short(words[1]), strings.collect::<Vec<_>>().concat(), target(words[5])].concat()
        }
        Rtype::SOA => {
            let numbers = words[2..].iter().flat_map(|word| word.parse::<u32>().unwrap().to_be_bytes());
            [target(words[0]), target(words[1]), numbers.collect()].concat()
        }
        _ => data_encoding::HEXLOWER.decode(words[0].as_bytes()).unwrap(),
    }
}

pub(crate) fn name(text: &str) -> Name {
    text.parse().unwrap()
}

/// One server over some zones.
pub(crate) struct Server {
    pub(crate) responder: Responder,
    registry: Registry,
    publisher: Publisher,
    first: Snapshot,
}

impl Server {
    /// Serves these zones; a text of a single word is the origin of a broken zone.
    pub(crate) fn new(zones: &[&str]) -> Self {
        Self::with_slots(zones, &[])
    }

    /// Serves these zones; the sets named as `zone number, owner, type` are slots with their declared records.
    pub(crate) fn with_slots(zones: &[&str], slots: &[(usize, &str, Rtype)]) -> Self {
        Self::build(&zones.iter().map(|text| input(text)).collect(), slots)
    }

    /// Serves zones that were read elsewhere.
    pub(crate) fn of(zones: Vec<Zone>) -> Self {
        let input = |zone: Zone| ZoneInput { origin: zone.origin().clone(), zone: Some(Arc::new(zone)) };
        Self::build(&zones.into_iter().map(input).collect(), &[])
    }

    fn build(zones: &Table<ZoneId, ZoneInput>, slots: &[(usize, &str, Rtype)]) -> Self {
        let ids: Vec<ZoneId> = zones.ids().collect();
        let keys: Table<SlotId, SlotKey> = slots
            .iter()
            .map(|(zone, owner, rtype)| SlotKey { zone: ids[*zone], owner: name(owner), rtype: *rtype })
            .collect();
        let values = keys.iter().map(|(_, key)| {
            let zone = zones[key.zone].zone.as_ref().unwrap();
            SlotValue::Records(Arc::clone(zone.rrset(&key.owner, key.rtype).unwrap()))
        });
        let values = values.collect();
        Self::over(Snapshot::first(Arc::new(Image::build(zones, &keys)), values, 1))
    }

    /// Serves a snapshot.
    pub(crate) fn over(first: Snapshot) -> Self {
        let publisher = Publisher::new(first.clone());
        let mut registry = Registry::default();
        let responder = responder(&publisher, &mut registry);
        Self { responder, registry, publisher, first }
    }

    /// Changes a setting.
    pub(crate) fn set(&self, change: impl FnOnce(&mut Settings)) {
        let mut settings = Settings::clone(&self.responder.settings().load());
        change(&mut settings);
        self.responder.settings().set(settings);
    }

    /// Publishes a snapshot in which one slot holds something else.
    pub(crate) fn publish(&mut self, slot: usize, value: SlotValue) {
        let slot = understudy::base::table::RowId::from_index(slot);
        self.publish_snapshot(self.first.next([(slot, value)]));
    }

    /// Publishes a snapshot.
    pub(crate) fn publish_snapshot(&mut self, next: Snapshot) {
        self.first = next;
        assert!(self.publisher.publish(self.first.clone()));
    }

    pub(crate) fn snapshot(&self) -> &Snapshot {
        &self.first
    }

    /// Asks `name TYPE` over TCP with an OPT record.
    pub(crate) fn ask(&self, question: &str) -> Answer {
        self.ask_octets(&query(question, Some(1232)), Transport::Tcp)
    }

    pub(crate) fn ask_octets(&self, packet: &[u8], transport: Transport) -> Answer {
        let mut octets = Vec::new();
        assert!(self.responder.respond(packet, client(transport), &mut octets).is_some(), "silence");
        self.compare(packet, transport, &octets);
        Answer::read(octets)
    }

    /// hickory's frame says the same, where it reads the query and nothing is left to its own judgement: what is left out, as
    /// it compresses less, and a signature, which it does not write.
    fn compare(&self, packet: &[u8], transport: Transport, ours: &[u8]) {
        let is_signed = QueryView::parse(packet).is_ok_and(|query| query.signed != Signed::No);
        let theirs = hickory::respond(&self.responder, packet, client(transport));
        if let Some(theirs) =
            theirs.filter(|theirs| !transport.kind().is_datagram && !is_signed && !leaves_more_out(theirs, ours))
        {
            assert_eq!(essence(ours.to_vec()), essence(theirs), "{transport:?}: {packet:02x?}");
        }
    }

    /// Returns what is counted, as it is told.
    pub(crate) fn metrics(&self) -> String {
        let mut text = String::new();
        prometheus_client::encoding::text::encode(&mut text, &self.registry).unwrap();
        text
    }

    pub(crate) fn is_silent(&self, packet: &[u8]) -> bool {
        self.responder.respond(packet, client(Transport::Udp), &mut Vec::new()).is_none()
    }
}

/// Whether an answer is truncated where the other one is not.
fn leaves_more_out(theirs: &[u8], ours: &[u8]) -> bool {
    let is_truncated = |octets: &[u8]| octets.get(2).is_some_and(|flags| flags & 0b10 != 0);
    is_truncated(theirs) && !is_truncated(ours)
}

/// What of an answer must not depend on the renderer.
pub(crate) fn essence(octets: Vec<u8>) -> impl PartialEq + std::fmt::Debug {
    let answer = Answer::read(octets);
    let edns = answer.message.edns.as_ref().map(|edns| (edns.max_payload(), edns.flags().dnssec_ok, edns.version()));
    let flags = (answer.rcode(), answer.is_authoritative(), answer.is_truncated(), answer.message.metadata.id);
    let queries = answer.message.queries.clone();
    // Each renderer chooses by itself whose spelling a compressed name has (RFC 4343 §4.1).
    let spelt = |section: Vec<String>| section.iter().map(|record| record.to_lowercase()).collect::<Vec<_>>();
    (flags, queries, edns, [answer.answer(), answer.authority(), answer.additional()].map(spelt))
}

/// Makes a responder with defaults that is ready.
fn responder(publisher: &Publisher, registry: &mut Registry) -> Responder {
    Responder::new(Parts {
        reader: publisher.reader(),
        settings: Settings::default(),
        secrets: Secrets::new([1; 16]),
        readiness: Readiness::ready(),
        metrics: Metrics::register(registry),
        limiter: Limiter::new([2; 16]),
        clock: Clock::start(),
    })
}

/// A client on loopback, at a fixed time.
pub(crate) fn client(transport: Transport) -> Client {
    let now = Now { mono: Mono::START, wall: UnixTime::from_secs(1_800_000_000) };
    Client::new(([127, 0, 0, 1], 53).into(), transport, now)
}

fn input(text: &str) -> ZoneInput {
    if text.split_whitespace().count() == 1 {
        return ZoneInput { origin: name(text.trim()), zone: None };
    }
    let zone = zone(text);
    ZoneInput { origin: zone.origin().clone(), zone: Some(Arc::new(zone)) }
}

/// Makes a query of class IN, or of the class in `name TYPE CLASS`; its number is 0, so no set is turned.
pub(crate) fn query(question: &str, payload: Option<u16>) -> Vec<u8> {
    let words: Vec<&str> = question.split_whitespace().collect();
    let class = words.get(2).map_or(1u16, |class| if *class == "CH" { 3 } else { class.parse().unwrap() });
    let mut packet = vec![0, 0, 1, 0, 0, 1, 0, 0, 0, 0, 0, u8::from(payload.is_some())];
    packet.extend_from_slice(name(words[0]).wire());
    packet.extend_from_slice(&Rtype::parse(words[1]).unwrap().0.to_be_bytes());
    packet.extend_from_slice(&class.to_be_bytes());
    if let Some(payload) = payload {
        packet.extend_from_slice(&[0, 0, 41]);
        packet.extend_from_slice(&payload.to_be_bytes());
        packet.extend_from_slice(&[0; 6]);
    }
    packet
}

/// Makes a query with an OPT record of these options, each a code and its data.
pub(crate) fn query_with(question: &str, options: &[(u16, &[u8])]) -> Vec<u8> {
    let mut packet = query(question, Some(1232));
    let options: Vec<u8> = options
        .iter()
        .flat_map(|(code, data)| {
            let length = u16::try_from(data.len()).unwrap();
            [&code.to_be_bytes(), &length.to_be_bytes(), *data].concat()
        })
        .collect();
    packet.truncate(packet.len() - 2);
    packet.extend_from_slice(&u16::try_from(options.len()).unwrap().to_be_bytes());
    packet.extend_from_slice(&options);
    packet
}

/// One answer, decoded by hickory.
pub(crate) struct Answer {
    pub(crate) octets: Vec<u8>,
    pub(crate) message: Message,
}

impl Answer {
    pub(crate) fn read(octets: Vec<u8>) -> Self {
        let message = Message::from_vec(&octets).unwrap_or_else(|error| panic!("{error}: {octets:02x?}"));
        Self { octets, message }
    }

    pub(crate) fn rcode(&self) -> ResponseCode {
        self.message.metadata.response_code
    }

    pub(crate) fn is_authoritative(&self) -> bool {
        self.message.metadata.authoritative
    }

    pub(crate) fn is_truncated(&self) -> bool {
        self.message.metadata.truncation
    }

    /// Returns the data of the first option with this code.
    pub(crate) fn option(&self, code: u16) -> Option<Vec<u8>> {
        let edns = self.message.edns.as_ref()?;
        edns.options()
            .as_ref()
            .iter()
            .find_map(|(known, option)| (u16::from(*known) == code).then(|| Vec::<u8>::try_from(option).unwrap()))
    }

    pub(crate) fn answer(&self) -> Vec<String> {
        lines(&self.message.answers)
    }

    pub(crate) fn authority(&self) -> Vec<String> {
        lines(&self.message.authorities)
    }

    pub(crate) fn additional(&self) -> Vec<String> {
        lines(&self.message.additionals)
    }

    /// Asserts response code, AA and all three sections; a section is one text, a record a line.
    #[track_caller]
    pub(crate) fn is(&self, rcode: ResponseCode, authoritative: bool, answer: &str, authority: &str, additional: &str) {
        let wanted =
            |text: &str| text.lines().map(|line| line.trim().to_owned()).filter(|l| !l.is_empty()).collect::<Vec<_>>();
        assert_eq!(
            (self.rcode(), self.is_authoritative(), self.answer(), self.authority(), self.additional()),
            (rcode, authoritative, wanted(answer), wanted(authority), wanted(additional))
        );
    }
}

fn lines(records: &[Record]) -> Vec<String> {
    records
        .iter()
        .map(|record| format!("{} {} {} {}", record.name, record.ttl, record.record_type(), record.data))
        .collect()
}

/// Makes an SRV set.
pub(crate) fn srv_set(ttl: u32, members: &[(u16, u16, u16, &str)]) -> Arc<Rrset> {
    let rdatas = members.iter().map(|(priority, weight, port, host)| {
        let host = name(host);
        Srv { priority: *priority, weight: *weight, port: *port, host: host.wire() }.write()
    });
    Arc::new(Rrset::new(Rtype::SRV, ttl, rdatas))
}
