//! The runner with servers on loopback.
