pub mod base;
pub mod engine;
pub mod health;
pub mod policy;
pub mod probe;
pub mod snapshot;
pub mod store;
pub mod zone;
