//! The requests of the engine's clients, and the reasons for refusing them.

use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;

use tokio::sync::oneshot;

use crate::base::clock::Now;
use crate::health::orders::{Order, Scope};
use crate::health::push::PushReport;

use super::core::{Cached, Core};
use super::orders::{OrderId, Refusal};
use super::status::{Coverage, OrderStatus, Status};

/// One request, with the way back to the client.
#[derive(Debug)]
pub enum Request {
    /// Give an order.
    Give {
        /// The order.
        order: Order,
        /// Whether it may take the last eligible member of a service.
        even_last: bool,
        /// Gets its number.
        reply: Reply<OrderId>,
    },
    /// Take an order back.
    Clear(OrderId, Reply<()>),
    /// Let a service fail back.
    FailBack(String, Reply<()>),
    /// Take a state that is pushed from outside.
    Post(String, PushReport, Reply<()>),
    /// Probe all targets of a scope at once.
    ProbeNow(Scope, Reply<Vec<String>>),
    /// Change nothing, and say when all that was to be kept so far is on disk.
    Keep(Reply<()>),
    /// Report the orders.
    Orders(oneshot::Sender<Vec<OrderStatus>>),
    /// Report until when caches may hold answers that name what is covered.
    Cached(Scope, oneshot::Sender<Option<Cached>>),
    /// Report everything.
    Status(oneshot::Sender<Status>),
    /// Report what is believed and remembered, in the form in which it is kept.
    Picture(oneshot::Sender<BTreeMap<String, Vec<u8>>>),
    /// Count what is tested, and how the first so many services are served.
    Coverage(usize, oneshot::Sender<Coverage>),
    /// Show that the engine works.
    Beat(oneshot::Sender<()>),
}

/// The way back to a client whose request changes something.
pub type Reply<T> = oneshot::Sender<Result<(T, Kept), Refusal>>;

/// Ends when everything that the request changed is on disk.
pub struct Kept(Pin<Box<dyn Future<Output = Result<(), NotKept>> + Send>>);

/// Why a change is not on disk; it is in force, and writing is tried again.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("in force, but not on disk, so that a restart may forget it: {0}")]
pub struct NotKept(pub String);

/// Why a request failed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RequestError {
    /// It was refused; nothing has changed.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// It is in force, but a restart may forget it.
    #[error(transparent)]
    NotKept(#[from] NotKept),
    /// No engine replied: it has stopped or failed. If the request reached it, its effects may be on disk.
    #[error("the engine stopped before it replied: look at the status before you try again")]
    Stopped,
}

/// A reply that waits until the effects before it are carried out.
pub(super) type Pending = Box<dyn FnOnce(Kept) + Send>;

impl Kept {
    /// Makes it of a future.
    pub fn new(future: impl Future<Output = Result<(), NotKept>> + Send + 'static) -> Self {
        Self(Box::pin(future))
    }

    /// Waits until it is on disk.
    ///
    /// # Errors
    /// [`NotKept`].
    pub async fn wait(self) -> Result<(), NotKept> {
        self.0.await
    }
}

impl std::fmt::Debug for Kept {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Kept")
    }
}

impl Request {
    /// Carries it out; what is returned must be called when the effects that it left in the core are carried out.
    pub(super) fn apply(self, core: &mut Core, now: Now) -> Option<Pending> {
        match self {
            Self::Give { order, even_last, reply } => respond(core.give(order, even_last, now), reply),
            Self::Clear(id, reply) => {
                let cleared = if core.clear(id, now) { Ok(()) } else { Err(Refusal::NoSuchOrder(id)) };
                respond(cleared, reply)
            }
            Self::FailBack(service, reply) => respond(core.fail_back(&service, now), reply),
            Self::Post(name, post, reply) => respond(core.post(&name, post, now).map_err(Refusal::Post), reply),
            Self::ProbeNow(scope, reply) => respond(core.probe_now(&scope, now), reply),
            Self::Keep(reply) => respond(Ok(()), reply),
            // The client may be gone.
            Self::Orders(reply) => {
                drop(reply.send(core.order_status(now.wall)));
                None
            }
            Self::Cached(scope, reply) => {
                drop(reply.send(core.cached(&scope, now)));
                None
            }
            Self::Status(reply) => {
                drop(reply.send(core.status(now)));
                None
            }
            Self::Picture(reply) => {
                drop(reply.send(core.picture(now)));
                None
            }
            Self::Coverage(most, reply) => {
                drop(reply.send(core.coverage(most, now)));
                None
            }
            Self::Beat(reply) => {
                // Gone is who asked: nobody waits.
                let _: Result<(), ()> = reply.send(());
                None
            }
        }
    }
}

/// Refuses at once; what was accepted waits for its effects.
fn respond<T: Send + 'static>(result: Result<T, Refusal>, reply: Reply<T>) -> Option<Pending> {
    // The client may be gone: what was accepted counts without it.
    match result {
        Ok(value) => Some(Box::new(move |kept| drop(reply.send(Ok((value, kept)))))),
        Err(refusal) => {
            drop(reply.send(Err(refusal)));
            None
        }
    }
}
