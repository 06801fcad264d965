//! A checker without IPv6: its targets there are said to be untested by log, readiness, metrics and `explain`, with the
//! reason, and are served. Package: `curl`.

use super::lab::{Lab, Side};
use super::server::{Folder, Program, eventually};

#[test]
fn a_family_without_a_route_is_never_called_up() {
    let (lab, folder) = (Lab::new(&[1]), Folder::new());
    lab.ip(Side::Near, "route del fd77::/16");
    let _target = lab.targets(&folder, &["10.77.1.1:5060"]);
    let zone = "$ORIGIN example.com.\n$TTL 300\n@ IN SOA ns1 hostmaster 1 3600 600 604800 30\n@ IN NS ns1\nns1 IN A 127.0.0.1\n\
        _sip._tcp IN SRV 10 0 5060 six\n_sip._tcp IN SRV 20 0 5060 four\nsix IN AAAA fd77:1::1\nsix IN AAAA fd77:2::1\n\
        four IN A 10.77.1.1\n";
    folder.write("example.com.zone", zone);
    let config = folder.write(
        "understudy.toml",
        super::config("").replace("version = 1\n", "version = 1\n[server]\nmetrics-listen = \"127.0.0.1:29153\"\n"),
    );
    let state = folder.path("state");
    let words = ["serve", "--listen", "127.0.0.1:25300", "--state"];
    let program = Program::new(&words).argument(&state).argument(&config);
    let server = lab.program(Side::Near, program).start();
    let (_, line) = server.log.wait_from(0, &["cannot be tested"]);
    assert_eq!(line["level"], "WARN", "{line}");
    assert_eq!(
        line["message"], "2 IPv6 targets cannot be tested: no route; a failure there will not be seen",
        "{line}"
    );
    server.answering();
    let answering = server.log.wait_from(0, &["\"answering\""]).1;
    assert_eq!(answering["every_target_known"], false, "{answering}");
    assert_eq!(lab.dig(super::SRV), ["10 0 5060 six.example.com.", "20 0 5060 four.example.com."]);

    let near = |words: &[&str]| lab.program(Side::Near, Program::new(words).argument(&state)).end();
    let ready = || near(&["ready", "--state"]);
    eventually("readiness", || {
        let told = "127.0.0.1:25300 is ready\n2 IPv6 targets cannot be tested: no route\n";
        (ready() == (0, told.to_owned())).then_some(())
    });

    let (_, metrics) = lab.run(Side::Near, &["curl", "-s"], "http://127.0.0.1:29153/metrics");
    for line in [
        "understudy_targets{state=\"not-tested\"} 2",
        "understudy_targets_untested{reason=\"no route\",family=\"IPv6\"} 2",
        "understudy_service_members{service=\"_sip._tcp.example.com.\",state=\"up\"} 1",
        "understudy_service_members{service=\"_sip._tcp.example.com.\",state=\"not-tested\"} 1",
    ] {
        assert!(metrics.contains(line), "{line} is not in\n{metrics}");
    }

    let explain = ["explain", "_sip._tcp.example.com", config.to_str().unwrap(), "--state"];
    let (_, told) = near(&explain);
    for words in [
        "tier 10 serves, not tested",
        "tier 10 serves: 1 member taken as up, not tested",
        "[fd77:1::1]:5060  taken as up, never tested: no route",
        "10.77.1.1:5060  up for ",
    ] {
        assert!(told.contains(words), "{words} is not in\n{told}");
    }

    // One warning a reason.
    let warnings = server.log.text().lines().filter(|line| line.contains("cannot be tested")).count();
    assert_eq!(warnings, 1, "{}", server.log.text());
}
