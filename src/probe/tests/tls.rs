//! The check `tls` against servers with good, expired, foreign and unknown certificates, and against no TLS at all.

use std::sync::Arc;
use std::time::Duration;

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, date_time_ymd};
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{ResolvesServerCertUsingSni, WebPkiClientVerifier};
use rustls::sign::CertifiedKey;
use rustls::{RootCertStore, ServerConfig, version};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::sync::mpsc;
use tokio::time::sleep;
use tokio_rustls::TlsAcceptor;

use super::{Server, assert_saw, probe, probe_within};
use crate::base::clock::{Clock, UnixTime};
use crate::probe::{Authority, Check, ClientCertificate, Http, ProbeContext, ProbeReport, Spec, Tls, Verify, run};

const NAME: &str = "voice.service.example";

/// A private CA.
pub(in crate::probe) struct Ca {
    issuer: Issuer<'static, KeyPair>,
    pem: String,
    pub(in crate::probe) der: CertificateDer<'static>,
}

impl Ca {
    pub(in crate::probe) fn new() -> Self {
        Self::named("Test Root")
    }

    fn named(name: &str) -> Self {
        let mut params = CertificateParams::new(Vec::<String>::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.distinguished_name.push(DnType::CommonName, name);
        let key = KeyPair::generate().unwrap();
        let root = params.self_signed(&key).unwrap();
        Self { pem: root.pem(), der: root.der().clone(), issuer: Issuer::new(params, key) }
    }

    pub(in crate::probe) fn authority(&self) -> Option<Authority> {
        Some(Authority::from_pem("ca.pem", self.pem.as_bytes()).unwrap())
    }

    /// Issues a certificate for these names, valid for the years from one to before the other.
    pub(in crate::probe) fn issue(&self, names: &[&str], years: (i32, i32)) -> Identity {
        let names: Vec<_> = names.iter().map(|&name| name.to_owned()).collect();
        let mut params = CertificateParams::new(names).unwrap();
        params.not_before = date_time_ymd(years.0, 1, 1);
        params.not_after = date_time_ymd(years.1, 1, 1);
        self.sign(&params)
    }

    /// Issues a certificate of a client and its key, as PEM.
    fn pem_pair(&self) -> (String, String) {
        let params = CertificateParams::new(vec!["checker.example".to_owned()]).unwrap();
        let key = KeyPair::generate().unwrap();
        (params.signed_by(&key, &self.issuer).unwrap().pem(), key.serialize_pem())
    }

    fn client(&self) -> ClientCertificate {
        let (chain, key) = self.pem_pair();
        ClientCertificate::from_pem(chain.as_bytes(), key.as_bytes()).unwrap()
    }

    /// Issues a certificate without alternative names; its common name is this.
    fn issue_common(&self, name: &str) -> Identity {
        let mut params = CertificateParams::new(Vec::<String>::new()).unwrap();
        params.distinguished_name.push(DnType::CommonName, name);
        self.sign(&params)
    }

    fn sign(&self, params: &CertificateParams) -> Identity {
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        Identity { certificate: certificate.der().clone(), key: PrivateKeyDer::Pkcs8(key.serialize_der().into()) }
    }
}

/// A certificate and its key.
pub(in crate::probe) struct Identity {
    pub(in crate::probe) certificate: CertificateDer<'static>,
    pub(in crate::probe) key: PrivateKeyDer<'static>,
}

impl Identity {
    pub(in crate::probe) fn config(self) -> ServerConfig {
        self.config_for(rustls::ALL_VERSIONS)
    }

