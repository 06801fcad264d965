//! Zones that come from a primary: asked for when they are due, or when the primary tells of a new version.
//!
//! ```text
//!  NOTIFY ─▶ ┐
//!            ├─▶ Schedule (pure: refresh, retry, expire) ─▶ task ─▶ fetch: a query over TCP or TLS
//!  time ───▶ ┘          ▲                                             │ messages, each verified
//!                       └──── outcome ◀── Assembly (pure: a whole zone, or why not) ◀─┘
//! ```
//!
//! What is wrong in a transfer refuses the whole of it: the zone stays as it was, and is asked for again.

mod assembly;
mod catalog;
mod fetch;
mod schedule;
mod task;
#[cfg(test)]
mod tests;

pub use assembly::{Assembly, Limits, Outcome, Refused};
pub use catalog::{CatalogFault, members};
pub use fetch::{FetchError, Primary};
pub use schedule::{Schedule, Times};
pub use task::{Arrival, Arrived, Notified, Settings, Sources, Upstream, run};
