//! The schedule is pure, so its properties are tested with generated histories.

use proptest::prelude::*;

use super::*;

const MILLI: Duration = Duration::from_millis(1);

fn id(index: usize) -> TargetId {
    TargetId::from_index(index)
}

fn at(millis: u64) -> Mono {
    Mono::START + Duration::from_millis(millis)
}

fn host(last: u8) -> Option<IpAddr> {
    Some(IpAddr::from([127, 0, 0, last]))
}

fn schedule(limits: Limits, addresses: impl IntoIterator<Item = Option<IpAddr>>) -> Schedule {
    let mut schedule = Schedule::new(limits);
    schedule.replace(1, addresses, Mono::START);
    schedule
}

fn started(schedule: &mut Schedule, now: Mono) -> Vec<usize> {
    std::iter::from_fn(|| schedule.start(now)).map(|start| start.target.index()).collect()
}

#[test]
fn starts_when_due_and_not_before() {
    let mut schedule = schedule(Limits::default(), [host(1), host(2), None]);
    schedule.due(id(0), at(500), Priority::Routine);
    schedule.due(id(1), at(200), Priority::Routine);
    schedule.due(id(2), at(0), Priority::Routine);
    schedule.due(id(7), at(0), Priority::Routine);
    assert_eq!(schedule.next(), Some(at(200)));
    assert!(started(&mut schedule, at(199)).is_empty());
    assert_eq!(started(&mut schedule, at(200)), [1]);
    assert_eq!(started(&mut schedule, at(900)), [0]);
    assert_eq!(schedule.next(), None);
}

#[test]
fn a_due_in_flight_starts_after_the_end() {
    let mut schedule = schedule(Limits::default(), [host(1)]);
    schedule.due(id(0), at(0), Priority::Routine);
    assert_eq!(started(&mut schedule, at(0)), [0]);
    schedule.due(id(0), at(10), Priority::Routine);
    assert!(started(&mut schedule, at(20)).is_empty());
    schedule.end(1, id(0));
    assert_eq!(started(&mut schedule, at(20)), [0]);
}

#[test]
fn who_shares_a_probe_is_in_flight_with_it_and_due_again_after_it() {
    let mut schedule = schedule(Limits { starts_per_address: 1, in_flight: 99, ..Limits::default() }, vec![host(1); 3]);
    for index in 0..3 {
        schedule.due(id(index), at(0), Priority::Routine);
    }
    assert_eq!(started(&mut schedule, at(0)), [0]);
    // One waits for the address, held; both are met by the probe of the first.
    assert!(schedule.join(id(1), at(0)) && schedule.join(id(2), at(0)) && !schedule.join(id(0), at(0)));
    assert_eq!((schedule.held(), schedule.in_flight()), (0, 1));
    schedule.due(id(1), at(5_000), Priority::Routine);
    schedule.end(1, id(0));
    assert!(started(&mut schedule, at(6_000)).is_empty());
    schedule.leave(1, id(1));
    schedule.leave(1, id(2));
    assert_eq!(started(&mut schedule, at(6_000)), [1]);
    assert_eq!(schedule.in_flight(), 1);
}

#[test]
fn an_address_on_which_all_is_silent_has_one_probe_at_a_time() {
    let mut schedule = schedule(Limits::default(), vec![host(1), host(1), host(1), host(2)]);
    schedule.set_mute(host(1).unwrap(), true, at(0));
    for index in 0..4 {
        schedule.due(id(index), at(0), Priority::Routine);
    }
    assert_eq!(started(&mut schedule, at(0)), [0, 3]);
    assert!(started(&mut schedule, at(2_000)).is_empty());
    schedule.set_idle(host(1).unwrap(), at(2_000));
    schedule.end(1, id(0));
    assert_eq!(started(&mut schedule, at(2_000)), [1]);
    schedule.due(id(0), at(2_500), Priority::Urgent);
    assert!(started(&mut schedule, at(3_000)).is_empty());
    schedule.set_mute(host(1).unwrap(), false, at(3_000));
    assert_eq!(started(&mut schedule, at(3_000)), [0, 2]);
}

