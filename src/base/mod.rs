//! Utilities without any DNS knowledge: the clock, dense tables, a hash, findings, plain files, named tasks, error
//! chains, IP prefixes, text, the machine's certificate authorities.
//!
//! **Invariant:** this room imports no other room.

pub mod authorities;
pub mod clock;
pub mod connections;
pub mod duration;
pub mod error;
pub mod file;
pub mod finding;
pub mod grouped;
pub mod hash;
pub mod merge;
pub mod nearest;
pub mod prefix;
pub mod scope;
pub mod table;
pub mod tasks;
pub mod terminal;
pub mod timers;
