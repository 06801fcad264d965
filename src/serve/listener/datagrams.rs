//! A socket for datagrams, many in one call of the system, whose answers leave from the address that was asked
//! (RFC 2181 §4.1).
//!
//! A socket that is bound to one address sends from that one. One that is bound to all of the machine's would send from the
//! address that the routing table prefers, and clients drop such an answer. There the kernel tells with each datagram which
//! address it came to, and is told from which one the answer leaves (`IP_PKTINFO`; RFC 3542 §6 for IPv6).

use std::fmt::Debug;
use std::io::{self, IoSlice, IoSliceMut};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV4, SocketAddrV6, UdpSocket};
use std::os::fd::AsRawFd;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use arrayvec::ArrayVec;
use nix::errno::Errno;
use nix::libc;
use nix::sys::socket::sockopt::{Ipv4PacketInfo, Ipv6DontFrag, Ipv6RecvPacketInfo};
use nix::sys::socket::{
    ControlMessage, ControlMessageOwned, MsgFlags, MultiHeaders, RecvMsg, SockaddrIn, SockaddrIn6, SockaddrLike,
    recvmmsg, sendmmsg, setsockopt,
};
use rustix::net::Shutdown;
use rustix::net::sockopt::{self, Ipv4PathMtuDiscovery, Ipv6PathMtuDiscovery};

/// A socket for one thread, which it lets wait.
#[derive(Debug)]
pub(super) struct DatagramSocket {
    socket: UdpSocket,
    is_woken: AtomicBool,
}

/// An address of one family as the system has it: a socket knows one family, and its addresses are short.
pub(super) trait Address: SockaddrLike + Copy + Debug + Send + 'static {
    /// Takes an address; nothing if it is of the other family.
    fn of(address: SocketAddr) -> Option<Self>;

    /// Returns it for everybody.
    fn to_std(self) -> SocketAddr;
}

/// Who sent a datagram, and where to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Peer {
    /// The client.
    pub(super) client: SocketAddr,
    /// The address that it asked, where the socket is bound to all of them.
    asked: Option<IpAddr>,
}

/// What one call has received.
#[derive(Debug)]
pub(super) struct Arrivals<A> {
    /// Room for [`BATCH`] datagrams of any length.
    octets: Vec<u8>,
    headers: MultiHeaders<A>,
    /// Who sent each, and how long it is.
    arrived: Vec<(Peer, usize)>,
    /// How many the next call may receive, twice as many as the last one has: to offer room takes time too.
    offered: usize,
}

/// What one call is to send.
#[derive(Debug)]
pub(super) struct Departures<A> {
    answers: [Vec<u8>; BATCH],
    headers: MultiHeaders<A>,
    /// The same with room for the address that answers leave from.
    headers_with_source: MultiHeaders<A>,
    /// Whom each of the first answers is for, and to which datagram.
    peers: Vec<(Peer, usize)>,
    addresses: Vec<Option<A>>,
}

impl Address for SockaddrIn {
    fn of(address: SocketAddr) -> Option<Self> {
        match address {
            SocketAddr::V4(address) => Some(address.into()),
            SocketAddr::V6(_) => None,
        }
    }

    fn to_std(self) -> SocketAddr {
        SocketAddrV4::from(self).into()
    }
}

impl Address for SockaddrIn6 {
    fn of(address: SocketAddr) -> Option<Self> {
        match address {
            SocketAddr::V4(_) => None,
            SocketAddr::V6(address) => Some(address.into()),
        }
    }

    fn to_std(self) -> SocketAddr {
        SocketAddrV6::from(self).into()
    }
}

impl<A: Address> Arrivals<A> {
    /// Makes room.
    pub(super) fn new() -> Self {
        let headers = MultiHeaders::preallocate(BATCH, Some(control_room()));
        Self { octets: vec![0; BATCH * ROOM], headers, arrived: Vec::with_capacity(BATCH), offered: BATCH }
    }

    /// Walks over the datagrams that were received.
    pub(super) fn packets(&self) -> impl Iterator<Item = (&[u8], Peer)> {
        let rooms = self.octets.chunks_exact(ROOM);
        rooms.zip(&self.arrived).map(|(room, (peer, length))| (room.get(..*length).unwrap_or_default(), *peer))
    }
}

impl<A: Address> Departures<A> {
    /// Makes room for answers of usual length.
    pub(super) fn new(usual: usize) -> Self {
        Self {
            answers: std::array::from_fn(|_| Vec::with_capacity(usual)),
            headers: MultiHeaders::preallocate(BATCH, None),
            headers_with_source: MultiHeaders::preallocate(BATCH, Some(control_room())),
            peers: Vec::with_capacity(BATCH),
            addresses: Vec::with_capacity(BATCH),
        }
    }

