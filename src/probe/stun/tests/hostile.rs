//! Servers that send wrong, endless or slow answers: bounded time and memory, the right verdict.

use std::time::Duration;

use tokio::io::AsyncWriteExt;
use tokio::net::UdpSocket;
use tokio::time::sleep;

use super::binding::over;
use super::server::{Responder, binding_answer, request, transaction_of};
use super::{XOR_V4, success};
use crate::probe::Over;
use crate::probe::stun::attribute::{SOFTWARE, XOR_MAPPED_ADDRESS};
use crate::probe::stun::carrier::{Recognised, recognise};
use crate::probe::stun::request::Method;
use crate::probe::tests::{Server, assert_saw, probe, probe_within};

const SHORT: Duration = Duration::from_millis(300);

/// Makes a server that writes these octets to whoever connects.
async fn writes(octets: Vec<u8>) -> Server {
    Server::start(move |mut stream| {
        let octets = octets.clone();
        async move {
            drop(stream.write_all(&octets).await);
            let mut rest = [0; 64];
            while tokio::io::AsyncReadExt::read(&mut stream, &mut rest).await.is_ok_and(|read| read > 0) {}
        }
    })
    .await
}

#[tokio::test]
async fn answers_of_other_transactions_are_passed_over() {
    let server = Responder::start(|octets, _| {
        let wrong = success(Method::Binding, [9; 12], &[(XOR_MAPPED_ADDRESS, &XOR_V4)]);
        vec![wrong, b"garbage".to_vec(), Vec::new(), vec![0; 2000], binding_answer(octets)]
    })
    .await;
    assert_saw(&probe(server.address, over(Over::Udp)).await, "pass", "");
    let server =
        Responder::start(|_, _| vec![success(Method::Binding, [9; 12], &[(XOR_MAPPED_ADDRESS, &XOR_V4)])]).await;
    assert_saw(&probe_within(server.address, over(Over::Udp), SHORT).await, "silent", "no answer");
}

#[tokio::test]
async fn answers_from_other_hosts_and_ports_do_not_count() {
    let others = [UdpSocket::bind("127.0.0.1:0").await.unwrap(), UdpSocket::bind("127.9.9.9:0").await.unwrap()];
    let others = others.map(|socket| socket.into_std().unwrap());
    let server = Responder::start(move |octets, peer| {
        for other in &others {
            other.send_to(&binding_answer(octets), peer).unwrap();
        }
        Vec::new()
    })
    .await;
    assert_saw(&probe_within(server.address, over(Over::Udp), SHORT).await, "silent", "no answer");
}

#[tokio::test]
async fn a_broken_answer_to_our_own_transaction_fails() {
    type Case = (fn(&[u8]) -> Vec<u8>, &'static str);
    let broken: [Case; 7] = [
        (<[u8]>::to_vec, "sends the question back"),
        (|octets| success(Method::Allocate, transaction_of(octets), &[]), "answers another method"),
        (|octets| binding_answer(octets)[..30].to_vec(), "claims 12 octets of attributes and has 10"),
        (
            |octets| {
                let mut answer = binding_answer(octets);
                answer[23] = 200;
                answer
            },
            "an attribute that ends behind its end",
        ),
        (
            |octets| {
                let mut answer = binding_answer(octets);
                answer.extend([0; 4]);
                answer
            },
            "claims 12 octets of attributes and has 16",
        ),
        (|octets| success(Method::Binding, transaction_of(octets), &[(0x8028, &[1, 2, 3, 4])]), "a wrong FINGERPRINT"),
        (|octets| super::message(0x0111, transaction_of(octets), &[(0x0009, b"x")]), "an error without a code"),
    ];
    for (answer, part) in broken {
        let server = Responder::start(move |octets, _| vec![answer(octets)]).await;
        assert_saw(&probe(server.address, over(Over::Udp)).await, "fail", part);
    }
}

#[tokio::test]
async fn streams_of_other_protocols_fail_at_their_first_octets() {
    for (octets, part) in [
        (b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n".to_vec(), "not STUN"),
        (b"SSH-2.0-OpenSSH_9.2\r\n".to_vec(), "not STUN"),
        (vec![0; 65_536], "not STUN"),
        (vec![0xff; 65_536], "not STUN"),
        // The right cookie, and a message of 64 KiB announced: more than any answer has.
        ([&[1, 1, 0xff, 0xfc, 0x21, 0x12, 0xa4, 0x42][..], &[0; 40]].concat(), "a STUN message of 65552 octets"),
        ([&[1, 1, 0, 3, 0x21, 0x12, 0xa4, 0x42][..], &[0; 40]].concat(), "is no multiple of 4"),
    ] {
        let server = writes(octets).await;
        let report = probe(server.address, over(Over::Tcp)).await;
        assert_saw(&report, "fail", part);
        assert!(report.latency < Duration::from_secs(2));
    }
}

#[tokio::test]
async fn a_stream_of_foreign_messages_ends_at_the_sixteenth() {
    let foreign = success(Method::Binding, [9; 12], &[(SOFTWARE, &[b'x'; 700])]);
    let server = writes(foreign.repeat(10_000)).await;
    assert_saw(&probe(server.address, over(Over::Tcp)).await, "fail", "only answers that are not ours");
}

#[tokio::test]
async fn an_answer_that_drips_is_silence_at_the_timeout() {
    let server = Server::start(|mut stream| async move {
        // A header that announces more than ever comes, octet by octet.
        let header = [1, 1, 0x08, 0, 0x21, 0x12, 0xa4, 0x42];
        for octet in header.into_iter().chain(std::iter::repeat(0)) {
            if stream.write_all(&[octet]).await.is_err() {
                break;
            }
            sleep(Duration::from_millis(20)).await;
        }
    })
    .await;
    assert_saw(&probe_within(server.address, over(Over::Tcp), SHORT).await, "silent", "no answer within");
}

#[tokio::test]
async fn an_end_before_or_within_the_answer_fails() {
    let server = Server::start(|mut stream| async move {
        drop(tokio::io::AsyncReadExt::read(&mut stream, &mut [0; 64]).await);
    })
    .await;
    assert_saw(&probe(server.address, over(Over::Tcp)).await, "fail", "closed without an answer");
    let server = Server::start(|mut stream| async move {
        let mut question = [0; 20];
        drop(tokio::io::AsyncReadExt::read_exact(&mut stream, &mut question).await);
        drop(stream.write_all(&binding_answer(&question)[..25]).await);
    })
    .await;
    assert_saw(&probe(server.address, over(Over::Tcp)).await, "fail", "closed within its answer");
}

proptest::proptest! {
    #[test]
    fn any_octets_are_recognised_without_a_panic(
        octets in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..300),
        ours: bool,
    ) {
        let mut octets = octets;
        if ours && octets.len() >= 20 {
            octets[0] &= 0x3f;
            octets[4..8].copy_from_slice(&[0x21, 0x12, 0xa4, 0x42]);
            octets[8..20].fill(7);
        }
        let foreign = recognise(&octets, &request()) == Recognised::Foreign;
        proptest::prop_assert!(!foreign || octets.get(8..20) != Some(&[7; 12]) || octets[3] & 3 != 0);
    }
}
