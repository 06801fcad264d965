//! A checker that is cut off: the built program in a network namespace whose link goes down, and in one without IPv6.
//!
//! Packages: `iproute2`, `util-linux`, `bind9-dnsutils`, `curl`. Each test makes its own namespaces.
#![expect(clippy::unwrap_used, reason = "a test fails by it")]
#![expect(clippy::disallowed_methods, reason = "deadlines are kept by the real clock")]

mod disk;
mod lab;
mod no_route;
#[path = "../process/server.rs"]
#[expect(dead_code, reason = "shared with other tests")]
mod server;

use lab::{Lab, Side};
use server::{Folder, Program, Server, eventually};

const ALL: &[&str] = &["10 0 5060 one.example.com.", "10 0 5060 two.example.com.", "20 0 5060 three.example.com."];
const WITHOUT_ONE: &[&str] = &["10 0 5060 two.example.com.", "20 0 5060 three.example.com."];
const SRV: &str = "@127.0.0.1 -p 25300 _sip._tcp.example.com SRV";

/// Three hosts in three networks: each bears witness for the others.
const ZONE: &str = "$ORIGIN example.com.\n$TTL 300\n@ IN SOA ns1 hostmaster 1 3600 600 604800 30\n@ IN NS ns1\n\
    ns1 IN A 127.0.0.1\n_sip._tcp IN SRV 10 0 5060 one\n_sip._tcp IN SRV 10 0 5060 two\n_sip._tcp IN SRV 20 0 5060 three\n\
    one IN A 10.77.1.1\ntwo IN A 10.77.2.1\nthree IN A 10.77.3.1\n";

/// A config in which all happens soon.
fn config(more: &str) -> String {
    format!(
        "version = 1\n[health]\ninterval = \"400ms\"\nfast-interval = \"200ms\"\ndown-interval = \"400ms\"\n\
         confirm-interval = \"100ms\"\ntimeout = \"300ms\"\n{more}\n[policy]\nhold = \"1s\"\n[[zone]]\n\
         file = \"example.com.zone\"\n[[service]]\nmatch = \"_sip._tcp.example.com\"\ncheck = {{ kind = \"tcp\" }}\n"
    )
}

/// Runs the program on the near side of a lab until it answers.
fn serve(lab: &Lab, folder: &Folder, zone: &str, more: &str) -> Server {
    folder.write("example.com.zone", zone);
    let config = folder.write("understudy.toml", config(more));
    let words = ["serve", "--listen", "127.0.0.1:25300", "--state", "none"];
    let server = lab.program(Side::Near, Program::new(&words).argument(&config)).start();
    server.answering();
    server
}

#[track_caller]
fn wait(lab: &Lab, server: &Server, records: &[&str]) {
    let mut last = Vec::new();
    let wanted = format!("{records:?}");
    eventually(&wanted, || {
        last = lab.dig(SRV);
        (last == records).then_some(())
    });
    assert_eq!(last, records, "{}", server.log.text());
}

/// Asks until the log has grown a line with these words: all the time the answer is this one.
#[track_caller]
fn keeps_until(lab: &Lab, server: &Server, records: &[&str], words: &[&str], from: usize) {
    eventually(&format!("{words:?}"), || {
        assert_eq!(lab.dig(SRV), records, "{}", server.log.text());
        let log = server.log.text();
        log.lines().skip(from).any(|line| words.iter().all(|word| line.contains(word))).then_some(())
    });
}

fn a_link_that_fails_withdraws_nobody(more: &str) {
    let (folder, lab) = (Folder::new(), Lab::new(&[1, 2, 3, 9]));
    let one = lab.targets(&folder, &["10.77.1.1:5060"]);
    let _others = lab.targets(&folder, &["10.77.2.1:5060", "10.77.3.1:5060", "10.77.9.1:5060"]);
    let server = serve(&lab, &folder, ZONE, more);
    wait(&lab, &server, ALL);

    // A host that falls silent while others answer is down.
    lab.ip(Side::Far, "address del 10.77.1.1/32 dev lo");
    wait(&lab, &server, WITHOUT_ONE);
    lab.ip(Side::Far, "address add 10.77.1.1/32 dev lo");
    wait(&lab, &server, ALL);

    // The link dies: all are silent, and nobody is withdrawn. The log says so; it stays so for many a probe.
    let from = server.log.len();
    lab.ip(Side::Far, "link set far down");
    keeps_until(&lab, &server, ALL, &["isolated: no witness answers"], from);
    let since = std::time::Instant::now();
    eventually("three seconds of isolation", || {
        assert_eq!(lab.dig(SRV), ALL, "{}", server.log.text());
        (since.elapsed().as_secs() >= 3).then_some(())
    });

    // It comes back, and judgement goes on.
    let from = server.log.len();
    lab.ip(Side::Far, "link set far up");
    keeps_until(&lab, &server, ALL, &["no longer isolated"], from);
    drop(one);
    wait(&lab, &server, WITHOUT_ONE);
}

#[test]
fn a_link_that_fails_withdraws_nobody_by_the_witness_of_other_networks() {
    a_link_that_fails_withdraws_nobody("");
}

