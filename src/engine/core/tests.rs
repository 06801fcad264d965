//! White-box tests of the core: what an event changes, and what a reload and an order carry over.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use super::*;
use crate::base::table::RowId;
use crate::engine::Notice;
use crate::engine::orders::Refusal;
use crate::engine::setup::{Fill, HostSetup, MemberData, MemberSetup, Setup, TargetKey, ZoneSetup};
use crate::health::orders::{Force, Order, Scope};
use crate::health::{self, BrokenConnection, FailKind, Outcome, TargetReport};
use crate::policy::{Kind, Member, Pool, PoolId, Settings};
use crate::snapshot::history::tests::{apply, content};
use crate::snapshot::{SlotKey, ZoneId};
use crate::zone::parse::{NoSources, Origin, parse};
use crate::zone::{Name, Rtype, Serial};

/// So many services, each with two members in two tiers, each member on a host of its own.
pub(crate) fn setup(services: u8, serial: u32) -> Setup {
    let mut text = format!("$ORIGIN example.\n$TTL 300\n@ SOA ns1 h {serial} 1 1 1 60\n@ NS ns1\nns1 A 127.0.0.1\n");
    let mut setup = Setup::default();
    for service in 0..services {
        let id = PoolId::from_index(usize::from(service));
        let owner = format!("_sip._tcp.s{service}");
        let mut pool = PoolSetup {
            name: format!("{owner}.example."),
            pool: Pool { kind: Kind::Service, members: Vec::new(), settings: Settings::default() },
            members: Vec::new(),
            pick: None,
            fills: vec![fill(&owner, Rtype::SRV)],
        };
        for (tier, priority) in [(1, 10), (2, 20)] {
            let (host, address) = (format!("h{tier}.s{service}"), IpAddr::from([127, tier, service, 1]));
            text += &format!("{owner} SRV {priority} 0 5060 {host}\n{host} A {address}\n");
            let target = setup.targets.push(target(address));
            pool.pool.members.push(Member { half: 0, priority, weight: 0 });
            let data = MemberData::Srv { port: 5060, host: name(&host) };
            let label = format!("{host}.example:5060");
            pool.members.push(MemberSetup { label, targets: vec![target], unprobed: false, nowhere: false, data });
            let addresses = vec![(address, vec![target])];
            setup.hosts.push(HostSetup { fills: vec![fill(&host, Rtype::A)], addresses, pools: vec![id] });
        }
        setup.pools.push(pool);
    }
    let zone = parse("test.zone", text.as_bytes(), Origin::Unknown, &mut NoSources).zone.unwrap();
    setup.zones.push(ZoneSetup {
        origin: zone.origin().clone(),
        zone: Some(Arc::new(zone)),
        is_judged_upstream: false,
    });
    setup
}

fn name(text: &str) -> Name {
    format!("{text}.example.").parse().unwrap()
}

fn fill(owner: &str, rtype: Rtype) -> Fill {
    Fill { zone: ZoneId::from_index(0), owner: name(owner), rtype, ttl: 300 }
}

fn target(address: IpAddr) -> TargetSetup {
    let key = TargetKey { address, port: 5060, transport: "tcp", kind: "tcp", parameters: String::new() };
    let settings = Arc::new(health::Settings { fall: 1, rise: 1, ..health::Settings::default() });
    TargetSetup { key, settings, barrier: None, watched: false }
}

fn at(secs: u64) -> Now {
    let start = Now { mono: Mono::START, wall: UnixTime::from_secs(1_800_000_000) };
    start.after(Duration::from_secs(secs))
}

fn report(core: &mut Core, target: usize, passes: bool, now: Now) {
    let outcome =
        if passes { Outcome::Pass } else { Outcome::Fail { kind: FailKind::Conclusive, cause: "refused".into() } };
    let report = Report { outcome, began: now.mono, latency: Duration::ZERO };
    core.handle(Event::Report(TargetReport { setup: core.number, target: TargetId::from_index(target), report }), now);
    core.handle_timeout(now);
}

