pub mod base;
pub mod cli;
pub mod engine;
pub mod health;
pub mod policy;
pub mod probe;
pub mod snapshot;
pub mod zone;
