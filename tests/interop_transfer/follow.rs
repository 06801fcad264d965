//! NSD, Knot, BIND and PowerDNS as secondaries: the zone comes, and each failover with it.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use crate::foreign::{Kind, Secondary, Source, address};
use crate::lab::{Folder, Primary, Target, serial, services, zone_of};
use crate::server::eventually;

/// A primary, and secondaries that have its zone.
struct Lab {
    folder: Folder,
    live: Target,
    _standby: Target,
    primary: Primary,
    secondaries: Vec<Secondary>,
}

impl Lab {
    fn new(kinds: &[Kind], signed: bool, tls: bool) -> Self {
        let folder = Folder::new();
        let (live, standby) = (Target::start(folder.path()), Target::start(folder.path()));
        let places: Vec<(Kind, SocketAddr)> = kinds.iter().map(|kind| (*kind, address())).collect();
        let key = if signed { " transfer" } else { "" };
        let told: Vec<String> = places.iter().map(|(_, address)| format!("\"{address}{key}\"")).collect();
        let keys = format!("allow-transfer = [\"127.0.0.1{key}\"]\nalso-notify = [{}]", told.join(", "));
        let primary = Primary::start(&folder, (&live, &standby), 200, &keys);
        let certificate = folder.path().join("cert.pem");
        let source =
            Source { primary: primary.address, signed, tls: tls.then_some((primary.tls, certificate.as_path())) };
        let mut secondaries: Vec<Secondary> =
            places.into_iter().map(|(kind, address)| Secondary::new(kind, address, source)).collect();
        secondaries.iter_mut().for_each(Secondary::start);
        let lab = Self { folder, live, _standby: standby, primary, secondaries };
        lab.wait_for("the zone has come", &[10, 20]);
        lab
    }

    /// Waits until each secondary has the newest version, with these services; returns how long each took.
    fn wait_for(&self, what: &str, wanted: &[u16]) -> Vec<Duration> {
        let begin = Instant::now();
        let mut left: Vec<&Secondary> = self.secondaries.iter().collect();
        let mut took = Vec::new();
        eventually(what, || {
            left.retain(|secondary| {
                let there = services(secondary.address) == wanted;
                if there {
                    took.push(begin.elapsed());
                    println!("{}: {what} after {:?}", secondary.name, begin.elapsed());
                }
                !there
            });
            left.is_empty().then_some(())
        });
        took
    }

    /// Waits until each secondary has the serial of the primary, and nothing is on its way.
    fn settle(&self) {
        eventually("all have the newest version, and it stays", || {
            let newest = serial(self.primary.address)?;
            let have = || self.secondaries.iter().all(|secondary| serial(secondary.address) == Some(newest));
            if !have() {
                return None;
            }
            std::thread::park_timeout(Duration::from_secs(2));
            (serial(self.primary.address) == Some(newest) && have()).then_some(())
        });
    }
}

/// Each of the four carries a failover and its way back; what goes over the wire is one NOTIFY and one IXFR for each
/// generation and secondary.
fn follows(signed: bool) {
    let mut lab = Lab::new(&Kind::ALL, signed, false);
    lab.settle();
    let before = serial(lab.primary.address).unwrap();
    let counts = |lab: &Lab| {
        let primary = &lab.primary;
        (primary.notified("sent"), primary.outbound("ixfr", "sent"), primary.outbound("axfr", "sent"))
    };
    let (notified, ixfr, axfr) = counts(&lab);
    lab.live.kill();
    let mut took = lab.wait_for("the standby alone is served", &[20]);
    lab.settle();
    let generations = u64::from(serial(lab.primary.address).unwrap() - before);
    let (notified, ixfr, axfr) = {
        let now = counts(&lab);
        (now.0 - notified, now.1 - ixfr, now.2 - axfr)
    };
    println!("signed {signed}: {generations} generations, {notified} NOTIFYs, {ixfr} IXFRs, {axfr} AXFRs");
    took.sort_unstable();
    println!("median {:?}", took[took.len() / 2]);
    assert!((1..=4).contains(&generations), "{generations} generations");
    let most = generations * 4;
    assert!(
        (4..=most).contains(&notified),
        "at most one NOTIFY a generation and secondary: {notified} for {generations}"
    );
    // PowerDNS asks for the whole zone; a secondary that is slow takes two generations at once.
    assert!(ixfr + axfr <= most && ixfr >= 3, "{ixfr} IXFRs and {axfr} AXFRs for {generations} generations");
    for secondary in lab.secondaries.iter().filter(|secondary| matches!(secondary.name, "knotd" | "named")) {
        assert_eq!(zone_of(secondary.address, &[]), mine(&lab, signed), "{}", secondary.name);
    }
    let folder = lab.folder.path().to_owned();
    lab.live.revive(&folder);
    lab.wait_for("the first choice is back", &[10, 20]);
}

/// Our own zone, as it is transferred.
fn mine(lab: &Lab, signed: bool) -> Vec<String> {
    let key = format!("hmac-sha256:transfer:{}", crate::lab::SECRET);
    let arguments: &[&str] = if signed { &["-y", &key] } else { &[] };
    let mut zone = zone_of(lab.primary.address, arguments);
    zone.retain(|line| !line.contains(" any tsig "));
    zone
}

#[test]
fn four_secondaries_follow_a_failover_by_signed_transfers() {
    follows(true);
}

#[test]
fn four_secondaries_follow_a_failover_by_transfers_that_are_not_signed() {
    follows(false);
}

/// XoT (RFC 9103), with a certificate that is verified: BIND and NSD.
#[test]
fn transfers_go_over_tls_to_bind_and_nsd() {
    let mut lab = Lab::new(&[Kind::Nsd, Kind::Bind], true, true);
    lab.settle();
    let before = lab.primary.outbound("ixfr", "sent");
    lab.live.kill();
    lab.wait_for("the standby alone is served", &[20]);
    assert!(lab.primary.outbound("ixfr", "sent") >= before + 2);
    let over_tls = lab.primary.counter("understudy_dns_queries_total{transport=\"tls\"}");
    assert!(over_tls >= 4, "{over_tls} queries by TLS");
}

/// A secondary that was away while the primary went on, and a primary that starts anew, end with the same zone.
#[test]
fn a_secondary_that_was_away_catches_up() {
    let mut lab = Lab::new(&[Kind::Knot], true, false);
    lab.settle();
    lab.secondaries[0].kill();
    lab.live.kill();
    eventually("the standby alone is served", || (services(lab.primary.address) == [20]).then_some(()));
    let whole = lab.primary.outbound("axfr", "sent");
    lab.secondaries[0].start();
    lab.wait_for("the standby alone is served", &[20]);
    lab.settle();
    assert_eq!(lab.primary.outbound("axfr", "sent"), whole, "the differences are enough");
    assert_eq!(zone_of(lab.secondaries[0].address, &[]), mine(&lab, true));
}