#[test]
fn woken_targets_start_beside_those_of_their_address_once_a_second() {
    let mut schedule = schedule(Limits { starts_per_address: 2, in_flight: 99, ..Limits::default() }, vec![host(1); 6]);
    let wake = |schedule: &mut Schedule, millis: u64| {
        (0..6).for_each(|index| schedule.due(id(index), at(millis), Priority::Woken));
    };
    for index in 0..4 {
        schedule.due(id(index), at(0), Priority::Routine);
    }
    assert_eq!(started(&mut schedule, at(0)), [0, 1]);
    assert_eq!(schedule.held(), 2);
    (0..2).for_each(|index| schedule.end(1, id(index)));
    wake(&mut schedule, 10);
    assert_eq!(started(&mut schedule, at(10)), [2, 3, 0, 1, 4, 5], "those that were held too");
    assert_eq!(schedule.held(), 0);
    (0..6).for_each(|index| schedule.end(1, id(index)));
    wake(&mut schedule, 500);
    assert!(started(&mut schedule, at(500)).is_empty(), "not twice within a second");
    assert_eq!(started(&mut schedule, at(1_000)), [0, 1], "as urgent ones when the address has room");
}

#[test]
fn woken_targets_wait_where_many_are_silent() {
    for is_mute in [false, true] {
        let mut schedule = schedule(Limits::default(), vec![host(1); 6]);
        let address = host(1).unwrap();
        schedule.be_gentle(address, 2, at(0));
        schedule.set_mute(address, is_mute, at(0));
        (0..6).for_each(|index| schedule.due(id(index), at(0), Priority::Woken));
        assert_eq!(started(&mut schedule, at(0)).len(), if is_mute { 1 } else { 2 });
    }
}

#[test]
fn an_address_that_was_mute_has_no_start_for_two_seconds() {
    let mut schedule = schedule(Limits::default(), vec![host(1); 40]);
    let address = host(1).unwrap();
    schedule.set_mute(address, true, at(0));
    schedule.be_gentle(address, 2, at(1_000));
    schedule.set_mute(address, false, at(1_000));
    (0..40).for_each(|index| schedule.due(id(index), at(1_000), Priority::Urgent));
    let mut count = |from: u64, to: u64| -> usize {
        (from..to).step_by(10).map(|millis| started(&mut schedule, at(millis)).len()).sum()
    };
    assert_eq!([count(1_000, 3_000), count(3_000, 5_000)], [0, 4]);
}

#[test]
fn of_several_points_the_earliest_counts_until_the_start() {
    let mut schedule = schedule(Limits::default(), [host(1)]);
    for millis in [900, 300, 600] {
        schedule.due(id(0), at(millis), Priority::Routine);
    }
    assert_eq!(schedule.next(), Some(at(300)));
    assert_eq!(started(&mut schedule, at(300)), [0]);
    schedule.end(1, id(0));
    assert_eq!(schedule.next(), None);
}

#[test]
fn a_start_that_met_nobody_is_given_back_and_lets_the_next_one_start() {
    let mut schedule = schedule(Limits::default(), (0..40).map(|_| host(1)));
    (0..40).for_each(|index| schedule.due(id(index), at(0), Priority::Routine));
    assert_eq!(started(&mut schedule, at(0)), [0, 1, 2, 3, 4]);
    schedule.give_back(host(1).unwrap(), at(7), at(10));
    assert!(started(&mut schedule, at(10)).is_empty(), "nobody began then");
    schedule.give_back(host(1).unwrap(), at(0), at(10));
    assert_eq!(started(&mut schedule, at(10)), [5]);
    // Fifteen a second are given back, no more.
    let more: Vec<usize> = (0..20)
        .flat_map(|_| {
            schedule.give_back(host(1).unwrap(), at(10), at(10));
            started(&mut schedule, at(10))
        })
        .collect();
    assert_eq!(more, (6..20).collect::<Vec<_>>());
    assert_eq!(schedule.next(), Some(at(1_000)), "the four that met somebody count on");
}

#[test]
fn the_sixth_start_on_an_address_waits_for_the_second_to_pass() {
    let mut schedule = schedule(Limits::default(), (0..8).map(|index| host(u8::from(index == 7))));
    for index in 0..8 {
        schedule.due(id(index), at(u64::try_from(index).unwrap()), Priority::Routine);
    }
    assert_eq!(started(&mut schedule, at(10)), [0, 1, 2, 3, 4, 7]);
    assert_eq!((schedule.held(), schedule.next()), (2, Some(at(1_010))));
    assert!(started(&mut schedule, at(1_009)).is_empty());
    assert_eq!(started(&mut schedule, at(1_010)), [5, 6]);
    assert_eq!(schedule.held(), 0);
}

