//! The check `sip` against servers that answer, answer other requests, send endless or slow data, disconnect and never
//! answer.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use socket2::SockRef;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, UdpSocket};
use tokio::time::sleep;
use tokio_rustls::TlsAcceptor;

use super::tls::{Ca, Identity};
use super::{Server, assert_saw, probe, probe_within};
use crate::base::tasks::Tasks;
use crate::probe::sip::Expect;
use crate::probe::{Check, Over, ProbeReport, Sip, Tls, Verify};

const SHORT: Duration = Duration::from_millis(300);
const DOMAIN: &str = "voice.example";

fn check(over: Over) -> Check {
    Check::Sip(Sip::new(DOMAIN.to_owned(), over))
}

/// Answers a request with its own Via, From, To, Call-ID and CSeq (RFC 3261 §8.2.6.2).
fn answer(request: &str, start: &str) -> String {
    let is_told = |line: &&str| ["Via:", "From:", "To:", "Call-ID:", "CSeq:"].iter().any(|name| line.starts_with(name));
    let told: Vec<_> = request.lines().filter(is_told).collect();
    format!("{start}\r\n{}\r\nContent-Length: 0\r\n\r\n", told.join("\r\n"))
}

/// Reads one request.
async fn request(stream: &mut (impl AsyncRead + Unpin)) -> String {
    let mut octets = Vec::new();
    while !octets.ends_with(b"\r\n\r\n") {
        assert!(stream.read_buf(&mut octets).await.unwrap() > 0, "the request ends");
    }
    String::from_utf8(octets).unwrap()
}

/// A server over TCP that answers each request with what `reply` makes of it, and keeps the connection.
async fn stream_server(reply: impl Fn(&str) -> Vec<u8> + Clone + Send + Sync + 'static) -> Server {
    Server::start(move |stream| serve(stream, reply.clone())).await
}

async fn serve(mut stream: impl AsyncRead + AsyncWrite + Unpin, reply: impl Fn(&str) -> Vec<u8>) {
    let request = request(&mut stream).await;
    drop(stream.write_all(&reply(&request)).await);
    drop(stream.flush().await);
    // Until the probe closes.
    drop(stream.read(&mut [0; 16]).await);
}

async fn over_tcp(reply: impl Fn(&str) -> Vec<u8> + Clone + Send + Sync + 'static) -> ProbeReport {
    probe(stream_server(reply).await.address, check(Over::Tcp)).await
}

/// A server over UDP that lives as long as this value.
struct Datagrams {
    address: SocketAddr,
    tasks: Tasks,
}

impl Datagrams {
    /// Sends for each request, with its number from 0, what `reply` makes of it.
    async fn start(at: &str, reply: impl Fn(&str, u32) -> Vec<Vec<u8>> + Send + 'static) -> Self {
        let socket = UdpSocket::bind(at).await.unwrap();
        let (address, tasks) = (socket.local_addr().unwrap(), Tasks::new());
        let owner = tasks.clone();
        drop(tasks.spawn("datagrams", async move {
            let (mut octets, mut number) = ([0; 4096], 0);
            loop {
                let (length, from) = tokio::select! {
                    () = owner.stopped() => break,
                    received = socket.recv_from(&mut octets) => received.unwrap(),
                };
                for datagram in reply(std::str::from_utf8(&octets[..length]).unwrap(), number) {
                    drop(socket.send_to(&datagram, from).await);
                }
                number += 1;
            }
        }));
        Self { address, tasks }
    }
}

impl Drop for Datagrams {
    fn drop(&mut self) {
        self.tasks.stop();
    }
}

fn ok(request: &str) -> Vec<u8> {
    answer(request, "SIP/2.0 200 OK").into_bytes()
}

#[tokio::test]
async fn an_answer_passes_over_each_transport_and_family() {
    for at in ["127.0.0.1:0", "127.8.7.6:0", "[::1]:0"] {
        let server = Datagrams::start(at, |request, _| vec![ok(request)]).await;
        let report = probe(server.address, check(Over::Udp)).await;
        assert_saw(&report, "pass", "");
        let told: Vec<_> = report.steps.iter().map(|step| (step.what, step.saw.as_str())).collect();
        assert_eq!(told, [("options", "answered 200 OK")]);
        let server = Server::start_on(at, |stream| serve(stream, ok)).await;
        let report = probe(server.address, check(Over::Tcp)).await;
        assert_saw(&report, "pass", "");
        let told: Vec<_> = report.steps.iter().map(|step| (step.what, step.saw.as_str())).collect();
        assert_eq!(told, [("connect", "connected"), ("options", "answered 200 OK")]);
    }
}

