//! One connection of DNS over HTTPS (RFC 8484), HTTP/1.1 or HTTP/2.
//!
//! | request | status |
//! |---|---|
//! | GET `/dns-query?dns=…` in base64url, POST `/dns-query` with a message | 200, however the answer's code is (RFC 8484 §4.2.1) |
//! | another path | 404 |
//! | another method | 405 |
//! | GET without a readable `dns`, or what is no query | 400 |
//! | POST of another type | 415 |
//! | POST of more than a query, which is 4,096 octets | 413 |
//! | a request that is not whole after 5 s | 408 |
//! | any, while the server starts | 503 |

use std::convert::Infallible;
use std::future::Future;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use data_encoding::BASE64URL_NOPAD;
use http_body_util::{BodyExt as _, Full};
use hyper::body::{Bytes, Incoming};
use hyper::header::{ALLOW, CACHE_CONTROL, CONTENT_TYPE, HeaderValue};
use hyper::rt::Executor;
use hyper::server::conn::{http1, http2};
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use percent_encoding::percent_decode_str;
use rustls::ServerConfig;
use tokio::net::TcpStream;
use tokio_rustls::server::TlsStream;

use crate::base::tasks::Tasks;
use crate::serve::certificates::Versions;
use crate::serve::hickory;
use crate::serve::metrics::CloseReason;

use super::connection::Connection;
use super::give_way::GiveWay;
use super::stream::{self, Protocol};
use super::{Deps, ListenKey, ListenerKind, Listening, Socket, SocketKind, Transport, QUERY_MAX};

/// The row of HTTPS.
pub(super) const KIND: ListenerKind = ListenerKind {
    name: "https",
    title: "HTTPS",
    listen: Some(ListenKey {
        name: "https-listen",
        port: 443,
        text: &[" Where DNS over HTTPS (RFC 8484, path /dns-query) is answered. Nowhere by default."],
        example: "[\"[::]:443\"]",
    }),
    allow: "allow-https",
    socket: SocketKind::Streams,
    has_workers: false,
    is_datagram: false,
    has_long_answers: false,
    is_encrypted: true,
    pads_unasked: false,
    proves_address: true,
    has_keepalive: false,
    held: 24 << 10,
    hickory: hickory::Protocol::Https,
    open,
};

/// Requests behind a handshake.
#[derive(Clone, Debug)]
struct Https(Arc<ServerConfig>);

impl Protocol for Https {
    const TRANSPORT: Transport = Transport::Https;

    async fn converse(self, stream: TcpStream, connection: Arc<Connection>) -> CloseReason {
        match connection.handshake(stream, self.0).await {
            Ok(stream) => answer(stream, connection).await,
            Err(reason) => reason,
        }
    }
}

fn open(socket: Socket, deps: &Deps) -> io::Result<Listening> {
    let config = deps.certificates()?.config(&[b"h2", b"http/1.1"], Versions::Both);
    stream::open(Https(config), socket, deps)
}

/// Answers requests until the client leaves, is idle or slow, or has to leave; says why it ended.
async fn answer(stream: TlsStream<TcpStream>, peer_connection: Arc<Connection>) -> CloseReason {
    let second = stream.get_ref().1.alpn_protocol() == Some(b"h2");
    let stream = TokioIo::new(GiveWay::new(stream));
    let service = {
        let peer_connection = Arc::clone(&peer_connection);
        service_fn(move |request| {
            let peer_connection = Arc::clone(&peer_connection);
            async move { Ok::<_, Infallible>(respond(request, &peer_connection).await) }
        })
    };
    if second {
        let connection = http2::Builder::new(Streams(peer_connection.tasks.clone()))
            .timer(TokioTimer::new())
            .max_concurrent_streams(STREAMS)
            .max_header_list_size(HEADERS)
            .initial_stream_window_size(STREAM_WINDOW)
            .initial_connection_window_size(CONNECTION_WINDOW)
            .max_send_buf_size(SEND_BUFFER)
            .max_pending_accept_reset_streams(RESET_STREAMS)
            .max_local_error_reset_streams(RESET_STREAMS)
            .serve_connection(stream, service);
        watch(&peer_connection, connection, |connection| connection.graceful_shutdown()).await
    } else {
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(peer_connection.patience())
            .max_buf_size(HTTP1_BUFFER)
            .serve_connection(stream, service);
        watch(&peer_connection, connection, |connection| connection.graceful_shutdown()).await
    }
}

/// Runs a connection until it ends, or until something ends it.
async fn watch<C, E>(
    peer_connection: &Connection,
    connection: C,
    wind_up: impl Fn(std::pin::Pin<&mut C>),
) -> CloseReason
where
    C: Future<Output = Result<(), E>>,
{
    let mut stopping = false;
    let timeout = tokio::time::sleep(peer_connection.left().unwrap_or_default());
    tokio::pin!(connection, timeout);
    loop {
        tokio::select! {
            biased;
            () = peer_connection.permit.evicted() => return CloseReason::Evicted,
            () = peer_connection.stop.cancelled(), if !stopping => {
                stopping = true;
                wind_up(connection.as_mut());
                timeout.set(tokio::time::sleep(LAST_REQUESTS));
            }
            () = &mut timeout => {
                match peer_connection.left() {
                    _ if stopping => return CloseReason::Stopped,
                    Some(left) => timeout.set(tokio::time::sleep(left)),
                    None => return CloseReason::Idle,
                }
            }
            result = connection.as_mut() => {
                return match result {
                    Ok(()) if stopping => CloseReason::Stopped,
                    Ok(()) => CloseReason::Client,
                    Err(_) => CloseReason::Protocol,
                };
            }
        }
    }
}

