//! Clients of HTTP/2 that misbehave.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use h2::client::ResponseFuture;
use hyper::Request;
use hyper::body::Bytes;
use rustls::pki_types::ServerName;
use tokio::net::TcpSocket;
use tokio::task::JoinHandle;
use tokio_rustls::TlsConnector;

use crate::trust::client_config;
use crate::{BODY, Conduct, STREAMS, long_query};

/// A connection, and what keeps its streams open.
pub(crate) struct Connection {
    _driver: JoinHandle<Result<(), h2::Error>>,
    _streams: Vec<(ResponseFuture, h2::SendStream<Bytes>)>,
}

/// Opens a connection with as many streams as the server takes; those that are refused are left out.
pub(crate) async fn open(client: IpAddr, server: SocketAddr, conduct: Conduct) -> Option<Connection> {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind((client, 0).into()).unwrap();
    let stream = socket.connect(server).await.ok()?;
    let connector = TlsConnector::from(Arc::new(client_config(&["h2"])));
    let stream = connector.connect(ServerName::try_from("ns1.example.com").unwrap(), stream).await.ok()?;
    let mut builder = h2::client::Builder::new();
    // No octet of an answer is taken.
    builder.initial_window_size(0);
    let (mut requests, connection) = builder.handshake::<_, Bytes>(stream).await.ok()?;
    let driver = tokio::spawn(connection);
    let mut streams = Vec::new();
    for _ in 0..STREAMS {
        let ready = tokio::time::timeout(std::time::Duration::from_millis(20), requests.ready());
        let Ok(Ok(mut ready)) = ready.await else { break };
        let request =
            Request::post("https://ns1.example.com/dns-query").header("content-type", "application/dns-message");
        let Ok((response, mut body)) = ready.send_request(request.body(()).unwrap(), false) else { break };
        let sent = match conduct {
            Conduct::UnfinishedQueries => body.send_data(vec![0; BODY].into(), false),
            Conduct::UnreadAnswers => body.send_data(long_query().into(), true),
        };
        let _gone = sent;
        streams.push((response, body));
        let Ok(next) = ready.ready().await else { break };
        requests = next;
    }
    Some(Connection { _driver: driver, _streams: streams })
}
