//! Two roads to the same octets: plain questions over UDP are answered at once, all others by a plan. What is said of each
//! question is what the plan says, over zones made by chance, whose sets follow decisions, and over packets that are changed
//! by chance.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use understudy::base::clock::Mono;
use understudy::base::table::Table;
use understudy::serve::{
    AccessList, Client, Context, QueryView, Responder, Secrets, Settings, Signed, Status, Transport, answer, limit,
    render,
};
use understudy::snapshot::{
    Hold, Image, Note, Pick, SlotId, SlotKey, SlotValue, Snapshot, WeightedSet, ZoneId, ZoneInput,
};
use understudy::zone::parse::{Origin, Sources, load};
use understudy::zone::{Name, Rrset, Rtype, Zone};

use crate::generate::{Dice, generate};
use crate::support::{Server, client, name, query_with, srv_set};

/// Answers by the plan, as the general road does for who is not limited.
fn by_plan(snapshot: &Snapshot, settings: &Settings, packet: &[u8], client: Client) -> Option<Vec<u8>> {
    let query = QueryView::parse(packet).ok()?;
    let (status, secrets) = (Status { answering: true, ..Status::default() }, Secrets::new([1; 16]));
    let rotation = query.header.id;
    let context = Context { settings, status: &status, client, secrets: &secrets, rotation };
    let plan = answer(snapshot, &query, &context);
    let mut message = Vec::new();
    render(&plan, &query, limit(&query, &context), &mut message);
    Some(message)
}

/// Zones made by chance of a seed, and questions about them.
fn zones(seed: u64) -> (Vec<Arc<Zone>>, Vec<(String, Rtype)>) {
    let (mut zones, mut questions) = (Vec::new(), Vec::new());
    for number in 0..2 {
        let case = generate(seed * 2 + number, &format!("z{number}.test."), "z0.test.", 400);
        zones.extend(case.zones.iter().map(|(_, text)| read(text)));
        questions.extend(case.questions);
    }
    (zones, questions)
}

fn read(text: &str) -> Arc<Zone> {
    let parsed = load("zone", text.as_bytes(), Origin::Unknown, &mut Nothing);
    Arc::new(parsed.zone.unwrap_or_else(|| panic!("{:?}", parsed.findings)))
}

struct Nothing;

impl Sources for Nothing {
    fn read(&mut self, _: &str, path: &str) -> Result<(String, Vec<u8>), String> {
        Err(path.to_owned())
    }
}

/// Makes a set of which each answer holds a part: the records of another one, and of each type one more.
fn weighted_set(owner: &Name, set: &Rrset, dice: &mut Dice) -> Arc<WeightedSet> {
    let more = match set.rtype() {
        Rtype::A => vec![192, 0, 2, 250],
        Rtype::AAAA => std::iter::repeat_n(7, 16).collect(),
        _ => owner.parent().unwrap().wire().to_vec(),
    };
    let records = set.rdatas().map(<[u8]>::to_vec).chain([more]);
    let records: Vec<(Vec<u8>, u16)> = records.map(|rdata| (rdata, u16::try_from(dice.below(4)).unwrap())).collect();
    let pick = if set.rtype() == Rtype::CNAME || dice.below(2) == 0 { Pick::One } else { Pick::Each };
    Arc::new(WeightedSet::new(set.rtype(), set.ttl(), &records, pick, dice.below(1_000) as u64))
}

