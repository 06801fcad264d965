//! Things that know nothing of DNS: the clock, dense tables, findings, named tasks, error chains.
//!
//! **Invariant:** this room imports no other room.

pub mod clock;
pub mod error;
pub mod finding;
pub mod prefix;
pub mod table;
pub mod tasks;
