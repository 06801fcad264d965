//! Guided by coverage: see the body.
#![no_main]

#[path = "../bodies/resolver.rs"]
mod body;

libfuzzer_sys::fuzz_target!(|octets: &[u8]| body::run(octets));
