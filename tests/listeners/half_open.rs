//! Handshakes of QUIC that are begun and not done, all of one address that is really theirs.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use quinn::crypto::rustls::QuicClientConfig;
use quinn::{ClientConfig, Endpoint};
use tokio::net::UdpSocket;
use understudy::base::connections::Limits;

use crate::house::{House, LIMITS, RECORD, soon};
use crate::quic;
use crate::trust::client_config;

/// One address that begins handshakes without end keeps nobody else out.
#[tokio::test(flavor = "multi_thread")]
async fn one_address_with_a_thousand_half_open_handshakes_refuses_nobody_else() {
    let house = House::open(Limits { idle: Duration::from_mins(1), ..LIMITS });
    let tls = QuicClientConfig::try_from(client_config(&["doq"])).unwrap();
    let config = ClientConfig::new(Arc::new(tls));
    let attacker = Endpoint::client("127.0.0.1:0".parse::<SocketAddr>().unwrap()).unwrap();
    let mut retries = 0;
    for _ in 0..1_060 {
        retries += usize::from(begin(&attacker, &config, house.quic).await);
    }
    assert!(retries > 1_000, "they have shown their address: {retries}");
    let client = Endpoint::client("127.0.0.2:0".parse::<SocketAddr>().unwrap()).unwrap();
    let connecting = client.connect_with(config.clone(), house.quic, "first.test").unwrap();
    let connection = soon(connecting).await.unwrap();
    assert_eq!(quic::ask(&connection, "www.t. A").await.answer(), [RECORD]);
    connection.close(0_u32.into(), b"");
    // It keeps itself out until what is left of its connections is gone.
    let client = Endpoint::client("127.0.0.1:0".parse::<SocketAddr>().unwrap()).unwrap();
    let begin = Instant::now();
    let connection = loop {
        let connecting = client.connect_with(config.clone(), house.quic, "first.test").unwrap();
        match connecting.await {
            Ok(connection) => break connection,
            Err(error) => assert!(begin.elapsed() < Duration::from_secs(40), "{error}"),
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    };
    assert_eq!(quic::ask(&connection, "www.t. A").await.answer(), [RECORD]);
    connection.close(0_u32.into(), b"");
    house.close().await;
}

/// Begins one; passes a Retry on, and then nothing more. Returns whether there was one.
async fn begin(attacker: &Endpoint, config: &ClientConfig, server: SocketAddr) -> bool {
    let relay = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let address = relay.local_addr().unwrap();
    let _connecting = attacker.connect_with(config.clone(), address, "first.test").unwrap();
    let mut packet = [0; 2_000];
    let mut client = None;
    let mut retried = false;
    // Packets may be lost on a busy machine: then the client sends its own once more.
    loop {
        let (length, from) = soon(relay.recv_from(&mut packet)).await.unwrap();
        // RFC 9000 §17.2.5: a Retry packet.
        let is_retry = packet[0] & 0b1111_0000 == 0b1111_0000;
        match client {
            Some(client) if from == server && is_retry => {
                retried = true;
                relay.send_to(&packet[..length], client).await.unwrap();
            }
            _ if from == server => return false,
            _ => {
                client = Some(from);
                relay.send_to(&packet[..length], server).await.unwrap();
                if retried {
                    // Until the server has met it.
                    let _answer = tokio::time::timeout(Duration::from_secs(1), relay.recv_from(&mut packet)).await;
                    return true;
                }
            }
        }
    }
}
