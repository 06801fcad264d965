//! A stream that yields to other tasks after each read of a few octets.
//!
//! Some data is cheap to send and expensive to process, such as HTTP/2 frames without requests. Without yielding, a
//! flood from one client occupies a thread for as long as the client can fill the socket.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// Lets the others have their turn after each read.
#[derive(Debug)]
pub(super) struct GiveWay<S> {
    stream: S,
    has_read: bool,
}

impl<S> GiveWay<S> {
    /// Takes a stream.
    pub(super) const fn new(stream: S) -> Self {
        Self { stream, has_read: false }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for GiveWay<S> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        if std::mem::take(&mut self.has_read) {
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        let mut octets = [0; READ];
        let room = buffer.remaining().min(READ);
        let mut part = ReadBuf::new(octets.get_mut(..room).unwrap_or_default());
        ready!(Pin::new(&mut self.stream).poll_read(cx, &mut part))?;
        self.has_read = true;
        buffer.put_slice(part.filled());
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for GiveWay<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, octets: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, octets)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

/// How many octets are read in a turn: some 240 of the smallest frames of HTTP/2.
const READ: usize = 4 << 10;

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, repeat};

    use super::*;

    #[tokio::test]
    async fn after_each_read_it_is_the_others_turn() {
        let mut flood = GiveWay::new(repeat(7));
        let mut octets = vec![0; 1 << 20];
        let mut read = std::pin::pin!(flood.read_exact(&mut octets));
        let mut turns = 0;
        let begin = std::future::poll_fn(|cx| {
            turns += 1;
            Poll::Ready(read.as_mut().poll(cx).is_ready())
        });
        assert!(!begin.await, "the flood is read at once");
        let rest = std::future::poll_fn(|cx| {
            turns += 1;
            read.as_mut().poll(cx)
        });
        assert_eq!(rest.await.unwrap(), 1 << 20);
        assert_eq!(turns, (1 << 20) / READ);
        assert!(octets.iter().all(|octet| *octet == 7));
    }
}