/// A core in which every target is up, and nothing waits.
fn core(services: u8) -> Core {
    let mut core = Core::new(Prepared::new(setup(services, 1)), &Restored::default(), at(0));
    for target in 0..usize::from(services) * 2 {
        report(&mut core, target, true, at(1));
    }
    core.handle_timeout(at(60));
    core.effects.clear();
    core
}

pub(crate) fn order(force: Force, scope: &str) -> Order {
    let scope = Scope::parse(scope).unwrap();
    Order { force, scope, from: None, until: None, reason: String::new(), author: String::new() }
}

fn changed_slots(core: &Core, before: &Snapshot) -> Vec<SlotKey> {
    let same = |slot: &SlotId| match (before.slot(*slot), core.snapshot.slot(*slot)) {
        (Some(SlotValue::Records(a)), Some(SlotValue::Records(b))) => Arc::ptr_eq(a, b),
        (before, after) => before == after,
    };
    core.prepared.slots.iter().filter(|(slot, _)| !same(slot)).map(|(_, key)| key.clone()).collect()
}

#[test]
fn a_flip_touches_its_own_slots_and_the_soa_alone() {
    let mut core = core(100);
    let before = Arc::clone(&core.snapshot);
    report(&mut core, 14, false, at(61));
    let changed: Vec<String> = changed_slots(&core, &before).iter().map(|key| key.owner.to_string()).collect();
    assert_eq!(changed, ["_sip._tcp.s7.example.", "example."]);
    assert_eq!(core.snapshot.generation(), before.generation() + 1);
}

#[test]
fn a_failover_is_counted_of_its_service_alone_and_over_a_reload() {
    let mut core = core(2);
    report(&mut core, 0, false, at(61));
    let changes =
        |core: &Core| core.coverage(10, at(62)).services.iter().map(|row| row.tier_changes).collect::<Vec<_>>();
    assert_eq!(changes(&core), [1, 0]);
    let up: Vec<bool> = core.coverage(3, at(62)).targets.iter().map(|(_, is_up)| *is_up).collect();
    assert_eq!(up, [false, true, true], "no more than are wanted");
    core.handle(Event::Reload { setup: 2, prepared: Box::new(Prepared::new(setup(2, 2))) }, at(63));
    assert_eq!(changes(&core), [1, 0]);
}

/// A process that dies takes all its services along: one publication tells of them.
#[test]
fn what_dies_with_a_held_connection_leaves_together() {
    let mut core = core(3);
    let before = Arc::clone(&core.snapshot);
    let later = |millis| at(61).after(Duration::from_millis(millis));
    let address = SocketAddr::from(([127, 1, 0, 1], 5060));
    core.handle(Event::Broke(BrokenConnection { address, cause: "closed".into() }), later(0));
    report(&mut core, 0, false, later(1));
    assert_eq!((core.snapshot.generation(), core.poll_timeout()), (before.generation(), Some(later(10).mono)));
    report(&mut core, 2, false, later(4));
    core.handle_timeout(later(10));
    assert_eq!(core.snapshot.generation(), before.generation() + 1);
    let changed: Vec<String> = changed_slots(&core, &before).iter().map(|key| key.owner.to_string()).collect();
    assert_eq!(changed, ["_sip._tcp.s0.example.", "_sip._tcp.s1.example.", "example."]);

    // Another break soon after does not put it off again.
    core.handle(Event::Broke(BrokenConnection { address, cause: "closed".into() }), later(50));
    report(&mut core, 4, false, later(51));
    assert_eq!(core.poll_timeout(), Some(later(110).mono));
}

#[test]
fn what_was_woken_and_is_not_heard_of_is_waited_for_but_not_long() {
    let later = |millis| at(61).after(Duration::from_millis(millis));
    for (comes, published) in [(Some(30), 30), (None, 50)] {
        let mut core = core(2);
        let before = core.snapshot.generation();
        for service in 0..2 {
            let address = SocketAddr::from(([127, 1, service, 1], 5060));
            core.handle(Event::Broke(BrokenConnection { address, cause: "closed".into() }), later(0));
        }
        report(&mut core, 0, false, later(1));
        let mut now = 1;
        while core.snapshot.generation() == before {
            now += 1;
            if Some(now) == comes {
                report(&mut core, 2, false, later(now));
            }
            core.handle_timeout(later(now));
        }
        assert_eq!(now, published, "{comes:?}");
    }
}

