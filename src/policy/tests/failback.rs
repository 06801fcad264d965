//! Rule 3: ripening, orders, windows, flaps.

use super::*;

const TIER_10: ActiveTier = ActiveTier::Tier(10);
const TIER_20: ActiveTier = ActiveTier::Tier(20);

/// Tier 10 failed and is back: its hold runs.
fn ripening(set: impl FnOnce(&mut Settings)) -> Stage {
    let mut stage = Stage::service("10 20").with(set);
    assert_eq!(stage.tier("uu"), TIER_10);
    assert_eq!(stage.tier("du"), TIER_20);
    assert_eq!(stage.tier("uu"), TIER_20);
    stage
}

/// Waits for the hold, fails back, waits, and fails over again.
fn fail_again(stage: &mut Stage, hold: u64, served: u64) {
    assert_eq!(stage.tier("uu"), TIER_20);
    assert_eq!(stage.wait(hold).served("uu", Trigger::Time), TIER_10);
    assert_eq!(stage.wait(served).tier("du"), TIER_20);
}

fn due(stage: &Stage) -> Option<u64> {
    stage.answer().failback_due.map(|due| due.as_secs())
}

#[test]
fn a_better_tier_takes_the_part_back_after_the_hold() {
    let mut stage = ripening(|_| {});
    assert_eq!(due(&stage), Some(60));
    assert_eq!(stage.answer().again, stage.answer().failback_due);
    assert_eq!(stage.wait(59).served("uu", Trigger::Time), TIER_20);
    assert_eq!(due(&stage), Some(1));
    assert_eq!(stage.wait(1).served("uu", Trigger::Time), TIER_10);
    assert_eq!(stage.answer().moved, Some(Move::Failback { from: 20, to: 10, held: Some(Duration::from_secs(60)) }));
    assert_eq!(due(&stage), None);
}

#[test]
fn a_break_begins_the_hold_anew() {
    let mut stage = ripening(|_| {});
    stage.wait(50).tier("du");
    stage.wait(5).tier("uu");
    assert_eq!(stage.wait(59).tier("uu"), TIER_20);
    assert_eq!(stage.wait(1).tier("uu"), TIER_10);
}

#[test]
fn unknown_members_keep_the_part_but_do_not_take_it_back() {
    let mut stage = Stage::service("10 20");
    assert_eq!(stage.tier("?u"), TIER_10);
    let mut stage = ripening(|_| {});
    stage.tier("?u");
    assert_eq!(stage.wait(3_600).tier("?u"), TIER_20);
    assert_eq!(due(&stage), None);
}

#[test]
fn losing_the_proof_breaks_the_hold() {
    let mut stage = ripening(|_| {});
    stage.wait(50).tier("?u");
    assert_eq!(stage.wait(10).tier("uu"), TIER_20);
    assert_eq!(due(&stage), Some(60));
}

#[test]
fn proven_members_alone_must_reach_the_need() {
    let mut stage = Stage::service("10 10 20 20").with(|s| s.min_up = Need::Count(2));
    stage.tier("dd uu");
    stage.tier("u? uu");
    assert_eq!(stage.wait(3_600).tier("u? uu"), TIER_20);
}

#[test]
fn a_member_coming_back_into_the_serving_tier_returns_at_once() {
    let mut stage = Stage::service("10 10");
    assert_eq!(stage.see("ud"), "a10");
    assert_eq!(stage.see("uu"), "a10 b10");
}

#[test]
fn the_most_preferred_ripe_tier_takes_the_part() {
    let mut stage = Stage::service("10 20 30");
    stage.tier("ddu");
    stage.tier("duu");
    stage.wait(20).tier("uuu");
    assert_eq!(due(&stage), Some(40));
    assert_eq!(stage.wait(40).served("uuu", Trigger::Time), TIER_20);
    assert_eq!(due(&stage), Some(20), "tier 10 goes on ripening");
    assert_eq!(stage.wait(20).served("uuu", Trigger::Time), TIER_10);
}

#[test]
fn two_ripe_tiers_give_the_part_to_the_better_one() {
    let mut stage = Stage::service("10 20 30");
    stage.tier("ddu");
    stage.tier("uuu");
    assert_eq!(stage.wait(60).tier("uuu"), TIER_10);
}

#[test]
fn a_hold_of_nothing_fails_back_at_once() {
    let mut stage = Stage::service("10 20").with(|s| s.hold = Duration::ZERO);
    stage.tier("du");
    assert_eq!(stage.tier("uu"), TIER_10);
}

#[test]
fn manual_waits_for_the_order_which_skips_the_hold_and_is_used_up() {
    let mut stage = ripening(|s| s.failback = Failback::Manual);
    assert_eq!(stage.wait(86_400).tier("uu"), TIER_20);
    assert_eq!(due(&stage), None);
    stage.tier("du");
    stage.tier("uu");
    let answer = stage.ask("uu", Trigger::Order, true);
    assert_eq!(answer.decision.served, TIER_10);
    assert!(answer.failback_used);
    assert_eq!(answer.moved, Some(Move::Failback { from: 20, to: 10, held: None }));
}

