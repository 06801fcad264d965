//! Each answer has its outcome.

use std::collections::BTreeSet;
use std::time::Duration;

use super::SipReply;
use crate::health::Outcome;
use crate::probe::sip::{Expect, Pattern};

fn answer(status: u16) -> SipReply {
    SipReply { status, reason: "Why".to_owned(), retry_after: None }
}

/// Judges a status: the outcome's word, with `*` if there is a warning.
fn judged(expect: &Expect, status: u16) -> String {
    let (outcome, warning) = expect.judge(&answer(status));
    format!("{}{}", outcome.as_str(), if warning.is_some() { "*" } else { "" })
}

#[test]
fn alive_takes_every_answer_of_a_living_server() {
    for status in [200, 202, 299, 401, 403, 405, 407, 415, 416, 420, 481, 483, 484, 488, 489, 501, 600, 603, 699] {
        assert_eq!(judged(&Expect::Alive, status), "pass", "{status}");
    }
    for status in [300, 302, 399, 400, 402, 404, 410, 482, 494] {
        assert_eq!(judged(&Expect::Alive, status), "pass*", "{status}");
    }
    for status in [408, 480, 500, 502, 503, 504, 505, 513, 555, 580, 599] {
        assert_eq!(judged(&Expect::Alive, status), "fail", "{status}");
    }
    assert_eq!(judged(&Expect::Alive, 486), "degraded");
}

#[test]
fn strict_takes_2xx_only_but_knows_full_and_leaving_servers() {
    for status in 200..700 {
        let wanted = match status {
            200..=299 => "pass",
            486 => "degraded",
            _ => "fail",
        };
        assert_eq!(judged(&Expect::strict(), status), wanted, "{status}");
    }
    let (outcome, _) = Expect::strict().judge(&answer(404));
    assert_eq!(outcome.cause(), Some("answered 404 Why, expected 2xx"));
}

#[test]
fn expected_answers_stand_above_all_else() {
    let expect = Expect::Only(BTreeSet::from([Pattern::Status(483), Pattern::Status(503), Pattern::Class(4)]));
    for (status, wanted) in [(483, "pass"), (503, "pass"), (486, "pass"), (404, "pass"), (200, "fail"), (500, "fail")] {
        assert_eq!(judged(&expect, status), wanted, "{status}");
    }
    assert_eq!(expect.to_string(), "4xx,483,503");
}

#[test]
fn retry_after_makes_503_a_drain() {
    let full = SipReply { retry_after: Some(Duration::from_secs(30)), ..answer(503) };
    for expect in [Expect::Alive, Expect::strict()] {
        let (outcome, _) = expect.judge(&full);
        let wanted = "answered 503 Why, Retry-After 30 s".into();
        assert_eq!(outcome, Outcome::Drain { cause: wanted, retry_after: full.retry_after });
    }
    let (outcome, _) = Expect::Alive.judge(&SipReply { status: 500, ..full });
    assert_eq!(outcome.as_str(), "fail");
}

#[test]
fn patterns_are_statuses_and_classes() {
    for (text, wanted) in [("2xx", Pattern::Class(2)), ("6xx", Pattern::Class(6)), ("483", Pattern::Status(483))] {
        assert_eq!((text.parse(), wanted.to_string().as_str()), (Ok(wanted), text));
    }
    for text in ["", "xx", "1xx", "7xx", "22xx", "+2xx", "100", "199", "700", "2xX", "48", "0483", " 483", "4x3"] {
        assert_eq!(text.parse::<Pattern>(), Err(()), "{text}");
    }
}