/// A process that dies may close its listener last: what passes at first is looked at again, and leaves with the others.
#[test]
fn what_passes_right_after_a_break_is_waited_for() {
    let mut core = core(2);
    let before = core.snapshot.generation();
    let later = |millis| at(61).after(Duration::from_millis(millis));
    for service in 0..2 {
        let address = SocketAddr::from(([127, 1, service, 1], 5060));
        core.handle(Event::Broke(BrokenConnection { address, cause: "closed".into() }), later(0));
    }
    report(&mut core, 0, false, later(1));
    report(&mut core, 2, true, later(2));
    assert_eq!(core.poll_timeout(), Some(later(62).mono), "10 ms after the next look");
    let next = std::iter::from_fn(|| core.poll_effect()).filter_map(|effect| match effect {
        Effect::Probe(probe) if probe.target == TargetId::from_index(2) => Some(probe.at),
        Effect::Probe(_) | Effect::Publish(_) | Effect::Persist { .. } => None,
        Effect::Post(_) | Effect::Notice(_) | Effect::Tested(_) | Effect::Settled => None,
    });
    assert_eq!(next.last(), Some(later(52).mono));
    report(&mut core, 2, false, later(53));
    core.handle_timeout(later(62));
    assert_eq!(core.snapshot.generation(), before + 1);
    assert!(core.pools.iter().all(|(_, pool)| pool.memory.current == Some(20)));
}

#[test]
fn a_report_that_flips_nothing_publishes_nothing() {
    let mut core = core(3);
    report(&mut core, 2, true, at(61));
    let effects: Vec<Effect> = std::iter::from_fn(|| core.poll_effect()).collect();
    let only_probes = effects.iter().all(|effect| match effect {
        Effect::Probe(_) | Effect::Persist { .. } => true,
        Effect::Publish(_) | Effect::Post(_) | Effect::Notice(_) | Effect::Tested(_) | Effect::Settled => false,
    });
    assert!(only_probes, "{effects:?}");
}

#[test]
fn reports_of_unknown_setups_and_of_targets_that_may_not_be_probed_are_dropped() {
    let mut setup = setup(1, 1);
    setup.targets.get_mut(TargetId::from_index(0)).unwrap().barrier = Some("not allowed");
    let mut core = Core::new(Prepared::new(setup), &Restored::default(), at(0));
    core.effects.clear();
    report(&mut core, 0, false, at(1));
    core.number = 2;
    let fail = Outcome::Fail { kind: FailKind::Conclusive, cause: "refused".into() };
    let stale = Report { outcome: fail, began: at(1).mono, latency: Duration::ZERO };
    core.handle(
        Event::Report(TargetReport { setup: 1, target: TargetId::from_index(1), report: stale.clone() }),
        at(1),
    );
    core.handle(Event::Report(TargetReport { setup: 2, target: TargetId::from_index(9), report: stale }), at(1));
    assert!(core.targets.iter().all(|(_, row)| *row.health.state() == State::Unknown));
}

/// A setup of the same targets and one more before them: their ids move.
fn shifted() -> Setup {
    let mut other = setup(1, 1);
    let mut targets = Table::new();
    targets.push(target([127, 9, 9, 9].into()));
    for (_, row) in other.targets.iter() {
        targets.push(row.clone());
    }
    other.targets = targets;
    for (_, pool) in other.pools.iter_mut() {
        for id in pool.members.iter_mut().flat_map(|member| &mut member.targets) {
            *id = TargetId::from_index(id.index() + 1);
        }
    }
    for (_, host) in other.hosts.iter_mut() {
        for id in host.addresses.iter_mut().flat_map(|(_, targets)| targets) {
            *id = TargetId::from_index(id.index() + 1);
        }
    }
    other
}

