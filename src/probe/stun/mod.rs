//! The checks `stun` and `turn`: their codec, the outcomes of answers, and the transports.
//!
//! ```text
//!   Stun, Turn ──▶ Carrier ──▶ Request ──▶ datagram, sent again; or stream, TLS or not
//!       ▲              └────── Message ◀── frame ◀──┘
//!       └── verdict (pure): what the answer means
//! ```
//!
//! The codec ([`message`], [`attribute`], [`request`], [`integrity`], [`frame`]) does no I/O and trusts no input.
//!
//! **Invariant:** every TURN allocation is released; a secret is never printed, and credentials that were refused are
//! not tried again.

pub mod attribute;
mod binding;
mod carrier;
mod checksum;
pub mod credentials;
pub mod frame;
pub mod integrity;
mod keys;
pub mod message;
pub mod request;
mod turn;
mod verdict;

pub use binding::Stun;
pub use credentials::Credentials;
pub use keys::{LoginFile, LoginKeys, StunKeys, TurnKeys};
pub use message::{MalformedStun, Message};
pub use request::{Method, Request};
pub use turn::{CREDENTIALS_INTERVAL, Turn};

use crate::health::Outcome;
use crate::probe::Over;
use crate::probe::attempt::{Attempt, Probe, unknown};

use message::Transaction;

/// Returns what TLS adds to a check's identity.
fn tls_parameters(over: &Over) -> Option<String> {
    match over {
        Over::Udp | Over::Tcp => None,
        Over::Tls(tls) => Some(tls.parameters()),
    }
}

/// Makes a transaction id that nobody can guess (RFC 8489 §5), so that no answer can be forged from elsewhere.
fn transaction(attempt: &mut Attempt<'_>) -> Result<Transaction, Outcome> {
    let mut id = [0; 12];
    if attempt.context.provider().secure_random.fill(&mut id).is_err() {
        return Err(attempt.fails(unknown("the system gives no random numbers")));
    }
    Ok(id)
}

#[cfg(test)]
mod tests;
