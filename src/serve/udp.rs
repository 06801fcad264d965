//! Our own door for datagrams: a task for each socket receives, answers and sends, one packet after the other.
//!
//! hickory-server's own would answer before its handler is asked whatever it cannot read: responses too, so that a forged
//! packet could set two servers on each other, and while the server starts and should be silent. It also begins a task
//! for each packet, without a limit. Here nothing waits between receiving and sending but for room in the socket.

use std::io;
use std::net::SocketAddr;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use tokio::net::UdpSocket;
use tokio_util::sync::CancellationToken;
use tracing::{debug, error};

use super::{Responder, Transport};

/// A door for datagrams, ready to be opened.
#[derive(Debug)]
pub struct Door {
    responder: Responder,
    socket: UdpSocket,
}

impl Door {
    /// Takes a socket; call within a tokio runtime.
    ///
    /// # Errors
    /// If the socket cannot be made non-blocking or registered.
    pub fn new(responder: Responder, socket: std::net::UdpSocket) -> io::Result<Self> {
        socket.set_nonblocking(true)?;
        Ok(Self { responder, socket: UdpSocket::from_std(socket)? })
    }

    /// Answers until it is told to stop; then the socket is closed. No answer is cut off midway.
    pub async fn run(self, stop: CancellationToken) {
        let mut packet = vec![0; PACKET_MAX];
        let mut answer = Vec::with_capacity(usize::from(self.responder.settings.udp_size));
        loop {
            let received = tokio::select! {
                biased;
                () = stop.cancelled() => return,
                received = self.socket.recv_from(&mut packet) => received,
            };
            match received {
                Ok((length, client)) => {
                    let packet = packet.get(..length).unwrap_or_default();
                    if self.answer(packet, client, &mut answer) {
                        self.send(&answer, client).await;
                    }
                }
                Err(error) => {
                    debug!(%error, "cannot receive a datagram");
                    tokio::time::sleep(PAUSE).await;
                }
            }
        }
    }

    /// Makes the answer; returns whether there is one. A packet that trips a bug is dropped, and the door stays open.
    fn answer(&self, packet: &[u8], client: SocketAddr, answer: &mut Vec<u8>) -> bool {
        // A datagram from port 0 cannot be answered.
        if client.port() == 0 {
            return false;
        }
        answer.clear();
        let respond = AssertUnwindSafe(|| self.responder.respond(packet, Transport::Udp, answer));
        catch_unwind(respond).unwrap_or_else(|_| {
            error!(client.addr = %client, octets = packet.len(), "a query tripped a bug and is not answered");
            false
        })
    }

    async fn send(&self, answer: &[u8], client: SocketAddr) {
        if let Err(error) = self.socket.send_to(answer, client).await {
            debug!(%error, client.addr = %client, "cannot send an answer");
        }
    }
}

/// The longest datagram there is, in octets.
const PACKET_MAX: usize = 65_535;

/// How long a socket that fails is left alone, so that a lasting failure does not burn the processor.
const PAUSE: Duration = Duration::from_millis(10);
