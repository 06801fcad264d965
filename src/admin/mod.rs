//! The operator's HTTP listeners: metrics and readiness for everybody who may connect, and the API for who may operate.
//!
//! ```text
//!  metrics-listen ─▶ metrics                         nothing can be changed there, and nobody is asked who they are
//!  admin-socket   ─▶ api ─▶ EngineHandle, daemon     whoever may open the file
//!  admin-listen   ─▶ api                             whoever has the token, or a certificate of the named CA
//! ```
//!
//! [`hooks`] tell others what happens, and take nothing from them.
//!
//! **Invariant:** what changes something is in `api` alone; `metrics` knows no engine.

pub mod api;
mod dashboard;
mod encrypted;
pub mod hooks;
mod listener;
pub mod metrics;
mod server;
pub mod view;

pub use listener::{Peer, Socket};
pub use server::serve;
