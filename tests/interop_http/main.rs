//! The checks of web servers, gRPC services, name servers and hosts against real ones, judged through the program:
//! `understudy probe … --json` and its exit code.
//!
//! Each server runs on an address of loopback of its own, unprivileged, from a scratch folder. Packages: `nginx-light`,
//! `openssl`, `python3-grpcio`, `knot`, `iproute2`, `util-linux`; one that is missing fails the test and is named.
#![expect(clippy::unwrap_used, reason = "a test stops at what it did not expect")]

mod certificates;
mod foreign;
mod grpc;
mod name_server;
mod nginx;
mod ping;
mod probe;
mod service;
mod tls;
