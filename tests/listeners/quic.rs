//! DNS over QUIC (RFC 9250).

use std::collections::HashSet;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::{Duration, Instant};

use quinn::crypto::rustls::QuicClientConfig;
use quinn::{
    ApplicationClose, ClientConfig, Connection, ConnectionError, Endpoint, ReadError, ReadToEndError, TransportConfig,
    VarInt,
};
use tokio::net::UdpSocket;
use understudy::base::connections::Limits;

use crate::house::{House, LIMITS, RECORD, eventually, framed, soon};
use crate::support::{Answer, query, query_with};
use crate::trust::client_config;
use crate::waits::{Compared, ROUNDS, TRIES};

/// edns-tcp-keepalive (RFC 7828 §3.1).
const KEEPALIVE: u16 = 11;

pub(crate) async fn connect(house: &House) -> (Endpoint, Connection) {
    connect_with(house, |_| {}).await
}

async fn connect_with(house: &House, change: impl FnOnce(&mut TransportConfig)) -> (Endpoint, Connection) {
    let tls = QuicClientConfig::try_from(client_config(&["doq"])).unwrap();
    let (mut config, mut transport) = (ClientConfig::new(Arc::new(tls)), TransportConfig::default());
    change(&mut transport);
    config.transport_config(Arc::new(transport));
    let endpoint = Endpoint::client("127.0.0.1:0".parse::<SocketAddr>().unwrap()).unwrap();
    let connecting = endpoint.connect_with(config, house.quic, "first.test").unwrap();
    let connection = soon(connecting).await.unwrap();
    (endpoint, connection)
}

pub(crate) async fn ask(connection: &Connection, question: &str) -> Answer {
    let (mut send, mut receive) = soon(connection.open_bi()).await.unwrap();
    send.write_all(&framed(&query(question, None))).await.unwrap();
    send.finish().unwrap();
    let octets = soon(receive.read_to_end(70_000)).await.unwrap();
    assert_eq!(framed(&octets[2..]), octets);
    Answer::read(octets[2..].to_vec())
}

async fn close_code(connection: &Connection) -> u64 {
    let error = soon(connection.closed()).await;
    let ConnectionError::ApplicationClosed(ApplicationClose { error_code, .. }) = error else { panic!("{error}") };
    error_code.into_inner()
}

/// RFC 9250 §4.2: each query has its stream; one that is slow holds up no other.
#[tokio::test(flavor = "multi_thread")]
async fn streams_are_answered_each_for_itself() {
    let house = House::open(LIMITS);
    let (_endpoint, connection) = connect(&house).await;
    let (mut slow, _receive) = connection.open_bi().await.unwrap();
    slow.write_all(&[0]).await.unwrap();
    for _ in 0..300 {
        assert_eq!(ask(&connection, "www.t. A").await.answer(), [RECORD]);
    }
    assert_eq!(ask(&connection, "big.t. TXT").await.answer().len(), 100);
    assert_eq!(house.limiter.len(), 1);
    house.close().await;
}

