//! Our doors on loopback: TCP, TLS, HTTPS and QUIC, their limits, and how they close.
#![expect(clippy::unwrap_used, reason = "a test fails by it")]

mod crowd;
mod house;
mod https;
mod quic;
#[path = "../support/mod.rs"]
#[expect(dead_code, reason = "other tests use more of it")]
mod support;
mod tcp;
mod tls;