    fn config_for(self, versions: &[&'static rustls::SupportedProtocolVersion]) -> ServerConfig {
        ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_protocol_versions(versions)
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![self.certificate], self.key)
            .unwrap()
    }
}

#[tokio::test]
async fn a_chain_of_any_length_is_not_walked() {
    let ca = Ca::new();
    for (count, verdict) in
        [(10, "no chain to a known root: unknown issuer"), (11, "11 certificates beside the server's own")]
    {
        let mut identity = ca.issue(&[NAME], (2020, 2100));
        let mut chain = vec![identity.certificate.clone()];
        chain.extend(std::iter::repeat_n(identity.certificate.clone(), count));
        let config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_protocol_versions(rustls::ALL_VERSIONS)
            .unwrap()
            .with_no_client_auth();
        identity.certificate = ca.der.clone();
        let (server, _ended) = server(config.with_single_cert(chain, identity.key).unwrap()).await;
        let tls = Tls {
            name: NAME.to_owned(),
            other_name: None,
            verify: Verify::Name,
            alpn: Vec::new(),
            authority: None,
            client_certificate: None,
        };
        let report = probe(server.address, Check::Tls(tls)).await;
        assert_saw(&report, "pass", "");
        assert!(report.warnings.iter().any(|warning| warning.contains(verdict)), "{count}: {:?}", report.warnings);
    }
}

/// A TLS server that says how each connection ended: what it read after the handshake, or its error.
async fn server(config: ServerConfig) -> (Server, mpsc::Receiver<Result<usize, String>>) {
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let (ends, ended) = mpsc::channel(4);
    let server = Server::start(move |stream| {
        let (acceptor, ends) = (acceptor.clone(), ends.clone());
        async move {
            let end = match acceptor.accept(stream).await {
                Ok(mut stream) => stream.read(&mut [0; 16]).await.map_err(|error| error.to_string()),
                Err(error) => Err(error.to_string()),
            };
            drop(ends.send(end).await);
        }
    })
    .await;
    (server, ended)
}

fn check(verify: Verify, authority: Option<Authority>) -> Tls {
    Tls { verify, authority, ..Tls::new(NAME) }
}

/// Probes a server with this certificate by each `verify`: name, require, off.
async fn by_each_verify(ca: &Ca, identity: Identity, known: bool) -> [ProbeReport; 3] {
    let (server, _ended) = server(identity.config()).await;
    let authority = || if known { ca.authority() } else { Ca::named("Other Root").authority() };
    [
        probe(server.address, Check::Tls(check(Verify::Name, authority()))).await,
        probe(server.address, Check::Tls(check(Verify::Require, authority()))).await,
        probe(server.address, Check::Tls(check(Verify::Off, authority()))).await,
    ]
}

#[tokio::test]
async fn a_good_certificate_passes_and_is_told() {
    let ca = Ca::new();
    for report in by_each_verify(&ca, ca.issue(&[NAME, "*.other.example", "127.0.0.1"], (2020, 2100)), true).await {
        assert_saw(&report, "pass", "");
        assert!(report.warnings.is_empty(), "{:?}", report.warnings);
        let certificate = report.certificate.as_ref().unwrap();
        assert_eq!(certificate.names, [NAME, "*.other.example", "127.0.0.1"]);
        assert_eq!(certificate.not_after, UnixTime::from_secs(4_102_444_800));
        assert!(certificate.days_left > 365, "{}", certificate.days_left);
        assert!(certificate.issuer.contains("CN=Test Root"), "{}", certificate.issuer);
        assert!(report.steps[1].saw.starts_with("TLS 1.3, TLS13_"), "{:?}", report.steps);
    }
}

#[tokio::test]
async fn an_expired_certificate_fails_unless_verify_is_off() {
    let ca = Ca::new();
    for known in [true, false] {
        let [name, require, off] = by_each_verify(&ca, ca.issue(&[NAME], (2019, 2020)), known).await;
        assert_saw(&name, "fail", "certificate expired on 2020-01-01");
        assert_saw(&require, "fail", "certificate expired on 2020-01-01");
        assert_saw(&off, "pass", "");
        assert!(off.warnings[0].contains("expired"), "{:?}", off.warnings);
        assert!(name.certificate.is_some_and(|certificate| certificate.days_left < -365), "recorded though refused");
    }
}

#[tokio::test]
async fn a_certificate_of_the_future_fails() {
    let ca = Ca::new();
    let [name, _, _] = by_each_verify(&ca, ca.issue(&[NAME], (2090, 2100)), true).await;
    assert_saw(&name, "fail", "not valid before 2090-01-01");
}

#[tokio::test]
async fn a_wrong_name_fails_unless_verify_is_off() {
    let ca = Ca::new();
    let [name, require, off] = by_each_verify(&ca, ca.issue(&["node1.example"], (2020, 2100)), true).await;
    for report in [&name, &require] {
        assert_saw(report, "fail", "certificate is for node1.example, not for voice.service.example");
    }
    assert_saw(&off, "pass", "");
    assert_eq!(name.certificate.unwrap().names, ["node1.example"]);
}

#[tokio::test]
async fn an_unknown_issuer_is_a_warning_unless_required() {
    let ca = Ca::new();
    let [name, require, off] = by_each_verify(&ca, ca.issue(&[NAME], (2020, 2100)), false).await;
    for report in [&name, &off] {
        assert_saw(report, "pass", "");
        assert!(report.warnings[0].contains("no chain to a known root: unknown issuer"), "{:?}", report.warnings);
    }
    assert_saw(&require, "fail", "unknown issuer");
}

#[tokio::test]
async fn a_self_signed_certificate_passes_by_name_alone() {
    let key = KeyPair::generate().unwrap();
    let certificate = CertificateParams::new(vec![NAME.to_owned()]).unwrap().self_signed(&key).unwrap();
    let key = PrivateKeyDer::Pkcs8(key.serialize_der().into());
    let [name, require, _] =
        by_each_verify(&Ca::new(), Identity { certificate: certificate.der().clone(), key }, true).await;
    assert_saw(&name, "pass", "");
    assert_saw(&require, "fail", "unknown issuer");
}

#[tokio::test]
async fn the_roots_of_the_system_count_where_no_authority_is_set() {
    let ca = Ca::new();
    let (server, _ended) = server(ca.issue(&[NAME], (2020, 2100)).config()).await;
    let spec = |verify| Spec {
        address: server.address,
        check: Check::Tls(check(verify, None)).into(),
        timeout: Duration::from_secs(10),
        watch: None,
    };
    let with = run(&spec(Verify::Require), &Clock::start(), &ProbeContext::from_roots([ca.der.clone()])).await;
    assert_saw(&with, "pass", "");
    let without = run(&spec(Verify::Require), &Clock::start(), &ProbeContext::from_roots([])).await;
    assert_saw(&without, "unknown", "no root certificates");
    let by_name = run(&spec(Verify::Name), &Clock::start(), &ProbeContext::from_roots([])).await;
    assert_saw(&by_name, "pass", "");
}

#[tokio::test]
async fn tls_1_2_passes_and_a_close_is_announced() {
    let ca = Ca::new();
    let (server, mut ended) =
        server(ca.issue(&["*.service.example"], (2020, 2100)).config_for(&[&version::TLS12])).await;
    let report = probe(server.address, Check::Tls(check(Verify::Require, ca.authority()))).await;
    assert_saw(&report, "pass", "");
    assert!(report.steps[1].saw.starts_with("TLS 1.2, TLS_ECDHE"), "{:?}", report.steps);
    // Without close_notify the server's read would be an error: unexpected end of file.
    assert_eq!(ended.recv().await, Some(Ok(0)));
}

#[tokio::test]
async fn alpn_is_told_and_its_absence_is_no_failure() {
    let ca = Ca::new();
    let offering = || Tls { alpn: vec![b"xmpp-client".to_vec()], ..check(Verify::Require, ca.authority()) };
    let (plain, _ended) = server(ca.issue(&[NAME], (2020, 2100)).config()).await;
    assert_saw(&probe(plain.address, Check::Tls(offering())).await, "pass", "");
    let mut config = ca.issue(&[NAME], (2020, 2100)).config();
    config.alpn_protocols = vec![b"xmpp-client".to_vec()];
    let (knowing, _ended) = server(config).await;
    let report = probe(knowing.address, Check::Tls(offering())).await;
    assert!(report.steps[1].saw.ends_with("protocol xmpp-client"), "{:?}", report.steps);
    let mut config = ca.issue(&[NAME], (2020, 2100)).config();
    config.alpn_protocols = vec![b"h2".to_vec()];
    let (foreign, _ended) = server(config).await;
    let report = probe(foreign.address, Check::Tls(offering())).await;
    assert_saw(&report, "fail", "speaks none of xmpp-client here (TLS alert no_application_protocol)");
}

#[tokio::test]
async fn a_name_that_the_server_does_not_know_fails() {
    let ca = Ca::new();
    let identity = ca.issue(&["other.example"], (2020, 2100));
    let key = aws_lc_rs::sign::any_supported_type(&identity.key).unwrap();
    let mut by_sni = ResolvesServerCertUsingSni::new();
    by_sni.add("other.example", CertifiedKey::new(vec![identity.certificate], key)).unwrap();
    let config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_cert_resolver(Arc::new(by_sni));
    let (server, _ended) = server(config).await;
    let report = probe(server.address, Check::Tls(check(Verify::Name, None))).await;
    assert_saw(&report, "fail", "TLS alert");
    let report = probe(server.address, Check::Tls(check(Verify::Off, None))).await;
    assert_saw(&report, "pass", "");
    let told = "the server has no certificate for voice.service.example (TLS alert access_denied); tested up to here";
    assert_eq!((report.warnings, report.steps[1].saw.as_str()), (vec![told.to_owned()], told));
}

#[tokio::test]
async fn a_certificate_of_the_host_or_of_the_domain_passes_where_either_will_do() {
    let ca = Ca::new();
    for (name, outcome) in [("mx1.example", "pass"), ("service.example", "pass"), ("other.example", "fail")] {
        let (server, _ended) = server(ca.issue(&[name], (2020, 2100)).config()).await;
        let check = Tls {
            name: "mx1.example".to_owned(),
            other_name: Some("service.example".to_owned()),
            ..check(Verify::Require, ca.authority())
        };
        let report = probe(server.address, Check::Tls(check)).await;
        assert_eq!(report.outcome.as_str(), outcome, "{name}");
        if outcome == "fail" {
            let cause = "certificate is for other.example, not for mx1.example or service.example";
            assert_saw(&report, "fail", cause);
        }
    }
}

#[tokio::test]
async fn a_name_that_stands_only_as_the_common_name_is_said_to() {
    let ca = Ca::new();
    let [name, require, off] = by_each_verify(&ca, ca.issue_common(NAME), true).await;
    for report in [&name, &off] {
        assert_saw(report, "pass", "");
        assert!(report.warnings[0].contains("bears voice.service.example only as its common name"), "{report:#?}");
    }
    assert_saw(&require, "fail", "only as its common name (CN)");
    let [name, _, off] = by_each_verify(&ca, ca.issue_common("old.example"), true).await;
    let cause = "no alternative names, and its common name (CN) is old.example, not voice.service.example";
    assert_saw(&name, "fail", cause);
    assert!(off.warnings[0].contains(cause), "{:?}", off.warnings);
}

#[tokio::test]
async fn the_alert_for_an_unknown_name_is_told_in_plain_words() {
    let server = Server::start(|mut stream| async move {
        drop(stream.read(&mut [0; 2048]).await);
        // A fatal alert, unrecognized_name (112): RFC 6066 §3.
        stream.write_all(&[21, 3, 3, 0, 2, 2, 112]).await.unwrap();
        drop(stream.read(&mut [0; 64]).await);
    })
    .await;
    let report = probe(server.address, Check::Tls(check(Verify::Name, None))).await;
    assert_saw(&report, "fail", "no certificate for voice.service.example (TLS alert unrecognized_name)");
}

/// A server that lets in only who shows a certificate of this CA.
fn demanding(ca: &Ca, version: &'static rustls::SupportedProtocolVersion) -> ServerConfig {
    let provider = Arc::new(aws_lc_rs::default_provider());
    let mut roots = RootCertStore::empty();
    roots.add(ca.der.clone()).unwrap();
    let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&provider)).build().unwrap();
    let identity = ca.issue(&[NAME], (2020, 2100));
    ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(&[version])
        .unwrap()
        .with_client_cert_verifier(verifier)
        .with_single_cert(vec![identity.certificate], identity.key)
        .unwrap()
}