#[tokio::test]
async fn the_request_names_domain_and_own_end() {
    let server = stream_server(|request| {
        let version = env!("CARGO_PKG_VERSION");
        for line in
            ["OPTIONS sip:voice.example SIP/2.0", &format!("User-Agent: understudy/{version}"), "CSeq: 1 OPTIONS"]
        {
            assert!(request.lines().any(|found| found == line), "{line}\n{request}");
        }
        let via = request.lines().find_map(|line| line.strip_prefix("Via: SIP/2.0/TCP 127.0.0.1:")).unwrap();
        let (port, rest) = via.split_once(';').unwrap();
        assert!(port.parse::<u16>().unwrap() > 0 && rest.starts_with("branch=z9hG4bK") && rest.ends_with(";rport"));
        ok(request)
    })
    .await;
    assert_saw(&probe(server.address, check(Over::Tcp)).await, "pass", "");
}

#[tokio::test]
async fn a_full_and_a_leaving_server_are_told_apart_from_a_failed_one() {
    for (start, class, cause) in [
        ("SIP/2.0 486 Busy Here", "degraded", "answered 486 Busy Here"),
        ("SIP/2.0 503 Draining\r\nRetry-After: 30", "drain", "answered 503 Draining, Retry-After 30 s"),
        ("SIP/2.0 503 No", "fail", "answered 503 No"),
        ("SIP/2.0 500 Server Error", "fail", "answered 500 Server Error"),
        ("SIP/2.0 505 Version Not Supported", "fail", "misconfigured"),
    ] {
        let report = over_tcp(move |request| answer(request, start).into_bytes()).await;
        assert_saw(&report, class, cause);
        assert_eq!(report.steps.last().unwrap().what, "options");
        let server = Datagrams::start("127.0.0.1:0", move |request, _| vec![answer(request, start).into_bytes()]).await;
        assert_saw(&probe(server.address, check(Over::Udp)).await, class, cause);
    }
}

#[tokio::test]
async fn strict_fails_a_server_that_does_not_serve_the_domain() {
    let server = stream_server(|request| answer(request, "SIP/2.0 404 Not Here").into_bytes()).await;
    assert_saw(&probe(server.address, check(Over::Tcp)).await, "pass", "");
    let strict = Sip { expect: Expect::strict(), ..Sip::new(DOMAIN.to_owned(), Over::Tcp) };
    assert_saw(&probe(server.address, Check::Sip(strict)).await, "fail", "answered 404 Not Here, expected 2xx");
}

#[tokio::test]
async fn a_redirect_passes_with_a_warning() {
    let report = over_tcp(|request| answer(request, "SIP/2.0 302 Moved").into_bytes()).await;
    assert_saw(&report, "pass", "");
    assert_eq!(report.warnings, ["answered 302 Moved: it redirects instead of serving"]);
}

#[tokio::test]
async fn a_datagram_that_is_lost_is_sent_again_and_the_same() {
    let (asked, mut requests) = tokio::sync::mpsc::channel(4);
    let server = Datagrams::start("127.0.0.1:0", move |request, number| {
        asked.try_send(request.to_owned()).unwrap();
        if number < 2 { Vec::new() } else { vec![ok(request)] }
    })
    .await;
    let report = probe(server.address, check(Over::Udp)).await;
    assert_saw(&report, "pass", "");
    assert!(report.latency >= Duration::from_millis(1250), "{:?}", report.latency);
    let first = requests.recv().await.unwrap();
    assert_eq!([requests.recv().await.unwrap(), requests.recv().await.unwrap()], [first.clone(), first]);
}

#[tokio::test]
async fn a_closed_port_fails_at_once_over_each_transport() {
    let (udp, tcp) = (UdpSocket::bind("127.0.0.1:0").await.unwrap(), TcpListener::bind("127.0.0.1:0").await.unwrap());
    let (at_udp, at_tcp) = (udp.local_addr().unwrap(), tcp.local_addr().unwrap());
    drop((udp, tcp));
    for (address, over) in [(at_udp, Over::Udp), (at_tcp, Over::Tcp)] {
        let report = probe(address, check(over)).await;
        assert_saw(&report, "fail", "connection refused");
        assert!(report.latency < Duration::from_millis(500), "before the request is sent again: {report:?}");
    }
}

