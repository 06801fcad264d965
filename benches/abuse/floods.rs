//! What abuses HTTPS and QUIC: connections that hold what they can, frames that mean nothing, and handshakes without an end.

use std::fmt;
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use quinn::Endpoint;
use quinn::crypto::rustls::QuicClientConfig;
use rustls::pki_types::CertificateDer;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpSocket, UdpSocket};
use tokio_rustls::TlsConnector;

use crate::new_client::{client_config, server_name};
use crate::{Conduct, HTTPS, QUIC, Stop, https, quic};

/// Clients that hold what they can, of HTTPS and of QUIC, each from an address of its own.
const HOLDERS: u8 = 60;
/// How long each stays.
const STAY: Duration = Duration::from_secs(15);
/// Connections of one client on which frames come without end.
const FLOODS: usize = 4;
/// How many octets of frames each sends at once, and how often: 32 Mbit/s each, some 450,000 frames a second.
const PIECE: usize = 4 << 10;
const PACE: Duration = Duration::from_millis(1);
/// Connections of QUIC on which streams come without end, and how many at once.
const STREAM_FLOODS: usize = 2;
const STREAMS_AT_ONCE: usize = 16;
/// First packets of handshakes a second, all of one address.
const HANDSHAKES: u64 = 200;

/// What they all did.
#[derive(Default)]
pub(crate) struct Told {
    held: AtomicU64,
    floods: AtomicU64,
    flooded: AtomicU64,
    streams: AtomicU64,
    handshakes: AtomicU64,
}

/// Lets them come.
pub(crate) fn start(certificate: &CertificateDer<'static>, stop: &Stop) -> JoinHandle<Arc<Told>> {
    let (stop, certificate) = (Arc::clone(stop), certificate.clone());
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let told = Arc::<Told>::default();
        runtime.block_on(async {
            for number in 0..HOLDERS {
                drop(tokio::spawn(hold(number, Arc::clone(&told))));
            }
            let connector = TlsConnector::from(client_config(&certificate, &["h2"]));
            for frame in FRAMES {
                for _ in 0..FLOODS / FRAMES.len() {
                    drop(tokio::spawn(flood_again(frame, connector.clone(), Arc::clone(&told))));
                }
            }
            let tls = QuicClientConfig::try_from(client_config(&certificate, &["doq"])).unwrap();
            let config = quinn::ClientConfig::new(Arc::new(tls));
            for _ in 0..STREAM_FLOODS {
                drop(tokio::spawn(flood_streams_again(config.clone(), Arc::clone(&told))));
            }
            let packets = first_packets(config).await;
            drop(tokio::spawn(begin_handshakes(packets, Arc::clone(&told))));
            while !stop.load(Ordering::Relaxed) {
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        });
        told
    })
}

/// Opens connections with as many streams as it gets, and leaves them half or unread; again and again.
async fn hold(number: u8, told: Arc<Told>) {
    let client = IpAddr::V4(Ipv4Addr::new(127, 24, 0, number));
    let conduct = if number % 4 < 2 { Conduct::UnfinishedQueries } else { Conduct::UnreadAnswers };
    // Not all at once.
    tokio::time::sleep(STAY * u32::from(number) / u32::from(HOLDERS)).await;
    loop {
        let held = if number.is_multiple_of(2) {
            https::open(client, HTTPS, conduct).await.map(drop_later)
        } else {
            quic::open(client, QUIC, conduct).await.map(drop_later)
        };
        told.held.fetch_add(u64::from(held.is_some()), Ordering::Relaxed);
        tokio::time::sleep(STAY).await;
    }
}

/// Keeps a connection for as long as it stays.
fn drop_later<C: Send + 'static>(connection: C) {
    drop(tokio::spawn(async move {
        tokio::time::sleep(STAY).await;
        drop(connection);
    }));
}

