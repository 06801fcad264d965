//! Differences lead from one version to the next, within their limits.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;
use crate::base::table::{RowId, Table};
use crate::snapshot::{Image, SlotId, SlotKey, SlotValue, Snapshot, ZoneId, ZoneInput};
use crate::zone::{Zone, ZoneBuilder};

/// One record: the owner in lower case, the type, the TTL, the data.
pub(crate) type Record = (Vec<u8>, u16, u32, Vec<u8>);

/// Returns all records of a zone as they are served.
pub(crate) fn content(snapshot: &Snapshot, zone: ZoneId) -> BTreeSet<Record> {
    snapshot.records(zone).flat_map(|(owner, set)| records(owner, set)).collect()
}

/// Carries a difference out; what it removes must be there, and what it adds must not.
pub(crate) fn apply(content: &mut BTreeSet<Record>, diff: &Diff) {
    for record in diff.removed.iter().flat_map(|(owner, set)| records(owner, set)) {
        assert!(content.remove(&record), "{record:?} is not there");
    }
    for record in diff.added.iter().flat_map(|(owner, set)| records(owner, set)) {
        assert!(content.insert(record.clone()), "{record:?} is there");
    }
}

fn records(owner: &Name, set: &Rrset) -> Vec<Record> {
    let record = |rdata: &[u8]| (owner.to_lower().wire().to_vec(), set.rtype().0, set.ttl(), rdata.to_vec());
    set.rdatas().map(record).collect()
}

fn name(text: &str) -> Name {
    text.parse().unwrap()
}

fn soa(serial: u32) -> Rrset {
    let mut rdata = b"\x01n\x00\x01h\x00".to_vec();
    [serial, 2, 3, 4, 5].iter().for_each(|number| rdata.extend_from_slice(&number.to_be_bytes()));
    Rrset::new(Rtype::SOA, 60, [rdata])
}

/// A difference that moves the serial on by one, with so many more records of so many octets.
fn step(from: u32, records: usize, octets: usize) -> Difference {
    let mut added = vec![(name("t."), soa(from + 1))];
    let rdata = |number: usize| [&number.to_be_bytes()[..], &vec![0; octets]].concat();
    added.extend((records > 0).then(|| (name("x.t."), Rrset::new(Rtype(65_400), 5, (0..records).map(rdata)))));
    let diff = Diff { removed: vec![(name("t."), soa(from))], added };
    Difference { from: Serial(from), to: Serial(from.wrapping_add(1)), diff, digest: ContentDigest::default() }
}

fn opened() -> History {
    History::open(&name("t."), Serial(0), soa(0), ContentDigest(7))
}

#[test]
fn the_oldest_make_room_and_the_serials_that_left_are_told() {
    let mut history = opened();
    let mut gone = Vec::new();
    for from in 0..u32::try_from(MAX_ENTRIES).unwrap() + 1 {
        gone.extend(history.push(step(from, 1, 1)));
    }
    assert_eq!(gone, [Serial(0), Serial(1)]);
    assert_eq!(history.serials().len(), MAX_ENTRIES);
    let since = |serial: Serial| history.view().since(serial).map(|differences| differences.len());
    assert_eq!(since(Serial(0)), None);
    assert_eq!(since(Serial(1)), Some(MAX_ENTRIES));
    assert_eq!(since(Serial(2)), Some(MAX_ENTRIES - 1));
    assert_eq!(since(history.serial()), Some(0));
    assert_eq!(history.soa(), Some(&(name("t."), soa(history.serial().0))));
}

#[test]
fn records_and_octets_have_a_limit_together() {
    for (records, octets) in [(MAX_RECORDS / 4, 0), (10, MAX_OCTETS / 40)] {
        let mut history = opened();
        for from in 0..6 {
            history.push(step(from, records, octets));
            assert!(history.records <= MAX_RECORDS && history.octets <= MAX_OCTETS);
        }
        assert_eq!(history.serials(), [4, 5, 6].map(Serial), "{records} {octets}");
    }
}

#[test]
fn what_has_no_room_at_all_and_a_gap_begin_anew() {
    for next in [step(1, MAX_RECORDS, 0), step(1, 20, MAX_OCTETS / 20), step(5, 1, 1)] {
        let mut history = opened();
        history.push(step(0, 1, 1));
        let to = next.to;
        assert_eq!(history.push(next), [Serial(0), Serial(1)]);
        assert_eq!((history.serial(), history.serials()), (to, vec![to]));
        assert!(history.newest().is_opening());
        assert_eq!(history.soa(), Some(&(name("t."), soa(to.0))));
        assert!(history.view().since(Serial(1)).is_none());
    }
}

#[test]
fn what_is_kept_joins_in_any_order_or_not_at_all() {
    let mut history = opened();
    (0..5).for_each(|from| drop(history.push(step(from, 1, 1))));
    let differences = |history: &History| -> Vec<Difference> {
        history.entries.iter().map(|entry| Difference::clone(&entry.difference)).collect()
    };
    let mut kept = differences(&history);
    kept.reverse();
    assert_eq!(History::join(kept.clone()).map(|joined| differences(&joined)), Some(differences(&history)));
    kept.remove(2);
    assert!(History::join(kept).is_none());
    assert!(History::join([]).is_none());
    assert!(History::join([step(1, 0, 0), step(2, MAX_RECORDS, 0)]).is_none());
}