#[tokio::test]
async fn a_port_that_closes_after_the_request_fails_by_icmp() {
    let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let address = socket.local_addr().unwrap();
    let closing = async move {
        drop(socket.recv(&mut [0; 16]).await);
    };
    let (report, ()) = tokio::join!(probe(address, check(Over::Udp)), closing);
    // The second sending meets the closed port.
    assert_saw(&report, "fail", "connection refused");
    assert!(report.latency >= Duration::from_millis(500));
}

#[tokio::test]
async fn silence_is_silence_over_each_transport() {
    let server = Datagrams::start("127.0.0.1:0", |_, _| Vec::new()).await;
    assert_saw(&probe_within(server.address, check(Over::Udp), SHORT).await, "silent", "no answer within 300ms");
    let server = stream_server(|_| Vec::new()).await;
    let report = probe_within(server.address, check(Over::Tcp), SHORT).await;
    assert_saw(&report, "silent", "no answer within 300ms");
    assert_eq!(report.steps.last().unwrap().what, "options");
}

#[tokio::test]
async fn another_protocol_fails_at_once() {
    for banner in [
        "HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n",
        "SSH-2.0-OpenSSH_9.2p1\r\n",
        "220 mail.example ESMTP\r\n",
        "<?xml version='1.0'?>",
        "\u{15}\u{3}\u{3}\0\u{2}\u{2}F",
    ] {
        let report = over_tcp(move |_| banner.as_bytes().to_vec()).await;
        assert_saw(&report, "fail", "not SIP: answered \"");
    }
}

#[tokio::test]
async fn of_64_kib_garbage_little_is_read() {
    for garbage in [b"\x00\x01\x02\xff".repeat(16_384), b"A".repeat(65_536), b"\x80".repeat(65_536)] {
        let report = over_tcp(move |_| garbage.clone()).await;
        assert_saw(&report, "fail", "not SIP: answered \"");
        assert!(report.steps.iter().all(|step| step.saw.len() < 400), "{report:?}");
    }
}

#[tokio::test]
async fn huge_heads_are_given_up() {
    let huge = format!("SIP/2.0 200 OK{}", "\r\nX-Huge: padding".repeat(4_000));
    let report = over_tcp(move |request| answer(request, &huge).into_bytes()).await;
    assert_saw(&report, "fail", "a SIP head of more than 8 KiB");
    let one_field = over_tcp(|_| format!("SIP/2.0 200 OK\r\nX: {}", "x".repeat(65_536)).into_bytes()).await;
    assert_saw(&one_field, "fail", "a SIP head of more than 8 KiB");
}

#[tokio::test]
async fn answers_to_others_without_end_are_given_up() {
    let report = over_tcp(|request| {
        let other = answer(request, "SIP/2.0 200 OK").replace("z9hG4bK", "z9hG4bKx");
        other.repeat(1_000).into_bytes()
    })
    .await;
    assert_saw(&report, "fail", "64 KiB of other messages in place of an answer");
}

#[tokio::test]
async fn a_body_without_end_is_not_waited_for_after_our_answer_nor_kept_of_another() {
    let report =
        over_tcp(|request| answer(request, "SIP/2.0 200 OK").replace("Length: 0", "Length: 99999").into()).await;
    assert_saw(&report, "pass", "");
    let report = over_tcp(|request| {
        let trying = answer(request, "SIP/2.0 100 Trying").replace("Length: 0", "Length: 4000000");
        [trying.as_bytes(), b"x".repeat(100_000).as_slice()].concat()
    })
    .await;
    assert_saw(&report, "fail", "64 KiB of other messages");
}

#[tokio::test]
async fn an_answer_that_drips_is_silence_at_the_timeout() {
    let server = Server::start(|mut stream| async move {
        let request = request(&mut stream).await;
        for octet in ok(&request) {
            if stream.write_all(&[octet]).await.is_err() {
                break;
            }
            sleep(Duration::from_millis(20)).await;
        }
    })
    .await;
    let report = probe_within(server.address, check(Over::Tcp), SHORT).await;
    assert_saw(&report, "silent", "no answer within 300ms");
    assert!(report.latency < SHORT * 8, "{:?}", report.latency);
}

