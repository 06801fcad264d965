//! dig and kdig transfer a zone: whole and by differences, signed and not, over TCP and TLS.

use crate::lab::{Folder, Primary, SECRET, Target, dig, run, serial, services, zone_of};
use crate::server::eventually;

/// A zone of many messages comes whole, by every key and over TLS.
#[test]
fn dig_and_kdig_transfer_a_zone_of_many_messages_with_each_key() {
    let folder = Folder::new();
    let (live, standby) = (Target::start(folder.path()), Target::start(folder.path()));
    let rules = "allow-transfer = [\"127.0.0.1\"]";
    let primary = Primary::start(&folder, (&live, &standby), 2_000, rules);
    let whole = zone_of(primary.address, &[]);
    // The SOA, 11 other records of its own, and the names.
    assert_eq!(whole.len(), 12 + 2_000, "{:?}", whole.get(..20));
    let stats = dig(primary.address, &["+noall", "+stats", "example.test", "AXFR"]);
    let messages: usize =
        stats.split("messages ").nth(1).and_then(|rest| rest.split(',').next()?.parse().ok()).unwrap();
    assert!(messages > 5, "{stats}");
    for (algorithm, name) in [("hmac-sha256", "transfer"), ("hmac-sha384", "k384"), ("hmac-sha512", "k512")] {
        let key = format!("{algorithm}:{name}:{SECRET}");
        assert_eq!(zone_of(primary.address, &["-y", &key]), whole);
        // dig shows the signature of each message, and says of one that it cannot verify.
        let text = dig(primary.address, &["-y", &key, "example.test", "AXFR"]);
        let signed = text.lines().any(|line| line.contains("TSIG") && line.contains(algorithm));
        assert!(signed && !text.contains("verify"), "{name}: {}", last_lines(&text));
        let (at, port) = (format!("@{}", primary.address.ip()), primary.address.port().to_string());
        let text = run("kdig", &[&at, "-p", &port, "-y", &key, "example.test", "AXFR"]);
        let records = text.lines().filter(|line| line.starts_with("name")).count();
        assert!(records == 2_000 && !text.contains("WARNING"), "{name}: {records} records, {}", last_lines(&text));
    }
    let (at, port) = (format!("@{}", primary.tls.ip()), primary.tls.port().to_string());
    let text = run("kdig", &[&at, "-p", &port, "+tls", "example.test", "AXFR"]);
    assert_eq!(text.lines().filter(|line| line.starts_with("name")).count(), 2_000, "XoT: {}", last_lines(&text));
}

fn last_lines(text: &str) -> String {
    text.lines().rev().take(4).collect::<Vec<_>>().join(" | ")
}

/// A flip is three generations at most, and each comes as a difference of its own; over UDP too, where it fits.
#[test]
fn a_flip_is_transferred_as_differences() {
    let folder = Folder::new();
    let (mut live, standby) = (Target::start(folder.path()), Target::start(folder.path()));
    let primary = Primary::start(&folder, (&live, &standby), 50, "allow-transfer = [\"127.0.0.1\"]");
    let before = serial(primary.address).unwrap();
    let same = dig(primary.address, &["+noall", "+answer", "+tcp", "example.test", &format!("IXFR={before}")]);
    assert_eq!(same.lines().filter(|line| line.contains("SOA")).count(), 1, "up to date: {same}");
    live.kill();
    eventually("the standby alone is served", || (services(primary.address) == [20]).then_some(()));
    let after = serial(primary.address).unwrap();
    for transport in ["+tcp", "+notcp"] {
        let ixfr = dig(primary.address, &["+noall", "+answer", transport, "example.test", &format!("IXFR={before}")]);
        let serials: Vec<u32> = ixfr.lines().filter_map(|line| line.split_whitespace().nth(6)?.parse().ok()).collect();
        assert_eq!(
            (serials.first(), serials.last(), serials.get(1)),
            (Some(&after), Some(&after), Some(&before)),
            "{ixfr}"
        );
        let services = ixfr.lines().filter(|line| line.contains("SRV")).count();
        assert!(services >= 3 && !ixfr.contains("name1"), "{ixfr}");
    }
    let unknown = dig(primary.address, &["+noall", "+answer", "+tcp", "example.test", "IXFR=4000000000"]);
    assert!(unknown.contains("name49") || unknown.lines().count() == 1, "{unknown}");
    let whole = dig(primary.address, &["+noall", "+answer", "+tcp", "example.test", "IXFR=0"]);
    assert_eq!(whole.lines().filter(|line| line.starts_with("name")).count(), 50, "an unknown version: {whole}");
}

/// Who may not transfer is refused, each for its own reason.
#[test]
fn who_may_not_is_refused_for_the_right_reason() {
    let folder = Folder::new();
    let (live, standby) = (Target::start(folder.path()), Target::start(folder.path()));
    let rules = "allow-transfer = [\"127.0.0.1 transfer\"]";
    let primary = Primary::start(&folder, (&live, &standby), 5, rules);
    let (at, port) = (format!("@{}", primary.address.ip()), primary.address.port().to_string());
    let ask = |arguments: &[&str]| {
        let all: Vec<&str> = [at.as_str(), "-p", &port, "+tcp"].into_iter().chain(arguments.iter().copied()).collect();
        run("kdig", &all)
    };
    let (good, other) = (format!("hmac-sha256:transfer:{SECRET}"), format!("hmac-sha512:k512:{SECRET}"));
    let wrong = "hmac-sha256:transfer:d3JvbmcgYXMgY2FuIGJlIHdyb25nIGFzIGNhbiBiZSE=";
    let unknown = format!("hmac-sha256:nobody:{SECRET}");
    for (arguments, told) in [
        (vec!["example.test", "AXFR"], "REFUSED"),
        (vec!["-y", &other, "example.test", "AXFR"], "REFUSED"),
        (vec!["-y", wrong, "example.test", "AXFR"], "BADSIG"),
        (vec!["-y", &unknown, "example.test", "AXFR"], "BADKEY"),
        (vec!["-y", &good, "name1.example.test", "AXFR"], "NOTAUTH"),
        (vec!["-y", &good, "example.net", "AXFR"], "NOTAUTH"),
    ] {
        let text = ask(&arguments);
        assert!(text.contains(told), "{arguments:?}: {told} is not in {text}");
    }
    assert_eq!(zone_of(primary.address, &["-y", &good]).iter().filter(|line| line.starts_with("name")).count(), 5);
    assert_eq!((primary.outbound("axfr", "refused"), primary.outbound("axfr", "unknown")), (2, 4));
}
