//! nginx: one process, plain and in TLS, with HTTP/2, a default server that says 421, and wrong certificates.

use std::fs;

use rustix::process::Signal;

use crate::certificates;
use crate::foreign::Foreign;
use crate::probe::{probe, probe_trusting, probe_with};

/// Starts nginx on an address; plain on port 23080, in TLS on 23443, expired on 23444, foreign on 23445.
pub(crate) fn start(address: &str) -> Foreign {
    let name = format!("nginx-{address}");
    let program = ["nginx", "-p", "@/", "-c", "@/nginx.conf", "-e", "@/error.log"];
    let mut nginx = Foreign::start(&name, &program, |folder| {
        certificates::write(folder);
        let inside = folder.display().to_string();
        fs::write(folder.join("nginx.conf"), CONFIG.replace("@FOLDER", &inside).replace("@ADDRESS", address)).unwrap();
    });
    nginx.wait_for(|| probe(&format!("tcp://{address}:23080")).passes());
    nginx
}

#[test]
fn a_server_that_is_well_passes_over_each_version() {
    let nginx = start("127.0.23.1");
    let ca = nginx.folder.join("ca.pem");
    probe("http://127.0.23.1:23080/shop.example").saw("pass", "").step("request", "HTTP/1.1, status 200");
    let https = probe_trusting("https://127.0.23.1:23443/shop.example/health", &ca);
    https.saw("pass", "").step("request", "HTTP/2, status 200").step("tls", "protocol h2");
    assert!(https.told["certificate"]["days_left"].as_i64().unwrap() > 365, "{https:?}");
    // The expired server offers no HTTP/2: what ALPN does not agree on is HTTP/1.1.
    let old = probe_with("https://127.0.23.1:23444/shop.example", &["--verify", "off"]);
    old.saw("pass", "").step("request", "HTTP/1.1, status 200");
}

#[test]
fn a_503_with_retry_after_drains_and_other_statuses_fail() {
    let nginx = start("127.0.23.2");
    let ca = nginx.folder.join("ca.pem");
    for scheme in ["http://127.0.23.2:23080", "https://127.0.23.2:23443"] {
        let ask = |path: &str| probe_trusting(&format!("{scheme}/shop.example/{path}"), &ca);
        let drain = ask("drain");
        drain.saw("drain", "back after 120 s");
        assert_eq!(drain.told["retry_after_secs"], 120);
        ask("sick").saw("fail", "status 503");
        ask("moved").saw("fail", "status 302: redirects are not followed");
        ask("none").saw("fail", "status 404");
        ask("limited").saw("unknown", "status 429");
    }
}

#[test]
fn a_domain_that_is_not_served_fails() {
    let nginx = start("127.0.23.3");
    probe("http://127.0.23.3:23080/other.example").saw("fail", "other.example is not served here (status 421)");
    // The default server's certificate is for another domain, so that only a name that it bears comes through to 421.
    let ca = nginx.folder.join("ca.pem");
    let misdirected = probe_with("https://127.0.23.3:23443/none.example", &["--verify", "off"]);
    misdirected.saw("fail", "none.example is not served here (status 421)");
    probe_trusting("https://127.0.23.3:23443/none.example", &ca).saw("fail", "none.example");
}

#[test]
fn an_expired_and_a_foreign_certificate_fail() {
    let nginx = start("127.0.23.4");
    let ca = nginx.folder.join("ca.pem");
    probe_trusting("https://127.0.23.4:23444/shop.example", &ca).saw("fail", "certificate expired on 2021-01-01");
    probe_trusting("https://127.0.23.4:23445/shop.example", &ca).saw("fail", "other.example");
    // An unknown issuer is a warning, or a failure if so wished.
    let unknown = probe("https://127.0.23.4:23443/shop.example");
    unknown.saw("pass", "");
    assert!(!unknown.told["warnings"].as_array().unwrap().is_empty(), "{unknown:?}");
    probe_with("https://127.0.23.4:23443/shop.example", &["--verify", "require", "--ca-file", &old_ca(&nginx)])
        .saw("fail", "issuer");
}

/// Writes a CA that signed nothing.
fn old_ca(nginx: &Foreign) -> String {
    let folder = nginx.folder.join("old");
    fs::create_dir(&folder).unwrap();
    certificates::write(&folder);
    folder.join("ca.pem").display().to_string()
}

#[test]
fn a_stopped_server_is_silent_though_it_takes_connections_and_a_killed_one_refuses() {
    let mut nginx = start("127.0.23.5");
    let (plain, tls) = ("http://127.0.23.5:23080/shop.example", "https://127.0.23.5:23443/shop.example");
    nginx.signal(Signal::STOP);
    for url in [plain, tls] {
        probe_with(url, &["--timeout", "0.5"]).saw("silent", "no answer within 500ms");
    }
    probe("tcp://127.0.23.5:23080").saw("pass", "");
    nginx.signal(Signal::CONT);
    probe(plain).saw("pass", "");
    nginx.kill();
    for url in [plain, tls] {
        probe(url).saw("fail", "connection refused");
    }
}

#[test]
fn other_protocols_on_the_port_fail() {
    let _nginx = start("127.0.23.6");
    // TLS spoken in plain: nginx answers with a page of status 400.
    probe("http://127.0.23.6:23443/shop.example").saw("fail", "status 400");
    probe("https://127.0.23.6:23080/shop.example").saw("fail", "not TLS");
    probe("grpc://127.0.23.6:23080/shop.example").saw("fail", "");
    probe_with("grpc+tls://127.0.23.6:23443/shop.example", &["--verify", "off"]).saw("fail", "no gRPC");
}

const CONFIG: &str = r#"
worker_processes 1; daemon off; master_process off; pid @FOLDER/nginx.pid; error_log @FOLDER/error.log info;
events { worker_connections 128; }
http {
  access_log @FOLDER/access.log;
  client_body_temp_path @FOLDER/scratch; proxy_temp_path @FOLDER/scratch; fastcgi_temp_path @FOLDER/scratch;
  uwsgi_temp_path @FOLDER/scratch; scgi_temp_path @FOLDER/scratch;
  ssl_certificate @FOLDER/good.pem; ssl_certificate_key @FOLDER/good.key;
  server {
    listen @ADDRESS:23080; listen @ADDRESS:23443 ssl http2; server_name shop.example;
    location / { default_type text/plain; return 200 "all fine\n"; }
    location /sick { return 503; }
    location /drain { add_header Retry-After 120 always; return 503; }
    location /moved { return 302 https://other.example/; }
    location /none { return 404; }
    location /limited { return 429; }
  }
  server { listen @ADDRESS:23080 default_server; listen @ADDRESS:23443 ssl default_server; server_name _; return 421; }
  server {
    listen @ADDRESS:23444 ssl; server_name shop.example; return 200 "old\n";
    ssl_certificate @FOLDER/expired.pem; ssl_certificate_key @FOLDER/expired.key;
  }
  server {
    listen @ADDRESS:23445 ssl; server_name shop.example; return 200 "other\n";
    ssl_certificate @FOLDER/foreign.pem; ssl_certificate_key @FOLDER/foreign.key;
  }
  server {
    listen @ADDRESS:23446 ssl; server_name shop.example; return 200 "members\n";
    ssl_client_certificate @FOLDER/ca.pem; ssl_verify_client on;
  }
}
"#;