#[test]
fn a_link_that_fails_withdraws_nobody_by_the_witness_of_references() {
    a_link_that_fails_withdraws_nobody("references = [\"tcp://10.77.9.1:5060\"]");
}

#[test]
fn without_a_route_all_is_unknown_and_nobody_is_withdrawn() {
    let (folder, lab) = (Folder::new(), Lab::new(&[1, 2, 3]));
    let targets = lab.targets(&folder, &["10.77.1.1:5060", "10.77.2.1:5060", "10.77.3.1:5060"]);
    let server = serve(&lab, &folder, ZONE, "");
    wait(&lab, &server, ALL);
    // Our own end goes down: the kernel says at once that there is no route.
    let from = server.log.len();
    lab.ip(Side::Near, "link set near down");
    let since = std::time::Instant::now();
    eventually("three seconds without a route", || {
        assert_eq!(lab.dig(SRV), ALL, "{}", server.log.text());
        (since.elapsed().as_secs() >= 3).then_some(())
    });
    let log = server.log.text();
    assert!(!log.lines().skip(from).any(|line| line.contains("\"down\"")), "{log}");
    lab.ip(Side::Near, "link set near up");
    lab.ip(Side::Near, "route add 10.77.0.0/16 via 10.77.0.2");
    drop(targets);
    server.log.wait_from(from, &["health changed", "\"down\""]);
}

#[test]
fn a_route_of_our_own_that_leads_nowhere_condemns_nobody() {
    let (folder, lab) = (Folder::new(), Lab::new(&[1, 2, 3]));
    let targets = lab.targets(&folder, &["10.77.1.1:5060", "10.77.2.1:5060", "10.77.3.1:5060"]);
    let server = serve(&lab, &folder, ZONE, "");
    wait(&lab, &server, ALL);
    for kind in ["unreachable", "prohibit", "blackhole"] {
        let from = server.log.len();
        // The other two answer, so that silence would count.
        lab.ip(Side::Near, &format!("route add {kind} 10.77.1.1/32"));
        let since = std::time::Instant::now();
        eventually("three seconds with such a route", || {
            assert_eq!(lab.dig(SRV), ALL, "{}", server.log.text());
            (since.elapsed().as_secs() >= 3).then_some(())
        });
        let log = server.log.text();
        assert!(!log.lines().skip(from).any(|line| line.contains("\"failing\"")), "{kind}: {log}");
        lab.ip(Side::Near, &format!("route del {kind} 10.77.1.1/32"));
    }
    drop(targets);
    server.log.wait_from(0, &["health changed", "\"down\""]);
}

/// By `iptables` of Debian's package of the same name.
#[test]
fn a_rule_of_our_own_that_drops_what_goes_out_withdraws_nobody() {
    let (folder, lab) = (Folder::new(), Lab::new(&[1, 2, 3]));
    let targets = lab.targets(&folder, &["10.77.1.1:5060", "10.77.2.1:5060", "10.77.3.1:5060"]);
    let server = serve(&lab, &folder, ZONE, "");
    wait(&lab, &server, ALL);
    let from = server.log.len();
    let (added, told) = lab.run(Side::Near, &["iptables"], "-A OUTPUT -p tcp -d 10.77.0.0/16 -j DROP");
    assert!(added, "{told}");
    let since = std::time::Instant::now();
    eventually("five seconds with such a rule", || {
        assert_eq!(lab.dig(SRV), ALL, "{}", server.log.text());
        (since.elapsed().as_secs() >= 5).then_some(())
    });
    let log = server.log.text();
    assert!(!log.lines().skip(from).any(|line| line.contains("\"down\"")), "{log}");
    assert!(lab.run(Side::Near, &["iptables"], "-F OUTPUT").0);
    drop(targets);
    server.log.wait_from(from, &["health changed", "\"down\""]);
}

#[test]
fn without_ipv6_its_addresses_are_unknown_and_the_rest_is_judged() {
    let (folder, lab) = (Folder::new(), Lab::new(&[1, 2, 3]));
    lab.disable_ipv6(Side::Near);
    let one = lab.targets(&folder, &["10.77.1.1:5060", "[fd77:1::1]:5060"]);
    let _others = lab.targets(&folder, &["10.77.2.1:5060", "[fd77:2::1]:5060", "10.77.3.1:5060"]);
    let zone = format!("{ZONE}one IN AAAA fd77:1::1\ntwo IN AAAA fd77:2::1\n");
    let server = serve(&lab, &folder, &zone, "");
    wait(&lab, &server, ALL);
    assert_eq!(lab.dig("@127.0.0.1 -p 25300 one.example.com AAAA"), ["fd77:1::1"], "it is served as declared");
    // What cannot be reached neither saves a member nor marks it down.
    drop(one);
    wait(&lab, &server, WITHOUT_ONE);
    let _one = lab.targets(&folder, &["10.77.1.1:5060", "[fd77:1::1]:5060"]);
    wait(&lab, &server, ALL);
    let log = server.log.text();
    assert!(!log.lines().any(|line| line.contains("health changed") && line.contains("fd77")), "{log}");
}
