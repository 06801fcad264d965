//! A config with checks that no URL can say: bodies, programs, several at once.

use std::fs;
use std::path::{Path, PathBuf};

use crate::foreign::scratch;
use crate::nginx;
use crate::probe::probe_service;

/// Writes a zone with one service on nginx, and a config with its check.
fn config(folder: &Path, address: &str, check: &str) -> PathBuf {
    let zone = format!(
        "$ORIGIN shop.example.\n$TTL 30\n@ SOA ns hostmaster 1 3600 600 86400 30\n@ NS ns\nns A {address}\n\
         _web._tcp SRV 10 0 23080 node\nnode A {address}\n"
    );
    fs::write(folder.join("shop.example.zone"), zone).unwrap();
    let file = folder.join("understudy.toml");
    let text = format!(
        "version = 1\n[health]\nexec = true\n[[zone]]\nfile = \"shop.example.zone\"\n\
         [[service]]\nmatch = \"_web._tcp.shop.example\"\ntimeout = \"1s\"\ncheck = {check}\n"
    );
    fs::write(&file, text).unwrap();
    file
}

#[test]
fn bodies_programs_and_composites_judge_a_real_server() {
    let address = "127.0.23.31";
    let _nginx = nginx::start(address);
    let folder = scratch("service");
    let program = |script: &str| {
        format!("{{ kind = \"exec\", program = \"/bin/sh\", arguments = [\"-c\", \"{script}\", \"{{address}}\"] }}")
    };
    for (check, outcome, cause) in [
        ("{ kind = \"http\", expect = \"fine\" }".to_owned(), "pass", ""),
        ("{ kind = \"http\", match = \"^all [a-z]+\" }".to_owned(), "pass", ""),
        ("{ kind = \"http\", expect = \"ready\" }".to_owned(), "fail", "\"all fine\\n\""),
        ("{ kind = \"http\", path = \"/sick\", status = [503] }".to_owned(), "pass", ""),
        ("{ kind = \"http\", name = \"other.example\" }".to_owned(), "fail", "status 421"),
        (program("test $0 = 127.0.23.31 && test $CHECK_PORT = 23080"), "pass", ""),
        (program("echo no disk; exit 1"), "degraded", "no disk"),
        ("{ kind = \"all\", checks = [{ kind = \"http\" }, { kind = \"tcp\", port = 23443 }] }".to_owned(), "pass", ""),
        (
            "{ kind = \"all\", checks = [{ kind = \"http\" }, { kind = \"http\", path = \"/drain\" }] }".to_owned(),
            "drain",
            "2 http: status 503, back after 120 s",
        ),
        (
            "{ kind = \"at-least\", count = 1, checks = [{ kind = \"tcp\", port = 1 }, { kind = \"http\" }] }"
                .to_owned(),
            "pass",
            "",
        ),
        ("{ kind = \"not\", check = { kind = \"http\", path = \"/none\" } }".to_owned(), "pass", ""),
        ("{ kind = \"push\", name = \"node\" }".to_owned(), "unknown", ""),
    ] {
        let file = config(&folder, address, &check);
        probe_service(&file, "_web._tcp").saw(outcome, cause);
    }
    fs::remove_dir_all(folder).unwrap();
}
