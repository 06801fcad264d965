//! A listener with limits: on the number of connections, in total and per client, and on the time of each.

use std::fmt;
use std::io;
use std::net::{IpAddr, Ipv4Addr};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::extract::connect_info::Connected;
use axum::serve::IncomingStream;
use rustls::ServerConfig;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, UnixListener};
use tokio::time::sleep;
use tracing::warn;

use crate::base::clock::Clock;
use crate::base::connections::{ConnectionLimiter, Limits};

use super::encrypted::Encrypted;

/// Where connections come from.
#[derive(Debug)]
pub enum Socket {
    /// The network.
    Tcp(TcpListener),
    /// The network, encrypted.
    Tls(TcpListener, Arc<ServerConfig>),
    /// This machine: whoever may open the socket's file.
    Unix(UnixListener),
}

/// Who is at the other end of a connection.
#[derive(Clone, Debug, Default)]
pub struct Peer {
    /// The address, by network.
    address: Option<IpAddr>,
    /// The user, by a socket of this machine.
    user: Option<u32>,
    /// Whether the connection may live on.
    extended: Arc<AtomicBool>,
}

/// Accepts everybody; beyond [`CONNECTIONS`] the oldest one makes room, so that nobody holds all places by saying nothing.
#[derive(Debug)]
pub(super) struct Limited {
    socket: Socket,
    limiter: ConnectionLimiter,
    clock: Clock,
}

/// A connection that fails when its lifetime is over, or when it has to make room.
pub(super) struct Brief {
    stream: Box<dyn Stream>,
    end: Pin<Box<dyn Future<Output = ()> + Send>>,
}

trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<S: AsyncRead + AsyncWrite + Send + Unpin> Stream for S {}

impl Socket {
    async fn accept(&self) -> io::Result<(Box<dyn Stream>, Peer)> {
        Ok(match self {
            Self::Tcp(listener) => {
                let (stream, from) = listener.accept().await?;
                (Box::new(stream), Peer { address: Some(from.ip()), ..Peer::default() })
            }
            Self::Tls(listener, config) => {
                let (stream, from) = listener.accept().await?;
                let stream = Encrypted::accept(stream, Arc::clone(config));
                (Box::new(stream), Peer { address: Some(from.ip()), ..Peer::default() })
            }
            Self::Unix(listener) => {
                let (stream, _) = listener.accept().await?;
                let user = stream.peer_cred().ok().map(|credentials| credentials.uid());
                (Box::new(stream), Peer { user, ..Peer::default() })
            }
        })
    }
}

impl Peer {
    /// Lets the connection live as long as it is used: what is asked takes its time.
    pub(super) fn extend(&self) {
        self.extended.store(true, Ordering::Relaxed);
    }

    /// A socket of this machine has one client: they share its places.
    fn client(&self) -> IpAddr {
        self.address.unwrap_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED))
    }
}

impl fmt::Display for Peer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.user, self.address) {
            (Some(user), _) => write!(f, "user {user}"),
            (None, Some(address)) => write!(f, "{address}"),
            (None, None) => f.write_str("unknown"),
        }
    }
}

impl Connected<IncomingStream<'_, Limited>> for Peer {
    fn connect_info(stream: IncomingStream<'_, Limited>) -> Self {
        stream.remote_addr().clone()
    }
}

impl Limited {
    /// Lays the limits over a listener; no connection lives longer than `lifetime` that is not extended.
    pub(super) fn new(socket: Socket, clock: Clock, lifetime: Duration) -> Self {
        let per_client = match socket {
            Socket::Tcp(_) | Socket::Tls(..) => CONNECTIONS / 2,
            Socket::Unix(_) => CONNECTIONS,
        };
        let limits = Limits { all: CONNECTIONS, per_client, idle: lifetime };
        Self { socket, limiter: ConnectionLimiter::new(limits), clock }
    }
}

impl axum::serve::Listener for Limited {
    type Io = Brief;
    type Addr = Peer;

    async fn accept(&mut self) -> (Brief, Peer) {
        loop {
            match self.socket.accept().await {
                Ok((stream, peer)) => {
                    let permit = self.limiter.admit(peer.client(), self.clock.now().mono);
                    let lifetime = self.limiter.limits().idle;
                    let extended = Arc::clone(&peer.extended);
                    let end = async move {
                        let is_over = tokio::time::timeout(lifetime, permit.evicted()).await.is_err();
                        if is_over && extended.load(Ordering::Relaxed) {
                            permit.evicted().await;
                        }
                    };
                    return (Brief { stream, end: Box::pin(end) }, peer);
                }
                Err(error) => {
                    warn!(%error, "cannot accept an HTTP connection");
                    // Out of file descriptors, most likely: trying at once would only burn the processor.
                    self.limiter.make_room();
                    sleep(PAUSE).await;
                }
            }
        }
    }

    fn local_addr(&self) -> io::Result<Peer> {
        Ok(Peer::default())
    }
}

impl fmt::Debug for Brief {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Brief")
    }
}

impl Brief {
    fn poll_end(&mut self, cx: &mut Context<'_>) -> Poll<io::Error> {
        ready!(self.end.as_mut().poll(cx));
        Poll::Ready(io::ErrorKind::TimedOut.into())
    }
}

impl AsyncRead for Brief {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        match Pin::new(&mut self.stream).poll_read(cx, buf) {
            Poll::Pending => self.poll_end(cx).map(Err),
            done @ Poll::Ready(_) => done,
        }
    }
}

impl AsyncWrite for Brief {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        match Pin::new(&mut self.stream).poll_write(cx, bytes) {
            Poll::Pending => self.poll_end(cx).map(Err),
            done @ Poll::Ready(_) => done,
        }
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

/// Some scrapers and an orchestrator's questions; nobody needs more. One client of the network has half of them at most.
const CONNECTIONS: u32 = 64;

const PAUSE: Duration = Duration::from_secs(1);
