//! The built program on loopback, asked as its users ask it. Each test has its own addresses, folder and ports, so that
//! all run side by side; nothing leaves the machine.
#![expect(clippy::unwrap_used, reason = "a test fails by it")]
#![expect(clippy::print_stdout, reason = "a test tells what it measured, or what cannot be shown here")]
#![expect(clippy::disallowed_methods, reason = "deadlines are kept by the real clock")]

mod admin;
mod admin_network;
mod bad_input;
mod certificates;
mod client;
mod crashes;
mod descriptors;
mod drill;
mod failover;
mod held;
mod history;
mod hooks;
mod init;
mod kills;
mod kills_api;
mod listeners;
mod log;
mod metrics;
mod notify;
mod operate;
mod packets;
mod pause;
mod pools;
mod primaries;
mod privileges;
mod rehearsal;
mod reload;
mod replay;
mod restart;
mod server;
mod signals;
mod spare;
mod startup;
mod state;
mod target;
mod terminal;
mod transfers;
mod truth;
mod watcher;
