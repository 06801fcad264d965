//! What a query costs in an image of 600,000 records: answer and rendering, without sockets; how often it allocates, and what a
//! second thread adds.

#![expect(clippy::unwrap_used, clippy::print_stderr, reason = "a benchmark may fail and tells on stderr")]

use std::hint::black_box;
use std::ops::Range;
use std::sync::Arc;

use criterion::{Criterion, criterion_group, criterion_main};
use prometheus_client::registry::Registry;
use understudy::base::clock::Clock;
use understudy::base::table::{RowId, Table};
use understudy::serve::{Client, Limiter, Metrics, Parts, Readiness, Responder, Secrets, Settings, Transport};
use understudy::snapshot::{Image, Publisher, SlotId, SlotKey, SlotValue, Snapshot, ZoneId, ZoneInput};
use understudy::zone::{Name, Rtype, Srv, Zone, ZoneBuilder};

/// 100,000 services of two members, 200,000 hosts with A and AAAA, 1,000 delegations.
fn large_zone() -> Zone {
    let origin: Name = "example.com".parse().unwrap();
    let mut builder = ZoneBuilder::new(origin.clone());
    let name = |text: &str| Name::parse(text.as_bytes(), Some(&origin)).unwrap();
    let soa = [name("ns").wire(), name("hostmaster").wire(), &[0, 0, 0, 1].repeat(5)].concat();
    builder.add(&origin, Rtype::SOA, 60, &soa).unwrap();
    builder.add(&origin, Rtype::NS, 60, name("ns").wire()).unwrap();
    builder.add(&name("ns"), Rtype::A, 60, &[192, 0, 2, 53]).unwrap();
    for number in 0u32..100_000 {
        for member in 0..2u16 {
            let host = name(&format!("node{member}.customer-{number}"));
            let srv = Srv { priority: 10 + 10 * member, weight: 1, port: 5060, host: host.wire() };
            builder.add(&name(&format!("_sip._tcp.customer-{number}")), Rtype::SRV, 60, &srv.write()).unwrap();
            builder.add(&host, Rtype::A, 60, &number.to_be_bytes()).unwrap();
            builder.add(&host, Rtype::AAAA, 60, &u128::from(number).to_be_bytes()).unwrap();
        }
    }
    for number in 0..1_000 {
        let server = name(&format!("ns.sub{number}"));
        builder.add(&name(&format!("sub{number}")), Rtype::NS, 60, server.wire()).unwrap();
        builder.add(&server, Rtype::A, 60, &[192, 0, 2, 54]).unwrap();
    }
    builder.finish().unwrap()
}

/// Resident memory of this process in MiB; nothing where the system does not tell.
fn resident_mib() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmRSS"))?;
    Some(line.split_whitespace().nth(1)?.parse::<u64>().ok()? / 1024)
}

fn snapshot(criterion: &mut Criterion) -> Snapshot {
    let zone = Arc::new(large_zone());
    let with_zone = resident_mib();
    let input = ZoneInput { origin: zone.origin().clone(), zone: Some(Arc::clone(&zone)) };
    let zones: Table<ZoneId, ZoneInput> = [input].into_iter().collect();
    let id = ZoneId::from_index(0);
    let services = zone.nodes().filter(|(_, sets)| sets.iter().any(|set| set.rtype() == Rtype::SRV));
    let keys = services.map(|(owner, _)| SlotKey { zone: id, owner: owner.clone(), rtype: Rtype::SRV });
    let soa = SlotKey { zone: id, owner: zone.origin().clone(), rtype: Rtype::SOA };
    let slots: Table<SlotId, SlotKey> = keys.chain([soa]).collect();
    let values =
        slots.iter().map(|(_, key)| SlotValue::Records(Arc::clone(zone.rrset(&key.owner, key.rtype).unwrap())));
    let values: Vec<_> = values.collect();
    let mut group = criterion.benchmark_group("image");
    group.sample_size(10);
    group.bench_function("build", |bencher| bencher.iter(|| Image::build(&zones, &slots)));
    group.finish();
    let snapshot = Snapshot::first(Arc::new(Image::build(&zones, &slots)), values, 1);
    eprintln!("{} records; MiB resident: {with_zone:?}, with image {:?}", zone.record_count(), resident_mib());
    snapshot
}

fn query(question: &str, rtype: Rtype) -> Vec<u8> {
    let name: Name = question.parse().unwrap();
    let header: &[u8] = &[0, 7, 1, 0, 0, 1, 0, 0, 0, 0, 0, 1];
    let opt: &[u8] = &[0, 0, 41, 4, 208, 0, 0, 0, 0, 0, 0];
    [header, name.wire(), &rtype.0.to_be_bytes(), &[0, 1], opt].concat()
}

