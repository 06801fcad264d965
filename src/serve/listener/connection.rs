//! One connection of any listener that has them: who it is of, its permit, and the count of it.

use std::net::SocketAddr;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::base::connections::Permit;
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
        let permit = limiter.admit(peer.ip(), responder.clock().now().mono);
        responder.metrics().opened(transport);
        let (idle, reason) = (limiter.limits().idle, Mutex::new(CloseReason::Client));
        Self { peer, transport, responder, permit, idle, stop, tasks, reason }
    }

    /// Returns who asks now.
    pub(super) fn client(&self) -> Client {
        Client::new(self.peer, self.transport, self.responder.clock().now())
    }

    /// Returns who it is.
    pub(super) const fn peer(&self) -> SocketAddr {
        self.peer
    }

    /// Returns how much longer it may be without a whole query; nothing if it has been for too long.
    pub(super) fn left(&self) -> Option<Duration> {
        let idle = self.permit.idle_for(self.responder.clock().now().mono);
        self.idle.checked_sub(idle).filter(|left| !left.is_zero())
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
