//! TLS that asks for more than ours has: client certificates, old versions, ciphers and keys. Servers of nginx and OpenSSL.

use std::path::Path;
use std::process::{Command, Stdio};

use crate::foreign::Foreign;
use crate::nginx;
use crate::probe::{Probed, probe, probe_with};

#[test]
fn nginx_that_wants_a_client_certificate_passes_and_serves_who_has_one() {
    let nginx = nginx::start("127.0.23.8");
    let url = "https://127.0.23.8:23446/shop.example";
    let file = |name: &str| nginx.folder.join(name).display().to_string();
    let ca = file("ca.pem");
    warned(&probe_with(url, &["--ca-file", &ca]), "the server requires a client certificate (status 400)");
    let (certificate, key) = (file("good.pem"), file("good.key"));
    let pair = ["--client-certificate", &certificate, "--client-key", &key];
    let shown = probe_with(url, &[&["--ca-file", &ca][..], &pair].concat());
    shown.saw("pass", "").step("request", "status 200");
    assert_eq!(shown.told["warnings"].as_array().unwrap().len(), 0, "{shown:?}");
}

#[test]
fn openssl_servers_that_want_a_client_certificate_pass() {
    for (number, version) in [(1, "-tls1_3"), (2, "-tls1_2")] {
        let (_server, url) = openssl(&format!("127.0.24.{number}"), "rsa:2048", &[version, "-Verify", "1"]);
        warned(&probe_with(&url, &[]), "the server requires a client certificate (TLS alert ");
    }
}

#[test]
fn openssl_servers_that_speak_what_our_tls_does_not_pass_with_a_true_warning() {
    for (number, key, options, told) in [
        (11, "rsa:2048", &["-tls1_2", "-cipher", "AES128-GCM-SHA256"][..], "chooses TLS_RSA_WITH_AES_128_GCM_SHA256"),
        (12, "rsa:2048", &["-tls1_2", "-cipher", "ECDHE-RSA-AES256-SHA"], "chooses TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA"),
        (13, "rsa:2048", &["-tls1_3", "-curves", "P-521"], "the server wants secp521r1"),
        (
            14,
            "rsa:2048",
            &["-tls1_2", "-curves", "P-521", "-cipher", "ECDHE"],
            "no signature or key exchange in common",
        ),
        (15, "rsa:2048", &["-tls1", "-cipher", "ALL:@SECLEVEL=0"], "the server speaks TLS 1.0"),
        (16, "rsa:1024", &["-tls1_3", "-cipher", "ALL:@SECLEVEL=0"], "less than 2048 bits"),
        (17, "rsa:1024", &["-tls1_2", "-cipher", "ALL:@SECLEVEL=0"], "less than 2048 bits"),
    ] {
        let (mut server, url) = openssl(&format!("127.0.24.{number}"), key, options);
        warned(&probe(&url), told);
        server.kill();
        probe(&url).saw("fail", "connection refused");
    }
}

/// Starts `openssl s_server` with a certificate of its own for `shop.example`; returns it and its URL.
fn openssl(address: &str, key: &str, options: &[&str]) -> (Foreign, String) {
    let listen = format!("{address}:23450");
    let base = ["openssl", "s_server", "-quiet", "-accept", &listen, "-cert", "@/own.pem", "-key", "@/own.key"];
    let mut server = Foreign::start(&format!("openssl-{address}"), &[&base[..], options].concat(), |folder| {
        make_certificate(folder, key);
    });
    server.wait_for(|| probe(&format!("tcp://{listen}")).passes());
    (server, format!("tls://{listen}/shop.example"))
}

fn make_certificate(folder: &Path, key: &str) {
    let make = ["req", "-x509", "-nodes", "-newkey", key, "-days", "9", "-subj", "/CN=shop.example"];
    let names = ["-addext", "subjectAltName=DNS:shop.example", "-addext", "basicConstraints=critical,CA:FALSE"];
    let files = ["-keyout", "own.key", "-out", "own.pem"];
    let mut command = Command::new("openssl");
    let made = command.args(make).args(names).args(files).current_dir(folder).stderr(Stdio::null()).status();
    assert!(made.unwrap().success());
}

/// Asserts that it passes, with a warning that says so.
#[track_caller]
fn warned(probed: &Probed, part: &str) {
    probed.saw("pass", "");
    let warnings = probed.told["warnings"].to_string();
    assert!(warnings.contains(part), "{part}: {probed:#?}");
}
