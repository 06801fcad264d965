//! A socket for datagrams whose answers leave from the address that was asked (RFC 2181 §4.1).
//!
//! A socket that is bound to one address sends from that one. One that is bound to all of the machine's would send from the
//! address that the routing table prefers, and clients drop such an answer. There the kernel tells with each datagram which
//! address it came to, and is told from which one the answer leaves (`IP_PKTINFO`; RFC 3542 §6 for IPv6).

use std::io::{self, IoSliceMut};
use std::net::{IpAddr, SocketAddr};

use quinn_udp::{RecvMeta, Transmit, UdpSockRef, UdpSocketState};
use rustix::net::sockopt::{self, Ipv4PathMtuDiscovery, Ipv6PathMtuDiscovery};
use rustix::net::{RecvFlags, SendFlags, recvfrom, sendto};
use tokio::io::Interest;
use tokio::net::UdpSocket;

/// A socket that the runtime watches.
#[derive(Debug)]
pub(super) struct DatagramSocket {
    socket: UdpSocket,
    /// Where it is bound to all addresses: what is needed to see which one was asked.
    all: Option<UdpSocketState>,
}

/// Who sent a datagram, and where to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Peer {
    /// The client.
    pub(super) client: SocketAddr,
    /// The address that it asked, where the socket is bound to all of them.
    asked: Option<IpAddr>,
}

/// Where datagrams are received, and how long they are.
#[derive(Debug)]
pub(super) struct ReceiveBuffer {
    octets: Vec<u8>,
    /// The octets that were received.
    received: usize,
    /// The length of each datagram but the last, which may be shorter: the kernel hands over several of one client at once.
    stride: usize,
}

impl ReceiveBuffer {
    /// Makes room for one datagram of any length.
    pub(super) fn new() -> Self {
        Self { octets: vec![0; PACKET_MAX], received: 0, stride: 0 }
    }

    /// Walks over the datagrams that were received.
    pub(super) fn packets(&self) -> impl Iterator<Item = &[u8]> {
        self.octets.get(..self.received).unwrap_or_default().chunks(self.stride.max(1))
    }
}

impl DatagramSocket {
    /// Takes a bound socket that does not block.
    ///
    /// # Errors
    /// If the kernel cannot tell the addresses of datagrams, or the runtime cannot watch the socket.
    pub(super) fn new(socket: std::net::UdpSocket) -> io::Result<Self> {
        let address = socket.local_addr()?.ip();
        let all = if address.is_unspecified() { Some(UdpSocketState::new(UdpSockRef::from(&socket))?) } else { None };
        // QUIC looks for the path's MTU; for DNS no message from the path may make answers smaller (RFC 9715 §3.1).
        match address {
            IpAddr::V4(_) => sockopt::set_ip_mtu_discover(&socket, Ipv4PathMtuDiscovery::OMIT)?,
            IpAddr::V6(_) => sockopt::set_ipv6_mtu_discover(&socket, Ipv6PathMtuDiscovery::OMIT)?,
        }
        Ok(Self { socket: UdpSocket::from_std(socket)?, all })
    }

    /// Waits for datagrams, and returns who sent them.
    ///
    /// # Cancel safety
    /// A datagram is either returned or still there.
    pub(super) async fn receive(&self, buffer: &mut ReceiveBuffer) -> io::Result<Peer> {
        self.socket.async_io(Interest::READABLE, || self.receive_now(buffer)).await
    }

    /// Receives datagrams that have arrived, as far as the runtime knows.
    pub(super) fn try_receive(&self, buffer: &mut ReceiveBuffer) -> io::Result<Peer> {
        self.socket.try_io(Interest::READABLE, || self.receive_now(buffer))
    }