#[tokio::test]
async fn a_server_that_wants_a_client_certificate_passes_with_a_warning_and_is_shown_the_one_that_is_set() {
    let (ca, other) = (Ca::new(), Ca::named("Other Root"));
    let base = check(Verify::Require, ca.authority());
    for version in [&version::TLS13, &version::TLS12] {
        let (server, mut ended) = server(demanding(&ca, version)).await;
        let web = |tls: Tls| Check::Http(Http::new(NAME.to_owned(), Some(tls)));
        for check in [Check::Tls(base.clone()), web(base.clone())] {
            let report = probe(server.address, check).await;
            assert_saw(&report, "pass", "");
            let [warning] = report.warnings.as_slice() else { panic!("{report:#?}") };
            assert!(warning.starts_with("the server requires a client certificate (TLS alert "), "{warning}");
            assert!(ended.recv().await.unwrap().is_err());
        }
        let with = |ca: &Ca| Tls { client_certificate: Some(ca.client()), ..base.clone() };
        let report = probe(server.address, Check::Tls(with(&other))).await;
        assert_saw(&report, "pass", "");
        assert!(report.warnings[0].starts_with("the server refuses our client certificate"), "{report:#?}");
        assert!(ended.recv().await.unwrap().is_err());
        let report = probe(server.address, Check::Tls(with(&ca))).await;
        assert_saw(&report, "pass", "");
        assert_eq!((report.warnings, ended.recv().await), (Vec::<String>::new(), Some(Ok(0))), "{version:?}");
    }
}

