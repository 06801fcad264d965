//! The process: start, run, reload, drain.
//!
//! ```text
//! start: bind doors ─▶ open store ─▶ restore ─▶ resolve ─▶ core ─▶ probes ─▶ engine ─▶ doors ─▶ ready when all is known, or after 3 s
//! run:   SIGHUP ─▶ read config and zones anew, all or nothing ─▶ engine
//! drain: SIGTERM ─▶ not ready ─▶ doors ─▶ probes and engine ─▶ store ─▶ exit 0
//! ```
//!
//! **Invariant:** nothing here decides anything about DNS or health: it builds the rooms below and joins them.

mod descriptors;
mod doors;
mod findings;
mod lamp;
pub mod logging;
mod outlet;
mod outside;
pub mod reload;
pub mod signals;
pub mod sockets;
mod start;
mod supervise;
mod swap;

pub use outside::kept_addresses;
pub use start::{Daemon, StartError};
