//! The history on disk: what happened over restarts, and what was judged from, so that it can be judged again.
//!
//! ```text
//! DIR/history.journal      a line of JSON each: events, outcomes, starts and ends of the server
//! DIR/history.journal.1    the file before; it goes when the first one is full
//! ```
//!
//! ```text
//!  engine ─▶ history in memory ─▶ follower ─┐
//!         └▶ outcomes ─▶ OutcomeSender ─────┴▶ task ─▶ files            Past, Lines ◀─ log, replay
//! ```
//!
//! Nothing is acknowledged and nobody waits for it: what finds no room is counted and told as lost, a disk that refuses is
//! asked again. A line that was torn by `kill -9` is passed over. Each file begins with a picture of what was believed,
//! so that either can be judged from its beginning.
//!
//! **Invariant:** this room does not know what an event says, only its number and its time.

mod files;
mod line;
mod lines;
mod metrics;
mod outcome;
mod past;
mod task;
#[cfg(test)]
mod tests;

pub use line::{EventLine, Line, Lost, OutcomeLine, Passed, Picture, Start, Stop, Version};
pub use lines::Lines;
pub use metrics::Metrics;
pub use outcome::UnknownOutcome;
pub use past::{Past, Wanted};
pub use task::{First, OutcomeSender, Recording, outcomes};
