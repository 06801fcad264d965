//! The live table of a running server on a terminal: what is served, why, since when.
//!
//! ```text
//!  engine ── Status ──▶ table (pure: lines) ──▶ screen ──▶ terminal: a thread; log lines scroll by above the table
//!  notices ── news ─────────┘                      ▲
//!  log ── held lines ──────────────────────────────┘
//! ```

mod keyboard;
mod screen;
mod table;
mod terminal;
#[cfg(test)]
mod tests;

pub(super) use keyboard::{Key, Keyboard};
pub(super) use screen::{Screen, can_draw, picture};
pub(super) use table::{Frame, draw};
