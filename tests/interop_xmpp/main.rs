//! Prosody and ejabberd, judged by the real binary: up when well; down when killed, hung, without the domain, or with a
//! certificate that clients refuse; leaving when told to stop. Packages: `prosody`, `ejabberd`, `util-linux`.
//!
//! The servers run on loopback addresses of each test's own, in a scratch folder, as nobody if the tests run as root.
#![expect(clippy::unwrap_used, clippy::disallowed_methods, reason = "a test stops at what it did not expect")]

mod ejabberd;
mod lab;
mod prosody;
mod relay;
#[path = "../process/server.rs"]
#[expect(dead_code, reason = "other tests use more of it")]
mod server;
mod zone;

use lab::{DOMAIN, Seen, probe};

/// The four ways to a server: scheme, port, what its steps are.
const WAYS: [(&str, u16, &[&str]); 4] = [
    ("xmpp", lab::C2S, STARTTLS_STEPS),
    ("xmpps", lab::C2S_DIRECT, DIRECT_STEPS),
    ("xmpp-server", lab::S2S, STARTTLS_STEPS),
    ("xmpps-server", lab::S2S_DIRECT, DIRECT_STEPS),
];
const STARTTLS_STEPS: &[&str] = &["connect", "stream", "starttls", "tls", "stream"];
const DIRECT_STEPS: &[&str] = &["connect", "tls", "stream"];

/// Asserts that a server passes in all four ways, and what is told of it.
#[track_caller]
fn passes_in_all_ways(ip: &str, folder: &lab::Folder) {
    for (scheme, port, steps) in WAYS {
        let seen = probe(&format!("{scheme}://{ip}:{port}/{DOMAIN}"), folder);
        seen.is(0, "pass", "");
        assert_eq!(seen.steps(), steps, "{seen:?}");
        assert_eq!(seen.json["warnings"], serde_json::json!([]), "{seen:?}");
        assert!(seen.json["certificate"]["days_left"].as_i64().unwrap() > 365, "{seen:?}");
    }
}

/// Asserts how a server that is well, then hung, then well again, then gone, is seen: by XMPP, and by TCP alone.
#[track_caller]
fn is_seen_hung_and_gone(server: &mut lab::Foreign, ip: &str, folder: &lab::Folder) {
    let by_xmpp = |scheme: &str, port: u16| probe(&format!("{scheme}://{ip}:{port}/{DOMAIN}"), folder);
    let by_tcp = |port: u16| probe(&format!("tcp://{ip}:{port}"), folder);
    server.signal("STOP");
    for (scheme, port, _) in WAYS {
        let seen = lab::probe_within("1", &format!("{scheme}://{ip}:{port}/{DOMAIN}"), folder);
        seen.is(1, "silent", "no answer within 1s");
        // What `nc -zv` would say of it.
        by_tcp(port).is(0, "pass", "");
    }
    server.signal("CONT");
    server::eventually("it goes on", || (by_xmpp("xmpp", lab::C2S).code == 0).then_some(()));
    server.signal("KILL");
    server.wait();
    for (scheme, port, _) in WAYS {
        by_xmpp(scheme, port).is(1, "fail", "connection refused");
    }
}

/// Asserts that a domain which is not served is a clear no.
#[track_caller]
fn another_domain_is_unknown(ip: &str, folder: &lab::Folder) {
    for (scheme, port) in [("xmpp", lab::C2S), ("xmpp-server", lab::S2S)] {
        let seen: Seen = probe(&format!("{scheme}://{ip}:{port}/nosuch.test"), folder);
        seen.is(1, "fail", "stream error host-unknown");
        assert_eq!(seen.steps(), ["connect", "stream"]);
    }
}
