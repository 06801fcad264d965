//! DNS over HTTPS (RFC 8484), by HTTP/1.1; HTTP/2 is asked by kdig and curl in `tests/interop_listeners`.

use std::time::Duration;

use data_encoding::BASE64URL_NOPAD;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use understudy::base::connections::Limits;
use understudy::serve::Status;

use crate::house::{House, LIMITS, RECORD, ends, eventually, soon};
use crate::http2::Http2;
use crate::support::{Answer, query};

/// One response: status, headers in lower case, body.
struct Response {
    status: u16,
    headers: String,
    body: Vec<u8>,
}

async fn request(house: &House, head: &str, body: &[u8]) -> Response {
    let (mut stream, _) = house.connect_tls(house.https, &["http/1.1"]).await;
    let length = if body.is_empty() { String::new() } else { format!("content-length: {}\r\n", body.len()) };
    let head = head.replace('\n', "\r\n");
    stream.write_all(format!("{head}\r\nhost: t\r\nconnection: close\r\n{length}\r\n").as_bytes()).await.unwrap();
    // A server that has refused already may not take all of it.
    let _refused = stream.write_all(body).await;
    let mut octets = Vec::new();
    soon(stream.read_to_end(&mut octets)).await.unwrap();
    let end = octets.windows(4).position(|window| window == b"\r\n\r\n").unwrap();
    let headers = String::from_utf8(octets[..end].to_vec()).unwrap().to_ascii_lowercase();
    let status = headers.split(' ').nth(1).unwrap().parse().unwrap();
    Response { status, headers, body: octets[end + 4..].to_vec() }
}

fn get(question: &str) -> String {
    format!("GET /dns-query?dns={} HTTP/1.1", BASE64URL_NOPAD.encode(&query(question, None)))
}

const POST: &str = "POST /dns-query HTTP/1.1\ncontent-type: application/dns-message";

