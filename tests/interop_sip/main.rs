//! The check `sip` against Kamailio and SIPp, as the built program does it: by `probe`, and in what `serve` answers.
//!
//! Packages: `kamailio`, `kamailio-tls-modules`, `sip-tester`. They run as nobody if this runs as root, each test has its
//! own loopback addresses, and nothing leaves the machine.
#![expect(clippy::unwrap_used, reason = "a test stops at what it did not expect")]
#![expect(clippy::disallowed_methods, reason = "deadlines are kept by the real clock")]

#[path = "../process/client.rs"]
#[expect(dead_code, reason = "shared with other tests")]
mod client;
mod foreign;
mod kamailio;
mod probing;
#[path = "../process/server.rs"]
#[expect(dead_code, reason = "shared with other tests")]
mod server;
mod serving;
mod sipp;
#[path = "../support/told.rs"]
#[expect(dead_code, reason = "shared with other tests")]
mod told;

use told::{Told, probe};
