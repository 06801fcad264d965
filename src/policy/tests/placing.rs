//! Rules 4, 5, 6, 10 and 11: the position of each member, and the addresses of hosts and followers.

use super::*;

fn demote(members: &str) -> Stage {
    Stage::service(members).with(|s| s.failed = Failed::Demote)
}

fn hidden(members: &str) -> Stage {
    Stage::service(members).with(|s| s.standby = Standby::Hidden)
}

/// Serves from tier 20 while tier 10 ripens.
fn ripening(mut stage: Stage, down: &str, up: &str) -> String {
    stage.see(down);
    stage.see(up)
}

#[test]
fn eligible_in_the_serving_tier_is_as_declared() {
    assert_eq!(Stage::service("10 10").see("uu"), "a10 b10");
    assert_eq!(demote("10 10").see("uu"), "a10 b10");
}

#[test]
fn eligible_in_a_later_tier_is_as_declared() {
    assert_eq!(Stage::service("10 20 30").see("uuu"), "a10 b20 c30");
    assert_eq!(demote("10 20 30").see("uuu"), "a10 b20 c30");
}

#[test]
fn eligible_in_a_later_tier_is_left_out_when_standby_is_hidden() {
    assert_eq!(hidden("10 20 30").see("uuu"), "a10");
    assert_eq!(hidden("10 20 30").see("duu"), "b20");
}

#[test]
fn withheld_by_health_is_left_out_or_behind() {
    assert_eq!(Stage::service("10 10 20").see("du u"), "b10 c20");
    assert_eq!(demote("10 10 20").see("du u"), "a21 b10 c20");
    assert_eq!(demote("10 10 20").see("lu u"), "a21 b10 c20");
}

#[test]
fn withheld_by_order_is_left_out_even_with_demote() {
    for ordered in ["fu u", "ru u"] {
        assert_eq!(Stage::service("10 10 20").see(ordered), "b10 c20");
        assert_eq!(demote("10 10 20").see(ordered), "b10 c20");
    }
}

#[test]
fn eligible_in_a_tier_before_the_serving_one_is_left_out_or_behind() {
    assert_eq!(ripening(Stage::service("10 20"), "du", "uu"), "b20");
    assert_eq!(ripening(demote("10 20"), "du", "uu"), "a21 b20");
}

#[test]
fn behind_counts_from_the_highest_declared_priority_by_rank_of_the_tier() {
    assert_eq!(demote("10 20 30 30").see("dd ud"), "a31 b32 c30 d33");
}

#[test]
fn behind_keeps_the_weight() {
    let mut stage = demote("10:60 20:0");
    stage.see("du");
    assert_eq!(stage.answer().decision.listed[0][0], Listed { member: 0, priority: 21, weight: 60 });
}

#[test]
fn behind_above_65535_is_left_out() {
    assert_eq!(demote("10 20 65534").see("ddu"), "a65535 c65534");
}

#[test]
fn a_degraded_member_yields_while_others_suffice() {
    assert_eq!(Stage::service("10 10 20").see("gu u"), "b10 c20");
    assert_eq!(demote("10 10 20").see("gu u"), "a21 b10 c20");
}

#[test]
fn a_degraded_member_serves_while_the_others_do_not_reach_the_need() {
    let mut stage = Stage::service("10 10 10").with(|s| s.min_up = Need::Count(2));
    assert_eq!(stage.see("gud"), "a10 b10");
    assert_eq!(stage.see("guu"), "b10 c10");
}

#[test]
fn a_degraded_member_serves_while_the_others_bear_less_than_half_of_the_weight() {
    assert_eq!(Stage::service("10:90 10:10").see("gu"), "a10 b10");
    assert_eq!(Stage::service("10:50 10:50").see("gu"), "b10");
    assert_eq!(
        Stage::service("10:50 10:50 10:50").see("gud"),
        "a10 b10",
        "half of the declared weight, not of the eligible"
    );
}

#[test]
fn without_weights_half_of_the_count_must_be_left_for_a_member_to_yield() {
    assert_eq!(Stage::service("10:0 10:0 10:0").see("gud"), "a10 b10");
    assert_eq!(Stage::service("10:0 10:0 10:0 10:0").see("guud"), "b10 c10");
}