/// Floods a connection until the server ends it, and then the next.
async fn flood_again(frame: &'static [u8], connector: TlsConnector, told: Arc<Told>) {
    loop {
        told.floods.fetch_add(1, Ordering::Relaxed);
        let _ended = flood(frame, &connector, &told).await;
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

async fn flood(frame: &[u8], connector: &TlsConnector, told: &Told) -> io::Result<()> {
    let socket = TcpSocket::new_v4()?;
    socket.bind(SocketAddr::new(Ipv4Addr::new(127, 24, 1, 1).into(), 0))?;
    let stream = connector.connect(server_name(), socket.connect(HTTPS).await?).await?;
    let (mut reader, mut writer) = tokio::io::split(stream);
    let write = async {
        writer.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0").await?;
        let piece = frame.repeat(PIECE / frame.len());
        loop {
            writer.write_all(&piece).await?;
            writer.flush().await?;
            told.flooded.fetch_add(u64::try_from(PIECE / frame.len()).unwrap_or(0), Ordering::Relaxed);
            tokio::time::sleep(PACE).await;
        }
    };
    let read = async {
        let mut octets = [0; 4_096];
        while reader.read(&mut octets).await? > 0 {}
        Ok(())
    };
    tokio::select! { ended = write => ended, ended = read => ended }
}

/// Floods a connection of QUIC until the server ends it, and then the next.
async fn flood_streams_again(config: quinn::ClientConfig, told: Arc<Told>) {
    loop {
        told.floods.fetch_add(1, Ordering::Relaxed);
        let _ended = flood_streams(config.clone(), &told).await;
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

/// Begins streams, and takes them back.
async fn flood_streams(config: quinn::ClientConfig, told: &Told) -> Option<()> {
    let endpoint = Endpoint::client(SocketAddr::new(Ipv4Addr::new(127, 24, 1, 1).into(), 0)).ok()?;
    let connection = endpoint.connect_with(config, QUIC, "ns1.example.com").ok()?.await.ok()?;
    loop {
        for _ in 0..STREAMS_AT_ONCE {
            let (mut send, mut receive) = connection.open_bi().await.ok()?;
            send.write_all(&[0]).await.ok()?;
            let _back = (send.reset(0_u32.into()), receive.stop(0_u32.into()));
            told.streams.fetch_add(1, Ordering::Relaxed);
        }
        tokio::time::sleep(PACE).await;
    }
}

/// Sends first packets of handshakes, each from a port of its own, and nothing more.
async fn begin_handshakes(packets: Vec<Vec<u8>>, told: Arc<Told>) {
    let mut every = tokio::time::interval(Duration::from_secs(1) / u32::try_from(HANDSHAKES).unwrap_or(1));
    for packet in packets.iter().cycle() {
        every.tick().await;
        let Ok(socket) = UdpSocket::bind("127.24.2.1:0").await else { continue };
        told.handshakes.fetch_add(u64::from(socket.send_to(packet, QUIC).await.is_ok()), Ordering::Relaxed);
    }
}

/// Catches first packets of a client that never gets an answer: enough that none comes twice while it is half-open.
async fn first_packets(config: quinn::ClientConfig) -> Vec<Vec<u8>> {
    let catcher = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let endpoint = Endpoint::client(SocketAddr::from(([127, 0, 0, 1], 0))).unwrap();
    let mut packets: Vec<Vec<u8>> = Vec::new();
    while packets.len() < usize::try_from(HANDSHAKES * 12).unwrap_or(0) {
        let caught = catcher.local_addr().unwrap();
        let connecting = endpoint.connect_with(config.clone(), caught, "ns1.example.com").unwrap();
        let mut packet = vec![0; 2_000];
        let (length, _) = catcher.recv_from(&mut packet).await.unwrap();
        packet.truncate(length);
        // What tells of the end of an earlier one is shorter.
        if length >= 1_200 {
            packets.push(packet);
        }
        drop(connecting);
    }
    packets
}

impl fmt::Display for Told {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let counts = [&self.held, &self.floods, &self.flooded, &self.streams, &self.handshakes];
        let [held, floods, flooded, streams, handshakes] = counts.map(|count| count.load(Ordering::Relaxed));
        write!(
            f,
            "HTTPS and QUIC: {held} connections that hold what they can, {floods} of floods with {flooded} idle "
        )?;
        write!(f, "frames and {streams} streams taken back, ")?;
        write!(f, "{handshakes} handshakes without an end")
    }
}

/// PING, WINDOW_UPDATE of the connection, PRIORITY, and a frame of no known type (RFC 9113 §6).
const FRAMES: [&[u8]; 4] = [
    b"\0\0\x08\x06\0\0\0\0\0understu",
    b"\0\0\x04\x08\0\0\0\0\0\0\0\0\x01",
    b"\0\0\x05\x02\0\0\0\0\x03\0\0\0\x01\0",
    b"\0\0\0\xfa\0\0\0\0\x01",
];
