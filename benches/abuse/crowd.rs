//! The crowd on TCP and TLS: each from an address of its own, and back a second after the server has closed.

use std::fmt;
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use rustls::ClientConnection;
use rustls::pki_types::CertificateDer;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpSocket, TcpStream};
use tokio_rustls::TlsConnector;

use crate::new_client::{client_config, framed, server_name};
use crate::question::Question;
use crate::server::Server;
use crate::{CROWD, PLAIN, Stop, TLS};

/// What one of them does until the server closes.
#[derive(Clone, Copy, Debug)]
enum Manner {
    /// Connects and says nothing.
    Idle,
    /// Sends half of what it should, and no more.
    Half,
    /// Sends an octet a second.
    Slow,
    /// TCP: sends queries and reads no answer. TLS: shakes hands and says nothing.
    Deaf,
}

/// What they all did.
#[derive(Default)]
pub(crate) struct Told {
    connected: AtomicU64,
    refused: AtomicU64,
}

/// All that one of them needs.
struct Member {
    number: u16,
    is_tls: bool,
    manner: Manner,
    /// What it would say: a framed query, or the greeting of a TLS client.
    words: Vec<u8>,
    connector: TlsConnector,
    told: Arc<Told>,
}

/// Lets them come.
pub(crate) fn start(server: &Server, stop: &Stop) -> JoinHandle<Arc<Told>> {
    let (stop, certificate, has_tls) = (Arc::clone(stop), server.certificate().clone(), server.kind().has_tls());
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let told = Arc::<Told>::default();
        runtime.block_on(async {
            for number in 0..CROWD {
                let member = Member::new(number, has_tls, &certificate, &told);
                drop(tokio::spawn(member.come_again_and_again()));
            }
            while !stop.load(Ordering::Relaxed) {
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        });
        told
    })
}

impl Member {
    fn new(number: u16, has_tls: bool, certificate: &CertificateDer<'static>, told: &Arc<Told>) -> Self {
        let config = client_config(certificate, &["dot"]);
        // Half of them come by TLS.
        let is_tls = has_tls && number % 2 == 1;
        let words = if is_tls {
            let mut greeting = Vec::new();
            let mut connection = ClientConnection::new(Arc::clone(&config), server_name()).unwrap();
            connection.write_tls(&mut greeting).unwrap();
            greeting
        } else {
            framed(&Question::service().packet)
        };
        let manner = match number / 2 % 10 {
            0..3 => Manner::Idle,
            3..6 => Manner::Half,
            6..9 => Manner::Slow,
            _ => Manner::Deaf,
        };
        let connector = TlsConnector::from(config);
        Self { number, is_tls, manner, words, connector, told: Arc::clone(told) }
    }

    async fn come_again_and_again(self) {
        // Not all at once.
        tokio::time::sleep(Duration::from_millis(u64::from(self.number))).await;
        loop {
            match self.connect().await {
                Ok(stream) => {
                    self.told.connected.fetch_add(1, Ordering::Relaxed);
                    // It lasts until the server ends it.
                    let _ended = self.stay(stream).await;
                }
                Err(_) => _ = self.told.refused.fetch_add(1, Ordering::Relaxed),
            }
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
    }

    async fn connect(&self) -> io::Result<TcpStream> {
        let [block, host] = self.number.to_be_bytes();
        let socket = TcpSocket::new_v4()?;
        socket.bind(SocketAddr::new(IpAddr::V4(Ipv4Addr::new(127, 26, block, host)), 0))?;
        socket.connect(if self.is_tls { TLS } else { PLAIN }).await
    }

    async fn stay(&self, mut stream: TcpStream) -> io::Result<()> {
        match self.manner {
            Manner::Idle => {}
            Manner::Half => stream.write_all(self.words.get(..self.words.len() / 2).unwrap_or_default()).await?,
            Manner::Slow => {
                let (mut reader, mut writer) = stream.split();
                let trickle = async {
                    for octet in self.words.iter().cycle() {
                        writer.write_all(&[*octet]).await?;
                        tokio::time::sleep(Duration::from_secs(1)).await;
                    }
                    Ok(())
                };
                return tokio::select! { end = read_to_end(&mut reader) => end, end = trickle => end };
            }
            Manner::Deaf if self.is_tls => {
                let mut stream = self.connector.connect(server_name(), stream).await?;
                return read_to_end(&mut stream).await;
            }
            Manner::Deaf => loop {
                stream.write_all(&self.words).await?;
            },
        }
        read_to_end(&mut stream).await
    }
}

async fn read_to_end(stream: &mut (impl tokio::io::AsyncRead + Unpin)) -> io::Result<()> {
    let mut octets = [0; 512];
    while stream.read(&mut octets).await? > 0 {}
    Ok(())
}

impl fmt::Display for Told {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [connected, refused] = [&self.connected, &self.refused].map(|count| count.load(Ordering::Relaxed));
        write!(f, "crowd: {connected} connections, {refused} refused")
    }
}
