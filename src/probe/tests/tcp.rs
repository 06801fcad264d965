//! The check `tcp` against servers that accept, refuse, never answer, disconnect and send endless data.

use std::time::Duration;

use socket2::SockRef;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::time::{sleep, timeout};

use super::{Server, assert_saw, probe, probe_within};
use crate::base::clock::Clock;
use crate::probe::attempt::Effort;
use crate::probe::{Check, Depth, ProbeContext, Spec, Tcp, run_hasty};

const SHORT: Duration = Duration::from_millis(300);

fn expecting(send: &str, expect: &str) -> Check {
    Check::Tcp(Tcp { send: Some(send.into()), expect: Some(expect.into()) })
}

fn connecting() -> Check {
    Check::Tcp(Tcp::default())
}

#[tokio::test]
async fn a_listener_passes_in_both_families() {
    for address in ["127.0.0.1:0", "127.9.8.7:0", "[::1]:0"] {
        let listener = TcpListener::bind(address).await.unwrap();
        let report = probe(listener.local_addr().unwrap(), connecting()).await;
        assert_saw(&report, "pass", "");
        assert_eq!(report.steps[0].what, "connect");
        assert!(report.latency < Duration::from_secs(5));
    }
}

#[tokio::test]
async fn a_probe_in_haste_does_not_wait_for_a_farewell_that_never_comes() {
    // Connections stand in its queue, as with a process that dies.
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (clock, context) = (Clock::start(), ProbeContext::from_roots([]));
    let spec = Spec { address, check: connecting().into(), timeout: Duration::from_secs(10), watch: None };
    let mut shortest = Duration::MAX;
    for _ in 0..5 {
        let began = clock.now().mono;
        assert_saw(&run_hasty(Effort::to(Depth::Deep), &spec, &clock, &context).await, "pass", "");
        shortest = shortest.min(clock.now().mono.since(began));
    }
    assert!(shortest < Duration::from_millis(150), "{shortest:?}");
    drop(listener);
    assert_saw(&run_hasty(Effort::to(Depth::Deep), &spec, &clock, &context).await, "fail", "connection refused");
}

#[tokio::test]
async fn the_far_side_sees_fin_and_not_rst() {
    let (ends, mut ended) = tokio::sync::mpsc::channel(1);
    let server = Server::start(move |mut stream| {
        let ends = ends.clone();
        async move {
            stream.write_all(b"220 a greeting that nobody reads\r\n").await.unwrap();
            let read = stream.read(&mut [0; 16]).await.map_err(|error| error.kind());
            ends.send(read).await.unwrap();
        }
    })
    .await;
    assert_saw(&probe(server.address, connecting()).await, "pass", "");
    assert_eq!(ended.recv().await, Some(Ok(0)));
}

#[tokio::test]
async fn who_ends_each_connection_at_once_passes_with_a_warning() {
    let ending = Server::start(|stream| async move { drop(stream) }).await;
    let report = probe(ending.address, connecting()).await;
    assert_saw(&report, "pass", "");
    assert!(report.warnings.iter().any(|warning| warning.contains("load balancer")), "{report:#?}");
    let quiet = Server::start(|mut stream| async move { drop(stream.read(&mut [0; 4]).await) }).await;
    assert_eq!(probe(quiet.address, connecting()).await.warnings, Vec::<String>::new());
}

#[tokio::test]
async fn a_closed_port_fails_at_once() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let report = probe(address, connecting()).await;
    assert_saw(&report, "fail", "connection refused");
    assert_eq!(report.steps[0].saw, "connection refused");
}

#[tokio::test]
async fn a_port_that_is_bound_but_not_listened_on_fails() {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let address = socket.local_addr().unwrap();
    let report = probe(address, connecting()).await;
    assert_saw(&report, "fail", "connection refused");
}

#[tokio::test]
async fn a_full_backlog_is_silence_within_the_timeout() {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let listener = socket.listen(1).unwrap();
    let address = listener.local_addr().unwrap();
    let mut pending = Vec::new();
    while let Ok(stream) = timeout(Duration::from_millis(200), TcpStream::connect(address)).await {
        pending.push(stream.unwrap());
        assert!(pending.len() < 64, "the backlog never fills");
    }
    let report = probe_within(address, connecting(), SHORT).await;
    assert_saw(&report, "silent", "no answer within 300ms");
    assert!(report.latency >= SHORT && report.latency < SHORT * 8, "{:?}", report.latency);
}

