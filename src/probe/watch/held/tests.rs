//! Scenarios of one held connection: no socket, no sleep.

use super::*;

const TIMES: Times = Times::DEFAULT;
/// One that is pinged, and not renewed for a while.
const PINGED: Times = Times { ping_every: Some(Duration::from_secs(25)), first: Duration::from_secs(240), ..TIMES };

/// A hold on a stage; time is told in milliseconds.
struct Stage {
    held: HeldConnection,
    now: Mono,
}

impl Stage {
    fn new(times: Times) -> Self {
        Self { held: HeldConnection::new(times, 1), now: Mono::START }
    }

    /// A hold whose first connection, number 0, stands.
    fn held() -> Self {
        let mut stage = Self::new(TIMES);
        stage.held.passed(stage.now);
        stage.held.opened(0, stage.now);
        assert_eq!(stage.acts(), [Act::Open(0)]);
        stage
    }

    fn acts(&mut self) -> Vec<Act> {
        std::iter::from_fn(|| self.held.poll()).collect()
    }

    /// Lets time pass.
    fn wait(&mut self, secs: f64) -> Vec<Act> {
        let end = self.now + Duration::from_secs_f64(secs);
        let mut acts = Vec::new();
        while let Some(at) = self.held.next().filter(|at| *at <= end) {
            self.now = at;
            self.held.due(at);
            acts.extend(self.acts());
        }
        self.now = end;
        acts
    }

    fn ended(&mut self, number: Number, end: CloseReason) -> (Meaning, Vec<Act>) {
        let meaning = self.held.ended(number, end, self.now);
        (meaning, self.acts())
    }
}

#[test]
fn a_connection_is_opened_after_a_probe_that_passed_and_once() {
    let mut stage = Stage::new(TIMES);
    assert_eq!(stage.held.next(), None);
    stage.held.passed(stage.now);
    stage.held.passed(stage.now);
    assert_eq!(stage.acts(), [Act::Open(0)]);
    stage.held.opened(0, stage.now);
    stage.held.passed(stage.now);
    assert_eq!(stage.acts(), []);
    assert!(stage.held.is_held());
}

#[test]
fn it_is_renewed_before_the_limit_and_the_old_one_closed_when_the_new_one_stands() {
    let mut stage = Stage::held();
    assert_eq!(stage.wait(21.5), []);
    assert_eq!(stage.wait(2.5), [Act::Open(1)], "24 s, shortened by a tenth at most");
    assert!(stage.held.is_held(), "the old one is still held");
    stage.held.opened(1, stage.now);
    assert_eq!(stage.acts(), [Act::Renewed(0)]);
    assert_eq!(stage.ended(0, CloseReason::Closed), (Meaning::Nothing, vec![]), "we closed it");
    assert_eq!(stage.wait(43.0), [], "what was long enough once is held longer");
    assert_eq!(stage.wait(5.0), [Act::Open(2)]);
}

#[test]
fn a_break_has_targets_probed_at_once_and_nothing_opened_before_a_probe_passes() {
    for (end, told) in [
        (CloseReason::Closed, "closed by the far side"),
        (CloseReason::Reset, "reset by the far side"),
        (CloseReason::Silent, "no longer answered"),
        (CloseReason::Noisy, "full of words that nobody asked for"),
    ] {
        let mut stage = Stage::held();
        stage.wait(15.0);
        assert_eq!(stage.ended(0, end), (Meaning::Break, vec![Act::Wake(told)]));
        stage.held.passed(stage.now);
        stage.wait(0.5);
        stage.held.passed(stage.now);
        assert_eq!(stage.acts(), [], "it may be dying: not opened while it is probed again and again");
        stage.wait(100.0);
        stage.held.passed(stage.now);
        assert_eq!(stage.acts(), [Act::Open(1)]);
    }
}

#[test]
fn a_farewell_is_told_as_such() {
    let mut stage = Stage::held();
    assert_eq!(stage.ended(0, CloseReason::Leaving), (Meaning::Leaving, vec![Act::Leaving]));
}

#[test]
fn a_server_that_closes_by_its_limit_wakes_nobody() {
    let mut stage = Stage::held();
    stage.wait(20.0);
    assert_eq!(stage.ended(0, CloseReason::Idle), (Meaning::Limit, vec![Act::Open(1)]), "it says so");
    stage.held.opened(1, stage.now);
    let opened = stage.now;
    assert_eq!(stage.wait(16.0), [Act::Open(2)], "renewed after 80 % of it");
    assert!(stage.now.since(opened) <= Duration::from_secs(16));
    // The renewal comes to nothing, and the limit is reached: closed without a word.
    stage.held.refused(2, CloseReason::Silent, stage.now);
    stage.wait(3.5);
    assert_eq!(stage.ended(1, CloseReason::Closed), (Meaning::Limit, vec![Act::Open(3)]));
}

#[test]
fn the_old_connection_may_break_while_the_new_one_is_opened() {
    let mut stage = Stage::held();
    assert_eq!(stage.wait(24.0), [Act::Open(1)]);
    assert_eq!(stage.ended(0, CloseReason::Reset), (Meaning::Break, vec![Act::Wake("reset by the far side")]));
    stage.held.opened(1, stage.now);
    assert_eq!(stage.acts(), []);
    assert!(stage.held.is_held());
}

