//! Looks up the addresses of hosts outside of our zones through a resolver, and again when their TTLs expire.
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
//! | no such name, no such data | none; if there are none of the other family either, the member is down | after the negative TTL (else 60 s), 5 s to 1 h |
//! | failure: time-out, SERVFAIL, REFUSED, no resolver | what was known before | after 5 s, doubled up to 5 min |
//!
//! **Invariant:** addresses resolved here are used only as targets, never in an answer. A failed lookup is a local
//! fault: it marks no target down.

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
