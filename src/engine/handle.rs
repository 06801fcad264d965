//! The engine as its clients see it: a list of methods.

use std::collections::BTreeMap;

use tokio::sync::{mpsc, oneshot};

use crate::health::orders::{Order, Scope};
use crate::health::push::PushReport;

use super::core::Cached;
use super::driver::Message;
use super::history::History;
use super::orders::OrderId;
use super::request::{NotKept, Reply, Request, RequestError};
use super::status::{Coverage, OrderStatus, Status};

/// Sends requests to the engine and waits for the replies; clones are the same.
///
/// A change is acknowledged when everything of it that must survive a restart is on disk. Requests share the engine's
/// bounded queue with what the probes report: when it is full, a client waits.
#[derive(Clone, Debug)]
pub struct EngineHandle {
    inbox: mpsc::Sender<Message>,
    history: History,
}

impl EngineHandle {
    /// Makes a handle of the way into the engine's queue and the history.
    pub const fn new(inbox: mpsc::Sender<Message>, history: History) -> Self {
        Self { inbox, history }
    }

    /// Gives an order (down, drained or up) and returns its number. `even_last` lets it take the last eligible member of
    /// a service.
    ///
    /// # Errors
    /// [`RequestError`].
    pub async fn give_order(&self, order: Order, even_last: bool) -> Result<OrderId, RequestError> {
        let (id, kept) = self.order(order, even_last).await?;
        kept?;
        Ok(id)
    }

    /// As [`Self::give_order`], but an order that is in force and not on disk is told with its number.
    ///
    /// # Errors
    /// [`RequestError::Refused`] and [`RequestError::Stopped`]: it is not in force then.
    pub async fn order(&self, order: Order, even_last: bool) -> Result<(OrderId, Result<(), NotKept>), RequestError> {
        let (id, kept) = self.send(|reply| Request::Give { order, even_last, reply }).await??;
        Ok((id, kept.wait().await))
    }

    /// Takes an order back.
    ///
    /// # Errors
    /// [`RequestError`].
    pub async fn clear_order(&self, id: OrderId) -> Result<(), RequestError> {
        self.change(|reply| Request::Clear(id, reply)).await
    }

    /// Lets a service fail back, once.
    ///
    /// # Errors
    /// [`RequestError`].
    pub async fn fail_back(&self, service: &str) -> Result<(), RequestError> {
        self.change(|reply| Request::FailBack(service.to_owned(), reply)).await
    }

    /// Hands over a state that is pushed from outside. It is not kept over restarts.
    ///
    /// # Errors
    /// [`RequestError`].
    pub async fn post(&self, name: &str, post: PushReport) -> Result<(), RequestError> {
        self.change(|reply| Request::Post(name.to_owned(), post, reply)).await
    }

    /// Has all targets of a scope probed at once; returns their names. It does not wait for what the probes find.
    ///
    /// # Errors
    /// [`RequestError`].
    pub async fn probe_now(&self, scope: Scope) -> Result<Vec<String>, RequestError> {
        self.change(|reply| Request::ProbeNow(scope, reply)).await
    }

    /// Waits until all that is to be kept so far is on disk.
    ///
    /// # Errors
    /// [`RequestError`].
    pub async fn kept(&self) -> Result<(), RequestError> {
        self.change(Request::Keep).await
    }

    /// Returns the orders that are not over.
    ///
    /// # Errors
    /// [`RequestError::Stopped`].
    pub async fn orders(&self) -> Result<Vec<OrderStatus>, RequestError> {
        self.send(Request::Orders).await
    }

    /// Returns until when caches may hold answers that name what is covered; nothing while a decision is not published.
    ///
    /// # Errors
    /// [`RequestError::Stopped`].
    pub async fn cached(&self, scope: Scope) -> Result<Option<Cached>, RequestError> {
        self.send(|reply| Request::Cached(scope, reply)).await
    }

    /// Returns a picture of everything.
    ///
    /// # Errors
    /// [`RequestError::Stopped`].
    pub async fn status(&self) -> Result<Status, RequestError> {
        self.send(Request::Status).await
    }

    /// Returns what is believed and remembered, in the form in which it is kept: another core can go on from it.
    ///
    /// # Errors
    /// [`RequestError::Stopped`].
    pub async fn picture(&self) -> Result<BTreeMap<String, Vec<u8>>, RequestError> {
        self.send(Request::Picture).await
    }

    /// Returns how much is tested, and how the first so many services are served.
    ///
    /// # Errors
    /// [`RequestError::Stopped`].
    pub async fn coverage(&self, most: usize) -> Result<Coverage, RequestError> {
        self.send(|reply| Request::Coverage(most, reply)).await
    }

    /// Waits until the engine has worked off what waits for it; shows that it does not hang.
    ///
    /// # Errors
    /// [`RequestError::Stopped`].
    pub async fn beat(&self) -> Result<(), RequestError> {
        self.send(Request::Beat).await
    }

    /// Returns what happened so far, to be read after a cursor or followed.
    pub const fn history(&self) -> &History {
        &self.history
    }

    async fn change<T>(&self, request: impl FnOnce(Reply<T>) -> Request) -> Result<T, RequestError> {
        let (value, kept) = self.send(request).await??;
        kept.wait().await?;
        Ok(value)
    }

    async fn send<T>(&self, request: impl FnOnce(oneshot::Sender<T>) -> Request) -> Result<T, RequestError> {
        let (reply, answer) = oneshot::channel();
        self.inbox.send(Message::Request(request(reply))).await.map_err(|_gone| RequestError::Stopped)?;
        answer.await.map_err(|_gone| RequestError::Stopped)
    }
}
