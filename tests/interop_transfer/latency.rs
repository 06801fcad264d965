//! How long it takes from the death of a SIP target until every secondary answers with the standby, and what goes over the
//! wire by it. `UNDERSTUDY_FLIPS` says how often; the figures of `docs/interop.md` are of 3.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use crate::foreign::{Kind, Secondary, Source, address};
use crate::lab::{Folder, Primary, Target, pause, priorities, serial};
use crate::server::{SOON, eventually};

/// The zone: SIP over TCP in two tiers, the times of all else as they are by default.
fn zone(live: u16, standby: u16) -> String {
    format!(
        "$ORIGIN example.test.\n$TTL 300\n@ SOA ns1 hostmaster 1 3600 60 86400 60\n@ NS ns1\nns1 A 127.0.0.1\n\
         node1 A 127.0.0.1\nnode2 A 127.0.0.1\n_sip._tcp SRV 10 10 {live} node1\n_sip._tcp SRV 20 10 {standby} node2\n"
    )
}

/// Back at once, and quiet soon: so that the next round can begin. Detection is as by default.
const POLICY: &str = "[policy]\nhold = \"100ms\"\nttl = 2\nunsettled-ttl = 1\n";
const SERVICE: &[u8] = b"\x04_sip\x04_tcp\x07example\x04test\0";

fn follows(server: SocketAddr, wanted: &[u16], begin: Instant) -> Duration {
    while priorities(server, SERVICE) != wanted {
        assert!(begin.elapsed() < SOON, "{server} does not answer with {wanted:?}");
        pause(Duration::from_millis(20));
    }
    begin.elapsed()
}

/// The primary first, then the secondaries: when each answers as is wanted, from now on.
fn all_follow(servers: &[(&'static str, SocketAddr)], wanted: &[u16]) -> Vec<Duration> {
    let begin = Instant::now();
    std::thread::scope(|scope| {
        let waits: Vec<_> =
            servers.iter().map(|(_, server)| scope.spawn(move || follows(*server, wanted, begin))).collect();
        waits.into_iter().map(|wait| wait.join().unwrap()).collect()
    })
}

fn settle(servers: &[(&'static str, SocketAddr)]) {
    eventually("all have the newest version, and it stays", || {
        let newest = serial(servers[0].1)?;
        let have = || servers.iter().all(|(_, server)| serial(*server) == Some(newest));
        if !have() {
            return None;
        }
        pause(Duration::from_secs(4));
        have().then_some(())
    });
}

/// One flip is three versions (the TTL falls, the records change, the TTL rises), and each is one NOTIFY to each secondary and at most one transfer by it.
#[test]
fn a_dead_sip_target_leaves_all_four_secondaries() {
    let rounds = std::env::var("UNDERSTUDY_FLIPS").ok().and_then(|text| text.parse().ok()).unwrap_or(1);
    let folder = Folder::new();
    let (mut live, standby) = (Target::sip(folder.path()), Target::sip(folder.path()));
    let places = Kind::ALL.map(|kind| (kind, address()));
    let told: Vec<String> = places.iter().map(|(_, address)| format!("\"{address} transfer\"")).collect();
    let keys = format!("allow-transfer = [\"127.0.0.1 transfer\"]\nalso-notify = [{}]", told.join(", "));
    let primary = Primary::run(&folder, &zone(live.port(), standby.port()), POLICY, &keys);
    let source = Source { primary: primary.address, signed: true, tls: None };
    let mut secondaries = places.map(|(kind, address)| Secondary::new(kind, address, source));
    secondaries.iter_mut().for_each(Secondary::start);
    let mut servers = vec![("understudy", primary.address)];
    servers.extend(secondaries.iter().map(|secondary| (secondary.name, secondary.address)));
    let mut took: Vec<Vec<Duration>> = vec![Vec::new(); servers.len()];
    let mut last = Vec::new();
    for _ in 0..rounds {
        all_follow(&servers, &[10, 20]);
        settle(&servers);
        let counts = || {
            [primary.notified("sent"), primary.outbound("ixfr", "sent"), primary.outbound("axfr", "sent")]
                .map(|count| i64::try_from(count).unwrap())
        };
        let (before, counted) = (serial(primary.address).unwrap(), counts());
        live.kill();
        let times = all_follow(&servers, &[20]);
        settle(&servers);
        let generations = i64::from(serial(primary.address).unwrap() - before);
        let [notified, ixfr, axfr]: [i64; 3] = std::array::from_fn(|place| counts()[place] - counted[place]);
        println!("{times:.0?}: {generations} generations, {notified} NOTIFYs, {ixfr} IXFRs, {axfr} AXFRs");
        // On a busy machine the first two may be one.
        assert!((2..=3).contains(&generations), "{generations} generations");
        assert!((4..=4 * generations).contains(&notified), "{notified} NOTIFYs for {generations} generations");
        // PowerDNS asks for the whole zone; who is slow takes two versions at once.
        assert!(ixfr >= 3 && ixfr + axfr <= 4 * generations, "{ixfr} IXFRs, {axfr} AXFRs for {generations}");
        last.push(times.iter().max().copied().unwrap());
        took.iter_mut().zip(times).for_each(|(all, time)| all.push(time));
        live.revive(folder.path());
    }
    for ((name, _), times) in servers.iter().zip(&mut took) {
        println!("{name}: {}", spread(times));
    }
    println!("the last of all: {}", spread(&mut last));
}

fn spread(times: &mut [Duration]) -> String {
    times.sort_unstable();
    format!("median {:.0?}, least {:.0?}, most {:.0?}", times[times.len() / 2], times[0], times[times.len() - 1])
}
