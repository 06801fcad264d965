//! The sockets of all listeners.

use std::fmt;
use std::io;
use std::net::{SocketAddr, TcpListener, UdpSocket};

use rustix::net::sockopt::{self, Ipv4PathMtuDiscovery, Ipv6PathMtuDiscovery};
use socket2::{Domain, Protocol, Type};
use tracing::warn;

use crate::base::error::Chain;
use crate::base::finding::Finding;
use crate::config::ServerSettings;
use crate::serve::{Frame, Socket, SocketKind, Transport};

/// The bound sockets, ready for the runtime (non-blocking).
#[derive(Debug, Default)]
pub struct Sockets {
    /// Those of each listen address that could be bound, in their order.
    pub listeners: Vec<Bound>,
    /// What the operator should know of them: addresses left out, wildcards.
    pub findings: Vec<Finding>,
}

/// The sockets of one address.
#[derive(Debug)]
pub struct Bound {
    /// The address with the port that was bound, also if 0 was asked for.
    pub address: SocketAddr,
    /// Who answers on it.
    pub sockets: Vec<(Transport, Socket)>,
}

/// Whether the operator named the addresses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Origin {
    /// By config or `--listen`: each must be bound.
    Named,
    /// The defaults: one whose address family this machine lacks is left out.
    Default,
}

/// Why a listen address cannot be bound.
#[derive(Debug, thiserror::Error)]
pub enum BindError {
    /// Another process has it.
    #[error("{protocol} {address} is in use by another process")]
    InUse {
        /// The address.
        address: SocketAddr,
        /// `udp` or `tcp`.
        protocol: &'static str,
    },
    /// A port below 1024 and no right to it.
    #[error("no permission to listen on {protocol} {address}")]
    Permission {
        /// The address.
        address: SocketAddr,
        /// `udp` or `tcp`.
        protocol: &'static str,
    },
    /// The machine has no such address, or no such address family.
    #[error("this machine has no address {}", address.ip())]
    NoAddress {
        /// The address.
        address: SocketAddr,
    },
    /// Anything else.
    #[error("cannot listen on {protocol} {address}")]
    Other {
        /// The address.
        address: SocketAddr,
        /// `udp` or `tcp`.
        protocol: &'static str,
        /// What the system said.
        source: io::Error,
    },
}

/// Binds all listeners: those that share `listen` on each of its addresses (UDP and TCP), the others on their own.
/// Nothing stays bound if one fails.
///
/// # Errors
/// The first address that cannot be bound; of default addresses, if there is none left.
pub fn bind(server: &ServerSettings) -> Result<Sockets, BindError> {
    let origin = if server.listen_is_default { Origin::Default } else { Origin::Named };
    let mut sockets = bind_shared(server, origin)?;
    for (transport, addresses) in server.own_listen.iter() {
        for &address in addresses {
            let mut bound = Bound { address, sockets: Vec::new() };
            bound.add(transport, server)?;
            sockets.listeners.push(bound);
        }
    }
    Ok(sockets)
}

fn bind_shared(server: &ServerSettings, origin: Origin) -> Result<Sockets, BindError> {
    let addresses = &server.listen;
    let mut sockets = Sockets::default();
    let mut missing = None;
    for (number, &address) in addresses.iter().enumerate() {
        // An address that is named twice is one listener.
        if address.port() != 0 && addresses.iter().take(number).any(|before| *before == address) {
            continue;
        }
        match Bound::shared(address, server) {
            Ok(listener) => {
                sockets.findings.extend(wildcard_note(listener.address, server.frame));
                sockets.listeners.push(listener);
            }
            Err(error @ BindError::NoAddress { .. }) if origin == Origin::Default => {
                sockets.findings.push(Finding::note("listen-left-out", format!("not listening on {address}: {error}")));
                missing = Some(error);
            }
            Err(error) => return Err(error),
        }
    }
    match missing {
        Some(error) if sockets.listeners.is_empty() => Err(error),
        Some(_) | None => Ok(sockets),
    }
}

