//! What reloads without end make the program hold.

use std::fmt::Write as _;

use crate::resident_kib;
use crate::server::{Folder, Server, eventually};

/// How many hosts the zone has, and how often it is read anew.
const HOSTS: u32 = 5_000;
const RELOADS: u32 = 20;

#[test]
fn after_twenty_reloads_half_as_much_again_is_held_at_most_as_after_the_first() {
    let folder = Folder::new();
    let file = folder.write("example.com.zone", zone(1));
    let server = Server::program(&[&file], "none".as_ref()).argument("--static").start();
    server.answering();
    let start = resident_kib(&server);
    let mut first = 0;
    for serial in 2..RELOADS + 2 {
        folder.write("example.com.zone", zone(serial));
        server.reload("\"reloaded\"");
        if serial == 2 {
            first = resident_kib(&server);
        }
    }
    let last = resident_kib(&server);
    println!("{HOSTS} hosts: {start} KiB at the start, {first} after a reload, {last} after {RELOADS}");
    eventually("what is no longer served is given back", || (resident_kib(&server) * 2 <= first * 3).then_some(()));
}

/// Makes a zone in which every host has another address than in the last.
fn zone(serial: u32) -> String {
    let mut zone = format!("$TTL 60\n@ SOA ns1 h {serial} 3600 600 86400 60\n@ NS ns1\nns1 A 192.0.2.1\n");
    for host in 0..HOSTS {
        let [_, a, b, c] = (host + serial).to_be_bytes();
        writeln!(zone, "host{host} A 10.{a}.{b}.{c}").unwrap();
    }
    zone
}
