//! Our own listener for datagrams: a thread for each socket receives, answers and sends, as many at once as have arrived.
//!
//! Each worker has a socket and a thread of its own, so neither streams nor probes hold up these answers; the kernel
//! spreads the clients over the sockets of an address. The only wait is for datagrams, and for space in the socket's
//! buffer.
//!
//! hickory-server's own answers malformed packets before it calls its handler: also responses, so that a forged packet
//! could start a loop between two servers, and also during the start, when the server must not answer. It also spawns a
//! task for each packet, without a limit.

use std::io;
use std::net::UdpSocket;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicU16, Ordering};
use std::thread;
use std::time::Duration;

use nix::sys::socket::{SockaddrIn, SockaddrIn6};
use rustix::io::Errno;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use tracing::{debug, error};

use crate::serve::hickory::Protocol;
use crate::serve::{Batch, Client, Responder};

use super::datagrams::{Address, Arrivals, DatagramSocket, Departures, Peer};
use super::{Deps, ListenerKind, Listening, Socket, SocketKind, Transport};

/// The row of UDP.
pub(super) const KIND: ListenerKind = ListenerKind {
    name: "udp",
    title: "UDP",
    listen: None,
    allow: "allow-udp",
    socket: SocketKind::Datagrams,
    has_workers: true,
    is_datagram: true,
    has_long_answers: false,
    is_encrypted: false,
    pads_unasked: false,
    proves_address: false,
    has_keepalive: false,
    held: 0,
    hickory: Protocol::Udp,
    open,
};

fn open(socket: Socket, deps: &Deps) -> io::Result<Listening> {
    let sockets = socket.datagrams()?;
    let address = sockets.first().map(UdpSocket::local_addr).transpose()?;
    if address.is_some_and(|address| address.is_ipv6()) {
        open_each::<SockaddrIn6>(sockets, deps)
    } else {
        open_each::<SockaddrIn>(sockets, deps)
    }
}

/// Opens the sockets of one address.
fn open_each<A: Address>(sockets: Vec<UdpSocket>, deps: &Deps) -> io::Result<Listening> {
    let largest = Arc::new(AtomicU16::new(u16::MAX));
    let sockets = sockets.into_iter().map(|socket| DatagramSocket::new(socket).map(Arc::new));
    let sockets = Woken(sockets.collect::<io::Result<_>>()?);
    let (ended, mut ends) = mpsc::channel(sockets.0.len().max(1));
    for socket in &sockets.0 {
        let (responder, socket, largest) = (deps.responder.clone(), Arc::clone(socket), Arc::clone(&largest));
        let (stop, ended) = (deps.stop.clone(), ended.clone());
        let work = move || {
            Worker { responder, socket, largest }.work::<A>(&stop);
            // Whoever opened the listener may have gone.
            ended.try_send(()).ok();
        };
        drop(thread::Builder::new().name("udp".to_owned()).spawn(work)?);
    }
    drop(ended);
    let stop = deps.stop.clone();
    Ok(Box::pin(async move {
        tokio::select! {
            biased;
            () = stop.cancelled() => {}
            // Too early.
            _ = ends.recv() => return,
        }
        drop(sockets);
        while ends.recv().await.is_some() {}
    }))
}

/// Sockets whose threads are woken when nobody waits for them any more.
struct Woken(Vec<Arc<DatagramSocket>>);

impl Drop for Woken {
    fn drop(&mut self) {
        self.0.iter().for_each(|socket| socket.wake());
    }
}

/// One socket and who answers on it.
#[derive(Debug)]
struct Worker {
    responder: Responder,
    socket: Arc<DatagramSocket>,
    /// The longest answer that an interface takes, as far as the workers of an address know: longer ones are truncated
    /// (RFC 9715 §3.1).
    largest: Arc<AtomicU16>,
}

impl Worker {
    /// Answers until it is told to stop, then what has arrived by then. A panic costs the datagrams of one call.
    fn work<A: Address>(self, stop: &CancellationToken) {
        while catch_unwind(AssertUnwindSafe(|| self.answer_until::<A>(stop))).is_err() {
            self.responder.metrics().worker_restarted();
            error!("a worker for UDP has panicked and begins anew");
            thread::sleep(PAUSE);
        }
    }

