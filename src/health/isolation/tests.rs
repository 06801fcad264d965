//! Which target is a witness for which, and when the checker is isolated.

use std::time::Duration;

use super::*;
use crate::base::table::RowId;

fn ip(third: u8, last: u8) -> IpAddr {
    [127, 0, third, last].into()
}

/// A target on this address by this transport, numbered by its place.
fn target(index: usize, address: IpAddr, transport: &'static str) -> (TargetId, Endpoint) {
    (id(index), Endpoint { number: u64::try_from(index).unwrap(), address, transport })
}

fn id(index: usize) -> TargetId {
    TargetId::from_index(index)
}

fn at(secs: u64) -> Mono {
    Mono::START + Duration::from_secs(secs)
}

/// Witnesses for these targets, each known since the start.
fn witnesses(references: &[usize], targets: &[(TargetId, Endpoint)]) -> Witnesses {
    let references: Vec<_> = references.iter().map(|index| targets[*index]).collect();
    let mut witnesses = Witnesses::new(&references, targets.iter().copied());
    for (_, endpoint) in targets {
        witnesses.hear(*endpoint, Mono::START, Sound::Silence, Mono::START);
    }
    witnesses
}

#[test]
fn without_a_witness_on_another_address_nobody_is_guarded() {
    let alone = [target(0, ip(1, 1), "udp"), target(1, ip(1, 1), "tcp")];
    assert_eq!(witnesses(&[], &alone).guard(alone[0].1, at(1)), Guard::Off);
    assert_eq!(witnesses(&[1], &alone).guard(alone[0].1, at(1)), Guard::Off, "a reference on its own address");
    let two = [target(0, ip(1, 1), "udp"), target(1, ip(2, 1), "udp")];
    assert_eq!(witnesses(&[], &two).guard(two[0].1, at(1)), Guard::Witnessed(None));
    assert_eq!(witnesses(&[1], &two).guard(two[0].1, at(1)), Guard::Witnessed(None));
    assert_eq!(witnesses(&[1], &two).guard(two[1].1, at(1)), Guard::Off);
}

#[test]
fn a_family_that_the_checker_cannot_reach_is_no_witness() {
    let (here, far) = (target(0, ip(1, 1), "tcp"), target(1, "fd00::1".parse().unwrap(), "tcp"));
    let mut witnesses = Witnesses::new(&[], [here, far].into_iter());
    witnesses.hear(here.1, at(1), Sound::Silence, at(2));
    witnesses.hear(far.1, at(1), Sound::Nothing, at(2));
    assert_eq!(witnesses.guard(here.1, at(3)), Guard::Off);
    witnesses.hear(far.1, at(4), Sound::Silence, at(6));
    assert_eq!(witnesses.guard(here.1, at(7)), Guard::Witnessed(None), "it was tried and is silent");
}

#[test]
fn every_other_target_testifies_but_never_the_silent_one() {
    let targets = [target(0, ip(1, 1), "udp"), target(1, ip(1, 2), "udp"), target(2, ip(2, 1), "udp")];
    let mut witnesses = witnesses(&[], &targets);
    witnesses.hear(targets[0].1, at(5), Sound::Answer, at(5));
    assert_eq!(witnesses.guard(targets[0].1, at(6)), Guard::Witnessed(None));
    assert_eq!(witnesses.guard(targets[2].1, at(6)), Guard::Witnessed(Some(at(5))));
    // A neighbour in the same /24.
    assert_eq!(witnesses.guard(targets[1].1, at(6)), Guard::Witnessed(Some(at(5))));
}

#[test]
fn beside_references_only_what_shows_the_way_testifies() {
    let targets = [
        target(0, ip(1, 1), "udp"),
        target(1, ip(1, 1), "udp"),
        target(2, ip(1, 1), "tcp"),
        target(3, ip(1, 2), "udp"),
        target(4, ip(2, 1), "udp"),
        target(5, ip(9, 1), "tcp"),
    ];
    for (index, testifies) in [(0, false), (1, false), (2, true), (3, true), (4, false), (5, true)] {
        let mut witnesses = witnesses(&[5], &targets);
        witnesses.hear(targets[index].1, at(5), Sound::Answer, at(5));
        let expected = Guard::Witnessed(testifies.then(|| at(5)));
        assert_eq!(witnesses.guard(targets[0].1, at(6)), expected, "{index}");
    }
}

