//! The check `stun` against servers that are healthy, gone, or slow.

use std::time::Duration;

use super::server::{Responder, binding_answer, stream};
use crate::probe::stun::Stun;
use crate::probe::tests::{assert_saw, probe, probe_within};
use crate::probe::{Check, Over, Tls, Verify};

pub(super) fn over(over: Over) -> Check {
    Check::Stun(Stun { over })
}

#[tokio::test]
async fn a_server_that_tells_our_address_passes_over_udp_and_tcp() {
    let datagrams = Responder::start(|octets, _| vec![binding_answer(octets)]).await;
    let streams = stream(|octets, _| vec![binding_answer(octets)]).await;
    for (address, transport) in [(datagrams.address, Over::Udp), (streams.address, Over::Tcp)] {
        let report = probe(address, over(transport)).await;
        assert_saw(&report, "pass", "");
        let last = report.steps.last().unwrap();
        assert_eq!((last.what, last.saw.as_str()), ("binding", "sees us as 192.0.2.1:32853"));
        assert!(report.latency < Duration::from_secs(5));
    }
}

#[tokio::test]
async fn a_closed_port_fails_at_once_by_icmp() {
    let gone = Responder::start(|_, _| Vec::new()).await;
    let address = {
        let socket = tokio::net::UdpSocket::bind("127.0.0.1:0").await.unwrap();
        socket.local_addr().unwrap()
    };
    assert_ne!(address, gone.address);
    let report = probe(address, over(Over::Udp)).await;
    assert_saw(&report, "fail", "connection refused");
    assert!(report.latency < Duration::from_secs(1), "{:?}", report.latency);
    assert_saw(&probe(address, over(Over::Tcp)).await, "fail", "connection refused");
}

#[tokio::test]
async fn a_lost_datagram_is_sent_again_as_it_was() {
    let (mut heard, mut first) = (0_u32, Vec::new());
    let server = Responder::start(move |octets, _| {
        heard += 1;
        if heard == 1 {
            first = octets.to_vec();
            return Vec::new();
        }
        assert_eq!(octets, first, "the same transaction");
        vec![binding_answer(octets)]
    })
    .await;
    let report = probe(server.address, over(Over::Udp)).await;
    assert_saw(&report, "pass", "");
    assert!(report.latency >= Duration::from_millis(490), "{:?}", report.latency);
}

#[tokio::test]
async fn silence_is_silent() {
    let mute = Responder::start(|_, _| Vec::new()).await;
    let report = probe_within(mute.address, over(Over::Udp), Duration::from_millis(300)).await;
    assert_saw(&report, "silent", "no answer within 300ms");
    let mute = stream(|_, _| Vec::new()).await;
    let report = probe_within(mute.address, over(Over::Tcp), Duration::from_millis(300)).await;
    assert_saw(&report, "silent", "no answer within 300ms");
}

#[tokio::test]
async fn two_answers_and_a_chatty_stream_are_taken_as_one() {
    let server = stream(|octets, _| {
        let other = super::success(crate::probe::stun::Method::Binding, [9; 12], &[]);
        vec![other, binding_answer(octets), binding_answer(octets)]
    })
    .await;
    assert_saw(&probe(server.address, over(Over::Tcp)).await, "pass", "");
}

#[test]
fn the_identity_of_a_check_holds_what_tls_asks_for() {
    let tls = Tls { verify: Verify::Require, ..Tls::new("example.test") };
    assert_eq!(over(Over::Udp).parameters(), "");
    assert_eq!((over(Over::Tcp).kind(), over(Over::Tcp).transport()), ("stun", "tcp"));
    assert_eq!(over(Over::Tls(tls)).parameters(), "name=example.test verify=require");
}
