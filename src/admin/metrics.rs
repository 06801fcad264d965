//! `GET /metrics` in the OpenMetrics text format, and `GET /livez` and `GET /readyz` for orchestrators; `/healthz` is the
//! latter by its older name.

use std::fmt;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::http::header::{CONNECTION, CONTENT_TYPE};
use axum::http::{HeaderValue, StatusCode};
use axum::middleware::map_response;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use prometheus_client::encoding::text::encode;
use prometheus_client::registry::Registry;
use tokio::net::TcpListener;

use crate::base::clock::Clock;

use super::listener::Limited;

/// Whether the server is live and ready.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Told {
    /// Why a restart is needed, if it is.
    pub live: Result<(), String>,
    /// Why the server is not ready; if it is, what is wrong nevertheless.
    pub ready: Result<Option<String>, String>,
}

/// Serves the registry and readiness until `shutdown` is done and open connections have ended, at most 10 s later.
///
/// `readiness` tells whether the server is live and ready; it is asked at each request and must not block.
///
/// # Errors
/// If the listener is broken.
pub async fn serve(
    listener: TcpListener,
    clock: Clock,
    registry: Arc<Registry>,
    readiness: impl Fn() -> Told + Send + Sync + 'static,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> io::Result<()> {
    let limited = Limited::new(listener, clock, LIFETIME);
    axum::serve(limited, router(registry, readiness)).with_graceful_shutdown(shutdown).await
}

fn router(registry: Arc<Registry>, readiness: impl Fn() -> Told + Send + Sync + 'static) -> Router {
    let readiness = Arc::new(readiness);
    Router::new()
        .route("/metrics", get(move || std::future::ready(exposition(&registry))))
        .route(
            "/livez",
            get({
                let readiness = Arc::clone(&readiness);
                move || std::future::ready(health("live", readiness().live.map(|()| None)))
            }),
        )
        .route(
            "/readyz",
            get({
                let readiness = Arc::clone(&readiness);
                move || std::future::ready(health("ready", readiness().ready))
            }),
        )
        .route("/healthz", get(move || std::future::ready(health("ready", readiness().ready))))
        // All answers, those to unknown paths too.
        .layer(map_response(close))
}

async fn close(mut answer: Response) -> Response {
    answer.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    answer
}

fn exposition(registry: &Registry) -> Response {
    let mut text = String::new();
    match encode(&mut text, registry) {
        Ok(()) => answer(StatusCode::OK, OPEN_METRICS, text),
        // Writing to a string does not fail: a metric's own encoder has.
        Err(fmt::Error) => answer(StatusCode::INTERNAL_SERVER_ERROR, PLAIN, "a metric cannot be written\n".to_owned()),
    }
}

fn health(word: &str, told: Result<Option<String>, String>) -> Response {
    match told {
        Ok(None) => answer(StatusCode::OK, PLAIN, format!("{word}\n")),
        Ok(Some(remark)) => answer(StatusCode::OK, PLAIN, format!("{word}\n{remark}\n")),
        Err(reason) => answer(StatusCode::SERVICE_UNAVAILABLE, PLAIN, format!("not {word}: {reason}\n")),
    }
}

fn answer(status: StatusCode, kind: &'static str, body: String) -> Response {
    (status, [(CONTENT_TYPE, kind)], body).into_response()
}

/// One request and its answer: each answer closes its connection.
const LIFETIME: Duration = Duration::from_secs(10);
const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";
const PLAIN: &str = "text/plain; charset=utf-8";

#[cfg(test)]
mod tests {
    use std::future::IntoFuture as _;
    use std::net::SocketAddr;
    use std::sync::atomic::{AtomicBool, Ordering};

    use prometheus_client::metrics::counter::Counter;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::TcpStream;
    use tokio::sync::oneshot;

    use super::*;