#[test]
fn the_checker_is_isolated_when_all_asked_are_silent_and_no_longer_with_the_first_answer() {
    let targets = [target(0, ip(1, 1), "udp"), target(1, ip(2, 1), "udp"), target(2, ip(3, 1), "udp")];
    let mut witnesses = witnesses(&[], &targets);
    assert_eq!(witnesses.inquire(targets[0].1, |id| id.index() == 2, at(5)), [id(2), id(1)], "up ones first");
    assert_eq!(witnesses.inquire(targets[0].1, |_| true, at(6)), [], "once at a time");
    let mut hear = |index: usize, began, sound| witnesses.hear(targets[index].1, at(began), sound, at(began + 2));
    assert_eq!(hear(1, 4, Sound::Silence), News::None, "began before it was asked");
    assert_eq!(hear(1, 5, Sound::Silence), News::None);
    assert_eq!(hear(2, 5, Sound::Silence), News::Isolated);
    assert_eq!(witnesses.guard(targets[0].1, at(8)), Guard::Isolated);
    assert_eq!(witnesses.hear(targets[1].1, at(9), Sound::Answer, at(10)), News::Resumed);
    assert!(!witnesses.is_isolated());
    assert_eq!(witnesses.guard(targets[0].1, at(9)), Guard::Isolated, "asked while nothing came through");
    assert_eq!(witnesses.guard(targets[0].1, at(11)), Guard::Witnessed(Some(at(9))));
}

#[test]
fn faults_of_our_own_isolate_nobody() {
    let targets = [target(0, ip(1, 1), "udp"), target(1, ip(2, 1), "udp")];
    let mut witnesses = witnesses(&[], &targets);
    assert_eq!(witnesses.inquire(targets[0].1, |_| true, at(5)), [id(1)]);
    assert_eq!(witnesses.hear(targets[1].1, at(5), Sound::Nothing, at(5)), News::None);
    assert!(!witnesses.is_inquiring() && !witnesses.is_isolated());
}

#[test]
fn an_answer_that_shows_the_way_counts_while_references_are_mute() {
    let targets = [target(0, ip(1, 1), "udp"), target(1, ip(1, 2), "udp"), target(2, ip(9, 1), "tcp")];
    let mut witnesses = witnesses(&[2], &targets);
    assert_eq!(witnesses.inquire(targets[0].1, |_| true, at(5)), [id(2)], "references alone are asked");
    assert_eq!(witnesses.hear(targets[2].1, at(5), Sound::Silence, at(7)), News::Isolated);
    assert_eq!(witnesses.guard(targets[0].1, at(8)), Guard::Isolated);
    assert_eq!(witnesses.hear(targets[1].1, at(8), Sound::Answer, at(8)), News::Answered);
    assert!(witnesses.is_isolated(), "it is no reference");
    assert_eq!(witnesses.guard(targets[0].1, at(9)), Guard::Witnessed(Some(at(8))));
    assert_eq!(witnesses.guard(targets[1].1, at(9)), Guard::Isolated);
}

#[test]
fn an_answer_of_the_silent_one_ends_no_inquiry() {
    let targets = [target(0, ip(1, 1), "udp"), target(1, ip(2, 1), "udp"), target(2, ip(3, 1), "udp")];
    let mut witnesses = witnesses(&[], &targets);
    witnesses.inquire(targets[0].1, |_| true, at(5));
    witnesses.hear(targets[0].1, at(6), Sound::Answer, at(6));
    assert!(witnesses.is_inquiring());
    assert_eq!(witnesses.hear(targets[2].1, at(6), Sound::Answer, at(6)), News::Answered);
    assert!(!witnesses.is_inquiring());
}

#[test]
fn a_reload_loses_neither_isolation_nor_an_inquiry() {
    let targets = [target(0, ip(1, 1), "udp"), target(1, ip(2, 1), "udp"), target(2, ip(3, 1), "udp")];
    let mut witnesses = witnesses(&[], &targets);
    witnesses.inquire(targets[0].1, |_| true, at(5));
    witnesses.hear(targets[1].1, at(5), Sound::Silence, at(7));
    // The same targets, numbered otherwise within the setup.
    let moved = [targets[2], targets[0], targets[1]].map(|(_, endpoint)| endpoint);
    let renumbered = moved.into_iter().enumerate().map(|(index, endpoint)| (id(index), endpoint));
    witnesses.replace(&[], renumbered);
    assert_eq!(witnesses.hear(targets[2].1, at(5), Sound::Silence, at(7)), News::Isolated);
    witnesses.replace(&[], targets.into_iter());
    assert!(witnesses.is_isolated());
    witnesses.replace(&[], targets[..1].iter().copied());
    assert!(!witnesses.is_isolated(), "nobody is left who could testify");
}

#[test]
fn of_all_targets_two_are_enough_to_remember() {
    let targets: Vec<_> = (0..4).map(|index| target(index, ip(u8::try_from(index).unwrap(), 1), "udp")).collect();
    let heard = [(0, 5), (1, 9), (2, 7), (1, 8), (2, 9), (0, 10), (3, 1)];
    let mut witnesses = witnesses(&[], &targets);
    for (step, (index, began)) in heard.iter().enumerate() {
        witnesses.hear(targets[*index].1, at(*began), Sound::Answer, at(*began));
        for (own, target) in targets.iter().enumerate() {
            let others = heard[..=step].iter().filter(|(index, _)| *index != own);
            let latest = others.map(|(_, began)| at(*began)).max();
            assert_eq!(witnesses.proof(target.1), latest, "step {step}, target {own}");
        }
    }
}