#[test]
fn the_order_waits_while_the_better_tier_does_not_hold() {
    let mut stage = Stage::service("10 20").with(|s| s.failback = Failback::Manual);
    stage.tier("du");
    let answer = stage.ask("du", Trigger::Order, true);
    assert_eq!((answer.decision.served, answer.failback_used), (TIER_20, false));
    let answer = stage.ask("?u", Trigger::Health, true);
    assert_eq!((answer.decision.served, answer.failback_used), (TIER_20, false), "ignorance takes nothing back");
    let answer = stage.ask("uu", Trigger::Health, true);
    assert_eq!((answer.decision.served, answer.failback_used), (TIER_10, true));
}

#[test]
fn the_order_does_not_lie_in_wait_when_there_is_nothing_to_take_back() {
    let mut stage = Stage::service("10 20");
    assert!(stage.ask("uu", Trigger::Order, true).failback_used);
}

#[test]
fn the_order_skips_the_hold_whatever_failback_says() {
    for failback in [Failback::Auto, Failback::Window { from: 120, to: 180 }] {
        let mut stage = ripening(|s| s.failback = failback);
        assert_eq!(stage.ask("uu", Trigger::Order, true).decision.served, TIER_10);
    }
}

#[test]
fn a_window_delays_the_failback_until_it_opens() {
    // The stage begins at midnight UTC.
    let mut stage = ripening(|s| s.failback = Failback::Window { from: 120, to: 240 });
    assert_eq!(due(&stage), Some(7_200));
    assert_eq!(stage.wait(7_199).served("uu", Trigger::Time), TIER_20);
    assert_eq!(stage.wait(1).served("uu", Trigger::Time), TIER_10);
}

#[test]
fn within_the_window_the_hold_still_counts() {
    let mut stage = ripening(|s| s.failback = Failback::Window { from: 0, to: 60 });
    assert_eq!(due(&stage), Some(60));
    assert_eq!(stage.wait(60).tier("uu"), TIER_10);
}

#[test]
fn a_hold_that_outlasts_the_window_waits_for_the_next_one() {
    let stage = ripening(|s| s.failback = Failback::Window { from: 0, to: 1 });
    assert_eq!(due(&stage), Some(86_400));
}

#[test]
fn each_failover_by_health_within_an_hour_of_a_failback_doubles_the_hold() {
    let mut stage = Stage::service("10 20");
    stage.tier("du");
    fail_again(&mut stage, 60, 10);
    assert_eq!(stage.memory.flaps, 2);
    fail_again(&mut stage, 120, 3_600);
    assert_eq!(stage.memory.flaps, 3);
    stage.tier("uu");
    assert_eq!(due(&stage), Some(240));
}

#[test]
fn a_failover_by_health_later_than_an_hour_sets_the_strikes_to_1() {
    let mut stage = Stage::service("10 20");
    stage.tier("du");
    fail_again(&mut stage, 60, 10);
    fail_again(&mut stage, 120, 3_601);
    assert_eq!(stage.memory.flaps, 1);
}

#[test]
fn orders_and_reloads_leave_the_strikes() {
    for trigger in [Trigger::Order, Trigger::Reload] {
        let mut stage = ripening(|_| {});
        assert_eq!(stage.wait(60).tier("uu"), TIER_10);
        assert_eq!(stage.served("fu", trigger), TIER_20);
        assert_eq!(stage.memory.flaps, 1, "{trigger:?}");
    }
}

#[test]
fn a_second_failover_without_a_failback_between_leaves_the_strikes() {
    let mut stage = Stage::service("10 20 30");
    stage.tier("duu");
    stage.tier("uuu");
    assert_eq!(stage.wait(60).tier("uuu"), TIER_10);
    stage.wait(10).tier("duu");
    assert_eq!(stage.memory.flaps, 2);
    assert_eq!(stage.wait(10).tier("ddu"), ActiveTier::Tier(30));
    assert_eq!(stage.memory.flaps, 2);
    assert_eq!(stage.wait(7_200).tier("duu"), ActiveTier::Tier(30));
    assert_eq!(stage.tier("dud"), TIER_20);
    assert_eq!(stage.memory.flaps, 2, "late, but with no failback between");
}

#[test]
fn losing_the_part_to_nobody_is_no_failover() {
    let mut stage = ripening(|_| {});
    assert_eq!(stage.wait(60).tier("uu"), TIER_10);
    assert_eq!(stage.tier("dd"), ActiveTier::AllDown);
    assert_eq!(stage.memory.flaps, 1);
}

#[test]
fn at_start_holds_begin_anew_and_strikes_stay() {
    let mut stage = Stage::service("10 20");
    stage.tier("du");
    fail_again(&mut stage, 60, 10);
    stage.tier("uu");
    assert_eq!(stage.wait(119).served("uu", Trigger::Start), TIER_20);
    assert_eq!(stage.memory.flaps, 2);
    assert_eq!(due(&stage), Some(120));
}

#[test]
fn a_restored_tier_keeps_the_part_while_all_is_unknown() {
    let mut stage = Stage::service("10 20");
    stage.memory.current = Some(20);
    assert_eq!(stage.served("??", Trigger::Start), TIER_20);
}

#[test]
fn members_unprobed_by_design_are_proven_and_take_the_part_back() {
    let mut stage = Stage::service("10 20");
    stage.memory.current = Some(20);
    stage.tier("uu");
    assert_eq!(stage.wait(60).tier("uu"), TIER_10);
}

#[test]
fn a_shorter_hold_by_reload_counts_from_when_the_tier_began_to_hold() {
    let mut stage = ripening(|_| {});
    stage.pool.settings.hold = Duration::from_secs(10);
    assert_eq!(stage.wait(10).served("uu", Trigger::Reload), TIER_10);
}