#[test]
fn an_outcome_of_a_target_that_stays_counts_whatever_setup_it_was_begun_under() {
    let refused = |setup, target, at: Now| {
        let outcome = Outcome::Fail { kind: FailKind::Conclusive, cause: "refused".into() };
        let report = Report { outcome, began: at.mono, latency: Duration::ZERO };
        Event::Report(TargetReport { setup, target: TargetId::from_index(target), report })
    };
    let state = |core: &Core, target| core.targets[TargetId::from_index(target)].health.state().clone();
    let reload = |setup| Event::Reload { setup, prepared: Box::new(Prepared::new(shifted())) };
    let mut core = core(1);
    core.handle(reload(2), at(61));
    assert_eq!((state(&core, 1), state(&core, 2)), (State::Up, State::Up));
    core.handle(refused(1, 0, at(62)), at(62));
    assert!(matches!((state(&core, 1), state(&core, 2)), (State::Down(_), State::Up)), "begun under the last one");
    core.handle(refused(3, 2, at(63)), at(63));
    assert_eq!(state(&core, 2), State::Up, "of a setup that is yet to come");
    core.handle(reload(3), at(63));
    assert!(matches!(state(&core, 2), State::Down(_)));
}

#[test]
fn a_reload_neither_tells_an_alarm_again_nor_forgets_who_is_to_be_probed_at_once() {
    let mut core = core(1);
    report(&mut core, 0, false, at(61));
    report(&mut core, 1, false, at(61));
    core.handle(
        Event::Broke(BrokenConnection { address: SocketAddr::from(([127, 1, 0, 1], 5060)), cause: "closed".into() }),
        at(62),
    );
    core.effects.clear();
    core.handle(Event::Reload { setup: 2, prepared: Box::new(Prepared::new(setup(1, 1))) }, at(62));
    let effects: Vec<Effect> = std::iter::from_fn(|| core.poll_effect()).collect();
    let notices = effects.iter().filter_map(|effect| match effect {
        Effect::Notice(event) => Some(&event.notice),
        Effect::Publish(_) | Effect::Probe(_) | Effect::Post(_) => None,
        Effect::Persist { .. } | Effect::Tested(_) | Effect::Settled => None,
    });
    assert_eq!(notices.collect::<Vec<_>>(), [&Notice::Reloaded]);
    let urgent = |effect: &Effect| matches!(effect, Effect::Probe(probe) if probe.priority == Priority::Urgent && probe.at == at(62).mono);
    assert_eq!(effects.iter().filter(|effect| urgent(effect)).count(), 1);
}

#[test]
fn answers_begin_when_what_the_first_outcomes_decide_is_published() {
    let mut core = Core::new(Prepared::new(setup(1, 1)), &Restored::default(), at(0));
    let soon = |millis| at(0).after(Duration::from_millis(millis));
    let fail = Outcome::Fail { kind: FailKind::Conclusive, cause: "refused".into() };
    for (target, outcome) in [(0, fail), (1, Outcome::Pass)] {
        let report = Report { outcome, began: at(0).mono, latency: Duration::ZERO };
        core.handle(Event::Report(TargetReport { setup: 1, target: TargetId::from_index(target), report }), soon(50));
    }
    core.handle_timeout(soon(60));
    let told = |core: &mut Core| -> Vec<&str> {
        let words = std::iter::from_fn(|| core.poll_effect()).filter_map(|effect| match effect {
            Effect::Publish(_) => Some("published"),
            Effect::Settled => Some("settled"),
            Effect::Probe(_) | Effect::Post(_) | Effect::Persist { .. } => None,
            Effect::Notice(_) | Effect::Tested(_) => None,
        });
        words.collect()
    };
    assert_eq!(told(&mut core), ["published"], "the first image; the standby is not active in it yet");
    core.handle_timeout(soon(100));
    assert_eq!(told(&mut core), ["published", "settled"]);
}

