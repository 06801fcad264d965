//! Our own listener for QUIC (RFC 9250): a task for each connection, which does its handshake too.
//!
//! hickory-server's waits for each handshake within its accept loop: one forged packet stalls all clients for 5 s. Here
//! accepting never blocks, and above a number of unfinished handshakes a new client has to prove that it owns its
//! address (RFC 9000 §8.1.2) before any state is kept for it.

use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use quinn::crypto::rustls::QuicServerConfig;
use quinn::{
    Endpoint, EndpointConfig, IdleTimeout, Incoming, ReadError, RecvStream, Runtime as _, SendStream, ServerConfig,
    TokioRuntime, TransportConfig, VarInt, WriteError,
};
use tracing::debug;

use crate::base::connections::{ConnectionLimiter, Limits, Permit};
use crate::base::tasks::TaskSet;
use crate::serve::certificates::Versions;
use crate::serve::edns::OPTION_KEEPALIVE;
use crate::serve::metrics::CloseReason;
use crate::serve::Client;
use crate::serve::hickory::Protocol;
use crate::serve::query::QueryView;

use super::connection::Connection;
use super::lingering::{Admission, Departures};
use super::unproven::FrugalSocket;
use super::{Deps, ListenKey, ListenerKind, Listening, Socket, SocketKind, Transport, QUERY_MAX};

/// The row of QUIC.
pub(super) const KIND: ListenerKind = ListenerKind {
    name: "quic",
    title: "QUIC",
    listen: Some(ListenKey {
        name: "quic-listen",
        port: 853,
        text: &[" Where DNS over QUIC (RFC 9250) is answered. Nowhere by default."],
        example: "[\"[::]:853\"]",
    }),
    allow: "allow-quic",
    socket: SocketKind::Datagrams,
    has_workers: false,
    is_datagram: false,
    has_long_answers: true,
    is_encrypted: true,
    pads_unasked: true,
    proves_address: true,
    has_keepalive: false,
    held: 24 << 10,
    hickory: Protocol::Quic,
    open,
};

fn open(socket: Socket, deps: &Deps) -> io::Result<Listening> {
    let tls = deps.certificates()?.config(&[b"doq"], Versions::Tls13);
    let tls = QuicServerConfig::try_from(tls).map_err(io::Error::other)?;
    let mut config = ServerConfig::with_crypto(Arc::new(tls));
    config.transport_config(Arc::new(transport(deps.limiter.limits().idle)));
    config.max_incoming(INCOMING);
    config.incoming_buffer_size(INCOMING_BUFFER).incoming_buffer_size_total(INCOMING_BUFFERS);
    let runtime = Arc::new(TokioRuntime);
    let socket = socket.datagrams()?.pop().ok_or(io::ErrorKind::InvalidInput)?;
    let socket = FrugalSocket::new(runtime.wrap_udp_socket(socket)?);
    let shared = Arc::new(socket.clone());
    let endpoint = Endpoint::new_with_abstract_socket(EndpointConfig::default(), Some(config), shared, runtime)?;
    let limits = Limits { all: HALF_OPEN_MOST, per_client: HALF_OPEN_OF_CLIENT, ..deps.limiter.limits() };
    let handshakes = ConnectionLimiter::new(limits);
    let departures = Arc::default();
    Ok(Box::pin(QuicListener { endpoint, socket, deps: deps.clone(), handshakes, departures }.run()))
}

/// A listener that is open.
#[derive(Debug)]
struct QuicListener {
    endpoint: Endpoint,
    socket: FrugalSocket,
    deps: Deps,
    /// Handshakes that are not done; the oldest makes room, at its limit that of the same client.
    handshakes: ConnectionLimiter,
    /// Whose connections have ended lately.
    departures: Arc<Mutex<Departures>>,
}

impl QuicListener {
    /// Answers until it is told to stop, then what has arrived by then; ends when the last connection has.
    async fn run(self) {
        let mut connections = self.deps.tasks.set("quic-connection");
        loop {
            tokio::select! {
                biased;
                () = self.deps.stop.cancelled() => break,
                Some(_) = connections.next() => {}
                incoming = self.endpoint.accept() => match incoming {
                    Some(incoming) => self.admit(&mut connections, incoming),
                    None => break,
                },
            }
        }
        self.endpoint.set_server_config(None);
        while connections.next().await.is_some() {}
        self.endpoint.close(NO_ERROR, b"");
        let _late = tokio::time::timeout(CLOSE_TIMEOUT, self.endpoint.wait_idle()).await;
    }

