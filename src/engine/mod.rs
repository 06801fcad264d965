//! The one writer: events come in, decisions and snapshots come out.

pub mod setup;
