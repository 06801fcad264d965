//! Guided by coverage: see the body.
#![no_main]

#[path = "../bodies/streams.rs"]
mod body;
#[path = "../../tests/listeners/house.rs"]
#[expect(dead_code, reason = "the tests of listeners use more of it")]
mod house;
#[path = "../../tests/support/mod.rs"]
#[expect(dead_code, reason = "tests use more of it")]
mod support;
#[path = "../../tests/listeners/trust.rs"]
mod trust;

libfuzzer_sys::fuzz_target!(|octets: &[u8]| body::run(octets));
