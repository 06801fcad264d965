//! The outcomes of answers: pure, with the tables above the functions.

#![warn(clippy::indexing_slicing, clippy::arithmetic_side_effects)]

use std::net::SocketAddr;

use super::attribute;
use super::message::{Class, ErrorCode, Message};
use crate::health::Outcome;
use crate::probe::attempt::conclusive;
use crate::probe::tcp::quote;

/// What an answer decides.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Judgement {
    /// The target passes.
    Passes {
        /// What was seen.
        saw: String,
        /// What should be fixed.
        warning: Option<String>,
    },
    /// It does not.
    Ends(Outcome),
}

/// What an answer to Allocate leads to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Allocation {
    /// The server asks who we are.
    Challenged(Challenge),
    /// The nonce is used up, and here is a new one.
    Stale(Challenge),
    /// The server remembers an allocation of this very source port: another one is to be taken.
    Taken,
    /// User or password are wrong. The server itself is well.
    Refused(String),
    /// Here is an address.
    Granted {
        /// The address.
        relayed: SocketAddr,
    },
    /// All is decided.
    Judged(Judgement),
}

/// What a server asks for before it answers (RFC 8489 §9.2.4).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Challenge {
    /// REALM
    pub(super) realm: Vec<u8>,
    /// NONCE
    pub(super) nonce: Vec<u8>,
    /// PASSWORD-ALGORITHMS, if it bears any.
    pub(super) algorithms: Option<Vec<u8>>,
}

/// Whether credentials were sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Asked {
    /// None.
    Bare,
    /// They were.
    Signed,
}

/// Judges the answer to Binding.
///
/// | answer | means |
/// |---|---|
/// | success with XOR-MAPPED-ADDRESS, or MAPPED-ADDRESS as before 2008 | pass |
/// | success without either | fail: no client learns its address |
/// | 401: asks for credentials | pass |
/// | 300: go to another server | pass with a warning |
/// | 400, 420: dislikes the question | pass with a warning |
/// | any other error | fail |
pub(super) fn binding(message: &Message<'_>) -> Judgement {
    if message.header().class == Class::Success {
        let seen = message.xor_address(attribute::XOR_MAPPED_ADDRESS);
        return match seen.or_else(|| message.address(attribute::MAPPED_ADDRESS)) {
            Some(address) => passes(format!("sees us as {address}{}", software(message))),
            None => ends("the answer tells no address"),
        };
    }
    let Some(error) = message.error() else { return ends("an error without a code") };
    match error.code {
        401 => passes(format!("asks for credentials: {}{}", words(error), software(message))),
        300 => redirected(message, error),
        400 | 420 => disliked(error),
        _ => ends(words(error)),
    }
}

/// Judges the answer to Allocate.
///
/// | answer | means |
/// |---|---|
/// | 401 with REALM and NONCE, nobody logged in | pass; log in if there are credentials |
/// | 401 without them, 400 | fail: nobody can log in |
/// | 401, 431, 441 after a login | pass with a warning: the credentials are wrong, the server is well |
/// | 438 with NONCE after a login | once more with that nonce; the second time fail |
/// | 437 | once more from another port; the second time fail |
/// | 486: this user's quota; 508: no capacity | degraded |
/// | 403 | drain: coturn says so while it drains |
/// | 300: go to another server | pass with a warning |
/// | success with XOR-RELAYED-ADDRESS | pass; without a login with a warning: an open relay |
/// | success without it, any other error | fail |
pub(super) fn allocation(message: &Message<'_>, asked: Asked) -> Allocation {
    if message.header().class == Class::Success {
        return match message.xor_address(attribute::XOR_RELAYED_ADDRESS) {
            Some(relayed) => Allocation::Granted { relayed },
            None => Allocation::Judged(ends("granted an allocation without an address")),
        };
    }
    let Some(error) = message.error() else { return Allocation::Judged(ends("an error without a code")) };
    let judgement = match (error.code, asked, challenge(message)) {
        (401, Asked::Bare, Some(challenge)) => return Allocation::Challenged(challenge),
        (401, Asked::Bare, None) => ends(format!("{} without REALM and NONCE: nobody can log in", words(error))),
        (401 | 431 | 441, Asked::Signed, _) => return Allocation::Refused(words(error)),
        (438, Asked::Signed, Some(challenge)) => return Allocation::Stale(challenge),
        (437, _, _) => return Allocation::Taken,
        (486 | 508, _, _) => Judgement::Ends(Outcome::Degraded(words(error).into())),
        (403, _, _) => Judgement::Ends(Outcome::Drain { cause: words(error).into(), retry_after: None }),
        (300, _, _) => redirected(message, error),
        (405, _, _) => ends(format!("{}: no TURN here", words(error))),
        _ => ends(words(error)),
    };
    Allocation::Judged(judgement)
}

fn challenge(message: &Message<'_>) -> Option<Challenge> {
    Some(Challenge {
        realm: message.value(attribute::REALM)?.to_vec(),
        nonce: message.value(attribute::NONCE)?.to_vec(),
        algorithms: message.value(attribute::PASSWORD_ALGORITHMS).map(<[u8]>::to_vec),
    })
}

fn redirected(message: &Message<'_>, error: ErrorCode<'_>) -> Judgement {
    let whither = message.address(attribute::ALTERNATE_SERVER);
    let whither = whither.map_or_else(|| "another server".to_owned(), |address| address.to_string());
    let warning = Some(format!("the server sends its clients to {whither}"));
    Judgement::Passes { saw: words(error), warning }
}

fn disliked(error: ErrorCode<'_>) -> Judgement {
    let warning = Some(format!("the server dislikes a plain question: {}", words(error)));
    Judgement::Passes { saw: words(error), warning }
}

fn passes(saw: String) -> Judgement {
    Judgement::Passes { saw, warning: None }
}

fn ends(cause: impl Into<crate::health::Cause>) -> Judgement {
    Judgement::Ends(conclusive(cause))
}

/// Says an error as the server does: `486 "Allocation Quota Reached"`. Some servers end the words with NUL.
pub(super) fn words(error: ErrorCode<'_>) -> String {
    let reason = error.reason.trim_ascii();
    let end = reason.iter().rposition(|octet| *octet != 0).map_or(0, |last| last.saturating_add(1));
    match reason.get(..end).unwrap_or_default() {
        [] => format!("error {}", error.code),
        reason => format!("error {} {}", error.code, quote(reason)),
    }
}

/// Says which software answers, if it tells.
fn software(message: &Message<'_>) -> String {
    let software = message.value(attribute::SOFTWARE).filter(|software| !software.is_empty());
    software.map_or_else(String::new, |software| format!(", software {}", quote(software)))
}