    /// Lets an answer to the datagram of a number be written; it leaves with the others if `write` says that there is one.
    /// Beyond [`BATCH`] there is no room.
    pub(super) fn add(&mut self, peer: Peer, number: usize, write: impl FnOnce(&mut Vec<u8>) -> bool) {
        if self.answers.get_mut(self.peers.len()).is_some_and(write) {
            self.peers.push((peer, number));
        }
    }
}

impl DatagramSocket {
    /// Takes a bound socket.
    ///
    /// # Errors
    /// If the kernel cannot tell the addresses of datagrams.
    pub(super) fn new(socket: UdpSocket) -> io::Result<Self> {
        let address = socket.local_addr()?.ip();
        // Else each datagram comes to the one address.
        let all = address.is_unspecified();
        // For DNS no message from the path may make answers smaller (RFC 9715 §3.1).
        match address {
            IpAddr::V4(_) => {
                setsockopt(&socket, Ipv4PacketInfo, &all)?;
                sockopt::set_ip_mtu_discover(&socket, Ipv4PathMtuDiscovery::OMIT)?;
            }
            IpAddr::V6(_) => {
                setsockopt(&socket, Ipv6RecvPacketInfo, &all)?;
                // An answer that the interface does not take whole comes back as an error.
                setsockopt(&socket, Ipv6DontFrag, &true)?;
                sockopt::set_ipv6_mtu_discover(&socket, Ipv6PathMtuDiscovery::OMIT)?;
            }
        }
        socket.set_nonblocking(false)?;
        // None for receiving: a timer for each wait costs more than reading a datagram.
        socket.set_write_timeout(Some(WAIT))?;
        Ok(Self { socket, is_woken: AtomicBool::new(false) })
    }

    /// Waits for datagrams, takes those that have arrived. There may be none after [`Self::wake`].
    ///
    /// # Errors
    /// What the system says.
    pub(super) fn receive<A: Address>(&self, into: &mut Arrivals<A>) -> io::Result<()> {
        self.receive_with(into, MsgFlags::MSG_WAITFORONE)
    }

    /// Takes the datagrams that have arrived.
    ///
    /// # Errors
    /// What the system says.
    pub(super) fn receive_now<A: Address>(&self, into: &mut Arrivals<A>) -> io::Result<()> {
        self.receive_with(into, MsgFlags::MSG_DONTWAIT)
    }

