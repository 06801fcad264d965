//! The check `grpc` against a health service of our own, and against other servers.

use std::time::Duration;

use hyper::body::Bytes;
use hyper::{HeaderMap, Response};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::sleep;

use super::{Server, assert_saw, probe, probe_within};
use crate::probe::grpc::codec;
use crate::probe::{Check, Grpc};

const SHORT: Duration = Duration::from_millis(300);

fn check(service: &str) -> Check {
    Check::Grpc(Grpc { tls: None, host: "mesh.example".to_owned(), service: service.to_owned() })
}

/// How a server of ours answers one call.
#[derive(Clone, Copy, Debug)]
struct Answer {
    status: u16,
    body: &'static [u8],
    /// Empty: no trailers.
    trailer: &'static str,
}

/// Serves one connection: each call gets the same answer.
async fn serve(stream: TcpStream, answer: Answer, asked: tokio::sync::mpsc::Sender<String>) {
    let Ok(mut connection) = h2::server::handshake(stream).await else { return };
    while let Some(Ok((mut request, mut respond))) = connection.accept().await {
        let mut call = format!("{} {} ", request.method(), request.uri());
        let field = |name| request.headers().get(name).and_then(|value| value.to_str().ok()).unwrap_or("none");
        call.push_str(&format!("{} {} ", field("content-type"), field("te")));
        if let Some(Ok(body)) = request.body_mut().data().await {
            call.push_str(&body.escape_ascii().to_string());
        }
        drop(asked.try_send(call));
        let response = Response::builder().status(answer.status).body(()).unwrap();
        let mut stream = respond.send_response(response, false).unwrap();
        stream.send_data(Bytes::from_static(answer.body), answer.trailer.is_empty()).unwrap();
        if !answer.trailer.is_empty() {
            let mut trailers = HeaderMap::new();
            trailers.insert("grpc-status", answer.trailer.parse().unwrap());
            stream.send_trailers(trailers).unwrap();
        }
    }
}

async fn answering(answer: Answer) -> (Server, tokio::sync::mpsc::Receiver<String>) {
    let (asked, calls) = tokio::sync::mpsc::channel(4);
    (Server::start(move |stream| serve(stream, answer, asked.clone())).await, calls)
}

const SERVING: Answer = Answer { status: 200, body: b"\0\0\0\0\x02\x08\x01", trailer: "0" };

#[tokio::test]
async fn a_serving_service_passes_and_is_asked_as_the_protocol_says() {
    let (server, mut calls) = answering(SERVING).await;
    let report = probe(server.address, check("sip")).await;
    assert_saw(&report, "pass", "");
    assert_eq!(report.steps[1].saw, "SERVING");
    let call = calls.recv().await.unwrap();
    let question = codec::question("sip").escape_ascii().to_string();
    let expected = "POST http://mesh.example/grpc.health.v1.Health/Check application/grpc trailers ";
    assert_eq!(call, format!("{expected}{question}"));
}

#[tokio::test]
async fn each_answer_has_its_outcome() {
    for (answer, outcome, cause) in [
        (Answer { body: b"\0\0\0\0\x02\x08\x02", ..SERVING }, "drain", "NOT_SERVING"),
        (Answer { body: b"", trailer: "5", ..SERVING }, "fail", "NOT_FOUND"),
        (Answer { body: b"", trailer: "12", ..SERVING }, "fail", "UNIMPLEMENTED"),
        (Answer { trailer: "", ..SERVING }, "fail", "no grpc-status"),
        (Answer { trailer: "zero", ..SERVING }, "fail", "no grpc-status"),
        (Answer { status: 404, ..SERVING }, "fail", "HTTP status 404"),
        (Answer { body: &[0; 16_000], ..SERVING }, "fail", ""),
    ] {
        let (server, _calls) = answering(answer).await;
        assert_saw(&probe(server.address, check("")).await, outcome, cause);
    }
}

#[tokio::test]
async fn what_is_no_http_2_fails() {
    for answer in [
        &b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"[..],
        b"220 mail.example ESMTP\r\n",
        &[0xff; 65_536],
        b"",
    ] {
        let server = Server::start(move |mut stream| async move {
            drop(stream.read(&mut [0; 1024]).await);
            drop(stream.write_all(answer).await);
        })
        .await;
        let report = probe(server.address, check("")).await;
        assert_saw(&report, "fail", "");
        assert!(report.steps.iter().all(|step| step.saw.len() < 300), "{report:?}");
    }
}

#[tokio::test]
async fn endless_settings_and_silence_end_with_the_time() {
    let babbler = Server::start(|mut stream| async move {
        // An empty SETTINGS frame, over and over (RFC 9113 §6.5).
        while stream.write_all(&[0, 0, 0, 4, 0, 0, 0, 0, 0]).await.is_ok() {
            sleep(Duration::from_millis(1)).await;
        }
    })
    .await;
    assert_saw(&probe_within(babbler.address, check(""), SHORT).await, "silent", "no answer within");
    let silent = Server::start(|mut stream| async move {
        drop(stream.read(&mut [0; 1024]).await);
        sleep(Duration::from_secs(60)).await;
    })
    .await;
    let report = probe_within(silent.address, check(""), SHORT).await;
    assert_saw(&report, "silent", "no answer within");
    assert!(report.latency < SHORT * 8, "{:?}", report.latency);
}
