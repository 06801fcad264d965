//! The words of the operator about transfers: which serials both sides have, and the orders to ask a primary anew.

use std::net::SocketAddr;

use serde_json::Value;

use crate::client::{DECLARED, ask, metric, query, send, serial, wait_sip};
use crate::operate::{call, json};
use crate::server::{Folder, Program, SOON, Server, eventually};
use crate::spare::{config, free, start};
use crate::target::Hosts;

/// Starts the primary, whose serials are those of its file.
fn start_static(folder: &Folder) -> Server {
    let server = Program::new(&["serve", "--static"]).argument(folder.path("primary.toml")).start();
    server.answering();
    server
}

/// How long a server says that the zone may be served, in seconds.
fn expire(server: SocketAddr) -> u32 {
    let mut packet = query("example.com. SOA");
    packet[11] = 1;
    packet.extend_from_slice(b"\0\0\x29\x04\xd0\0\0\0\0\0\x04\0\x09\0\0");
    let answer = send(server, &packet, SOON).unwrap();
    let (option, secs) = answer.split_last_chunk::<4>().unwrap();
    assert!(option.ends_with(&[0, 9, 0, 4]), "{answer:02x?}");
    u32::from_be_bytes(*secs)
}

#[test]
fn the_operator_sees_both_serials_and_has_a_zone_asked_for_or_taken_anew() {
    let (folder, hosts) = (Folder::new(), Hosts::new());
    let [primary_at, secondary_at] = [free(), free()];
    let zone = |version: &str| hosts.zone().replace("hostmaster 1 ", &format!("hostmaster {version} "));
    assert_ne!(zone("9"), hosts.zone());
    folder.write("example.com.zone", zone("20"));
    let keys =
        format!("file = \"example.com.zone\"\nallow-transfer = [\"127.0.0.0/8\"]\nsource = \"{}\"", primary_at.ip());
    folder.write("primary.toml", config(primary_at, &keys));
    let keys = format!("name = \"example.com\"\nprimaries = [\"{primary_at}\"]\nsource = \"{}\"", secondary_at.ip());
    folder.write("secondary.toml", config(secondary_at, &keys));
    let _up = hosts.up();
    let primary = start_static(&folder);
    let secondary = start(&folder, "secondary.toml");
    wait_sip(secondary_at, DECLARED);
    let [on_primary, on_secondary] = [primary_at, secondary_at].map(|at| folder.path(&format!("state-{}", at.ip())));
    let inbound = || json(&on_secondary, &["transfers", "example.com"])[0]["inbound"].clone();
    assert_eq!((&inbound()["serial"], &inbound()["primaries"][0]), (&20.into(), &primary_at.to_string().into()));
    let sent = |sent: &Value| {
        sent["client"] == secondary_at.ip().to_string() && sent["serial"] == 20 && sent["kind"] == "axfr"
    };
    eventually("the primary says who has taken it", || {
        let told = json(&on_primary, &["transfers"])[0]["sent"].clone();
        told.as_array().is_some_and(|all| all.iter().any(sent)).then_some(())
    });

    // Nobody was told: an order finds the new version long before refresh is due.
    folder.write("example.com.zone", zone("30"));
    assert_eq!(call(&on_primary, &["reload"]).0, 0);
    assert_eq!(inbound()["serial"], 20);
    let (code, said) = call(&on_secondary, &["refresh", "example.com"]);
    assert!(code == 0 && said.starts_with("example.com: the primaries are asked for a newer version; "), "{said}");
    eventually("the new version", || (inbound()["serial"] == 30).then_some(()));
    eventually("it is served", || (serial(secondary_at) >= 30).then_some(()));

    // A primary that was set up anew: its zone is taken by a clear word only, and what is served never goes back.
    let before = serial(secondary_at);
    primary.kill();
    std::fs::remove_dir_all(&on_primary).unwrap();
    folder.write("example.com.zone", zone("7") + "new TXT \"anew\"\n");
    let _primary = start_static(&folder);
    assert_eq!(call(&on_secondary, &["refresh", "example.com"]).0, 0);
    eventually("the refusal", || {
        inbound()["failure"].as_str().filter(|said| said.contains("is behind ours, 30")).map(drop)
    });
    assert_eq!(inbound()["serial"], 30);
    assert_eq!(call(&on_secondary, &["retransfer", "EXAMPLE.com."]).0, 0);
    eventually("the zone anew", || (inbound()["serial"] == 7).then_some(()));
    eventually("it is served", || (ask(secondary_at, "new.example.com. TXT").records.len() == 1).then_some(()));
    assert!(serial(secondary_at) > before);

    // Its own serial may grow at any moment: it tests the targets itself.
    eventually("both serials", || {
        let ours = serial(secondary_at);
        let zones = json(&on_secondary, &["status"])["zones"].clone();
        let page = call(&on_secondary, &["status"]).1;
        let transfers = call(&on_secondary, &["transfers"]).1;
        let shown = metric(secondary.metrics(), "understudy_zone_serial{zone=\"example.com.\"}");
        let head = format!("example.com  serial {ours}\n  from {primary_at}: its serial is 7, came ");
        (zones[0]["serial"] == ours
            && zones[0]["upstream_serial"] == 7
            && page.contains(&format!("example.com  serial {ours}, its primary's is 7\n"))
            && transfers.starts_with(&head)
            && (shown - f64::from(ours)).abs() < 0.5)
            .then_some(())
    });
    // RFC 7314 §3.2: what is left of it.
    assert_eq!(expire(primary_at), 604_800);
    eventually("a moment has passed", || (604_000..604_800).contains(&expire(secondary_at)).then_some(()));

    for (words, says) in [
        (["refresh", "example.net"], "example.net. is no zone that comes from primaries"),
        (["retransfer", "a..b"], "`a..b` is no name of a zone"),
        (["transfers", "exampel.com"], "did you mean example.com?"),
    ] {
        let (code, said) = call(&on_secondary, &words);
        assert!(code == 4 && said.contains(says), "{words:?}: {code} {said}");
    }
    let (code, said) = call(&on_primary, &["refresh", "example.com"]);
    assert!(code == 4 && said.contains("is no zone that comes from primaries"), "{said}");
}
