//! The check `turn`: requests an allocation without credentials, or authenticates and allocates a relay address for a
//! moment (RFC 8656 §6).
//!
//! ```text
//!   Allocate ──▶ 401, realm, nonce ─┬─ no credentials, or not their turn: pass
//!                                   └─▶ Allocate, signed ─┬─▶ an address ──▶ pass ──▶ Refresh 0: given back
//!                                             ▲           ├─▶ 438: once more with the new nonce
//!                                             └───────────┘
//! ```

#![warn(clippy::indexing_slicing, clippy::arithmetic_side_effects)]

use std::time::Duration;

use super::attribute;
use super::carrier::{Carrier, StunReply};
use super::credentials::{Credentials, Login};
use super::integrity::{Hash, Integrity, Key, Seal};
use super::request::{Method, Request};
use super::verdict::{self, Allocation, Asked, Challenge, Judgement};
use super::{tls_parameters, transaction};
use crate::health::Outcome;
use crate::probe::attempt::{Attempt, Ending, Probe, conclusive};
use crate::probe::tcp::quote;
use crate::probe::watch::HoldSpec;
use crate::probe::{Depth, Over};

/// Parameters of [`Check::Turn`](crate::probe::Check::Turn).
#[derive(Clone, Debug, PartialEq)]
pub struct Turn {
    /// What it goes over.
    pub over: Over,
    /// Whom to log in as; nothing: the server's question who we are is answer enough.
    pub credentials: Option<Credentials>,
    /// From login to login, while they go well.
    pub credentials_interval: Duration,
}

/// A login to one realm.
#[derive(Debug)]
struct Session<'a> {
    login: &'a Login,
    challenge: Challenge,
    hash: Hash,
    key: Key,
}

impl Probe for Turn {
    const KIND: &'static str = "turn";

    fn transport(&self) -> &'static str {
        self.over.as_str()
    }

    fn hold_spec(&self) -> Option<HoldSpec> {
        self.over.hold_spec()
    }

    fn parameters(&self) -> String {
        let tls = tls_parameters(&self.over);
        let login = self
            .credentials
            .as_ref()
            .map(|credentials| format!("credentials={} every={:?}", credentials.identity(), self.credentials_interval));
        tls.into_iter().chain(login).collect::<Vec<_>>().join(" ")
    }

    fn deep_interval(&self) -> Option<Duration> {
        self.credentials.as_ref().map(|_| self.credentials_interval)
    }

    async fn run(&self, attempt: &mut Attempt<'_>) -> Ending {
        for _ in 0..PORTS {
            let carrier = Carrier::open(&self.over, attempt).await?;
            if let Some(carrier) = self.allocate(carrier, attempt).await? {
                carrier.close().await;
                return Ok(());
            }
        }
        Err(attempt.fails(conclusive("error 437 from two ports: no new allocation is taken")))
    }
}

impl Turn {
    /// Asks from one port; returns the way to it, or nothing if the port is taken.
    async fn allocate(&self, mut carrier: Carrier, attempt: &mut Attempt<'_>) -> Result<Option<Carrier>, Outcome> {
        attempt.begin("allocate");
        let request = question(transaction(attempt)?);
        let answer = carrier.ask(&request, attempt).await?;
        match judge(&answer, Asked::Bare) {
            Allocation::Challenged(challenge) => {
                attempt.saw(format!("asks for credentials of {}", quote(&challenge.realm)));
                match &self.credentials {
                    Some(credentials) if attempt.effort.depth == Depth::Deep => {
                        let login = credentials.login(attempt.clock.now().wall);
                        self.log_in(&login, challenge, carrier, attempt).await
                    }
                    Some(_) | None => {
                        attempt.passes();
                        Ok(Some(carrier))
                    }
                }
            }
            Allocation::Granted { relayed } => {
                attempt.saw(format!("relays by {relayed}"));
                attempt.warnings.push("the server relays for anybody, without credentials: an open relay".to_owned());
                attempt.passes();
                give_back(&mut carrier, None, attempt).await;
                Ok(Some(carrier))
            }
            Allocation::Taken => {
                attempt.saw("error 437: an allocation of this port is remembered");
                Ok(None)
            }
            Allocation::Stale(_) | Allocation::Refused(_) => {
                Err(attempt.fails(conclusive("refuses credentials that nobody sent")))
            }
            Allocation::Judged(judgement) => settle(judgement, carrier, attempt).await,
        }
    }

    /// Asks once more, signed.
    async fn log_in(
        &self,
        login: &Login,
        challenge: Challenge,
        mut carrier: Carrier,
        attempt: &mut Attempt<'_>,
    ) -> Result<Option<Carrier>, Outcome> {
        attempt.begin("credentials");
        let mut session = Session::new(login, challenge);
        let mut answer = session.ask(question(transaction(attempt)?), &mut carrier, attempt).await?;
        let mut allocation = judge(&answer, Asked::Signed);
        if let Allocation::Stale(challenge) = allocation {
            session = Session::new(login, challenge);
            answer = session.ask(question(transaction(attempt)?), &mut carrier, attempt).await?;
            allocation = judge(&answer, Asked::Signed);
        }
        match allocation {
            Allocation::Granted { relayed } => {
                let seal = answer.message().map_or(Seal::Missing, |message| session.key.judge(&message));
                if seal == Seal::Good {
                    attempt.saw(format!("relays by {relayed}"));
                    attempt.passes();
                    give_back(&mut carrier, Some(&session), attempt).await;
                    return Ok(Some(carrier));
                }
                // RFC 8489 §9.2.5: clients discard such an answer. What it granted is given back all the same.
                let outcome = attempt.fails(conclusive(seal_words(seal)));
                give_back(&mut carrier, Some(&session), attempt).await;
                Err(outcome)
            }
            Allocation::Refused(words) => {
                attempt.saw(format!("credentials refused: {words}"));
                attempt.warnings.push(format!("credentials refused: {words}; {REFUSED}"));
                attempt.refuse_credentials();
                attempt.passes();
                Ok(Some(carrier))
            }
            Allocation::Taken => {
                attempt.saw("error 437: an allocation of this port is remembered");
                Ok(None)
            }
            Allocation::Stale(_) => Err(attempt.fails(conclusive("each nonce is stale (error 438)"))),
            Allocation::Challenged(_) => Err(attempt.fails(conclusive("asks for credentials again and again"))),
            Allocation::Judged(judgement) => settle(judgement, carrier, attempt).await,
        }
    }
}

