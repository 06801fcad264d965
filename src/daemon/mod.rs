//! The process: start, run, reload, drain.
//!
//! ```text
//! start: bind listeners ─▶ give up privileges ─▶ open store ─▶ restore ─▶ resolve ─▶ core ─▶ probes ─▶ engine ─▶ listeners ─▶ ready when all is known, or after 3 s
//! run:   SIGHUP ─▶ read config and zones anew, all or nothing ─▶ engine
//! drain: SIGTERM ─▶ not ready ─▶ listeners ─▶ probes and engine ─▶ store ─▶ exit 0
//! ```
//!
//! **Invariant:** nothing here decides anything about DNS or health: it builds the rooms below and joins them.

mod addresses;
mod admin;
mod background;
mod certificates;
mod coverage;
mod descriptors;
mod effects;
mod findings;
mod listeners;
pub mod logging;
pub mod metrics;
mod outside;
mod ports;
mod primaries;
pub mod privileges;
mod probe_threads;
mod read;
mod readiness;
mod record;
mod reload;
mod secondaries;
pub mod signals;
pub mod sockets;
mod start;
mod supervise;
mod switcher;
mod threads;
mod watchdog;

pub use addresses::{kept_listeners, kept_socket};
pub use admin::AdminError;
pub use outside::{engine_entries, kept_addresses};
pub use ports::Ports;
pub use read::Read;
pub use start::{Daemon, StartError};
