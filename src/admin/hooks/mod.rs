//! Hooks: webhooks and programs that are told what happens.
//!
//! ```text
//!  history ─▶ a task for each hook: which events ─▶ template ─▶ POST, signed, tried again  or  a program
//! ```
//!
//! Each hook reads the history at its own pace. What it is too slow for falls out of the ring, which is its queue, and is
//! counted: the engine waits for nobody.
//!
//! **Invariant:** a hook's receiver decides nothing: its answer is read as far as its status, and its program's exit code.

mod failure;
mod hub;
mod message;
mod metrics;
mod program;
mod settings;
mod task;
mod template;
#[cfg(test)]
mod tests;
mod webhook;

pub use hub::Hub;
pub use message::KINDS;
pub use metrics::Metrics;
pub use settings::{Action, Hook, Patience, Program, Secret, Trust, Url, Webhook};
pub use template::Template;
