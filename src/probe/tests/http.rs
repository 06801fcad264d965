//! The check `http` against servers that answer correctly, wrongly, slowly, endlessly, or in another protocol.

use std::time::Duration;

use socket2::SockRef;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::sleep;

use super::{Server, assert_saw, probe, probe_within};
use crate::probe::{Check, Expect, Http, Method};

const SHORT: Duration = Duration::from_millis(300);

fn check() -> Http {
    Http::new("shop.example".to_owned(), None)
}

fn expecting(text: &str) -> Check {
    Check::Http(Http { expect: Some(Expect::Text(text.into())), ..check() })
}

/// Reads a request's header.
async fn request(stream: &mut TcpStream) -> String {
    let mut text = Vec::new();
    while !text.ends_with(b"\r\n\r\n") {
        let mut octet = [0];
        if stream.read(&mut octet).await.unwrap_or(0) == 0 {
            break;
        }
        text.extend_from_slice(&octet);
    }
    String::from_utf8(text).unwrap()
}

/// A server that answers every request with these octets, then closes.
async fn answering(answer: impl Into<Vec<u8>>) -> Server {
    let answer = answer.into();
    Server::start(move |mut stream| {
        let answer = answer.clone();
        async move {
            request(&mut stream).await;
            drop(stream.write_all(&answer).await);
        }
    })
    .await
}

#[tokio::test]
async fn the_request_names_the_domain_and_ourselves() {
    let (asked, mut requests) = tokio::sync::mpsc::channel(2);
    let server = Server::start(move |mut stream| {
        let asked = asked.clone();
        async move {
            asked.send(request(&mut stream).await).await.unwrap();
            stream.write_all(b"HTTP/1.1 204 No Content\r\n\r\n").await.unwrap();
        }
    })
    .await;
    let head = Http { path: "/health?deep=1".to_owned(), method: Method::Head, ..check() };
    for http in [check(), head] {
        let report = probe(server.address, Check::Http(http)).await;
        assert_saw(&report, "pass", "");
        let steps: Vec<_> = report.steps.iter().map(|step| (step.what, step.saw.as_str())).collect();
        assert_eq!(steps, [("connect", "connected"), ("request", "HTTP/1.1, status 204")]);
    }
    let get = requests.recv().await.unwrap();
    assert!(get.starts_with("GET / HTTP/1.1\r\n"), "{get}");
    for field in ["host: shop.example\r\n", "user-agent: understudy/", "accept: */*\r\n", "connection: close\r\n"] {
        assert!(get.contains(field), "{field} in {get}");
    }
    let head = requests.recv().await.unwrap();
    assert!(head.starts_with("HEAD /health?deep=1 HTTP/1.1\r\n"), "{head}");
}

#[tokio::test]
async fn a_503_with_retry_after_is_a_drain() {
    let server = answering("HTTP/1.1 503 Service Unavailable\r\nRetry-After: 77\r\nContent-Length: 0\r\n\r\n").await;
    let report = probe(server.address, Check::Http(check())).await;
    assert_saw(&report, "drain", "back after 77 s");
    assert_eq!(report.json()["retry_after_secs"], 77);
}

#[tokio::test]
async fn a_421_says_that_the_domain_is_not_served() {
    let server = answering("HTTP/1.1 421 Misdirected Request\r\nContent-Length: 0\r\n\r\n").await;
    assert_saw(&probe(server.address, Check::Http(check())).await, "fail", "shop.example is not served here");
}

#[tokio::test]
async fn a_body_is_searched_however_it_comes() {
    for answer in [
        "HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\nall fine",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nall f\r\n3\r\nine\r\n0\r\n\r\n",
        "HTTP/1.0 200 OK\r\n\r\nall fine",
        "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\nall fine",
    ] {
        let server = answering(answer).await;
        assert_saw(&probe(server.address, expecting("fine")).await, "pass", "");
        assert_saw(&probe(server.address, expecting("ready")).await, "fail", "\"all fine\"");
    }
}