/// Binds a TCP listener alone, for metrics and administration.
///
/// # Errors
/// If it cannot be bound.
pub fn bind_tcp(address: SocketAddr) -> Result<TcpListener, BindError> {
    stream(address).map_err(|error| BindError::new(address, "tcp", error))
}

impl Bound {
    /// Binds those that share an address, all on one port.
    fn shared(address: SocketAddr, server: &ServerSettings) -> Result<Self, BindError> {
        let mut tries = if address.port() == 0 { PORT_TRIES } else { 1 };
        loop {
            tries -= 1;
            let mut bound = Self { address, sockets: Vec::new() };
            let shared = Transport::ALL.into_iter().filter(|transport| transport.kind().listen.is_none());
            match shared.into_iter().try_for_each(|transport| bound.add(transport, server)) {
                Ok(()) => return Ok(bound),
                // The free port that the system chose for the first is another's for the next.
                Err(BindError::InUse { .. }) if tries > 0 => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// Binds a transport's sockets; the first finds the port if there is none yet.
    fn add(&mut self, transport: Transport, server: &ServerSettings) -> Result<(), BindError> {
        let mut socket = open(transport, self.address, server)?;
        let failed = |error| BindError::new(self.address, protocol(transport), error);
        let address = local_address(&socket).map_err(failed)?;
        if let (Socket::Datagrams(sockets), true) = (&mut socket, transport.kind().has_workers) {
            share(sockets, address, server).map_err(failed)?;
        }
        self.address = address;
        self.sockets.push((transport, socket));
        Ok(())
    }
}

impl fmt::Display for Bound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let titles: Vec<&str> = self.sockets.iter().map(|(transport, _)| transport.kind().title).collect();
        f.write_str(&titles.join(" and "))
    }
}

fn open(transport: Transport, address: SocketAddr, server: &ServerSettings) -> Result<Socket, BindError> {
    let socket = match transport.kind().socket {
        SocketKind::Datagrams => datagram(address, server).map(|socket| Socket::Datagrams(vec![socket])),
        SocketKind::Streams => stream(address).map(Socket::Streams),
    };
    socket.map_err(|error| BindError::new(address, protocol(transport), error))
}

fn local_address(socket: &Socket) -> io::Result<SocketAddr> {
    match socket {
        Socket::Datagrams(sockets) => sockets.first().ok_or(io::ErrorKind::InvalidInput)?.local_addr(),
        Socket::Streams(listener) => listener.local_addr(),
    }
}

const fn protocol(transport: Transport) -> &'static str {
    match transport.kind().socket {
        SocketKind::Datagrams => "udp",
        SocketKind::Streams => "tcp",
    }
}

fn datagram(address: SocketAddr, server: &ServerSettings) -> io::Result<UdpSocket> {
    let socket = unbound_datagram(address, server)?;
    socket.bind(&address.into())?;
    Ok(socket.into())
}

/// Binds sockets to the address of the one that there is until there are so many. The kernel spreads clients over all of
/// them, and each of a client's datagrams comes to the same one.
fn share(sockets: &mut Vec<UdpSocket>, address: SocketAddr, server: &ServerSettings) -> io::Result<()> {
    let count = server.workers.count().get();
    for socket in sockets.iter().filter(|_| count > 1) {
        // Not before it was bound: else it could share the port with a socket of another process.
        socket2::SockRef::from(socket).set_reuse_port(true)?;
    }
    while sockets.len() < count {
        let socket = unbound_datagram(address, server)?;
        socket.set_reuse_port(true)?;
        socket.bind(&address.into())?;
        sockets.push(socket.into());
    }
    Ok(())
}

