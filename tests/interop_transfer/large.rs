//! A zone of very many records goes out to NSD and Knot and comes in from them, and between the two: how long each takes
//! until it answers, and how much memory both sides hold at most.
//!
//! `UNDERSTUDY_RECORDS` says how many records there are.

use std::fmt::Write as _;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crate::foreign::{Kind, Secondary, Source, address};
use crate::inbound::{Master, start};
use crate::lab::{Folder, Primary, Process, dig, serial};

/// How long a transfer may take, with what its reader does with it.
const LONGEST: Duration = Duration::from_secs(900);
/// How often memory is looked at.
const LOOK: Duration = Duration::from_millis(200);

/// Looks at the memory of a server, its children included, until it is asked.
struct Peak {
    most: Arc<AtomicU64>,
    stops: Arc<AtomicBool>,
    thread: JoinHandle<()>,
}

impl Peak {
    fn watch(server: u32) -> Self {
        let (most, stops) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicBool::new(false)));
        let (seen, stopped) = (Arc::clone(&most), Arc::clone(&stops));
        let thread = std::thread::spawn(move || {
            while !stopped.load(Ordering::Relaxed) {
                seen.fetch_max(memory(server), Ordering::Relaxed);
                std::thread::park_timeout(LOOK);
            }
        });
        Self { most, stops, thread }
    }

    /// Returns the most in MiB.
    fn mebibytes(self) -> u64 {
        self.stops.store(true, Ordering::Relaxed);
        self.thread.join().unwrap();
        self.most.load(Ordering::Relaxed) >> 10
    }
}

/// What a process and its children hold, in KiB: of pages that several of them share, each has its part.
fn memory(process: u32) -> u64 {
    let read = |name: &str| std::fs::read_to_string(format!("/proc/{process}/{name}")).unwrap_or_default();
    let rollup = read("smaps_rollup");
    let own = rollup.lines().find_map(|line| line.strip_prefix("Pss:")?.trim().strip_suffix(" kB")?.parse().ok());
    let children = read(&format!("task/{process}/children"));
    own.unwrap_or(0) + children.split_whitespace().filter_map(|child| child.parse().ok()).map(memory).sum::<u64>()
}

fn zone(records: u32) -> String {
    let mut text =
        "$ORIGIN example.test.\n$TTL 300\n@ SOA ns1 hostmaster 7 3600 60 86400 60\n@ NS ns1\nns1 A 127.0.0.1\n"
            .to_owned();
    for number in 3..records {
        let [_, a, b, c] = number.to_be_bytes();
        _ = writeln!(text, "host{number} A 127.{a}.{b}.{c}");
    }
    text
}

/// Waits until a server has the zone; returns how long it took.
#[track_caller]
fn wait(server: SocketAddr) -> Duration {
    let begin = Instant::now();
    while serial(server).is_none() {
        assert!(begin.elapsed() < LONGEST, "no zone within {LONGEST:?}");
        std::thread::park_timeout(Duration::from_millis(20));
    }
    begin.elapsed()
}

/// Counts the records of a server's zone, and makes a number of them that is the same for the same records.
fn digest(server: SocketAddr) -> (usize, u64) {
    let text = dig(server, &["+tcp", "+time=60", "+noall", "+answer", "+onesoa", "example.test", "AXFR"]);
    let lines = text.lines().filter(|line| !line.starts_with(';') && !line.is_empty());
    lines.fold((0, 0), |(count, sum), line| {
        let mut hasher = DefaultHasher::new();
        line.split_whitespace().for_each(|word| word.to_lowercase().hash(&mut hasher));
        (count + 1, u64::wrapping_add(sum, hasher.finish()))
    })
}

/// Starts what takes the zone, and tells how it went.
fn measure(names: (&str, &str), primary: (SocketAddr, u32), reader: SocketAddr, start: impl FnOnce() -> Reader) {
    let theirs = Peak::watch(primary.1);
    let started = start();
    let ours = Peak::watch(started.id());
    let took = wait(reader);
    let (out, into) = (theirs.mebibytes(), ours.mebibytes());
    let (sent, came) = (digest(primary.0), digest(reader));
    assert_eq!(sent, came, "{names:?}");
    println!("| {} | {} | {:.1} s | {out} MiB | {into} MiB | {} records", names.0, names.1, took.as_secs_f64(), came.0);
}

/// What takes the zone; it ends with this value.
enum Reader {
    Foreign(Secondary),
    Own(Process),
}

impl Reader {
    fn id(&self) -> u32 {
        match self {
            Self::Foreign(secondary) => secondary.id(),
            Self::Own(process) => process.id(),
        }
    }
}

fn foreign(kind: Kind, at: SocketAddr, primary: SocketAddr) -> Reader {
    let mut secondary = Secondary::new(kind, at, Source { primary, signed: false, tls: None });
    secondary.start();
    Reader::Foreign(secondary)
}

#[test]
fn a_large_zone_goes_out_and_comes_in_whole() {
    let records = std::env::var("UNDERSTUDY_RECORDS").ok().and_then(|text| text.parse().ok()).unwrap_or(3_000);
    let text = zone(records);
    println!("| from | to | time | the first holds | the second holds | ");
    {
        let folder = Folder::new();
        let primary = Primary::run(&folder, &text, "", "allow-transfer = [\"127.0.0.1\"]");
        wait(primary.address);
        for (kind, name) in [(Kind::Nsd, "NSD"), (Kind::Knot, "Knot")] {
            let at = address();
            let start = || foreign(kind, at, primary.address);
            measure(("understudy", name), (primary.address, primary.id()), at, start);
        }
    }
    for (kind, name, other, other_name) in
        [(Kind::Nsd, "NSD", Kind::Knot, "Knot"), (Kind::Knot, "Knot", Kind::Nsd, "NSD")]
    {
        let master = Master::begin(kind, address(), false, &text);
        wait(master.address());
        let source = (master.address(), master.id());
        let (folder, at) = (Folder::new(), address());
        measure((name, "understudy"), source, at, || Reader::Own(start(&folder, at, master.address(), false)));
        let at = address();
        measure((name, other_name), source, at, || foreign(other, at, master.address()));
    }
}