#[test]
fn everything_is_right_after_each_event_so_that_an_audit_finds_nothing() {
    let mut core = core(5);
    for (target, passes) in [(0, false), (3, false), (2, false), (0, true), (3, true)] {
        report(&mut core, target, passes, at(61));
        assert_eq!(core.audit(at(61)), 0);
    }
}

#[test]
fn an_order_that_robs_a_service_changes_nothing_unless_it_is_meant() {
    let mut core = core(2);
    report(&mut core, 0, false, at(61));
    core.effects.clear();
    let refused = core.give(order(Force::Down, "h2.s0.example"), false, at(62));
    assert_eq!(refused, Err(Refusal::TakesLast(vec!["_sip._tcp.s0.example.".to_owned()])));
    assert!(core.effects.is_empty() && core.orders().count() == 0);
    assert!(core.give(order(Force::Down, "h2.s0.example"), true, at(62)).is_ok());
}

/// Until when caches may hold answers that name what is covered, in seconds after the start.
fn cached(core: &Core, scope: &str, now: Now) -> Option<u64> {
    let cached = core.cached(&Scope::parse(scope).unwrap(), now)?;
    assert_eq!(cached.zones, ["example.".parse().unwrap()]);
    Some(cached.until.as_secs().saturating_sub(at(0).wall.as_secs()))
}

/// Answers from a slot of a service.
fn ask(core: &Core, number: usize, now: Now) {
    let slot = core.prepared.pool_slots[PoolId::from_index(number)][0];
    core.snapshot.served(slot).unwrap().tell(now.wall);
}

#[test]
fn of_what_leaves_the_answer_it_is_known_when_the_last_answer_that_named_it_expires() {
    let mut core = core(2);
    let ttl = core.status(at(500)).pools[0].longest_ttl.into();
    ask(&core, 0, at(500));
    let drain = |core: &mut Core, scope: &str, now| core.give(order(Force::Drained, scope), false, now).unwrap();
    drain(&mut core, "h1.s0.example", at(510));
    drain(&mut core, "h1.s1.example", at(510));
    assert_eq!(cached(&core, "h1.s0.example", at(510)), None, "it is not published yet");
    let former = Arc::clone(&core.snapshot);
    core.handle_timeout(at(511));
    // What asks now is told of the standby, and does not count; nor does what the standby is told of afterwards.
    ask(&core, 0, at(512));
    assert_eq!(cached(&core, "h1.s0.example", at(512)), Some(501 + ttl));
    assert_eq!(cached(&core, "127.1.0.1:5060", at(512)), Some(501 + ttl));
    // Nobody asked for the other service since the start.
    assert_eq!(cached(&core, "h1.s1.example", at(512)), Some(ttl));
    // A packet that is answered from the former snapshot counts, however late.
    let slot = core.prepared.pool_slots[PoolId::from_index(1)][0];
    former.served(slot).unwrap().tell(at(513).wall);
    assert_eq!(cached(&core, "h1.s1.example", at(513)), Some(514 + ttl));
    // The standby is named still: there is no end to it.
    let present = u64::from(core.status(at(513)).pools[0].ttls[0]);
    assert_eq!(cached(&core, "h2.s0.example", at(600)), Some(601 + present));
}

#[test]
fn after_a_reload_of_the_zones_the_longest_ttl_counts() {
    let mut core = core(1);
    let ttl = u64::from(core.status(at(100)).pools[0].longest_ttl);
    assert!(core.give(order(Force::Drained, "h1.s0.example"), false, at(500)).is_ok());
    core.handle_timeout(at(501));
    assert_eq!(cached(&core, "h1.s0.example", at(501)), Some(ttl));
    core.handle(Event::Reload { setup: 2, prepared: Box::new(Prepared::new(setup(1, 2))) }, at(600));
    core.handle_timeout(at(601));
    assert_eq!(cached(&core, "h1.s0.example", at(602)), Some(601 + ttl));
}

