//! Stand-ins for the servers behind a service: alive, dead, or deaf.

use std::io::{Read, Write};
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use socket2::{Domain, Socket, Type};

use crate::server::Network;

/// The port of all targets.
pub(crate) const PORT: u16 = 5060;

/// How long a connection may be idle: less than is worth holding it open, and enough for a prober on a busy machine.
const IDLE: Duration = Duration::from_secs(8);

/// A target that answers SIP over TCP until it is dropped: then connections are refused.
pub(crate) struct Target {
    address: SocketAddr,
    stop: Arc<AtomicBool>,
    hangs: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Target {
    pub(crate) const fn address(&self) -> SocketAddr {
        self.address
    }

    pub(crate) fn up(ip: Ipv4Addr) -> Self {
        Self::at(SocketAddr::new(IpAddr::V4(ip), PORT))
    }

    pub(crate) fn at(address: SocketAddr) -> Self {
        let listener = TcpListener::bind(address).unwrap();
        let address = listener.local_addr().unwrap();
        let stop = Arc::new(AtomicBool::new(false));
        let hangs = Arc::new(AtomicBool::new(false));
        let (stopped, hung) = (Arc::clone(&stop), Arc::clone(&hangs));
        let thread = std::thread::spawn(move || {
            let mut unanswered = Vec::new();
            while let Ok((connection, _)) = listener.accept() {
                if stopped.load(Ordering::SeqCst) {
                    return;
                }
                if hung.load(Ordering::SeqCst) {
                    unanswered.push(connection);
                    continue;
                }
                // Each for itself: one that is held open keeps no other from its answer. Whoever asks may have gone already.
                std::thread::spawn(move || drop(answer(connection)));
            }
        });
        Self { address, stop, hangs, thread: Some(thread) }
    }

    /// From now on it takes connections and answers nothing.
    pub(crate) fn hang(&self) {
        self.hangs.store(true, Ordering::SeqCst);
    }
}

/// Answers one request: 200, with the fields that tell whose answer it is (RFC 3261 §8.2.6.2).
fn answer(mut connection: TcpStream) -> std::io::Result<()> {
    connection.set_read_timeout(Some(IDLE))?;
    let mut request = Vec::new();
    while !request.ends_with(b"\r\n\r\n") {
        let mut some = [0; 1024];
        match connection.read(&mut some)? {
            0 => return Ok(()),
            read => request.extend_from_slice(&some[..read]),
        }
    }
    let request = String::from_utf8(request).unwrap();
    let is_told = |line: &&str| ["Via:", "From:", "To:", "Call-ID:", "CSeq:"].iter().any(|name| line.starts_with(name));
    let told: String = request.lines().filter(is_told).map(|line| format!("{line}\r\n")).collect();
    connection.write_all(format!("SIP/2.0 200 OK\r\n{told}Content-Length: 0\r\n\r\n").as_bytes())
}

impl Drop for Target {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::SeqCst);
        drop(TcpStream::connect(self.address));
        self.thread.take().unwrap().join().unwrap();
    }
}

/// A target that neither accepts nor refuses: its queue of connections is full, so a probe learns nothing until its time
/// is over.
pub(crate) struct Deaf {
    _listener: Socket,
    _waiting: Vec<TcpStream>,
}

impl Deaf {
    pub(crate) fn new(ip: Ipv4Addr) -> Self {
        let address = SocketAddr::new(IpAddr::V4(ip), PORT);
        let listener = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
        listener.set_reuse_address(true).unwrap();
        listener.bind(&address.into()).unwrap();
        listener.listen(0).unwrap();
        let mut waiting = Vec::new();
        while let Ok(stream) = TcpStream::connect_timeout(&address, Duration::from_millis(100)) {
            waiting.push(stream);
        }
        Self { _listener: listener, _waiting: waiting }
    }
}

/// The hosts of the SIP zone: two of priority 10, the standby of priority 20.
#[derive(Clone, Copy)]
pub(crate) struct Hosts {
    pub(crate) node1: Ipv4Addr,
    pub(crate) node2: Ipv4Addr,
    pub(crate) standby: Ipv4Addr,
}

impl Hosts {
    pub(crate) fn new() -> Self {
        let network = Network::new();
        Self { node1: network.take(), node2: network.take(), standby: network.take() }
    }

    /// A zone with one service on these hosts.
    pub(crate) fn zone(&self) -> String {
        let Self { node1, node2, standby } = self;
        format!(
            "$ORIGIN example.com.\n$TTL 300\n@ IN SOA ns1 hostmaster 1 3600 600 604800 30\n@ IN NS ns1\n\
             ns1 IN A 127.0.0.1\n_sip._tcp IN SRV 10 70 {PORT} sip-node1\n_sip._tcp IN SRV 10 30 {PORT} sip-node2\n\
             _sip._tcp IN SRV 20 0 {PORT} sip-dr\nsip-node1 IN A {node1}\nsip-node2 IN A {node2}\nsip-dr IN A {standby}\n"
        )
    }

    pub(crate) fn up(&self) -> [Target; 3] {
        [Target::up(self.node1), Target::up(self.node2), Target::up(self.standby)]
    }

    pub(crate) fn deaf(&self) -> [Deaf; 3] {
        [Deaf::new(self.node1), Deaf::new(self.node2), Deaf::new(self.standby)]
    }
}
