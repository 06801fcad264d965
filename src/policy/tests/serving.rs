//! Rules 1, 2, 6 and 7: which tier is active, and what is served when none is.

use super::*;

const TIER_10: ActiveTier = ActiveTier::Tier(10);
const TIER_20: ActiveTier = ActiveTier::Tier(20);
const TIER_30: ActiveTier = ActiveTier::Tier(30);

#[test]
fn one_eligible_member_holds_a_tier_by_default() {
    assert_eq!(Stage::service("10 10 20").tier("du u"), TIER_10);
    assert_eq!(Stage::service("10 10 20").tier("dd u"), TIER_20);
}

#[test]
fn a_tier_below_its_count_does_not_hold() {
    let two = |verdicts| Stage::service("10 10 10 20 20").with(|s| s.min_up = Need::Count(2)).tier(verdicts);
    assert_eq!(two("uud uu"), TIER_10);
    assert_eq!(two("udd uu"), TIER_20);
}

#[test]
fn a_need_is_at_most_the_size_of_its_tier() {
    let mut stage = Stage::service("10 20 20").with(|s| s.min_up = Need::Count(9));
    assert_eq!(stage.tier("u ud"), TIER_10);
    assert_eq!(stage.tier("d uu"), TIER_20);
}

#[test]
fn a_need_of_nobody_still_needs_one() {
    for need in [Need::Count(0), Need::Share(0.0)] {
        assert_eq!(Stage::service("10 20").with(|s| s.min_up = need).tier("du"), TIER_20, "{need:?}");
    }
}

#[test]
fn a_share_counts_declared_weight() {
    let mut stage = Stage::service("10:70 10:20 10:10 20:1").with(|s| s.min_up = Need::Share(0.7));
    assert_eq!(stage.tier("udd u"), TIER_10);
    assert_eq!(stage.tier("duu u"), TIER_20);
}

#[test]
fn a_share_counts_members_if_all_weights_are_0() {
    let half = |verdicts| Stage::service("10:0 10:0 10:0 20:0").with(|s| s.min_up = Need::Share(0.5)).tier(verdicts);
    assert_eq!(half("uud u"), TIER_10);
    assert_eq!(half("udd u"), TIER_20);
}

#[test]
fn a_share_that_is_no_exact_fraction_is_reached_exactly() {
    let mut stage = Stage::service("10:1 10:1 10:1 20:1").with(|s| s.min_up = Need::Share(1.0 / 3.0 + 1e-12));
    assert_eq!(stage.tier("udd u"), TIER_10);
}

#[test]
fn unknown_members_are_eligible() {
    assert_eq!(Stage::service("10 20").tier("??"), TIER_10);
}

#[test]
fn a_member_that_nobody_judged_is_eligible() {
    assert_eq!(Stage::service("10 20").tier(""), TIER_10);
}

#[test]
fn if_no_tier_holds_the_first_with_an_eligible_member_serves() {
    let mut stage = Stage::service("10 10 20 20 30 30").with(|s| s.min_up = Need::Count(2));
    assert_eq!(stage.tier("dd ud ud"), TIER_20);
    assert_eq!(
        stage.answer().decision.reason.to_string().split(';').next_back(),
        Some(" no tier holds, 20 has 1 of 2 members up, needs 2")
    );
}

#[test]
fn nothing_eligible_and_some_leaving_is_last_resort() {
    let mut stage = Stage::service("10 10 20 20");
    assert_eq!(stage.see("dl dr"), "b10 d20");
    assert_eq!(stage.answer().decision.served, ActiveTier::LastResort);
}

#[test]
fn last_resort_of_addresses_lists_the_first_tier_that_is_leaving() {
    assert_eq!(Stage::addresses("1 2 2 3").see("d ld l"), "b2");
}

#[test]
fn nothing_eligible_and_none_leaving_is_all_down() {
    assert_eq!(Stage::service("10 20").tier("dd"), ActiveTier::AllDown);
}

#[test]
fn last_resort_and_all_down_clear_the_current_tier() {
    for nobody in ["dd", "ld"] {
        let mut stage = Stage::service("10 20");
        assert_eq!(stage.tier("du"), TIER_20);
        stage.tier(nobody);
        assert_eq!(stage.memory.current, None);
        assert_eq!(stage.answer().moved, Some(Move::Lost { from: 20 }));
        assert_eq!(stage.tier("uu"), TIER_10, "after {nobody}: first, without a hold");
        assert_eq!(stage.answer().moved, Some(Move::Taken { to: 10 }));
    }
}

#[test]
fn without_a_current_tier_the_first_serves() {
    let mut stage = Stage::service("10 20");
    assert_eq!(stage.tier("uu"), TIER_10);
    assert_eq!(stage.answer().moved, Some(Move::Taken { to: 10 }));
}

