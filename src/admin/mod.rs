//! The operator's HTTP listener: metrics and readiness.
//!
//! **Invariant:** requests are not authenticated, so nothing can be changed here. It listens only where the config
//! says, by default nowhere.

mod listener;
pub mod metrics;