#[tokio::test]
async fn other_protocols_and_broken_http_fail() {
    for (answer, cause) in [
        (&b"220 mail.example ESMTP\r\n"[..], "not HTTP"),
        (b"SIP/2.0 200 OK\r\n\r\n", "not HTTP"),
        (b"\x16\x03\x01\x02\x00\x01\x00", "not HTTP"),
        (b"HTTP/1.1 99999 No\r\n\r\n", "not HTTP"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: many\r\n\r\n", "not HTTP"),
        (b"HTTP/1.1 200 OK\r\nDa", "closed before the answer was whole"),
        (b"", "closed before the answer was whole"),
    ] {
        let server = answering(answer).await;
        let report = probe(server.address, expecting("x")).await;
        assert_saw(&report, "fail", cause);
        assert!(report.steps.iter().all(|step| step.saw.len() < 300), "{report:?}");
    }
}

#[tokio::test]
async fn a_body_that_breaks_off_fails() {
    let server = answering("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nfine").await;
    let report = probe(server.address, expecting("fine")).await;
    assert_saw(&report, "fail", "");
}

#[tokio::test]
async fn a_huge_header_fails_within_64_kib() {
    let mut fields = b"HTTP/1.1 200 OK\r\n".to_vec();
    for number in 0..101 {
        fields.extend_from_slice(format!("X-{number}: y\r\n").as_bytes());
    }
    fields.extend_from_slice(b"\r\n");
    let mut long = b"HTTP/1.1 200 OK\r\nX: ".to_vec();
    long.resize(131_072, b'y');
    for answer in [fields, long, vec![b'x'; 131_072]] {
        let server = answering(answer).await;
        let report = probe(server.address, Check::Http(check())).await;
        assert_saw(&report, "fail", "");
        assert!(report.latency < Duration::from_secs(5), "{report:?}");
    }
}

#[tokio::test]
async fn a_header_of_40_kib_passes() {
    let field = "y".repeat(40_000);
    let server = answering(format!("HTTP/1.1 200 OK\r\nX: {field}\r\nContent-Length: 0\r\n\r\n")).await;
    assert_saw(&probe(server.address, Check::Http(check())).await, "pass", "");
}

#[tokio::test]
async fn a_plain_server_of_http_2_alone_passes() {
    let server = Server::start(|stream| async move {
        let Ok(mut connection) = h2::server::handshake(stream).await else { return };
        while let Some(Ok((_, mut respond))) = connection.accept().await {
            let response = hyper::Response::builder().status(204).body(()).unwrap();
            drop(respond.send_response(response, true));
        }
    })
    .await;
    let report = probe(server.address, Check::Http(check())).await;
    assert_saw(&report, "pass", "");
    assert!(report.steps.last().unwrap().saw.contains("HTTP/2"), "{report:#?}");
}

#[tokio::test]
async fn of_an_endless_body_64_kib_are_read() {
    let server = Server::start(|mut stream| async move {
        request(&mut stream).await;
        drop(stream.write_all(b"HTTP/1.1 200 OK\r\n\r\nbegin").await);
        while stream.write_all(&[b'x'; 4096]).await.is_ok() {}
    })
    .await;
    assert_saw(&probe(server.address, expecting("begin")).await, "pass", "");
    assert_saw(&probe(server.address, expecting("end")).await, "fail", "does not hold");
    let report = probe(server.address, Check::Http(check())).await;
    assert_saw(&report, "pass", "");
}

#[tokio::test]
async fn one_octet_at_a_time_is_silence_at_the_timeout() {
    for answer in ["HTTP/1.1 200 OK\r\nContent-Length: 900\r\n\r\n", "HTTP/1.1 200 OK\r\nX: ", ""] {
        let server = Server::start(move |mut stream| async move {
            request(&mut stream).await;
            drop(stream.write_all(answer.as_bytes()).await);
            while stream.write_all(b"H").await.is_ok() {
                sleep(Duration::from_millis(50)).await;
            }
        })
        .await;
        let report = probe_within(server.address, expecting("needle"), SHORT).await;
        assert_saw(&report, "silent", "no answer within 300ms");
        assert!(report.latency < SHORT * 8, "{:?}", report.latency);
    }
}

#[tokio::test]
async fn silence_a_reset_and_a_half_closed_connection_are_told_apart() {
    let silent = Server::start(|mut stream| async move {
        request(&mut stream).await;
        sleep(Duration::from_secs(60)).await;
    })
    .await;
    assert_saw(&probe_within(silent.address, Check::Http(check()), SHORT).await, "silent", "no answer within");
    let reset = Server::start(|mut stream| async move {
        request(&mut stream).await;
        SockRef::from(&stream).set_linger(Some(Duration::ZERO)).unwrap();
    })
    .await;
    assert_saw(&probe(reset.address, Check::Http(check())).await, "fail", "connection reset");
    let half = Server::start(|mut stream| async move {
        stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n").await.unwrap();
        stream.shutdown().await.unwrap();
        request(&mut stream).await;
    })
    .await;
    assert_saw(&probe(half.address, Check::Http(check())).await, "pass", "");
}

#[test]
fn parameters_tell_checks_apart() {
    let texts = [
        Check::Http(check()),
        Check::Http(Http { path: "/a b".to_owned(), ..check() }),
        Check::Http(Http { method: Method::Head, ..check() }),
        expecting("x"),
        Check::Http(Http { expect: Some(Expect::Pattern("x".parse().unwrap())), ..check() }),
    ]
    .map(|check| check.parameters());
    assert_eq!(texts[0], "host=shop.example");
    assert_eq!(texts[3], "host=shop.example expect=\"x\"");
    assert!(texts.iter().all(|text| texts.iter().filter(|other| *other == text).count() == 1), "{texts:?}");
}