impl<'a> Session<'a> {
    /// Answers a challenge; by SHA-256 as far as the server offers it (RFC 8489 §9.2.5).
    fn new(login: &'a Login, challenge: Challenge) -> Self {
        let (hash, integrity) = match challenge.algorithms.as_deref() {
            None => (Hash::Md5, Integrity::Sha1),
            Some(offered) if offers_sha256(offered) => (Hash::Sha256, Integrity::Sha256),
            Some(_) => (Hash::Md5, Integrity::Sha256),
        };
        let key = Key::long_term(hash, login.user.as_bytes(), &challenge.realm, login.password.as_bytes(), integrity);
        Self { login, challenge, hash, key }
    }

    /// Signs a question and asks it.
    async fn ask(
        &self,
        request: Request,
        carrier: &mut Carrier,
        attempt: &mut Attempt<'_>,
    ) -> Result<StunReply, Outcome> {
        carrier.ask(&self.sign(request), attempt).await
    }

    fn sign(&self, request: Request) -> Request {
        let mut request = request
            .with(attribute::USERNAME, self.login.user.as_bytes())
            .with(attribute::REALM, &self.challenge.realm)
            .with(attribute::NONCE, &self.challenge.nonce);
        if let Some(offered) = &self.challenge.algorithms {
            // RFC 8489 §9.2.5: the offer goes back as it came, so that nobody on the way can weaken it.
            let [high, low] = self.hash.number().to_be_bytes();
            request = request
                .with(attribute::PASSWORD_ALGORITHMS, offered)
                .with(attribute::PASSWORD_ALGORITHM, &[high, low, 0, 0]);
        }
        request.sealed(&self.key)
    }
}

/// Makes the question for an address that relays UDP.
fn question(transaction: [u8; 12]) -> Request {
    Request::new(Method::Allocate, transaction).with(attribute::REQUESTED_TRANSPORT, &[UDP, 0, 0, 0])
}

fn judge(answer: &StunReply, asked: Asked) -> Allocation {
    let judged = answer.message().map(|message| verdict::allocation(&message, asked));
    judged.unwrap_or_else(|| Allocation::Judged(Judgement::Ends(conclusive("a malformed answer"))))
}

/// Ends a probe as its answer was judged.
async fn settle(judgement: Judgement, carrier: Carrier, attempt: &mut Attempt<'_>) -> Result<Option<Carrier>, Outcome> {
    match judgement {
        Judgement::Passes { saw, warning } => {
            attempt.saw(saw);
            attempt.warnings.extend(warning);
            attempt.passes();
            Ok(Some(carrier))
        }
        Judgement::Ends(outcome) => {
            let outcome = attempt.fails(outcome);
            carrier.close().await;
            Err(outcome)
        }
    }
}

/// Gives an allocation back (RFC 8656 §7: LIFETIME 0). All is decided before; a server that does not answer changes
/// nothing any more.
async fn give_back(carrier: &mut Carrier, session: Option<&Session<'_>>, attempt: &mut Attempt<'_>) {
    attempt.begin("free");
    let Ok(transaction) = transaction(attempt) else { return };
    let request = Request::new(Method::Refresh, transaction).with(attribute::LIFETIME, &[0; 4]);
    let request = match session {
        Some(session) => session.sign(request),
        None => request,
    };
    let Ok(answer) = carrier.ask(&request, attempt).await else { return };
    let error = answer.message().and_then(|message| message.error().map(verdict::words));
    attempt.saw(error.unwrap_or_else(|| "given back".to_owned()));
}

/// Returns whether an offer of PASSWORD-ALGORITHMS holds SHA-256 without parameters (RFC 8489 §14.11).
fn offers_sha256(mut offered: &[u8]) -> bool {
    while let Some((&[high, low, long, length], rest)) = offered.split_first_chunk::<4>() {
        let parameters = usize::from(u16::from_be_bytes([long, length]));
        if u16::from_be_bytes([high, low]) == Hash::Sha256.number() && parameters == 0 {
            return true;
        }
        offered = rest.get(parameters.next_multiple_of(4)..).unwrap_or_default();
    }
    false
}

const fn seal_words(seal: Seal) -> &'static str {
    match seal {
        Seal::Missing => "the answer lacks MESSAGE-INTEGRITY: clients discard it",
        Seal::Good | Seal::Wrong => "the answer's MESSAGE-INTEGRITY is wrong: clients discard it",
    }
}

/// From login to login unless the config says otherwise.
pub const CREDENTIALS_INTERVAL: Duration = Duration::from_secs(60);
/// The protocol number of UDP (RFC 8656 §18.8).
const UDP: u8 = 17;
/// From so many ports an address is asked for, where the server says of one that it is taken (RFC 8656 §15, 437).
const PORTS: usize = 2;
const REFUSED: &str = "they are not tried again until the config changes";
