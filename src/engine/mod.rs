//! The one writer: events come in, decisions and snapshots come out.
//!
//! ```text
//!  Report ─▶ ┌──────────────────────────── core ─────────────────────────────┐
//!  Order ──▶ │ health::machine ─▶ verdicts ─▶ policy::decide ─▶ slot values  │ ─▶ Effect: Publish, Probe,
//!  Reload ─▶ │ (nothing flipped: stop)        (same records and TTL: stop)   │            Persist, Notice
//!  time ───▶ └────────────────────────────────────────────────────────────────┘
//! ```
//!
//! [`Core`] is pure: [`Core::handle`], [`Core::poll_timeout`], [`Core::handle_timeout`], [`Core::poll_effect`]. The
//! driver is the task that owns it, [`EngineHandle`] is how others talk to that task. [`Prepared`] is what follows from a setup alone, made off that task.
//!
//! **Invariant:** the core reads no clock and knows no socket, file or packet. The same events at the same times give
//! the same snapshots.
//!
//! **Invariant:** the cost of an event depends on what it affects, not on the number of services or the size of zones.

pub mod core;
pub mod driver;
pub mod effect;
mod handle;
pub mod history;
pub mod memory;
mod orders;
pub mod prepare;
mod request;
mod serials;
pub mod setup;
pub mod status;
mod telling;
mod zone_histories;

pub use self::core::{Cached, Core, Event, Numbers};
pub use effect::{Effect, Notice, Tested, TimedNotice, TransferEvent};
pub use handle::EngineHandle;
pub use orders::{OrderId, Refusal};
pub use prepare::{ImageCache, Prepared};
pub use request::{Kept, NotKept, Reply, Request, RequestError};
pub use setup::Setup;
