//! How long, and with how much memory, a zone of 600,000 records loads.
//!
//! `cargo bench --bench load` prints how long parsing takes, and how long it takes from the text to the snapshot that
//! listeners answer from, with the memory that both hold (`VmRSS`) and held at most (`VmHWM`), above the text itself.
#![expect(clippy::disallowed_methods, reason = "a benchmark reads the clock")]

use std::fmt::Write;
use std::hint::black_box;
use std::sync::Arc;
use std::time::Instant;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use understudy::base::table::Table;
use understudy::snapshot::{Image, SlotId, SlotKey, SlotValue, Snapshot, ZoneId, ZoneInput};
use understudy::zone::parse::{NoSources, Origin, load};
use understudy::zone::{Rtype, Zone};

/// Services; each has three members and two addresses of a host, so six records with its TXT.
const SERVICES: u32 = 100_000;

fn load_zone(criterion: &mut Criterion) {
    let text = master_file();
    let records = u64::from(SERVICES) * 6 + 3;
    let (before, started) = (resident_kib(), Instant::now());
    let zone = parse(&text);
    let parsed = started.elapsed();
    assert_eq!(zone.record_count() as u64, records);
    let held = resident_kib().saturating_sub(before) / 1024;
    report(&format!("parse: {records} records, {} MiB of text, in {parsed:.2?}, {held} MiB held", text.len() >> 20));

    let started = Instant::now();
    let served = serve(zone);
    let made = started.elapsed();
    let (held, peak) = (resident_kib().saturating_sub(before) / 1024, peak_kib().saturating_sub(before) / 1024);
    report(&format!("lower, image and first snapshot: in {made:.2?}; together {held} MiB held, {peak} MiB at most"));
    drop(served);

    let mut group = criterion.benchmark_group("load");
    group.sample_size(10).throughput(Throughput::Elements(records));
    group.bench_function("parse", |bencher| bencher.iter(|| black_box(parse(&text))));
    group.bench_function("parse to first snapshot", |bencher| bencher.iter(|| black_box(serve(parse(&text)))));
    group.finish();
}

fn parse(text: &str) -> Zone {
    load("bench.zone", text.as_bytes(), Origin::Unknown, &mut NoSources).zone.expect("the zone is good")
}

/// Makes the image that listeners answer from, as `serve --static` does.
fn serve(zone: Zone) -> Snapshot {
    let mut zones = Table::new();
    let id: ZoneId = zones.push(ZoneInput { origin: zone.origin().clone(), zone: Some(Arc::new(zone)) });
    let zone = zones[id].zone.as_ref().expect("put there above");
    let mut slots: Table<SlotId, SlotKey> = Table::new();
    let mut values = Vec::new();
    // Every SRV set and every host's addresses follow decisions, as does the SOA.
    for (owner, sets) in zone.nodes() {
        for set in sets.iter().filter(|set| matches!(set.rtype(), Rtype::SRV | Rtype::A | Rtype::AAAA | Rtype::SOA)) {
            slots.push(SlotKey { zone: id, owner: owner.clone(), rtype: set.rtype() });
            values.push(SlotValue::Records(Arc::clone(set)));
        }
    }
    Snapshot::first(Arc::new(Image::build(&zones, &slots)), values, 1)
}

/// Writes a zone in the order of its services, which is not the canonical one.
fn master_file() -> String {
    let mut text =
        String::from("$ORIGIN example.com.\n$TTL 300\n@ SOA ns1 host 1 1h 15m 2w 5m\n@ NS ns1\nns1 A 192.0.2.53\n");
    for service in 0..SERVICES {
        let [_, a, b, c] = service.to_be_bytes();
        let line = |text: std::fmt::Arguments<'_>, out: &mut String| out.write_fmt(text).expect("memory takes it");
        line(format_args!("_sip._tcp.s{service} 60 IN SRV 10 60 5060 h{service}\n"), &mut text);
        line(format_args!("\t60 IN SRV 10 40 5060 h{}\n", service / 2), &mut text);
        line(format_args!("\t60 IN SRV 20 0 5060 standby.example.net.\n"), &mut text);
        line(format_args!("h{service} IN A 10.{a}.{b}.{c}\n\tAAAA 2001:db8::{b:x}:{c:x}\n"), &mut text);
        line(format_args!("s{service} TXT \"service {service}\"\n"), &mut text);
    }
    text
}

/// The highest resident memory so far in KiB; 0 where the kernel does not say.
fn peak_kib() -> u64 {
    status_kib("VmHWM:")
}

/// The resident memory in KiB; 0 where the kernel does not say.
fn resident_kib() -> u64 {
    status_kib("VmRSS:")
}

fn status_kib(key: &str) -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix(key));
    line.and_then(|line| line.split_whitespace().next()?.parse().ok()).unwrap_or(0)
}

#[expect(clippy::print_stderr, reason = "a benchmark speaks to its terminal")]
fn report(line: &str) {
    eprintln!("{line}");
}

criterion_group!(benches, load_zone);
criterion_main!(benches);