#[tokio::test]
async fn what_our_tls_cannot_is_no_failure_of_a_server_that_answers_older_clients() {
    // A ServerHello of TLS 1.2 with TLS_RSA_WITH_AES_128_CBC_SHA, and the fatal alert handshake_failure (40).
    let hello: Vec<u8> = [&[22, 3, 3, 0, 42, 2, 0, 0, 38, 3, 3][..], &[5; 32], &[0, 0, 0x2f, 0]].concat();
    let alert = vec![21, 3, 3, 0, 2, 2, 40];
    for (second, outcome) in [(hello, "pass"), (alert.clone(), "fail")] {
        let (alert, count) = (alert.clone(), Arc::new(std::sync::atomic::AtomicUsize::new(0)));
        let server = Server::start(move |mut stream| {
            let is_first = count.fetch_add(1, std::sync::atomic::Ordering::Relaxed) == 0;
            let answer = if is_first { alert.clone() } else { second.clone() };
            async move {
                drop(stream.read(&mut [0; 2048]).await);
                stream.write_all(&answer).await.unwrap();
                drop(stream.read(&mut [0; 64]).await);
            }
        })
        .await;
        let report = probe(server.address, Check::Tls(check(Verify::Name, None))).await;
        assert_eq!(report.outcome.as_str(), outcome, "{report:#?}");
        if outcome == "pass" {
            let cause = "no common cipher suite: the server chooses TLS_RSA_WITH_AES_128_CBC_SHA";
            assert!(report.warnings[0].starts_with(cause), "{report:#?}");
        } else {
            assert_saw(&report, "fail", "TLS alert handshake_failure");
        }
    }
}

