//! DNS data as an operator writes it: names, sets of records, zones, and their text form.
//!
//! ```text
//!  text ──parse──▶ ┐                                 ┌──▶ write: text again, octet for octet
//!                  ├─ collect: one sort ──▶ Zone ────┤
//!  ZoneBuilder ──▶ ┘                                 └──▶ diff: what left, what came
//! ```
//!
//! `schema` lists the fields of each type's RDATA; parsing, printing and checking of records use only it.
//!
//! **Invariant:** this room knows neither health nor policy, and reads no file: bytes come in, zones or findings go out.

mod builder;
pub mod check;
mod collect;
pub mod compress;
pub mod diff;
pub mod name;
pub mod parse;
pub mod reference_identity;
pub mod rrset;
mod rtype;
mod schema;
pub mod serial;
pub mod services;
pub mod signed;
#[cfg(test)]
mod tests;
pub mod write;
#[expect(clippy::module_inception, reason = "the room's chief type has the room's name")]
mod zone;

pub use builder::{ZoneBuilder, ZoneError};
pub use collect::Fault;
pub use name::{Name, NameError};
pub use rrset::{Rrset, Srv};
pub use rtype::Rtype;
pub use schema::in_full;
pub use serial::Serial;
pub use zone::Zone;
