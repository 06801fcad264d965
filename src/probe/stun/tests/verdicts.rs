//! The tables of `verdict`, row by row.

use super::{PLAIN_V4, XOR_V4, error, success};
use crate::health::Outcome;
use crate::probe::stun::attribute::{
    ALTERNATE_SERVER, MAPPED_ADDRESS, NONCE, REALM, SOFTWARE, XOR_MAPPED_ADDRESS, XOR_RELAYED_ADDRESS,
};
use crate::probe::stun::verdict::{Allocation, Asked, Judgement, allocation, binding};
use crate::probe::stun::{Message, Method};

/// Says a judgement in a word, and what was seen or warned of.
fn told(judgement: &Judgement) -> (&'static str, String) {
    match judgement {
        Judgement::Passes { saw, warning: None } => ("pass", saw.clone()),
        Judgement::Passes { warning: Some(warning), .. } => ("warn", warning.clone()),
        Judgement::Ends(outcome) => (outcome.as_str(), outcome.cause().unwrap_or("").to_owned()),
    }
}

#[test]
fn answers_to_binding() {
    let table = [
        (success(Method::Binding, [7; 12], &[(XOR_MAPPED_ADDRESS, &XOR_V4)]), "pass", "sees us as 192.0.2.1:32853"),
        (success(Method::Binding, [7; 12], &[(MAPPED_ADDRESS, &PLAIN_V4)]), "pass", "sees us as 192.0.2.1:32853"),
        (
            success(Method::Binding, [7; 12], &[(XOR_MAPPED_ADDRESS, &XOR_V4), (SOFTWARE, b"Coturn\x1b[31m")]),
            "pass",
            "software \"Coturn\\x1b[31m\"",
        ),
        (success(Method::Binding, [7; 12], &[]), "fail", "tells no address"),
        (success(Method::Binding, [7; 12], &[(XOR_MAPPED_ADDRESS, &XOR_V4[..5])]), "fail", "tells no address"),
        (error(Method::Binding, [7; 12], 401, &[]), "pass", "asks for credentials: error 401 \"Because\""),
        (error(Method::Binding, [7; 12], 300, &[(ALTERNATE_SERVER, &PLAIN_V4)]), "warn", "to 192.0.2.1:32853"),
        (error(Method::Binding, [7; 12], 300, &[]), "warn", "to another server"),
        (error(Method::Binding, [7; 12], 400, &[]), "warn", "dislikes a plain question: error 400"),
        (error(Method::Binding, [7; 12], 420, &[]), "warn", "dislikes a plain question: error 420"),
        (error(Method::Binding, [7; 12], 403, &[]), "fail", "error 403"),
        (error(Method::Binding, [7; 12], 500, &[]), "fail", "error 500"),
        (super::message(0x0111, [7; 12], &[]), "fail", "an error without a code"),
    ];
    for (octets, class, part) in table {
        let judgement = binding(&Message::parse(&octets).unwrap());
        let (word, text) = told(&judgement);
        assert!(word == class && text.contains(part), "{judgement:?}: {class} {part}");
    }
}

#[test]
fn answers_to_allocate() {
    let who: [(u16, &[u8]); 2] = [(REALM, b"example.test"), (NONCE, b"n1")];
    use Asked::{Bare, Signed};
    let table = [
        (401, &who[..], Bare, "challenged", ""),
        (401, &who[..1], Bare, "fail", "without REALM and NONCE"),
        (401, &[], Bare, "fail", "without REALM and NONCE"),
        (401, &who[..], Signed, "refused", "error 401"),
        (431, &[], Signed, "refused", "error 431"),
        (441, &[], Signed, "refused", "error 441"),
        (438, &who[..], Signed, "stale", ""),
        (438, &[], Signed, "fail", "error 438"),
        (438, &who[..], Bare, "fail", "error 438"),
        (437, &[], Bare, "taken", ""),
        (437, &[], Signed, "taken", ""),
        (486, &[], Signed, "degraded", "error 486 \"Because\""),
        (508, &[], Bare, "degraded", "error 508"),
        (403, &[], Signed, "drain", "error 403"),
        (300, &[], Bare, "warn", "to another server"),
        (405, &[], Bare, "fail", "no TURN here"),
        (400, &[], Bare, "fail", "error 400"),
        (442, &[], Signed, "fail", "error 442"),
        (500, &[], Signed, "fail", "error 500"),
        (699, &[], Bare, "fail", "error 699"),
    ];
    for (code, more, asked, class, part) in table {
        let octets = error(Method::Allocate, [7; 12], code, more);
        let allocation = allocation(&Message::parse(&octets).unwrap(), asked);
        let (word, text) = match &allocation {
            Allocation::Challenged(_) => ("challenged", String::new()),
            Allocation::Stale(_) => ("stale", String::new()),
            Allocation::Taken => ("taken", String::new()),
            Allocation::Refused(words) => ("refused", words.clone()),
            Allocation::Granted { relayed } => ("granted", relayed.to_string()),
            Allocation::Judged(judgement) => told(judgement),
        };
        assert!(word == class && text.contains(part), "{code} {asked:?}: {allocation:?}");
    }
}

#[test]
fn a_granted_allocation_names_its_address() {
    let octets = success(Method::Allocate, [7; 12], &[(XOR_RELAYED_ADDRESS, &XOR_V4)]);
    let granted = allocation(&Message::parse(&octets).unwrap(), Asked::Signed);
    assert_eq!(granted, Allocation::Granted { relayed: "192.0.2.1:32853".parse().unwrap() });
    let octets = success(Method::Allocate, [7; 12], &[]);
    let nothing = allocation(&Message::parse(&octets).unwrap(), Asked::Signed);
    assert!(matches!(nothing, Allocation::Judged(Judgement::Ends(Outcome::Fail { .. }))), "{nothing:?}");
}

#[test]
fn reasons_are_quoted_without_the_nul_that_some_servers_append() {
    let mut value = super::error_code(405, "Bad\nthing");
    value.extend([0, 0, 0]);
    let octets = super::message(0x0113, [7; 12], &[(0x0009, &value)]);
    let Allocation::Judged(judgement) = allocation(&Message::parse(&octets).unwrap(), Asked::Bare) else { panic!() };
    assert_eq!(told(&judgement), ("fail", "error 405 \"Bad\\nthing\": no TURN here".to_owned()));
}
