#![doc = include_str!("../ARCHITECTURE.md")]

pub mod cli;
pub mod daemon;
pub mod config;
pub mod admin;
pub mod serve;
pub mod store;
pub mod probe;
pub mod engine;
pub mod snapshot;
pub mod policy;
pub mod health;
pub mod zone;
pub mod base;
