//! A connection to a target of which only so much is read: no far side keeps a probe busy.
//!
//! Whatever a protocol lets a server repeat without end (interim answers, frames that mean nothing, single octets) costs
//! octets or reads, so these two limits, below TLS, bound the work of every probe and of every held connection. In between
//! the task gives way to others.
//!
//! | limit | what happens at it |
//! |---|---|
//! | 160 KiB, TLS included | fail, conclusive |
//! | 4,096 reads | fail, conclusive |

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

/// A TCP connection with an end to what may be read.
#[derive(Debug)]
pub(super) struct BoundedStream {
    socket: TcpStream,
    octets_left: usize,
    reads_left: u32,
    octets_until_yield: usize,
}

impl BoundedStream {
    /// Wraps a connection of which nothing was read yet.
    pub(super) const fn new(socket: TcpStream) -> Self {
        Self { socket, octets_left: OCTETS_MAX, reads_left: READS_MAX, octets_until_yield: YIELD_OCTETS }
    }

    /// Returns the socket.
    pub(super) const fn socket(&self) -> &TcpStream {
        &self.socket
    }
}

impl AsyncRead for BoundedStream {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if this.octets_left == 0 {
            return Poll::Ready(Err(limit(&format!("{} KiB", OCTETS_MAX / 1024))));
        }
        if this.reads_left == 0 {
            return Poll::Ready(Err(limit(&format!("{READS_MAX} pieces"))));
        }
        if this.octets_until_yield == 0 {
            this.octets_until_yield = YIELD_OCTETS;
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        let before = buf.filled().len();
        ready!(Pin::new(&mut this.socket).poll_read(cx, buf))?;
        let read = buf.filled().len().saturating_sub(before);
        this.octets_left = this.octets_left.saturating_sub(read);
        this.octets_until_yield = this.octets_until_yield.saturating_sub(read);
        this.reads_left = this.reads_left.saturating_sub(1);
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for BoundedStream {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().socket).poll_write(cx, buf)
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().socket).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().socket).poll_shutdown(cx)
    }
}

/// Makes the error of a limit: its kind is what the libraries of protocols leave of it.
fn limit(most: &str) -> io::Error {
    io::Error::new(LIMIT_REACHED, format!("the server comes to no end: more than {most}"))
}

/// The kind of error of a connection of which nothing more is read; no socket has it by itself.
pub(super) const LIMIT_REACHED: io::ErrorKind = io::ErrorKind::QuotaExceeded;
/// The most octets of one connection: 64 KiB of TLS handshake, 16 KiB of header, 64 KiB of body, and what frames them.
const OCTETS_MAX: usize = 160 * 1024;
/// The most reads of one connection: a body of 64 KiB in the smallest packets of IPv4 takes 123, the answers to the pings on
/// one that is held for a day 3,456.
const READS_MAX: u32 = 4_096;
/// After so many octets the task gives way.
const YIELD_OCTETS: usize = 16 * 1024;

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::super::tests::Server;
    use super::*;

    #[tokio::test]
    async fn of_a_stream_so_many_octets_and_reads_are_taken() {
        let flood = |mut stream: TcpStream| async move { while stream.write_all(&[b'x'; 4096]).await.is_ok() {} };
        let server = Server::start(flood).await;
        for (room, most) in [(4096, OCTETS_MAX), (1, usize::try_from(READS_MAX).unwrap())] {
            let mut stream = BoundedStream::new(TcpStream::connect(server.address).await.unwrap());
            let mut buffer = vec![0; room];
            let mut taken = 0;
            let error = loop {
                match stream.read(&mut buffer).await {
                    Ok(read) => taken += read,
                    Err(error) => break error,
                }
            };
            assert_eq!(error.kind(), LIMIT_REACHED, "{error}");
            assert!((most..most + room).contains(&taken), "{taken} octets, {room} at once");
        }
    }
}
