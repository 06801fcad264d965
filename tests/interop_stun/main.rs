//! The checks `stun` and `turn` against coturn and ejabberd, as the built program does them: by `probe`, and in what
//! `serve` answers.
//!
//! Packages: `coturn`, `ejabberd`. They run as nobody if this runs as root, each test has its own loopback addresses,
//! and nothing leaves the machine.
#![expect(clippy::unwrap_used, reason = "a test stops at what it did not expect")]
#![expect(clippy::disallowed_methods, reason = "deadlines are kept by the real clock")]

#[path = "../process/client.rs"]
#[expect(dead_code, reason = "shared with other tests")]
mod client;
mod coturn;
mod ejabberd;
#[path = "../interop_sip/foreign.rs"]
mod foreign;
mod logins;
mod probing;
#[path = "../process/server.rs"]
#[expect(dead_code, reason = "shared with other tests")]
mod server;
mod serving;
#[path = "../support/told.rs"]
mod told;

use told::{Told, probe};