#[test]
fn if_the_current_tier_is_gone_by_reload_the_first_serves() {
    let mut stage = Stage::service("10 20 30");
    stage.tier("ddu");
    stage.pool.members[2].priority = 40;
    assert_eq!(stage.served("duu", Trigger::Reload), TIER_20);
}

#[test]
fn the_current_tier_stays_over_a_reload() {
    let mut stage = Stage::service("10 20");
    stage.tier("du");
    assert_eq!(stage.served("uu", Trigger::Reload), TIER_20);
}

#[test]
fn a_failover_is_at_once_whatever_failback_says() {
    for failback in [Failback::Auto, Failback::Manual, Failback::Window { from: 120, to: 180 }] {
        let mut stage = Stage::service("10 20").with(|s| s.failback = failback);
        stage.tier("uu");
        assert_eq!(stage.tier("du"), TIER_20);
        assert_eq!(stage.answer().moved, Some(Move::Failover { from: 10, to: 20 }));
    }
}

#[test]
fn a_serving_tier_that_fails_gives_the_part_at_once_to_a_better_one_that_still_ripens() {
    let mut stage = Stage::service("10 20");
    stage.tier("du");
    stage.tier("uu");
    assert_eq!(stage.wait(1).tier("ud"), TIER_10);
    assert_eq!(stage.answer().moved, Some(Move::Failover { from: 20, to: 10 }));
    assert_eq!(stage.memory.last_failback, None);
}

#[test]
fn a_tier_that_does_not_hold_gives_way_to_a_later_one_that_does() {
    let mut stage = Stage::service("10 10 20 20").with(|s| s.min_up = Need::Count(2));
    assert_eq!(stage.tier("ud ud"), TIER_10);
    assert_eq!(stage.tier("ud uu"), TIER_20);
    assert_eq!(stage.tier("uu ud"), TIER_10);
}

#[test]
fn the_middle_tier_serves_while_the_first_is_down() {
    let mut stage = Stage::service("10 20 30");
    assert_eq!(stage.tier("duu"), TIER_20);
    assert_eq!(stage.tier("ddu"), TIER_30);
}

#[test]
fn a_pairs_tier_holds_when_it_holds_in_one_half() {
    let mut stage = Stage::service("10 10 20 | 10 10 20").with(|s| s.min_up = Need::Count(2));
    assert_eq!(stage.tier("ddu uuu"), TIER_10);
    assert_eq!(stage.tier("udu udu"), TIER_20, "one up in each half is not two in one");
}

#[test]
fn a_pairs_tier_of_one_half_only_holds_by_itself() {
    assert_eq!(Stage::service("10 | 20").tier("uu"), TIER_10);
    assert_eq!(Stage::service("20 | 10").tier("uu"), TIER_10);
}

#[test]
fn below_min_up_all_are_listed_if_that_is_set() {
    let all =
        |members| Stage::service(members).with(|s| (s.min_up, s.below_min_up) = (Need::Count(2), BelowMinUp::All));
    let mut stage = all("10 10 20 20");
    assert_eq!(stage.see("uu uu"), "a10 b10 c20 d20");
    assert_eq!(stage.see("ud uu"), "c20 d20", "a tier holds");
    assert_eq!(stage.see("ud ud"), "a10 b10 c20 d20");
    let said = stage.answer().decision.reason.to_string();
    assert!(said.ends_with("1 of 2 members up, needs 2; all members are listed (below-min-up = all)"), "{said}");
    assert_eq!(stage.answer().decision.placements[1], Placement::BelowMinUp);
    assert!(stage.answer().decision.reason.note(None).unwrap().contains("below-min-up"), "clients are told");
    assert_eq!(stage.see("uf dd"), "a10 c20 d20", "what is out by order stays out");
    let mut last_good = all("10 10 20").with(|s| s.all_down = AllDown::LastGood);
    assert_eq!(last_good.see("uu u"), "a10 b10 c20");
    assert_eq!(last_good.see("uf d"), "a10 c20");
    assert_eq!(last_good.see("df d"), "a10 c20", "that was no good set: the last one was the whole");
    let mut addresses =
        Stage::addresses("1 1 2 2").with(|s| (s.min_up, s.below_min_up) = (Need::Count(2), BelowMinUp::All));
    assert_eq!(addresses.see("du ud"), "a1 b1", "one tier of addresses is told");
    assert_eq!(addresses.see("dd ud"), "c2 d2");
}

#[test]
fn all_down_lists_the_declared_set_by_default() {
    assert_eq!(Stage::service("10 10 20").see("ddD"), "a10 b10 c20");
    assert_eq!(Stage::service("10 20 | 10").see("ddd"), "a10 b20 | c10");
}

#[test]
fn forced_down_members_stay_out_of_the_declared_set_while_another_remains() {
    assert_eq!(Stage::service("10 10 20").see("fdd"), "b10 c20");
    assert_eq!(Stage::service("10 10 20").see("fff"), "a10 b10 c20");
}