fn lookup(criterion: &mut Criterion) {
    let first = snapshot(criterion);
    publish(criterion, &first);
    let publisher = Publisher::new(first);
    let clock = Clock::start();
    let responder = Responder::new(Parts {
        reader: publisher.reader(),
        settings: Settings::default(),
        secrets: Secrets::new([1; 16]),
        readiness: Readiness::ready(),
        metrics: Metrics::register(&mut Registry::default()),
        limiter: Limiter::new([2; 16]),
        clock,
    });
    let address = "127.0.0.1:5300".parse().expect("an address");
    let mut group = criterion.benchmark_group("answer");
    for (title, question, rtype) in [
        ("srv", "_sip._tcp.customer-54321.example.com", Rtype::SRV),
        ("a", "node1.customer-54321.example.com", Rtype::A),
        ("nxdomain", "nobody.customer-54321.example.com", Rtype::A),
        ("referral", "www.sub321.example.com", Rtype::A),
        ("refused", "www.example.net", Rtype::A),
    ] {
        let packet = query(question, rtype);
        let mut message = Vec::with_capacity(1232);
        group.bench_function(title, |bencher| {
            bencher.iter(|| {
                let client = Client::new(address, Transport::Udp, clock.now());
                responder.respond(black_box(&packet), client, &mut message)
            });
        });
    }
    group.finish();
    count_allocations(&responder);
    add_a_thread(&responder);
}

/// Answers services by chance, as many as there are in `range`, in batches as a listener does.
fn answer_many(responder: &Responder, range: Range<u32>) {
    let address = "127.0.0.1:5300".parse().expect("an address");
    let mut packet = query("_sip._tcp.customer-00000.example.com", Rtype::SRV);
    let mut message = Vec::with_capacity(1232);
    for first in range.step_by(32) {
        let batch = responder.batch();
        for number in first..first + 32 {
            // The five digits of a name that exists: those of the services from 10,000 on.
            let mut rest = number.wrapping_mul(2_654_435_761) % 90_000 + 10_000;
            for place in (32..37).rev() {
                packet[place] = b'0' + u8::try_from(rest % 10).unwrap();
                rest /= 10;
            }
            let sent = batch.respond(black_box(&packet), batch.client(address, Transport::Udp), &mut message);
            assert!(sent.is_some_and(|sent| sent.rcode.0 == 0));
        }
    }
}

fn count_allocations(responder: &Responder) {
    let [few, many] =
        [32, 32_000].map(|end| allocation_counter::measure(|| answer_many(responder, 0..end)).count_total);
    eprintln!("allocations: {} more for 32,000 answers than for 32", many - few);
}

/// How many more answers two threads give than one.
fn add_a_thread(responder: &Responder) {
    let rate = |threads: u32| {
        let begin = Clock::start();
        let before = begin.now().mono;
        std::thread::scope(|scope| {
            for thread in 0..threads {
                scope.spawn(move || answer_many(responder, thread * ANSWERS..(thread + 1) * ANSWERS));
            }
        });
        f64::from(threads * ANSWERS) / begin.now().mono.since(before).as_secs_f64()
    };
    let mut ratios: Vec<f64> = (0..5).map(|_| rate(1)).map(|one| rate(2) / one).collect();
    ratios.sort_by(f64::total_cmp);
    eprintln!(
        "two threads: {:.2} times as many answers as one (of five: {:.2} to {:.2})",
        ratios[2], ratios[0], ratios[4]
    );
    eprintln!("one thread: {:.0} ns for each answer", 1e9 / rate(1));
}

/// Answers of each thread, in whole batches.
const ANSWERS: u32 = 32 * 31_250;

/// A flip of one service: its slot and the SOA.
fn publish(criterion: &mut Criterion, first: &Snapshot) {
    let soa = SlotId::from_index(first.image().slot_count() - 1);
    let empty = SlotValue::Empty { negative_ttl: 5 };
    let mut current = first.clone();
    let mut number = 0;
    criterion.bench_function("next snapshot of 100,000 services", |bencher| {
        bencher.iter(|| {
            number = (number + 7_919) % 100_000;
            let slot = SlotId::from_index(number);
            current = current.next([(slot, empty.clone()), (soa, empty.clone())]);
        });
    });
}

criterion_group!(benches, lookup);
criterion_main!(benches);
