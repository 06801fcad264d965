//! The doors by which questions come, and what of them a reload replaces.

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
use crate::serve::stream::Speech;
use crate::serve::{self, Certificates, Identity, Places, Responder, Secrets, quic, stream, udp};

use super::sockets::{Door, Encrypted};

/// Open doors, which answer until they are closed.
#[derive(Debug)]
pub(super) struct Doors {
    responder: Responder,
    certificates: Option<Certificates>,
    /// Whether the secrets of cookies are our own, to be replaced each day.
    own_secrets: Arc<AtomicBool>,
    stop: CancellationToken,
    open: Vec<JoinHandle<()>>,
    addresses: Vec<SocketAddr>,
}

/// What doors are opened with.
#[derive(Debug)]
pub(super) struct Means {
    pub(super) responder: Responder,
    pub(super) places: Places,
    /// What the encrypted doors show; without it they stay shut.
    pub(super) identity: Option<Identity>,
    /// Whether the secrets of cookies are our own.
    pub(super) own_secrets: bool,
    /// UDP and TCP.
    pub(super) plain: Vec<Door>,
    /// All others.
    pub(super) encrypted: Encrypted,
}

impl Doors {
    /// Opens the doors.
    ///
    /// # Errors
    /// If a socket cannot be handed to the runtime.
    pub(super) fn open(tasks: &Tasks, means: Means) -> io::Result<Self> {
        let Means { responder, places, identity, own_secrets, plain, encrypted } = means;
        let certificates = identity.map(Certificates::new);
        let mut doors = Self {
            responder,
            certificates,
            own_secrets: Arc::new(AtomicBool::new(own_secrets)),
            stop: tasks.token().child_token(),
            open: Vec::new(),
            addresses: plain.iter().map(|door| door.address).collect(),
        };
        for door in plain {
            let datagrams = udp::Door::new(doors.responder.clone(), door.udp)?;
            doors.open.push(tasks.spawn("datagrams", datagrams.run(doors.stop.clone())));
            doors.open_stream(tasks, &places, Speech::tcp(), door.tcp)?;
            info!(listen = %door.address, "listening on UDP and TCP");
        }
        if let Some(certificates) = doors.certificates.clone() {
            for listener in encrypted.tls {
                info!(listen = %listener.local_addr()?, "listening on TLS");
                doors.open_stream(tasks, &places, Speech::tls(&certificates), listener)?;
            }
            for listener in encrypted.https {
                info!(listen = %listener.local_addr()?, "listening on HTTPS");
                doors.open_stream(tasks, &places, Speech::https(&certificates), listener)?;
            }
            for socket in encrypted.quic {
                info!(listen = %socket.local_addr()?, "listening on QUIC");
                let (responder, places) = (doors.responder.clone(), places.clone());
                let door = quic::Door::new(&certificates, socket, responder, places, tasks.clone())?;
                doors.open.push(tasks.spawn("quic", door.run(doors.stop.clone())));
            }
        }
        drop(tasks.spawn("cookie-secrets", doors.replace_secrets()));
        Ok(doors)
    }

    fn open_stream(
        &mut self,
        tasks: &Tasks,
        places: &Places,
        speech: Speech,
        listener: std::net::TcpListener,
    ) -> io::Result<()> {
        let door = stream::Door::new(speech, listener, self.responder.clone(), places.clone(), tasks.clone())?;
        self.open.push(tasks.spawn("streams", door.run(self.stop.clone())));
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

    /// Closes the doors; what has come in is answered.
    pub(super) async fn close(self) {
        self.stop.cancel();
        let closed = async {
            for door in self.open {
                // A door whose task failed is closed too.
                let _failed = door.await;
            }
        };
        if tokio::time::timeout(DRAIN, closed).await.is_err() {
            warn!("the doors did not close in time");
        }
    }
}

/// How long a secret of our own signs cookies: a cookie lives for an hour.
const SECRET_LIFE: Duration = Duration::from_secs(86_400);
/// How long answers may take to reach slow clients at the end.
const DRAIN: Duration = Duration::from_secs(4);
