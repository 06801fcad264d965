//! Guided by coverage: see the body.
#![no_main]

#[path = "../bodies/dns.rs"]
#[expect(dead_code, reason = "only its packets are made here")]
mod dns;
#[path = "../bodies/resolver.rs"]
mod body;

libfuzzer_sys::fuzz_target!(|octets: &[u8]| body::run(octets));
