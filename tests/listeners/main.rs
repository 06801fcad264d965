//! Our listeners on loopback: TCP, TLS, HTTPS and QUIC, their limits, and how they close.
#![expect(clippy::unwrap_used, reason = "a test fails by it")]
#![expect(clippy::print_stdout, reason = "it tells what it measured")]
#![expect(clippy::disallowed_methods, reason = "it measures by the real clock, and its clients are tasks of its own")]

mod crowd;
mod frames;
mod half_open;
mod house;
mod http2;
mod https;
mod quic;
#[path = "../support/mod.rs"]
#[expect(dead_code, reason = "other tests use more of it")]
mod support;
mod tcp;
mod tls;
mod trust;
mod waits;
