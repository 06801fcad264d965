//! Servers on loopback: one that works, and each kind of faulty one.

use std::sync::Arc;
use std::time::Duration;

use rustls::ServerConfig;
use rustls::crypto::aws_lc_rs;
use rustls::server::WebPkiClientVerifier;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio::time::sleep;
use tokio_rustls::TlsAcceptor;

use super::*;
use crate::base::clock::{Clock, Mono};
use crate::probe::attempt::Effort;
use crate::probe::tests::tls::{Ca, Identity};
use crate::probe::tests::{Server, assert_saw, probe, probe_within};
use crate::probe::{Check, ProbeContext, ProbeReport, Spec, run_to};

const SHORT: Duration = Duration::from_millis(300);

/// A server with STARTTLS or direct TLS that behaves, and tells how each conversation went.
struct Good {
    acceptor: TlsAcceptor,
    role: Role,
    direct: bool,
    login: &'static str,
    /// What it was sent, in the clear and within TLS, and how it ended.
    told: mpsc::Sender<String>,
}

impl Good {
    async fn serve(self: Arc<Self>, mut stream: TcpStream) {
        let mut heard = String::new();
        let clear = async {
            if !self.direct {
                heard.push_str(&hear(&mut stream, ">").await);
                say(&mut stream, &(header(self.role) + PLAIN_FEATURES)).await;
                let asked = hear(&mut stream, ">").await;
                heard.push_str(&asked);
                if asked != STARTTLS {
                    return false;
                }
                say(&mut stream, PROCEED).await;
            }
            true
        };
        if clear.await {
            let mut secure = self.acceptor.accept(stream).await.unwrap();
            let alpn = secure.get_ref().1.alpn_protocol().map(|name| String::from_utf8_lossy(name).into_owned());
            heard.push_str(&format!(" TLS {} ", alpn.unwrap_or_default()));
            heard.push_str(&hear(&mut secure, ">").await);
            say(&mut secure, &(header(self.role) + self.login)).await;
            heard.push_str(&hear(&mut secure, ">").await);
            say(&mut secure, GOODBYE).await;
            heard.push_str(&format!(" {:?}", secure.read(&mut [0; 16]).await.map_err(|error| error.kind())));
        } else {
            say(&mut stream, GOODBYE).await;
            heard.push_str(&format!(" {:?}", stream.read(&mut [0; 16]).await.map_err(|error| error.kind())));
        }
        drop(self.told.send(heard).await);
    }

    async fn start(config: ServerConfig, role: Role, direct: bool) -> (Server, mpsc::Receiver<String>) {
        let (told, heard) = mpsc::channel(4);
        let login = if role == Role::Client { LOGIN_FEATURES } else { DIALBACK_FEATURES };
        let good = Arc::new(Self { acceptor: TlsAcceptor::from(Arc::new(config)), role, direct, login, told });
        (Server::start(move |stream| Arc::clone(&good).serve(stream)).await, heard)
    }
}

/// Reads until these last words.
async fn hear(stream: &mut (impl AsyncRead + Unpin), last: &str) -> String {
    let (mut heard, mut piece) = (Vec::new(), [0; 512]);
    // The declaration ends with `>` too, and stands alone in no read: it is sent with the header.
    while !heard.ends_with(last.as_bytes()) || heard.ends_with(b"?>") {
        let read = stream.read(&mut piece).await.unwrap_or(0);
        if read == 0 {
            break;
        }
        heard.extend_from_slice(&piece[..read]);
    }
    String::from_utf8(heard).unwrap()
}

async fn say(stream: &mut (impl AsyncWrite + Unpin), words: &str) {
    drop(stream.write_all(words.as_bytes()).await);
    drop(stream.flush().await);
}

fn good(identity: Identity, role: Role) -> ServerConfig {
    let mut config = identity.config();
    config.alpn_protocols = vec![role.alpn().to_vec()];
    config
}

fn trusting(ca: &Ca, role: Role, direct: bool) -> Check {
    let check = xmpp(role, direct);
    Check::Xmpp(Xmpp { tls: Tls { verify: Verify::Require, authority: ca.authority(), ..check.tls.clone() }, ..check })
}

/// A server that hears the stream header, then says these words in pieces of this size, and waits.
async fn saying(words: impl Into<Vec<u8>>, piece: usize, pause: Duration) -> Server {
    let words: Arc<[u8]> = words.into().into();
    Server::start(move |mut stream| {
        let words = Arc::clone(&words);
        async move {
            drop(hear(&mut stream, ">").await);
            for piece in words.chunks(piece) {
                if stream.write_all(piece).await.is_err() {
                    return;
                }
                sleep(pause).await;
            }
            drop(stream.read(&mut [0; 64]).await);
        }
    })
    .await
}

