//! `understudy probe` says what each server in each state is.

use std::net::TcpStream;
use std::time::Duration;

use crate::kamailio::{DOMAIN, EXPIRED, GOOD, Kamailio, OTHER, PORT};
use crate::probe;
use crate::server::Folder;
use crate::sipp::Sipp;

#[test]
fn a_well_kamailio_passes_over_each_transport() {
    let kamailio = Kamailio::start();
    for url in [kamailio.udp(), kamailio.tcp(), kamailio.tls(GOOD)] {
        let told = kamailio.probe(&url);
        told.is("pass", "");
        let steps = told.report["steps"].as_array().unwrap();
        assert_eq!(steps.last().unwrap()["saw"], "answered 200 Keepalive", "{url}");
        assert_eq!(told.report["warnings"].as_array().unwrap().len(), 0, "{told:#?}");
    }
    let certificate = &kamailio.probe(&kamailio.tls(GOOD)).report["certificate"];
    assert_eq!(certificate["names"][0], DOMAIN);
    assert!(certificate["days_left"].as_i64().unwrap() > 1_000);
}

#[test]
fn a_killed_kamailio_refuses_over_each_transport() {
    let mut kamailio = Kamailio::start();
    kamailio.kill();
    for url in [kamailio.udp(), kamailio.tcp(), kamailio.tls(GOOD)] {
        let told = kamailio.probe(&url);
        told.is("fail", "connection refused");
        assert!(told.report["latency_ms"].as_f64().unwrap() < 400.0, "{told:#?}");
    }
}

#[test]
fn a_stopped_kamailio_is_silent_while_a_connect_still_succeeds() {
    let kamailio = Kamailio::start();
    kamailio.signal("STOP");
    for url in [kamailio.udp(), kamailio.tcp(), kamailio.tls(GOOD)] {
        kamailio.probe(&url).is("silent", "no answer within 500ms");
    }
    let place = (kamailio.address, PORT).into();
    assert!(TcpStream::connect_timeout(&place, Duration::from_secs(1)).is_ok(), "the kernel accepts for it");
    probe(&[&format!("tcp://{place}")]).is("pass", "");
    kamailio.signal("CONT");
    kamailio.probe(&kamailio.udp()).is("pass", "");
}

#[test]
fn kamailio_without_its_worker_for_udp_is_silent_over_udp_alone() {
    let kamailio = Kamailio::start();
    kamailio.signal_udp_worker("STOP");
    kamailio.probe(&kamailio.udp()).is("silent", "no answer within 500ms");
    kamailio.probe(&kamailio.tcp()).is("pass", "");
    kamailio.probe(&kamailio.tls(GOOD)).is("pass", "");
    kamailio.signal_udp_worker("CONT");
    kamailio.probe(&kamailio.udp()).is("pass", "");
}

#[test]
fn expired_and_wrong_certificates_fail() {
    let kamailio = Kamailio::start();
    kamailio.probe(&kamailio.tls(EXPIRED)).is("fail", "certificate expired on 2020-01-01");
    kamailio.probe(&kamailio.tls(OTHER)).is("fail", "certificate is for node1.voice.example, not for voice.example");
    // The plain port does not speak TLS, and the TLS one not plain SIP.
    kamailio.probe(&format!("sip+tcp://{}:{GOOD}/{DOMAIN}", kamailio.address)).is("fail", "closed without an answer");
}

#[test]
fn strict_fails_kamailio_for_a_domain_that_it_does_not_serve() {
    let (kamailio, folder) = (Kamailio::start(), Folder::new());
    let probed = |zone: &str, mode: &str| {
        let text = format!(
            "$ORIGIN {zone}.\n$TTL 60\n@ IN SOA ns1 hostmaster 1 3600 600 604800 30\n@ IN NS ns1\nns1 IN A 127.0.0.1\n\
             _sip._udp IN SRV 10 0 {PORT} node\nnode IN A {}\n",
            kamailio.address
        );
        folder.write(&format!("{zone}.zone"), text);
        let text = format!(
            "version = 1\n[health]\ntimeout = \"1s\"\n[[zone]]\nfile = \"{zone}.zone\"\n[[service]]\n\
             match = \"_sip._udp.{zone}\"\ncheck = {{ kind = \"sip\", {mode} }}\n"
        );
        let config = folder.write(&format!("{zone}.toml"), text);
        probe(&[config.to_str().unwrap(), "_sip._udp"])
    };
    for mode in ["mode = \"strict\"", "expect = [200]", "max-forwards = 69"] {
        probed(DOMAIN, mode).is("pass", "");
    }
    probed("other.example", "mode = \"alive\"").is("pass", "");
    probed("other.example", "mode = \"strict\"").is("fail", "answered 404 Not Here, expected 2xx");
    probed("other.example", "mode = \"strict\", name = \"voice.example\"").is("pass", "");
    // With no hop to go, it answers for any domain.
    probed("other.example", "max-forwards = 0, expect = [\"2xx\", 483]").is("pass", "");
    probed("other.example", "max-forwards = 0, expect = [\"2xx\"]")
        .is("fail", "answered 483 Too Many Hops, expected 2xx");
}

#[test]
fn sipp_leaving_full_and_silent_is_told_apart() {
    for transport in ["udp", "tcp"] {
        let leaving = Sipp::start(transport, "503 Service Unavailable\nRetry-After: 30");
        let told = probe(&[&leaving.url(transport)]);
        told.is("drain", "answered 503 Service Unavailable, Retry-After 30 s");
        assert_eq!(told.report["retry_after_secs"], 30);
        let failed = Sipp::start(transport, "503 Service Unavailable");
        probe(&[&failed.url(transport)]).is("fail", "answered 503 Service Unavailable");
        let full = Sipp::start(transport, "486 Busy Here");
        probe(&[&full.url(transport)]).is("degraded", "answered 486 Busy Here");
        let silent = Sipp::start(transport, "");
        probe(&[&silent.url(transport), "--timeout", "0.5"]).is("silent", "no answer within 500ms");
    }
}
