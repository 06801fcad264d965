use std::sync::Arc;

use proptest::prelude::*;

use super::*;
use crate::base::table::Table;
use crate::zone::{Rtype, Zone, ZoneBuilder};

const SOA: &[u8] = b"\x01n\x00\x01h\x00\0\0\0\x07\0\0\0\x02\0\0\0\x03\0\0\0\x04\0\0\0\x05";

fn name(text: &str) -> Name {
    text.parse().unwrap()
}

fn zone(origin: &str, records: &[(&str, Rtype, &[u8])]) -> Arc<Zone> {
    let mut builder = ZoneBuilder::new(name(origin));
    builder.add(&name(origin), Rtype::SOA, 60, SOA).unwrap();
    for (owner, rtype, rdata) in records {
        builder.add(&name(owner), *rtype, 60, rdata).unwrap();
    }
    Arc::new(builder.finish().unwrap())
}

fn input(zone: &Arc<Zone>) -> ZoneInput {
    ZoneInput { origin: zone.origin().clone(), zone: Some(Arc::clone(zone)) }
}

fn first(zones: &Table<ZoneId, ZoneInput>, slots: &Table<SlotId, SlotKey>) -> Snapshot {
    let values = vec![SlotValue::Empty { negative_ttl: 1 }; slots.len()];
    Snapshot::first(Arc::new(Image::build(zones, slots)), values, 1)
}

fn a_set(last: u8) -> Arc<Rrset> {
    Arc::new(Rrset::new(Rtype::A, 5, [[192, 0, 2, last]]))
}

fn owners(snapshot: &Snapshot, zone: ZoneId) -> Vec<String> {
    snapshot.records(zone).map(|(owner, set)| format!("{owner} {}", set.rtype())).collect()
}

#[test]
fn sets_are_shared_with_the_zone() {
    let zone = zone("t.", &[("a.t.", Rtype::A, &[192, 0, 2, 1])]);
    let snapshot = first(&[input(&zone)].into_iter().collect(), &Table::new());
    let Lookup::Exact(_, node) = snapshot.lookup(b"\x01A\x01T\x00", Rtype::A) else { panic!("it exists") };
    assert!(Arc::ptr_eq(node.records(Rtype::A).unwrap(), zone.rrset(&name("a.t."), Rtype::A).unwrap()));
}

#[test]
fn the_next_snapshot_leaves_the_last_alone() {
    let zone = zone("t.", &[("a.t.", Rtype::A, &[192, 0, 2, 1]), ("b.t.", Rtype::A, &[192, 0, 2, 2])]);
    let mut slots = Table::new();
    let slot = slots.push(SlotKey { zone: ZoneId::from_index(0), owner: name("A.t."), rtype: Rtype::A });
    let old = first(&[input(&zone)].into_iter().collect(), &slots);
    let new = old.next([(slot, SlotValue::Records(a_set(9)))]);
    let id = ZoneId::from_index(0);
    assert_eq!((old.generation(), new.generation()), (1, 2));
    assert_eq!(owners(&old, id), ["t. SOA", "b.t. A"]);
    assert_eq!(owners(&new, id), ["t. SOA", "a.t. A", "b.t. A"]);
    assert_eq!(new.slot(slot), Some(&SlotValue::Records(a_set(9))));
}

#[test]
fn a_slot_makes_a_place_for_what_is_not_declared() {
    let zone = zone("t.", &[("b.t.", Rtype::TXT, b"\x01x"), ("z.t.", Rtype::TXT, b"\x01x")]);
    let id = ZoneId::from_index(0);
    let key = |owner: &str| SlotKey { zone: id, owner: name(owner), rtype: Rtype::A };
    let slots: Table<_, _> = ["y.x.t.", "b.t.", "a.t.", "elsewhere."].map(key).into_iter().collect();
    let ids: Vec<SlotId> = slots.ids().collect();
    let snapshot = first(&[input(&zone)].into_iter().collect(), &slots);
    let snapshot = snapshot.next(ids.into_iter().map(|slot| (slot, SlotValue::Records(a_set(1)))));
    assert_eq!(owners(&snapshot, id), ["t. SOA", "a.t. A", "b.t. TXT", "b.t. A", "y.x.t. A", "z.t. TXT"]);
    assert!(matches!(snapshot.lookup(name("x.t.").wire(), Rtype::A), Lookup::Exact(..)));
}

#[test]
fn a_stale_snapshot_is_not_published() {
    let zone = zone("t.", &[]);
    let snapshot = first(&[input(&zone)].into_iter().collect(), &Table::new());
    let mut publisher = Publisher::new(snapshot.clone());
    let reader = publisher.reader();
    assert!(publisher.publish(snapshot.next([])));
    assert!(!publisher.publish(snapshot));
    assert_eq!(reader.load().generation(), 2);
}