/// RFC 9250 §4.2.1, §4.3.3, §5.5.2.
#[tokio::test(flavor = "multi_thread")]
async fn who_breaks_the_rules_is_told_protocol_error() {
    let house = House::open(LIMITS);
    let sound = query("www.t. A", None);
    let mut numbered = sound.clone();
    numbered[1] = 7;
    let kept = query_with("www.t. A", &[(KEEPALIVE, b"")]);
    assert_eq!(kept.first_chunk(), Some(&[0, 0]), "nothing else is wrong with it");
    let twice = [framed(&sound), framed(&sound)].concat();
    for stream in [framed(&numbered), twice, sound.clone(), vec![], vec![0], framed(&kept)] {
        let (_endpoint, connection) = connect(&house).await;
        let (mut send, _receive) = connection.open_bi().await.unwrap();
        send.write_all(&stream).await.unwrap();
        send.finish().unwrap();
        assert_eq!(close_code(&connection).await, 2, "{stream:02x?}");
    }
    house.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn at_the_end_clients_are_told_no_error() {
    let house = House::open(LIMITS);
    let (_endpoint, connection) = connect(&house).await;
    assert_eq!(ask(&connection, "www.t. A").await.answer(), [RECORD]);
    let (code, ()) = tokio::join!(close_code(&connection), house.close());
    assert_eq!(code, 0);
}

/// `tcp-idle`: pings keep no connection open, and its end is counted.
#[tokio::test(flavor = "multi_thread")]
async fn a_connection_ends_on_which_only_pings_come() {
    let house = House::open(Limits { idle: Duration::from_millis(600), ..LIMITS });
    let (_endpoint, connection) = connect_with(&house, |transport| {
        transport.keep_alive_interval(Some(Duration::from_millis(100)));
    })
    .await;
    // For twice as long as an idle connection lives.
    for _ in 0..12 {
        assert_eq!(ask(&connection, "www.t. A").await.answer(), [RECORD]);
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert_eq!(close_code(&connection).await, 0);
    let counted = "dns_connections_ended_total{transport=\"quic\",reason=\"idle\"} 1\n";
    eventually("it is counted", || house.server.metrics().contains(counted)).await;
    house.close().await;
}

/// Each query and each answer has a deadline, on a connection that works.
#[tokio::test(flavor = "multi_thread")]
async fn a_stream_that_is_slow_ends_and_its_connection_goes_on() {
    let house = House::open(Limits { idle: Duration::from_millis(600), ..LIMITS });
    let (_endpoint, connection) = connect_with(&house, |transport| {
        // Short answers are taken, and of a long one its begin.
        transport.stream_receive_window(VarInt::from_u32(1_000));
    })
    .await;
    let (mut half, mut half_answer) = connection.open_bi().await.unwrap();
    half.write_all(&[0, 9, 0]).await.unwrap();
    let (mut long, long_answer) = connection.open_bi().await.unwrap();
    long.write_all(&framed(&query("big.t. TXT", None))).await.unwrap();
    long.finish().unwrap();
    let mut long_answer = Some(long_answer);
    let begin = Instant::now();
    while begin.elapsed() < Duration::from_millis(1_500) {
        assert_eq!(ask(&connection, "www.t. A").await.answer(), [RECORD]);
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert!(
        matches!(soon(half_answer.read_to_end(10)).await, Err(ReadToEndError::Read(ReadError::Reset(code))) if code.into_inner() == 4)
    );
    let rest = soon(long_answer.take().unwrap().read_to_end(100_000)).await;
    assert!(matches!(rest, Err(ReadToEndError::Read(ReadError::Reset(code))) if code.into_inner() == 4), "{rest:?}");
    assert!(house.limiter.held() < 200_000, "{}", house.limiter.held());
    connection.close(0_u32.into(), b"");
    house.close().await;
}

/// A message that is longer than any query is not waited for.
#[tokio::test(flavor = "multi_thread")]
async fn a_query_that_is_too_long_is_refused() {
    let house = House::open(LIMITS);
    let (_endpoint, connection) = connect(&house).await;
    let (mut send, mut receive) = connection.open_bi().await.unwrap();
    let _stopped = send.write_all(&framed(&[0; 60_000])).await;
    let answer = soon(receive.read_to_end(10)).await;
    assert!(matches!(answer, Err(ReadToEndError::Read(ReadError::Reset(_)))), "{answer:?}");
    assert_eq!(ask(&connection, "www.t. A").await.answer(), [RECORD]);
    connection.close(0_u32.into(), b"");
    house.close().await;
}

/// Of one connection sixteen queries are taken at once; streams in one direction are none of DNS.
#[tokio::test(flavor = "multi_thread")]
async fn of_one_connection_sixteen_streams_are_taken() {
    let house = House::open(LIMITS);
    let (_endpoint, connection) = connect(&house).await;
    let mut begun = Vec::new();
    for _ in 0..16 {
        let (mut send, receive) = soon(connection.open_bi()).await.unwrap();
        send.write_all(&[0]).await.unwrap();
        begun.push((send, receive));
    }
    let mut next = std::pin::pin!(connection.open_bi());
    assert!(is_pending(next.as_mut()).await, "the seventeenth waits");
    assert!(is_pending(std::pin::pin!(connection.open_uni())).await);
    // The server tells of free places once there are some.
    for (mut send, mut receive) in begun.drain(..4) {
        send.reset(0_u32.into()).unwrap();
        let _reset = receive.stop(0_u32.into());
    }
    assert!(soon(next).await.is_ok(), "where others end, the next has its place");
    connection.close(0_u32.into(), b"");
    house.close().await;
}

/// Whether it has to wait, looked at once.
async fn is_pending<F: Future>(mut future: Pin<&mut F>) -> bool {
    std::future::poll_fn(|cx| Poll::Ready(future.as_mut().poll(cx).is_pending())).await
}

/// RFC 9000 §8.1: who has not shown its address gets three times what it has sent, and no octet more.
#[tokio::test(flavor = "multi_thread")]
async fn who_stays_silent_behind_its_first_packet_is_sent_three_times_as_much_at_most() {
    let house = House::open(Limits { idle: Duration::from_secs(8), ..LIMITS });
    let mut clients = tokio::task::JoinSet::new();
    for packet in first_packets(3).await {
        let server = house.quic;
        clients.spawn(async move {
            let client = UdpSocket::bind("127.0.0.1:0").await.unwrap();
            client.send_to(&packet, server).await.unwrap();
            let (mut octets, mut buffer) = (0, [0; 2_000]);
            // It is sent the same again after 1, 2 and 4 s, and then the end.
            while let Ok(received) = tokio::time::timeout(Duration::from_secs(5), client.recv(&mut buffer)).await {
                octets += received.unwrap();
            }
            (packet.len(), octets)
        });
    }
    while let Some(counted) = clients.join_next().await {
        let (sent, received) = counted.unwrap();
        println!("{sent} octets sent, {received} received");
        assert!((sent..=3 * sent).contains(&received), "{received} octets for {sent}");
    }
    house.close().await;
}

/// hickory-server's listener lets one such client stop all others for 5 s.
#[tokio::test(flavor = "multi_thread")]
async fn half_open_handshakes_hold_up_nobody() {
    let house = House::open(Limits { idle: Duration::from_secs(10), ..LIMITS });
    let packets = first_packets(TRIES * ROUNDS + 55).await;
    let calm = House::open(LIMITS);
    let mut forgers = Vec::new();
    let mut forge = async |packet: &Vec<u8>| {
        let forger = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        forger.send_to(packet, house.quic).await.unwrap();
        forgers.push(forger);
    };
    let (each, rest) = packets.split_at(TRIES * ROUNDS);
    // Before each client a forged packet, so that none of them profits from another's patience.
    let mut each = each.iter();
    let with_one = async || {
        forge(each.next().unwrap()).await;
        wait(&house).await
    };
    let with_one = Compared::of(async || wait(&calm).await, with_one).await;
    for packet in rest {
        forge(packet).await;
    }
    let with_all = Compared::of(async || wait(&calm).await, async || wait(&house).await).await;
    println!("one half-open each {with_one:?}, many half-open {with_all:?}");
    assert!(with_one.makes_no_difference(), "one half-open each: {with_one:?}");
    assert!(with_all.makes_no_difference(), "many half-open: {with_all:?}");
    // The server has met them: beyond 32 it demands of each to show its address.
    let retry = async {
        let mut octets = [0; 2_000];
        forgers.last().unwrap().recv_from(&mut octets).await.unwrap();
        octets[0] & 0b1011_0000
    };
    assert_eq!(soon(retry).await, 0b1011_0000, "RFC 9000 §17.2.5: a Retry packet");
    eventually("who has not shown its address has no place", || house.limiter.is_empty()).await;
    house.close().await;
    calm.close().await;
}

/// Connects and asks; returns how long it took.
async fn wait(house: &House) -> Duration {
    let begin = Instant::now();
    let (endpoint, connection) = connect(house).await;
    assert_eq!(ask(&connection, "www.t. A").await.answer(), [RECORD]);
    let waited = begin.elapsed();
    connection.close(0_u32.into(), b"");
    soon(endpoint.wait_idle()).await;
    waited
}

/// Returns the connection that a packet with a long header is for (RFC 9000 §17.2).
fn connection_id(packet: &[u8]) -> Vec<u8> {
    packet[6..6 + usize::from(packet[5])].to_vec()
}

/// Catches the first packets of handshakes from a real client that never gets an answer.
pub(crate) async fn first_packets(count: usize) -> Vec<Vec<u8>> {
    let catcher = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let tls = QuicClientConfig::try_from(client_config(&["doq"])).unwrap();
    let config = ClientConfig::new(Arc::new(tls));
    let endpoint = Endpoint::client("127.0.0.1:0".parse::<SocketAddr>().unwrap()).unwrap();
    let (mut packets, mut numbers) = (Vec::new(), HashSet::new());
    for _ in 0..count {
        let caught = catcher.local_addr().unwrap();
        let connecting = endpoint.connect_with(config.clone(), caught, "first.test").unwrap();
        let mut packet = vec![0; 2_000];
        // What an earlier one repeats, or sends of its end, is of no use.
        loop {
            let (length, _) = soon(catcher.recv_from(&mut packet)).await.unwrap();
            if length >= 1_200 && numbers.insert(connection_id(&packet)) {
                packet.truncate(length);
                break;
            }
        }
        packets.push(packet);
        drop(connecting);
    }
    packets
}
