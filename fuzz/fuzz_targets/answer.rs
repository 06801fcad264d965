//! Guided by coverage: see the body.
#![no_main]

#[path = "../bodies/answer.rs"]
mod body;

libfuzzer_sys::fuzz_target!(|octets: &[u8]| body::run(octets));
