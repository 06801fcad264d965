//! SIGHUP: the new setup as a whole, or the old one and why.

use hickory_proto::op::ResponseCode;

use crate::client::{DECLARED, STANDBY, ask, ask_sip, metric, wait_sip};
use crate::failover::quick;
use crate::server::{Folder, Server, eventually, in_some_round, stays};
use crate::startup::ready;
use crate::target::{Hosts, Target};
use crate::watcher::Watcher;

#[test]
fn a_zone_that_is_broken_or_gone_at_a_reload_stays_in_its_last_good_version() {
    let (folder, hosts) = (Folder::new(), Hosts::new());
    let config = folder.write("understudy.toml", quick("60s"));
    let zone = folder.write("example.com.zone", hosts.zone());
    let [node1, node2, _standby] = hosts.up();
    let server = Server::serve(&[&config, &zone], "none".as_ref());
    let address = server.address();
    server.answering();
    drop((node1, node2));
    wait_sip(address, STANDBY);
    let watcher = Watcher::start(address);
    watcher.settle(STANDBY);

    folder.write("example.com.zone", hosts.zone().replace("20 0 5060", "20 zero 5060"));
    server.reload("\"reloaded\"");
    let (_, line) = server.log.wait_from(0, &["example.com.zone:8:"]);
    assert_eq!(line["level"], "ERROR");
    let (_, line) = server.log.wait_from(0, &["its version of"]);
    assert_eq!((&line["level"], &line["zone"]), (&"WARN".into(), &"example.com.".into()));
    assert!(line["place"].as_str().unwrap().contains("example.com.zone:8:"), "{line}");
    let (code, said) = ready(address);
    assert!(code == 0 && said.contains("example.com. is served as it was read at "), "{code} {said}");
    assert!(metric(server.metrics(), "understudy_zone_stale_read_timestamp_seconds{zone=\"example.com.\"}") > 1.0e9);
    watcher.asks(20);
    std::fs::remove_file(&zone).unwrap();
    server.reload("\"reloaded\"");
    server.log.wait_from(0, &["cannot read the zone"]);
    watcher.asks(20);
    assert_eq!(ready(address).0, 0);

    // Mended: it counts again, with the health that was kept.
    folder.write("example.com.zone", hosts.zone().replace("20 0 5060", "20 7 5060"));
    watcher.allow(&[STANDBY, &["20 7 sip-dr"]]);
    server.reload("\"reloaded\"");
    wait_sip(address, &["20 7 sip-dr"]);
    watcher.finish();
}

#[test]
fn targets_that_hang_are_found_though_reloads_never_end() {
    let (folder, hosts) = (Folder::new(), Hosts::new());
    let config =
        folder.write("understudy.toml", quick("60s").replace("timeout = \"60s\"", "timeout = \"1s\"\nwatch = false"));
    let zone = folder.write("example.com.zone", hosts.zone());
    let [node1, node2, _standby] = hosts.up();
    let server = Server::serve(&[&config, &zone], "none".as_ref());
    let address = server.address();
    server.answering();
    node1.hang();
    node2.hang();
    // No probe of them ends between two reloads.
    eventually("the standby", || {
        server.signal("HUP");
        std::thread::park_timeout(std::time::Duration::from_millis(300));
        ask_sip(address).is(STANDBY).then_some(())
    });
}

#[test]
fn a_zone_whose_file_does_not_bear_its_name_is_known_though_it_is_broken() {
    let (folder, hosts) = (Folder::new(), Hosts::new());
    let zone = folder.write("example.com.zone", hosts.zone());
    let net = hosts.zone().replace("example.com", "example.net");
    let other = folder.write("other.zone", net.replace("20 0 5060", "20 zero 5060"));
    let _up = hosts.up();
    let server = Server::serve(&[&zone, &other], "none".as_ref());
    let address = server.address();
    server.answering();
    let question = "_sip._tcp.example.net. SRV";
    assert_eq!(ask(address, question).rcode, ResponseCode::ServFail);

    folder.write("other.zone", &net);
    server.reload("\"reloaded\"");
    eventually("the fixed zone", || ask(address, question).is(DECLARED).then_some(()));
    // Nothing in it tells its name any more: it is known by its file.
    for broken in ["", "@ IN SOA", &net.replace("IN SOA ns1", "IN SOA")] {
        folder.write("other.zone", broken);
        server.reload("\"reloaded\"");
        stays(broken, || ask(address, question).is(DECLARED));
    }
    assert_eq!(ready(address).0, 0);
}

#[test]
fn a_broken_config_at_a_reload_changes_nothing_and_says_why() {
    let (folder, hosts) = (Folder::new(), Hosts::new());
    let config = folder.write("understudy.toml", quick("60s"));
    let zone = folder.write("example.com.zone", hosts.zone());
    let [node1, node2, _standby] = hosts.up();
    let server = Server::serve(&[&config, &zone], "none".as_ref());
    let address = server.address();
    server.answering();
    drop((node1, node2));
    wait_sip(address, STANDBY);
    let watcher = Watcher::start(address);
    watcher.settle(STANDBY);

    for (text, says) in [
        ("version = 1\n[polic]\n", "understudy.toml:2:"),
        ("version = 1\n[health]\ninterval = \"soon\"\n", "understudy.toml:3:"),
        ("version = \n", "understudy.toml:1:"),
    ] {
        let from = server.log.len();
        folder.write("understudy.toml", text);
        server.reload("reload refused: everything stays as it was");
        let (_, line) = server.log.wait_from(from, &[says]);
        assert_eq!(line["level"], "ERROR", "{line}");
        watcher.asks(10);
    }
    std::fs::remove_file(&config).unwrap();
    server.reload("reload refused: everything stays as it was");
    watcher.asks(10);
    assert_eq!(ready(address).0, 0);
    watcher.finish();
}

