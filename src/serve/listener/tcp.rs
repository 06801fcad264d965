//! DNS over TCP (RFC 7766).

use std::io;
use std::sync::Arc;

use tokio::net::TcpStream;

use crate::serve::hickory;
use crate::serve::metrics::CloseReason;

use super::connection::Connection;
use super::stream::{self, Protocol};
use super::{Deps, ListenerKind, Listening, Socket, SocketKind, Transport, framed};

/// The row of TCP.
pub(super) const KIND: ListenerKind = ListenerKind {
    name: "tcp",
    title: "TCP",
    listen: None,
    allow: "allow-tcp",
    socket: SocketKind::Streams,
    has_workers: false,
    is_datagram: false,
    has_long_answers: true,
    is_encrypted: false,
    pads_unasked: false,
    proves_address: true,
    has_keepalive: true,
    held: 4 << 10,
    hickory: hickory::Protocol::Tcp,
    open,
};

/// Messages on the bare stream.
#[derive(Clone, Copy, Debug)]
struct Tcp;

impl Protocol for Tcp {
    const TRANSPORT: Transport = Transport::Tcp;

    async fn converse(self, stream: TcpStream, connection: Arc<Connection>) -> CloseReason {
        framed::answer(stream, &connection).await
    }
}

fn open(socket: Socket, deps: &Deps) -> io::Result<Listening> {
    stream::open(Tcp, socket, deps)
}
