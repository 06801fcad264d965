//! `understudy probe` says what each server in each state is.

use std::net::TcpStream;
use std::time::Duration;

use crate::coturn::{Coturn, DOMAIN, PORT};
use crate::ejabberd::{self, Ejabberd};
use crate::probe;

const SCHEMES: [&str; 6] = ["stun+udp", "stun+tcp", "stuns", "turn+udp", "turn+tcp", "turns"];

#[test]
fn a_well_coturn_passes_over_each_transport() {
    let coturn = Coturn::start();
    for scheme in SCHEMES {
        let told = coturn.probe(scheme, &[]);
        told.is("pass", "");
        let last = told.steps().pop().unwrap();
        if scheme.starts_with("stun") {
            assert!(last.starts_with("binding: sees us as 127.0.0.1:"), "{last}");
        } else {
            assert_eq!(last, format!("allocate: asks for credentials of \"{DOMAIN}\""));
        }
        assert_eq!(told.warnings(), Vec::<&str>::new(), "{scheme}");
    }
    let log = coturn.log();
    assert!(!log.contains("ERROR"), "{log}");
}

#[test]
fn a_killed_coturn_refuses_over_each_transport() {
    let mut coturn = Coturn::start();
    coturn.kill();
    for scheme in SCHEMES {
        let told = coturn.probe(scheme, &[]);
        told.is("fail", "connection refused");
        assert!(told.report["latency_ms"].as_f64().unwrap() < 400.0, "{told:#?}");
    }
}

#[test]
fn a_stopped_coturn_is_silent_while_a_connect_still_succeeds() {
    let coturn = Coturn::start();
    coturn.signal("STOP");
    for scheme in SCHEMES {
        coturn.probe(scheme, &[]).is("silent", "no answer within 500ms");
    }
    let place = (coturn.address, PORT).into();
    assert!(TcpStream::connect_timeout(&place, Duration::from_secs(1)).is_ok(), "the kernel accepts for it");
    coturn.signal("CONT");
    coturn.probe("stun+udp", &[]).is("pass", "");
}

#[test]
fn expired_and_wrong_certificates_fail() {
    let credentials = "lt-cred-mech\nuser=probe:sesame\n";
    let expired = Coturn::with(credentials, (DOMAIN, 2020));
    let other = Coturn::with(credentials, ("node1.relay.example", 2100));
    for scheme in ["stuns", "turns"] {
        expired.probe(scheme, &[]).is("fail", "certificate expired on 2020-01-01");
        other.probe(scheme, &[]).is("fail", "certificate is for node1.relay.example, not for relay.example");
    }
    expired.probe("turn+tcp", &[]).is("pass", "");
}

#[test]
fn coturn_without_stun_is_silent_for_it_and_passes_for_turn() {
    let coturn = Coturn::with("no-stun\nlt-cred-mech\nuser=probe:sesame\n", (DOMAIN, 2100));
    coturn.probe("stun+udp", &[]).is("silent", "no answer within 500ms");
    coturn.probe("turn+udp", &[]).is("pass", "");
}

#[test]
fn coturn_that_wants_credentials_for_stun_too_passes() {
    let coturn = Coturn::with("secure-stun\nlt-cred-mech\nuser=probe:sesame\n", (DOMAIN, 2100));
    let told = coturn.probe("stun+udp", &[]);
    told.is("pass", "");
    assert!(told.steps()[0].starts_with("binding: asks for credentials: error 401 \"Unauthorized\""), "{told:#?}");
}

#[test]
fn ejabberd_passes_for_stun_and_fails_for_turn_that_is_off() {
    let ejabberd = Ejabberd::start();
    for transport in ["udp", "tcp"] {
        let place = format!("{}:{}", ejabberd.address, ejabberd::PORT);
        probe(&[&format!("stun+{transport}://{place}")]).is("pass", "");
        probe(&[&format!("turn+{transport}://{place}")]).is("fail", "no TURN here");
    }
}
