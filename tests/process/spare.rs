//! Two servers as a pair: the spare serves what its primary decides, untouched, and judges by itself when that is gone.

use std::net::SocketAddr;

use crate::client::{DECLARED, STANDBY, ask_sip, serial, wait_sip};
use crate::failover::quick;
use crate::server::{Folder, Network, Program, Server, eventually};
use crate::target::{Hosts, Target};

/// An address whose port is free.
pub(crate) fn free() -> SocketAddr {
    let listener = std::net::TcpListener::bind((Network::new().take(), 0)).unwrap();
    listener.local_addr().unwrap()
}

/// A config that listens there, with these keys of its zone.
pub(crate) fn config(listen: SocketAddr, keys: &str) -> String {
    let quick = quick("400ms").replace("metrics-listen", &format!("listen = [\"{listen}\"]\nmetrics-listen"));
    format!("{quick}ttl = 30\n[state]\ndir = \"state-{}\"\n[[zone]]\n{keys}\n", listen.ip())
}

pub(crate) fn start(folder: &Folder, name: &str) -> Server {
    let server = Program::new(&["serve", "--log", "debug"]).argument(folder.path(name)).start();
    server.answering();
    server
}

/// Every answer that the pair gives is that of the one that lives; each is killed as by a power cut.
#[test]
fn the_spare_is_untouched_while_its_primary_lives_and_each_outlives_the_other() {
    let (folder, hosts) = (Folder::new(), Hosts::new());
    let [primary_at, spare_at] = [free(), free()];
    // Refresh is 5 s at least, so the spare judges by itself after 7 s.
    folder.write("example.com.zone", hosts.zone().replace(" 3600 600 ", " 5 2 "));
    let keys = format!(
        "file = \"example.com.zone\"\nallow-transfer = [\"127.0.0.0/8\"]\nalso-notify = [\"{spare_at}\"]\nsource = \"{}\"",
        primary_at.ip()
    );
    folder.write("primary.toml", config(primary_at, &keys));
    let keys =
        format!("name = \"example.com\"\nprimaries = [\"{primary_at}\"]\nspare = true\nsource = \"{}\"", spare_at.ip());
    folder.write("spare.toml", config(spare_at, &keys));
    let [node1, node2, _standby] = hosts.up();
    let primary = start(&folder, "primary.toml");
    let spare = start(&folder, "spare.toml");
    wait_sip(spare_at, DECLARED);

    // The primary's answers, TTLs and serials included: there are no others, whatever the spare has seen itself.
    let same = || {
        let (ours, theirs) = (ask_sip(spare_at), ask_sip(primary_at));
        (ours == theirs && serial(spare_at) == serial(primary_at)).then_some(())
    };
    eventually("both answer the same", same);
    drop((node1, node2));
    wait_sip(primary_at, STANDBY);
    wait_sip(spare_at, STANDBY);
    eventually("both answer the same", same);
    let [node1, node2] = [hosts.node1, hosts.node2].map(Target::up);
    wait_sip(spare_at, DECLARED);
    eventually("both answer the same", same);

    // The primary is gone: the spare judges by itself, with the TTLs and the serials of its own.
    let before = serial(spare_at);
    primary.kill();
    spare.log.wait_from(0, &["no primary answers: the spare judges by itself"]);
    drop((node1, node2));
    wait_sip(spare_at, STANDBY);
    assert!(serial(spare_at) > before);
    let [node1, node2] = [hosts.node1, hosts.node2].map(Target::up);
    wait_sip(spare_at, DECLARED);

    // It is back: its word counts again.
    let primary = start(&folder, "primary.toml");
    spare.log.wait_from(0, &["a primary answers again: the spare serves its zone"]);
    drop((node1, node2));
    wait_sip(primary_at, STANDBY);
    wait_sip(spare_at, STANDBY);

    // The spare is gone, and the primary does not care.
    spare.kill();
    let [node1, node2] = [hosts.node1, hosts.node2].map(Target::up);
    wait_sip(primary_at, DECLARED);

    // A spare that starts without its primary serves what it has, and judges by itself.
    let spare = start(&folder, "spare.toml");
    wait_sip(spare_at, DECLARED);
    primary.kill();
    spare.log.wait_from(0, &["no primary answers: the spare judges by itself"]);
    spare.kill();
    let _spare = start(&folder, "spare.toml");
    wait_sip(spare_at, DECLARED);
    drop((node1, node2));
    wait_sip(spare_at, STANDBY);
}
