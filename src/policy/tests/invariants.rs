//! What holds for every pool, every list of verdicts and every history.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;

#[derive(Clone, Debug)]
struct Step {
    verdicts: String,
    wait: u64,
    trigger: Trigger,
    ordered: bool,
}

fn settings() -> impl Strategy<Value = Settings> {
    let need = prop_oneof![(0u32..4).prop_map(Need::Count), (0.0..=1.0).prop_map(Need::Share)];
    let failback = prop_oneof![
        Just(Failback::Auto),
        Just(Failback::Manual),
        (0u16..1_440, 0u16..1_440).prop_map(|(from, to)| Failback::Window { from, to })
    ];
    let all_down = prop_oneof![Just(AllDown::Declared), Just(AllDown::LastGood), Just(AllDown::Closed)];
    (need, failback, all_down, any::<[bool; 3]>(), 0u64..200).prop_map(|(min_up, failback, all_down, flags, hold)| {
        Settings {
            min_up,
            failback,
            all_down,
            standby: if flags[0] { Standby::Hidden } else { Standby::Listed },
            failed: if flags[1] && !flags[0] { Failed::Demote } else { Failed::Withdraw },
            promote: if flags[2] { Promote::Renumber } else { Promote::AsDeclared },
            hold: Duration::from_secs(hold),
            ..Settings::default()
        }
    })
}

fn pool() -> impl Strategy<Value = Pool> {
    let kind = prop_oneof![Just(Kind::Service), Just(Kind::Pair), Just(Kind::Addresses), Just(Kind::Alias)];
    let priority = prop_oneof![Just(0u16), Just(10), Just(20), Just(30), Just(65_534), Just(65_535)];
    let member = (0u8..2, priority, prop_oneof![Just(0u16), Just(1), Just(50), Just(65_535)]);
    (kind, proptest::collection::vec(member, 1..7), settings()).prop_map(|(kind, members, settings)| {
        let half = |half| if matches!(kind, Kind::Service | Kind::Alias) { 0 } else { half };
        let members =
            members.into_iter().map(|(h, priority, weight)| Member { half: half(h), priority, weight }).collect();
        Pool { kind, members, settings }
    })
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let trigger = prop_oneof![
        4 => Just(Trigger::Health), 1 => Just(Trigger::Order), 1 => Just(Trigger::Time), 1 => Just(Trigger::Reload),
        1 => Just(Trigger::Start)
    ];
    let wait = prop_oneof![Just(0u64), 1u64..10, 50u64..200, Just(4_000)];
    let step = ("[u?gdDlfr]{6}", wait, trigger, proptest::bool::weighted(0.1));
    let step = step.prop_map(|(verdicts, wait, trigger, ordered)| Step { verdicts, wait, trigger, ordered });
    proptest::collection::vec(step, 1..20)
}

fn check_listing(pool: &Pool, decision: &Decision) {
    for (half, listed) in decision.listed.iter().enumerate() {
        let declared = pool.members.iter().any(|m| usize::from(m.half) == half);
        assert_eq!(listed.is_empty(), decision.closed || !declared, "never empty: {decision:?}");
        assert!(listed.is_sorted_by_key(|l| l.member), "in declared order");
        for l in listed {
            assert_eq!(usize::from(pool.members[l.member].half), half);
            assert_eq!(l.weight, pool.members[l.member].weight, "weights stay as declared");
        }
    }
    if decision.closed {
        assert_eq!((decision.served, pool.settings.all_down), (ActiveTier::AllDown, AllDown::Closed));
    }
}

fn check_members(pool: &Pool, verdicts: &[Verdict], decision: &Decision) {
    let ActiveTier::Tier(tier) = decision.served else {
        assert!(!verdicts[..pool.members.len()].iter().any(|v| v.serves()), "somebody could serve: {decision:?}");
        return;
    };
    let serving = decision.placements.iter().zip(&pool.members).zip(verdicts);
    let serving = serving.filter(|((p, m), v)| p.lists() && m.priority == tier && v.serves());
    assert!(serving.count() > 0, "the serving tier is listed: {decision:?}");
    for (placement, verdict) in decision.placements.iter().zip(verdicts) {
        let behind = matches!(placement, Placement::Behind(..) | Placement::FillsHalf(_));
        assert!(verdict.serves() || !placement.lists() || behind, "a dead member leads: {decision:?}");
    }
}

/// Of each family the eligible addresses are listed, as long as there are any, and all of one tier.
fn check_families(pool: &Pool, verdicts: &[Verdict], decision: &Decision) {
    for (half, listed) in decision.listed.iter().enumerate().filter(|_| pool.kind.lists_one_tier()) {
        let tiers: BTreeSet<u16> = listed.iter().map(|l| pool.members[l.member].priority).collect();
        assert!(tiers.len() <= 1, "one tier of a family: {decision:?}");
        let mut own = pool.members.iter().zip(verdicts).filter(|(member, _)| usize::from(member.half) == half);
        let alive = listed.iter().all(|l| verdicts[l.member].serves());
        assert!(
            alive || !own.any(|(_, verdict)| verdict.serves()),
            "the dead of a family that has others: {decision:?}"
        );
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, ..ProptestConfig::default() })]

    #[test]
    fn every_history_keeps_the_promises(pool in pool(), steps in steps()) {
        let mut stage = Stage { pool, ..Stage::service("1") };
        for step in steps {
            let before = stage.memory.clone();
            let verdicts = verdicts_of(&step.verdicts);
            let answer = stage.wait(step.wait).ask(&step.verdicts, step.trigger, step.ordered);
            let decision = &answer.decision;
            check_listing(&stage.pool, decision);
            check_members(&stage.pool, &verdicts, decision);
            check_families(&stage.pool, &verdicts, decision);
            prop_assert!(answer.memory.holding.is_sorted());
            prop_assert!(answer.memory.flaps >= 1);
            prop_assert_ne!(answer.again, Some(Duration::ZERO), "no ask that repeats itself without end");

            // The same question has the same answer.
            stage.memory = before;
            prop_assert_eq!(&stage.ask(&step.verdicts, step.trigger, step.ordered), &answer);

            // Asked again with the memory it left, it decides the same.
            let again = stage.ask(&step.verdicts, step.trigger, step.ordered && !answer.failback_used);
            prop_assert_eq!(&again.decision, decision);
            prop_assert_eq!(&again.memory, &answer.memory);
            prop_assert_eq!(again.moved, None);
        }
    }

    #[test]
    fn until_time_may_change_a_decision_it_stays(pool in pool(), steps in steps(), part in 0.0..1.0f64) {
        let mut stage = Stage { pool, ..Stage::service("1") };
        for step in steps {
            let answer = stage.wait(step.wait).ask(&step.verdicts, step.trigger, false);
            let span = answer.again.map_or(Duration::from_secs(100_000), |again| again.mul_f64(part * 0.99));
            let (now, memory) = (stage.now, stage.memory.clone());
            stage.now = now.after(span);
            prop_assert_eq!(stage.ask(&step.verdicts, Trigger::Time, false).decision, answer.decision);
            (stage.now, stage.memory) = (now, memory);
            if let Some(again) = answer.again {
                stage.now = now.after(again);
                prop_assert_ne!(stage.ask(&step.verdicts, Trigger::Time, false).moved, None, "due, so it happens");
                stage.now = now;
                stage.memory = answer.memory;
            }
        }
    }
}
