//! The operator's listener by HTTP: metrics and readiness.
//!
//! **Invariant:** nobody is authenticated here, so nothing is changed here; it listens where the config says, by default
//! nowhere.

mod listener;
pub mod metrics;