#[test]
fn a_client_certificate_needs_its_own_key() {
    let (one, other) = (Ca::new().pem_pair(), Ca::new().pem_pair());
    assert!(ClientCertificate::from_pem(one.0.as_bytes(), one.1.as_bytes()).is_ok());
    assert!(
        ClientCertificate::from_pem((one.0.clone() + &one.1).as_bytes(), (one.0.clone() + &one.1).as_bytes()).is_ok()
    );
    for (chain, key) in [(&one.0, &other.1), (&one.0, &one.0), (&one.1, &one.1), (&String::new(), &one.1)] {
        let error = ClientCertificate::from_pem(chain.as_bytes(), key.as_bytes()).unwrap_err();
        assert!(!error.to_string().contains("PRIVATE"), "{error}");
    }
}

#[tokio::test]
async fn what_speaks_no_tls_fails() {
    for banner in
        ["220 mail.example ESMTP\r\n", "SSH-2.0-OpenSSH_9.2\r\n", "HTTP/1.1 400 Bad Request\r\n\r\n", "\0\0\0\0\0\0"]
    {
        let server = Server::start(move |mut stream| async move {
            stream.write_all(banner.as_bytes()).await.unwrap();
            drop(stream.read(&mut [0; 2048]).await);
        })
        .await;
        let report = probe(server.address, Check::Tls(check(Verify::Name, None))).await;
        assert_saw(&report, "fail", "not TLS");
    }
}

#[tokio::test]
async fn garbage_fails_and_is_not_gathered() {
    for first in [0_u8, 21, 22, 23, 255] {
        let server = Server::start(move |mut stream| async move {
            drop(stream.write_all(&vec![first; 65_536]).await);
            drop(stream.read(&mut [0; 2048]).await);
        })
        .await;
        let report = probe(server.address, Check::Tls(check(Verify::Name, None))).await;
        assert_eq!(report.outcome.as_str(), "fail", "{report:#?}");
    }
}

