//! DNS over TLS, and certificates.

use tokio::io::AsyncWriteExt as _;
use understudy::serve::Identity;

use crate::house::{House, LIMITS, RECORD, ask, ends, identity, read};
use crate::support::query_with;

/// RFC 7858 §3.1; RFC 8467: padded answers are whole blocks.
#[tokio::test(flavor = "multi_thread")]
async fn queries_are_answered_with_and_without_alpn_and_padded_if_asked() {
    let house = House::open(LIMITS);
    for alpn in [&["dot"][..], &[]] {
        let (mut stream, _) = house.connect_tls(house.tls, alpn).await;
        assert_eq!(ask(&mut stream).await.answer(), [RECORD]);
        let padded = query_with("www.t. A", &[(12, &[0; 3])]);
        stream.write_all(&crate::house::framed(&padded)).await.unwrap();
        assert_eq!(read(&mut stream).await.unwrap().octets.len(), 468);
    }
    house.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn another_certificate_is_shown_to_new_clients_and_old_connections_stay() {
    let house = House::open(LIMITS);
    let (mut old, before) = house.connect_tls(house.tls, &["dot"]).await;
    let (der, next) = identity("second.test");
    house.certificates.set(next);
    let (mut new, after) = house.connect_tls(house.tls, &["dot"]).await;
    assert!(before != after && after == der);
    assert_eq!(ask(&mut old).await.answer(), [RECORD]);
    assert_eq!(ask(&mut new).await.answer(), [RECORD]);
    house.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_handshake_ends_and_harms_nobody() {
    let house = House::open(LIMITS);
    let mut plain = tokio::net::TcpStream::connect(house.tls).await.unwrap();
    plain.write_all(b"GET / HTTP/1.0\r\n\r\n").await.unwrap();
    assert!(ends(&mut plain).await);
    let (mut stream, _) = house.connect_tls(house.tls, &["dot"]).await;
    assert_eq!(ask(&mut stream).await.answer(), [RECORD]);
    house.close().await;
}

#[test]
fn files_that_are_no_identity_are_refused_with_their_reason() {
    let made = rcgen::generate_simple_self_signed(["one.test".to_owned()]).unwrap();
    let (certificate, key) = (made.cert.pem(), made.signing_key.serialize_pem());
    let other = rcgen::KeyPair::generate().unwrap().serialize_pem();
    let reason = |certificate: &str, key: &str| match Identity::from_pem(certificate.as_bytes(), key.as_bytes()) {
        Ok(_) => "taken".to_owned(),
        Err(error) => error.to_string(),
    };
    assert_eq!(reason(&certificate, &key), "taken");
    assert_eq!(reason(&certificate, &other), "the key does not belong to the certificate");
    assert_eq!(reason(&key, &key), "the certificate file holds no certificate");
    assert_eq!(reason(&certificate, &certificate), "the key file holds no private key");
    assert_eq!(reason("-----BEGIN CERTIFICATE-----\n!", &key), "the certificate file is not PEM");
}
