//! The config file and the zones, lowered into the settings of each room.
//!
//! ```text
//!  files ── load ──▶ text ── document (TOML with spans) ──▶ shape (version 1, all findings in one run)
//!                      │                                      │
//!                      └── zone::parse ──▶ zones ──▶ lower ◀──┘   infer: owner label → check
//!                                                      ▼
//!                                                   Running
//! ```
//!
//! A key is stated once in `shape/`, by `statement!` of [`crate::keys`]: its name, type, range, text and place in the settings. Reading,
//! laying a `[[service]]` over `[health]` and `[policy]`, defaults, suggestions and `config/example.toml`
//! (`UPDATE_DOCS=1 cargo test --lib the_example_is_what_the_keys_say`) follow from it.
//!
//! `load` and `zones` are the only files here that touch the file system; the environment is a parameter.
//!
//! **Invariant:** no room below the daemon imports this one; it lowers the file into each room's settings.

pub mod load;
pub mod lower;
pub mod running;
pub mod settings;
pub mod shape;
pub mod values;

pub use load::{Environment, Input, OwnServer, TWINS, load, own_server, read_secret, servers};
pub use running::{KeptZone, Running, StaleZone};
pub use settings::{AdminListen, AdminSocket, ServerSettings, SocketChoice, StateChoice, StateSettings, Workers};
pub use shape::DNS_PORT;
pub use values::Resolver;