#[tokio::test]
async fn an_expected_answer_passes_also_in_pieces() {
    let server = Server::start(|mut stream| async move {
        let mut asked = [0; 4];
        stream.read_exact(&mut asked).await.unwrap();
        for piece in ["+P", "ON", "G\r\n"] {
            stream.write_all(piece.as_bytes()).await.unwrap();
            stream.flush().await.unwrap();
            sleep(Duration::from_millis(5)).await;
        }
        drop(stream.read(&mut asked).await);
    })
    .await;
    let report = probe(server.address, expecting("PING", "+PONG")).await;
    assert_saw(&report, "pass", "");
    let told: Vec<_> = report.steps.iter().map(|step| (step.what, step.saw.as_str())).collect();
    assert_eq!(told[..2], [("connect", "connected"), ("send", "sent 4 octets")]);
    assert!(told[2].1.starts_with("answered \"+PONG"), "{told:?}");
}

#[tokio::test]
async fn a_reset_in_place_of_an_answer_fails() {
    let server = Server::start(|mut stream| async move {
        drop(stream.read(&mut [0; 4]).await);
        SockRef::from(&stream).set_linger(Some(Duration::ZERO)).unwrap();
    })
    .await;
    assert_saw(&probe(server.address, expecting("PING", "x")).await, "fail", "connection reset");
}

#[tokio::test]
async fn an_end_before_the_expected_answer_fails() {
    let silent = Server::start(|mut stream| async move {
        drop(stream.read(&mut [0; 4]).await);
    })
    .await;
    assert_saw(&probe(silent.address, expecting("PING", "x")).await, "fail", "closed without an answer");
    let rude = Server::start(|mut stream| async move {
        drop(stream.read(&mut [0; 4]).await);
        stream.write_all(b"no\r\n").await.unwrap();
    })
    .await;
    assert_saw(&probe(rude.address, expecting("PING", "yes")).await, "fail", "closed after \"no\\r\\n\"");
}

#[tokio::test]
async fn a_half_closed_server_that_still_answers_passes() {
    let server = Server::start(|mut stream| async move {
        stream.write_all(b"ready").await.unwrap();
        stream.shutdown().await.unwrap();
        drop(stream.read(&mut [0; 4]).await);
    })
    .await;
    assert_saw(&probe(server.address, expecting("PING", "ready")).await, "pass", "");
}

#[tokio::test]
async fn of_64_kib_garbage_4_kib_are_read() {
    let server = Server::start(|mut stream| async move {
        let mut garbage = vec![b'x'; 65_536];
        garbage.extend_from_slice(b"needle");
        drop(stream.write_all(&garbage).await);
    })
    .await;
    let report = probe(server.address, expecting("PING", "needle")).await;
    assert_saw(&report, "fail", "first 4 KiB do not hold");
    assert!(report.steps.iter().all(|step| step.saw.len() < 300));
}

#[tokio::test]
async fn an_answer_that_drips_is_silence_at_the_timeout() {
    let server = Server::start(|mut stream| async move {
        while stream.write_all(b".").await.is_ok() {
            sleep(Duration::from_millis(50)).await;
        }
    })
    .await;
    let report = probe_within(server.address, expecting("PING", "needle"), SHORT).await;
    assert_saw(&report, "silent", "no answer within");
    assert!(report.latency < SHORT * 8, "{:?}", report.latency);
    assert_eq!(report.steps.last().unwrap().what, "expect");
}

#[test]
fn parameters_tell_checks_apart() {
    assert_eq!(connecting().parameters(), "");
    assert_eq!(expecting("PING\r\n", "+PONG").parameters(), r#"send="PING\r\n" expect="+PONG""#);
    assert_eq!((connecting().kind(), connecting().transport()), ("tcp", "tcp"));
    let spaced = Check::Tcp(Tcp { send: Some(b"a expect=b".to_vec()), expect: None });
    assert_ne!(spaced.parameters(), expecting("a", "b").parameters());
}