#[test]
fn a_refused_order_uses_up_no_number() {
    let mut core = core(1);
    report(&mut core, 0, false, at(61));
    assert!(core.give(order(Force::Down, "h2.s0.example"), false, at(62)).is_err());
    assert_eq!(core.give(order(Force::Down, "h1.s0.example"), false, at(62)), Ok(1));
}

#[test]
fn an_order_for_something_gone_is_kept_and_idle() {
    let mut core = core(1);
    let id = core.give(order(Force::Down, "gone.example"), false, at(61)).unwrap();
    let (_, order) = core.orders().next().unwrap();
    assert!(core.is_idle(order));
    assert!(core.clear(id, at(62)));
    assert!(!core.clear(id, at(62)));
}

#[test]
fn a_failback_of_what_is_no_service_is_refused() {
    let mut core = core(1);
    assert_eq!(
        core.fail_back("_xmpp._tcp.example", at(61)),
        Err(Refusal::NoSuchService("_xmpp._tcp.example".to_owned()))
    );
    assert_eq!(core.fail_back("_SIP._tcp.s0.example", at(61)), Ok(()));
}

#[test]
fn a_reload_of_the_same_keeps_the_serial_and_tells_of_no_zone() {
    let mut core = core(2);
    let before = core.serials.current(ZoneId::from_index(0));
    core.handle(Event::Reload { setup: 2, prepared: Box::new(Prepared::new(setup(2, 1))) }, at(61));
    core.handle_timeout(at(61));
    assert_eq!(core.serials.current(ZoneId::from_index(0)), before);
    let told = std::iter::from_fn(|| core.poll_effect()).find_map(|effect| match effect {
        Effect::Notice(TimedNotice { notice: Notice::Published { zones, .. }, .. }) => Some(zones),
        Effect::Notice(_) | Effect::Publish(_) | Effect::Probe(_) | Effect::Persist { .. } => None,
        Effect::Post(_) | Effect::Tested(_) | Effect::Settled => None,
    });
    assert_eq!(told, Some(Vec::new()));
}

#[test]
fn a_zone_that_comes_back_goes_on_above_its_serial() {
    let mut core = core(1);
    report(&mut core, 0, false, at(61));
    let before: Serial = core.serials.current(ZoneId::from_index(0)).unwrap();
    core.handle(Event::Reload { setup: 2, prepared: Box::new(Prepared::new(Setup::default())) }, at(62));
    core.handle_timeout(at(62));
    core.handle(Event::Reload { setup: 3, prepared: Box::new(Prepared::new(setup(1, 1))) }, at(63));
    core.handle_timeout(at(63));
    assert!(core.serials.current(ZoneId::from_index(0)).unwrap().is_after(before));
}

#[test]
fn a_reload_probes_new_targets_within_their_interval_and_the_others_when_they_were_due() {
    let mut core = core(1);
    let due: Vec<Mono> = core.targets.iter().map(|(_, row)| row.due).collect();
    core.handle(Event::Reload { setup: 2, prepared: Box::new(Prepared::new(setup(2, 1))) }, at(61));
    let after: Vec<Mono> = core.targets.iter().map(|(_, row)| row.due).collect();
    assert_eq!(after[..2], due);
    assert!(after[2..].iter().all(|at_| (at(61).mono..at(66).mono).contains(at_)));
}

#[test]
fn beliefs_of_targets_that_are_gone_do_not_come_back() {
    let kept = |core: &mut Core| -> Vec<(String, bool)> {
        let effects = std::iter::from_fn(|| core.poll_effect());
        let beliefs = effects.filter_map(|effect| match effect {
            Effect::Persist { key, value } if key.starts_with("health/") => Some((key, value.is_some())),
            Effect::Persist { .. } | Effect::Publish(_) | Effect::Probe(_) => None,
            Effect::Post(_) | Effect::Notice(_) | Effect::Tested(_) | Effect::Settled => None,
        });
        beliefs.collect()
    };
    let mut first = core(1);
    first.handle(Event::Reload { setup: 2, prepared: Box::new(Prepared::new(Setup::default())) }, at(61));
    let gone = |core: &mut Core| kept(core).into_iter().filter(|(_, set)| !set).count();
    assert_eq!(gone(&mut first), 2, "by a reload");
    let mut restored = Restored::default();
    restored.assume(&target([127, 9, 9, 9].into()).key, false, at(0).wall);
    let mut second = Core::new(Prepared::new(setup(1, 1)), &restored, at(1));
    assert_eq!(gone(&mut second), 1, "by a start");
}

