//! The program under abuse: good queries by UDP with a fifth of broken packets among them, and a crowd on TCP and TLS that
//! idles, stops in the middle, sends an octet a second or never reads. Over HTTPS and QUIC, 60 clients hold what they can, one
//! floods four connections with frames that mean nothing, and one begins 200 handshakes a second and ends none. Thirty
//! targets flood whoever tests them, the zone is read anew twice a second, and nobody reads the log, in which every query
//! is noted. Meanwhile new clients come by each transport, and dnsperf asks beside. Everything runs on loopback.
//!
//! ```text
//! cargo bench --bench abuse -- --seconds 300                   # five minutes
//! cargo bench --bench abuse -- --seconds 300 --server nsd      # with NSD in its place, over what it has
//! cargo bench --bench abuse -- --seconds 300 --server knot     # and with Knot
//! cargo bench --bench abuse -- --seconds 300 --idle            # new clients alone, without any abuse
//! cargo bench --bench abuse -- --seconds 20 --rate 60000       # shorter, and faster
//! ```
//!
//! With `--amplification` it tells how many octets of answers come of one of a query by UDP. Clients on loopback have no
//! limit, so that needs a network of its own, of which nothing leaves:
//!
//! ```text
//! unshare -rn sh -c 'ip link set lo up; ip address add 10.25.0.0/24 dev lo;
//!   exec cargo bench --offline --bench abuse -- --amplification'
//! ```
//!
//! It needs `dnsperf` (Debian: dnsperf), and `nsd` and `knotd` (nsd, knot) for the comparison.
#![expect(clippy::unwrap_used, reason = "what cannot be measured must fail")]
#![expect(clippy::print_stdout, reason = "it prints what it measured")]
#![expect(clippy::disallowed_methods, reason = "it measures by the real clock, and its crowd are tasks of its own")]

mod amplification;
mod broken;
mod crowd;
mod floods;
mod hostile;
#[path = "../../tests/memory/https.rs"]
mod https;
mod load;
mod new_client;
mod question;
#[path = "../../tests/memory/quic.rs"]
mod quic;
mod server;
#[path = "../../tests/listeners/trust.rs"]
mod trust;
mod waits;

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use new_client::NewClients;
use server::{Kind, Server};
use waits::Waits;

/// Where the server answers.
const ADDRESS: Ipv4Addr = Ipv4Addr::new(127, 25, 0, 1);
const PLAIN: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(ADDRESS), 25_053);
const TLS: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(ADDRESS), 25_853);
const HTTPS: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(ADDRESS), 25_443);
const QUIC: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(ADDRESS), 25_853);
/// Who comes: half by TCP, half by TLS; more than the server has places for.
const CROWD: u16 = 1_200;
/// For how long new clients are measured while nothing else happens.
const ALONE: Duration = Duration::from_secs(10);

/// The word to stop, for all who load the server.
type Stop = Arc<AtomicBool>;

/// What those do that hold connections of HTTPS and QUIC.
#[derive(Clone, Copy, Debug)]
enum Conduct {
    /// They send a part of many messages.
    UnfinishedQueries,
    /// They ask for long answers and take none.
    UnreadAnswers,
}

/// How many streams each of them tries to have, and what each sends of a message that does not end.
const STREAMS: usize = 100;
const BODY: usize = 60_000;