    fn admit(&self, connections: &mut TaskSet<()>, incoming: Incoming) {
        if !self.deps.admits(Transport::Quic, incoming.remote_address()) {
            return incoming.refuse();
        }
        let (client, is_proven) = (incoming.remote_address(), incoming.remote_address_validated());
        let now = self.deps.responder.clock().now().mono;
        // Each task has one connection; quinn has those that have ended besides.
        let lingering = self.endpoint.open_connections().saturating_sub(connections.len());
        let mut departures = self.departures.lock().unwrap_or_else(PoisonError::into_inner);
        match departures.admit(client.ip(), is_proven, self.handshakes.len(), lingering, now) {
            Admission::Begin => {}
            Admission::Retry => {
                // Only a client that has a token already cannot be sent for one.
                if let Err(refused) = incoming.retry() {
                    refused.into_incoming().refuse();
                }
                return;
            }
            Admission::Refuse => {
                self.deps.responder.metrics().turned_away(Transport::Quic);
                return incoming.refuse();
            }
        }
        drop(departures);
        if !is_proven {
            self.socket.begins(client);
        }
        let place = self.handshakes.admit(client.ip(), now);
        let conversation = converse(self.deps.clone(), self.socket.clone(), incoming, place);
        let (departures, clock) = (Arc::clone(&self.departures), self.deps.responder.clock());
        connections.spawn(async move {
            conversation.await;
            departures.lock().unwrap_or_else(PoisonError::into_inner).note(client.ip(), clock.now().mono);
        });
    }
}

/// Does a handshake and answers what is asked then.
///
/// Who has not shown yet that it owns its address has no permit: a forger must not push others out of theirs.
async fn converse(deps: Deps, socket: FrugalSocket, incoming: Incoming, place: Permit) {
    let client = incoming.remote_address();
    let handshake = async {
        match incoming.accept() {
            Ok(connecting) => connecting.await,
            Err(error) => Err(error),
        }
    };
    let connected = tokio::select! {
        biased;
        () = deps.stop.cancelled() => None,
        () = place.evicted() => None,
        () = tokio::time::sleep(deps.limiter.limits().idle) => None,
        connected = handshake => connected.inspect_err(|error| debug!(%error, "no QUIC handshake")).ok(),
    };
    drop(place);
    let Some(connected) = connected else { return deps.responder.metrics().turned_away(Transport::Quic) };
    socket.proves(client);
    let connection = Arc::new(Connection::admit(&deps, Transport::Quic, connected.remote_address()));
    let (reason, code) = connection.answer_streams(&connected).await;
    connected.close(code, b"");
    connection.ends(reason);
}

impl Connection {
    /// Answers each stream in its own task, so that a slow one holds up no other.
    async fn answer_streams(self: &Arc<Self>, connected: &quinn::Connection) -> (CloseReason, VarInt) {
        let mut streams = self.tasks.set("quic-stream");
        let timeout = tokio::time::sleep(self.left().unwrap_or_default());
        tokio::pin!(timeout);
        let end = loop {
            tokio::select! {
                biased;
                () = self.permit.evicted() => break (CloseReason::Evicted, EXCESSIVE_LOAD),
                () = self.stop.cancelled() => break (CloseReason::Stopped, NO_ERROR),
                // What keeps a connection alive is queries, not pings.
                () = &mut timeout => match self.left() {
                    Some(left) => timeout.set(tokio::time::sleep(left)),
                    None => break (CloseReason::Idle, NO_ERROR),
                },
                Some((_, answered)) = streams.next() => {
                    if matches!(answered, Ok(Err(ProtocolError))) {
                        break (CloseReason::Protocol, PROTOCOL_ERROR);
                    }
                }
                stream = connected.accept_bi() => match stream {
                    Ok((send, receive)) => {
                        let exchange = Exchange { connection: Arc::clone(self), client: connected.remote_address() };
                        streams.spawn(exchange.answer(send, receive));
                    }
                    Err(_) => break (CloseReason::Client, NO_ERROR),
                },
            }
        };
        if end.0 == CloseReason::Stopped {
            let rest = async { while streams.next().await.is_some() {} };
            let _late = tokio::time::timeout(LAST_QUERIES, rest).await;
        }
        end
    }
}

/// One query and its answer, on a stream of their own (RFC 9250 §4.2).
struct Exchange {
    connection: Arc<Connection>,
    client: SocketAddr,
}

/// The client broke the rules of RFC 9250: its connection ends (§4.3.3).
struct ProtocolError;

