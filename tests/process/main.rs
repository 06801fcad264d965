//! The built program on loopback, asked as its users ask it. Each test has its own addresses, folder and ports, so that
//! all run side by side; nothing leaves the machine.
#![expect(clippy::unwrap_used, reason = "a test fails by it")]
#![expect(clippy::print_stdout, reason = "a test tells what it measured, or what cannot be shown here")]
#![expect(clippy::disallowed_methods, reason = "deadlines are kept by the real clock")]

mod bad_input;
mod certificates;
mod client;
mod crashes;
mod descriptors;
mod failover;
mod held;
mod kills;
mod listeners;
mod log;
mod metrics;
mod notify;
mod packets;
mod pause;
mod reload;
mod restart;
mod server;
mod signals;
mod startup;
mod state;
mod target;
mod terminal;
mod truth;
mod watcher;