/// Takes the time.
fn watch() -> (Clock, Mono) {
    let clock = Clock::start();
    (clock, clock.now().mono)
}

fn steps(report: &ProbeReport) -> Vec<&str> {
    report.steps.iter().map(|step| step.what).collect()
}

#[tokio::test]
async fn starttls_is_gone_through_and_left_politely() {
    let ca = Ca::new();
    for role in [Role::Client, Role::Server] {
        let (server, mut heard) = Good::start(good(ca.issue(&[DOMAIN], (2020, 2100)), role), role, false).await;
        let report = probe(server.address, trusting(&ca, role, false)).await;
        assert_saw(&report, "pass", "");
        assert_eq!(steps(&report), ["connect", "stream", "starttls", "tls", "stream"], "{report:#?}");
        assert!(report.certificate.as_ref().is_some_and(|certificate| certificate.days_left > 365));
        assert!(report.warnings.is_empty(), "{:?}", report.warnings);
        let hello = xmpp(role, false);
        let hello = Dialogue::new(&hello, Depth::Deep, false).hello();
        assert_eq!(heard.recv().await.unwrap(), format!("{hello}{STARTTLS} TLS  {hello}{GOODBYE} Ok(0)"));
    }
}

#[tokio::test]
async fn a_shallow_probe_ends_before_tls() {
    let ca = Ca::new();
    let (server, mut heard) =
        Good::start(good(ca.issue(&[DOMAIN], (2019, 2020)), Role::Client), Role::Client, false).await;
    let spec = Spec {
        address: server.address,
        check: trusting(&ca, Role::Client, false).into(),
        timeout: Duration::from_secs(10),
        watch: None,
    };
    let report = run_to(Effort::to(Depth::Shallow), &spec, &Clock::start(), &ProbeContext::from_roots([])).await;
    assert_saw(&report, "pass", "");
    assert_eq!(steps(&report), ["connect", "stream"]);
    assert!(heard.recv().await.unwrap().ends_with(&format!("{GOODBYE} Ok(0)")));
}

#[tokio::test]
async fn a_shallow_probe_of_direct_tls_leaves_out_the_stream_for_servers_alone() {
    let ca = Ca::new();
    for (role, told) in [(Role::Client, "connect tls stream"), (Role::Server, "connect tls")] {
        let (server, _heard) = Good::start(good(ca.issue(&[DOMAIN], (2020, 2100)), role), role, true).await;
        let (address, check) = (server.address, trusting(&ca, role, true));
        assert_eq!(check.deep_interval().is_some(), role == Role::Server);
        let spec = Spec { address, check: check.into(), timeout: Duration::from_secs(10), watch: None };
        let report = run_to(Effort::to(Depth::Shallow), &spec, &Clock::start(), &ProbeContext::from_roots([])).await;
        assert_saw(&report, "pass", "");
        assert_eq!(steps(&report).join(" "), told);
    }
}

#[tokio::test]
async fn direct_tls_comes_with_alpn_and_the_service_domain() {
    let ca = Ca::new();
    for role in [Role::Client, Role::Server] {
        let (server, mut heard) = Good::start(good(ca.issue(&[DOMAIN], (2020, 2100)), role), role, true).await;
        let report = probe(server.address, trusting(&ca, role, true)).await;
        assert_saw(&report, "pass", "");
        assert_eq!(steps(&report), ["connect", "tls", "stream"]);
        let words = heard.recv().await.unwrap();
        let alpn = String::from_utf8_lossy(role.alpn());
        assert!(words.starts_with(&format!(" TLS {alpn} <?xml")) && words.ends_with("> Ok(0)"), "{words}");
    }
}

#[tokio::test]
async fn a_certificate_that_clients_refuse_fails_behind_starttls_and_in_direct_tls() {
    let ca = Ca::new();
    for direct in [false, true] {
        for (identity, part) in [
            (ca.issue(&[DOMAIN], (2019, 2020)), "certificate expired on 2020-01-01"),
            (ca.issue(&["node1.test"], (2020, 2100)), "certificate is for node1.test, not for example.test"),
        ] {
            let (server, _heard) = Good::start(good(identity, Role::Client), Role::Client, direct).await;
            let report = probe(server.address, trusting(&ca, Role::Client, direct)).await;
            assert_saw(&report, "fail", part);
            assert!(report.certificate.is_some());
        }
    }
}

