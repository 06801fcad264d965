//! The listeners by which questions come, and what of them a reload replaces.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use crate::base::tasks::Tasks;
use crate::config::Running;
use crate::serve::stream::Protocol;
use crate::serve::{self, Certificates, ConnectionLimiter, Identity, Responder, Secrets, quic, stream, udp};

use super::sockets::{Encrypted, SocketPair};

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

/// What listeners are opened with.
#[derive(Debug)]
pub(super) struct Deps {
    pub(super) responder: Responder,
    pub(super) limiter: ConnectionLimiter,
    /// What the encrypted listeners show; without it they stay shut.
    pub(super) identity: Option<Identity>,
    /// Whether the secrets of cookies are our own.
    pub(super) own_secrets: bool,
    /// UDP and TCP.
    pub(super) plain: Vec<SocketPair>,
    /// All others.
    pub(super) encrypted: Encrypted,
}

impl Listeners {
    /// Opens the listeners.
    ///
    /// # Errors
    /// If a socket cannot be handed to the runtime.
    pub(super) fn open(tasks: &Tasks, deps: Deps) -> io::Result<Self> {
        let Deps { responder, limiter, identity, own_secrets, plain, encrypted } = deps;
        let certificates = identity.map(Certificates::new);
        let mut listeners = Self {
            responder,
            certificates,
            own_secrets: Arc::new(AtomicBool::new(own_secrets)),
            stop: tasks.token().child_token(),
            open: Vec::new(),
            addresses: plain.iter().map(|listener| listener.address).collect(),
        };
        for listener in plain {
            let datagrams = udp::UdpListener::new(listeners.responder.clone(), listener.udp)?;
            listeners.open.push(tasks.spawn("datagrams", datagrams.run(listeners.stop.clone())));
            listeners.open_stream(tasks, &limiter, Protocol::tcp(), listener.tcp)?;
            info!(listen = %listener.address, "listening on UDP and TCP");
        }
        if let Some(certificates) = listeners.certificates.clone() {
            for listener in encrypted.tls {
                info!(listen = %listener.local_addr()?, "listening on TLS");
                listeners.open_stream(tasks, &limiter, Protocol::tls(&certificates), listener)?;
            }
            for listener in encrypted.https {
                info!(listen = %listener.local_addr()?, "listening on HTTPS");
                listeners.open_stream(tasks, &limiter, Protocol::https(&certificates), listener)?;
            }
            for socket in encrypted.quic {
                info!(listen = %socket.local_addr()?, "listening on QUIC");
                let (responder, limiter) = (listeners.responder.clone(), limiter.clone());
                let listener = quic::QuicListener::new(&certificates, socket, responder, limiter, tasks.clone())?;
                listeners.open.push(tasks.spawn("quic", listener.run(listeners.stop.clone())));
            }
        }
        drop(tasks.spawn("cookie-secrets", listeners.replace_secrets()));
        Ok(listeners)
    }

    fn open_stream(
        &mut self,
        tasks: &Tasks,
        limiter: &ConnectionLimiter,
        protocol: Protocol,
        listener: std::net::TcpListener,
    ) -> io::Result<()> {
        let listener =
            stream::StreamListener::new(protocol, listener, self.responder.clone(), limiter.clone(), tasks.clone())?;
        self.open.push(tasks.spawn("streams", listener.run(self.stop.clone())));
        Ok(())
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
