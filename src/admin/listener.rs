//! A TCP listener with limits: on the number of connections, in total and per client, and on the time of each.

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::sleep;
use tracing::warn;

use crate::base::clock::Clock;
use crate::base::connections::{ConnectionLimiter, Limits};

/// Accepts everybody; beyond [`CONNECTIONS`] the oldest one makes room, so that nobody holds all places by saying nothing.
#[derive(Debug)]
pub(super) struct Limited {
    listener: TcpListener,
    limiter: ConnectionLimiter,
    clock: Clock,
}

/// A connection that fails when its lifetime is over, or when it has to make room.
pub(super) struct Brief {
    stream: TcpStream,
    end: Pin<Box<dyn Future<Output = ()> + Send>>,
}

impl Limited {
    /// Lays the limits over a listener; no connection lives longer than `lifetime`.
    pub(super) fn new(listener: TcpListener, clock: Clock, lifetime: Duration) -> Self {
        let limits = Limits { all: CONNECTIONS, per_client: CONNECTIONS / 2, idle: lifetime };
        Self { listener, limiter: ConnectionLimiter::new(limits), clock }
    }
}

impl axum::serve::Listener for Limited {
    type Io = Brief;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Brief, SocketAddr) {
        loop {
            match self.listener.accept().await {
                Ok((stream, peer)) => {
                    let permit = self.limiter.admit(peer.ip(), self.clock.now().mono);
                    let lifetime = self.limiter.limits().idle;
                    let end = async move { drop(tokio::time::timeout(lifetime, permit.evicted()).await) };
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

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }
}

impl fmt::Debug for Brief {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Brief").field(&self.stream).finish()
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

/// Some scrapers and an orchestrator's questions; nobody needs more. One client has half of them at most.
const CONNECTIONS: u32 = 64;

const PAUSE: Duration = Duration::from_secs(1);
