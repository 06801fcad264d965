//! The listeners for queries, and the parts of them that a reload replaces.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use crate::config::Running;
use crate::serve::{self, Certificates, Deps, Frame, Responder, Secrets};

use super::sockets::Bound;

/// Open listeners, which answer until they are closed.
#[derive(Debug)]
pub(super) struct Listeners {
    responder: Responder,
    certificates: Option<Certificates>,
    /// Whether the secrets of cookies are our own, to be replaced each day.
    own_secrets: Arc<AtomicBool>,
    stop: CancellationToken,
    open: Vec<JoinHandle<()>>,
    addresses: Vec<SocketAddr>,
}

impl Listeners {
    /// Opens the listeners; `own_secrets` tells whether the secrets of cookies are our own.
    ///
    /// # Errors
    /// If a socket cannot be handed to the runtime.
    pub(super) fn open(frame: Frame, deps: &Deps, bound: Vec<Bound>, own_secrets: bool) -> io::Result<Self> {
        let shares = |bound: &&Bound| bound.sockets.iter().any(|(transport, _)| transport.kind().listen.is_none());
        let mut listeners = Self {
            responder: deps.responder.clone(),
            certificates: deps.certificates.clone(),
            own_secrets: Arc::new(AtomicBool::new(own_secrets)),
            stop: deps.stop.clone(),
            open: Vec::new(),
            addresses: bound.iter().filter(shares).map(|bound| bound.address).collect(),
        };
        let told: Vec<_> = bound.iter().map(|bound| (bound.address, bound.to_string())).collect();
        for (name, listening) in frame.open(bound.into_iter().flat_map(|bound| bound.sockets), deps)? {
            listeners.open.push(deps.tasks.spawn_vital_until(name, &deps.stop, listening));
        }
        for (address, titles) in told {
            info!(listen = %address, "listening on {titles}");
        }
        if frame == Frame::Hickory {
            info!("the listeners are those of hickory-server");
        }
        drop(deps.tasks.spawn_vital_until("cookie-secrets", &deps.stop, listeners.replace_secrets()));
        Ok(listeners)
    }

    /// Replaces our own secrets of cookies each day; the one before is believed until then.
    fn replace_secrets(&self) -> impl Future<Output = ()> + Send + use<> {
        let (stop, secrets, own) = (self.stop.clone(), self.responder.secrets(), Arc::clone(&self.own_secrets));
        async move {
            loop {
                tokio::select! {
                    biased;
                    () = stop.cancelled() => return,
                    () = tokio::time::sleep(SECRET_LIFE) => {}
                }
                if own.load(Ordering::Relaxed) {
                    let next = secrets.load().rotated(serve::random());
                    secrets.set(next);
                }
            }
        }
    }

    /// Answers by other settings, secrets and certificates from now on; connections stay.
    pub(super) fn renew(&self, running: &Running) {
        self.responder.settings().set(running.serve.clone());
        self.responder.metrics().set_zones(running.setup.zones.iter().map(|(_, zone)| &zone.origin));
        match (&running.secrets, self.own_secrets.swap(running.secrets.is_none(), Ordering::Relaxed)) {
            (Some(secrets), _) => self.responder.secrets().set(secrets.clone()),
            // The file is named no more: its secrets are not ours to go on with.
            (None, false) => self.responder.secrets().set(Secrets::new(serve::random())),
            (None, true) => {}
        }
        if let (Some(certificates), Some(identity)) = (&self.certificates, &running.identity) {
            certificates.set(identity.clone());
        }
    }

    /// Returns where questions are answered.
    pub(super) fn addresses(&self) -> &[SocketAddr] {
        &self.addresses
    }

    /// Closes the listeners; what has come in is answered.
    pub(super) async fn close(self) {
        self.stop.cancel();
        let closed = async {
            for listener in self.open {
                // A listener whose task failed is closed too.
                let _failed = listener.await;
            }
        };
        if tokio::time::timeout(DRAIN, closed).await.is_err() {
            warn!("the listeners did not close in time");
        }
    }
}

/// How long a secret of our own signs cookies: a cookie lives for an hour.
const SECRET_LIFE: Duration = Duration::from_secs(86_400);
/// How long answers may take to reach slow clients at the end.
const DRAIN: Duration = Duration::from_secs(4);
