//! TSIG (RFC 8945): who signs a message shares a secret with who reads it.
//!
//! ```text
//!  query ──▶ verify ──▶ Signer ──▶ sign the first message of the answer, then each one behind it
//!               └─────▶ Refusal ─▶ the error in the answer
//!
//!  Signer::of a key ──▶ sign a query ──▶ Verifier ──▶ verify each message of the answer
//! ```
//!
//! hickory-proto's TSIG has no chain of messages to sign, takes no unsigned ones between signed ones, and decodes all
//! records of a message only to verify it; that of the crate `domain` needs a second library for cryptography. The HMACs
//! are those of aws-lc-rs.

mod record;
mod sign;
#[cfg(test)]
mod tests;
mod verify;

pub(in crate::transfer) use record::expand;
pub use record::{Tsig, Unreadable};
pub use sign::Signer;
pub(in crate::transfer) use sign::count_record;
pub use verify::{Refusal, Unverified, Verifier, verify};

/// How far apart two clocks may be, in seconds (RFC 8945 §10).
const FUDGE: u16 = 300;
