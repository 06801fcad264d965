//! How many octets a server sends for one that it receives by UDP, from an address that may be forged.

use std::net::{IpAddr, Ipv4Addr, SocketAddr, UdpSocket};
use std::time::{Duration, Instant};

use hickory_proto::rr::RecordType;

use crate::question::{ORIGIN, Question};

/// Where the server answers, and who asks: neither is loopback, of which no rate is kept.
pub(crate) const SERVER: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::new(10, 25, 0, 1)), 25_053);
const CLIENT: Ipv4Addr = Ipv4Addr::new(10, 25, 0, 2);
/// What the greediest forger asks in a second.
const FLOOD: usize = 5_000;

/// Asks each question once, then the greediest one for a second as fast as a forger would; prints a table.
pub(crate) fn print() {
    let socket = UdpSocket::bind((CLIENT, 0)).unwrap();
    socket.connect(SERVER).unwrap();
    socket.set_read_timeout(Some(Duration::from_millis(500))).unwrap();
    // A service is answered once its targets are known.
    while queries().first().is_some_and(|(_, query)| exchange(&socket, query) == 0) {}
    println!("| query | octets | answer | factor |\n|---|---|---|---|");
    let mut greediest = (0.0, Vec::new());
    for (name, query) in queries() {
        let received = exchange(&socket, &query);
        let factor = of(received, query.len());
        println!("| {name} | {} | {received} | {factor:.1} |", query.len());
        if factor > greediest.0 {
            greediest = (factor, query);
        }
        // Let no rate remember it.
        std::thread::sleep(Duration::from_millis(100));
    }
    std::thread::sleep(Duration::from_secs(2));
    let (sent, received) = flood(&socket, &greediest.1);
    println!("| the greediest, {FLOOD} times in a second | {sent} | {received} | {:.1} |", of(received, sent));
}

/// Sends a query many times, spread over a second; returns the octets of all queries and of all answers.
fn flood(socket: &UdpSocket, query: &[u8]) -> (usize, usize) {
    let (begin, mut received, mut octets) = (Instant::now(), 0, [0; 4_096]);
    socket.set_read_timeout(Some(Duration::from_millis(1))).unwrap();
    let mut sent = 0;
    while begin.elapsed() < Duration::from_millis(1_500) {
        let due = usize::try_from(begin.elapsed().as_millis()).unwrap().min(1_000) * FLOOD / 1_000;
        while sent < due {
            socket.send(query).unwrap();
            sent += 1;
        }
        while let Ok(length) = socket.recv(&mut octets) {
            received += length;
        }
    }
    (query.len() * sent, received)
}

fn exchange(socket: &UdpSocket, query: &[u8]) -> usize {
    socket.send(query).unwrap();
    socket.recv(&mut [0; 4_096]).unwrap_or(0)
}

fn of(received: usize, sent: usize) -> f64 {
    received as f64 / sent as f64
}

fn queries() -> Vec<(&'static str, Vec<u8>)> {
    let of = |name: &str, rtype, with_edns| Question::new(name, rtype, with_edns, 0, 0).packet;
    let below = |label: &str| format!("{label}.{ORIGIN}");
    vec![
        ("a service of three hosts, EDNS", of(&below("_sip._tcp"), RecordType::SRV, true)),
        ("the same without EDNS", of(&below("_sip._tcp"), RecordType::SRV, false)),
        ("a set that just fits, EDNS", of(&below("wide"), RecordType::TXT, true)),
        ("a set that does not fit, EDNS", of(&below("big"), RecordType::TXT, true)),
        ("ANY of a name with three sets", of(&below("wide"), RecordType::ANY, true)),
        ("ANY of the zone itself", of(ORIGIN, RecordType::ANY, true)),
        ("a name that is not there", of(&below("absent"), RecordType::A, true)),
        ("a zone of others", of("other.test.", RecordType::A, true)),
        ("a header alone", vec![0; 12]),
        ("half a query", of(ORIGIN, RecordType::SOA, false).get(..20).unwrap_or_default().to_vec()),
    ]
}
