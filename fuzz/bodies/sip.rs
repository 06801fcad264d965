//! Any octets as what a SIP server sends, in a datagram and on a stream in any pieces: no panic, no growth, and only what
//! bears our branch is ours.

use understudy::probe::sip::head::{Fault, Head, Start};
use understudy::probe::sip::incoming::Incoming;
use understudy::probe::sip::request::{Parts, RANDOM, Request};

/// Runs one input; its first octet says how long the pieces are.
pub(crate) fn run(input: &[u8]) {
    let Some((first, octets)) = input.split_first() else { return };
    let local = "192.0.2.9:40123".parse().expect("an address");
    let parts = Parts { domain: "example.com", transport: "UDP", local, max_forwards: 70, random: [0xab; RANDOM] };
    let request = Request::new(&parts).expect("a domain");
    if let Ok(head) = Head::read(octets) {
        check(&request, &head);
    }
    let whole = stream(&request, octets, usize::MAX);
    let pieces = stream(&request, octets, usize::from(*first).max(1));
    match (&whole.1, &pieces.1) {
        // How much had come when the head was too long depends on the pieces, and so does what was told first.
        (Some(Fault::Long), _) | (_, Some(Fault::Long)) => {}
        _ => assert_eq!(whole, pieces),
    }
}

fn check(request: &Request, head: &Head<'_>) {
    if let Start::Answer { status, .. } = head.start {
        assert!((100..700).contains(&status));
    }
    if let Some(answer) = request.answer(head) {
        assert!(head.branch.is_some_and(|branch| branch.eq_ignore_ascii_case(b"z9hG4bKabababababababab")));
        assert!(answer.status >= 200 && head.vias == 1);
        assert!(!answer.line().chars().any(char::is_control));
    }
}

/// Reads a stream to its end or fault; returns how many messages it had.
fn stream(request: &Request, octets: &[u8], piece: usize) -> (usize, Option<Fault>) {
    let (mut incoming, mut rest, mut messages) = (Incoming::new(), octets, 0);
    while !rest.is_empty() {
        let (buffer, room) = incoming.room();
        assert!(room > 0, "there is room, or a fault");
        let (next, later) = rest.split_at(piece.min(room).min(rest.len()));
        buffer.extend_from_slice(next);
        rest = later;
        loop {
            match incoming.next_head() {
                Ok(Some(head)) => check(request, &head),
                Ok(None) => break,
                Err(fault) => return (messages, Some(fault)),
            }
            messages += 1;
        }
    }
    (messages, None)
}