fn unbound_datagram(address: SocketAddr, server: &ServerSettings) -> io::Result<socket2::Socket> {
    let socket = bare(address, Type::DGRAM, Protocol::UDP)?;
    // The system cuts buffers to its limits; smaller ones work too, they only drop bursts sooner.
    if server.udp_receive_buffer > 0 {
        let _smaller = socket.set_recv_buffer_size(usize::try_from(server.udp_receive_buffer).unwrap_or(usize::MAX));
    }
    if server.udp_send_buffer > 0 {
        let _smaller = socket.set_send_buffer_size(usize::try_from(server.udp_send_buffer).unwrap_or(usize::MAX));
    }
    if server.udp_busy_poll > 0
        && let Err(error) = socket.set_busy_poll(server.udp_busy_poll)
    {
        warn!(%address, %error, "udp-busy-poll is not taken: it needs CAP_NET_ADMIN beyond net.core.busy_poll");
    }
    ignore_path_mtu(&socket, address)?;
    Ok(socket)
}

/// Lets no ICMP message make answers smaller than the interface's MTU: such a message can be forged, and an answer in
/// fragments can be spoofed (RFC 9715 §3.1).
fn ignore_path_mtu(socket: &socket2::Socket, address: SocketAddr) -> io::Result<()> {
    if address.is_ipv6() {
        sockopt::set_ipv6_mtu_discover(socket, Ipv6PathMtuDiscovery::OMIT)?;
    } else {
        sockopt::set_ip_mtu_discover(socket, Ipv4PathMtuDiscovery::OMIT)?;
    }
    Ok(())
}

fn stream(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = bare(address, Type::STREAM, Protocol::TCP)?;
    // Else a restart fails while connections of the last run are in TIME_WAIT.
    socket.set_reuse_address(true)?;
    socket.bind(&address.into())?;
    socket.listen(TCP_BACKLOG)?;
    Ok(socket.into())
}

fn bare(address: SocketAddr, kind: Type, protocol: Protocol) -> io::Result<socket2::Socket> {
    let socket = socket2::Socket::new(Domain::for_address(address), kind, Some(protocol))?;
    if address.is_ipv6() {
        // So that [::] and 0.0.0.0 can stand side by side, and no IPv4 client looks like ::ffff:192.0.2.1.
        socket.set_only_v6(true)?;
    }
    socket.set_nonblocking(true)?;
    Ok(socket)
}

/// Says what an operator should know of a listener on all addresses.
fn wildcard_note(address: SocketAddr, frame: Frame) -> Option<Finding> {
    let message = format!("listening on every address ({address})");
    let finding = match frame {
        Frame::Native => Finding::note("listen-wildcard", message)
            .why("queries are answered on every network of this machine, also on those that it joins later")
            .help("name the addresses in `listen` if only some are meant"),
        Frame::Hickory => Finding::warning("listen-wildcard", message)
            .why(
                "on a machine with several addresses hickory-server's answers over UDP may leave from another one than was \
                 asked, and clients drop them",
            )
            .help("name each address in `listen`, or take `frame = \"native\"`"),
    };
    address.ip().is_unspecified().then_some(finding)
}

impl BindError {
    fn new(address: SocketAddr, protocol: &'static str, error: io::Error) -> Self {
        let kind = error.kind();
        if kind == io::ErrorKind::AddrInUse {
            Self::InUse { address, protocol }
        } else if kind == io::ErrorKind::PermissionDenied {
            Self::Permission { address, protocol }
        } else if kind == io::ErrorKind::AddrNotAvailable || error.raw_os_error() == Some(EAFNOSUPPORT) {
            Self::NoAddress { address }
        } else {
            Self::Other { address, protocol, source: error }
        }
    }