#[test]
fn the_bound_on_all_holds_until_one_ends() {
    let limits = Limits { in_flight: 2, ..Limits::default() };
    let mut schedule = schedule(limits, (1..=3).map(host));
    for index in 0..3 {
        schedule.due(id(index), at(0), Priority::Routine);
    }
    assert_eq!(started(&mut schedule, at(0)), [0, 1]);
    assert_eq!(schedule.next(), None);
    schedule.end(1, id(1));
    assert_eq!(started(&mut schedule, at(5)), [2]);
}

#[test]
fn the_urgent_go_first_where_somebody_waits() {
    let limits = Limits { in_flight: 1, ..Limits::default() };
    let mut schedule = schedule(limits, (1..=3).map(host));
    schedule.due(id(0), at(0), Priority::Routine);
    schedule.due(id(1), at(1), Priority::Routine);
    assert_eq!(started(&mut schedule, at(5)), [0]);
    schedule.due(id(2), at(5), Priority::Urgent);
    schedule.end(1, id(0));
    assert_eq!(started(&mut schedule, at(6)), [2]);
    schedule.end(1, id(2));
    assert_eq!(started(&mut schedule, at(7)), [1]);
}

#[test]
fn an_address_that_had_its_starts_takes_the_urgent_first() {
    let mut schedule = schedule(Limits::default(), (0..9).map(|_| host(1)));
    for index in 0..8 {
        schedule.due(id(index), at(0), Priority::Routine);
    }
    assert_eq!(started(&mut schedule, at(0)), [0, 1, 2, 3, 4]);
    schedule.due(id(8), at(1), Priority::Urgent);
    schedule.due(id(7), at(2), Priority::Urgent);
    assert!(started(&mut schedule, at(999)).is_empty(), "the limit holds for the urgent too");
    assert_eq!(started(&mut schedule, at(1_000)), [7, 8, 5, 6], "one that waited longer and became urgent is first");
}

#[test]
fn an_urgent_due_is_not_put_off_by_a_later_one() {
    let mut schedule = schedule(Limits::default(), [host(1)]);
    schedule.due(id(0), at(10), Priority::Urgent);
    schedule.due(id(0), at(5_000), Priority::Routine);
    assert_eq!(schedule.next(), Some(at(10)));
    assert_eq!(started(&mut schedule, at(10)), [0]);
    assert_eq!(schedule.next(), None);
}

/// Kamailio's flood guard bans who sends 16 requests within 2 s.
#[test]
fn an_address_that_answers_again_has_two_starts_a_second_for_a_while() {
    let mut schedule = schedule(Limits::default(), vec![host(1); 40]);
    for index in 0..40 {
        schedule.due(id(index), at(0), Priority::Urgent);
    }
    let count = |schedule: &mut Schedule, from: u64, to: u64| -> usize {
        (from..to).step_by(10).map(|millis| started(schedule, at(millis)).len()).sum()
    };
    assert_eq!(count(&mut schedule, 0, 1_000), 5);
    schedule.be_gentle(host(1).unwrap(), 2, at(1_000));
    let gentle = count(&mut schedule, 1_000, 11_000);
    assert!((19..=21).contains(&gentle), "{gentle}");
    assert_eq!(count(&mut schedule, 12_000, 14_000), 10);
}

#[test]
fn an_address_on_which_all_of_many_are_silent_has_a_start_in_5_s() {
    let mut schedule = schedule(Limits::default(), vec![host(1); 40]);
    let address = host(1).unwrap();
    schedule.set_mute(address, true, at(0));
    let mut starts = 0;
    for second in 0..20 {
        schedule.be_gentle(address, 2, at(second * 1_000));
        for index in 0..40 {
            schedule.due(id(index), at(second * 1_000), Priority::Urgent);
        }
        for start in started(&mut schedule, at(second * 1_000)) {
            starts += 1;
            schedule.set_idle(address, at(second * 1_000));
            schedule.end(1, id(start));
        }
    }
    assert_eq!(starts, 4);
}

