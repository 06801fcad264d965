//! New clients: each with a socket of its own, measured from its first packet to its answer.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream, UdpSocket};
use std::sync::Arc;
use std::time::{Duration, Instant};

use quinn::Endpoint;
use quinn::crypto::rustls::QuicClientConfig;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};

use crate::question::Question;
use crate::{HTTPS, PLAIN, QUIC, TLS};

/// Those who come.
pub(crate) struct NewClients {
    question: Question,
    tls: Arc<ClientConfig>,
    https: Arc<ClientConfig>,
    quic: quinn::ClientConfig,
    runtime: tokio::runtime::Runtime,
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
        let config = |protocol| client_config(certificate, &[protocol]);
        Self {
            question: Question::service(),
            tls: config("dot"),
            https: config("http/1.1"),
            quic: quinn::ClientConfig::new(Arc::new(QuicClientConfig::try_from(config("doq")).unwrap())),
            runtime: tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap(),
            echo: address,
        }
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
        let connection = ClientConnection::new(Arc::clone(&self.tls), server_name()).unwrap();
        self.ask(&mut StreamOwned::new(connection, stream))?;
        Some(begin.elapsed())
    }

    /// Connects by HTTPS, with a whole handshake, and asks by POST.
    pub(crate) fn by_https(&self) -> Option<Duration> {
        let begin = Instant::now();
        let stream = connect(HTTPS)?;
        let connection = ClientConnection::new(Arc::clone(&self.https), server_name()).unwrap();
        let mut stream = StreamOwned::new(connection, stream);
        let packet = &self.question.packet;
        let head = format!(
            "POST /dns-query HTTP/1.1\r\nhost: ns1.example.com\r\nconnection: close\r\n\
             content-type: application/dns-message\r\ncontent-length: {}\r\n\r\n",
            packet.len()
        );
        stream.write_all(&[head.as_bytes(), packet].concat()).ok()?;
        let mut response = Vec::new();
        stream.read_to_end(&mut response).ok()?;
        let body = response.windows(4).position(|window| window == b"\r\n\r\n")? + 4;
        (response.starts_with(b"HTTP/1.1 200 ") && self.question.is_answered_by(response.get(body..)?))
            .then(|| begin.elapsed())
    }

    /// Connects by QUIC, with a whole handshake, and asks.
    pub(crate) fn by_quic(&self) -> Option<Duration> {
        let begin = Instant::now();
        let exchange = async {
            let endpoint = Endpoint::client(SocketAddr::from(([127, 0, 0, 1], 0))).ok()?;
            let connection = endpoint.connect_with(self.quic.clone(), QUIC, "ns1.example.com").ok()?.await.ok()?;
            let (mut send, mut receive) = connection.open_bi().await.ok()?;
            send.write_all(&framed(&self.question.packet)).await.ok()?;
            send.finish().ok()?;
            let answer = receive.read_to_end(1_232).await.ok()?;
            let waited = begin.elapsed();
            let is_answered = self.question.is_answered_by(answer.get(2..)?);
            connection.close(0_u32.into(), b"");
            // Long enough to tell the server; the client's own end takes longer.
            let _told = tokio::time::timeout(Duration::from_millis(5), endpoint.wait_idle()).await;
            is_answered.then_some(waited)
        };
        self.runtime.block_on(async { tokio::time::timeout(TIMEOUT, exchange).await.ok().flatten() })
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
pub(crate) fn client_config(certificate: &CertificateDer<'static>, alpn: &[&str]) -> Arc<ClientConfig> {
    let mut roots = RootCertStore::empty();
    roots.add(certificate.clone()).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let mut config = builder.with_root_certificates(roots).with_no_client_auth();
    config.alpn_protocols = alpn.iter().map(|protocol| protocol.as_bytes().to_vec()).collect();
    config.resumption = rustls::client::Resumption::disabled();
    Arc::new(config)
}

/// The name in the server's certificate.
pub(crate) fn server_name() -> ServerName<'static> {
    ServerName::try_from("ns1.example.com").unwrap()
}

/// After so long a client counts as lost.
const TIMEOUT: Duration = Duration::from_secs(5);