#[test]
fn a_broken_zone_stands_between_its_neighbours() {
    let (parent, other) = (zone("t.", &[("x.b.t.", Rtype::A, &[192, 0, 2, 1])]), zone("o.", &[]));
    let broken = ZoneInput { origin: name("b.t."), zone: None };
    let zones: Table<ZoneId, ZoneInput> = [input(&parent), broken, input(&other)].into_iter().collect();
    let snapshot = first(&zones, &Table::new());
    assert!(matches!(snapshot.lookup(name("x.b.t.").wire(), Rtype::A), Lookup::Broken));
    assert!(matches!(snapshot.lookup(name("c.t.").wire(), Rtype::A), Lookup::Missing(..)));
    assert!(matches!(snapshot.lookup(name("o.").wire(), Rtype::A), Lookup::Exact(..)));
    assert_eq!(snapshot.image().zone_at(&name("O.")), Some(ZoneId::from_index(2)));
    assert!(snapshot.zone(ZoneId::from_index(1)).is_none());
    assert_eq!(snapshot.records(ZoneId::from_index(1)).count(), 0);
}

#[test]
fn a_reload_of_one_zone_builds_the_part_of_that_zone_alone() {
    let (first_zone, second_zone) = (zone("a.", &[("x.a.", Rtype::TXT, b"\x01x")]), zone("b.", &[]));
    let (a, b) = (ZoneId::from_index(0), ZoneId::from_index(1));
    let broken = ZoneInput { origin: name("c."), zone: None };
    let key = |zone, owner: &str| SlotKey { zone, owner: name(owner), rtype: Rtype::A };
    let zones: Table<_, _> = [input(&first_zone), input(&second_zone), broken.clone()].into_iter().collect();
    let slots: Table<_, _> = [key(a, "x.a."), key(b, "x.b.")].into_iter().collect();
    let old = Arc::new(Image::build(&zones, &slots));
    // The second zone is new and has one slot more; by it the slots of the first are numbered anew.
    let second_zone = zone("b.", &[("y.b.", Rtype::TXT, b"\x01y")]);
    let zones: Table<_, _> = [input(&first_zone), input(&second_zone), broken].into_iter().collect();
    let slots: Table<_, _> = [key(b, "x.b."), key(b, "y.b."), key(a, "x.a.")].into_iter().collect();

    let new = old.rebuild(&zones, &slots);

    let shared: Vec<bool> = zones.ids().map(|id| Arc::ptr_eq(old.part(id).unwrap(), new.part(id).unwrap())).collect();
    assert_eq!(shared, [true, false, true]);
    let values = (1..=3).map(|last| SlotValue::Records(a_set(last))).collect();
    let snapshot = Snapshot::first(Arc::clone(&new), values, 1);
    let address = |owner: &str| {
        let Lookup::Exact(_, node) = snapshot.lookup(name(owner).wire(), Rtype::A) else { panic!("{owner} exists") };
        node.records(Rtype::A).map(|set| set.rdatas().next().unwrap()[3])
    };
    assert_eq!(["x.b.", "y.b.", "x.a."].map(address), [Some(1), Some(2), Some(3)]);
    assert!(Arc::ptr_eq(&new, &new.rebuild(&zones, &slots)), "nothing differs");
}

#[test]
fn a_zone_that_takes_the_number_of_another_keeps_its_part() {
    let (one, two) = (zone("a.", &[]), zone("b.", &[]));
    let old = Arc::new(Image::build(&[input(&one), input(&two)].into_iter().collect(), &Table::new()));
    let new = old.rebuild(&[input(&two)].into_iter().collect(), &Table::new());
    let id = ZoneId::from_index(0);
    assert!(Arc::ptr_eq(old.part(ZoneId::from_index(1)).unwrap(), new.part(id).unwrap()));
    assert_eq!((new.zone_at(&name("b.")), new.zone_at(&name("a."))), (Some(id), None));
}

/// The rules of RFC 1034 §4.3.2, RFC 4592 and RFC 6672 over the plain list of owners: too simple to be wrong.
fn reference(zone: &Zone, question: &Name, rtype: Rtype) -> String {
    let exists = |wanted: &Name| zone.nodes().any(|(owner, _)| owner.is_within(wanted));
    let mut ancestors: Vec<Name> = std::iter::successors(Some(question.clone()), Name::parent)
        .take_while(|ancestor| ancestor.is_within(zone.origin()))
        .collect();
    ancestors.reverse();
    if ancestors.is_empty() {
        return "outside".to_owned();
    }
    for ancestor in ancestors.iter().filter(|ancestor| !ancestor.is_wildcard()) {
        let cut = zone.rrset(ancestor, Rtype::NS).is_some() && ancestor != zone.origin();
        if cut && !(ancestor == question && rtype == Rtype::DS) {
            return format!("delegated {ancestor}");
        }
        if zone.rrset(ancestor, Rtype::DNAME).is_some() && ancestor != question {
            return format!("renamed {ancestor}");
        }
    }
    if exists(question) {
        return format!("exact {question}");
    }
    let encloser = ancestors.iter().rfind(|ancestor| exists(ancestor)).unwrap();
    let wildcard = encloser.child(b"*").unwrap();
    if exists(&wildcard) { format!("wildcard {wildcard}") } else { "missing".to_owned() }
}

