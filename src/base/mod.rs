//! Things that know nothing of DNS: the clock, dense tables, a hash, findings, named tasks, error chains.
//!
//! **Invariant:** this room imports no other room.

pub mod clock;
pub mod error;
pub mod finding;
pub mod hash;
pub mod table;
pub mod tasks;