/// RFC 8484 §4.1, §4.2.1, §5.1: both methods; any answer is 200; it is fresh for the shortest TTL.
#[tokio::test(flavor = "multi_thread")]
async fn get_and_post_are_answered_and_say_how_long_they_are_fresh() {
    let house = House::open(LIMITS);
    let packet = query("www.t. A", None);
    for response in [request(&house, &get("www.t. A"), b"").await, request(&house, POST, &packet).await] {
        assert_eq!(response.status, 200);
        assert!(response.headers.contains("content-type: application/dns-message"), "{}", response.headers);
        assert!(response.headers.contains("cache-control: max-age=60"), "{}", response.headers);
        assert_eq!(Answer::read(response.body).answer(), [RECORD]);
    }
    // RFC 9110 §8.3.1, RFC 3986 §2.1: the same type and the same URL, otherwise written.
    let octets = BASE64URL_NOPAD.encode(&packet).bytes().map(|octet| format!("%{octet:02X}")).collect::<String>();
    let typed = format!("{POST}; charset=utf-8");
    for (head, body) in [
        (typed.as_str(), packet.as_slice()),
        ("POST /dns-query HTTP/1.1\ncontent-type: Application/DNS-Message ;a=b", &packet),
        (&format!("GET /dns-query?a=b&dns={octets} HTTP/1.1"), b""),
        (&format!("{}%3D%3D HTTP/1.1", get("www.t. A").trim_end_matches(" HTTP/1.1")), b""),
    ] {
        let response = request(&house, head, body).await;
        assert_eq!(response.status, 200, "{head}");
        assert_eq!(Answer::read(response.body).answer(), [RECORD]);
    }
    let missing = request(&house, &get("no.t. A"), b"").await;
    assert!(missing.status == 200 && missing.headers.contains("max-age=7"), "the SOA's TTL: {}", missing.headers);
    let refused = request(&house, &get("other. A"), b"").await;
    assert!(refused.status == 200 && refused.headers.contains("no-store"), "{}", refused.headers);
    assert_eq!(Answer::read(request(&house, &get("big.t. TXT"), b"").await.body).answer().len(), 100);
    house.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_query_has_its_status() {
    let house = House::open(LIMITS);
    let packet = query("www.t. A", None);
    let long = vec![0; 70_000];
    for (head, body, status) in [
        ("GET / HTTP/1.1", &[][..], 404),
        ("GET /dns-query HTTP/1.1", &[], 400),
        ("GET /dns-query?dns=*** HTTP/1.1", &[], 400),
        ("GET /dns-query?dns=AAAA HTTP/1.1", &[], 400),
        ("PUT /dns-query HTTP/1.1", &packet, 405),
        ("HEAD /dns-query?dns=AAAA HTTP/1.1", &[], 405),
        ("POST /dns-query HTTP/1.1", &packet, 415),
        ("POST /dns-query HTTP/1.1\ncontent-type: text/plain", &packet, 415),
        ("POST /dns-query HTTP/1.1\ncontent-type: text/plain; a=application/dns-message", &packet, 415),
        ("GET /dns-query?dns=%00%2 HTTP/1.1", &[], 400),
        (POST, &long, 413),
    ] {
        assert_eq!(request(&house, head, body).await.status, status, "{head}");
    }
    let put = request(&house, "PUT /dns-query HTTP/1.1", b"").await;
    assert!(put.headers.contains("allow: get, post"), "{}", put.headers);
    house.server.responder.readiness().set(Status { fault: Some("starting".to_owned()), ..Status::default() });
    assert_eq!(request(&house, POST, &packet).await.status, 503);
    house.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_that_never_ends_is_left() {
    let house = House::open(Limits { idle: Duration::from_millis(300), ..LIMITS });
    for alpn in ["http/1.1", "h2"] {
        let (mut stream, _) = house.connect_tls(house.https, &[alpn]).await;
        stream.write_all(if alpn == "h2" { b"PRI * HTTP/2.0\r\n\r\n" } else { b"GET /dns-que" }).await.unwrap();
        assert!(ends(&mut stream).await, "{alpn}");
    }
    house.close().await;
}

/// Streams, bodies and time of a connection by HTTP/2 have limits.
#[tokio::test(flavor = "multi_thread")]
async fn of_one_connection_sixteen_requests_are_taken_and_none_that_is_too_long_or_too_slow() {
    let house = House::open(LIMITS);
    let mut client = Http2::connect(&house).await;
    assert_eq!(client.post(query("www.t. A", None)).await.answer(), [RECORD]);
    let mut begun = Vec::new();
    for _ in 0..16 {
        begun.push(client.begin_post().await.unwrap());
    }
    assert_eq!(client.requests.current_max_send_streams(), 16);
    let (response, mut body) = begun.pop().unwrap();
    body.send_data(vec![0; 5_000].into(), false).unwrap();
    assert_eq!(soon(response).await.unwrap().status(), 413);
    for (response, _body) in begun {
        assert_eq!(soon(response).await.unwrap().status(), 408);
    }
    house.close().await;
}

/// Headers of more than 8 KiB are refused, by both versions of HTTP.
#[tokio::test(flavor = "multi_thread")]
async fn headers_that_are_too_long_are_refused() {
    let house = House::open(LIMITS);
    let with = |octets: usize| format!("{}\nx-long: {}", get("www.t. A"), "x".repeat(octets));
    assert_eq!(request(&house, &with(7_000), b"").await.status, 200);
    assert_eq!(request(&house, &with(9_000), b"").await.status, 431);
    let mut client = Http2::connect(&house).await;
    assert_eq!(client.status_with(7_000).await, Some(200));
    // Its connection may end, or the request alone be refused.
    let refused = client.status_with(9_000).await;
    assert!(matches!(refused, Some(431) | None), "{refused:?}");
    house.close().await;
}

/// A client that takes some answers and never others keeps those not for long.
#[tokio::test(flavor = "multi_thread")]
async fn a_connection_ends_whose_client_leaves_an_answer() {
    let house = House::open(Limits { idle: Duration::from_secs(3), ..LIMITS });
    let mut builder = h2::client::Builder::new();
    builder.initial_window_size(1_000);
    let mut client = Http2::with(&house, &builder).await;
    let (left, mut body) = client.begin_post().await.unwrap();
    body.send_data(query("big.t. TXT", None).into(), true).unwrap();
    let mut answered = 0;
    while let Ok((response, mut body)) = client.begin_post().await {
        let sent = body.send_data(query("www.t. A", None).into(), true);
        let Ok(response) = soon(response).await else { break };
        answered += usize::from(sent.is_ok() && response.status() == 200);
        assert!(answered < 200, "it goes on");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert!(answered > 10, "others are answered meanwhile: {answered}");
    drop(left);
    eventually("its place is free", || house.limiter.is_empty() && house.limiter.held() == 0).await;
    house.close().await;
}
