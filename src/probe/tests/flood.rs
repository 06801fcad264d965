//! Servers that send without end what their protocol permits: each probe reads so much of it and no more.

use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UdpSocket;

use super::{Server, assert_saw, probe};
use crate::base::tasks::Tasks;
use crate::probe::over::Over;
use crate::probe::{Check, Expect, Grpc, Http, Sip, Tcp};

/// What a server sends once it was asked: a begin, then the same so many times in each write, without end.
#[derive(Clone, Debug)]
struct Flood {
    begin: Vec<u8>,
    piece: Vec<u8>,
    at_once: usize,
}

impl Flood {
    /// Sends the piece alone, many times in a write.
    fn of(piece: impl Into<Vec<u8>>) -> Self {
        Self { begin: Vec::new(), piece: piece.into(), at_once: 400 }
    }

    /// Sends frames behind the SETTINGS of HTTP/2.
    fn of_frames(piece: Vec<u8>) -> Self {
        Self { begin: frame(0x4, 0, &[]), ..Self::of(piece) }
    }

    fn after(self, begin: &[u8]) -> Self {
        Self { begin: begin.to_vec(), ..self }
    }

    fn one_by_one(self) -> Self {
        Self { at_once: 1, ..self }
    }

    async fn start(self) -> Server {
        let pieces = self.piece.repeat(self.at_once);
        Server::start(move |mut stream| {
            let (begin, pieces) = (self.begin.clone(), pieces.clone());
            async move {
                stream.set_nodelay(true).unwrap();
                let mut asked = [0; 4096];
                drop(stream.read(&mut asked).await);
                drop(stream.write_all(&begin).await);
                while stream.write_all(&pieces).await.is_ok() {}
            }
        })
        .await
    }
}

/// A frame of HTTP/2 (RFC 9113 §4.1).
fn frame(kind: u8, stream: u8, payload: &[u8]) -> Vec<u8> {
    let length = u8::try_from(payload.len()).unwrap();
    [&[0, 0, length, kind, 0, 0, 0, 0, stream], payload].concat()
}

fn http() -> Check {
    Check::Http(Http::new("shop.example".to_owned(), None))
}

fn grpc() -> Check {
    Check::Grpc(Grpc { tls: None, host: "mesh.example".to_owned(), service: String::new() })
}

#[tokio::test]
async fn what_a_server_repeats_without_end_is_given_up_at_the_limit() {
    let expecting =
        Check::Http(Http { expect: Some(Expect::Text("needle".into())), ..Http::new("shop.example".to_owned(), None) });
    let chunked = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
    for (name, check, flood) in [
        ("interim answers", http(), Flood::of("HTTP/1.1 100 Continue\r\n\r\n")),
        ("chunks of one octet", expecting, Flood::of("1\r\nx\r\n").after(chunked)),
        ("octets of a header, one by one", http(), Flood::of("y").one_by_one().after(b"HTTP/1.1 200 OK\r\nX: ")),
        ("octets, one by one", tcp(), Flood::of("y").one_by_one()),
        ("WINDOW_UPDATE", grpc(), Flood::of_frames(frame(0x8, 0, &[0, 0, 0, 1]))),
        ("PRIORITY", grpc(), Flood::of_frames(frame(0x2, 1, &[0, 0, 0, 3, 7]))),
        ("PING", grpc(), Flood::of_frames(frame(0x6, 0, &[7; 8]))),
        ("SETTINGS", grpc(), Flood::of_frames(frame(0x4, 0, &[]))),
        ("unknown frames", grpc(), Flood::of_frames(frame(0xfa, 1, &[]))),
        // `:status: 100`, as a literal that is not indexed (RFC 7541 §6.2.2).
        (
            "interim answers of HTTP/2",
            grpc(),
            Flood::of_frames([&[0, 0, 5, 1, 4, 0, 0, 0, 1, 8, 3][..], b"100"].concat()),
        ),
        ("unknown frames, one by one", grpc(), Flood::of_frames(frame(0xfa, 1, &[])).one_by_one()),
    ] {
        let server = flood.start().await;
        let report = probe(server.address, check).await;
        assert_eq!(report.outcome.as_str(), "fail", "{name}: {report:?}");
        assert!(report.latency < Duration::from_secs(8), "{name} took {:?}", report.latency);
    }
}

#[tokio::test]
async fn a_flood_of_frames_ends_at_the_limit_of_octets() {
    let server = Flood::of_frames(frame(0xfa, 1, &[])).start().await;
    assert_saw(&probe(server.address, grpc()).await, "fail", "more than 160 KiB");
}

#[tokio::test]
async fn datagrams_without_end_that_do_not_answer_are_given_up() {
    let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let (address, tasks) = (socket.local_addr().unwrap(), Tasks::new());
    drop(tasks.spawn("flood", async move {
        let mut asked = [0; 4096];
        let (_, from) = socket.recv_from(&mut asked).await.unwrap();
        loop {
            drop(socket.send_to(b"SIP/2.0 200 OK\r\nContent-Length: 0\r\n\r\n", from).await);
            tokio::task::yield_now().await;
        }
    }));
    let report = probe(address, Check::Sip(Sip::new("voice.example".to_owned(), Over::Udp))).await;
    tasks.stop();
    assert_saw(&report, "fail", "more than 1024 datagrams that do not answer");
}

fn tcp() -> Check {
    Check::Tcp(Tcp { send: Some(b"?".to_vec()), expect: Some(b"needle".to_vec()) })
}