    fn answer_until<A: Address>(&self, stop: &CancellationToken) {
        let usual = usize::from(self.responder.settings().load().udp_size);
        let (mut arrivals, mut departures) = (Arrivals::<A>::new(), Departures::new(usual));
        while !(stop.is_cancelled() || self.socket.is_woken()) {
            match self.socket.receive(&mut arrivals) {
                Ok(()) => self.answer(&arrivals, &mut departures),
                Err(error) => {
                    debug!(%error, "cannot receive datagrams");
                    thread::sleep(PAUSE);
                }
            }
        }
        // The wake leaves headers behind that take no address.
        let mut arrivals = Arrivals::<A>::new();
        for _ in 0..DRAIN_MAX {
            let received = self.socket.receive_now(&mut arrivals);
            if received.is_err() || arrivals.packets().next().is_none() {
                break;
            }
            self.answer(&arrivals, &mut departures);
        }
    }

    /// Answers what one call has received.
    fn answer<A: Address>(&self, arrivals: &Arrivals<A>, departures: &mut Departures<A>) {
        let mut too_long = Vec::new();
        self.answer_each(arrivals.packets().enumerate(), departures, |number| too_long.push(number));
        if !too_long.is_empty() {
            self.largest.store(LARGEST_SAFE, Ordering::Relaxed);
            let again = arrivals.packets().enumerate().filter(|(number, _)| too_long.contains(number));
            self.answer_each(again, departures, |_| {});
        }
    }

    /// Answers datagrams with their numbers, all from one batch, which nobody keeps while it waits to send. An interface does
    /// not take those that are `too_long`.
    fn answer_each<'p, A: Address>(
        &self,
        packets: impl Iterator<Item = (usize, (&'p [u8], Peer))>,
        departures: &mut Departures<A>,
        mut too_long: impl FnMut(usize),
    ) {
        let batch = self.responder.batch();
        for (number, (packet, peer)) in packets {
            departures.add(peer, number, |answer| self.respond(&batch, packet, peer, answer));
        }
        drop(batch);
        self.socket.send(departures, |number, error| {
            debug!(%error, "cannot send an answer");
            if Errno::from_io_error(&error) == Some(Errno::MSGSIZE) {
                too_long(number);
            }
        });
    }

    /// Makes the answer; returns whether there is one.
    fn respond(&self, batch: &Batch<'_>, packet: &[u8], peer: Peer, answer: &mut Vec<u8>) -> bool {
        // A datagram from port 0 cannot be answered.
        if peer.client.port() == 0 {
            return false;
        }
        let client = Client { largest: self.largest.load(Ordering::Relaxed), ..batch.client(peer.client, Transport::Udp) };
        batch.respond(packet, client, answer).is_some()
    }
}

/// The most calls that answer after the word to stop; a flood must not keep the server from ending.
const DRAIN_MAX: usize = 128;

/// The longest answer that every interface takes: IPv6's smallest MTU, 1280, less the headers.
const LARGEST_SAFE: u16 = 1232;

/// How long a socket that fails is left alone, so that a lasting failure does not burn the processor.
const PAUSE: Duration = Duration::from_millis(10);

#[cfg(test)]
#[expect(clippy::indexing_slicing, reason = "the octets are the test's own")]
mod tests {
    use std::net::SocketAddr;
    use std::sync::Arc;

    use super::*;
    use crate::base::table::Table;
    use crate::snapshot::{Image, Publisher, Snapshot};

    /// `ready.understudy. CH TXT`.
    const QUERY: &[u8] = b"\x00\x07\0\0\0\x01\0\0\0\0\0\0\x05ready\x0aunderstudy\0\0\x10\0\x03";

    #[test]
    fn what_has_arrived_before_the_word_to_stop_is_answered_and_nothing_else() {
        let (worker, address) = bound();
        let client = UdpSocket::bind("127.0.0.1:0").unwrap();
        client.connect(address).unwrap();
        let mut response = QUERY.to_vec();
        response[2] |= 0x80;
        for packet in [b"".as_slice(), &[0; 11], &response, QUERY] {
            client.send(packet).unwrap();
        }
        let stop = CancellationToken::new();
        stop.cancel();

        worker.work::<SockaddrIn>(&stop);

        client.set_nonblocking(true).unwrap();
        let mut octets = [0; 512];
        let length = client.recv(&mut octets).unwrap();
        assert!(octets[..length].ends_with(b"\x05ready"), "{:02x?}", &octets[..length]);
        assert!(client.recv(&mut octets).is_err(), "one answer, to the one query");
        // The socket is free again.
        UdpSocket::bind(address).unwrap();
    }

    fn bound() -> (Worker, SocketAddr) {
        let first = Snapshot::first(Arc::new(Image::build(&Table::new(), &Table::new())), Vec::new(), 1);
        let responder = crate::serve::testing::responder(Publisher::new(first).reader());
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        let address = socket.local_addr().unwrap();
        let socket = Arc::new(DatagramSocket::new(socket).unwrap());
        (Worker { responder, socket, largest: Arc::new(AtomicU16::new(u16::MAX)) }, address)
    }
}