/// Carries effects out on a store.
fn keep(core: &mut Core, store: &mut std::collections::BTreeMap<String, Vec<u8>>) {
    while let Some(effect) = core.poll_effect() {
        if let Effect::Persist { key, value } = effect {
            match value {
                Some(value) => drop(store.insert(key, value.into_octets())),
                None => drop(store.remove(&key)),
            }
        }
    }
}

#[test]
fn a_picture_says_why_a_target_cannot_be_tested_and_a_new_run_finds_out_by_itself() {
    let mut store = std::collections::BTreeMap::new();
    let mut core = Core::new(Prepared::new(setup(1, 1)), &Restored::default(), at(0));
    let target = TargetId::from_index(0);
    let tell = |core: &mut Core, setup: u64, outcome: Outcome, now: Now| {
        let report = Report { outcome, began: now.mono, latency: Duration::ZERO };
        core.handle(Event::Report(TargetReport { setup, target, report }), now);
    };
    let no_route = || Outcome::Unknown("no route".into());
    tell(&mut core, 1, no_route(), at(1));
    report(&mut core, 1, true, at(1));
    keep(&mut core, &mut store);
    let pictured = |store: &std::collections::BTreeMap<String, Vec<u8>>| {
        let (restored, unreadable) = Restored::read(store, Duration::from_secs(300));
        assert_eq!(unreadable, [""; 0]);
        let core = Core::new(Prepared::new(setup(1, 1)), &restored.as_picture(), at(2));
        core.target_status(target, at(2).mono).untested
    };
    assert_eq!(pictured(&store).as_deref(), Some("no route"));

    // A reload keeps the note, and drops it with the target.
    core.handle(Event::Reload { setup: 2, prepared: Box::new(Prepared::new(setup(1, 1))) }, at(2));
    keep(&mut core, &mut store);
    assert_eq!(pictured(&store).as_deref(), Some("no route"));
    core.handle(Event::Reload { setup: 3, prepared: Box::new(Prepared::new(Setup::default())) }, at(3));
    keep(&mut core, &mut store);
    assert!(!store.keys().any(|key| key.starts_with("untested/")), "{store:?}");

    // A new run knows nothing of it until it has tried, and what has passed is tested.
    let mut store = std::collections::BTreeMap::new();
    let mut core = Core::new(Prepared::new(setup(1, 1)), &Restored::default(), at(0));
    tell(&mut core, 1, no_route(), at(1));
    keep(&mut core, &mut store);
    let (restored, _) = Restored::read(&store, Duration::from_secs(300));
    let mut second = Core::new(Prepared::new(setup(1, 1)), &restored, at(2));
    let untested = |core: &Core| core.target_status(target, at(2).mono).untested;
    assert_eq!(untested(&second).as_deref(), Some("no test has ended yet"));
    keep(&mut second, &mut store);
    assert!(!store.keys().any(|key| key.starts_with("untested/")), "{store:?}");
    report(&mut core, 0, true, at(2));
    assert_eq!(untested(&core), None);
}

/// Begins a first run, with all targets up.
fn first_run(store: &mut std::collections::BTreeMap<String, Vec<u8>>) -> Core {
    let mut core = Core::new(Prepared::new(setup(1, 1)), &Restored::default(), at(0));
    (0..2).for_each(|target| report(&mut core, target, true, at(1)));
    core.handle_timeout(at(60));
    keep(&mut core, store);
    core
}

fn versions_known(core: &Core) -> usize {
    core.histories.serials(&core.prepared.setup.zones[ZoneId::from_index(0)].origin).len()
}

