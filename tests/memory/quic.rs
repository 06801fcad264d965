//! Clients of QUIC that misbehave.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use quinn::crypto::rustls::QuicClientConfig;
use quinn::{ClientConfig, Endpoint, RecvStream, SendStream, TransportConfig, VarInt};

use crate::trust::client_config;
use crate::{BODY, Conduct, STREAMS, long_query};

/// A connection, and what keeps its streams open.
pub(crate) struct Connection {
    _endpoint: Endpoint,
    _connection: quinn::Connection,
    _streams: Vec<(SendStream, RecvStream)>,
}

/// Opens a connection with as many streams as the server takes.
pub(crate) async fn open(client: IpAddr, server: SocketAddr, conduct: Conduct) -> Option<Connection> {
    let tls = QuicClientConfig::try_from(client_config(&["doq"])).unwrap();
    let mut config = ClientConfig::new(Arc::new(tls));
    let mut transport = TransportConfig::default();
    // No octet of an answer is taken.
    transport.stream_receive_window(VarInt::from_u32(0)).keep_alive_interval(Some(Duration::from_millis(500)));
    config.transport_config(Arc::new(transport));
    let endpoint = Endpoint::client(SocketAddr::new(client, 0)).unwrap();
    let connection = endpoint.connect_with(config, server, "ns1.example.com").unwrap().await.ok()?;
    let mut streams = Vec::new();
    for _ in 0..STREAMS {
        let open = tokio::time::timeout(Duration::from_millis(20), connection.open_bi());
        let Ok(Ok((mut send, receive))) = open.await else { break };
        let octets = match conduct {
            Conduct::UnfinishedQueries => vec![0; BODY],
            Conduct::UnreadAnswers => {
                let query = long_query();
                [&u16::try_from(query.len()).unwrap().to_be_bytes(), query.as_slice()].concat()
            }
        };
        // It waits where the server takes no more of it.
        let _full = tokio::time::timeout(Duration::from_millis(5), send.write_all(&octets)).await;
        if matches!(conduct, Conduct::UnreadAnswers) {
            let _gone = send.finish();
        }
        streams.push((send, receive));
    }
    Some(Connection { _endpoint: endpoint, _connection: connection, _streams: streams })
}