#[test]
fn other_starts_leave_one_to_probes() {
    let mut schedule = schedule(Limits::default(), [host(1), host(1)]);
    let address = host(1).unwrap();
    for millis in 0..4 {
        assert_eq!(schedule.begin_other(address, at(millis)), Ok(()));
    }
    assert_eq!(schedule.begin_other(address, at(5)), Err(at(1_000)));
    schedule.due(id(0), at(6), Priority::Routine);
    schedule.due(id(1), at(6), Priority::Routine);
    assert_eq!(started(&mut schedule, at(6)), [0]);
    assert_eq!(schedule.begin_other(address, at(1_000)), Err(at(1_001)), "a probe waits");
    assert_eq!(started(&mut schedule, at(1_000)), [1]);
}

#[test]
fn a_new_setup_forgets_dues_and_keeps_flights_and_rates() {
    let limits = Limits { in_flight: 2, starts_per_address: 1, ..Limits::default() };
    let mut schedule = schedule(limits, [host(1), host(2)]);
    schedule.due(id(0), at(0), Priority::Routine);
    schedule.due(id(1), at(50), Priority::Routine);
    assert_eq!(started(&mut schedule, at(0)), [0]);
    schedule.replace(2, [host(1), host(3)], at(100));
    assert_eq!((schedule.next(), schedule.in_flight()), (None, 1));
    schedule.due(id(0), at(100), Priority::Routine);
    assert!(started(&mut schedule, at(100)).is_empty(), "the address had its start of this second");
    schedule.end(1, id(0));
    assert_eq!(schedule.in_flight(), 0);
    assert_eq!(started(&mut schedule, at(1_000)), [0]);
}

#[test]
fn spread_is_even_and_parts_neighbours() {
    let window = Duration::from_secs(10);
    let mut tenths = [0_u32; 10];
    for index in 0..10_000 {
        let place = spread(id(index), window);
        assert!(place < window);
        tenths[usize::try_from(place.as_secs()).unwrap()] += 1;
        assert!(spread(id(index + 1), window).abs_diff(place) > Duration::from_secs(2));
    }
    assert!(tenths.iter().all(|&count| (950..1_050).contains(&count)), "{tenths:?}");
    assert_eq!(spread(id(3), Duration::ZERO), Duration::ZERO);
}

/// One step of a generated history.
#[derive(Clone, Debug)]
enum Act {
    Due { target: usize, in_millis: u64, priority: Priority },
    Other { last: u8 },
    Wait { millis: u64 },
    End { nth: usize },
    Replace { hosts: Vec<Option<u8>> },
}

fn act() -> impl Strategy<Value = Act> {
    prop_oneof![
        6 => (0..24_usize, 0..1_500_u64, 0..3_usize).prop_map(|(target, in_millis, priority)| {
            let priority = [Priority::Woken, Priority::Urgent, Priority::Routine][priority];
            Act::Due { target, in_millis, priority }
        }),
        1 => (1..4_u8).prop_map(|last| Act::Other { last }),
        4 => (0..400_u64).prop_map(|millis| Act::Wait { millis }),
        5 => (0..24_usize).prop_map(|nth| Act::End { nth }),
        1 => prop::collection::vec(prop::option::weighted(0.9, 1..4_u8), 0..24).prop_map(|hosts| Act::Replace { hosts }),
    ]
}

