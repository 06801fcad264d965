//! The API over the network: whoever has the token operates; all others, and all pages of other sites, are refused.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::Instant;

use serde_json::{Value, json};

use crate::admin::{get, post};
use crate::client::{DECLARED, ask_sip};
use crate::failover::quick;
use crate::server::{Folder, Program, SOON, Server};
use crate::target::Hosts;

const TOKEN: &str = "0123456789abcdef0123456789abcdef";

/// Sends a request with these lines and a body; returns the status.
#[track_caller]
fn send(server: SocketAddr, request: &str, lines: &[&str], body: &str) -> u16 {
    let mut stream = TcpStream::connect(server).unwrap();
    stream.set_read_timeout(Some(SOON)).unwrap();
    let lines: String = lines.iter().map(|line| format!("{line}\r\n")).collect();
    let head = format!("{request} HTTP/1.1\r\n{lines}content-length: {}\r\n\r\n", body.len());
    drop(stream.write_all((head + body).as_bytes()));
    let mut answer = Vec::new();
    drop(stream.read_to_end(&mut answer));
    let answer = String::from_utf8(answer).unwrap();
    answer.split(' ').nth(1).and_then(|code| code.parse().ok()).unwrap_or(0)
}

fn serve(folder: &Folder, hosts: &Hosts) -> (Server, SocketAddr) {
    let keys = "[server]\nadmin-listen = \"127.0.0.1:0\"\nadmin-token-file = \"token\"\n";
    let config = folder.write("understudy.toml", quick("0s").replacen("[server]\n", keys, 1));
    folder.write("token", TOKEN);
    let zone = folder.write("example.com.zone", hosts.zone());
    let server = Server::serve(&[&config, &zone], &folder.path("state"));
    server.answering();
    let (_, line) = server.log.wait_from(0, &["taking orders over the network"]);
    let address = line["listen"].as_str().unwrap().parse().unwrap();
    (server, address)
}

#[test]
fn only_the_token_operates_and_no_page_of_another_site() {
    let (folder, hosts) = (Folder::new(), Hosts::new());
    let _up = hosts.up();
    let (server, api) = serve(&folder, &hosts);
    let host = format!("host: {api}");
    let right = format!("authorization: Bearer {TOKEN}");
    let json = "content-type: application/json";
    let order = r#"{"force":"down","on":"sip-node1"}"#;
    let own = format!("origin: http://{api}");
    let long = "x".repeat(1_000_000);
    for (request, lines, body, status) in [
        ("GET /v1/status", &[host.as_str(), &right][..], "", 200),
        ("GET /v1/status", &["host: localhost", &right], "", 200),
        ("GET /v1/status", &[&host, &right, &own], "", 200),
        ("GET /readyz", &[&host], "", 200),
        ("GET /", &[&host], "", 200),
        ("GET /dashboard.js", &[&host], "", 200),
        ("GET /", &["host: understudy.example"], "", 421),
        ("GET /v1/status", &[&host], "", 401),
        ("GET /metrics", &[&host], "", 401),
        ("GET /v1/nothing", &[&host], "", 401),
        ("GET /v1/status", &[&host, "authorization: Bearer 0123456789abcdef0123456789abcdeF"], "", 401),
        ("GET /v1/status", &[&host, "authorization: Bearer "], "", 401),
        ("GET /v1/status", &["host: understudy.example", &right], "", 421),
        ("POST /v1/orders", &[&host, json], order, 401),
        ("POST /v1/orders", &[&host, json, &right, "origin: http://evil.example"], order, 403),
        ("POST /v1/orders", &[&host, json, &right, "sec-fetch-site: cross-site"], order, 403),
        ("POST /v1/orders", &[&host, &right, "content-type: text/plain"], order, 415),
        ("POST /v1/orders", &[&host, json, &right], &long, 413),
    ] {
        assert_eq!(send(api, request, lines, body), status, "{request} {lines:?}");
    }
    assert!(ask_sip(server.address()).is(DECLARED), "nothing has changed");
}

#[test]
fn a_body_that_never_ends_is_left_and_keeps_nobody_from_its_answer() {
    let (folder, hosts) = (Folder::new(), Hosts::new());
    let _up = hosts.up();
    let (_server, api) = serve(&folder, &hosts);
    let mut slow = TcpStream::connect(api).unwrap();
    slow.set_read_timeout(Some(SOON)).unwrap();
    let head = format!(
        "POST /v1/orders HTTP/1.1\r\nhost: {api}\r\nauthorization: Bearer {TOKEN}\r\n\
         content-type: application/json\r\ncontent-length: 100\r\n\r\n{{"
    );
    slow.write_all(head.as_bytes()).unwrap();
    let begin = Instant::now();
    assert_eq!(send(api, "GET /readyz", &[&format!("host: {api}")], ""), 200);
    let mut rest = Vec::new();
    drop(slow.read_to_end(&mut rest));
    assert!(begin.elapsed() < SOON && !rest.starts_with(b"HTTP/1.1 2"), "{}", String::from_utf8_lossy(&rest));
}

#[test]
fn what_happens_is_streamed_as_it_happens() {
    let (folder, hosts) = (Folder::new(), Hosts::new());
    let _up = hosts.up();
    let (mut server, api) = serve(&folder, &hosts);
    let socket = folder.path("state").join("admin.sock");
    let history: Value = serde_json::from_str(&get(&socket, "/v1/history").1).unwrap();
    let stream = TcpStream::connect(api).unwrap();
    stream.set_read_timeout(Some(SOON)).unwrap();
    let head = format!(
        "GET /v1/events?after={} HTTP/1.1\r\nhost: {api}\r\nauthorization: Bearer {TOKEN}\r\n\r\n",
        history["next"].as_str().unwrap()
    );
    (&stream).write_all(head.as_bytes()).unwrap();
    let (status, given) = post(&socket, "/v1/orders", &json!({ "force": "drained", "on": "sip-node1" }));
    assert_eq!(status, 201, "{given}");
    let mut lines = BufReader::new(stream).lines().map(Result::unwrap);
    assert!(lines.any(|line| line == "event: order-given"), "the stream ended");
    let data = lines.find_map(|line| line.strip_prefix("data: ").map(str::to_owned)).unwrap();
    let event: Value = serde_json::from_str(&data).unwrap();
    assert_eq!(event["order"]["on"], "sip-node1.example.com", "{event}");
    // Whoever listens does not keep the server from its end.
    assert_eq!(server.terminate().0.code(), Some(0));
}

#[test]
fn a_network_without_a_token_or_without_tls_is_refused_at_the_start() {
    let folder = Folder::new();
    let zone = folder.write("example.com.zone", Hosts::new().zone());
    folder.write("short", "secret");
    folder.write("token", TOKEN);
    for (keys, says) in [
        ("admin-listen = \"127.0.0.1:0\"", "would let everybody operate the server"),
        ("admin-listen = \"127.0.0.1:0\"\nadmin-token-file = \"short\"", "at least 32 characters"),
        ("admin-listen = \"127.0.0.1:0\"\nadmin-token-file = \"missing\"", "cannot read"),
        ("admin-listen = \"0.0.0.0:0\"\nadmin-token-file = \"token\"", "needs TLS outside of loopback"),
    ] {
        let config = folder.write("understudy.toml", format!("version = 1\n[server]\n{keys}\n"));
        let (code, said) = Program::new(&["serve", "--state", "none"]).argument(&config).argument(&zone).end();
        assert!(code == 2 && said.contains(says), "{keys}: {code} {said}");
        assert!(!said.contains("\"secret\"") && !said.contains(TOKEN), "the token is told");
    }
}