/// Makes a snapshot in which many sets follow decisions: fewer records, none, another TTL, with words or without.
fn snapshot(zones: &[Arc<Zone>], dice: &mut Dice) -> Snapshot {
    let inputs: Table<ZoneId, ZoneInput> =
        zones.iter().map(|zone| ZoneInput { origin: zone.origin().clone(), zone: Some(Arc::clone(zone)) }).collect();
    let mut keys: Vec<(SlotKey, Arc<Rrset>)> = Vec::new();
    for (id, zone) in inputs.ids().zip(zones) {
        for (owner, set) in zone.sets() {
            let kinds = [Rtype::SRV, Rtype::A, Rtype::AAAA, Rtype::CNAME, Rtype::SOA];
            let follows = kinds.contains(&set.rtype()) && dice.below(3) > 0;
            if follows {
                keys.push((SlotKey { zone: id, owner: owner.clone(), rtype: set.rtype() }, Arc::clone(set)));
            }
        }
    }
    let mut weighted = 0;
    let mut value = |owner: &Name, set: &Arc<Rrset>, dice: &mut Dice| match dice.below(5) {
        0 | 1 if matches!(set.rtype(), Rtype::A | Rtype::AAAA | Rtype::CNAME) => {
            weighted += 1;
            SlotValue::Weighted(weighted_set(owner, set, dice))
        }
        0 if !matches!(set.rtype(), Rtype::SOA | Rtype::CNAME) => SlotValue::Empty { negative_ttl: 5 },
        1 => SlotValue::Records(Arc::new(Rrset::new(set.rtype(), 7, set.rdatas().take(1)))),
        _ => SlotValue::Records(Arc::clone(set)),
    };
    let values: Vec<SlotValue> = keys.iter().map(|(key, set)| value(&key.owner, set, dice)).collect();
    assert!(weighted > 0, "no set is drawn from");
    let slots: Table<SlotId, SlotKey> = keys.into_iter().map(|(key, _)| key).collect();
    let note = |dice: &mut Dice| match dice.below(3) {
        0 => None,
        chance => Some(Note {
            text: "tier 20 is active, tier 10 failed".into(),
            hold: (chance == 1).then(|| Hold { since: Mono::START, until: Mono::START + Duration::from_secs(60) }),
        }),
    };
    let notes: Vec<(SlotId, Option<Note>)> = slots.ids().map(|slot| (slot, note(dice))).collect();
    Snapshot::first(Arc::new(Image::build_keyed(&inputs, &slots, [9; 16])), values, 1).with_notes(notes)
}

/// Makes a query of a number, mostly with an OPT record, its size, DO bit and options by chance.
fn query(asked: &str, rtype: Rtype, dice: &mut Dice) -> Option<Vec<u8>> {
    let asked: Name = asked.parse().ok()?;
    let number = u16::try_from(dice.below(65_536)).unwrap();
    let edns = dice.below(6) > 0;
    let mut packet = [&number.to_be_bytes()[..], &[1, 0, 0, 1, 0, 0, 0, 0, 0, u8::from(edns)]].concat();
    let mut wire = asked.wire().to_vec();
    if dice.below(3) == 0 {
        wire.make_ascii_uppercase();
    }
    packet.extend_from_slice(&wire);
    packet.extend_from_slice(&rtype.0.to_be_bytes());
    packet.extend_from_slice(&[0, 1]);
    if edns {
        let sizes: [u16; 5] = [0, 512, 600, 1232, 4096];
        let flag = if dice.below(3) == 0 { 0x80 } else { 0 };
        let cookie: &[u8] = b"\0\x0a\0\x08\x01\x02\x03\x04\x05\x06\x07\x08";
        let options: Vec<u8> = [&b"\0\x03\0\0"[..], cookie, b"\0\x0a\0\x01\0", b"\0\x0c\0\x01\0", b"\xff\0\0\0"]
            .into_iter()
            .filter(|_| dice.below(4) == 0)
            .flatten()
            .copied()
            .collect();
        let size = sizes[dice.below(sizes.len())].to_be_bytes();
        let length = u16::try_from(options.len()).unwrap().to_be_bytes();
        packet.extend([&[0, 0, 41][..], &size, &[0, 0, flag, 0], &length, &options].concat());
    }
    Some(packet)
}

fn settings(dice: &mut Dice) -> Settings {
    Settings {
        minimal_responses: dice.below(3) == 0,
        extended_errors: dice.below(3) > 0,
        nsid: (dice.below(2) == 0).then(|| b"one".to_vec()),
        ..Settings::default()
    }
}

/// Asks, and compares with what the plan says; what is no query at all has no plan.
fn compare(server: &Server, settings: &Settings, packet: &[u8]) -> usize {
    let client = client(Transport::Udp);
    let mut octets = Vec::new();
    let sent = server.responder.respond(packet, client, &mut octets);
    let has_plan = QueryView::parse(packet).is_ok_and(|query| {
        let is_transfer = |rtype| matches!(rtype, Rtype::AXFR | Rtype::IXFR);
        let is_data = query.question.is_none_or(|question| !is_transfer(question.rtype));
        query.header.opcode() == 0 && query.signed == Signed::No && is_data
    });
    let Some(expected) = by_plan(server.snapshot(), settings, packet, client).filter(|_| has_plan) else { return 0 };
    assert!(sent.is_some(), "silence for {packet:02x?}");
    assert!(octets == expected, "asked {packet:02x?}\n   said {octets:02x?}\nthe plan {expected:02x?}");
    1
}

