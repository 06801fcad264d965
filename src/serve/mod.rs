//! Answers queries from the current snapshot.
//!
//! ```text
//!  packet ──QueryView──▶ answer(&Snapshot, &QueryView, &Context) ──Plan──▶ render: octets        (udp: our own door)
//!                                                                     └──▶ hickory: its records  (its listeners: TCP)
//! ```
//!
//! Datagrams come in by our own door, because hickory-server's answers some packets before our handler is asked: responses
//! that it cannot read, and noise while the server should be silent. Over TCP that harms nobody: there is no forged sender.
//!
//! One plan, two renderers: what is right is decided once, in `answer`. A packet waits for nothing: no lock, no file,
//! no probe, no engine.
//!
//! **Invariant:** this room knows neither health nor policy; a snapshot and a readiness are all it reads.
#![warn(clippy::indexing_slicing)]

mod additional;
mod answer;
mod chaos;
mod compress;
mod denial;
pub mod hickory;
pub mod metrics;
mod plan;
mod query;
mod readiness;
mod render;
mod respond;
pub mod udp;

pub use answer::answer;
pub use metrics::Metrics;
pub use plan::{ADDITIONAL_MAX, ANSWER_MAX, AUTHORITY_MAX, Data, Ede, Item, List, MadeName, Owner, Plan, Rcode, Reply};
pub use query::{Edns, Header, Malformed, QueryView, Question};
pub use readiness::{Readiness, Status};
pub use render::{limit, render, render_fault};
pub use respond::Responder;

/// How queries are answered (`[server]`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// The longest answer over UDP in octets, at least 512.
    pub udp_size: u16,
    /// Whether additional records are left out, glue excepted.
    pub minimal_responses: bool,
    /// What `id.server. CH TXT` and the NSID option (RFC 5001) tell; at most 255 octets of it.
    pub nsid: Option<String>,
    /// What `version.server. CH TXT` tells.
    pub version: Option<String>,
}

impl Default for Settings {
    fn default() -> Self {
        Self { udp_size: 1232, minimal_responses: false, nsid: None, version: None }
    }
}

/// By which kind of transport a query came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transport {
    /// Datagrams: answers have a limit and can be truncated.
    Udp,
    /// Streams: TCP and what lies upon it.
    Tcp,
}

/// What an answer depends on beside the snapshot and the query.
#[derive(Clone, Copy, Debug)]
pub struct Context<'a> {
    /// The settings.
    pub settings: &'a Settings,
    /// Whether the server answers, and what is wrong.
    pub status: &'a Status,
    /// How the query came.
    pub transport: Transport,
    /// By how many places the records of a set are turned: some clients always take the first.
    pub rotation: u16,
}