#[test]
fn a_tier_of_degraded_members_only_serves() {
    assert_eq!(Stage::service("10 10 20").see("gg u"), "a10 b10 c20");
}

#[test]
fn degraded_members_of_a_later_tier_yield_too() {
    assert_eq!(Stage::service("10 20 20").see("u gu"), "a10 c20");
}

#[test]
fn renumber_gives_the_serving_tier_the_lowest_declared_number() {
    let renumber = |verdicts| Stage::service("10 20 30").with(|s| s.promote = Promote::Renumber).see(verdicts);
    assert_eq!(renumber("uuu"), "a10 b20 c30");
    assert_eq!(renumber("duu"), "b10 c30");
    assert_eq!(renumber("ddu"), "c10");
}

#[test]
fn renumber_goes_with_demote() {
    let mut stage = demote("10 20").with(|s| s.promote = Promote::Renumber);
    assert_eq!(stage.see("du"), "a21 b10");
}

#[test]
fn renumber_takes_the_lowest_number_of_both_halves() {
    let mut stage = Stage::service("10 20 | 20").with(|s| s.promote = Promote::Renumber);
    assert_eq!(stage.see("du u"), "b10 | c10");
}

#[test]
fn weights_stay_as_declared() {
    let mut stage = Stage::service("10:60 10:40 20:0");
    stage.see("ud u");
    let weights: Vec<u16> = stage.answer().decision.listed[0].iter().map(|l| l.weight).collect();
    assert_eq!(weights, [60, 0]);
}

#[test]
fn last_resort_is_as_declared_and_lists_nobody_else() {
    assert_eq!(demote("10 20 30").see("dlr"), "b20 c30");
}

#[test]
fn only_the_serving_tier_of_addresses_is_listed() {
    assert_eq!(Stage::addresses("1 1 2").see("uu u"), "a1 b1");
    assert_eq!(Stage::addresses("1 1 2").with(|s| s.failed = Failed::Demote).see("dd u"), "c2");
    assert_eq!(Stage::addresses("1 1 2").see("gu u"), "b1", "a degraded address yields");
}

#[test]
fn both_halves_of_a_pair_serve_one_tier() {
    assert_eq!(Stage::service("10 20 | 10 20").see("uu uu"), "a10 b20 | c10 d20");
    assert_eq!(Stage::service("10 20 | 10 20").see("du du"), "b20 | d20");
}

#[test]
fn a_half_left_empty_lists_its_first_eligible_tier_after_the_serving_one() {
    assert_eq!(hidden("10 20 30 | 10 20 30").see("uuu duu"), "a10 | e20");
    assert_eq!(hidden("10 | 30 40").see("u uu"), "a10 | b30");
}

#[test]
fn a_half_left_empty_lists_else_its_eligible_behind() {
    let stage = Stage::service("10 20 | 10");
    assert_eq!(ripening(stage, "du d", "du u"), "b20 | c21");
}

#[test]
fn a_half_left_empty_lists_else_its_declared_members_behind() {
    assert_eq!(Stage::service("10 20 | 10 20").see("uu dd"), "a10 b20 | c21 d22");
}

#[test]
fn a_half_left_empty_goes_behind_at_most_to_65535() {
    assert_eq!(Stage::service("10 65535 | 10").see("uu d"), "a10 b65535 | c65535");
    assert_eq!(demote("10 65535 | 10").see("uu d"), "a10 b65535 | c65535");
}

#[test]
fn a_half_left_empty_lists_members_withheld_by_order_only_if_there_is_no_other() {
    assert_eq!(Stage::service("10 | 10 10").see("u fd"), "a10 | c11");
    assert_eq!(Stage::service("10 | 10 10").see("u fr"), "a10 | b11 c11");
}

#[test]
fn a_half_without_leaving_members_lists_its_declared_ones_behind_at_last_resort() {
    assert_eq!(Stage::service("10 20 | 10").see("dl d"), "b20 | c21");
}

#[test]
fn degraded_members_yield_within_their_half() {
    assert_eq!(Stage::service("10 | 10 10").see("g gu"), "a10 | c10");
}