    /// Says it as a finding with its fix.
    pub fn finding(&self) -> Finding {
        let finding = Finding::error("listen", Chain(self).to_string());
        match self {
            Self::InUse { address, protocol } => {
                let kind = if *protocol == "udp" { 'u' } else { 't' };
                let port = address.port();
                let stub = "systemd-resolved holds 127.0.0.53:53 only, other resolvers often every address";
                let finding = if port == 53 { finding.why(stub) } else { finding };
                finding
                    .help("stop that process, or listen elsewhere with `--listen ADDR:PORT`")
                    .command(format!("ss -l{kind}np 'sport = :{port}'"))
            }
            Self::Permission { address, .. } => finding
                .why(format!("ports below 1024, such as {}, need the capability CAP_NET_BIND_SERVICE", address.port()))
                .help(
                    "in a systemd unit `AmbientCapabilities=CAP_NET_BIND_SERVICE`, else \
                     `setcap cap_net_bind_service=+ep` on the program, or run it as root; or listen on a higher port",
                ),
            Self::NoAddress { .. } => finding
                .help(
                    "use one of the machine's addresses; at boot, wait for the network (`After=network-online.target`)",
                )
                .command("ip -brief address"),
            Self::Other { .. } => finding,
        }
    }
}

/// Connections not yet accepted; the system cuts it to net.core.somaxconn.
const TCP_BACKLOG: i32 = 1024;

const PORT_TRIES: u32 = 16;

