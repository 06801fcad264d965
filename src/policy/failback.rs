//! Failback.
