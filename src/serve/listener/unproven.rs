//! What QUIC may send to clients whose addresses are not validated: three times what they have sent (RFC 9000 §8.1).
//!
//! quinn begins a last whole datagram where a single octet is left (its issue 1082), which made 3,738 octets of 1,200.
//! So the socket counts too: what is beyond the limit is dropped as if it were lost on the way, and quinn sends it again
//! when more has come.

use std::collections::{HashMap, VecDeque};
use std::io::{self, IoSliceMut};
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};

use quinn::udp::{RecvMeta, Transmit};
use quinn::{AsyncUdpSocket, UdpPoller};

/// A socket that keeps the limit; clones are the same.
#[derive(Clone, Debug)]
pub(super) struct FrugalSocket {
    socket: Arc<dyn AsyncUdpSocket>,
    clients: Arc<Mutex<UnprovenClients>>,
}

/// The clients whose addresses are not validated, each with the octets that may still be sent to it.
#[derive(Debug, Default)]
struct UnprovenClients {
    left: HashMap<SocketAddr, usize>,
    /// The oldest first.
    order: VecDeque<SocketAddr>,
    /// What came last from those that are not counted for: a first message may take several datagrams, and all of them
    /// come before the client is known.
    recent: VecDeque<(SocketAddr, usize)>,
}

impl FrugalSocket {
    /// Lays the limit over a socket.
    pub(super) fn new(socket: Arc<dyn AsyncUdpSocket>) -> Self {
        Self { socket, clients: Arc::default() }
    }

    /// Begins to count for a client that has sent its first packet.
    pub(super) fn begins(&self, client: SocketAddr) {
        self.clients().begins(client);
    }

    /// Ends it: the client has shown that the address is its own.
    pub(super) fn proves(&self, client: SocketAddr) {
        self.clients().proves(client);
    }

