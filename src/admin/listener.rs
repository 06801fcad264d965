//! A TCP listener with limits: so many connections at once, each so long.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Sleep, sleep};
use tracing::warn;

/// Accepts at most [`CONNECTIONS`] at once; more wait in the system's queue.
#[derive(Debug)]
pub(super) struct Limited {
    listener: TcpListener,
    places: Arc<Semaphore>,
    lifetime: Duration,
}

/// A connection that fails when its lifetime is over, so that nobody holds a place by saying nothing.
#[derive(Debug)]
pub(super) struct Brief {
    stream: TcpStream,
    end: Pin<Box<Sleep>>,
    _place: OwnedSemaphorePermit,
}

impl Limited {
    /// Lays the limits over a listener; no connection lives longer than `lifetime`.
    pub(super) fn new(listener: TcpListener, lifetime: Duration) -> Self {
        Self { listener, places: Arc::new(Semaphore::new(CONNECTIONS)), lifetime }
    }
}

impl axum::serve::Listener for Limited {
    type Io = Brief;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Brief, SocketAddr) {
        let place = Arc::clone(&self.places).acquire_owned().await.expect("nobody closes this semaphore");
        loop {
            match self.listener.accept().await {
                Ok((stream, peer)) => {
                    return (Brief { stream, end: Box::pin(sleep(self.lifetime)), _place: place }, peer);
                }
                Err(error) => {
                    warn!(%error, "cannot accept an HTTP connection");
                    // Out of file descriptors, most likely: trying at once would only burn the processor.
                    sleep(PAUSE).await;
                }
            }
        }
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
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

/// Some scrapers and an orchestrator's questions; nobody needs more.
const CONNECTIONS: usize = 32;

const PAUSE: Duration = Duration::from_secs(1);