    fn receive_with<A: Address>(&self, into: &mut Arrivals<A>, flags: MsgFlags) -> io::Result<()> {
        let Arrivals { octets, headers, arrived, offered } = into;
        arrived.clear();
        let mut rooms = octets.chunks_exact_mut(ROOM).take(*offered);
        let mut slots: [_; BATCH] = std::array::from_fn(|_| [IoSliceMut::new(rooms.next().unwrap_or_default())]);
        match recvmmsg(self.socket.as_raw_fd(), headers, slots.iter_mut().take(*offered), flags, None) {
            Ok(received) => {
                // Who is woken is given datagrams that nobody has sent.
                let is_woken = self.is_woken();
                let peer = |message: &_, octets| if is_woken && octets == 0 { Peer::NOBODY } else { Peer::of(message) };
                arrived.extend(received.map(|message| (peer(&message, message.bytes), message.bytes)));
                *offered = (2 * arrived.len()).clamp(OFFERED_MIN, BATCH);
                Ok(())
            }
            Err(Errno::EAGAIN | Errno::EINTR) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// Ends the wait of the thread that receives, and all waits to come.
    pub(super) fn wake(&self) {
        self.is_woken.store(true, Ordering::Release);
        // Linux calls a socket without a peer not connected, and wakes those who wait all the same.
        let _not_connected = rustix::net::shutdown(&self.socket, Shutdown::Read);
    }

    /// Returns whether it was woken.
    pub(super) fn is_woken(&self) -> bool {
        self.is_woken.load(Ordering::Acquire)
    }

    /// Sends all answers, each from the address that its receiver asked; of those that cannot be sent, `failed` is told the
    /// number of the datagram.
    pub(super) fn send<A: Address>(&self, departures: &mut Departures<A>, mut failed: impl FnMut(usize, io::Error)) {
        let Departures { answers, headers, headers_with_source, peers, addresses } = departures;
        let mut sent = 0;
        while let Some((first, number)) = peers.get(sent) {
            let alike = peers.iter().skip(sent).take_while(|(peer, _)| peer.asked == first.asked);
            addresses.clear();
            addresses.extend(alike.map(|(peer, _)| A::of(peer.client)));
            let (mut v4, mut v6) = (None, None);
            let source = first.asked.map(|address| match address {
                IpAddr::V4(address) => ControlMessage::Ipv4PacketInfo(v4.insert(source_v4(address))),
                IpAddr::V6(address) => ControlMessage::Ipv6PacketInfo(v6.insert(source_v6(address))),
            });
            let octets = answers.iter().skip(sent).take(addresses.len()).map(|answer| [IoSlice::new(answer)]);
            let octets: ArrayVec<_, BATCH> = octets.collect();
            let headers = if source.is_some() { &mut *headers_with_source } else { &mut *headers };
            let (socket, flags) = (self.socket.as_raw_fd(), MsgFlags::empty());
            match sendmmsg(socket, headers, octets.iter(), addresses.as_slice(), source.as_slice(), flags) {
                Ok(results) => sent += results.count().max(1),
                Err(Errno::EINTR) => {}
                Err(error) => {
                    failed(*number, error.into());
                    sent += 1;
                }
            }
        }
        peers.clear();
    }
}

impl Peer {
    /// Whom nothing can be sent to: port 0 is nobody.
    const NOBODY: Self = Self { client: SocketAddr::new(IpAddr::V4(Ipv4Addr::UNSPECIFIED), 0), asked: None };

    fn of<A: Address>(message: &RecvMsg<'_, '_, A>) -> Self {
        let client = message.address.map(A::to_std);
        let asked = message.cmsgs().ok().and_then(|mut messages| messages.find_map(|message| asked(&message)));
        client.map_or(Self::NOBODY, |client| Self { client, asked })
    }
}

/// Returns the machine's own address that a datagram came to; no answer can come from that of a group.
fn asked(message: &ControlMessageOwned) -> Option<IpAddr> {
    let address = if let ControlMessageOwned::Ipv4PacketInfo(info) = message {
        // The kernel gives the one of the interface where a datagram came by broadcast.
        IpAddr::V4(Ipv4Addr::from(info.ipi_spec_dst.s_addr.to_ne_bytes()))
    } else if let ControlMessageOwned::Ipv6PacketInfo(info) = message {
        IpAddr::V6(Ipv6Addr::from(info.ipi6_addr.s6_addr))
    } else {
        return None;
    };
    Some(address).filter(|address| !address.is_multicast() && !address.is_unspecified())
}

fn source_v4(address: Ipv4Addr) -> libc::in_pktinfo {
    let address = libc::in_addr { s_addr: u32::from_ne_bytes(address.octets()) };
    libc::in_pktinfo { ipi_ifindex: 0, ipi_spec_dst: address, ipi_addr: libc::in_addr { s_addr: 0 } }
}

const fn source_v6(address: Ipv6Addr) -> libc::in6_pktinfo {
    libc::in6_pktinfo { ipi6_addr: libc::in6_addr { s6_addr: address.octets() }, ipi6_ifindex: 0 }
}

/// Makes room for the longer of both control messages.
fn control_room() -> Vec<u8> {
    nix::cmsg_space!(libc::in6_pktinfo)
}

/// The most datagrams of one call: what is published or reloaded takes effect behind them.
pub(super) const BATCH: usize = 32;

/// Octets for each datagram: more than the longest has, 65,535, and no power of two, which would lay the begins of all of them
/// on the same lines of the processor's caches.
const ROOM: usize = 65_536 + 192;

/// The least datagrams that there is room for in a call.
const OFFERED_MIN: usize = 4;

/// The longest wait for room to send a datagram.
const WAIT: Duration = Duration::from_secs(1);

#[cfg(test)]
#[expect(clippy::indexing_slicing, reason = "the octets are the test's own")]
mod tests {
    use super::*;

    fn bound(address: &str) -> DatagramSocket {
        DatagramSocket::new(UdpSocket::bind(address).unwrap()).unwrap()
    }

    /// Asks a socket by each of the addresses before it receives, and returns what each was answered, and from where.
    fn answers<A: Address>(listen: &str, asked: &[&str]) -> Vec<(String, String)> {
        let socket = bound(listen);
        let port = socket.socket.local_addr().unwrap().port();
        let client = |address: &&str| {
            let client = UdpSocket::bind(if address.contains(':') { "[::]:0" } else { "0.0.0.0:0" }).unwrap();
            client.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
            client.send_to(address.as_bytes(), format!("{address}:{port}")).unwrap();
            client
        };
        let clients: Vec<UdpSocket> = asked.iter().map(client).collect();
        let (mut arrivals, mut departures) = (Arrivals::<A>::new(), Departures::<A>::new(8));
        for _ in 0..asked.len() {
            socket.receive_now(&mut arrivals).unwrap();
            for (packet, peer) in arrivals.packets() {
                departures.add(peer, 0, |answer| {
                    answer.clear();
                    answer.extend_from_slice(packet);
                    true
                });
            }
            socket.send(&mut departures, |_, error| panic!("{error}"));
        }
        let answer = |client: &UdpSocket| {
            let mut octets = [0; 64];
            let (length, sender) = client.recv_from(&mut octets).unwrap();
            assert_eq!(sender.port(), port);
            (String::from_utf8(octets[..length].to_vec()).unwrap(), sender.ip().to_string())
        };
        clients.iter().map(answer).collect()
    }

    #[test]
    fn each_answer_leaves_from_the_address_that_was_asked() {
        let asked = ["127.0.0.1", "127.0.0.7", "127.0.0.7", "127.9.9.9", "127.0.0.1"];
        let expected: Vec<_> = asked.iter().map(|address| (address.to_string(), address.to_string())).collect();
        assert_eq!(answers::<SockaddrIn>("0.0.0.0:0", &asked), expected);
        assert_eq!(
            answers::<SockaddrIn>("127.0.0.7:0", &["127.0.0.7"]),
            [("127.0.0.7".to_owned(), "127.0.0.7".to_owned())]
        );
        assert_eq!(answers::<SockaddrIn6>("[::]:0", &["[::1]"]), [("[::1]".to_owned(), "::1".to_owned())]);
    }

    #[test]
    fn what_cannot_be_sent_keeps_nothing_else_back() {
        let (socket, client) = (bound("127.0.0.1:0"), UdpSocket::bind("127.0.0.1:0").unwrap());
        client.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
        let peer = |client| Peer { client, asked: None };
        let (there, nowhere) = (peer(client.local_addr().unwrap()), peer("127.0.0.1:0".parse().unwrap()));
        let mut departures = Departures::<SockaddrIn>::new(8);
        for (number, to) in [nowhere, there, nowhere, there].into_iter().enumerate() {
            departures.add(to, number, |answer| {
                *answer = vec![u8::try_from(number).unwrap()];
                true
            });
        }
        let mut failed = Vec::new();

        socket.send(&mut departures, |number, _| failed.push(number));

        assert_eq!(failed, [0, 2]);
        let mut octet = [0];
        let received = [0; 2].map(|_| client.recv(&mut octet).map(|_| octet[0]).unwrap());
        assert_eq!(received, [1, 3]);
    }

    #[test]
    fn more_than_there_is_room_for_comes_by_the_next_call() {
        let (socket, client) = (bound("127.0.0.1:0"), UdpSocket::bind("127.0.0.1:0").unwrap());
        client.connect(socket.socket.local_addr().unwrap()).unwrap();
        for number in 0..BATCH + 3 {
            client.send(&[u8::try_from(number).unwrap()]).unwrap();
        }
        let mut arrivals = Arrivals::<SockaddrIn>::new();
        let mut octets = Vec::new();
        for offered in [OFFERED_MIN + 2, BATCH] {
            socket.receive(&mut arrivals).unwrap();
            octets.extend(arrivals.packets().flat_map(|(packet, _)| packet.to_vec()));
            arrivals.offered = offered;
        }
        assert_eq!(octets, (0..u8::try_from(BATCH + 3).unwrap()).collect::<Vec<_>>());
    }

    #[test]
    fn a_call_has_room_for_twice_as_many_as_the_last_one_received() {
        let (socket, client) = (bound("127.0.0.1:0"), UdpSocket::bind("127.0.0.1:0").unwrap());
        client.connect(socket.socket.local_addr().unwrap()).unwrap();
        let mut arrivals = Arrivals::<SockaddrIn>::new();
        for number in 0..u8::try_from(3 + 2 * BATCH).unwrap() {
            client.send(&[number]).unwrap();
            if number < 3 {
                socket.receive(&mut arrivals).unwrap();
                assert_eq!(arrivals.packets().map(|(packet, _)| packet.to_vec()).collect::<Vec<_>>(), [[number]]);
            }
        }
        let mut calls = Vec::new();
        while calls.iter().sum::<usize>() < 2 * BATCH {
            socket.receive(&mut arrivals).unwrap();
            calls.push(arrivals.packets().count());
        }
        assert_eq!(calls, [4, 8, 16, 32, 4]);
    }

    #[test]
    fn who_waits_is_woken() {
        let socket = std::sync::Arc::new(bound("127.0.0.1:0"));
        let waker = std::sync::Arc::clone(&socket);
        let waiting = std::thread::spawn(move || {
            let mut arrivals = Arrivals::<SockaddrIn>::new();
            socket.receive(&mut arrivals).map(|()| arrivals.packets().all(|(packet, _)| packet.is_empty()))
        });
        waker.wake();
        assert!(waker.is_woken());
        assert!(waiting.join().unwrap().unwrap());
    }
}
