//! The API over the network asked by curl, with a token and with certificates of clients; the alert rules judged by
//! Prometheus' own promtool.
//!
//! Packages: `curl`, `prometheus`.
#![expect(clippy::unwrap_used, reason = "a test stops at what it did not expect")]
#![expect(clippy::disallowed_methods, reason = "deadlines are kept by the real clock")]

mod server;

use std::process::Command;

use server::{Server, TOKEN};

#[test]
fn who_has_a_certificate_of_the_named_authority_operates_and_nobody_else() {
    let server = Server::start("clients", "admin-client-ca = \"ca.pem\"\n");
    let (status, said) = server.curl(&["--cert", "client.pem", "--key", "client.key"], "/v1/status");
    assert!(status == 200 && said.contains("\"generation\""), "{status} {said}");
    for others in [&[][..], &["--cert", "other.pem", "--key", "other.key"]] {
        let (status, said) = server.curl(others, "/v1/status");
        assert_eq!((status, said.as_str()), (0, ""), "{others:?}");
    }
}

#[test]
fn over_tls_the_token_is_needed_and_a_page_of_another_site_is_refused() {
    let server = Server::start("token", "admin-token-file = \"token\"\n");
    let right = format!("Authorization: Bearer {TOKEN}");
    assert_eq!(server.curl(&["-H", &right], "/v1/status").0, 200);
    assert_eq!(server.curl(&[], "/v1/status").0, 401);
    assert_eq!(server.curl(&["-H", "Authorization: Bearer 0123"], "/v1/status").0, 401);
    assert_eq!(server.curl(&["-H", &right, "-H", "Origin: https://evil.example"], "/v1/status").0, 403);
    assert_eq!(server.curl(&[], "/readyz").0, 200);
    let order = "{\"force\":\"drained\",\"on\":\"sip-node1\"}";
    let (status, said) =
        server.curl(&["-H", &right, "-H", "content-type: application/json", "-d", order], "/v1/orders");
    assert!(status == 201 && said.contains("\"author\":\"127.0.0.1\""), "{status} {said}");
}

#[test]
fn promtool_takes_the_alert_rules_and_they_fire_when_they_should() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/interop_admin");
    for words in [&["check", "rules", "../../docs/prometheus-rules.yml"][..], &["test", "rules", "alerts.yml"]] {
        let output = Command::new("promtool").args(words).current_dir(folder).output().unwrap();
        let said = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{said}");
    }
}