proptest! {
    #[test]
    fn never_two_at_once_and_the_limits_hold(acts in prop::collection::vec(act(), 1..300), per in 1..6_usize, all in 1..9_usize) {
        let mut hosts: Vec<Option<IpAddr>> = (0..24).map(|index| host(index % 3 + 1)).collect();
        let mut schedule = schedule(Limits { starts_per_address: per, in_flight: all, ..Limits::default() }, hosts.clone());
        let (mut now, mut setup) = (Mono::START, 1);
        let mut flights: Vec<(u64, TargetId)> = Vec::new();
        let mut history: BTreeMap<IpAddr, Vec<Mono>> = BTreeMap::new();
        let mut free: BTreeMap<(u64, TargetId), Mono> = BTreeMap::new();
        for act in acts {
            match act {
                Act::Due { target, in_millis, priority } => schedule.due(id(target), now + Duration::from_millis(in_millis), priority),
                Act::Other { last } => if schedule.begin_other(host(last).unwrap(), now).is_ok() {
                    history.entry(host(last).unwrap()).or_default().push(now);
                },
                Act::Wait { millis } => now = now + Duration::from_millis(millis),
                Act::End { nth } => if !flights.is_empty() {
                    let (setup, target) = flights.remove(nth % flights.len());
                    schedule.end(setup, target);
                },
                Act::Replace { hosts: new } => {
                    setup += 1;
                    hosts = new.into_iter().map(|last| last.and_then(host)).collect();
                    schedule.replace(setup, hosts.clone(), now);
                }
            }
            while let Some(start) = schedule.start(now) {
                prop_assert_eq!(start.setup, setup);
                prop_assert!(start.due <= now);
                prop_assert!(!flights.contains(&(setup, start.target)), "two at once");
                flights.push((setup, start.target));
                if start.free {
                    let last = free.insert((setup, start.target), now);
                    prop_assert!(last.is_none_or(|last| last + SECOND <= now), "free twice within a second");
                    continue;
                }
                let address = hosts[start.target.index()].unwrap();
                let starts = history.entry(address).or_default();
                starts.push(now);
                let recent = starts.iter().filter(|&&start| now < start + SECOND).count();
                prop_assert!(recent <= per, "{recent} starts within a second");
            }
            prop_assert!(flights.len() <= all);
            prop_assert_eq!(schedule.in_flight(), flights.len());
            prop_assert!(schedule.next().is_none_or(|next| next > now), "what may start has started");
        }
    }

    #[test]
    fn nobody_starves(targets in 1..40_usize, hosts in 1..4_u8, all in 1..5_usize, took in 1..60_u64) {
        let addresses = (0..targets).map(|index| host(u8::try_from(index).unwrap() % hosts + 1));
        let mut schedule = schedule(Limits { starts_per_address: 5, in_flight: all, ..Limits::default() }, addresses);
        let mut runs = vec![0_u64; targets];
        let mut flights: VecDeque<(Mono, Mono, TargetId)> = VecDeque::new();
        for index in 0..targets {
            schedule.due(id(index), Mono::START + spread(id(index), SECOND), Priority::Routine);
        }
        // Every target wants a probe every 200 ms: more than the limits give.
        let mut now = Mono::START;
        while now < Mono::START + 60 * SECOND {
            while flights.front().is_some_and(|(end, _, _)| *end <= now) {
                let (_, began, target) = flights.pop_front().unwrap();
                schedule.end(1, target);
                schedule.due(target, began + 200 * MILLI, Priority::Routine);
            }
            while let Some(start) = schedule.start(now) {
                runs[start.target.index()] += 1;
                flights.push_back((now + Duration::from_millis(took), now, start.target));
            }
            let events = schedule.next().into_iter().chain(flights.front().map(|(end, _, _)| *end));
            now = events.min().unwrap().max(now + MILLI);
        }
        let (least, most) = (*runs.iter().min().unwrap(), *runs.iter().max().unwrap());
        prop_assert!(least > 0 && most <= least * u64::from(hosts) * 2 + 10, "{least} to {most}");
    }
}

#[test]
fn no_zone_makes_us_a_scanner_of_a_network() {
    let limits = Limits { starts_per_network: 50, starts: 80, ..Limits::default() };
    let near = (0..=255).map(host);
    let far = (0..100).map(|last| Some(IpAddr::from([127, 0, 1, last])));
    let mut schedule = schedule(limits, near.chain(far));
    (0..356).for_each(|index| schedule.due(id(index), at(0), Priority::Routine));
    let mut by_second = Vec::new();
    let mut seen = BTreeSet::new();
    for millis in 0..20_000 {
        while let Some(start) = schedule.start(at(millis)) {
            assert_eq!(start.due, at(0), "the wait counts as lateness");
            assert!(seen.insert(start.target), "each once");
            schedule.end(1, start.target);
            by_second.push((millis / 1_000, start.target.index() < 256));
        }
    }
    assert_eq!(seen.len(), 356, "all of them in the end");
    for second in 0..6 {
        let all = by_second.iter().filter(|(at, _)| *at == second).count();
        let near = by_second.iter().filter(|(at, is_near)| *at == second && *is_near).count();
        // The first second begins with as many as one has, at once.
        assert!(all <= 2 * 80 && near <= 2 * 50, "{all} and {near} in second {second}");
    }
    // An urgent one is not behind all the others.
    (0..356).for_each(|index| schedule.due(id(index), at(30_000), Priority::Routine));
    schedule.due(id(300), at(30_000), Priority::Urgent);
    assert!(started(&mut schedule, at(30_000)).contains(&300));
}
