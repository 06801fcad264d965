//! Rule 9: settled and unsettled TTLs.

use super::*;

const CALM: Conditions =
    Conditions { target_in_motion: false, last_resort_or_all_down: false, records_changed: false, move_due: None };
const MOTION: Conditions = Conditions { target_in_motion: true, ..CALM };
const CHANGED: Conditions = Conditions { records_changed: true, ..CALM };

struct Set {
    memory: TtlState,
    now: Mono,
    again: Option<Duration>,
}

impl Set {
    fn new() -> Self {
        Self { memory: TtlState::default(), now: Mono::START, again: None }
    }

    fn after(&mut self, secs: u64, conditions: Conditions) -> u32 {
        self.now = self.now + Duration::from_secs(secs);
        let ttl = ttl(3_600, &Settings::default(), conditions, self.memory, self.now);
        assert_eq!(ttl.unsettled, ttl.secs == 5);
        self.memory = ttl.memory;
        self.again = ttl.again;
        ttl.secs
    }
}

fn move_in(secs: u64) -> Conditions {
    Conditions { move_due: Some(Duration::from_secs(secs)), ..CALM }
}

#[test]
fn settled_is_the_lesser_of_declared_and_ttl_but_at_least_1() {
    let settings = Settings::default();
    assert_eq!([3_600, 30, 10, 1, 0].map(|declared| settled(declared, &settings)), [30, 30, 10, 1, 1]);
}

#[test]
fn unsettled_is_the_lesser_of_settled_and_its_own_but_at_least_1() {
    let settings = Settings::default();
    assert_eq!([3_600, 6, 3, 0].map(|declared| unsettled(declared, &settings)), [5, 5, 3, 1]);
    let zero = Settings { unsettled_ttl: 0, ..Settings::default() };
    assert_eq!(unsettled(3_600, &zero), 1);
    let longer = Settings { unsettled_ttl: 60, ..Settings::default() };
    assert_eq!(unsettled(3_600, &longer), 30);
}

#[test]
fn a_calm_set_is_settled() {
    let mut set = Set::new();
    assert_eq!(set.after(0, CALM), 30);
    assert_eq!(set.again, None);
}

#[test]
fn a_target_in_motion_unsettles_and_for_one_settled_ttl_after() {
    let mut set = Set::new();
    assert_eq!(set.after(0, MOTION), 5);
    assert_eq!(set.again, None, "only an event ends it");
    assert_eq!(set.after(100, CALM), 5);
    assert_eq!(set.again, Some(Duration::from_secs(30)));
    assert_eq!(set.after(29, CALM), 5);
    assert_eq!(set.after(1, CALM), 30);
}

#[test]
fn last_resort_and_all_down_unsettle_while_they_last_and_one_settled_ttl_after() {
    let mut set = Set::new();
    let nobody = Conditions { last_resort_or_all_down: true, ..CALM };
    assert_eq!(set.after(0, nobody), 5);
    assert_eq!(set.after(500, nobody), 5);
    assert_eq!(set.after(1, CALM), 5);
    assert_eq!(set.after(30, CALM), 30);
}

#[test]
fn changed_records_unsettle_for_one_settled_ttl_from_the_change() {
    let mut set = Set::new();
    assert_eq!(set.after(0, CHANGED), 5);
    assert_eq!(set.again, Some(Duration::from_secs(30)));
    assert_eq!(set.after(20, CALM), 5);
    assert_eq!(set.after(10, CALM), 30);
}

#[test]
fn a_move_within_one_settled_ttl_unsettles() {
    let mut set = Set::new();
    assert_eq!(set.after(0, move_in(60)), 30);
    assert_eq!(set.again, Some(Duration::from_secs(30)));
    assert_eq!(set.after(29, move_in(31)), 30);
    assert_eq!(set.after(1, move_in(30)), 5);
    assert_eq!(set.after(30, CHANGED), 5);
    assert_eq!(set.after(30, CALM), 30);
}

#[test]
fn a_move_that_is_called_off_settles_one_settled_ttl_later() {
    let mut set = Set::new();
    assert_eq!(set.after(0, move_in(10)), 5);
    assert_eq!(set.after(5, CALM), 5);
    assert_eq!(set.after(29, CALM), 5);
    assert_eq!(set.after(1, CALM), 30);
}

#[test]
fn motion_within_the_time_after_prolongs_it() {
    let mut set = Set::new();
    assert_eq!(set.after(0, CHANGED), 5);
    assert_eq!(set.after(29, MOTION), 5);
    assert_eq!(set.after(1, CALM), 5);
    assert_eq!(set.after(29, CALM), 5);
    assert_eq!(set.after(1, CALM), 30);
}

#[test]
fn asking_twice_at_the_same_time_changes_nothing() {
    for conditions in [CALM, MOTION, CHANGED, move_in(10), move_in(60)] {
        let mut set = Set::new();
        let first = set.after(7, conditions);
        let (memory, again) = (set.memory, set.again);
        assert_eq!(set.after(0, conditions), first);
        assert_eq!((set.memory, set.again), (memory, again));
    }
}
