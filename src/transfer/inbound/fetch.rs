//! Asks a primary, and takes its answer message by message: over TCP, or over TLS (RFC 9103).

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpSocket, TcpStream};
use tokio_rustls::TlsConnector;
use tracing::info;

use crate::base::clock::Clock;
use crate::base::error::Chain;
use crate::transfer::Key;
use crate::transfer::tsig::{Signer, Tsig, Unverified, Verifier, count_record};
use crate::zone::{Name, Zone};

use super::assembly::{Assembly, Limits, Outcome, Refused};

/// One primary.
#[derive(Clone, Debug)]
pub struct Primary {
    /// Its address.
    pub address: SocketAddr,
    /// The address that it is asked from; nothing: whichever the machine chooses.
    pub source: Option<IpAddr>,
    /// The key that signs queries and answers.
    pub key: Option<Arc<Key>>,
    /// How it is verified; nothing: it is asked over TCP.
    pub tls: Option<(Arc<ClientConfig>, ServerName<'static>)>,
}

/// Why a primary gave nothing that is of use.
#[derive(Debug, thiserror::Error)]
pub enum FetchError {
    /// The address that it is to be asked from cannot be used.
    #[error("no query from {0}")]
    Source(IpAddr, #[source] std::io::Error),
    /// There is no connection.
    #[error("no connection")]
    Connect(#[source] std::io::Error),
    /// The stream ended before the transfer did.
    #[error("the transfer broke off")]
    Broken(#[source] std::io::Error),
    /// It takes too long.
    #[error("the primary is too slow")]
    Slow,
    /// A signature does not hold.
    #[error("it is not believed")]
    Unverified(#[source] Unverified),
    /// What it sends is refused.
    #[error("it is refused")]
    Refused(#[source] Refused),
}

/// What a query needs of others.
#[derive(Clone, Copy, Debug)]
pub(super) struct FetchContext {
    pub(super) clock: Clock,
    /// Numbers by chance.
    pub(super) random: fn() -> [u8; 16],
    /// The most that is taken.
    pub(super) limits: Limits,
}

/// Asks a primary for the newest version: for the differences since the zone as it was, and for the whole zone if those are
/// of no use (RFC 1995 §4).
///
/// # Errors
/// Why it gave nothing that is of use; the zone as it was is as good as before.
pub(super) async fn fetch(
    primary: &Primary,
    origin: &Name,
    had: Option<&Arc<Zone>>,
    context: FetchContext,
) -> Result<Outcome, FetchError> {
    let FetchContext { clock, random, limits } = context;
    let ask = async |is_incremental: bool| {
        let [i0, i1, ..] = random();
        let id = u16::from_be_bytes([i0, i1]);
        let assembly = Assembly::new(origin.clone(), id, had.map(Arc::clone), is_incremental).within(limits);
        tokio::time::timeout(WHOLE, attempt(primary, assembly, clock)).await.unwrap_or(Err(FetchError::Slow))
    };
    if had.is_none() {
        return ask(false).await;
    }
    match ask(true).await {
        Err(FetchError::Refused(refused)) if !matches!(refused, Refused::Behind { .. } | Refused::TooLong(_)) => {
            info!(zone = %origin, primary.addr = %primary.address, reason = %Chain(&refused), "no differences: asking for the whole zone");
            ask(false).await
        }
        other => other,
    }
}

async fn attempt(primary: &Primary, assembly: Assembly, clock: Clock) -> Result<Outcome, FetchError> {
    let connect = tokio::time::timeout(STEP, connect(primary));
    let stream = connect.await.map_err(|_| FetchError::Slow)??;
    match &primary.tls {
        None => converse(stream, primary, assembly, clock).await,
        Some((config, name)) => {
            let connect = TlsConnector::from(Arc::clone(config)).connect(name.clone(), stream);
            let stream = tokio::time::timeout(STEP, connect).await.map_err(|_| FetchError::Slow)?;
            converse(stream.map_err(FetchError::Connect)?, primary, assembly, clock).await
        }
    }
}

async fn connect(primary: &Primary) -> Result<TcpStream, FetchError> {
    let socket = if primary.address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() };
    let socket = socket.map_err(FetchError::Connect)?;
    if let Some(source) = primary.source {
        socket.bind(SocketAddr::new(source, 0)).map_err(|error| FetchError::Source(source, error))?;
    }
    socket.connect(primary.address).await.map_err(FetchError::Connect)
}

async fn converse<S: AsyncRead + AsyncWrite + Unpin>(
    mut stream: S,
    primary: &Primary,
    mut assembly: Assembly,
    clock: Clock,
) -> Result<Outcome, FetchError> {
    let mut query = assembly.query();
    let signer = primary.key.as_ref().map(|key| Signer::of(Arc::clone(key)));
    if primary.tls.is_some() {
        pad(&mut query, signer.as_ref().map_or(0, Signer::room));
    }
    let mut verifier = signer.map(|mut signer| {
        signer.sign(clock.now().wall, &mut query);
        Verifier::of(signer)
    });
    let length = u16::try_from(query.len()).unwrap_or(u16::MAX).to_be_bytes();
    let framed = [length.as_slice(), &query].concat();
    let write = async {
        stream.write_all(&framed).await?;
        stream.flush().await
    };
    tokio::time::timeout(STEP, write).await.map_err(|_| FetchError::Slow)?.map_err(FetchError::Broken)?;
    let mut message = Vec::new();
    loop {
        let read = tokio::time::timeout(STEP, read(&mut stream, &mut message));
        read.await.map_err(|_| FetchError::Slow)?.map_err(FetchError::Broken)?;
        let tsig = Tsig::find(&message).map_err(|_| FetchError::Refused(Refused::Malformed))?;
        if let Some(verifier) = &mut verifier {
            verifier.next(&message, tsig.as_ref(), clock.now().wall).map_err(FetchError::Unverified)?;
        }
        let outcome = assembly.take(&message).map_err(FetchError::Refused)?;
        if outcome == Outcome::More {
            continue;
        }
        // RFC 8945 §5.3.1: the last message is signed.
        if verifier.is_some_and(|verifier| !verifier.is_whole()) {
            return Err(FetchError::Unverified(Unverified::Unsigned));
        }
        return Ok(outcome);
    }
}

async fn read<S: AsyncRead + Unpin>(stream: &mut S, message: &mut Vec<u8>) -> std::io::Result<()> {
    let length = stream.read_u16().await?;
    message.resize(usize::from(length), 0);
    stream.read_exact(message).await.map(drop)
}

/// Pads a query to a multiple of 128 octets (RFC 8467 §4.1), the signature behind it included, which is so many octets
/// long: so its length tells little of the zone's name (RFC 9103).
pub(super) fn pad(query: &mut Vec<u8>, signature: usize) {
    let length = query.len() + OPT.len() + 2 + PADDING.len() + 2 + signature;
    let padding = length.next_multiple_of(BLOCK) - length;
    let short = |length: usize| u16::try_from(length).unwrap_or(0).to_be_bytes();
    query.extend_from_slice(&OPT);
    query.extend_from_slice(&short(PADDING.len() + 2 + padding));
    query.extend_from_slice(&PADDING);
    query.extend_from_slice(&short(padding));
    query.resize(query.len() + padding, 0);
    count_record(query);
}

/// An OPT record (RFC 6891 §6.1.2) for answers of 1232 octets, up to the length of its data.
const OPT: [u8; 9] = [0, 0, 41, 4, 208, 0, 0, 0, 0];
/// The code of the padding option (RFC 7830 §3).
const PADDING: [u8; 2] = [0, 12];
/// RFC 8467 §4.1.
const BLOCK: usize = 128;
/// How long a connection, a handshake, or one message may take.
const STEP: Duration = Duration::from_secs(10);
/// How long a whole transfer may take.
const WHOLE: Duration = Duration::from_secs(900);
