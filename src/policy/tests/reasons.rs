//! Rule 12: the texts of reasons, moves and placements.

use super::*;

fn reason(stage: &Stage) -> String {
    stage.answer().decision.reason.to_string()
}

fn placements(stage: &Stage) -> Vec<String> {
    stage.answer().decision.placements.iter().map(ToString::to_string).collect()
}

#[test]
fn a_tier_that_holds_tells_its_count() {
    let mut stage = Stage::service("10 10 20");
    stage.tier("du u");
    assert_eq!(reason(&stage), "tier 10 serves: 1 of 2 members up");
    assert_eq!(placements(&stage), ["left out: down", "as declared", "as declared"]);
}

#[test]
fn a_later_tier_tells_why_the_better_ones_do_not_serve() {
    let mut stage = Stage::service("10 10 20");
    stage.tier("dd u");
    assert_eq!(reason(&stage), "tier 20 serves since tier 10 failed: 0 of 2 members up, needs 1");
    stage.tier("fd u");
    assert_eq!(reason(&stage), "tier 20 serves since tier 10 is out: 0 of 2 members up, 1 out by order, needs 1");
    stage.tier("uu u");
    assert_eq!(reason(&stage), "tier 20 serves since tier 10 must hold for 1m first");
    assert_eq!(stage.answer().moved, None);
    stage.wait(60).tier("uu u");
    assert_eq!(stage.answer().moved.unwrap().to_string(), "failback to tier 10: it held for 1m");
}

#[test]
fn clients_are_told_whether_a_tier_failed_or_is_out_by_order() {
    let mut stage = Stage::service("10 10 20");
    let mut note = |verdicts| {
        stage.tier(verdicts);
        stage.answer().decision.reason.note(None).unwrap_or_default()
    };
    assert_eq!(note("dd u"), "standby: tier 20 is active, tier 10 failed");
    assert_eq!(note("fd u"), "standby: tier 20 is active, tier 10 failed (1 of 2 members out by order)");
    assert_eq!(note("ff u"), "standby: tier 20 is active, tier 10 is out by order");
}

#[test]
fn a_better_tier_tells_what_it_waits_for() {
    let waiting = |failback, verdicts| {
        let mut stage = Stage::service("10 20").with(|s| s.failback = failback);
        stage.tier("du");
        stage.tier(verdicts);
        reason(&stage)
    };
    assert_eq!(waiting(Failback::Auto, "?u"), "tier 20 serves since tier 10 is not known to be up yet");
    assert_eq!(waiting(Failback::Manual, "uu"), "tier 20 serves since tier 10 waits for the order failback");
    assert_eq!(
        waiting(Failback::Window { from: 120, to: 255 }, "uu"),
        "tier 20 serves since tier 10 must hold for 1m and waits for the window 02:00-04:15 UTC"
    );
}

#[test]
fn a_tier_that_does_not_hold_tells_so() {
    let mut stage = Stage::service("10:1 10:1 20").with(|s| s.min_up = Need::Share(0.75));
    stage.tier("ud d");
    assert_eq!(reason(&stage), "tier 10 serves as no tier holds: 1 of 2 members up, needs 75 % of the weight");
}

#[test]
fn last_resort_and_all_down_tell_what_is_served() {
    let told = |all_down, verdicts| {
        let mut stage = Stage::service("10 20").with(|s| s.all_down = all_down);
        stage.tier(verdicts);
        reason(&stage)
    };
    assert_eq!(told(AllDown::Declared, "ld"), "last resort: nobody else is up, serving 1 leaving member");
    assert_eq!(told(AllDown::Declared, "lr"), "last resort: nobody else is up, serving 2 leaving members");
    assert_eq!(told(AllDown::Declared, "dd"), "all members down: serving the declared set (all-down = declared)");
    assert_eq!(
        told(AllDown::Closed, "DD"),
        "all members down: saying that the service is not available (all-down = closed)"
    );
    assert_eq!(
        told(AllDown::Closed, "Dd"),
        "all members down: serving the declared set (all-down = closed, but not every failure is conclusive)"
    );
    assert_eq!(
        told(AllDown::LastGood, "dd"),
        "all members down: serving the declared set (all-down = last-good, but there is none)"
    );
}

#[test]
fn each_member_tells_where_it_stands_and_why() {
    let told = |mut stage: Stage, verdicts| {
        stage.tier(verdicts);
        placements(&stage)
    };
    let demote = || Stage::service("10 10 20").with(|s| s.failed = Failed::Demote);
    assert_eq!(told(demote(), "du u")[0], "behind at priority 21: down");
    assert_eq!(told(demote(), "gu u")[0], "behind at priority 21: degraded, others of its tier suffice");
    assert_eq!(told(demote(), "ru u")[0], "left out: drained by order");
    assert_eq!(told(demote(), "fu u")[0], "left out: withheld by order");
    assert_eq!(told(Stage::service("10 10"), "lu")[0], "left out: down, as it said that it is leaving");
    assert_eq!(
        told(Stage::service("10 20").with(|s| s.standby = Standby::Hidden), "uu")[1],
        "left out: standby hidden"
    );
    assert_eq!(
        told(Stage::service("10 20").with(|s| s.promote = Promote::Renumber), "du")[1],
        "serving as priority 10"
    );
    assert_eq!(told(Stage::service("10 20"), "ld"), ["as declared: last resort", "left out: down"]);
    assert_eq!(told(Stage::service("10"), "d"), ["at priority 10: all members are down"]);
    assert_eq!(told(Stage::service("10 | 10"), "ud")[1], "at priority 11: nobody else of its half serves");
    assert_eq!(
        told(Stage::service("10").with(|s| s.all_down = AllDown::Closed), "D"),
        ["left out: the service is closed"]
    );
}

#[test]
fn moves_tell_from_whom_to_whom() {
    let told = |from: &str, to: &str| {
        let mut stage = Stage::service("10 20");
        stage.tier(from);
        stage.tier(to);
        stage.answer().moved.map(|moved| moved.to_string())
    };
    assert_eq!(told("uu", "du").unwrap(), "failover from tier 10 to tier 20");
    assert_eq!(told("uu", "dd").unwrap(), "tier 10 is no longer active, and no other is");
    assert_eq!(told("dd", "uu").unwrap(), "tier 10 becomes active");
    assert_eq!(told("uu", "ud"), None);
}
