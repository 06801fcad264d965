#![doc = include_str!("../ARCHITECTURE.md")]

pub mod admin;
pub mod base;
pub mod cli;
pub mod config;
pub mod daemon;
pub mod engine;
pub mod health;
pub mod keys;
pub mod policy;
pub mod probe;
pub mod resolve;
pub mod serve;
pub mod snapshot;
pub mod store;
pub mod transfer;
pub mod zone;
