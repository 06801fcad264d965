//! Asks a resolver for the addresses of hosts outside of our zones, and asks again when the answers grow old.
//!
//! ```text
//!   hosts ──▶ Book (pure: what is known, who is due) ──▶ task: asks, a few at once ──▶ Known ──▶ daemon
//!                  ▲                                            │
//!                  └──────────────── Answer ◀───────────────────┘
//! ```
//!
//! | answer for one family | known then | asked again |
//! |---|---|---|
//! | addresses, aliases followed | these | after the least TTL on the way, 5 s to 1 h |
//! | no such name, no such data | none: the member is unknown | after the negative TTL (else 60 s), 5 s to 1 h |
//! | failure: time-out, SERVFAIL, REFUSED, no resolver | what was known before | after 5 s, doubled up to 5 min |
//!
//! **Invariant:** what is learnt here makes targets and nothing else; it never comes into an answer. A failure to
//! resolve is the checker's own: it takes nobody down.

mod ask;
mod book;
mod metrics;
mod servers;
mod task;
#[cfg(test)]
mod tests;

pub use book::{AddressReply, Addresses, Book, Family};
pub use metrics::Metrics;
pub use servers::{Servers, ServersError};
pub use task::{Heard, ResolveRequest, Resolved, once, run};