/// The number on Linux: `std::io::ErrorKind` has no word for it.
const EAFNOSUPPORT: i32 = 97;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::finding::Severity;
    use crate::config::Workers;

    const ANY_PORT: &str = "127.0.0.1:0";

    #[test]
    fn binds_udp_and_tcp_on_one_port() {
        let sockets = shared(&[address(ANY_PORT)], Origin::Named, 1).unwrap();
        let listener = &sockets.listeners[0];
        assert_ne!(listener.address.port(), 0);
        assert_eq!(listener.to_string(), "UDP and TCP");
        let addresses = listener.sockets.iter().map(|(_, socket)| local_address(socket).unwrap());
        assert_eq!(addresses.collect::<Vec<_>>(), [listener.address; 2]);
        assert!(sockets.findings.is_empty());
    }

    #[test]
    fn each_worker_has_a_socket_for_datagrams_and_nobody_else_has() {
        let sockets = shared(&[address(ANY_PORT)], Origin::Named, 3).unwrap();
        let listener = &sockets.listeners[0];
        let datagrams = |(_, socket): &(Transport, Socket)| match socket {
            Socket::Datagrams(sockets) => sockets.iter().map(|socket| socket.local_addr().unwrap()).collect(),
            Socket::Streams(_) => Vec::new(),
        };
        let addresses: Vec<_> = listener.sockets.iter().map(datagrams).collect();
        assert_eq!(addresses, [vec![listener.address; 3], Vec::new()]);
        let again = shared(&[listener.address], Origin::Named, 3);
        assert!(matches!(again, Err(BindError::InUse { protocol: "udp", .. })));
    }

    #[test]
    fn the_port_of_another_is_not_shared_even_if_it_would_share() {
        let holder = unbound_datagram(address(ANY_PORT), &server(&[], 1)).unwrap();
        holder.set_reuse_port(true).unwrap();
        holder.bind(&address(ANY_PORT).into()).unwrap();
        let held = UdpSocket::from(holder);
        assert_eq!(datagram(held.local_addr().unwrap(), &server(&[], 1)).unwrap_err().kind(), io::ErrorKind::AddrInUse);
    }

    #[test]
    fn no_icmp_message_makes_answers_smaller() {
        let four = datagram(address("127.0.0.1:0"), &server(&[], 1)).unwrap();
        assert_eq!(sockopt::ip_mtu_discover(&four).unwrap(), Ipv4PathMtuDiscovery::OMIT);
        let six = datagram(address("[::1]:0"), &server(&[], 1)).unwrap();
        assert_eq!(sockopt::ipv6_mtu_discover(&six).unwrap(), Ipv6PathMtuDiscovery::OMIT);
    }

    #[test]
    fn buffers_are_as_wide_as_the_settings_say_and_no_refused_poll_is_a_fault() {
        let settings = ServerSettings {
            udp_receive_buffer: 8192,
            udp_send_buffer: 16_384,
            udp_busy_poll: 50,
            ..ServerSettings::default()
        };
        let socket = datagram(address(ANY_PORT), &settings).unwrap();
        let socket = socket2::SockRef::from(&socket);
        // Linux doubles what it is told, for its own needs.
        assert_eq!((socket.recv_buffer_size().unwrap(), socket.send_buffer_size().unwrap()), (16_384, 32_768));
    }

    #[test]
    fn an_address_named_twice_is_one_listener() {
        // An address that no other test has: nobody takes the port in between.
        let free = UdpSocket::bind("127.87.65.43:0").unwrap().local_addr().unwrap();
        assert_eq!(shared(&[free, free], Origin::Named, 1).unwrap().listeners.len(), 1);
        assert_eq!(shared(&[address(ANY_PORT), address(ANY_PORT)], Origin::Named, 1).unwrap().listeners.len(), 2);
    }

    #[test]
    fn a_port_in_use_names_the_command_that_shows_who() {
        let holder = UdpSocket::bind(ANY_PORT).unwrap();
        let held = holder.local_addr().unwrap();
        let finding = shared(&[held], Origin::Default, 1).unwrap_err().finding();
        assert_eq!(finding.message, format!("udp {held} is in use by another process"));
        assert_eq!(finding.command.unwrap(), format!("ss -lunp 'sport = :{}'", held.port()));
        drop(holder);

        let holder = TcpListener::bind(ANY_PORT).unwrap();
        let error = bind_tcp(holder.local_addr().unwrap()).unwrap_err();
        assert!(error.finding().command.unwrap().starts_with("ss -ltnp"));
    }

    #[test]
    fn an_address_the_machine_lacks_is_left_out_of_the_defaults_only() {
        let foreign = address("192.0.2.1:0");
        let sockets = shared(&[foreign, address(ANY_PORT)], Origin::Default, 1).unwrap();
        assert_eq!(sockets.listeners.len(), 1);
        assert_eq!(sockets.findings[0].message, "not listening on 192.0.2.1:0: this machine has no address 192.0.2.1");
        for (addresses, origin) in [(vec![foreign], Origin::Default), (vec![address(ANY_PORT), foreign], Origin::Named)]
        {
            assert!(
                matches!(shared(&addresses, origin, 1), Err(BindError::NoAddress { address }) if address == foreign)
            );
        }
    }

    #[test]
    fn a_wildcard_is_noted() {
        let found = |text, frame| wildcard_note(address(text), frame).map(|finding| finding.severity);
        assert_eq!(found("[::]:53", Frame::Native), Some(Severity::Note));
        assert_eq!(found("0.0.0.0:53", Frame::Hickory), Some(Severity::Warning));
        assert_eq!(found("[::1]:53", Frame::Hickory), None);
    }

    #[test]
    fn missing_permission_names_the_capability() {
        let denied = io::Error::from(io::ErrorKind::PermissionDenied);
        let finding = BindError::new(address("127.0.0.1:53"), "udp", denied).finding();
        assert_eq!(finding.message, "no permission to listen on udp 127.0.0.1:53");
        assert!(finding.help.unwrap().contains("AmbientCapabilities=CAP_NET_BIND_SERVICE"));
    }

    fn shared(addresses: &[SocketAddr], origin: Origin, workers: usize) -> Result<Sockets, BindError> {
        bind_shared(&server(addresses, workers), origin)
    }

    fn server(addresses: &[SocketAddr], workers: usize) -> ServerSettings {
        let workers = Workers::Count(workers.try_into().unwrap());
        ServerSettings { listen: addresses.to_vec(), workers, ..ServerSettings::default() }
    }

    fn address(text: &str) -> SocketAddr {
        text.parse().unwrap()
    }
}
