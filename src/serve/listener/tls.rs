//! DNS over TLS (RFC 7858).

use std::io;
use std::sync::Arc;

use rustls::ServerConfig;
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;
use tracing::debug;

use crate::serve::certificates::Versions;
use crate::serve::hickory;
use crate::serve::metrics::CloseReason;

use super::connection::Connection;
use super::stream::{self, Protocol};
use super::{Deps, ListenKey, ListenerKind, Listening, Socket, SocketKind, Transport, framed};

/// The row of TLS.
pub(super) const KIND: ListenerKind = ListenerKind {
    name: "tls",
    title: "TLS",
    listen: Some(ListenKey {
        name: "tls-listen",
        port: 853,
        text: &[" Where DNS over TLS (RFC 7858) is answered. Nowhere by default."],
        example: "[\"[::]:853\"]",
    }),
    allow: "allow-tls",
    socket: SocketKind::Streams,
    has_workers: false,
    is_datagram: false,
    has_long_answers: true,
    is_encrypted: true,
    pads_unasked: false,
    proves_address: true,
    has_keepalive: true,
    held: 20 << 10,
    hickory: hickory::Protocol::Tls,
    open,
};

/// Messages behind a handshake.
#[derive(Clone, Debug)]
struct Tls(Arc<ServerConfig>);

impl Protocol for Tls {
    const TRANSPORT: Transport = Transport::Tls;

    async fn converse(self, stream: TcpStream, connection: Arc<Connection>) -> CloseReason {
        match connection.handshake(stream, self.0).await {
            Ok(stream) => framed::answer(stream, &connection).await,
            Err(reason) => reason,
        }
    }
}

impl Connection {
    /// Shakes hands; takes no longer than a connection may be idle.
    pub(super) async fn handshake(
        &self,
        stream: TcpStream,
        config: Arc<ServerConfig>,
    ) -> Result<TlsStream<TcpStream>, CloseReason> {
        tokio::select! {
            biased;
            () = self.permit.evicted() => Err(CloseReason::Evicted),
            () = self.stop.cancelled() => Err(CloseReason::Stopped),
            () = tokio::time::sleep(self.idle) => Err(CloseReason::Handshake),
            stream = TlsAcceptor::from(config).accept(stream) => match stream {
                Ok(mut stream) => {
                    stream.get_mut().1.set_buffer_limit(Some(BUFFER));
                    Ok(stream)
                }
                Err(error) => {
                    debug!(%error, client.addr = %self.peer(), "no TLS handshake");
                    Err(CloseReason::Handshake)
                }
            },
        }
    }
}

fn open(socket: Socket, deps: &Deps) -> io::Result<Listening> {
    // Clients that name no protocol are taken too (RFC 7858 §3.1).
    let config = deps.certificates()?.config(&[b"dot"], Versions::Both);
    stream::open(Tls(config), socket, deps)
}

/// Encrypted octets that wait for a slow client: a record.
const BUFFER: usize = 16 << 10;
