//! Both frames: what is equal, and what differs, as `docs/listeners.md` tells it.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use tokio::io::AsyncWriteExt as _;
use tokio::net::{TcpStream, UdpSocket};
use understudy::base::connections::Limits;
use understudy::serve::{Frame, Status};

use crate::house::{House, LIMITS, RECORD, ask, ends, framed, identity, read, soon};
use crate::http2::Http2;
use crate::quic;
use crate::support::{Answer, query, query_with};

const FRAMES: [Frame; 2] = [Frame::Native, Frame::Hickory];

async fn ask_udp(server: SocketAddr, packet: &[u8]) -> Option<Answer> {
    let client = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    client.send_to(packet, server).await.unwrap();
    let mut octets = vec![0; 65_535];
    let length = tokio::time::timeout(Duration::from_secs(2), client.recv(&mut octets)).await.ok()?.unwrap();
    octets.truncate(length);
    Some(Answer::read(octets))
}

#[tokio::test(flavor = "multi_thread")]
async fn both_frames_answer_by_every_transport() {
    for frame in FRAMES {
        let house = House::open_by(frame, LIMITS);
        assert_eq!(ask_udp(house.udp, &query("www.t. A", Some(1232))).await.unwrap().answer(), [RECORD], "{frame:?}");
        let cut = ask_udp(house.udp, &query("big.t. TXT", Some(1232))).await.unwrap();
        assert!(cut.is_truncated() && cut.answer().is_empty(), "{frame:?}");
        assert_eq!(ask(&mut house.connect().await).await.answer(), [RECORD], "{frame:?}");
        for alpn in [&["dot"][..], &[]] {
            let (mut stream, _) = house.connect_tls(house.tls, alpn).await;
            assert_eq!(ask(&mut stream).await.answer(), [RECORD], "{frame:?}");
        }
        assert_eq!(Http2::connect(&house).await.post(query("www.t. A", None)).await.answer(), [RECORD], "{frame:?}");
        let (_endpoint, connection) = quic::connect(&house).await;
        for question in ["www.t. A", "big.t. TXT"] {
            assert!(!quic::ask(&connection, question).await.answer().is_empty(), "{frame:?} {question}");
        }
        connection.close(0_u32.into(), b"");
        house.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn both_frames_answer_queries_without_waiting_in_their_order() {
    for frame in FRAMES {
        let house = House::open_by(frame, LIMITS);
        let mut stream = house.connect().await;
        let packet = |number: u16| [&number.to_be_bytes(), &query("www.t. A", None)[2..]].concat();
        stream.write_all(&(0..30).flat_map(|number| framed(&packet(number))).collect::<Vec<u8>>()).await.unwrap();
        for number in 0..30 {
            let answer = read(&mut stream).await.unwrap();
            assert_eq!((answer.message.metadata.id, answer.answer()), (number, vec![RECORD.to_owned()]), "{frame:?}");
        }
        drop(stream);
        house.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn both_frames_show_another_certificate_to_new_clients() {
    for frame in FRAMES {
        let house = House::open_by(frame, LIMITS);
        let (mut old, before) = house.connect_tls(house.tls, &["dot"]).await;
        let (der, next) = identity("second.test");
        house.certificates.set(next);
        let (mut new, after) = house.connect_tls(house.tls, &["dot"]).await;
        assert!(before != after && after == der, "{frame:?}");
        assert_eq!(
            (ask(&mut old).await.answer(), ask(&mut new).await.answer()),
            (vec![RECORD.into()], vec![RECORD.into()])
        );
        drop((old, new));
        house.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn both_frames_are_silent_while_the_server_starts_and_leave_who_says_nothing() {
    for frame in FRAMES {
        let house = House::open_by(frame, Limits { idle: Duration::from_millis(300), ..LIMITS });
        assert!(ends(&mut house.connect().await).await, "{frame:?}");
        house.server.responder.readiness().set(Status::default());
        assert!(ask_udp(house.udp, &query("www.t. A", None)).await.is_none(), "{frame:?}");
        house.close().await;
    }
}

/// What one frame does where they differ.
#[derive(Debug, PartialEq)]
struct Conduct {
    /// Of 30 idle connections of one client, whose limit is 20, how many are kept.
    kept: usize,
    /// Whether a forged response by UDP is answered.
    answers_responses: bool,
    /// The length of a padded answer by TLS.
    padded: usize,
    /// Whether a query by QUIC is answered while a stream before it is unfinished.
    passes_slow_stream: bool,
    /// Whether 101 queries of one QUIC connection are answered.
    takes_more_than_100: bool,
}

async fn conduct(frame: Frame) -> (Conduct, Duration) {
    let house = House::open_by(frame, LIMITS);
    let mut idle = Vec::new();
    for _ in 0..30 {
        idle.push(house.connect().await);
    }
    ask(idle.last_mut().unwrap()).await;
    let open = |stream: &TcpStream| !matches!(stream.try_read(&mut [0]), Ok(0));
    tokio::time::sleep(Duration::from_millis(100)).await;
    let kept = idle.iter().filter(|stream| open(stream)).count();
    drop(idle);
    let mut response = query("www.t. A", None);
    response[2] |= 0x80;
    // What follows the header is no question.
    response.truncate(20);
    let answers_responses = ask_udp(house.udp, &response).await.is_some();
    let (mut stream, _) = house.connect_tls(house.tls, &["dot"]).await;
    stream.write_all(&framed(&query_with("www.t. A", &[(12, &[0; 3])]))).await.unwrap();
    let padded = read(&mut stream).await.unwrap().octets.len();
    drop(stream);

    let (_endpoint, connection) = quic::connect(&house).await;
    let (mut slow, _receive) = connection.open_bi().await.unwrap();
    slow.write_all(&[0]).await.unwrap();
    let asked = tokio::time::timeout(Duration::from_secs(2), quic::ask(&connection, "www.t. A")).await;
    connection.close(0_u32.into(), b"");
    let (_endpoint, connection) = quic::connect(&house).await;
    // A task of its own: it fails where the connection ends.
    let asking = tokio::spawn({
        let connection = connection.clone();
        async move {
            for _ in 0..101 {
                assert_eq!(quic::ask(&connection, "www.t. A").await.answer(), [RECORD]);
            }
        }
    });
    let takes_more_than_100 = soon(asking).await.is_ok();
    connection.close(0_u32.into(), b"");

    let forger = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    forger.send_to(&quic::first_packets(1).await[0], house.quic).await.unwrap();
    tokio::time::sleep(Duration::from_millis(50)).await;
    let begin = Instant::now();
    let (_endpoint, connection) = quic::connect(&house).await;
    assert_eq!(quic::ask(&connection, "www.t. A").await.answer(), [RECORD]);
    let waited = begin.elapsed();
    connection.close(0_u32.into(), b"");
    house.close().await;
    let passes_slow_stream = asked.is_ok();
    (Conduct { kept, answers_responses, padded, passes_slow_stream, takes_more_than_100 }, waited)
}

#[tokio::test(flavor = "multi_thread")]
async fn what_differs_is_what_the_page_tells() {
    let [(native, native_wait), (hickory, hickory_wait)] = [conduct(FRAMES[0]).await, conduct(FRAMES[1]).await];
    println!("native {native:?}, a client beside a half-open handshake waits {native_wait:?}");
    println!("hickory {hickory:?}, a client beside a half-open handshake waits {hickory_wait:?}");
    let wanted = Conduct {
        kept: 20,
        answers_responses: false,
        padded: 468,
        passes_slow_stream: true,
        takes_more_than_100: true,
    };
    assert_eq!(native, wanted);
    let wanted = Conduct {
        kept: 30,
        answers_responses: true,
        padded: 55,
        passes_slow_stream: false,
        takes_more_than_100: false,
    };
    assert_eq!(hickory, wanted);
    assert!(native_wait < Duration::from_secs(2) && hickory_wait > Duration::from_secs(3));
}
