//! Answers queries from the current snapshot.
//!
//! ```text
//!  listener  UDP, TCP, TLS, ┐
//!            HTTPS, QUIC    ├─ packet, Client ─▶ Responder ──QueryView──▶ answer(&Snapshot, &QueryView, &Context)
//!                           ┘                       │                                    │ Plan
//!                                                   │ rate, amplification, log           ├──▶ render: octets
//!                                                   └ edns: cookies, padding, errors     └──▶ hickory: its records
//! ```
//!
//! All listeners are our own, and each calls the same [`Responder`]: a query has the same answer however it comes. Settings,
//! secrets and readiness are read once for each [`Batch`] of packets from where a reload puts them. hickory-server's handler over the same
//! plan serves `frame = "hickory"`, where its listeners take the place of ours.
//!
//! One plan, two renderers: what is right is decided once, in `answer`. A packet waits for nothing: no lock, no file,
//! no probe, no engine.
//!
//! **Invariant:** this room knows neither health nor policy; a snapshot and a readiness are all it reads.
#![warn(clippy::indexing_slicing)]

mod access;
mod additional;
mod answer;
mod certificates;
mod chaos;
mod client;
mod compress;
mod cookie;
mod denial;
mod edns;
pub mod hickory;
mod listener;
mod live;
mod log;
pub mod metrics;
mod plan;
mod query;
mod rate;
mod readiness;
mod render;
mod respond;
mod signing;
mod tsig;
mod view;

use std::collections::HashMap;
use std::net::IpAddr;
use std::time::Duration;

use crate::zone::Name;

pub use access::{AccessList, TransportAcl};
pub use answer::answer;
pub use certificates::{Certificates, Identity, IdentityError};
pub use client::Client;
pub use cookie::{Cookie, Secrets, SecretsError};
pub use edns::{Ede, Reply};
pub use listener::{
    BUDGET, Deps, Frame, ListenKey, ListenerKind, Listening, PerTransport, Socket, SocketKind, Transport,
};
pub use live::{Live, Part, State};
pub use metrics::Metrics;
pub use plan::{ADDITIONAL_MAX, ANSWER_MAX, AUTHORITY_MAX, Data, Item, List, Owner, Plan, Rcode, SynthesizedName};
pub use query::{Edns, Header, Malformed, QueryView, Question, Signed};
pub use rate::{Limiter, Rates};
pub use readiness::{Readiness, Status};
pub use render::{limit, render, render_fault};
pub use respond::{Batch, Parts, Responder, Sent};
pub use signing::{Keys, Messages, Rest, Signer, count_record};
pub use tsig::Tsig;

/// How queries are answered (`[server]`, `[limits]`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// The longest answer over UDP in octets, at least 512.
    pub udp_size: u16,
    /// Whether additional records are left out, glue excepted.
    pub minimal_responses: bool,
    /// What `id.server. CH TXT` and the NSID option (RFC 5001) tell; at most 255 octets of it.
    pub nsid: Option<Vec<u8>>,
    /// What `version.server. CH TXT` tells.
    pub version: Option<String>,
    /// How long idle streams are kept, as told by edns-tcp-keepalive (RFC 7828).
    pub keepalive: Duration,
    /// Whether an answer to an address that can be forged may be longer than its query.
    pub amplification: bool,
    /// How many answers a network gets over UDP.
    pub rates: Rates,
    /// Who may come by which transport.
    pub transport_acl: TransportAcl,
    /// Who may ask in a zone; everybody in one that is not here.
    pub zones: HashMap<Name, AccessList>,
    /// One of so many queries is logged; 0: none.
    pub query_log: u32,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            udp_size: 1232,
            minimal_responses: false,
            nsid: None,
            version: None,
            keepalive: Duration::from_secs(10),
            amplification: true,
            rates: Rates::default(),
            transport_acl: TransportAcl::default(),
            zones: HashMap::new(),
            query_log: 0,
        }
    }
}

#[cfg(test)]
mod testing {
    use prometheus_client::registry::Registry;

    use super::{Limiter, Metrics, Parts, Readiness, Responder, Secrets, Settings};
    use crate::base::clock::Clock;
    use crate::snapshot::Reader;

    /// Makes a responder that is ready, with defaults.
    pub(super) fn responder(reader: Reader) -> Responder {
        Responder::new(Parts {
            reader,
            settings: Settings::default(),
            secrets: Secrets::new([1; 16]),
            readiness: Readiness::ready(),
            metrics: Metrics::register(&mut Registry::default()),
            limiter: Limiter::new([2; 16]),
            clock: Clock::start(),
        })
    }
}

/// Returns octets that nobody can guess: a secret, or the key of a table.
pub fn random() -> [u8; 16] {
    let mut octets = [0; 16];
    let provider = rustls::crypto::aws_lc_rs::default_provider();
    provider.secure_random.fill(&mut octets).expect("the system has random numbers, else TLS is not possible either");
    octets
}

impl Settings {
    /// Returns whether an address may ask in a zone.
    fn may_ask(&self, origin: &Name, address: IpAddr) -> bool {
        self.zones.is_empty() || self.zones.get(origin).is_none_or(|list| list.admits(address))
    }
}

/// What an answer depends on beside the snapshot and the query.
#[derive(Clone, Copy, Debug)]
pub struct Context<'a> {
    /// The settings.
    pub settings: &'a Settings,
    /// Whether the server answers, and what is wrong.
    pub status: &'a Status,
    /// Who asks, how, and when.
    pub client: Client,
    /// The secrets of cookies.
    pub secrets: &'a Secrets,
    /// By how many places the records of a set are turned: some clients always take the first.
    pub rotation: u16,
}