#[tokio::test]
async fn keepalives_provisional_answers_requests_and_answers_to_others_are_passed_over() {
    fn crowd(request: &str) -> String {
        let mut text = "\r\n\r\n".to_owned();
        text += "OPTIONS sip:probe@127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/TCP 127.0.0.1;branch=z9hG4bKx\r\nl: 3\r\n\r\nabc";
        text += &answer(request, "SIP/2.0 100 Trying");
        text += &answer(request, "SIP/2.0 503 No").replace("z9hG4bK", "z9hG4bKx");
        text += &answer(request, "SIP/2.0 503 No").replace("Call-ID: ", "Call-ID: x");
        text + &answer(request, "SIP/2.0 503 No").replace("1 OPTIONS", "2 OPTIONS")
    }
    let report = over_tcp(|request| [crowd(request).as_bytes(), &ok(request)].concat()).await;
    assert_saw(&report, "pass", "");
    let server = stream_server(|request| crowd(request).into_bytes()).await;
    let report = probe_within(server.address, check(Over::Tcp), SHORT).await;
    assert_saw(&report, "silent", "no answer within 300ms; 5 messages that do not answer passed over");
}

#[tokio::test]
async fn datagrams_that_do_not_answer_are_passed_over() {
    let others = |request: &str| {
        let refused = answer(request, "SIP/2.0 503 No");
        vec![
            b"\x00".repeat(60_000),
            Vec::new(),
            b"HTTP/1.1 400 Bad Request\r\n\r\n".to_vec(),
            answer(request, "SIP/2.0 100 Trying").into_bytes(),
            refused.replace("z9hG4bK", "z9hG4bKx").into_bytes(),
            refused.replace("Call-ID: ", "Call-ID: x").into_bytes(),
        ]
    };
    let server = Datagrams::start("127.0.0.1:0", move |request, _| {
        let mut datagrams = others(request);
        datagrams.push(ok(request));
        datagrams
    })
    .await;
    assert_saw(&probe(server.address, check(Over::Udp)).await, "pass", "");
    let server = Datagrams::start("127.0.0.1:0", move |request, _| others(request)).await;
    let report = probe_within(server.address, check(Over::Udp), SHORT).await;
    assert_saw(&report, "silent", "no answer within 300ms; 6 messages that do not answer passed over");
}

#[tokio::test]
async fn datagrams_of_others_do_not_reach_us() {
    let target = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let address = target.local_addr().unwrap();
    let imposter = async move {
        let mut octets = [0; 4096];
        let (length, from) = target.recv_from(&mut octets).await.unwrap();
        let request = std::str::from_utf8(&octets[..length]).unwrap();
        for at in ["127.0.0.1:0", "127.0.0.2:0"] {
            let other = UdpSocket::bind(at).await.unwrap();
            other.send_to(&ok(request), from).await.unwrap();
        }
        target
    };
    let (report, _target) = tokio::join!(probe_within(address, check(Over::Udp), SHORT), imposter);
    assert_saw(&report, "silent", "no answer within 300ms");
    assert!(!report.steps[0].saw.contains("passed over"), "the kernel keeps them away: {report:?}");
}

#[tokio::test]
async fn ends_before_the_answer_fail() {
    let half_closed = Server::start(|mut stream| async move {
        stream.shutdown().await.unwrap();
        drop(stream.read_to_end(&mut Vec::new()).await);
    })
    .await;
    assert_saw(&probe(half_closed.address, check(Over::Tcp)).await, "fail", "closed without an answer");
    let cut = Server::start(|mut stream| async move {
        request(&mut stream).await;
        stream.write_all(b"SIP/2.0 200 OK\r\nVia: SIP").await.unwrap();
    })
    .await;
    assert_saw(&probe(cut.address, check(Over::Tcp)).await, "fail", "closed after \"SIP/2.0 200 OK\\r\\nVia: SIP\"");
    let reset = Server::start(|mut stream| async move {
        request(&mut stream).await;
        SockRef::from(&stream).set_linger(Some(Duration::ZERO)).unwrap();
    })
    .await;
    assert_saw(&probe(reset.address, check(Over::Tcp)).await, "fail", "connection reset");
}