#[test]
fn followers_take_the_serving_members_that_are_neither_left_out_nor_behind() {
    let followed_by = |mut stage: Stage, verdicts| {
        stage.see(verdicts);
        followed(&stage.pool, &stage.answer().decision)
    };
    let tiers = |tiers: &[&[usize]]| tiers.iter().map(|tier| tier.to_vec()).collect::<Vec<_>>();
    assert_eq!(followed_by(Stage::service("10 10 20"), "uu u"), tiers(&[&[0, 1], &[2]]));
    assert_eq!(followed_by(Stage::service("10 10 20"), "du d"), tiers(&[&[1]]));
    assert_eq!(followed_by(demote("10 10 20"), "gu u"), tiers(&[&[1], &[2]]));
    assert_eq!(followed_by(Stage::service("10 20").with(|s| s.promote = Promote::Renumber), "du"), tiers(&[&[1]]));
    assert_eq!(followed_by(Stage::service("10 20 | 10"), "ud d"), tiers(&[&[0]]), "a stand-in does not serve");
    assert_eq!(followed_by(Stage::service("10 | 10 20"), "u du"), tiers(&[&[0], &[2]]), "but the next tier may");
    let hidden = Stage::service("10 20 30").with(|s| s.standby = Standby::Hidden);
    assert_eq!(followed_by(hidden, "uud"), tiers(&[&[0], &[1]]));
}

#[test]
fn followers_serve_their_own_addresses_at_last_resort_and_all_down() {
    for nobody in ["dd", "ld"] {
        let mut stage = Stage::service("10 20");
        stage.see(nobody);
        assert_eq!(followed(&stage.pool, &stage.answer().decision), Vec::<Vec<usize>>::new());
    }
}

#[test]
fn an_address_leaves_when_its_targets_are_withheld_and_another_is_known_to_serve() {
    let up = HostAddress { withheld: false, known_serving: true };
    let unknown = HostAddress { withheld: false, known_serving: false };
    let down = HostAddress { withheld: true, known_serving: false };
    assert_eq!(stay(&[up, down]), [true, false]);
    assert_eq!(stay(&[down, up, down]), [false, true, false]);
    assert_eq!(stay(&[unknown, down]), [true, true], "ignorance does not condemn");
    assert_eq!(stay(&[down, down]), [true, true], "a drained host keeps its own");
    assert_eq!(stay(&[up, unknown]), [true, true]);
    assert_eq!(stay(&[]), Vec::<bool>::new());
}

#[test]
fn each_family_of_a_name_has_addresses() {
    // Two sites of both families.
    let mut stage = Stage::addresses("0 1 | 0 1");
    assert_eq!(stage.see("uu uu"), "a0 | c0");
    assert_eq!(stage.see("du uu"), "b1 | c0", "the other family of the first site is well");
    assert_eq!(stage.see("dd uu"), "a0 | c0", "none of the family is up: as declared, of its first tier");
    assert_eq!(stage.see("du dd"), "b1 | c0");
    assert_eq!(stage.see("dd dd"), "a0 | c0");
    assert_eq!(stage.see("dl du"), "a0 | d1", "IPv6 of the second site serves");
    assert_eq!(stage.see("ff dd"), "a0 | c0");
    assert_eq!(stage.see("fd dd"), "b1 | c0", "not what an order withholds, while another remains");
    // While the second site is active, the family that it has not comes from the first.
    let mut stage = Stage::addresses("0 | 0 1");
    assert_eq!(stage.see("d du"), "a0 | c1");
    assert_eq!(stage.see("u uu"), "a0 | c1", "eligible, though its tier has not failed back");
}

#[test]
fn an_alias_leads_to_one_tier_and_always_somewhere() {
    let mut stage = Stage::of(Kind::Alias, "0:2 0 1").with(|s| {
        s.failed = Failed::Demote;
        s.all_down = AllDown::Closed;
    });
    assert_eq!(stage.see("uuu"), "a0 b0");
    assert_eq!(stage.see("duu"), "b0", "nobody is put behind: an alias has no priorities");
    assert_eq!(stage.see("ddu"), "c1");
    assert_eq!(stage.see("DDD"), "a0 b0", "all down is the first tier, whatever is set");
    assert_eq!(stage.see("dld"), "b0", "the last resort");
    assert_eq!(stage.see("fdd"), "b0", "not what an order withholds, while another remains");
}