    #[tokio::test]
    async fn serves_metrics_and_readiness_and_stops_when_told() {
        let counter: Counter = Counter::default();
        let mut registry = Registry::with_prefix("understudy");
        registry.register("queries", "Queries answered", counter.clone());
        counter.inc_by(3);
        let ready = Arc::new(AtomicBool::new(false));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (stop, stopped) = oneshot::channel::<()>();
        let readiness = {
            let ready = Arc::clone(&ready);
            move || Told {
                live: Ok(()),
                ready: if ready.load(Ordering::Relaxed) {
                    Ok(Some("no route".to_owned()))
                } else {
                    Err("probing".to_owned())
                },
            }
        };
        let server = serve(listener, Clock::start(), Arc::new(registry), readiness, async move { drop(stopped.await) });
        let asks = async {
            let metrics = fetch(address, "GET /metrics").await;
            assert!(metrics.starts_with("HTTP/1.1 200 OK\r\n"), "{metrics}");
            assert!(metrics.contains("content-type: application/openmetrics-text; version=1.0.0; charset=utf-8\r\n"));
            assert!(metrics.contains("\nunderstudy_queries_total 3\n") && metrics.ends_with("# EOF\n"), "{metrics}");

            let unready = fetch(address, "GET /healthz").await;
            assert!(
                unready.starts_with("HTTP/1.1 503 ") && unready.ends_with("\r\n\r\nnot ready: probing\n"),
                "{unready}"
            );
            assert!(fetch(address, "GET /livez").await.ends_with("\r\n\r\nlive\n"));
            ready.store(true, Ordering::Relaxed);
            for path in ["GET /healthz", "GET /readyz"] {
                let green = fetch(address, path).await;
                assert!(green.starts_with("HTTP/1.1 200 ") && green.ends_with("\r\n\r\nready\nno route\n"), "{green}");
            }
            assert!(fetch(address, "GET /").await.starts_with("HTTP/1.1 404 "));
            assert!(fetch(address, "POST /metrics").await.starts_with("HTTP/1.1 405 "));
            stop.send(()).unwrap();
        };
        let (served, ()) = tokio::join!(server, asks);
        served.unwrap();
    }

    #[tokio::test]
    async fn a_silent_connection_is_closed() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (stop, stopped) = oneshot::channel::<()>();
        let limited = Limited::new(listener, Clock::start(), Duration::from_millis(20));
        let server = axum::serve(limited, router(Arc::default(), well))
            .with_graceful_shutdown(async move { drop(stopped.await) });
        let asks = async {
            let mut stream = TcpStream::connect(address).await.unwrap();
            stream.write_all(b"GET /met").await.unwrap();
            let mut rest = Vec::new();
            // It ends, or is reset: either way this returns.
            let _reset = stream.read_to_end(&mut rest).await;
            assert!(!rest.starts_with(b"HTTP/1.1 200"));
            stop.send(()).unwrap();
        };
        let (served, ()) = tokio::join!(server.into_future(), asks);
        served.unwrap();
    }

    #[tokio::test]
    async fn three_hundred_silent_connections_keep_nobody_from_its_answer() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (stop, stopped) = oneshot::channel::<()>();
        let server = serve(listener, Clock::start(), Arc::default(), well, async move { drop(stopped.await) });
        let asks = async {
            let mut silent = Vec::new();
            for _ in 0..300 {
                silent.push(TcpStream::connect(address).await.unwrap());
            }
            for path in ["/healthz", "/metrics"] {
                let answer = tokio::time::timeout(LIFETIME / 2, fetch(address, &format!("GET {path}"))).await;
                assert!(answer.expect("it waits for the silent ones").starts_with("HTTP/1.1 200 "), "{path}");
            }
            stop.send(()).unwrap();
            drop(silent);
        };
        let (served, ()) = tokio::join!(server, asks);
        served.unwrap();
    }

    fn well() -> Told {
        Told { live: Ok(()), ready: Ok(None) }
    }

    async fn fetch(address: SocketAddr, request: &str) -> String {
        let mut stream = TcpStream::connect(address).await.unwrap();
        let request = format!("{request} HTTP/1.1\r\nhost: x\r\n\r\n");
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        answer
    }
}