#[test]
fn last_good_lists_the_last_set_that_a_tier_served() {
    let mut stage = Stage::service("10 10 20").with(|s| s.all_down = AllDown::LastGood);
    assert_eq!(stage.see("dd u"), "c20");
    assert_eq!(stage.see("ld d"), "a10", "last resort is not remembered");
    assert_eq!(stage.see("dd d"), "c20");
    assert_eq!(stage.see("dd d"), "c20", "nor is all down");
}

#[test]
fn last_good_without_one_is_the_declared_set() {
    let mut stage = Stage::service("10 20").with(|s| s.all_down = AllDown::LastGood);
    assert_eq!(stage.see("dd"), "a10 b20");
    let reason = Reason::AllDown { setting: AllDown::LastGood, shown: AllDown::Declared };
    assert_eq!(stage.answer().decision.reason, reason);
}

#[test]
fn forced_down_members_stay_out_of_the_last_good_set_while_another_remains() {
    let mut stage =
        Stage::service("10 10 20").with(|s| s.all_down = AllDown::LastGood).with(|s| s.standby = Standby::Hidden);
    assert_eq!(stage.see("uu u"), "a10 b10");
    assert_eq!(stage.see("fd d"), "b10");
    assert_eq!(stage.see("ff d"), "c20");
    assert_eq!(stage.see("ff f"), "a10 b10");
}

#[test]
fn the_last_good_set_moves_with_its_members_over_a_reload() {
    let mut stage = Stage::service("10 10 20").with(|s| s.all_down = AllDown::LastGood);
    assert_eq!(stage.see("du d"), "b10");
    // The first member leaves the zone.
    let old = stage.pool.clone();
    stage.pool.members.remove(0);
    stage.memory = stage.memory.clone().carried(&old, &stage.pool, |place| place.checked_sub(1));
    assert_eq!(stage.see("dd"), "a10");
}

#[test]
fn a_tier_that_gets_another_number_stays_the_active_one() {
    let mut stage = Stage::service("10 20 30");
    assert_eq!(stage.see("duu"), "b20 c30");
    assert_eq!(stage.see("uuu"), "b20 c30", "the first must hold first");
    let reloaded = |priorities: [u16; 3]| {
        let mut new = stage.pool.clone();
        new.members.iter_mut().zip(priorities).for_each(|(member, priority)| member.priority = priority);
        stage.memory.clone().carried(&stage.pool, &new, Some)
    };
    let since = stage.memory.holding[0].1;
    let moved = reloaded([5, 25, 30]);
    assert_eq!((moved.current, moved.holding), (Some(25), vec![(5, since)]));
    assert_eq!(reloaded([20, 10, 30]).current, Some(10), "they change places");
    assert_eq!(reloaded([10, 20, 20]).current, Some(20));
    assert_eq!(stage.memory.clone().carried(&stage.pool, &stage.pool, |_| None).current, Some(20), "all are gone");
}

#[test]
fn a_last_good_set_of_members_that_are_gone_is_not_listed() {
    let mut stage = Stage::service("10 20").with(|s| s.all_down = AllDown::LastGood);
    stage.memory.last_good = Some(vec![Listed { member: 7, priority: 1, weight: 1 }]);
    assert_eq!(stage.see("dd"), "a10 b20");
}

#[test]
fn closed_needs_every_member_of_both_halves_down_by_conclusive_failure_or_order() {
    let closed = |members, verdicts| Stage::service(members).with(|s| s.all_down = AllDown::Closed).see(verdicts);
    assert_eq!(closed("10 20", "DD"), "closed");
    assert_eq!(closed("10 20", "Df"), "closed");
    assert_eq!(closed("10 20", "Dd"), "a10 b20");
    assert_eq!(closed("10 | 10", "DD"), "closed");
    assert_eq!(closed("10 | 10", "Dd"), "a10 | b10");
}

#[test]
fn closed_lists_nothing() {
    let mut stage = Stage::service("10 | 20").with(|s| s.all_down = AllDown::Closed);
    stage.see("DD");
    assert_eq!(stage.answer().decision.listed, [vec![], vec![]]);
}

#[test]
fn addresses_all_down_are_the_first_tier_whatever_is_set() {
    for all_down in [AllDown::Declared, AllDown::LastGood, AllDown::Closed] {
        let mut stage = Stage::addresses("1 1 2").with(|s| s.all_down = all_down);
        assert_eq!(stage.see("DD u"), "c2");
        assert_eq!(stage.see("DD D"), "a1 b1", "{all_down:?}");
    }
}

#[test]
fn an_order_takes_the_last_member_only_if_one_was_left() {
    let takes = |before, after| takes_last(&verdicts_of(before), &verdicts_of(after));
    assert!(takes("ud", "rd"));
    assert!(!takes("uu", "ru"));
    assert!(!takes("dd", "fd"));
}