    /// Receives datagrams that have arrived, past the runtime, which tells of them only after it has waited for them.
    pub(super) fn receive_now(&self, buffer: &mut ReceiveBuffer) -> io::Result<Peer> {
        let Some(state) = &self.all else {
            let (received, _, client) = recvfrom(&self.socket, buffer.octets.as_mut_slice(), RecvFlags::DONTWAIT)?;
            let client = client.and_then(|client| SocketAddr::try_from(client).ok());
            (buffer.received, buffer.stride) = (received, received);
            return Ok(Peer { client: client.ok_or(io::ErrorKind::InvalidData)?, asked: None });
        };
        let mut meta = [RecvMeta::default()];
        let mut slots = [IoSliceMut::new(&mut buffer.octets)];
        state.recv(UdpSockRef::from(&self.socket), &mut slots, &mut meta)?;
        let [RecvMeta { addr: client, len, stride, dst_ip, .. }] = meta;
        (buffer.received, buffer.stride) = (len, stride);
        // No answer can come from the address of a group.
        Ok(Peer { client, asked: dst_ip.filter(|address| !address.is_multicast()) })
    }

    /// Sends a datagram from the address that its receiver asked, as soon as there is room for it.
    pub(super) async fn send(&self, octets: &[u8], to: Peer) -> io::Result<()> {
        self.socket.async_io(Interest::WRITABLE, || self.send_now(octets, to)).await
    }

    /// Sends a datagram if there is room for it, as far as the runtime knows.
    pub(super) fn try_send(&self, octets: &[u8], to: Peer) -> io::Result<()> {
        self.socket.try_io(Interest::WRITABLE, || self.send_now(octets, to))
    }

    /// Sends a datagram if there is room for it.
    pub(super) fn send_now(&self, octets: &[u8], to: Peer) -> io::Result<()> {
        match &self.all {
            None => Ok(sendto(&self.socket, octets, SendFlags::DONTWAIT, &to.client).map(drop)?),
            Some(state) => {
                let (destination, src_ip) = (to.client, to.asked);
                let transmit = Transmit { destination, ecn: None, contents: octets, segment_size: None, src_ip };
                state.try_send(UdpSockRef::from(&self.socket), &transmit)
            }
        }
    }
}

/// The longest datagram there is, in octets.
const PACKET_MAX: usize = 65_535;

#[cfg(test)]
mod tests {
    use super::*;

    /// Asks a socket by each of the addresses, and returns where the answers came from.
    async fn answers_from(listen: &str, asked: &[&str]) -> Vec<String> {
        let socket = std::net::UdpSocket::bind(listen).unwrap();
        socket.set_nonblocking(true).unwrap();
        let port = socket.local_addr().unwrap().port();
        let (socket, mut buffer) = (DatagramSocket::new(socket).unwrap(), ReceiveBuffer::new());
        let mut from = Vec::new();
        for address in asked {
            let client = UdpSocket::bind(if address.contains(':') { "[::]:0" } else { "0.0.0.0:0" }).await.unwrap();
            client.send_to(b"query", format!("{address}:{port}")).await.unwrap();
            let peer = socket.receive(&mut buffer).await.unwrap();
            assert_eq!(buffer.packets().collect::<Vec<_>>(), [b"query"]);
            socket.send(b"answer", peer).await.unwrap();
            let mut octets = [0; 16];
            let (length, sender) = client.recv_from(&mut octets).await.unwrap();
            assert_eq!((octets.get(..length), sender.port()), (Some(b"answer".as_slice()), port));
            from.push(sender.ip().to_string());
        }
        from
    }

    #[tokio::test]
    async fn the_answer_leaves_from_the_address_that_was_asked() {
        let addresses = ["127.0.0.1", "127.0.0.7", "127.9.9.9"];
        assert_eq!(answers_from("0.0.0.0:0", &addresses).await, addresses);
        assert_eq!(answers_from("127.0.0.7:0", &["127.0.0.7"]).await, ["127.0.0.7"]);
        assert_eq!(answers_from("[::]:0", &["[::1]"]).await, ["::1"]);
    }
}