/// How a new client comes.
type Way = (&'static str, fn(&NewClients) -> Option<Duration>);

fn main() {
    let seconds = argument("--seconds").unwrap_or(300);
    let rate = argument("--rate").unwrap_or(20_000);
    let has = |word: &str| std::env::args().any(|argument| argument == word);
    let kind = match () {
        () if has("nsd") => Kind::Nsd,
        () if has("knot") => Kind::Knot,
        () => Kind::Understudy,
    };
    raise_descriptors();
    if matches!(kind, Kind::Understudy) {
        hostile::start_targets();
    }
    let server = Server::start(kind, if has("--amplification") { amplification::SERVER } else { PLAIN });
    if has("--amplification") {
        println!("{}: octets by UDP for one address that may be forged\n", server.name());
        return amplification::print();
    }
    let new_clients = NewClients::new(server.certificate());
    while new_clients.by_udp().is_none() {}
    if has("--idle") {
        println!("{}: {seconds} s without abuse\n", server.name());
        let alone = measure(&new_clients, ways(kind), Duration::from_secs(seconds));
        return print(ways(kind), [("alone", alone)]);
    }
    println!("{}: {seconds} s, {rate} packets/s by UDP, a fifth of them broken, a crowd of {CROWD}\n", server.name());

    let alone = measure(&new_clients, ways(kind), ALONE);
    let stop = Stop::default();
    let crowd = crowd::start(&server, &stop);
    let floods = kind.has_https_and_quic().then(|| floods::start(server.certificate(), &stop));
    let load = load::start(u32::try_from(rate).unwrap(), &stop);
    let dnsperf = load::Dnsperf::start(server.folder(), seconds);
    let reloads = matches!(kind, Kind::Understudy).then(|| hostile::reload(server.id(), server.folder(), &stop));
    let memory = watch_memory(&server, seconds, &stop);
    let under = measure(&new_clients, ways(kind), Duration::from_secs(seconds));
    stop.store(true, Ordering::Relaxed);
    let memory = memory.join().unwrap();
    let crowd = crowd.join().unwrap();
    let load = load.join();
    let reloads = reloads.map_or(0, |reloads| reloads.join().unwrap());

    print(ways(kind), [("alone", alone), ("under abuse", under)]);
    println!("\n{load}\n{crowd}");
    if let Some(floods) = floods {
        println!("{}", floods.join().unwrap());
    }
    println!("{}\n{memory}\n{reloads} reloads", dnsperf.render());
}

/// The ways by which new clients come to a server, the echo of this process first.
fn ways(kind: Kind) -> &'static [Way] {
    let all: &'static [Way] = &[
        ("an echo by UDP", NewClients::by_echo),
        ("UDP", NewClients::by_udp),
        ("TCP", NewClients::by_tcp),
        ("TLS", NewClients::by_tls),
        ("HTTPS", NewClients::by_https),
        ("QUIC", NewClients::by_quic),
    ];
    let count = match (kind.has_tls(), kind.has_https_and_quic()) {
        (_, true) => 6,
        (true, false) => 4,
        (false, false) => 3,
    };
    all.get(..count).unwrap_or(all)
}

/// Lets new clients come by every way, one after the other, for so long.
fn measure(new_clients: &NewClients, ways: &[Way], span: Duration) -> Vec<Waits> {
    let begin = Instant::now();
    let mut waits: Vec<Waits> = ways.iter().map(|_| Waits::default()).collect();
    while begin.elapsed() < span {
        for ((_, come), waits) in ways.iter().zip(&mut waits) {
            waits.add(come(new_clients));
        }
        std::thread::sleep(PAUSE);
    }
    waits
}

/// Prints what new clients waited, a row for each way and each run.
fn print<const N: usize>(ways: &[Way], runs: [(&str, Vec<Waits>); N]) {
    println!("| new clients | | answered | not | median | p99 | longest |\n|---|---|---|---|---|---|---|");
    let mut runs = runs.map(|(run, waits)| (run, waits.into_iter()));
    for (way, _) in ways {
        for (run, waits) in &mut runs {
            println!("| {way} | {run} | {} |", waits.next().unwrap_or_default().render());
        }
    }
}

/// `big.example.com. TXT`.
fn long_query() -> Vec<u8> {
    let mut packet = vec![0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0];
    packet.extend_from_slice(b"\x03big\x07example\x03com\0\0\x10\0\x01");
    packet
}

/// Notes the resident memory each second; tells it after a fifth of the time, at the end, and the most.
fn watch_memory(server: &Server, seconds: u64, stop: &Stop) -> std::thread::JoinHandle<String> {
    let (stop, processes) = (Arc::clone(stop), server.processes());
    std::thread::spawn(move || {
        let mut sizes = Vec::new();
        while !stop.load(Ordering::Relaxed) {
            sizes.push(processes.resident_kib());
            std::thread::sleep(Duration::from_secs(1));
        }
        let early = usize::try_from(seconds / 5).unwrap_or(0).min(sizes.len() - 1);
        let (first, last) = (sizes[early], sizes[sizes.len() - 1]);
        let most = sizes.iter().max().copied().unwrap_or(0);
        format!(
            "resident memory: {} KiB at the start, {first} KiB after {early} s, {last} KiB at the end, {most} KiB at most; {:.1} s of processor time",
            sizes[0],
            processes.processor_seconds()
        )
    })
}

/// Reads `NAME NUMBER`; cargo adds an argument of its own.
fn argument(name: &str) -> Option<u64> {
    let arguments: Vec<String> = std::env::args().collect();
    let place = arguments.iter().position(|argument| argument == name)?;
    arguments.get(place + 1)?.parse().ok()
}

/// The crowd's ends of the connections are in this process.
fn raise_descriptors() {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let limit = getrlimit(Resource::Nofile);
    setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, ..limit }).unwrap();
}

/// From round to round of new clients.
const PAUSE: Duration = Duration::from_millis(50);