async fn respond(request: Request<Incoming>, peer_connection: &Arc<Connection>) -> Response<Full<Bytes>> {
    let held = peer_connection.permit.hold(REQUEST);
    let query = match tokio::time::timeout(peer_connection.patience(), read_query(request)).await {
        Ok(Ok(query)) => query,
        Ok(Err(status)) => return failure(status),
        Err(_) => return failure(StatusCode::REQUEST_TIMEOUT),
    };
    drop(held);
    let client = peer_connection.client();
    peer_connection.permit.touch(client.now.mono);
    let mut message = Vec::new();
    let Some(sent) = peer_connection.responder.respond(&query, client, &mut message) else {
        let starting = !peer_connection.responder.readiness().load().answering;
        return failure(if starting { StatusCode::SERVICE_UNAVAILABLE } else { StatusCode::BAD_REQUEST });
    };
    let mut response = Response::new(Full::new(Bytes::from_owner(peer_connection.outgoing(message))));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(MESSAGE));
    // RFC 8484 §5.1: no longer than the shortest TTL.
    let fresh = sent.lifetime.map_or_else(|| "no-store".to_owned(), |secs| format!("max-age={secs}"));
    if let Ok(fresh) = HeaderValue::try_from(fresh) {
        response.headers_mut().insert(CACHE_CONTROL, fresh);
    }
    response
}

async fn read_query(request: Request<Incoming>) -> Result<Bytes, StatusCode> {
    if request.uri().path() != PATH {
        return Err(StatusCode::NOT_FOUND);
    }
    match *request.method() {
        Method::GET => {
            let pairs = request.uri().query().unwrap_or_default().split('&');
            let text = pairs.filter_map(|pair| pair.strip_prefix("dns=")).next().ok_or(StatusCode::BAD_REQUEST)?;
            let text: Vec<u8> = percent_decode_str(text).filter(|octet| *octet != b'=').collect();
            let octets = BASE64URL_NOPAD.decode(&text);
            octets.map(Bytes::from).map_err(|_| StatusCode::BAD_REQUEST)
        }
        Method::POST => {
            let kind = request.headers().get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
            // RFC 9110 §8.3.1: parameters may stand behind the type.
            let kind = kind.and_then(|kind| kind.split(';').next()).map(str::trim);
            if !kind.is_some_and(|kind| kind.eq_ignore_ascii_case(MESSAGE)) {
                return Err(StatusCode::UNSUPPORTED_MEDIA_TYPE);
            }
            read_body(request.into_body()).await.map(Bytes::from)
        }
        _ => Err(StatusCode::METHOD_NOT_ALLOWED),
    }
}

/// Reads a message. What has come is copied, so that a piece of one octet does not keep the buffer that it came in.
async fn read_body(mut body: Incoming) -> Result<Vec<u8>, StatusCode> {
    let mut message = Vec::new();
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|_| StatusCode::BAD_REQUEST)?;
        let octets = frame.into_data().unwrap_or_default();
        if message.len() + octets.len() > QUERY_MAX {
            return Err(StatusCode::PAYLOAD_TOO_LARGE);
        }
        message.extend_from_slice(&octets);
    }
    Ok(message)
}

fn failure(status: StatusCode) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::new()));
    *response.status_mut() = status;
    if status == StatusCode::METHOD_NOT_ALLOWED {
        response.headers_mut().insert(ALLOW, HeaderValue::from_static("GET, POST"));
    }
    response
}

/// Runs the streams of HTTP/2 as tasks of their owner.
#[derive(Clone, Debug)]
struct Streams(Tasks);

impl<F: Future<Output: Send + 'static> + Send + 'static> Executor<F> for Streams {
    fn execute(&self, stream: F) {
        drop(self.0.spawn("https-stream", stream));
    }
}

/// RFC 8484 §4.1: the path that clients are configured with.
pub(in crate::serve) const PATH: &str = "/dns-query";
/// RFC 8484 §6.
const MESSAGE: &str = "application/dns-message";
/// Requests of one connection at once.
const STREAMS: u32 = 16;
/// Octets of headers of a request over HTTP/2: a query in a URL has up to 700.
const HEADERS: u32 = 8 << 10;
/// Octets of headers of a request over HTTP/1.1: the least that hyper takes.
const HTTP1_BUFFER: usize = 8 << 10;
/// Octets that a client may send before they are read: a whole query for each stream.
const STREAM_WINDOW: u32 = 4 << 10;
/// The same for all streams: the least that HTTP/2 knows.
const CONNECTION_WINDOW: u32 = 65_535;
/// Octets of answers that are copied for a slow client, for each stream.
const SEND_BUFFER: usize = 16 << 10;
/// Streams that were reset and are still known.
const RESET_STREAMS: usize = 16;
/// What an unfinished request holds, at most: its headers, its body and its task.
const REQUEST: usize = 16 << 10;
/// How long requests in flight may take when the server stops.
const LAST_REQUESTS: Duration = Duration::from_secs(1);
