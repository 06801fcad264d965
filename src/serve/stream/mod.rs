//! Listeners for streams: TCP (RFC 7766), TLS (RFC 7858) and HTTPS (RFC 8484).
//!
//! ```text
//!  accept ─▶ may it come? ─▶ a place (the longest idle makes room) ─▶ a task for each connection
//!                                                                       ├─ TCP          ─────────────▶ connection: frames
//!                                                                       ├─ TLS ─ handshake ──────────▶ connection: frames
//!                                                                       └─ TLS ─ handshake ─ ALPN ───▶ https: requests
//! ```
//!
//! hickory-server's listener has no limit of connections, answers one query of a connection after the other, ends what
//! is in flight at shutdown, and cannot tell who is slow from who is idle.
//!
//! **Invariant:** accepting waits for nobody: handshakes and all that follows is the connection's own task.

mod connection;
mod https;

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use rustls::ServerConfig;
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;
use tokio_util::sync::CancellationToken;
use tracing::debug;

use crate::base::tasks::{TaskSet, Tasks};

use super::limiter::{ConnectionLimiter, Permit};
use super::metrics::CloseReason;
use super::tls::{Certificates, Versions};
use super::{Client, Responder, Transport};

/// What is spoken behind a listener.
#[derive(Clone, Debug)]
pub struct Protocol {
    transport: Transport,
    tls: Option<Arc<ServerConfig>>,
}

/// A listener for streams, ready to be opened.
#[derive(Debug)]
pub struct StreamListener {
    protocol: Protocol,
    listener: TcpListener,
    responder: Responder,
    limiter: ConnectionLimiter,
    tasks: Tasks,
}

impl Protocol {
    /// DNS over TCP.
    pub const fn tcp() -> Self {
        Self { transport: Transport::Tcp, tls: None }
    }

    /// DNS over TLS; clients that name no protocol are taken too (RFC 7858 §3.1).
    pub fn tls(certificates: &Certificates) -> Self {
        Self { transport: Transport::Tls, tls: Some(certificates.config(&[b"dot"], Versions::Both)) }
    }

    /// DNS over HTTPS.
    pub fn https(certificates: &Certificates) -> Self {
        let config = certificates.config(&[b"h2", b"http/1.1"], Versions::Both);
        Self { transport: Transport::Https, tls: Some(config) }
    }
}

impl StreamListener {
    /// Takes a listener; call within a tokio runtime. The connections are tasks of `tasks`.
    ///
    /// # Errors
    /// If the listener cannot be made non-blocking or registered.
    pub fn new(
        protocol: Protocol,
        listener: std::net::TcpListener,
        responder: Responder,
        limiter: ConnectionLimiter,
        tasks: Tasks,
    ) -> io::Result<Self> {
        listener.set_nonblocking(true)?;
        Ok(Self { protocol, listener: TcpListener::from_std(listener)?, responder, limiter, tasks })
    }

    /// Answers until it is told to stop, then what has arrived by then; ends when the last connection has.
    pub async fn run(self, stop: CancellationToken) {
        let mut connections = self.tasks.set("connection");
        loop {
            tokio::select! {
                biased;
                () = stop.cancelled() => break,
                Some(_) = connections.next() => {}
                accepted = self.listener.accept() => match accepted {
                    Ok((stream, peer)) => self.admit(&mut connections, stream, peer, &stop),
                    Err(error) => {
                        debug!(%error, "cannot accept a connection");
                        // Out of file descriptors, most likely.
                        self.limiter.make_room();
                        tokio::time::sleep(PAUSE).await;
                    }
                },
            }
        }
        drop(self.listener);
        while connections.next().await.is_some() {}
    }

    fn admit(&self, connections: &mut TaskSet<()>, stream: TcpStream, peer: SocketAddr, stop: &CancellationToken) {
        let transport = self.protocol.transport;
        let client = Client::new(peer, transport, self.responder.clock().now());
        if !self.responder.settings().load().transport_acl.admits(transport, client.address) {
            return;
        }
        // Answers are whole segments: waiting for more would only delay them. A socket without the option works too.
        let _slower = stream.set_nodelay(true);
        let permit = self.limiter.admit(client.address, transport, client.now.mono);
        let peer_connection = Connection {
            peer,
            transport,
            responder: self.responder.clone(),
            permit: Arc::new(permit),
            idle: self.limiter.limits().idle,
            stop: stop.clone(),
            tasks: self.tasks.clone(),
        };
        connections.spawn(peer_connection.run(stream, self.protocol.tls.clone()));
    }
}

/// One connection, and all that it needs.
#[derive(Debug)]
struct Connection {
    peer: SocketAddr,
    transport: Transport,
    responder: Responder,
    permit: Arc<Permit>,
    idle: Duration,
    stop: CancellationToken,
    tasks: Tasks,
}

impl Connection {
    async fn run(self, stream: TcpStream, tls: Option<Arc<ServerConfig>>) {
        let permit = Arc::clone(&self.permit);
        let end = match tls {
            None => connection::answer(stream, &self).await,
            Some(config) => match self.handshake(stream, config).await {
                Ok(stream) if self.transport == Transport::Https => https::answer(stream, self).await,
                Ok(stream) => connection::answer(stream, &self).await,
                Err(end) => end,
            },
        };
        permit.ends(end);
    }

    async fn handshake(
        &self,
        stream: TcpStream,
        config: Arc<ServerConfig>,
    ) -> Result<TlsStream<TcpStream>, CloseReason> {
        tokio::select! {
            biased;
            () = self.permit.evicted() => Err(CloseReason::Evicted),
            () = self.stop.cancelled() => Err(CloseReason::Stopped),
            () = tokio::time::sleep(self.idle) => Err(CloseReason::Handshake),
            stream = TlsAcceptor::from(config).accept(stream) => stream.map_err(|error| {
                debug!(%error, client.addr = %self.peer, "no TLS handshake");
                CloseReason::Handshake
            }),
        }
    }

    /// Returns who asks now.
    fn client(&self) -> Client {
        Client::new(self.peer, self.transport, self.responder.clock().now())
    }
}

/// How long a listener that fails is left alone.
const PAUSE: Duration = Duration::from_millis(10);
