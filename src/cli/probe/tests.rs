//! The command against listeners on loopback.

use std::net::SocketAddr;
use std::sync::Arc;

use serde_json::{Value, json};
use tokio::net::TcpListener;

use super::prober::{Asked, Form, Prober, Went};
use super::*;
use crate::probe::allow::DeclaredBy;
use crate::probe::{Check, Step, Tcp};

fn prober(form: Form) -> Prober {
    Prober { clock: Clock::start(), context: ProbeContext::from_roots([]), access: Access::default(), form }
}

fn spec(address: SocketAddr) -> Spec {
    Spec { address, check: Arc::new(Check::Tcp(Tcp::default())), timeout: Duration::from_secs(10), watch: None }
}

fn asked(label: &str, address: SocketAddr) -> Asked {
    Asked { label: label.to_owned(), spec: spec(address), resolved: None }
}

async fn told(form: Form, targets: &[Asked]) -> (Went, String) {
    let mut out = Vec::new();
    let went = prober(form).tell_all(targets, &mut out).await.unwrap();
    (went, String::from_utf8(out).unwrap())
}

#[tokio::test]
async fn a_pass_and_a_failure_are_told_step_by_step() {
    let (alive, gone) =
        (TcpListener::bind("127.0.0.1:0").await.unwrap(), TcpListener::bind("127.0.0.1:0").await.unwrap());
    let (up, down) = (alive.local_addr().unwrap(), gone.local_addr().unwrap());
    drop(gone);
    let (went, text) = told(Form::Text, &[asked(&up.to_string(), up), asked("node2.example.com:5060", down)]).await;
    assert_eq!((went, went.code()), (Went::Badly, 1));
    let lines: Vec<_> = text.lines().collect();
    assert_eq!(lines.len(), 6, "{text}");
    assert_eq!(lines[0], format!("tcp to {up}"));
    assert!(lines[1].starts_with("  connect  ") && lines[1].ends_with(" ms  connected"), "{text}");
    assert!(lines[2].starts_with("  pass  ") && lines[2].ends_with(" ms"), "{text}");
    assert_eq!(lines[3], format!("node2.example.com:5060: tcp to {down}"));
    assert!(lines[5].starts_with("  fail  ") && lines[5].ends_with("connection refused"), "{text}");
}

#[tokio::test]
async fn json_is_one_object_a_line() {
    let alive = TcpListener::bind("[::1]:0").await.unwrap();
    let address = alive.local_addr().unwrap();
    let (went, text) = told(Form::Json, &[asked("a", address), asked("b", address)]).await;
    assert_eq!(went.code(), 0);
    let values: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(values.len(), 2);
    assert_eq!(values[1]["label"], "b");
    assert_eq!((&values[0]["outcome"], &values[0]["cause"]), (&json!("pass"), &Value::Null));
    assert_eq!((&values[0]["address"], &values[0]["steps"][0]["what"]), (&json!("::1"), &json!("connect")));
    assert!(values[0]["latency_ms"].as_f64().unwrap() > 0.0);
}

#[tokio::test]
async fn how_a_name_was_resolved_is_the_first_step() {
    let alive = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let step = Step { what: "resolve", took: Duration::from_micros(1_500), saw: "127.0.0.1, ::1".to_owned() };
    let named = || Asked { resolved: Some(step.clone()), ..asked("tcp://a.example", alive.local_addr().unwrap()) };
    let (_, text) = told(Form::Text, &[named()]).await;
    assert_eq!(text.lines().nth(1), Some("  resolve          1.5 ms  127.0.0.1, ::1"), "{text}");
    let (_, text) = told(Form::Json, &[named()]).await;
    let value: Value = serde_json::from_str(&text).unwrap();
    assert_eq!((&value["steps"][0]["what"], &value["steps"][1]["what"]), (&json!("resolve"), &json!("connect")));
}

#[tokio::test]
async fn what_may_not_be_probed_is_refused_without_a_packet() {
    let (went, text) = told(Form::Text, &[asked("doc", "192.0.2.1:1".parse().unwrap())]).await;
    assert_eq!((went, went.code()), (Went::Refused, 2));
    assert!(text.contains("not probed: 192.0.2.1 is for documentation") && text.contains("--allow"), "{text}");
}

#[test]
fn a_network_that_is_allowed_takes_nothing_from_the_others() {
    let targets = ["192.0.2.1:1", "127.0.0.1:1", "[2001:db8::1]:1"].map(|at| asked(at, at.parse().unwrap()));
    let access = besides_default(vec!["192.0.2.0/24".parse().unwrap()], &targets);
    let permitted = targets.each_ref().map(|asked| access.permits(asked.spec.address.ip(), DeclaredBy::Us).is_ok());
    assert_eq!(permitted, [true, true, false]);
    assert_eq!(besides_default(Vec::new(), &targets), Access::default());
}
