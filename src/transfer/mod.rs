//! Zone transfers: the zones as they are served, handed on to secondaries.
//!
//! ```text
//!  a query for AXFR or IXFR ─▶ Rules: may it? ─▶ Outbound: one snapshot, or its differences, message by message ─▶ Signer
//!  a publication ─▶ notify: secondaries are told, and fetch it
//! ```
//!
//! A transfer reads one snapshot from its begin to its end, and the listener's own task writes it: neither answers nor
//! publications wait for it.
//!
//! **Invariant:** this module knows neither health nor policy. Streams are made without a clock or a socket.

mod access;
mod from;
mod handle;
pub mod inbound;
mod key;
mod ledger;
pub mod metrics;
pub mod notify;
mod outbound;
mod permits;
pub mod tsig;

pub use access::{Rule, Rules};
pub use from::SendFrom;
pub use handle::{TransferHandle, TransferOrder, TransferRefusal};
pub use key::{Algorithm, Key, KeyRing};
pub use ledger::{CLIENTS_MOST, InboundStatus, Ledger, NotifyState, NotifyStatus, SentStatus, ZoneTransfers};
pub use metrics::Metrics;
pub use outbound::{Asked, Opening, Outbound};
pub use permits::{Permit, Permits};
