//! Composites of checks against servers of our own.

use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::time::sleep;

use super::{Server, assert_saw, probe, probe_within};
use crate::base::clock::Clock;
use crate::probe::attempt::Effort;
use crate::probe::xmpp::Role;
use crate::probe::{Check, Composite, Depth, Part, ProbeContext, Rule, Spec, Tcp, Tls, Xmpp, run_to};

fn whole(rule: Rule, parts: &[(Check, u16)]) -> Check {
    let parts = parts.iter().map(|(check, port)| Part { check: check.clone(), port: Some(*port) });
    Check::Composite(Composite { rule, parts: parts.collect() })
}

fn connect() -> Check {
    Check::Tcp(Tcp::default())
}

fn expect() -> Check {
    Check::Tcp(Tcp { send: Some(b"?".to_vec()), expect: Some(b"!".to_vec()) })
}

async fn closed_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().port()
}

/// A server that takes connections and never answers.
async fn silent() -> Server {
    Server::start(|mut stream| async move {
        drop(stream.read(&mut [0; 16]).await);
        sleep(Duration::from_secs(60)).await;
    })
    .await
}

#[tokio::test]
async fn all_needs_each_part_and_tells_which_one_failed() {
    let server = silent().await;
    let (alive, dead) = (server.address.port(), closed_port().await);
    let good = probe(server.address, whole(Rule::All, &[(connect(), alive), (connect(), alive)])).await;
    assert_saw(&good, "pass", "");
    assert_eq!(
        good.steps.iter().map(|step| step.saw.as_str()).collect::<Vec<_>>(),
        [format!("1 tcp:{alive}: connected"), format!("2 tcp:{alive}: connected")]
    );
    let bad = probe(server.address, whole(Rule::All, &[(connect(), alive), (connect(), dead)])).await;
    assert_saw(&bad, "fail", &format!("2 tcp:{dead}: connection refused"));
}

#[tokio::test]
async fn what_is_decided_does_not_wait_for_the_silent_part() {
    let server = silent().await;
    let (alive, dead) = (server.address.port(), closed_port().await);
    let any = probe(server.address, whole(Rule::Any, &[(expect(), alive), (connect(), alive)])).await;
    assert_saw(&any, "pass", "");
    let all = probe(server.address, whole(Rule::All, &[(expect(), alive), (connect(), dead)])).await;
    assert_saw(&all, "fail", "connection refused");
    for report in [any, all] {
        assert!(report.latency < Duration::from_secs(5), "{report:?}");
    }
}

#[tokio::test]
async fn a_silent_part_ends_before_the_whole_does() {
    let server = silent().await;
    let (alive, dead) = (server.address.port(), closed_port().await);
    let limit = Duration::from_millis(400);
    let any = whole(Rule::Any, &[(expect(), alive), (connect(), dead)]);
    let report = probe_within(server.address, any, limit).await;
    assert_saw(&report, "silent", &format!("1 tcp:{alive}: no answer within"));
    let two = whole(Rule::AtLeast(2), &[(connect(), alive), (expect(), alive), (connect(), alive)]);
    assert_saw(&probe_within(server.address, two, limit).await, "pass", "");
}

#[tokio::test]
async fn not_turns_around_and_parts_may_have_parts() {
    let server = silent().await;
    let (alive, dead) = (server.address.port(), closed_port().await);
    let absent = whole(Rule::Not, &[(connect(), dead)]);
    let present = whole(Rule::Not, &[(connect(), alive)]);
    assert_saw(&probe(server.address, absent.clone()).await, "pass", "");
    assert_saw(&probe(server.address, present).await, "fail", "passes, and must not");
    let nested = whole(Rule::All, &[(connect(), alive), (absent, alive)]);
    assert_saw(&probe(server.address, nested).await, "pass", "");
}

/// A server for XMPP that offers STARTTLS and cannot do it: what only a deep probe finds.
async fn without_tls() -> Server {
    Server::start(|mut stream| async move {
        let mut hear = [0; 1024];
        drop(stream.read(&mut hear).await);
        let begin = "<stream:stream from='example.com' version='1.0' xmlns='jabber:client' \
            xmlns:stream='http://etherx.jabber.org/streams'><stream:features>\
            <starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/></stream:features>";
        drop(stream.write_all(begin.as_bytes()).await);
        drop(stream.read(&mut hear).await);
        drop(stream.write_all(b"<failure xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>").await);
        drop(stream.read(&mut hear).await);
    })
    .await
}

#[tokio::test]
async fn only_the_parts_of_all_take_the_shorter_way() {
    let server = without_tls().await;
    let tls = Tls::new("example.com");
    let xmpp = || Check::Xmpp(Xmpp::new(Role::Client, false, tls.clone()));
    let port = server.address.port();
    let dead = (connect(), closed_port().await);
    for (check, may_be_shallow, class) in [
        (whole(Rule::All, &[(xmpp(), port), (connect(), port)]), true, "pass"),
        (whole(Rule::Any, &[(xmpp(), port), dead.clone()]), false, "fail"),
        (whole(Rule::AtLeast(1), &[(xmpp(), port), dead]), false, "fail"),
        (whole(Rule::Not, &[(xmpp(), port)]), false, "pass"),
        (whole(Rule::All, &[(whole(Rule::Not, &[(xmpp(), port)]), port), (xmpp(), port)]), true, "pass"),
    ] {
        assert_eq!(check.deep_interval().is_some(), may_be_shallow, "{}", check.parameters());
        let spec = Spec { address: server.address, check: check.into(), timeout: Duration::from_secs(10), watch: None };
        let context = ProbeContext::from_roots([]);
        assert_saw(&run_to(Effort::to(Depth::Shallow), &spec, &Clock::start(), &context).await, class, "");
    }
}

#[test]
fn the_transport_tells_whether_a_pass_is_an_answer() {
    let not = whole(Rule::Not, &[(connect(), 1)]);
    for (check, transport) in [
        (whole(Rule::All, &[(connect(), 1), (connect(), 2)]), "tcp"),
        (whole(Rule::All, &[(connect(), 1), (Check::Icmp(crate::probe::Icmp), 2)]), "mixed"),
        (not.clone(), "none"),
        (whole(Rule::Any, &[(connect(), 1), (not, 2)]), "none"),
    ] {
        assert_eq!(check.transport(), transport, "{}", check.parameters());
    }
}

#[test]
fn parameters_tell_all_parts() {
    let check = whole(Rule::AtLeast(1), &[(connect(), 80), (expect(), 81)]);
    assert_eq!(check.parameters(), r#"at-least 1(tcp port=80; tcp port=81 send="?" expect="!")"#);
}