#[tokio::test]
async fn a_server_that_wants_our_certificate_passes_with_a_warning() {
    let ca = Ca::new();
    let identity = ca.issue(&[DOMAIN], (2020, 2100));
    let mut roots = rustls::RootCertStore::empty();
    roots.add(ca.der.clone()).unwrap();
    let provider = Arc::new(aws_lc_rs::default_provider());
    let clients = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&provider)).build().unwrap();
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_client_cert_verifier(clients)
        .with_single_cert(vec![identity.certificate], identity.key)
        .unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let server = Server::start(move |stream| {
        let acceptor = acceptor.clone();
        async move { drop(acceptor.accept(stream).await) }
    })
    .await;
    let report = probe(server.address, trusting(&ca, Role::Server, true)).await;
    assert_saw(&report, "pass", "");
    assert!(report.warnings[0].starts_with("the server requires a client certificate"), "{report:#?}");
}

#[tokio::test]
async fn what_breaks_after_proceed_fails() {
    let server = Server::start(|mut stream| async move {
        drop(hear(&mut stream, ">").await);
        say(&mut stream, &(header(Role::Client) + PLAIN_FEATURES)).await;
        drop(hear(&mut stream, ">").await);
        say(&mut stream, PROCEED).await;
        drop(stream.read(&mut [0; 16]).await);
    })
    .await;
    let report = probe(server.address, Check::Xmpp(xmpp(Role::Client, false))).await;
    assert_eq!(report.outcome.as_str(), "fail", "{report:#?}");
    assert_eq!(steps(&report), ["connect", "stream", "starttls", "tls"]);
    // Words put behind <proceed/> in the clear, one time with it, one time later, when they are no TLS.
    for gap in [Duration::ZERO, Duration::from_millis(50)] {
        let server = Server::start(move |mut stream| async move {
            drop(hear(&mut stream, ">").await);
            say(&mut stream, &(header(Role::Client) + PLAIN_FEATURES)).await;
            drop(hear(&mut stream, ">").await);
            if gap.is_zero() {
                say(&mut stream, &(PROCEED.to_owned() + "<stream:features/>")).await;
            } else {
                say(&mut stream, PROCEED).await;
                sleep(gap).await;
                say(&mut stream, "<stream:features/>").await;
            }
            drop(stream.read(&mut [0; 4096]).await);
            drop(stream.read(&mut [0; 4096]).await);
        })
        .await;
        let report = probe(server.address, Check::Xmpp(xmpp(Role::Client, false))).await;
        assert_saw(&report, "fail", if gap.is_zero() { "sends more between <proceed/> and TLS" } else { "not TLS" });
    }
}

#[tokio::test]
async fn other_protocols_fail_and_are_quoted() {
    for (banner, part) in [
        ("HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n", "\"HTTP/1.1 400"),
        ("SSH-2.0-OpenSSH_9.2\r\n", "\"SSH-2.0"),
        ("220 mail.example ESMTP\r\n", "\"220 mail"),
        ("SIP/2.0 400 Bad Request\r\n\r\n", "\"SIP/2.0"),
        ("<!DOCTYPE html><html></html>", "\"<!DOCTYPE"),
    ] {
        let server = saying(banner, 1024, Duration::ZERO).await;
        let report = probe(server.address, Check::Xmpp(xmpp(Role::Client, false))).await;
        assert_saw(&report, "fail", "not XMPP: ");
        assert!(report.steps[1].saw.contains(part), "{report:#?}");
    }
}

#[tokio::test]
async fn endless_and_huge_answers_are_given_up_at_their_limit() {
    let features = header(Role::Client) + "<stream:features>";
    let bomb = "<?xml version='1.0'?><!DOCTYPE lolz [<!ENTITY lol \"lol\"><!ENTITY lol2 \"&lol;&lol;&lol;\">]>";
    for (begin, endless, part) in [
        (features.clone(), "<a/>", "more than 1024 elements and attributes"),
        (features.clone(), "<a>", "elements nested deeper than 16"),
        (features.clone(), "aaaa", "more than 64 KiB"),
        (features.clone(), "    ", "more than 64 KiB"),
        (features.clone() + "<a b='", "aaaa", "a tag of more than 8 KiB"),
        (features.clone(), "&lol9;", "an entity, which XMPP forbids"),
        (features.clone(), "<!---->", "a comment, which XMPP forbids"),
        (features, "<?a?>", "a processing instruction, which XMPP forbids"),
        (header(Role::Client), "    ", "more than 64 KiB"),
        (bomb.to_owned(), "&lol2;", "a document type, which XMPP forbids"),
        (String::new(), "\u{0}", "a control character"),
    ] {
        let server = Server::start(move |mut stream| {
            let begin = begin.clone();
            async move {
                drop(hear(&mut stream, ">").await);
                say(&mut stream, &begin).await;
                let flood = endless.repeat(4096);
                while stream.write_all(flood.as_bytes()).await.is_ok() {}
            }
        })
        .await;
        let (clock, began) = watch();
        let report = probe(server.address, Check::Xmpp(xmpp(Role::Client, false))).await;
        assert_saw(&report, "fail", part);
        assert!(clock.now().mono.since(began) < Duration::from_secs(5), "{:?}", clock.now().mono.since(began));
    }
}

