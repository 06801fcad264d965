//! Zones handed on to others and taken from others, by the real programs on loopback: dig and kdig transfer them; NSD,
//! Knot, BIND and PowerDNS are secondaries and follow each change; NSD, Knot and BIND are primaries. Packages: `bind9`,
//! `bind9-dnsutils`, `knot`, `knot-dnsutils`, `nsd`, `pdns-backend-sqlite3`, `pdns-server`, `sqlite3`.
#![expect(clippy::unwrap_used, reason = "a test stops at what it did not expect")]
#![expect(clippy::print_stdout, reason = "a test tells what it measured")]
#![expect(clippy::disallowed_methods, reason = "deadlines are kept by the real clock")]

mod clients;
mod follow;
mod foreign;
mod hosts;
mod inbound;
mod lab;
mod large;
mod latency;
mod random;
#[path = "../process/server.rs"]
#[expect(dead_code, reason = "other tests use more of it")]
mod server;