#[test]
fn both_roads_lead_to_the_same_octets() {
    let mut compared = 0;
    for seed in 0..40 {
        let mut dice = Dice(seed);
        let (zones, questions) = zones(seed);
        let server = Server::over(snapshot(&zones, &mut dice));
        let settings = settings(&mut dice);
        server.set(|was| *was = settings.clone());
        for (asked, rtype) in &questions {
            for rtype in [*rtype, [Rtype::A, Rtype::SRV, Rtype::AAAA, Rtype::TXT, Rtype::SOA][dice.below(5)]] {
                let Some(packet) = query(asked, rtype, &mut dice) else { continue };
                compared += compare(&server, &settings, &packet);
                let mut changed = packet.clone();
                for _ in 0..=dice.below(3) {
                    let at = dice.below(changed.len());
                    changed[at] ^= 1 << dice.below(8);
                }
                changed.truncate(changed.len() - dice.below(2) * dice.below(4));
                compared += compare(&server, &settings, &changed);
            }
        }
    }
    assert!(compared > 20_000, "{compared}");
}

#[test]
fn hosts_that_end_alike_are_pointed_to_as_the_plan_does() {
    let zone = read(
        "t. 60 IN SOA ns.a.t. h.ns.a.t. 1 2 3 4 30\nt. 60 IN NS ns.elsewhere.\nt. 60 IN A 192.0.2.1\na.t. 60 IN A 192.0.2.2\na.t. 60 IN A 192.0.2.3\n\
         b.a.t. 60 IN AAAA 2001:db8::1\nc.b.a.t. 60 IN A 192.0.2.4\n_s._tcp.a.t. 60 IN SRV 1 1 1 c.b.a.t.\n\
         _s._tcp.a.t. 60 IN SRV 1 1 2 C.B.a.t.\n_s._tcp.a.t. 60 IN SRV 2 1 1 a.t.\n_s._tcp.a.t. 60 IN SRV 3 1 1 b.a.t.\n\
         _s._tcp.a.t. 60 IN SRV 4 1 1 t.\n_s._tcp.a.t. 60 IN SRV 5 0 0 .\n_s._tcp.a.t. 60 IN SRV 6 1 1 gone.t.\n\
         *.w.t. 60 IN SRV 1 1 1 x.w.t.\n*.w.t. 60 IN SRV 1 1 1 y.x.w.t.\n*.w.t. 60 IN A 192.0.2.5\n",
    );
    let server = Server::of(vec![Zone::clone(&zone)]);
    let mut asked = 0;
    for question in ["_s._tcp.a.t.", "x.w.t.", "y.x.w.t.", "z.y.x.w.t.", "no.ns.a.t.", "no.h.ns.a.t.", "t.", "ns.a.t."]
    {
        for number in 0..12_u16 {
            for rtype in [Rtype::SRV, Rtype::A, Rtype::SOA, Rtype::TXT] {
                let header = [&number.to_be_bytes()[..], &[1, 0, 0, 1, 0, 0, 0, 0, 0, 0]].concat();
                let packet = [&header[..], name(question).wire(), &rtype.0.to_be_bytes(), &[0, 1]].concat();
                asked += compare(&server, &Settings::default(), &packet);
            }
        }
    }
    assert_eq!(asked, 8 * 12 * 4);
}

#[test]
fn who_may_not_ask_in_a_zone_is_refused_on_both_roads() {
    let zone = read("t. 60 IN SOA n.t. h.t. 1 2 3 4 30\nt. 60 IN NS ns.elsewhere.\n_s.t. 60 IN SRV 1 1 1 www.u.\n");
    let other = read("u. 60 IN SOA n.u. h.u. 1 2 3 4 30\nu. 60 IN NS ns.elsewhere.\nwww.u. 60 IN A 192.0.2.1\n");
    let server = Server::of(vec![Zone::clone(&zone), Zone::clone(&other)]);
    for closed in ["t.", "u.", "v."] {
        let list = AccessList::only(vec!["198.51.100.0/24".parse().unwrap()]);
        let settings = Settings { zones: [(name(closed), list)].into_iter().collect(), ..Settings::default() };
        server.set(|was| *was = settings.clone());
        for question in ["_s.t.", "www.u.", "no.u.", "v."] {
            let header = [0, 0, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0];
            let packet = [&header[..], name(question).wire(), &Rtype::SRV.0.to_be_bytes(), &[0, 1]].concat();
            assert_eq!(compare(&server, &settings, &packet), 1);
        }
    }
}

/// Answers of a service and its host in which every number is that of the generation.
struct Numbered {
    packet: Vec<u8>,
    snapshots: Vec<Snapshot>,
    /// By their octets, the generations that they are the answer of.
    answers: HashMap<Vec<u8>, usize>,
}

