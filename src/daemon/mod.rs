//! The process: sockets, signals, logs.

pub mod logging;
pub mod signals;
pub mod sockets;