#[tokio::test]
async fn an_end_during_the_handshake_fails() {
    let server = Server::start(|mut stream| async move {
        drop(stream.read(&mut [0; 2048]).await);
    })
    .await;
    let report = probe(server.address, Check::Tls(check(Verify::Name, None))).await;
    assert_saw(&report, "fail", "closed during the TLS handshake");
}

#[tokio::test]
async fn a_server_that_accepts_and_hangs_is_silence_at_the_timeout() {
    let server = Server::start(|stream| async move {
        std::future::pending::<()>().await;
        drop(stream);
    })
    .await;
    let short = Duration::from_millis(300);
    let report = probe_within(server.address, Check::Tls(check(Verify::Name, None)), short).await;
    assert_saw(&report, "silent", "no answer within 300ms");
    assert!(report.latency >= short && report.latency < short * 8, "{:?}", report.latency);
    let told: Vec<_> = report.steps.iter().map(|step| (step.what, step.saw.as_str())).collect();
    assert_eq!(told, [("connect", "connected"), ("tls", "no answer within 300ms")]);
}

#[tokio::test]
async fn a_handshake_that_drips_is_silence_at_the_timeout() {
    let server = Server::start(|mut stream| async move {
        // The head of a handshake record of 16 KiB, then an octet now and then.
        let mut next = stream.write_all(&[22, 3, 3, 0x3f, 0xff, 2, 0, 0x3f, 0xf0]).await;
        while next.is_ok() {
            sleep(Duration::from_millis(50)).await;
            next = stream.write_all(&[3]).await;
        }
    })
    .await;
    let report = probe_within(server.address, Check::Tls(check(Verify::Name, None)), Duration::from_millis(300)).await;
    assert_saw(&report, "silent", "no answer within 300ms");
}

#[tokio::test]
async fn a_certificate_near_its_end_is_a_warning() {
    let ca = Ca::new();
    let now = Clock::start().now().wall.as_secs();
    let mut params = CertificateParams::new(vec![NAME.to_owned()]).unwrap();
    params.not_after = date_time_ymd(1970, 1, 1) + Duration::from_secs(now + 3 * 86_400 + 3_600);
    let key = KeyPair::generate().unwrap();
    let certificate = params.signed_by(&key, &ca.issuer).unwrap().der().clone();
    let (server, _ended) =
        server(Identity { certificate, key: PrivateKeyDer::Pkcs8(key.serialize_der().into()) }.config()).await;
    let report = probe(server.address, Check::Tls(check(Verify::Require, ca.authority()))).await;
    assert_saw(&report, "pass", "");
    assert_eq!(report.warnings, ["certificate expires in 3 days"]);
}

#[test]
fn parameters_name_all_that_tells_checks_apart() {
    let (one, other) = (Ca::new(), Ca::new());
    let base = check(Verify::Name, one.authority());
    let text = |tls: &Tls| Check::Tls(tls.clone()).parameters();
    assert_eq!(text(&check(Verify::Name, None)), "name=voice.service.example");
    assert_eq!(text(&Tls { name: "Voice.Service.Example".to_owned(), ..base.clone() }), text(&base));
    for different in [
        Tls { name: "x.example".to_owned(), ..base.clone() },
        Tls { other_name: Some("x.example".to_owned()), ..base.clone() },
        Tls { verify: Verify::Require, ..base.clone() },
        Tls { alpn: vec![b"h2".to_vec()], ..base.clone() },
        Tls { authority: other.authority(), ..base.clone() },
        Tls { authority: None, ..base.clone() },
    ] {
        assert_ne!(text(&different), text(&base));
    }
}

#[tokio::test]
async fn what_a_certificate_says_cannot_steer_a_terminal() {
    let ca = Ca::named("Root\u{1b}[2J");
    let [_, _, off] = by_each_verify(&ca, ca.issue(&[NAME, "a\u{1b}[2Jb"], (2020, 2100)), true).await;
    let certificate = off.certificate.unwrap();
    assert_eq!(certificate.names, [NAME, "a\\u{1b}[2Jb"]);
    assert_eq!(certificate.issuer, "CN=Root\\1b[2J");
}

#[test]
fn an_authority_needs_a_certificate() {
    for text in ["", "hello", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"] {
        assert!(Authority::from_pem("ca.pem", text.as_bytes()).is_err(), "{text}");
    }
}
