//! Stored state is restored unchanged.

use super::*;
use crate::engine::setup::{MemberData, MemberSetup};
use crate::policy::{Kind, Member, Pool, Settings};

const NOW: Now = Now { mono: Mono::START, wall: UnixTime::from_secs(1_800_000_000) };
const MAX_AGE: Duration = Duration::from_secs(300);

fn key() -> TargetKey {
    let address = [127, 0, 0, 1].into();
    TargetKey { address, port: 5060, transport: "tcp", kind: "tcp", parameters: String::new() }
}

fn after(secs: u64) -> Now {
    NOW.after(Duration::from_secs(secs))
}

fn restored(changes: &[Change]) -> Restored {
    let store: BTreeMap<_, _> =
        changes.iter().filter_map(|(key, value)| Some((key.clone(), value.clone()?.into_octets()))).collect();
    let (restored, unreadable) = Restored::read(&store, MAX_AGE);
    assert_eq!(unreadable, Vec::<String>::new());
    restored
}

#[test]
fn health_comes_back_without_counters_while_it_is_young() {
    for (state, back) in [
        (State::Up, Some(State::Up)),
        (State::Down(Down::Conclusive), Some(State::Down(Down::Conclusive))),
        (State::Down(Down::Leaving), Some(State::Down(Down::Leaving))),
        (State::Recovering { passes: 1 }, Some(State::Down(Down::Silent))),
        (State::Unknown, None),
    ] {
        let health = Health::restored(&state, None, None, NOW.mono);
        let restored = restored(&[keep_health(&key().to_string(), &health, NOW)]);
        let at = |secs| restored.health(&key(), after(secs)).map(|health| health.state().clone());
        assert_eq!(at(300), back, "{state:?}");
        assert_eq!(at(301), None, "{state:?}");
    }
}

#[test]
fn the_age_of_beliefs_counts_from_when_the_engine_last_lived() {
    let health = Health::restored(&State::Up, None, None, NOW.mono);
    let restored = restored(&[keep_health(&key().to_string(), &health, NOW), keep_alive(after(1_000))]);
    assert!(restored.health(&key(), after(1_300)).is_some());
    assert!(restored.health(&key(), after(1_301)).is_none());
    assert_eq!(restored.stale(&HashSet::from([key().to_string()]), after(1_300)), Vec::<String>::new());
    assert_eq!(restored.stale(&HashSet::new(), after(1_300)), [health_key(&key().to_string())]);
}

#[test]
fn a_retry_after_goes_on_by_the_wall_clock() {
    let until = NOW.mono + Duration::from_secs(100);
    let health = Health::restored(&State::Down(Down::Leaving), None, Some(until), NOW.mono);
    let restored = restored(&[keep_health(&key().to_string(), &health, NOW)]);
    let quiet = |at: Now| restored.health(&key(), at).and_then(|health| health.quiet_until());
    let later = Now { mono: Mono::START, ..after(40) };
    assert_eq!(quiet(later), Some(later.mono + Duration::from_secs(60)));
    // The clock was 400 days ahead when it was kept.
    let year = Duration::from_secs(400 * 86_400);
    let before = Now { mono: Mono::START, wall: UnixTime::from_millis(NOW.wall.as_millis() - 400 * 86_400_000) };
    assert_eq!(before.wall + year, NOW.wall);
    assert_eq!(quiet(before), Some(before.mono + Duration::from_secs(300)));
}

#[test]
fn orders_and_ceilings_come_back_as_they_were() {
    let order = Order {
        force: Force::Drained,
        scope: Scope::parse("[::1]:5060").unwrap(),
        from: Some(UnixTime::from_secs(5)),
        until: None,
        reason: "a \"reason\"".to_owned(),
        author: "somebody".to_owned(),
    };
    let restored = restored(&[keep_order(7, &order), keep_serial("example.", Serial(u32::MAX))]);
    assert_eq!(restored.orders(), BTreeMap::from([(7, order)]));
    assert_eq!(restored.ceilings(), BTreeMap::from([("example.".to_owned(), Serial(u32::MAX))]));
}

#[test]
fn the_memory_of_a_pool_comes_back_without_its_holds_and_without_members_that_are_gone() {
    let member = |label: &str| MemberSetup {
        label: label.to_owned(),
        targets: Vec::new(),
        unprobed: false,
        nowhere: false,
        data: MemberData::Address([127, 0, 0, 1].into()),
    };
    let pool = |labels: &[&str]| PoolSetup {
        name: "pool".to_owned(),
        pool: Pool {
            kind: Kind::Service,
            members: (10u16..).zip(labels).map(|(priority, _)| Member { half: 0, priority, weight: 0 }).collect(),
            settings: Settings::default(),
        },
        members: labels.iter().map(|label| member(label)).collect(),
        pick: None,
        fills: Vec::new(),
    };
    let listed = |member, priority| Listed { member, priority, weight: 0 };
    let memory = PoolState {
        current: Some(11),
        holding: vec![(10, NOW.mono)],
        last_failback: Some(NOW.mono - Duration::from_secs(60)),
        flaps: 3,
        last_good: Some(vec![listed(0, 10), listed(1, 11), listed(2, 12)]),
    };
    // Two alike, told apart by the priority that they declare.
    let restored = restored(&[keep_memory(&pool(&["a", "b", "b"]), &memory, None, NOW)]);
    let back = restored.memory(&pool(&["x", "b", "b"]), after(10)).unwrap();
    assert_eq!(back.last_failback, Some(after(10).mono - Duration::from_secs(70)));
    assert_eq!((back.current, back.flaps, back.holding), (Some(11), 3, Vec::new()));
    assert_eq!(back.last_good, Some(vec![listed(1, 11), listed(2, 12)]));
}

#[test]
fn what_cannot_be_read_is_named_and_passed_over() {
    let store = BTreeMap::from([
        ("health/x".to_owned(), b"{".to_vec()),
        ("order/seven".to_owned(), b"{}".to_vec()),
        ("other".to_owned(), b"1".to_vec()),
        ("serial/example.".to_owned(), br#"{"ceiling":7}"#.to_vec()),
    ]);
    let (restored, unreadable) = Restored::read(&store, MAX_AGE);
    assert_eq!(unreadable, ["health/x", "order/seven", "other"]);
    assert_eq!(restored.ceilings().len(), 1);
}
