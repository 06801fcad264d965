//! New clients: each with a socket of its own, measured from its first packet to its answer.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream, UdpSocket};
use std::sync::Arc;
use std::time::{Duration, Instant};

use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};

use crate::question::Question;
use crate::{PLAIN, TLS};

/// Those who come.
pub(crate) struct NewClients {
    question: Question,
    config: Arc<ClientConfig>,
    echo: SocketAddr,
}

impl NewClients {
    pub(crate) fn new(certificate: &CertificateDer<'static>) -> Self {
        let echo = UdpSocket::bind("127.0.0.1:0").unwrap();
        let address = echo.local_addr().unwrap();
        std::thread::spawn(move || {
            let mut octets = [0; 1232];
            while let Ok((length, client)) = echo.recv_from(&mut octets) {
                drop(echo.send_to(&octets[..length], client));
            }
        });
        Self { question: Question::service(), config: client_config(certificate), echo: address }
    }

    /// Sends a datagram to a thread of this process that sends it back: what the machine itself makes a client wait.
    pub(crate) fn by_echo(&self) -> Option<Duration> {
        let begin = Instant::now();
        exchange(self.echo, &self.question.packet)?;
        Some(begin.elapsed())
    }

    /// Asks by UDP; one packet, no second try.
    pub(crate) fn by_udp(&self) -> Option<Duration> {
        let begin = Instant::now();
        let answer = exchange(PLAIN, &self.question.packet)?;
        self.question.is_answered_by(&answer).then(|| begin.elapsed())
    }

    /// Connects by TCP and asks.
    pub(crate) fn by_tcp(&self) -> Option<Duration> {
        let begin = Instant::now();
        let mut stream = connect(PLAIN)?;
        self.ask(&mut stream)?;
        Some(begin.elapsed())
    }

    /// Connects by TLS, with a whole handshake, and asks.
    pub(crate) fn by_tls(&self) -> Option<Duration> {
        let begin = Instant::now();
        let stream = connect(TLS)?;
        let connection = ClientConnection::new(Arc::clone(&self.config), server_name()).unwrap();
        self.ask(&mut StreamOwned::new(connection, stream))?;
        Some(begin.elapsed())
    }

    fn ask(&self, stream: &mut (impl Read + Write)) -> Option<()> {
        stream.write_all(&framed(&self.question.packet)).ok()?;
        let mut length = [0; 2];
        stream.read_exact(&mut length).ok()?;
        let mut answer = vec![0; usize::from(u16::from_be_bytes(length))];
        stream.read_exact(&mut answer).ok()?;
        self.question.is_answered_by(&answer).then_some(())
    }
}

fn exchange(server: SocketAddr, packet: &[u8]) -> Option<Vec<u8>> {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    socket.connect(server).unwrap();
    socket.set_read_timeout(Some(TIMEOUT)).unwrap();
    socket.send(packet).ok()?;
    let mut answer = [0; 1232];
    let length = socket.recv(&mut answer).ok()?;
    Some(answer.get(..length)?.to_vec())
}

fn connect(server: SocketAddr) -> Option<TcpStream> {
    let stream = TcpStream::connect_timeout(&server, TIMEOUT).ok()?;
    stream.set_nodelay(true).unwrap();
    stream.set_read_timeout(Some(TIMEOUT)).unwrap();
    Some(stream)
}

/// Frames a message (RFC 1035 §4.2.2).
pub(crate) fn framed(message: &[u8]) -> Vec<u8> {
    [&u16::try_from(message.len()).unwrap().to_be_bytes(), message].concat()
}

/// Believes this certificate; no session is resumed, so that each handshake is a whole one.
pub(crate) fn client_config(certificate: &CertificateDer<'static>) -> Arc<ClientConfig> {
    let mut roots = RootCertStore::empty();
    roots.add(certificate.clone()).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let mut config = builder.with_root_certificates(roots).with_no_client_auth();
    config.alpn_protocols = vec![b"dot".to_vec()];
    config.resumption = rustls::client::Resumption::disabled();
    Arc::new(config)
}

/// The name in the server's certificate.
pub(crate) fn server_name() -> ServerName<'static> {
    ServerName::try_from("ns1.example.com").unwrap()
}

/// After so long a client counts as lost.
const TIMEOUT: Duration = Duration::from_secs(5);