    fn clients(&self) -> MutexGuard<'_, UnprovenClients> {
        self.clients.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl AsyncUdpSocket for FrugalSocket {
    fn create_io_poller(self: Arc<Self>) -> Pin<Box<dyn UdpPoller>> {
        Arc::clone(&self.socket).create_io_poller()
    }

    fn try_send(&self, transmit: &Transmit<'_>) -> io::Result<()> {
        let length = transmit.contents.len();
        let taken = self.clients().take(transmit.destination, length, transmit.segment_size.unwrap_or(length));
        let Some(contents) = transmit.contents.get(..taken).filter(|contents| !contents.is_empty()) else {
            return Ok(());
        };
        let segment_size = transmit.segment_size.filter(|size| *size < taken);
        let sent = self.socket.try_send(&Transmit { contents, segment_size, ..*transmit });
        if sent.is_err() {
            self.clients().give_back(transmit.destination, taken);
        }
        sent
    }

    fn poll_recv(
        &self,
        cx: &mut Context<'_>,
        buffers: &mut [IoSliceMut<'_>],
        meta: &mut [RecvMeta],
    ) -> Poll<io::Result<usize>> {
        let received = self.socket.poll_recv(cx, buffers, meta);
        if let Poll::Ready(Ok(count)) = received {
            let mut clients = self.clients();
            meta.iter().take(count).for_each(|datagrams| clients.hear(datagrams.addr, datagrams.len));
        }
        received
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.socket.local_addr()
    }

    fn max_transmit_segments(&self) -> usize {
        self.socket.max_transmit_segments()
    }

    fn max_receive_segments(&self) -> usize {
        self.socket.max_receive_segments()
    }

    fn may_fragment(&self) -> bool {
        self.socket.may_fragment()
    }
}

impl UnprovenClients {
    fn begins(&mut self, client: SocketAddr) {
        if self.left.contains_key(&client) {
            return;
        }
        if self.order.len() >= CLIENTS
            && let Some(oldest) = self.order.pop_front()
        {
            self.left.remove(&oldest);
        }
        let heard = self.recent.iter().filter(|(from, _)| *from == client).map(|(_, octets)| octets).sum::<usize>();
        self.left.insert(client, heard.max(FIRST).saturating_mul(FACTOR));
        self.order.push_back(client);
    }

    fn proves(&mut self, client: SocketAddr) {
        if self.left.remove(&client).is_some() {
            self.order.retain(|known| *known != client);
        }
    }

    fn hear(&mut self, client: SocketAddr, octets: usize) {
        if self.left.contains_key(&client) {
            return self.give_back(client, octets.saturating_mul(FACTOR));
        }
        if self.recent.len() >= RECENT {
            self.recent.pop_front();
        }
        self.recent.push_back((client, octets));
    }

    fn give_back(&mut self, client: SocketAddr, octets: usize) {
        if let Some(left) = self.left.get_mut(&client) {
            *left = left.saturating_add(octets);
        }
    }

    /// Returns how many of these octets may be sent, which are datagrams of `segment` octets, and counts them.
    fn take(&mut self, client: SocketAddr, octets: usize, segment: usize) -> usize {
        let Some(left) = self.left.get_mut(&client) else { return octets };
        let whole = left.checked_div(segment).unwrap_or(0).saturating_mul(segment);
        let taken = if octets <= *left { octets } else { whole.min(octets) };
        *left = left.saturating_sub(taken);
        taken
    }
}

/// How often more than it has sent a client may be sent.
const FACTOR: usize = 3;
/// Octets of a first packet, at least (RFC 9000 §14.1).
const FIRST: usize = 1_200;
/// How many clients are counted for: many times as many as may begin without a validated address at once.
const CLIENTS: usize = 1_024;
/// How many receptions are remembered of others: more than are read at once.
const RECENT: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;

    fn client(port: u16) -> SocketAddr {
        ([127, 0, 0, 1], port).into()
    }

    #[test]
    fn who_has_not_shown_its_address_is_sent_three_times_what_it_has_sent() {
        let mut clients = UnprovenClients::default();
        assert_eq!(clients.take(client(1), 9_000, 1_200), 9_000, "nobody counts for it");
        clients.begins(client(1));
        assert_eq!(clients.take(client(1), 2_100, 1_200), 2_100);
        assert_eq!(clients.take(client(1), 2_100, 1_200), 1_200, "whole datagrams only");
        assert_eq!(clients.take(client(1), 1_200, 1_200), 0);
        assert_eq!(clients.take(client(1), 300, 300), 300);
        assert_eq!(clients.take(client(1), 1, 1), 0);
        clients.begins(client(1));
        assert_eq!(clients.take(client(1), 1, 1), 0, "it does not begin anew");
        clients.hear(client(1), 50);
        assert_eq!((clients.take(client(1), 151, 151), clients.take(client(1), 150, 150)), (0, 150));
        clients.give_back(client(1), 150);
        assert_eq!(clients.take(client(1), 150, 150), 150, "what could not be sent counts not");
        clients.proves(client(1));
        assert_eq!(clients.take(client(1), 9_000, 1_200), 9_000);
        assert!(clients.left.is_empty() && clients.order.is_empty());
    }

    #[test]
    fn a_first_message_of_several_datagrams_counts_as_a_whole() {
        let mut clients = UnprovenClients::default();
        clients.hear(client(1), 1_252);
        clients.hear(client(2), 1_200);
        clients.hear(client(1), 1_252);
        clients.begins(client(1));
        assert_eq!(clients.take(client(1), 7_512, 1_252), 7_512);
        assert_eq!(clients.take(client(1), 1, 1), 0);
        (0..100).for_each(|_| clients.hear(client(3), 1_200));
        clients.begins(client(2));
        assert_eq!((clients.recent.len(), clients.take(client(2), 9_000, 1_200)), (RECENT, 3_600));
    }

    #[test]
    fn the_oldest_makes_room() {
        let mut clients = UnprovenClients::default();
        (0..=1_024).for_each(|port| clients.begins(client(port)));
        assert_eq!((clients.left.len(), clients.order.len()), (CLIENTS, CLIENTS));
        assert!(!clients.left.contains_key(&client(0)) && clients.left.contains_key(&client(1_024)));
    }
}
