//! Serves routes over HTTP on a listener with limits: one request and its answer, then the connection is closed.

use std::io;
use std::time::Duration;

use axum::Router;
use axum::http::HeaderValue;
use axum::http::header::CONNECTION;
use axum::middleware::map_response;
use axum::response::Response;

use crate::base::clock::Clock;

use super::listener::{Limited, Peer, Socket};

/// Serves until `shutdown` is done and open connections have ended, at most 10 s later.
///
/// # Errors
/// If the listener is broken.
pub async fn serve(
    socket: Socket,
    clock: Clock,
    routes: Router,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> io::Result<()> {
    // All answers, those to unknown paths too.
    let routes = routes.layer(map_response(close)).into_make_service_with_connect_info::<Peer>();
    axum::serve(Limited::new(socket, clock, LIFETIME), routes).with_graceful_shutdown(shutdown).await
}

async fn close(mut answer: Response) -> Response {
    answer.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    answer
}

/// One request and its answer: each answer closes its connection.
const LIFETIME: Duration = Duration::from_secs(10);

#[cfg(test)]
mod tests {
    use std::future::IntoFuture as _;
    use std::net::SocketAddr;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicBool, Ordering};

    use prometheus_client::metrics::counter::Counter;
    use prometheus_client::registry::Registry;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::{TcpListener, TcpStream};
    use tokio::sync::oneshot;

    use super::*;
    use crate::admin::metrics::{Told, routes};

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
        let routes = routes(Arc::new(registry), readiness);
        let server = serve(Socket::Tcp(listener), Clock::start(), routes, async move { drop(stopped.await) });
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
        let limited = Limited::new(Socket::Tcp(listener), Clock::start(), Duration::from_millis(20));
        let server = axum::serve(limited, routes(Arc::default(), well))
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
        let routes = routes(Arc::default(), well);
        let server = serve(Socket::Tcp(listener), Clock::start(), routes, async move { drop(stopped.await) });
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
