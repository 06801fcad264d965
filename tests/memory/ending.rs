//! Clients of QUIC that begin handshakes and end them with their next packet, whose addresses may be forged.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use quinn::crypto::rustls::QuicClientConfig;
use quinn::{ClientConfig, Endpoint};
use tokio::net::UdpSocket;

use crate::Program;
use crate::trust::client_config;

/// A first packet of a handshake, and the one that ends it (RFC 9000 §10.2.3).
type Packets = [Vec<u8>; 2];

#[tokio::test(flavor = "multi_thread")]
async fn quic_connections_that_end_at_once_leave_little() {
    let program = Program::start();
    let server = program.address("QUIC");
    let handshakes = handshakes().await;
    let before = program.resident_kib();
    let mut most = before;
    let mut every = tokio::time::interval(Duration::from_millis(2));
    for (number, packets) in handshakes.iter().enumerate() {
        let client = Ipv4Addr::new(127, 33, 0, u8::try_from(number % 200).unwrap() + 1);
        let socket = UdpSocket::bind((client, 0)).await.unwrap();
        for packet in packets {
            every.tick().await;
            socket.send_to(packet, server).await.unwrap();
        }
        if number % 50 == 0 {
            most = most.max(program.resident_kib());
        }
    }
    most = most.max(program.resident_kib());
    let held = most - before;
    println!("{} handshakes that end at once: {before} KiB before, {most} at most", handshakes.len());
    assert!(held <= MOST_KIB, "{held} KiB more");
    program.server.answering();
}

/// Catches what a client sends that gets no answer and gives up.
async fn handshakes() -> Vec<Packets> {
    let config = ClientConfig::new(Arc::new(QuicClientConfig::try_from(client_config(&["doq"])).unwrap()));
    let client = Endpoint::client(SocketAddr::from(([127, 0, 0, 1], 0))).unwrap();
    let mut handshakes = Vec::new();
    let mut octets = [0; 2_000];
    while handshakes.len() < HANDSHAKES {
        let catcher = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        let connecting = client.connect_with(config.clone(), catcher.local_addr().unwrap(), "ns1.example.com").unwrap();
        let first = catcher.recv(&mut octets).await.unwrap();
        let first = octets[..first].to_vec();
        drop(connecting);
        // A busy machine may send the first one again.
        let last = loop {
            let length = catcher.recv(&mut octets).await.unwrap();
            if length >= 1_200 && octets[..length] != *first {
                break octets[..length].to_vec();
            }
        };
        handshakes.push([first, last]);
    }
    handshakes
}

/// How many there are.
const HANDSHAKES: usize = 2_000;
/// The most that they may take, in KiB: each holds 27 until quinn forgets it.
const MOST_KIB: u64 = 12 << 10;
