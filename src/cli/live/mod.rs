//! The live table of a running server on a terminal: what is served, why, since when.
//!
//! ```text
//!  engine ── Status ──▶ table (pure: lines) ──▶ screen ──▶ terminal: log lines scroll by above, the table stays below
//!  notices ── news ─────────┘                      ▲
//!  log ── held lines ──────────────────────────────┘
//! ```

mod screen;
mod table;
#[cfg(test)]
mod tests;

pub(super) use screen::Screen;