/// Checks that the newest version follows from an old one by the differences.
fn follows(old: &Snapshot, core: &Core) {
    let zone = ZoneId::from_index(0);
    let serial = old.history(zone).unwrap().serial();
    let history = core.snapshot().history(zone).unwrap();
    assert_eq!(Some(history.serial()), core.serials.current(zone));
    let mut made = content(old, zone);
    history.since(serial).unwrap().iter().for_each(|entry| apply(&mut made, &entry.diff));
    assert_eq!(made, content(core.snapshot(), zone));
}

#[test]
fn the_differences_of_flips_and_a_reload_are_known() {
    let mut core = core(2);
    let first = Arc::clone(core.snapshot());
    assert_eq!(versions_known(&core), 1);
    report(&mut core, 0, false, at(61));
    report(&mut core, 1, false, at(62));
    let flipped = Arc::clone(core.snapshot());
    core.handle(Event::Reload { setup: 2, prepared: Box::new(Prepared::new(setup(3, 1))) }, at(63));
    core.handle_timeout(at(63));
    report(&mut core, 0, true, at(64));
    assert_eq!(versions_known(&core), 5);
    follows(&first, &core);
    follows(&flipped, &core);
}

#[test]
fn a_flip_notes_what_it_changes_alone() {
    let mut core = core(20);
    report(&mut core, 0, false, at(61));
    let history = core.snapshot().history(ZoneId::from_index(0)).unwrap();
    let owners = |sets: &[(Name, crate::zone::Rrset)]| {
        let mut owners: Vec<_> = sets.iter().map(|(owner, set)| format!("{owner} {}", set.rtype())).collect();
        owners.sort_unstable();
        owners
    };
    let diff = &history.newest().diff;
    assert_eq!(owners(&diff.removed), ["_sip._tcp.s0.example. SRV", "example. SOA"]);
    assert_eq!(owners(&diff.added), ["_sip._tcp.s0.example. SRV", "example. SOA"]);
}

#[test]
fn histories_go_on_after_a_restart_if_the_content_is_the_same() {
    let mut store = std::collections::BTreeMap::new();
    let mut first = first_run(&mut store);
    let opened = Arc::clone(first.snapshot());
    report(&mut first, 0, false, at(61));
    // Till the TTLs are settled again.
    (62..200).for_each(|secs| first.handle_timeout(at(secs)));
    first.handle(Event::Stop, at(200));
    keep(&mut first, &mut store);
    let read = || {
        let (restored, unreadable) = Restored::read(&store, Duration::from_secs(300));
        assert_eq!(unreadable, Vec::<String>::new());
        restored
    };

    let same = Core::new(Prepared::new(setup(1, 1)), &read(), at(201));
    let other = Core::new(Prepared::new(setup(2, 1)), &read(), at(201));

    assert_eq!(versions_known(&same), versions_known(&first) + 1);
    follows(&opened, &same);
    follows(first.snapshot(), &same);
    assert_eq!(versions_known(&other), 1);
}

#[test]
fn what_leads_nowhere_on_disk_is_dropped_and_a_new_history_takes_its_place() {
    let mut store = std::collections::BTreeMap::new();
    let mut first = first_run(&mut store);
    (0..3u8).for_each(|flip| report(&mut first, 0, flip % 2 == 1, at(61 + u64::from(flip))));
    keep(&mut first, &mut store);
    let kept = |store: &std::collections::BTreeMap<String, Vec<u8>>| -> Vec<String> {
        store.keys().filter(|key| key.starts_with("history/")).cloned().collect()
    };
    assert_eq!(kept(&store).len(), versions_known(&first));
    store.remove(&kept(&store)[1]);
    let (restored, _) = Restored::read(&store, Duration::from_secs(300));
    let mut second = Core::new(Prepared::new(setup(1, 1)), &restored, at(70));
    keep(&mut second, &mut store);
    let serial = second.serials.current(ZoneId::from_index(0)).unwrap();
    assert_eq!(kept(&store), [format!("history/example./{serial}")]);
}