impl Numbered {
    fn new(generations: u16) -> Self {
        let zone = read(
            "t. 60 IN SOA n.t. h.t. 1 2 3 4 30\nt. 60 IN NS ns.elsewhere.\n_s.t. 60 IN SRV 1 1 1 www.t.\nwww.t. 60 IN A 192.0.2.1\n",
        );
        let zones: Table<ZoneId, ZoneInput> =
            [ZoneInput { origin: zone.origin().clone(), zone: Some(Arc::clone(&zone)) }].into_iter().collect();
        let id = zones.ids().next().unwrap();
        let key = |owner: &str, rtype| SlotKey { zone: id, owner: name(owner), rtype };
        let slots: Table<SlotId, SlotKey> = [key("_s.t.", Rtype::SRV), key("www.t.", Rtype::A)].into_iter().collect();
        let values = |number: u16| {
            let [high, low] = number.to_be_bytes();
            let address = Rrset::new(Rtype::A, 60, [[192, 0, high, low]]);
            [SlotValue::Records(srv_set(60, &[(1, number, number, "www.t.")])), SlotValue::Records(Arc::new(address))]
        };
        let mut snapshots = vec![Snapshot::first(Arc::new(Image::build(&zones, &slots)), values(0).to_vec(), 1)];
        for number in 1..generations {
            let next = snapshots.last().unwrap().next(slots.ids().zip(values(number)));
            snapshots.push(next);
        }
        let packet = [&[0, 0, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0], name("_s.t.").wire(), &[0, 33, 0, 1]].concat();
        let settings = Settings::default();
        let of = |snapshot| by_plan(snapshot, &settings, &packet, client(Transport::Udp)).unwrap();
        let answers = snapshots.iter().map(of).zip(0..).collect();
        Self { packet, snapshots, answers }
    }
}

#[test]
fn a_thousand_generations_a_second_are_never_mixed() {
    let numbered = Numbered::new(1_000);
    assert_eq!(numbered.answers.len(), 1_000);
    let mut server = Server::over(numbered.snapshots[0].clone());
    let done = AtomicBool::new(false);
    let read = |responder: &Responder| {
        let (mut message, mut last, mut seen) = (Vec::new(), 0, 0);
        loop {
            let is_done = done.load(Ordering::Acquire);
            assert!(responder.respond(&numbered.packet, client(Transport::Udp), &mut message).is_some());
            let generation = *numbered.answers.get(&message).unwrap_or_else(|| panic!("torn: {message:02x?}"));
            assert!(generation >= last, "generation {generation} after {last}");
            seen += usize::from(generation != last);
            last = generation;
            if is_done {
                return (seen, last);
            }
        }
    };
    std::thread::scope(|scope| {
        let responder = server.responder.clone();
        let readers = [0; 2].map(|_| {
            let responder = responder.clone();
            scope.spawn(move || read(&responder))
        });
        for snapshot in &numbered.snapshots[1..] {
            server.publish_snapshot(snapshot.clone());
            std::thread::sleep(Duration::from_millis(1));
        }
        done.store(true, Ordering::Release);
        for reader in readers {
            let (seen, last) = reader.join().unwrap();
            assert!(seen > 0 && last == 999, "{seen} generations, the last {last}");
        }
    });
}

#[test]
fn no_plain_answer_allocates() {
    let zone = read(
        "t. 60 IN SOA n.t. h.t. 1 2 3 4 30\nt. 60 IN NS ns.elsewhere.\n_s.t. 60 IN SRV 1 1 1 www.t.\n_s.t. 60 IN SRV 1 1 1 a.t.\nwww.t. 60 IN A 192.0.2.1\n\
         a.t. 60 IN AAAA 2001:db8::1\n*.w.t. 60 IN TXT wild\n",
    );
    let server = Server::of(vec![Zone::clone(&zone)]);
    server.set(|settings| settings.nsid = Some(b"one".to_vec()));
    let cookie: &[u8] = &[1, 2, 3, 4, 5, 6, 7, 8];
    let questions = ["_s.t. SRV", "www.t. A", "www.t. TXT", "no.t. A", "x.w.t. TXT", "t. SOA"];
    for packet in questions.map(|question| query_with(question, &[(10, cookie), (3, &[])])) {
        let mut message = Vec::with_capacity(1232);
        let mut ask = || server.responder.respond(&packet, client(Transport::Udp), &mut message).is_some();
        // The first one of a thread makes what the thread keeps.
        assert!(ask());
        let made = allocation_counter::measure(|| assert!(ask()));
        assert_eq!(made.count_total, 0, "{packet:02x?}");
    }
}
