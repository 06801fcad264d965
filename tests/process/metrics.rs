//! What the server tells about itself: metrics, health for orchestrators, the log; and what it must not touch.

use crate::client::{DECLARED, SIP, ask, ask_sip, fetch, metric, query, send, send_tcp};
use crate::failover::quick;
use crate::server::{Folder, Network, Program, SOON, Server, eventually, in_some_round};
use crate::target::Hosts;

#[test]
fn counters_of_queries_answers_and_probes_grow() {
    let (folder, hosts) = (Folder::new(), Hosts::new());
    let config = folder.write("understudy.toml", quick("60s"));
    let zone = folder.write("example.com.zone", hosts.zone());
    let _up = hosts.up();
    let server = Server::serve(&[&config, &zone], "none".as_ref());
    let address = server.address();
    server.answering();
    let metrics = server.metrics();

    for _ in 0..5 {
        ask_sip(address);
    }
    ask(address, "absent.example.com. A");
    send_tcp(address, &query(SIP), SOON).unwrap();
    send(address, &query(SIP)[..20], SOON).unwrap();
    let value = |name: &str| metric(metrics, name);
    assert!(value("understudy_dns_queries_total{transport=\"udp\"}") >= 7.0);
    assert!(value("understudy_dns_queries_total{transport=\"tcp\"}") >= 1.0);
    assert!(value("understudy_dns_responses_total{transport=\"udp\",rcode=\"noerror\"}") >= 5.0);
    assert!(value("understudy_dns_responses_total{transport=\"udp\",rcode=\"nxdomain\"}") >= 1.0);
    assert!(value("understudy_dns_responses_total{transport=\"udp\",rcode=\"formerr\"}") >= 1.0);

    let passes = || value("understudy_probe_outcomes_total{kind=\"sip\",outcome=\"pass\"}");
    let before = passes();
    assert!(before >= 3.0);
    eventually("more probes", || (passes() > before).then_some(()));
    assert!(fetch(metrics, "/metrics").ends_with("# EOF\n"));
}

#[test]
fn healthz_is_red_before_answers_are_given_and_green_after() {
    in_some_round("it is asked before patience ends", || {
        let (folder, hosts) = (Folder::new(), Hosts::new());
        let config = folder.write("understudy.toml", quick("60s"));
        let zone = folder.write("example.com.zone", hosts.zone());
        let _deaf = hosts.deaf();
        let server = Server::serve(&[&config, &zone], "none".as_ref());
        let metrics = server.metrics();
        server.address();

        let red = fetch(metrics, "/healthz");
        server.answering();
        let green = fetch(metrics, "/healthz");
        assert!(green.starts_with("HTTP/1.1 200 ") && green.ends_with("\r\n\r\nready\n"), "{green}");
        red.starts_with("HTTP/1.1 503 ") && red.ends_with("not ready: starting\n")
    });
}

#[test]
fn each_log_line_is_a_json_object_with_fields_if_that_is_wanted() {
    let (folder, hosts) = (Folder::new(), Hosts::new());
    let config = folder.write("understudy.toml", quick("60s"));
    let zone = folder.write("example.com.zone", hosts.zone());
    let [node1, _node2, _standby] = hosts.up();
    let mut server = Server::serve(&[&config, &zone], "none".as_ref());
    server.answering();
    drop(node1);
    let (_, health) = server.log.wait_from(0, &["health changed", "\"down\""]);
    assert_eq!(health["probe.target"], format!("sip+tcp {}:5060 domain=example.com", hosts.node1));
    assert_eq!((&health["health.from"], &health["level"]), (&"failing".into(), &"WARN".into()));
    assert!(health["reason"].as_str().unwrap().contains("refused"), "{health}");
    assert_eq!(
        (&health["service"], &health["host"]),
        (&"_sip._tcp.example.com.".into(), &"sip-node1.example.com:5060".into())
    );
    assert_eq!(health["address"], format!("{}:5060", hosts.node1));
    let (_, answer) = server.log.wait_from(0, &["answer changed", "_sip._tcp.example.com"]);
    assert!(answer["reason"].is_string(), "{answer}");
    server.terminate();

    for line in server.log.text().lines() {
        let line: serde_json::Value = serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
        for field in ["timestamp", "level", "message", "target"] {
            assert!(line[field].is_string(), "{line}");
        }
    }
}

#[test]
fn logs_are_lines_for_people_unless_told_otherwise() {
    let (folder, hosts) = (Folder::new(), Hosts::new());
    let zone = folder.write("example.com.zone", hosts.zone());
    let listen = format!("{}:0", Network::new().take());
    let words = ["serve", "--log-format", "text", "--state", "none", "--listen", &listen];
    let server = Program::new(&words).argument(&zone).start();
    let (_, line) = server.log.wait_from(0, &["listening on UDP and TCP"]);
    assert_eq!(line, serde_json::Value::Null);
}

#[test]
fn documentation_addresses_are_served_with_a_warning_and_never_probed() {
    let folder = Folder::new();
    let config = folder.write("understudy.toml", quick("60s"));
    let zone = std::path::Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/zones/example.com.zone"));
    let server = Server::serve(&[&config, zone], "none".as_ref());
    let address = server.address();
    let (_, line) = server.log.wait_from(0, &["\"answering\""]);
    assert_eq!((&line["every_target_known"], &line["tested"]), (&false.into(), &0.into()), "{line}");
    let (_, line) = server.log.wait_from(0, &["192.0.2.10"]);
    assert_eq!(line["level"], "WARN", "{line}");

    // At these cadences every target would have been probed by then.
    let since = std::time::Instant::now();
    eventually("a second", || (since.elapsed().as_millis() > 1_200).then_some(()));
    assert!(ask_sip(address).is(DECLARED));
    let text = fetch(server.metrics(), "/metrics");
    assert!(!text.contains("\nunderstudy_probe_outcomes_total{"), "{text}");
    assert!(text.contains("\nunderstudy_probe_lateness_seconds_count 0\n"), "{text}");
    assert!(
        text.contains("\nunderstudy_probe_in_flight 0\n") && text.contains("\nunderstudy_probe_held 0\n"),
        "{text}"
    );
}
