//! Zones made by chance, asked of this server and of NSD, Knot and BIND on loopback.
//!
//! Where two of the three say the same, so do we, or the difference is a row of `docs/conformance.md` with the RFC that
//! says why. `UNDERSTUDY_ZONES` is the number of zones [40], `UNDERSTUDY_SIGNED` that of signed ones [18], `UNDERSTUDY_SEED` the first one's seed.
//! Packages: `nsd`, `knot`, `bind9`, `bind9-utils`, `ldnsutils`, `knot-dnssecutils`, `unbound`,
//! `bind9-dnsutils`.
#![expect(clippy::unwrap_used, reason = "a test stops at what it did not expect")]
#![expect(clippy::print_stdout, reason = "it tells its figures")]
#![expect(clippy::disallowed_methods, reason = "deadlines are kept by the real clock")]

mod client;
mod compare;
mod excuse;
mod foreign;
#[path = "../support/generate.rs"]
mod generate;
mod malformed;
#[path = "../support/message.rs"]
mod message;
mod plain;
mod root;
mod sign;
mod signed;
#[expect(dead_code, reason = "shared with other tests")]
#[path = "../support/mod.rs"]
mod support;
mod validate;

/// Returns a number from the environment.
fn setting(name: &str, default: u64) -> u64 {
    std::env::var(name).map_or(default, |text| text.parse().unwrap())
}
