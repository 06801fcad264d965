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
//! All listeners are our own, and each calls the same [`Responder`]: a query has the same answer over every transport.
//! Settings, secrets and readiness are read once for each [`Batch`] of packets from where a reload puts them.
//! hickory-server's handler over the same plan serves `frame = "hickory"`, where its listeners take the place of ours.
//!
//! One plan, two renderers: the content is decided once, in `answer`. Answering never blocks: no lock, no file, no
//! probe, no engine.
//!
//! **Invariant:** this room knows neither health nor policy; a snapshot and a readiness are all it reads.
#![warn(clippy::indexing_slicing)]

mod access;
mod additional;
mod answer;
mod certificates;
mod chaos;
mod client;
mod cookie;
mod denial;
mod edns;
mod expire;
pub mod hickory;
mod known_names;
mod listener;
mod live;
mod log;
pub mod metrics;
mod notify;
mod plain;
mod plan;
mod query;
mod random;
mod rate;
mod rcode;
mod readiness;
mod render;
mod respond;
mod settings;
mod sharded;
mod signing;
mod transfer;
mod view;

pub use access::{AccessList, TransportAcl};
pub use answer::answer;
pub use certificates::{Certificates, Identity, IdentityError};
pub use client::Client;
pub use cookie::{Cookie, Secrets, SecretsError};
pub use edns::{Ede, Reply};
pub use listener::{
    BUDGET, Deps, Frame, ListenKey, ListenerKind, Listening, PerTransport, Socket, SocketKind, Transport,
};
pub use live::{Live, Part, State, Status};
pub use metrics::Metrics;
pub use plan::{ADDITIONAL_MAX, ANSWER_MAX, AUTHORITY_MAX, Data, Item, List, LongList, Owner, Plan, SynthesizedName};
pub use query::{Edns, Header, Malformed, QueryView, Question, Signed};
pub use random::random;
pub use rate::Limiter;
pub use rcode::Rcode;
pub use readiness::Readiness;
pub use render::{limit, render, render_fault};
pub use respond::{Batch, Parts, Responder, Sent};
pub use settings::{Rates, Settings, UpdateAnswer};
pub use signing::{Messages, Rest};

use std::net::IpAddr;

use crate::snapshot::Draw;

#[cfg(test)]
mod testing {
    use prometheus_client::registry::Registry;

    use super::{Limiter, Metrics, Parts, Readiness, Responder, Secrets, Settings};
    use crate::base::clock::Clock;
    use crate::snapshot::SnapshotReader;

    /// Makes a responder that is ready, with defaults.
    pub(super) fn responder(reader: SnapshotReader) -> Responder {
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

impl Context<'_> {
    /// Returns by what weighted sets choose their part: the same for the same question of one client at one moment, and
    /// without the secret of cookies nobody can tell it.
    pub(crate) fn draw(&self) -> Draw {
        let Client { address, now, .. } = self.client;
        let [high, low] = match address {
            IpAddr::V4(address) => [0, address.to_bits().into()],
            IpAddr::V6(address) => [address.to_bits() >> 64, address.to_bits() & u128::from(u64::MAX)]
                .map(|half| u64::try_from(half).unwrap_or_default()),
        };
        let moment = u64::try_from(now.mono.since_start().as_nanos()).unwrap_or_default();
        Draw { key: self.secrets.draw_key(), numbers: [moment << 16 ^ u64::from(self.rotation), high, low] }
    }
}
