//! All listeners of one server in this process, and clients for them.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::task::JoinHandle;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_util::sync::CancellationToken;
use understudy::base::connections::{ConnectionLimiter, Limits};
use understudy::base::tasks::Tasks;
use understudy::serve::{BUDGET, Certificates, Deps, Frame, Identity, Socket, SocketKind, Transport};

use crate::support::{Answer, Server, query};
use crate::trust::client_config;

pub(crate) struct House {
    pub(crate) server: Server,
    pub(crate) limiter: ConnectionLimiter,
    pub(crate) certificates: Certificates,
    pub(crate) udp: SocketAddr,
    pub(crate) tcp: SocketAddr,
    pub(crate) tls: SocketAddr,
    pub(crate) https: SocketAddr,
    pub(crate) quic: SocketAddr,
    pub(crate) stop: CancellationToken,
    listeners: Vec<JoinHandle<()>>,
    _tasks: Tasks,
}

/// How long anything that must happen may take on a busy machine. What happens earlier is waited for no longer.
pub(crate) const SOON: Duration = Duration::from_secs(60);
/// The limits of a server with defaults, but for idle connections: on a busy machine a client may be slow.
pub(crate) const LIMITS: Limits = Limits { all: 1000, per_client: 20, idle: SOON };
/// The question of most tests, and its one answer.
pub(crate) const QUESTION: &str = "www.t. A";
pub(crate) const RECORD: &str = "www.t. 60 A 192.0.2.1";

impl House {
    pub(crate) fn open(limits: Limits) -> Self {
        Self::open_by(Frame::Native, limits)
    }

    pub(crate) fn open_by(frame: Frame, limits: Limits) -> Self {
        let mut zone = "t. 60 SOA n. h. 1 2 3 4 7\nwww.t. 60 A 192.0.2.1\n".to_owned();
        for number in 0..100 {
            zone += &format!("big.t. 60 TXT {number:0200}\n");
        }
        let server = Server::new(&[&zone]);
        let limiter = ConnectionLimiter::new(limits).with_budget(BUDGET);
        let certificates = Certificates::new(identity("first.test").1);
        let (tasks, stop) = (Tasks::new(), CancellationToken::new());
        let deps = Deps {
            responder: server.responder.clone(),
            limiter: limiter.clone(),
            certificates: Some(certificates.clone()),
            tasks: tasks.clone(),
            stop: stop.clone(),
        };
        let sockets = Transport::ALL.map(|transport| (transport, socket(transport)));
        let [udp, tcp, tls, https, quic] = sockets.each_ref().map(|(_, (_, address))| *address);
        let sockets = sockets.map(|(transport, (socket, _))| (transport, socket));
        let listeners = frame.open(sockets, &deps).unwrap();
        let listeners = listeners.into_iter().map(|(name, listener)| tasks.spawn(name, listener)).collect();
        Self { server, limiter, certificates, udp, tcp, tls, https, quic, stop, listeners, _tasks: tasks }
    }

    /// Tells the listeners to close, and waits until they have.
    pub(crate) async fn close(self) {
        self.stop.cancel();
        for listener in self.listeners {
            soon(listener).await.unwrap();
        }
        assert!(self.limiter.is_empty());
    }

    pub(crate) async fn connect(&self) -> TcpStream {
        soon(TcpStream::connect(self.tcp)).await.unwrap()
    }

    /// Connects to a TLS listener as a client that speaks `alpn`; returns the certificate that was shown too.
    pub(crate) async fn connect_tls(&self, address: SocketAddr, alpn: &[&str]) -> (TlsStream<TcpStream>, Vec<u8>) {
        let stream = soon(TcpStream::connect(address)).await.unwrap();
        let connector = TlsConnector::from(Arc::new(client_config(alpn)));
        let stream = soon(connector.connect(ServerName::try_from("first.test").unwrap(), stream)).await.unwrap();
        let shown = stream.get_ref().1.peer_certificates().unwrap()[0].to_vec();
        (stream, shown)
    }
}

/// Binds what a listener needs.
fn socket(transport: Transport) -> (Socket, SocketAddr) {
    match transport.kind().socket {
        SocketKind::Datagrams => {
            let socket = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
            let address = socket.local_addr().unwrap();
            (Socket::Datagrams(vec![socket]), address)
        }
        SocketKind::Streams => {
            let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
            let address = listener.local_addr().unwrap();
            (Socket::Streams(listener), address)
        }
    }
}

/// Waits, but not for ever.
pub(crate) async fn soon<F: Future>(future: F) -> F::Output {
    tokio::time::timeout(SOON, future).await.expect("not soon enough")
}

/// Makes a certificate for a name; returns it in DER too.
pub(crate) fn identity(name: &str) -> (Vec<u8>, Identity) {
    let made = rcgen::generate_simple_self_signed([name.to_owned()]).unwrap();
    let identity = Identity::from_pem(made.cert.pem().as_bytes(), made.signing_key.serialize_pem().as_bytes());
    (made.cert.der().to_vec(), identity.unwrap())
}

/// Frames a message (RFC 1035 §4.2.2).
pub(crate) fn framed(message: &[u8]) -> Vec<u8> {
    [&u16::try_from(message.len()).unwrap().to_be_bytes(), message].concat()
}

/// Asks [`QUESTION`] on an open stream.
pub(crate) async fn ask<S: AsyncRead + AsyncWrite + Unpin>(stream: &mut S) -> Answer {
    stream.write_all(&framed(&query(QUESTION, Some(1232)))).await.unwrap();
    read(stream).await.expect("the connection ended")
}

/// Reads one message; nothing if the stream has ended.
pub(crate) async fn read<S: AsyncRead + Unpin>(stream: &mut S) -> Option<Answer> {
    let length = soon(stream.read_u16()).await.ok()?;
    let mut octets = vec![0; usize::from(length)];
    soon(stream.read_exact(&mut octets)).await.ok()?;
    Some(Answer::read(octets))
}

/// Whether the far side ends the connection soon.
pub(crate) async fn ends<S: AsyncRead + Unpin>(stream: &mut S) -> bool {
    let mut rest = Vec::new();
    // An end or a reset: both are over.
    tokio::time::timeout(SOON, stream.read_to_end(&mut rest)).await.is_ok()
}

/// Asks again and again until it holds.
pub(crate) async fn eventually(what: &str, mut holds: impl FnMut() -> bool) {
    let wait = async {
        while !holds() {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    };
    tokio::time::timeout(SOON, wait).await.unwrap_or_else(|_| panic!("not within {SOON:?}: {what}"));
}