impl Exchange {
    async fn answer(self, mut send: SendStream, mut receive: RecvStream) -> Result<(), ProtocolError> {
        let held = self.connection.permit.hold(STREAM);
        let patience = self.connection.patience();
        let octets = match tokio::time::timeout(patience, read_query(&mut receive)).await {
            Ok(Ok(Some(octets))) => octets,
            // The client has reset it, or is gone.
            Ok(Err(_)) => return Ok(()),
            // Longer than any query, or too slow.
            Ok(Ok(None)) | Err(_) => {
                let _gone = (receive.stop(EXCESSIVE_LOAD), send.reset(EXCESSIVE_LOAD));
                return Ok(());
            }
        };
        drop(held);
        let (&length, packet) = octets.split_first_chunk::<LENGTH>().ok_or(ProtocolError)?;
        // RFC 9250 §4.2: one message a stream; §4.2.1: its number is 0.
        if usize::from(u16::from_be_bytes(length)) != packet.len() || packet.first_chunk::<2>() != Some(&[0, 0]) {
            return Err(ProtocolError);
        }
        if has_keepalive(packet) {
            return Err(ProtocolError);
        }
        let client = Client::new(self.client, Transport::Quic, self.connection.responder.clock().now());
        self.connection.permit.touch(client.now.mono);
        let mut message = Vec::new();
        let Some(mut sent) = self.connection.responder.respond(packet, client, &mut message) else {
            // What is no query, or comes while the server starts.
            let _gone = send.reset(EXCESSIVE_LOAD);
            return Ok(());
        };
        let mut held;
        loop {
            // Once here, once where it waits to be acknowledged.
            held = self.connection.permit.hold(2 * message.len());
            match tokio::time::timeout(patience, write(&mut send, &message)).await {
                Ok(Ok(())) => {}
                Ok(Err(_)) => return Ok(()),
                Err(_) => {
                    leave(&mut send);
                    return Ok(());
                }
            }
            if !sent.rest.as_mut().is_some_and(|rest| rest.next(self.connection.client().now.wall, &mut message)) {
                break;
            }
        }
        // Until the client has all of it: the connection may be about to close.
        if send.finish().is_ok() && tokio::time::timeout(patience, send.stopped()).await.is_err() {
            leave(&mut send);
        }
        drop(held);
        Ok(())
    }
}

/// Returns whether a query has edns-tcp-keepalive, which has no place here (RFC 9250 §5.5.2): QUIC has its own idle time.
fn has_keepalive(packet: &[u8]) -> bool {
    let query = QueryView::parse(packet).ok();
    query.and_then(|query| query.edns).is_some_and(|edns| edns.option(OPTION_KEEPALIVE).is_some())
}

/// Gives an answer up that the client does not take: else it would wait for as long as the connection lives.
fn leave(send: &mut SendStream) {
    let _gone = send.reset(EXCESSIVE_LOAD);
}

async fn write(send: &mut SendStream, message: &[u8]) -> Result<(), WriteError> {
    send.write_all(&u16::try_from(message.len()).unwrap_or(0).to_be_bytes()).await?;
    send.write_all(message).await
}

/// Reads a query with its length; nothing if it is too long. What has come is copied, so that a piece of one octet does not
/// keep the datagram that it came in.
async fn read_query(receive: &mut RecvStream) -> Result<Option<Vec<u8>>, ReadError> {
    let (mut octets, mut piece) = (Vec::new(), [0; PIECE]);
    while let Some(length) = receive.read(&mut piece).await? {
        if octets.len() + length > LENGTH + QUERY_MAX {
            return Ok(None);
        }
        octets.extend_from_slice(piece.get(..length).unwrap_or_default());
    }
    Ok(Some(octets))
}

fn transport(idle: Duration) -> TransportConfig {
    let mut config = TransportConfig::default();
    config.max_idle_timeout(IdleTimeout::try_from(idle).ok());
    config.max_concurrent_bidi_streams(VarInt::from_u32(STREAMS));
    // RFC 9250 §4.3: only streams in both directions are used.
    config.max_concurrent_uni_streams(VarInt::from_u32(0));
    config.stream_receive_window(VarInt::from_u32(STREAM_WINDOW));
    config.receive_window(VarInt::from_u32(CONNECTION_WINDOW));
    config.send_window(SEND_WINDOW);
    config.datagram_receive_buffer_size(None);
    // RFC 9250 §5.4: where QUIC can be told to pad its packets, it pads those that hold answers without EDNS too.
    config.pad_to_mtu(true);
    config
}

/// RFC 9250 §4.3: DOQ_NO_ERROR, DOQ_PROTOCOL_ERROR, DOQ_EXCESSIVE_LOAD.
const NO_ERROR: VarInt = VarInt::from_u32(0);
const PROTOCOL_ERROR: VarInt = VarInt::from_u32(2);
const EXCESSIVE_LOAD: VarInt = VarInt::from_u32(4);
/// Octets of a message's length.
const LENGTH: usize = 2;
/// Unfinished handshakes at most, in all and of one client.
const HALF_OPEN_MOST: u32 = 256;
const HALF_OPEN_OF_CLIENT: u32 = 32;
/// First packets that wait to be looked at, and octets behind them, of each and of all.
const INCOMING: usize = 1_024;
const INCOMING_BUFFER: u64 = 4 << 10;
const INCOMING_BUFFERS: u64 = 1 << 20;
/// Queries of one connection at once.
const STREAMS: u32 = 16;
/// Octets that a client may send before they are read: a whole query, for each stream and in all.
const STREAM_WINDOW: u32 = 4 * 1_024 + 2;
const CONNECTION_WINDOW: u32 = STREAMS * STREAM_WINDOW;
/// Octets of answers that wait for a slow client.
const SEND_WINDOW: u64 = 1 << 16;
/// What an unfinished query holds, at most: quinn lets pieces keep 32 KiB of datagrams before it copies them.
const STREAM: usize = 36 << 10;
/// How many octets of a query are read at once.
const PIECE: usize = 512;
/// How long queries in flight may take when the server stops.
const LAST_QUERIES: Duration = Duration::from_secs(1);
/// How long the end of all connections may take.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(1);
