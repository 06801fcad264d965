//! Pools without SRV records: addresses and an alias that follow health, drawn by weight, while their hosts die and return.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};

use crate::client::{ask, serial};
use crate::failover::quick;
use crate::server::{Folder, Network, Server, eventually};
use crate::target::{PORT, Target};

/// The names, and what stands behind them.
struct Pools {
    hosts: [Ipv4Addr; 3],
    folder: Folder,
}

impl Pools {
    fn new() -> Self {
        let network = Network::new();
        let (hosts, folder) = ([network.take(), network.take(), network.take()], Folder::new());
        let [first, second, standby] = hosts;
        folder.write(
            "example.com.zone",
            format!(
                "$ORIGIN example.com.\n$TTL 300\n@ IN SOA ns1 hostmaster 1 3600 600 604800 30\n@ IN NS ns1\n\
                 ns1 IN A 127.0.0.1\ncdn IN A {first}\ncdn IN A {second}\ncdn IN A {standby}\nshop IN CNAME lb1\n\
                 lb1 IN A {first}\nlb2 IN A {second}\nlb3 IN A {standby}\n"
            ),
        );
        let check = format!("check = {{ kind = \"tcp\", port = {PORT} }}\n");
        folder.write(
            "understudy.toml",
            quick("1s")
                + &format!(
                    "[[address]]\nname = \"cdn.example.com\"\n{check}\
                     tiers = [[\"{first} weight 3\", \"{second} weight 1\"], [\"{standby}\"]]\n\
                     [[alias]]\nname = \"shop.example.com\"\n{check}\
                     tiers = [[\"lb1.example.com weight 3\", \"lb2.example.com weight 1\"], [\"lb3.example.com\"]]\n"
                ),
        );
        Self { hosts, folder }
    }

    fn serve(&self) -> Server {
        let files = [self.folder.path("understudy.toml"), self.folder.path("example.com.zone")];
        let server = Server::serve(&[&files[0], &files[1]], &self.folder.path("state"));
        server.answering();
        server
    }

    /// The alias's answer that leads to one of the hosts, each by its place.
    fn alias(&self, place: usize) -> Vec<String> {
        vec![self.hosts[place].to_string(), format!("lb{}.example.com.", place + 1)]
    }

    /// Waits until no answer names another host than these.
    fn wait(&self, server: SocketAddr, places: &[usize]) {
        let addresses: Vec<Vec<String>> = places.iter().map(|place| vec![self.hosts[*place].to_string()]).collect();
        let aliases: Vec<Vec<String>> = places.iter().map(|place| self.alias(*place)).collect();
        let all =
            |question: &str, allowed: &[Vec<String>]| (0..40).all(|_| allowed.contains(&ask(server, question).records));
        eventually(&format!("answers name {places:?} alone"), || {
            (all("cdn.example.com. A", &addresses) && all("shop.example.com. A", &aliases)).then_some(())
        });
    }
}

/// Counts what a few hundred answers to a question are.
fn count(server: SocketAddr, question: &str) -> BTreeMap<Vec<String>, usize> {
    let mut counts = BTreeMap::new();
    for _ in 0..400 {
        *counts.entry(ask(server, question).records).or_default() += 1;
    }
    counts
}

#[test]
fn addresses_and_an_alias_are_drawn_by_weight_and_follow_health() {
    let pools = Pools::new();
    let [first, second, standby] = pools.hosts.map(Target::up);
    let server = pools.serve();
    let at = server.address();
    pools.wait(at, &[0, 1]);
    let before = serial(at);
    let address = |place: usize| vec![pools.hosts[place].to_string()];
    let drawn = [
        ("cdn.example.com. A", address(0), address(1)),
        ("shop.example.com. A", pools.alias(0), pools.alias(1)),
        ("shop.example.com. CNAME", vec!["lb1.example.com.".to_owned()], vec!["lb2.example.com.".to_owned()]),
    ];
    for (question, heavy, light) in drawn {
        let counts = count(at, question);
        let of = |records| counts.get(records).copied().unwrap_or_default();
        let (heavy, light) = (of(&heavy), of(&light));
        assert_eq!(heavy + light, 400, "{counts:?}");
        // 300 and 100 are likely; these bounds lie six deviations away.
        assert!((248..=352).contains(&heavy), "{question}: {counts:?}");
    }
    assert_eq!(serial(at), before, "a draw is no change of the zone");

    drop(first);
    pools.wait(at, &[1]);
    assert!(serial(at) > before, "the first host has left");
    drop(second);
    pools.wait(at, &[2]);
    // All are down: the first tier, and never nothing.
    drop(standby);
    pools.wait(at, &[0, 1]);
    let _second = Target::up(pools.hosts[1]);
    pools.wait(at, &[1]);
    let answer = ask(at, "shop.example.com. A");
    assert!(answer.ttl.unwrap() <= 30, "{answer:?}");
}

#[test]
fn a_static_server_leads_where_the_zone_says() {
    let pools = Pools::new();
    let files = [pools.folder.path("understudy.toml"), pools.folder.path("example.com.zone")];
    let server = Server::program(&[&files[0], &files[1]], &pools.folder.path("state")).argument("--static").start();
    server.answering();
    let mut answer = ask(server.address(), "cdn.example.com. A").records;
    answer.sort();
    let mut all: Vec<String> = pools.hosts.map(|host| host.to_string()).to_vec();
    all.sort();
    assert_eq!(answer, all);
    assert_eq!(ask(server.address(), "shop.example.com. A").records, pools.alias(0));
}