#[tokio::test]
async fn garbage_of_64_kib_fails() {
    for octet in [0_u8, b'<', b' ', b'a', 0x80, 0xff] {
        let server = saying(vec![octet; 65_536], 65_536, Duration::ZERO).await;
        let report = probe_within(server.address, Check::Xmpp(xmpp(Role::Server, false)), SHORT * 10).await;
        // White space alone is no answer, but nothing wrong either.
        let class = if octet == b' ' { "silent" } else { "fail" };
        assert_eq!(report.outcome.as_str(), class, "{octet}: {report:#?}");
    }
}

#[tokio::test]
async fn drips_and_silence_end_at_the_timeout() {
    let drip = header(Role::Client) + PLAIN_FEATURES;
    for server in [
        saying(drip, 1, Duration::from_millis(50)).await,
        saying(header(Role::Client), 4096, Duration::ZERO).await,
        saying("", 1, Duration::ZERO).await,
    ] {
        let report = probe_within(server.address, Check::Xmpp(xmpp(Role::Client, false)), SHORT).await;
        assert_saw(&report, "silent", "no answer within 300ms");
        assert!(report.latency >= SHORT && report.latency < SHORT * 8, "{:?}", report.latency);
        assert_eq!(report.steps.last().unwrap().what, "stream");
    }
}

#[tokio::test]
async fn octets_one_by_one_pass_if_they_come_in_time() {
    let server = saying(header(Role::Client) + PLAIN_FEATURES, 1, Duration::ZERO).await;
    let spec = Spec {
        address: server.address,
        check: Check::Xmpp(xmpp(Role::Client, false)).into(),
        timeout: Duration::from_secs(10),
        watch: None,
    };
    assert_saw(
        &run_to(Effort::to(Depth::Shallow), &spec, &Clock::start(), &ProbeContext::from_roots([])).await,
        "pass",
        "",
    );
}

#[tokio::test]
async fn half_closed_connections_fail_at_once() {
    for (words, part) in [
        (String::new(), "closed without a stream header"),
        (header(Role::Client), "closed before its features"),
        (header(Role::Client) + "<stream:feat", "closed before its features"),
        (header(Role::Client) + PLAIN_FEATURES, "closed instead of going on with TLS"),
    ] {
        let server = Server::start(move |mut stream| {
            let words = words.clone();
            async move {
                drop(hear(&mut stream, ">").await);
                say(&mut stream, &words).await;
                stream.shutdown().await.unwrap();
                // It goes on to listen, and never hangs up.
                while stream.read(&mut [0; 256]).await.is_ok_and(|read| read > 0) {}
                sleep(Duration::from_secs(60)).await;
            }
        })
        .await;
        let (clock, began) = watch();
        let report = probe(server.address, Check::Xmpp(xmpp(Role::Client, false))).await;
        assert_saw(&report, "fail", part);
        assert!(clock.now().mono.since(began) < Duration::from_secs(2), "{:?}", clock.now().mono.since(began));
    }
}

#[tokio::test]
async fn whoever_never_hangs_up_does_not_hold_the_probe() {
    let server = Server::start(|mut stream| async move {
        drop(hear(&mut stream, ">").await);
        say(&mut stream, &(header(Role::Client) + &complaint("system-shutdown"))).await;
        sleep(Duration::from_secs(60)).await;
    })
    .await;
    let (clock, began) = watch();
    let report = probe(server.address, Check::Xmpp(xmpp(Role::Client, false))).await;
    assert_saw(&report, "drain", "stream error system-shutdown");
    assert!(report.latency < Duration::from_millis(200) && clock.now().mono.since(began) < Duration::from_secs(2));
}