fn found(snapshot: &Snapshot, question: &Name, rtype: Rtype) -> String {
    match snapshot.lookup(question.wire(), rtype) {
        Lookup::Outside => "outside".to_owned(),
        Lookup::Broken => "broken".to_owned(),
        Lookup::Exact(_, node) => format!("exact {}", node.owner()),
        Lookup::Wildcard(_, node) => format!("wildcard {}", node.owner()),
        Lookup::Missing(..) => "missing".to_owned(),
        Lookup::Delegated(_, node) => format!("delegated {}", node.owner()),
        Lookup::Renamed(_, node) => format!("renamed {}", node.owner()),
    }
}

/// What is found nearby in a zone is what a lookup of an address finds, and in a zone without others below that is all that
/// it finds there.
fn check_nearby(snapshot: &Snapshot, question: &Name) -> Result<(), TestCaseError> {
    let lookup = snapshot.lookup(question.wire(), Rtype::A);
    for id in (0..snapshot.image().zone_count()).map(ZoneId::from_index) {
        let zone = snapshot.zone(id).unwrap();
        let nearby = zone.nearby(question.wire()).map(|node| node.owner());
        let mut others = (0..snapshot.image().zone_count()).map(ZoneId::from_index).filter(|other| *other != id);
        let is_alone = !others.any(|other| snapshot.zone(other).unwrap().origin().is_within(zone.origin()));
        let found = if let Lookup::Exact(found, node) = lookup { Some((found.id(), node.owner())) } else { None };
        let expected = found.filter(|(found, _)| *found == id).map(|(_, owner)| owner);
        prop_assert_eq!(nearby, expected.filter(|_| is_alone), "{} in {:?}", question, zone);
    }
    Ok(())
}

fn owner() -> impl Strategy<Value = String> {
    let labels = proptest::sample::select(&["a", "b", "*", "B", "c"][..]);
    proptest::collection::vec(labels, 0..5)
        .prop_map(|labels| labels.iter().map(|label| format!("{label}.")).collect::<String>() + "t.")
}

proptest! {
    #[test]
    fn lookups_agree_with_the_reference(
        records in proptest::collection::vec((owner(), 0..8u8), 0..25),
        questions in proptest::collection::vec((owner(), any::<bool>()), 1..40),
    ) {
        let mut builder = ZoneBuilder::new(name("t."));
        builder.add(&name("t."), Rtype::SOA, 60, SOA).unwrap();
        for (number, (owner, kind)) in records.iter().enumerate() {
            let (rtype, rdata): (_, &[u8]) = match kind {
                0 => (Rtype::NS, b"\x01n\x00"),
                // At names of their own: beside other records a DNAME or two are no zone.
                1 if number < 3 => (Rtype::DNAME, b"\x01d\x00"),
                _ => (Rtype::A, &[192, 0, 2, 1]),
            };
            builder.add(&name(owner), rtype, 60, rdata).unwrap();
        }
        let Ok(zone) = builder.finish() else { return Ok(()) };
        let zone = Arc::new(zone);
        let snapshot = first(&[input(&zone)].into_iter().collect(), &Table::new());
        for (question, ds) in questions {
            let (question, rtype) = (name(&question), if ds { Rtype::DS } else { Rtype::A });
            prop_assert_eq!(
                found(&snapshot, &question, rtype).to_lowercase(),
                reference(&zone, &question, rtype).to_lowercase(),
                "{} in {:?}", question, zone
            );
            check_nearby(&snapshot, &question)?;
        }
    }

    #[test]
    fn the_longest_matching_origin_answers(
        origins in proptest::collection::btree_set(owner(), 1..8),
        questions in proptest::collection::vec((owner(), any::<bool>()), 1..40),
    ) {
        let origins: std::collections::BTreeSet<Name> = origins.iter().map(|origin| name(origin)).collect();
        let zones: Table<ZoneId, ZoneInput> =
            origins.iter().map(|origin| input(&zone(&origin.to_string(), &[(&format!("a.{origin}"), Rtype::A, &[0; 4])]))).collect();
        let snapshot = first(&zones, &Table::new());
        for (question, ds) in questions {
            let question = name(&question);
            let (rtype, at_or_above) = (if ds { Rtype::DS } else { Rtype::A }, |origin: &&Name| question.is_within(origin));
            let longest = origins.iter().filter(at_or_above).max_by_key(|origin| origin.label_count());
            // RFC 4035 §3.1.4.1: the parent answers for DS, if it is here.
            let above = origins.iter().filter(at_or_above).filter(|origin| **origin != question);
            let above = above.max_by_key(|origin| origin.label_count());
            let expected = if ds { above.or(longest) } else { longest };
            let lookup = snapshot.lookup(question.wire(), rtype);
            let (Lookup::Exact(zone, _) | Lookup::Missing(zone, _)) = lookup else {
                prop_assert_eq!(None, expected, "{}: {:?}", question, lookup);
                continue;
            };
            let found = Some(zone.origin());
            prop_assert_eq!(found, expected, "{}", question);
            check_nearby(&snapshot, &question)?;
        }
    }
}
