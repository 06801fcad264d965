//! Tells secondaries of each new version of a zone (NOTIFY, RFC 1996).
//!
//! ```text
//!  a publication ─▶ recipients: who is told of which zone ─▶ Book (pure: who is due, who has answered) ─▶ task: datagrams
//!                                                              ▲                                           │
//!                                                              └──────────────── answers ◀─────────────────┘
//! ```
//!
//! | state of a secondary | edge |
//! |---|---|
//! | told | a new version → due at once |
//! | due | a datagram → waiting |
//! | waiting | an answer → told, or due at once if there is a newer version by now; no answer → due again, later each time; after the last one → given up |
//! | given up | a new version → due at once |
//!
//! So there is one round for each generation, and a secondary that is slow to answer gets the newest version next.

mod book;
mod message;
mod recipients;
mod task;

pub use recipients::{Destination, Recipients};
pub use task::{Outside, Settings, Sources, run};
