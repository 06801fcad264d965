//! Our own listener for datagrams: a task for each socket receives, answers and sends, one packet after the other.
//!
//! hickory-server's own answers malformed packets before it calls its handler: also responses, so that a forged packet
//! could start a loop between two servers, and also during the start, when the server must not answer. It also spawns a
//! task for each packet, without a limit. Here the only wait between receiving and sending is for space in the socket
//! buffer.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::net::UdpSocket;
use tokio_util::sync::CancellationToken;
use tracing::debug;

use crate::serve::hickory::Protocol;
use crate::serve::{Batch, Responder};

use super::{Deps, ListenerKind, Listening, Socket, SocketKind, Transport};

/// The row of UDP.
pub(super) const KIND: ListenerKind = ListenerKind {
    name: "udp",
    title: "UDP",
    listen: None,
    allow: "allow-udp",
    socket: SocketKind::Datagrams,
    is_datagram: true,
    has_long_answers: false,
    is_encrypted: false,
    proves_address: false,
    has_keepalive: false,
    held: 0,
    hickory: Protocol::Udp,
    open,
};

fn open(socket: Socket, deps: &Deps) -> io::Result<Listening> {
    let socket = UdpSocket::from_std(socket.datagrams()?)?;
    Ok(Box::pin(UdpListener { responder: deps.responder.clone(), socket }.run(deps.stop.clone())))
}

/// A listener that is open.
#[derive(Debug)]
struct UdpListener {
    responder: Responder,
    socket: UdpSocket,
}

impl UdpListener {
    /// Answers until it is told to stop, then what has arrived by then, and closes the socket.
    async fn run(self, stop: CancellationToken) {
        let mut packet = vec![0; PACKET_MAX];
        let mut answer = Vec::with_capacity(usize::from(self.responder.settings().load().udp_size));
        loop {
            let received = tokio::select! {
                biased;
                () = stop.cancelled() => break,
                received = self.socket.recv_from(&mut packet) => received,
            };
            match received {
                Ok(first) => self.answer_arrived(first, &mut packet, &mut answer).await,
                Err(error) => {
                    debug!(%error, "cannot receive a datagram");
                    tokio::time::sleep(PAUSE).await;
                }
            }
        }
        if let Err(error) = self.drain(&mut packet, &mut answer) {
            debug!(%error, "cannot answer what has arrived before the end");
        }
    }

    /// Answers a datagram, and those that have arrived behind it, from one batch.
    async fn answer_arrived(&self, first: (usize, SocketAddr), packet: &mut [u8], answer: &mut Vec<u8>) {
        let (mut batch, (mut length, mut client)) = (self.responder.batch(), first);
        for left in (0..BATCH_MAX).rev() {
            let answered = respond(&batch, packet.get(..length).unwrap_or_default(), client, answer);
            if answered && self.socket.try_send_to(answer, client).is_err() {
                // Nobody keeps a batch while it waits.
                drop(batch);
                self.send(answer, client).await;
                batch = self.responder.batch();
            }
            if left == 0 {
                return;
            }
            match self.socket.try_recv_from(packet) {
                Ok(next) => (length, client) = next,
                Err(_) => return,
            }
        }
    }

    /// Answers what has arrived, past the runtime, which tells of packets only after it has waited for them.
    fn drain(self, packet: &mut [u8], answer: &mut Vec<u8>) -> io::Result<()> {
        let Self { responder, socket } = self;
        let socket = socket.into_std()?;
        let batch = responder.batch();
        for _ in 0..DRAIN_MAX {
            let Ok((length, client)) = socket.recv_from(packet) else { break };
            if respond(&batch, packet.get(..length).unwrap_or_default(), client, answer) {
                socket.send_to(answer, client)?;
            }
        }
        Ok(())
    }

    async fn send(&self, answer: &[u8], client: SocketAddr) {
        if let Err(error) = self.socket.send_to(answer, client).await {
            debug!(%error, client.addr = %client, "cannot send an answer");
        }
    }
}

/// Makes the answer; returns whether there is one.
fn respond(batch: &Batch<'_>, packet: &[u8], client: SocketAddr, answer: &mut Vec<u8>) -> bool {
    // A datagram from port 0 cannot be answered.
    if client.port() == 0 {
        return false;
    }
    batch.respond(packet, batch.client(client, Transport::Udp), answer).is_some()
}

/// The longest datagram there is, in octets.
const PACKET_MAX: usize = 65_535;

/// The most datagrams that are answered from one batch: what is published or reloaded takes effect behind them.
const BATCH_MAX: usize = 32;

/// The most datagrams that are answered after the word to stop; a flood must not keep the server from ending.
const DRAIN_MAX: usize = 4_096;

/// How long a socket that fails is left alone, so that a lasting failure does not burn the processor.
const PAUSE: Duration = Duration::from_millis(10);

#[cfg(test)]
#[expect(clippy::indexing_slicing, reason = "the octets are the test's own")]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::base::table::Table;
    use crate::snapshot::{Image, Publisher, Snapshot};

    /// `ready.understudy. CH TXT`.
    const QUERY: &[u8] = b"\x00\x07\0\0\0\x01\0\0\0\0\0\0\x05ready\x0aunderstudy\0\0\x10\0\x03";

    #[tokio::test]
    async fn what_has_arrived_before_the_word_to_stop_is_answered_and_nothing_else() {
        let (listener, address) = open();
        let client = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
        client.connect(address).unwrap();
        let mut response = QUERY.to_vec();
        response[2] |= 0x80;
        for packet in [b"".as_slice(), &[0; 11], &response, QUERY] {
            client.send(packet).unwrap();
        }
        let stop = CancellationToken::new();
        stop.cancel();

        listener.run(stop).await;

        client.set_nonblocking(true).unwrap();
        let mut octets = [0; 512];
        let length = client.recv(&mut octets).unwrap();
        assert!(octets[..length].ends_with(b"\x05ready"), "{:02x?}", &octets[..length]);
        assert!(client.recv(&mut octets).is_err(), "one answer, to the one query");
        // The socket is free again.
        std::net::UdpSocket::bind(address).unwrap();
    }

    fn open() -> (UdpListener, SocketAddr) {
        let first = Snapshot::first(Arc::new(Image::build(&Table::new(), &Table::new())), Vec::new(), 1);
        let responder = crate::serve::testing::responder(Publisher::new(first).reader());
        let socket = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
        let address = socket.local_addr().unwrap();
        socket.set_nonblocking(true).unwrap();
        (UdpListener { responder, socket: UdpSocket::from_std(socket).unwrap() }, address)
    }
}
