//! The API over the network asked by curl, with a token and with certificates of clients; the dashboard in Chromium; the
//! alert rules judged by Prometheus' own promtool, the unit by systemd.
//!
//! Packages: `chromium`, `curl`, `prometheus`, `systemd`.
#![expect(clippy::unwrap_used, reason = "a test stops at what it did not expect")]
#![expect(clippy::disallowed_methods, reason = "deadlines are kept by the real clock")]

mod browser;
mod server;

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
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

#[test]
fn systemd_takes_the_unit_and_the_user_of_the_package() {
    let packaging = Path::new(env!("CARGO_MANIFEST_DIR")).join("packaging");
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("unit-{}", std::process::id()));
    let etc = folder.join("etc");
    std::fs::create_dir_all(&etc).unwrap();
    let unit = std::fs::read_to_string(packaging.join("understudy.service")).unwrap();
    // What it starts must be there.
    let unit = unit.replace("/usr/bin/understudy", env!("CARGO_BIN_EXE_understudy"));
    let file = folder.join("understudy.service");
    std::fs::write(&file, unit).unwrap();
    let run = |program: &str, words: &[&str], file: &Path| {
        let output = Command::new(program).args(words).arg(file).output().unwrap();
        let said = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
        (output.status.success(), said)
    };
    // It also tells of other units of the machine.
    let (passed, said) = run("systemd-analyze", &["verify", "--man=no"], &file);
    assert!(passed && !said.contains("understudy.service"), "{said}");
    for (name, text) in [("passwd", "root:x:0:0::/root:/bin/sh\n"), ("group", "root:x:0:\n")] {
        std::fs::write(etc.join(name), text).unwrap();
    }
    let root = format!("--root={}", folder.display());
    let (passed, said) = run("systemd-sysusers", &[&root], &packaging.join("sysusers.d/understudy.conf"));
    let users = std::fs::read_to_string(etc.join("passwd")).unwrap();
    assert!(passed && users.contains("\nunderstudy:x:") && users.contains("/usr/sbin/nologin"), "{said} {users}");
    let (passed, said) = run("systemd-tmpfiles", &["--create", &root], &packaging.join("tmpfiles.d/understudy.conf"));
    let mode = std::fs::metadata(etc.join("understudy")).unwrap().permissions().mode();
    assert!(passed && mode & 0o777 == 0o750, "{said}");
    std::fs::remove_dir_all(folder).unwrap();
}