#[test]
fn an_older_view_ends_where_it_was_taken_and_forgets_what_the_history_does() {
    let mut history = opened();
    history.push(step(0, 1, 1));
    let view = history.view();
    let steps =
        |serial| view.since(Serial(serial)).map(|found| found.iter().map(|entry| entry.to.0).collect::<Vec<_>>());
    history.push(step(1, 1, 1));
    assert_eq!((view.serial(), steps(0), steps(2)), (Serial(1), Some(vec![1]), None));
    for from in 2..=u32::try_from(MAX_ENTRIES).unwrap() + 1 {
        history.push(step(from, 1, 1));
    }
    assert_eq!((steps(0), steps(1)), (Some(vec![1]), Some(Vec::new())), "its own version it keeps");
    drop(history);
    assert_eq!(steps(0), Some(vec![1]));
}

/// A zone of these TXT sets; each text is one record.
fn zone(serial: u32, sets: &[(u8, u8)]) -> Arc<Zone> {
    let mut builder = ZoneBuilder::new(name("t."));
    let owner = soa(serial);
    builder.add(&name("t."), Rtype::SOA, 60, owner.rdatas().next().unwrap()).unwrap();
    for (owner, text) in sets {
        builder.add(&name(&format!("{owner}.t.")), Rtype::TXT, 60 + u32::from(text % 2), &[1, *text]).unwrap();
    }
    Arc::new(builder.finish().unwrap())
}

fn value(octets: &[u8], ttl: u32) -> SlotValue {
    let octets: BTreeSet<u8> = octets.iter().copied().collect();
    if octets.is_empty() {
        return SlotValue::Empty { negative_ttl: ttl };
    }
    SlotValue::Records(Arc::new(Rrset::new(Rtype::A, ttl, octets.iter().map(|last| [192, 0, 2, *last]))))
}

fn snapshot(image: Arc<Image>, serial: u32, values: &[(Vec<u8>, u32)]) -> Snapshot {
    let soa = SlotValue::Records(Arc::new(soa(serial)));
    let values = values.iter().map(|(octets, ttl)| value(octets, *ttl)).chain([soa]);
    Snapshot::first(image, values.collect(), 1)
}

fn sets() -> impl Strategy<Value = Vec<(u8, u8)>> {
    proptest::collection::vec((0..6u8, 0..9u8), 0..12)
}

fn values() -> impl Strategy<Value = Vec<(Vec<u8>, u32)>> {
    proptest::collection::vec((proptest::collection::vec(0..5u8, 0..4), 5..7u32), 4)
}

proptest! {
    #[test]
    fn the_chain_of_differences_makes_the_new_zone_of_any_old_one(
        zones in proptest::collection::vec((any::<bool>(), sets(), values()), 1..12),
    ) {
        let id = ZoneId::from_index(0);
        let mut slots: Table<SlotId, SlotKey> = Table::new();
        for owner in ["1.t.", "2.t.", "a.2.t.", "b.t."] {
            slots.push(SlotKey { zone: id, owner: name(owner), rtype: Rtype::A });
        }
        slots.push(SlotKey { zone: id, owner: name("t."), rtype: Rtype::SOA });
        let image = |zone: &Arc<Zone>| [ZoneInput { origin: name("t."), zone: Some(Arc::clone(zone)) }].into_iter().collect();
        let mut declared = zone(0, &[]);
        let mut versions = vec![snapshot(Arc::new(Image::build(&image(&declared), &slots)), 0, &vec![(Vec::new(), 5); 4])];
        let mut history = History::open(&name("t."), Serial(0), soa(0), versions[0].digest(id));
        for (serial, (reload, sets, values)) in (1u32..).zip(&zones) {
            let last = versions.last().unwrap();
            if *reload {
                declared = zone(serial, sets);
            }
            let next = snapshot(last.image().rebuild(&image(&declared), &slots), serial, values);
            let diff = last.diff(id, &next, id);
            let digest = history.digest().after(&diff);
            prop_assert_eq!(digest, next.digest(id));
            history.push(Difference { from: history.serial(), to: Serial(serial), diff, digest });
            versions.push(next);
        }
        let newest = content(versions.last().unwrap(), id);
        for (serial, version) in (0u32..).zip(&versions) {
            let mut made = content(version, id);
            history.view().since(Serial(serial)).unwrap().iter().for_each(|entry| apply(&mut made, &entry.diff));
            prop_assert_eq!(&made, &newest, "from {}", serial);
        }
    }

    #[test]
    fn other_content_has_another_digest(a in sets(), b in sets()) {
        let image = |sets: &[(u8, u8)]| {
            let input = ZoneInput { origin: name("t."), zone: Some(zone(1, sets)) };
            Snapshot::first(Arc::new(Image::build(&[input].into_iter().collect(), &Table::new())), Vec::new(), 1)
        };
        let (one, two, id) = (image(&a), image(&b), ZoneId::from_index(0));
        prop_assert_eq!(content(&one, id) == content(&two, id), one.digest(id) == two.digest(id));
    }
}