#[test]
fn a_reload_says_that_listeners_and_state_change_at_the_next_start_only() {
    let (folder, hosts) = (Folder::new(), Hosts::new());
    let config = folder.write("understudy.toml", quick("60s"));
    let zone = folder.write("example.com.zone", hosts.zone());
    let _up = hosts.up();
    let server = Server::serve(&[&config, &zone], "none".as_ref());
    let address = server.address();
    server.answering();
    folder.write("understudy.toml", quick("70s"));
    server.reload("\"reloaded\"");
    assert!(!server.log.text().contains("next start"));
    folder.write("understudy.toml", quick("60s").replace("[server]", "[server]\nudp-size = 600"));
    server.reload("\"reloaded\"");
    assert!(!server.log.text().contains("next start"), "how queries are answered changes at once");
    folder.write("understudy.toml", quick("60s").replace("[server]", "[server]\ntcp-limit = 600"));
    server.reload("\"reloaded\"");
    let (_, line) = server.log.wait_from(0, &["count from the next start on"]);
    assert_eq!(line["level"], "WARN");
    assert!(ask_sip(address).is(DECLARED));
}

#[test]
fn a_reload_adds_and_removes_zones_and_services() {
    let (folder, hosts) = (Folder::new(), Hosts::new());
    let both = "[[zone]]\nfile = \"example.com.zone\"\n[[zone]]\nfile = \"example.net.zone\"\n";
    let config = folder.write("understudy.toml", quick("60s") + "[[zone]]\nfile = \"example.com.zone\"\n");
    folder.write("example.com.zone", hosts.zone());
    folder.write("example.net.zone", hosts.zone().replace("example.com", "example.net"));
    let [node1, _node2, _standby] = hosts.up();
    let server = Server::serve(&[&config], "none".as_ref());
    let address = server.address();
    server.answering();
    assert_eq!(ask(address, "_sip._tcp.example.net. SRV").rcode, ResponseCode::Refused);
    drop(node1);
    let rest = ["10 30 sip-node2", "20 0 sip-dr"];
    wait_sip(address, &rest);

    // A zone more, whose targets are known already: what is dead stays out from the first answer on.
    folder.write("understudy.toml", quick("60s") + both);
    server.reload("\"reloaded\"");
    let first = eventually("the new zone", || {
        let answer = ask(address, "_sip._tcp.example.net. SRV");
        (answer.rcode != ResponseCode::Refused).then_some(answer)
    });
    assert!(first.is(&rest), "{first:?}");

    // A service more, one less.
    let other = hosts.zone().replace("_sip._tcp", "_stun._tcp");
    folder.write("example.com.zone", other);
    server.reload("\"reloaded\"");
    eventually("the new service", || ask(address, "_stun._tcp.example.com. SRV").is(&rest).then_some(()));
    assert_eq!(ask_sip(address).rcode, ResponseCode::NXDomain);

    // A zone less.
    folder.write("understudy.toml", quick("60s") + "[[zone]]\nfile = \"example.net.zone\"\n");
    server.reload("\"reloaded\"");
    eventually("the end of the zone", || {
        (ask(address, "example.com. SOA").rcode == ResponseCode::Refused).then_some(())
    });
    let _returned = Target::up(hosts.node1);
    eventually("the return", || ask(address, "_sip._tcp.example.net. SRV").is(DECLARED).then_some(()));
}

#[test]
fn reloads_in_quick_succession_end_with_the_last_one() {
    let (folder, hosts) = (Folder::new(), Hosts::new());
    let zone = folder.write("example.com.zone", hosts.zone());
    let _up = hosts.up();
    let server = Server::serve(&[&zone], "none".as_ref());
    let address = server.address();
    server.answering();
    let watcher = Watcher::start(address);
    for weight in 1..=8 {
        folder.write("example.com.zone", hosts.zone().replace("20 0 5060", &format!("20 {weight} 5060")));
        server.signal("HUP");
    }
    wait_sip(address, &["10 30 sip-node2", "10 70 sip-node1", "20 8 sip-dr"]);
    watcher.finish();
}

#[test]
fn a_reload_while_the_server_starts_leaves_it_starting_and_then_answering() {
    in_some_round("the reload comes before patience ends", || {
        let (folder, hosts) = (Folder::new(), Hosts::new());
        let zone = folder.write("example.com.zone", hosts.zone());
        let _deaf = hosts.deaf();
        let server = Server::serve(&[&zone], "none".as_ref());
        let address = server.address();
        server.reload("\"reloaded\"");
        let is_starting = ready(address).0 == 1;
        server.answering();
        for _ in 0..3 {
            server.reload("\"reloaded\"");
            assert!(ask_sip(address).is(DECLARED));
        }
        assert_eq!(ready(address).0, 0);
        is_starting
    });
}