#[test]
fn a_renewal_that_is_refused_has_targets_probed_and_is_tried_again() {
    let mut stage = Stage::held();
    stage.wait(24.0);
    stage.held.refused(1, CloseReason::Reset, stage.now);
    assert_eq!(stage.acts(), [Act::Wake("no other connection is taken")]);
    assert_eq!(stage.wait(5.0), [Act::Open(2)]);
}

/// Opens, breaks, and lets the server be well for a while; returns the acts of the pass after it.
fn breaks_and_is_well(stage: &mut Stage, number: Number, secs: f64) -> Vec<Act> {
    stage.held.passed(stage.now);
    stage.held.opened(number, stage.now);
    stage.acts();
    assert_eq!(stage.ended(number, CloseReason::Closed).0, Meaning::Break);
    stage.wait(secs);
    stage.held.passed(stage.now);
    stage.acts()
}

#[test]
fn four_breaks_in_a_minute_at_a_server_that_is_well_end_holding_for_minutes_and_longer_each_time() {
    let mut stage = Stage::new(TIMES);
    let mut number = 0;
    for rest in [120, 180, 270, 405] {
        for _ in 0..3 {
            assert_eq!(breaks_and_is_well(&mut stage, number, 5.0), [Act::Open(number + 1)]);
            number += 1;
        }
        let acts = breaks_and_is_well(&mut stage, number, 5.0);
        assert_eq!(acts, [Act::Rest(Duration::from_secs(rest))]);
        number += 1;
        assert!(stage.held.is_resting(stage.now));
        stage.wait(f64::from(u32::try_from(rest).unwrap()) - 1.0);
        stage.held.passed(stage.now);
        assert_eq!(stage.acts(), []);
        stage.wait(2.0);
    }
    // A connection that lasts makes it forget.
    stage.held.passed(stage.now);
    stage.held.opened(number, stage.now);
    stage.acts();
    assert_eq!(stage.wait(40.0), [Act::Open(number + 1)]);
    stage.held.opened(number + 1, stage.now);
    assert_eq!(stage.held.rest, TIMES.rest);
}

#[test]
fn a_server_in_a_crash_loop_is_watched_on() {
    let mut stage = Stage::new(TIMES);
    for number in 0..40 {
        stage.held.passed(stage.now);
        stage.held.opened(number, stage.now);
        assert_eq!(stage.acts(), [Act::Open(number)]);
        assert_eq!(stage.ended(number, CloseReason::Reset).0, Meaning::Break);
        // The probe that is woken may still be taken; the next ones fail until it is there again.
        stage.held.passed(stage.now);
        stage.wait(0.05);
        stage.held.failed();
        stage.wait(2.0);
    }
}

#[test]
fn three_breaks_a_minute_are_borne() {
    let mut stage = Stage::new(TIMES);
    for number in 0..30 {
        assert_eq!(breaks_and_is_well(&mut stage, number, 20.0), [Act::Open(number + 1)]);
    }
}

#[test]
fn refusals_to_open_count_as_breaks() {
    let mut stage = Stage::new(TIMES);
    for number in 0..4 {
        stage.held.passed(stage.now);
        stage.held.refused(number, CloseReason::Reset, stage.now);
        stage.wait(1.0);
    }
    stage.held.passed(stage.now);
    assert!(stage.held.is_resting(stage.now));
}

#[test]
fn a_missing_pong_counts_only_where_there_was_one_before() {
    let mut stage = Stage::new(PINGED);
    stage.held.passed(stage.now);
    stage.held.opened(0, stage.now);
    assert_eq!(stage.wait(51.0), [Act::Open(0), Act::Ping(0), Act::Ping(0)], "nobody ever answered");
    stage.held.ponged(0);
    assert_eq!(stage.wait(30.0), [Act::Ping(0)]);
    assert_eq!(stage.wait(10.0), [Act::Close(0), Act::Wake("no longer answered")]);
}

#[test]
fn a_line_break_that_nobody_asked_for_is_no_pong() {
    let mut stage = Stage::new(PINGED);
    stage.held.passed(stage.now);
    stage.held.opened(0, stage.now);
    stage.held.ponged(0);
    let acts = stage.wait(60.0);
    assert_eq!(acts, [Act::Open(0), Act::Ping(0), Act::Ping(0)]);
}

#[test]
fn a_fault_of_our_own_rests_and_wakes_nobody() {
    let mut stage = Stage::new(TIMES);
    stage.held.passed(stage.now);
    stage.held.unable(0, stage.now);
    stage.held.passed(stage.now);
    assert_eq!(stage.acts(), [Act::Open(0)]);
    stage.wait(61.0);
    stage.held.passed(stage.now);
    assert_eq!(stage.acts(), [Act::Open(1)]);
}

#[test]
fn a_connection_that_comes_too_late_is_closed() {
    let mut stage = Stage::new(TIMES);
    stage.held.passed(stage.now);
    stage.held.refused(0, CloseReason::Silent, stage.now);
    stage.acts();
    stage.held.opened(0, stage.now);
    assert_eq!(stage.acts(), [Act::Close(0)]);
}
