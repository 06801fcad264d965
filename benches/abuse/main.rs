//! The program under abuse: good queries by UDP with a fifth of broken packets among them, and a crowd on TCP and TLS that
//! idles, stops in the middle, sends an octet a second or never reads. Thirty targets flood whoever tests them, the zone is read
//! anew twice a second, and nobody reads the log, in which every query is noted. Meanwhile new clients come by UDP, TCP and
//! TLS, and dnsperf asks beside. Everything runs on loopback.
//!
//! ```text
//! cargo bench --bench abuse -- --seconds 300                   # five minutes
//! cargo bench --bench abuse -- --seconds 300 --server nsd      # the same with NSD in its place
//! cargo bench --bench abuse -- --seconds 20 --rate 60000       # shorter, and faster
//! ```
//!
//! It needs `dnsperf` (Debian: dnsperf), and `nsd` for the comparison.
#![expect(clippy::unwrap_used, reason = "what cannot be measured must fail")]
#![expect(clippy::print_stdout, reason = "it prints what it measured")]
#![expect(clippy::disallowed_methods, reason = "it measures by the real clock, and its crowd are tasks of its own")]

mod broken;
mod crowd;
mod hostile;
mod load;
mod new_client;
mod question;
mod server;
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
/// Who comes: half by TCP, half by TLS; more than the server has places for.
const CROWD: u16 = 1_200;
/// For how long new clients are measured while nothing else happens.
const ALONE: Duration = Duration::from_secs(10);

/// The word to stop, for all who load the server.
type Stop = Arc<AtomicBool>;

fn main() {
    let seconds = argument("--seconds").unwrap_or(300);
    let rate = argument("--rate").unwrap_or(20_000);
    let kind = if std::env::args().any(|argument| argument == "nsd") { Kind::Nsd } else { Kind::Understudy };
    raise_descriptors();
    if matches!(kind, Kind::Understudy) {
        hostile::start_targets();
    }
    let server = Server::start(kind);
    let new_clients = NewClients::new(server.certificate());
    while new_clients.by_udp().is_none() {}
    println!("{}: {seconds} s, {rate} packets/s by UDP, a fifth of them broken, a crowd of {CROWD}\n", server.name());

    let alone = measure(&new_clients, ALONE);
    let stop = Stop::default();
    let crowd = crowd::start(server.certificate(), &stop);
    let load = load::start(u32::try_from(rate).unwrap(), &stop);
    let dnsperf = load::Dnsperf::start(server.folder(), seconds);
    let reloads = matches!(kind, Kind::Understudy).then(|| hostile::reload(server.id(), server.folder(), &stop));
    let memory = watch_memory(&server, seconds, &stop);
    let under = measure(&new_clients, Duration::from_secs(seconds));
    stop.store(true, Ordering::Relaxed);
    let memory = memory.join().unwrap();
    let crowd = crowd.join().unwrap();
    let load = load.join();
    let reloads = reloads.map_or(0, |reloads| reloads.join().unwrap());

    println!("| new clients | | answered | not | median | p99 | longest |\n|---|---|---|---|---|---|---|");
    let both = alone.into_iter().zip(under);
    for (transport, (alone, under)) in ["an echo by UDP", "UDP", "TCP", "TLS"].into_iter().zip(both) {
        println!("| {transport} | alone | {} |", alone.render());
        println!("| {transport} | under abuse | {} |", under.render());
    }
    println!("\n{}\n{}\n{}\n{memory}\n{reloads} reloads", load, crowd, dnsperf.render());
}

/// Lets new clients come by every transport, one after the other, for so long.
fn measure(new_clients: &NewClients, span: Duration) -> [Waits; 4] {
    let begin = Instant::now();
    let mut waits: [Waits; 4] = Default::default();
    while begin.elapsed() < span {
        let [echo, udp, tcp, tls] = &mut waits;
        echo.add(new_clients.by_echo());
        udp.add(new_clients.by_udp());
        tcp.add(new_clients.by_tcp());
        tls.add(new_clients.by_tls());
        std::thread::sleep(PAUSE);
    }
    waits
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
