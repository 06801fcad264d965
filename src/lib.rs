pub mod policy;
pub mod health;
pub mod zone;
pub mod base;