#[tokio::test]
async fn a_server_that_half_closes_after_its_answer_passes() {
    let server = Server::start(|mut stream| async move {
        let request = request(&mut stream).await;
        stream.write_all(&ok(&request)).await.unwrap();
        stream.shutdown().await.unwrap();
        drop(stream.read(&mut [0; 16]).await);
    })
    .await;
    assert_saw(&probe(server.address, check(Over::Tcp)).await, "pass", "");
}

#[tokio::test]
async fn a_domain_that_cannot_be_asked_for_is_our_own_fault() {
    for domain in ["", "a b.example", "a\r\nVia: x"] {
        let sip = Sip::new(domain.to_owned(), Over::Udp);
        let server = Datagrams::start("127.0.0.1:0", |_, _| panic!("nothing is sent")).await;
        assert_saw(&probe(server.address, Check::Sip(sip)).await, "unknown", "cannot stand in a SIP URI");
    }
}

fn over_tls(ca: &Ca, verify: Verify) -> Over {
    Over::Tls(Tls { verify, authority: ca.authority(), ..Tls::new(DOMAIN) })
}

async fn tls_server(identity: Identity) -> Server {
    let acceptor = TlsAcceptor::from(Arc::new(identity.config()));
    Server::start(move |stream| {
        let acceptor = acceptor.clone();
        async move {
            if let Ok(stream) = acceptor.accept(stream).await {
                serve(stream, |request| {
                    assert!(request.contains("Via: SIP/2.0/TLS "), "{request}");
                    assert!(request.starts_with("OPTIONS sip:voice.example SIP/2.0\r\n"), "{request}");
                    ok(request)
                })
                .await;
            }
        }
    })
    .await
}

#[tokio::test]
async fn over_tls_the_certificate_counts_too() {
    let ca = Ca::new();
    let good = tls_server(ca.issue(&[DOMAIN], (2020, 2100))).await;
    let report = probe(good.address, check(over_tls(&ca, Verify::Require))).await;
    assert_saw(&report, "pass", "");
    let told: Vec<_> = report.steps.iter().map(|step| step.what).collect();
    assert_eq!((told, report.warnings.as_slice()), (vec!["connect", "tls", "options"], [].as_slice()));
    assert_eq!(report.certificate.unwrap().names, [DOMAIN]);
    let expired = tls_server(ca.issue(&[DOMAIN], (2019, 2020))).await;
    assert_saw(&probe(expired.address, check(over_tls(&ca, Verify::Name))).await, "fail", "certificate expired");
    let other = tls_server(ca.issue(&["other.example"], (2020, 2100))).await;
    let report = probe(other.address, check(over_tls(&ca, Verify::Name))).await;
    assert_saw(&report, "fail", "certificate is for other.example, not for voice.example");
    assert_saw(&probe(other.address, check(over_tls(&ca, Verify::Off))).await, "pass", "");
}

#[tokio::test]
async fn a_wildcard_certificate_is_warned_of() {
    let ca = Ca::new();
    let server = tls_server(ca.issue(&["*.example"], (2020, 2100))).await;
    let report = probe(server.address, check(over_tls(&ca, Verify::Off))).await;
    assert_saw(&report, "pass", "");
    let warned = report.warnings.iter().any(|warning| warning.contains("only as *.example, which SIP clients refuse"));
    assert!(warned, "{:?}", report.warnings);
    let both = tls_server(ca.issue(&["*.example", "Voice.Example"], (2020, 2100))).await;
    assert!(probe(both.address, check(over_tls(&ca, Verify::Name))).await.warnings.is_empty());
}

#[test]
fn parameters_tell_checks_apart() {
    let ca = Ca::new();
    let base = || Sip::new("Voice.Example".to_owned(), Over::Udp);
    let text = |sip: Sip| Check::Sip(sip).parameters();
    assert_eq!(text(base()), "domain=voice.example");
    let strict = Sip { expect: Expect::strict(), max_forwards: 0, ..base() };
    assert_eq!(text(strict), "domain=voice.example expect=2xx max-forwards=0");
    let secure = Sip::new("Voice.Example".to_owned(), over_tls(&ca, Verify::Require));
    let named = text(secure.clone());
    assert!(named.starts_with("name=voice.example verify=require ca="), "{named}");
    assert!(text(Sip { domain: "other".to_owned(), ..secure }).starts_with("domain=other name=voice.example "));
    let check = Check::Sip(base());
    assert_eq!((check.kind(), check.transport()), ("sip", "udp"));
}
