//! One connection of any connection-oriented listener: its client, its permit, and its metrics.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::base::clock::Mono;
use crate::base::connections::{Held, Permit};
use crate::base::tasks::Tasks;
use crate::serve::metrics::CloseReason;
use crate::serve::{Client, Responder};

use super::{Deps, Transport};

/// One connection, and all that it needs. It is counted while it lives.
#[derive(Debug)]
pub(super) struct Connection {
    peer: SocketAddr,
    transport: Transport,
    pub(super) responder: Responder,
    pub(super) permit: Permit,
    pub(super) idle: Duration,
    pub(super) stop: CancellationToken,
    pub(super) tasks: Tasks,
    reason: Mutex<CloseReason>,
    unread: Mutex<Unread>,
    /// What the connection needs by itself.
    _held: Held,
}

/// The answers that the client has not taken yet, each with when it was given.
#[derive(Debug, Default)]
struct Unread {
    since: BTreeMap<u64, Mono>,
    next: u64,
}

/// An answer on its way; it counts as not taken until it is dropped.
#[derive(Debug)]
pub(super) struct Outgoing {
    octets: Vec<u8>,
    number: u64,
    connection: Arc<Connection>,
    _held: Held,
}

impl Deps {
    /// Returns whether somebody may come by a transport.
    pub(super) fn admits(&self, transport: Transport, peer: SocketAddr) -> bool {
        self.responder.settings().load().transport_acl.admits(transport, peer.ip().to_canonical())
    }
}

impl Connection {
    /// Gives a connection its permit; at a limit another one has to leave.
    pub(super) fn admit(deps: &Deps, transport: Transport, peer: SocketAddr) -> Self {
        let Deps { responder, limiter, tasks, stop, .. } = deps.clone();
        let now = responder.clock().now().mono;
        let permit = limiter.admit(peer.ip(), now);
        responder.metrics().opened(transport);
        let (idle, reason) = (limiter.limits().idle, Mutex::new(CloseReason::Client));
        let (unread, held) = (Mutex::default(), permit.hold(transport.kind().held));
        Self { peer, transport, responder, permit, idle, stop, tasks, reason, unread, _held: held }
    }

    /// Returns who asks now.
    pub(super) fn client(&self) -> Client {
        Client::new(self.peer, self.transport, self.responder.clock().now())
    }

    /// Returns who it is.
    pub(super) const fn peer(&self) -> SocketAddr {
        self.peer
    }

    /// Returns when to look again whether it is idle or slow; nothing if it is: it has sent no whole query, or taken no
    /// answer, for too long.
    pub(super) fn left(&self) -> Option<Duration> {
        let now = self.responder.clock().now().mono;
        let idle = self.idle.checked_sub(self.permit.idle_for(now));
        let oldest = self.unread().since.first_key_value().map(|(_, since)| *since);
        let left = oldest.map_or(idle, |since| idle.min(self.patience().checked_sub(now.since(since))));
        left.filter(|left| !left.is_zero()).map(|left| left.min(LOOK))
    }

    /// Returns how long a client may take to send a query whole, and to take its answer.
    pub(super) fn patience(&self) -> Duration {
        self.idle.min(PATIENCE)
    }

    /// Sends an answer on its way.
    pub(super) fn outgoing(self: &Arc<Self>, octets: Vec<u8>) -> Outgoing {
        let mut unread = self.unread();
        let number = unread.next;
        unread.next += 1;
        unread.since.insert(number, self.responder.clock().now().mono);
        drop(unread);
        let held = self.permit.hold(octets.capacity());
        Outgoing { octets, number, connection: Arc::clone(self), _held: held }
    }

    fn unread(&self) -> MutexGuard<'_, Unread> {
        self.unread.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Says why it ends.
    pub(super) fn ends(&self, reason: CloseReason) {
        *self.reason.lock().unwrap_or_else(PoisonError::into_inner) = reason;
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        let reason = *self.reason.lock().unwrap_or_else(PoisonError::into_inner);
        self.responder.metrics().ended(self.transport, reason);
    }
}

impl AsRef<[u8]> for Outgoing {
    fn as_ref(&self) -> &[u8] {
        &self.octets
    }
}

impl Drop for Outgoing {
    fn drop(&mut self) {
        self.connection.unread().since.remove(&self.number);
    }
}

/// How long a client may take to send a query whole, and to take its answer.
const PATIENCE: Duration = Duration::from_secs(5);
/// How often it is looked whether an open connection is idle or slow.
const LOOK: Duration = Duration::from_secs(1);
