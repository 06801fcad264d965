//! The API: JSON over HTTP, for operators and their tools.
//!
//! ```text
//!  listener ─▶ guard: who may ask ─▶ routes ─▶ read: pictures         ─┐
//!                                          └─▶ change: orders, reloads ─┴─▶ EngineHandle, daemon
//! ```
//!
//! A refusal is an [`ErrorBody`] with a code for programs and a sentence for people; nothing has changed then.
//!
//! **Invariant:** no body is longer than [`MAX_BODY`], and no request takes longer than its connection may live.

mod body;
mod change;
mod error;
mod events;
mod guard;
mod history;
#[cfg(test)]
mod openapi;
mod read;
mod routes;
mod scope;
mod state;

pub use body::{
    EventsQuery, FailbackBody, Given, HistoryQuery, MAX_BODY, OrderBody, ProbeBody, Probed, PushBody, ReloadBody,
    Taken, ZoneBody,
};
pub use error::{ErrorBody, ErrorDetail};
pub use guard::{Arrival, Guard, Token};
pub use routes::router;
pub use state::{Api, HasSecondaries, ReloadRefused, ReloadRequest, Reloaded};
