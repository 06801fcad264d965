//! Composites of checks against servers of our own.

use std::time::Duration;

use tokio::io::AsyncReadExt;
use tokio::net::TcpListener;
use tokio::time::sleep;

use super::{Server, assert_saw, probe, probe_within};
use crate::probe::{Check, Composite, Part, Rule, Tcp};

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
    for account in [any, all] {
        assert!(account.latency < Duration::from_secs(5), "{account:?}");
    }
}

#[tokio::test]
async fn a_silent_part_ends_before_the_whole_does() {
    let server = silent().await;
    let (alive, dead) = (server.address.port(), closed_port().await);
    let limit = Duration::from_millis(400);
    let any = whole(Rule::Any, &[(expect(), alive), (connect(), dead)]);
    let account = probe_within(server.address, any, limit).await;
    assert_saw(&account, "silent", &format!("1 tcp:{alive}: no answer within"));
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
