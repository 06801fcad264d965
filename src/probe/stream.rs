//! A stream to the target, plain or in TLS, behind one type: used by the protocol checks.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadBuf};
use tokio::net::TcpStream;
use tokio_rustls::client::TlsStream;

use super::attempt::{Attempt, Ending, unknown};
use super::bounded::BoundedStream;
use super::connect::connect;
use super::errors::{self, ErrorOrigin};
use super::tls::{Tls, handshake};
use crate::health::Outcome;

/// A connection that stands.
#[derive(Debug)]
pub(super) enum Stream {
    /// TCP alone.
    Plain(BoundedStream),
    /// TLS over TCP.
    Tls(Box<TlsStream<BoundedStream>>),
}

impl Stream {
    /// Connects, and shakes hands if `tls` is there: one or two steps of the account.
    pub(super) async fn open(tls: Option<&Tls>, attempt: &mut Attempt<'_>) -> Result<Self, Outcome> {
        let stream = connect(attempt).await?;
        match tls {
            Some(tls) => Ok(Self::Tls(Box::new(handshake(tls, stream, attempt).await?))),
            None => Ok(Self::Plain(stream)),
        }
    }

    /// Returns the protocol that both sides agreed on (ALPN), if there is TLS and they did.
    pub(super) fn protocol(&self) -> Option<&[u8]> {
        match self {
            Self::Plain(_) => None,
            Self::Tls(stream) => stream.get_ref().1.alpn_protocol(),
        }
    }

    /// Shakes hands over a plain connection (STARTTLS); one in TLS stays as it is.
    pub(super) async fn secure(self, tls: &Tls, attempt: &mut Attempt<'_>) -> Result<Self, Outcome> {
        match self {
            Self::Plain(stream) => Ok(Self::Tls(Box::new(handshake(tls, stream, attempt).await?))),
            Self::Tls(_) => Ok(self),
        }
    }

    /// Returns our own end: what the target sees unless somebody on the way translates addresses.
    pub(super) fn local(&self, attempt: &mut Attempt<'_>) -> Result<SocketAddr, Outcome> {
        self.socket().local_addr().map_err(|error| attempt.fails(unknown(format!("no local address: {error}"))))
    }

    /// Returns the socket below.
    pub(super) fn socket(&self) -> &TcpStream {
        match self {
            Self::Plain(stream) => stream.socket(),
            Self::Tls(stream) => stream.get_ref().0.socket(),
        }
    }

    /// Sends all of `octets`; an error ends the step under way.
    pub(super) async fn send(&mut self, octets: &[u8], attempt: &mut Attempt<'_>) -> Ending {
        let sent = async {
            self.write_all(octets).await?;
            self.flush().await
        };
        sent.await.map_err(|error| attempt.fails(errors::classify(&error, ErrorOrigin::Remote)))
    }

    /// Reads what comes next to the end of `buffer`, at most `room` octets; 0 is the far side's end of the stream.
    pub(super) async fn receive(
        &mut self,
        buffer: &mut Vec<u8>,
        room: usize,
        attempt: &mut Attempt<'_>,
    ) -> Result<usize, Outcome> {
        let mut some = self.take(u64::try_from(room).unwrap_or(u64::MAX));
        match some.read_buf(buffer).await {
            Ok(read) => Ok(read),
            // Many servers close TCP without TLS's own goodbye: the stream is over all the same.
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(0),
            Err(error) => Err(attempt.fails(errors::classify(&error, ErrorOrigin::Remote))),
        }
    }
}

impl AsyncRead for Stream {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_read(cx, buf),
            Self::Tls(stream) => Pin::new(stream).poll_read(cx, buf),
        }
    }
}

impl AsyncWrite for Stream {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_write(cx, buf),
            Self::Tls(stream) => Pin::new(stream).poll_write(cx, buf),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_flush(cx),
            Self::Tls(stream) => Pin::new(stream).poll_flush(cx),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_shutdown(cx),
            Self::Tls(stream) => Pin::new(stream).poll_shutdown(cx),
        }
    }
}
