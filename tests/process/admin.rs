//! The API of the real program over its socket: who may open it, what it answers, what it refuses.

use std::io::{Read as _, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::client::{DECLARED, STANDBY, ask_sip, wait_sip};
use crate::failover::quick;
use crate::server::{Folder, Server, eventually};
use crate::target::Hosts;

/// Sends a request as it stands; returns the status and the body.
#[track_caller]
pub(crate) fn send(socket: &Path, request: &str) -> (u16, String) {
    exchange(socket, request).unwrap()
}

/// As [`send`]; nothing if the server is gone before it has answered whole.
pub(crate) fn exchange(socket: &Path, request: &str) -> Option<(u16, String)> {
    let mut stream = UnixStream::connect(socket).ok()?;
    // What is refused early is not read to its end.
    drop(stream.write_all(request.as_bytes()));
    let mut answer = Vec::new();
    drop(stream.read_to_end(&mut answer));
    let answer = String::from_utf8(answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n")?;
    let status = head.split(' ').nth(1)?.parse().ok()?;
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: "))?.parse::<usize>().ok()?;
    (body.len() == length).then(|| (status, body.to_owned()))
}

/// Sends a JSON body; returns the status and the JSON of the answer.
#[track_caller]
pub(crate) fn post(socket: &Path, path: &str, body: &Value) -> (u16, Value) {
    let (status, answer) = send(socket, &posting(path, body));
    (status, serde_json::from_str(&answer).unwrap_or_default())
}

/// The request that posts a JSON body.
pub(crate) fn posting(path: &str, body: &Value) -> String {
    let body = body.to_string();
    let head = format!("POST {path} HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n");
    format!("{head}content-length: {}\r\n\r\n{body}", body.len())
}

pub(crate) fn get(socket: &Path, path: &str) -> (u16, String) {
    send(socket, &format!("GET {path} HTTP/1.1\r\nhost: x\r\n\r\n"))
}

fn serve(folder: &Folder, hosts: &Hosts, more: &str) -> (Server, PathBuf) {
    serve_with(folder, hosts, &(quick("0s") + more))
}

fn serve_with(folder: &Folder, hosts: &Hosts, config: &str) -> (Server, PathBuf) {
    let config = folder.write("understudy.toml", config);
    let zone = folder.write("example.com.zone", hosts.zone());
    let server = Server::serve(&[&config, &zone], &folder.path("state"));
    server.answering();
    (server, folder.path("state").join("admin.sock"))
}

#[test]
fn the_socket_is_for_owner_and_group_and_goes_with_the_server() {
    let (folder, hosts) = (Folder::new(), Hosts::new());
    let _up = hosts.up();
    let (mut server, socket) = serve(&folder, &hosts, "");
    assert_eq!(std::fs::metadata(&socket).unwrap().permissions().mode() & 0o777, 0o660);
    for (path, says) in [("/livez", "live\n"), ("/readyz", "ready\n"), ("/metrics", "# EOF\n")] {
        let (status, body) = get(&socket, path);
        assert!(status == 200 && body.ends_with(says), "{path}: {status} {body}");
    }
    for path in ["/v1/status", "/v1/zones", "/v1/services", "/v1/targets", "/v1/orders", "/v1/history"] {
        let (status, body) = get(&socket, path);
        assert!(status == 200 && serde_json::from_str::<Value>(&body).is_ok(), "{path}: {status} {body}");
    }
    assert_eq!(server.terminate().0.code(), Some(0));
    assert!(!socket.exists());
}

#[test]
fn what_is_no_request_of_an_operator_is_refused_with_a_code() {
    let (folder, hosts) = (Folder::new(), Hosts::new());
    let _up = hosts.up();
    let (server, socket) = serve(&folder, &hosts, "");
    let with = |lines: &str, body: &str| {
        let length = body.len();
        send(&socket, &format!("POST /v1/orders HTTP/1.1\r\nhost: x\r\n{lines}content-length: {length}\r\n\r\n{body}"))
    };
    let order = r#"{"force":"down","on":"sip-node1"}"#;
    let long = format!(r#"{{"force":"down","on":"{}"}}"#, "x".repeat(70_000));
    for (lines, body, status, code) in [
        ("content-type: application/json\r\norigin: http://evil.example\r\n", order, 403, "cross-site"),
        ("content-type: application/json\r\nsec-fetch-site: cross-site\r\n", order, 403, "cross-site"),
        ("content-type: text/plain\r\n", order, 415, "not-json"),
        ("content-type: application/json\r\n", "{", 400, "bad-body"),
        ("content-type: application/json\r\n", r#"{"force":"down","on":"sip-node1","for":3}"#, 400, "bad-body"),
        ("content-type: application/json\r\n", r#"{"force":"off","on":"sip-node1"}"#, 422, "bad-value"),
        ("content-type: application/json\r\n", r#"{"force":"down","on":"a:b"}"#, 422, "bad-target"),
        ("content-type: application/json\r\n", &long, 413, "body-too-long"),
    ] {
        let (got, answer) = with(lines, body);
        assert!(got == status && answer.contains(&format!("\"code\":\"{code}\"")), "{code}: {got} {answer}");
    }
    for (path, status, code) in [
        ("/v1/nothing", 404, "no-such-path"),
        ("/v1/reload", 405, "wrong-method"),
        ("/v1/services/_sip._udp.example.com", 404, "no-such-service"),
        ("/v1/history?after=x", 400, "bad-query"),
        ("/v1/history?before=1", 400, "bad-query"),
    ] {
        let (got, answer) = get(&socket, path);
        assert!(got == status && answer.contains(&format!("\"code\":\"{code}\"")), "{path}: {got} {answer}");
    }
    let (status, answer) = send(&socket, "DELETE /v1/orders/x HTTP/1.1\r\nhost: x\r\n\r\n");
    assert!(status == 400 && answer.contains("bad-order"), "{answer}");
    assert!(ask_sip(server.address()).is(DECLARED), "nothing has changed");
}

#[test]
fn a_state_that_is_pushed_counts_until_its_time_is_over() {
    let (folder, hosts) = (Folder::new(), Hosts::new());
    let _up = hosts.up();
    let more = "[[service]]\nmatch = \"_sip._tcp.example.com\"\n\
                check = { kind = \"push\", name = \"sip\", expired = \"unknown\" }\n";
    let (server, socket) = serve(&folder, &hosts, more);
    let address = server.address();
    let push = |state: &str, ttl: u64| {
        let body = json!({ "state": state, "reason": "as told", "ttl_ms": ttl });
        post(&socket, "/v1/push/sip", &body).0
    };
    assert_eq!(push("down", 3_600_000), 200);
    let cause = eventually("the pushed state", || {
        let (_, targets) = get(&socket, "/v1/targets");
        let targets: Value = serde_json::from_str(&targets).unwrap();
        (targets[0]["state"] == "down").then(|| targets[0]["cause"].to_string())
    });
    assert!(cause.contains("posted down: as told"), "{cause}");
    assert_eq!(push("up", 3_600_000), 200);
    wait_sip(address, DECLARED);
    let (status, answer) = post(&socket, "/v1/push/xmpp", &json!({ "state": "up" }));
    assert_eq!((status, &answer["error"]["code"]), (404, &"no-such-check".into()));
    let late = json!({ "state": "up", "sequence": 1 });
    let (status, answer) = post(&socket, "/v1/push/sip", &late);
    assert_eq!((status, &answer["error"]["code"]), (409, &"late".into()));
    assert!(!server.log.text().contains("push-idle"));
}

#[test]
fn a_target_is_probed_when_that_is_asked_for() {
    let (folder, hosts) = (Folder::new(), Hosts::new());
    let [node1, node2, _standby] = hosts.up();
    let rare = quick("0s").replacen("interval = \"400ms\"", "interval = \"1h\"\nwatch = false", 1);
    let (server, socket) = serve_with(&folder, &hosts, &rare);
    drop((node1, node2));
    for host in ["sip-node1", "sip-node2.example.com:5060"] {
        let (status, answer) = post(&socket, "/v1/probe", &json!({ "on": host }));
        assert_eq!((status, answer["targets"].as_array().unwrap().len()), (200, 1), "{answer}");
    }
    wait_sip(server.address(), STANDBY);
}
