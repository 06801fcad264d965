//! Tests targets as their clients use them; the reports go to the engine through a channel that this room does not
//! know.
//!
//! ```text
//!   Command ──▶ runner ──▶ schedule (pure: who is due, how many at once, how often an address)
//!                  │
//!                  └─▶ run(Spec) ──▶ connect ──▶ tls ──▶ tcp, … (one file for each kind of check)
//!                          │
//!                          │
//!   Event ◀──── Account: outcome, steps with their durations, warnings, certificate
//!     ▲
//!     └──────── watch: connections held open beside the probes, whose end has targets probed at once
//! ```
//!
//! A kind of check is one file, or one folder, with its keys ([`kind::KindKeys`]) and its [`Probe`](attempt::Probe), and
//! one line in [`check`]: by that it can be written in a config, asked for by a URL, inferred from an owner name, run,
//! and is shown in `config/example.toml`.
//!
//! **Invariant:** a probe tests one address once. It knows neither thresholds nor services, does not decide when it
//! runs next, and never reports a local fault (descriptors, routes, permissions) as a failure of the target.

pub mod allow;
mod attempt;
pub mod authority;
pub mod ber;
mod bounded;
mod certificate;
mod certificate_book;
pub mod check;
mod client_certificate;
mod composite;
mod connect;
mod context;
mod datagram;
mod descendants;
mod dns;
mod entry;
mod errors;
mod exec;
pub mod greeting;
pub mod grpc;
mod handshake;
mod http;
mod icmp;
mod inference;
pub mod kerberos;
mod kind;
pub mod ldap;
mod legacy_hello;
pub mod metrics;
pub mod minecraft;
mod mqtt;
mod mumble;
pub mod mysql;
mod over;
mod postgresql;
mod push;
pub mod report;
pub mod runner;
pub mod schedule;
mod settings;
pub mod sip;
mod stream;
pub mod stun;
mod tcp;
mod tls;
pub mod url;
mod verifier;
mod watch;
pub mod xmpp;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Notify;

use crate::base::clock::Clock;

pub(crate) use attempt::Effort;
pub use attempt::{DEEP_INTERVAL, Depth};
pub use authority::Authority;
pub use certificate::certificate_end;
pub use certificate_book::CertificateBook;
pub use check::*;
pub use client_certificate::{ClientCertificate, ClientCertificateError};
pub use composite::{Part, Rule};
pub use context::ProbeContext;
pub use dns::Rcode;
pub use entry::{CheckEntry, check_keys};
pub use exec::OnWarning;
pub use http::{Expect, Method, Pattern, PatternError, Statuses};
pub use inference::{Inference, first_labels, infer, service_domain};
pub use kind::{CheckContext, KindKeys, OwnerLabels};
pub use over::{Over, Transport};
pub use report::{Certificate, ProbeReport, Step};
pub use settings::{CertificateName, TargetSettings};
pub use stun::Credentials;
pub use tls::Verify;

/// One check of one address: all that a probe needs.
#[derive(Clone, Debug, PartialEq)]
pub struct Spec {
    /// Where to.
    pub address: SocketAddr,
    /// What is done there; targets with equal checks may share one.
    pub check: Arc<Check>,
    /// The longest that the whole probe may take.
    pub timeout: Duration,
    /// How a connection is held open beside the probes; nothing: none is.
    pub watch: Option<Watch>,
}

/// How a connection is held open beside the probes, and what it spares.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Watch {
    /// The longest that one is held.
    pub longest: Duration,
    /// By how much routine probes come later once the target has been up for long, while the connection stands.
    pub spares: Duration,
}

impl Watch {
    /// Takes together what several want of one target.
    pub fn with(self, other: Self) -> Self {
        Self { longest: self.longest.max(other.longest), spares: self.spares.min(other.spares) }
    }
}

/// Probes once, as deep as the check goes, and tells what was seen, step by step, with all warnings.
///
/// It ends within the timeout of `spec`, give or take the runtime's delay.
///
/// # Cancel safety
///
/// Dropping the future ends the probe and closes its connection.
pub async fn run(spec: &Spec, clock: &Clock, context: &ProbeContext) -> ProbeReport {
    run_to(Effort { detailed: true, ..Effort::to(Depth::Deep) }, spec, clock, context).await
}

/// Probes once, with this effort.
pub(crate) async fn run_to(effort: Effort, spec: &Spec, clock: &Clock, context: &ProbeContext) -> ProbeReport {
    once(spec.address, &spec.check, (effort, spec.timeout), clock, context).await
}

/// Does the same in haste: once the outcome is decided, the far side has a moment to take leave and no more. A process that
/// dies takes connections into a queue that nobody empties; their end would come with its own.
pub(crate) async fn run_hasty(effort: Effort, spec: &Spec, clock: &Clock, context: &ProbeContext) -> ProbeReport {
    let decision = Arc::new(Notify::new());
    let attempt = attempt::Attempt::new(spec.address, effort, clock, context).within(spec.timeout);
    let mut attempt = attempt.telling(Arc::clone(&decision));
    let decided = async {
        decision.notified().await;
        tokio::time::sleep(FAREWELL).await;
    };
    let ending = tokio::select! {
        biased;
        ending = tokio::time::timeout(spec.timeout, spec.check.run(&mut attempt)) => ending.ok(),
        // What was decided stands, were it a failure.
        () = decided => Some(Ok(())),
    };
    attempt.into_account(ending)
}

/// How long a far side may take leave of a probe in haste.
const FAREWELL: Duration = Duration::from_millis(10);

/// Carries out a check, or a part of one.
async fn once(
    address: SocketAddr,
    check: &Check,
    (effort, timeout): (Effort, Duration),
    clock: &Clock,
    context: &ProbeContext,
) -> ProbeReport {
    let mut attempt = attempt::Attempt::new(address, effort, clock, context).within(timeout);
    let ending = tokio::time::timeout(timeout, check.run(&mut attempt)).await;
    attempt.into_account(ending.ok())
}

/// How long one connection is held at most, unless a target says otherwise.
pub const WATCH_RENEW: Duration = watch::Times::DEFAULT.longest;

#[cfg(test)]
mod tests;
