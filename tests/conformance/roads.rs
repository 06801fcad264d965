//! Two roads to the same octets: plain questions over UDP are answered at once, all others by a plan. What is said of each
//! question is what the plan says, over zones made by chance, whose sets follow decisions, and over packets that are changed
//! by chance.

use std::sync::Arc;
use std::time::Duration;

use understudy::base::clock::Mono;
use understudy::base::table::Table;
use understudy::serve::{
    Client, Context, QueryView, Secrets, Settings, Signed, Status, Transport, answer, limit, render,
};
use understudy::snapshot::{Hold, Image, Note, SlotId, SlotKey, SlotValue, Snapshot, ZoneId, ZoneInput};
use understudy::zone::parse::{Origin, Sources, load};
use understudy::zone::{Name, Rrset, Rtype, Zone};

use crate::generate::{Dice, generate};
use crate::support::{Server, client};

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

/// Makes a snapshot in which many sets follow decisions: fewer records, none, another TTL, with words or without.
fn snapshot(zones: &[Arc<Zone>], dice: &mut Dice) -> Snapshot {
    let inputs: Table<ZoneId, ZoneInput> =
        zones.iter().map(|zone| ZoneInput { origin: zone.origin().clone(), zone: Some(Arc::clone(zone)) }).collect();
    let mut keys: Vec<(SlotKey, Arc<Rrset>)> = Vec::new();
    for (id, zone) in inputs.ids().zip(zones) {
        for (owner, set) in zone.sets() {
            let follows = matches!(set.rtype(), Rtype::SRV | Rtype::A | Rtype::SOA) && dice.below(3) > 0;
            if follows {
                keys.push((SlotKey { zone: id, owner: owner.clone(), rtype: set.rtype() }, Arc::clone(set)));
            }
        }
    }
    let value = |set: &Arc<Rrset>, dice: &mut Dice| match dice.below(4) {
        0 if set.rtype() != Rtype::SOA => SlotValue::Empty { negative_ttl: 5 },
        1 => SlotValue::Records(Arc::new(Rrset::new(set.rtype(), 7, set.rdatas().take(1)))),
        _ => SlotValue::Records(Arc::clone(set)),
    };
    let values: Vec<SlotValue> = keys.iter().map(|(_, set)| value(set, dice)).collect();
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
        let options: Vec<u8> =
            [&b"\0\x03\0\0"[..], cookie, b"\0\x0a\0\x01\0", b"\0\x0c\0\x01\0", b"\0\x09\0\0", b"\xff\0\0\0"]
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
