//! What crowds make the program hold that send queries by half and take no answers, and what reloads do.
//!
//! The program runs with its default limits. From each address come as many connections as may; those of HTTPS and QUIC from
//! 12 addresses, those of TCP, which cost no handshake, from 45.
#![expect(clippy::unwrap_used, reason = "a test stops at what it did not expect")]
#![expect(clippy::print_stdout, reason = "it tells what it measured")]
#![expect(clippy::disallowed_methods, reason = "its clients are tasks of its own, and wait by the real clock")]

mod ending;
mod https;
mod quic;
mod reload;
#[path = "../process/server.rs"]
#[expect(dead_code, reason = "other tests use more of it")]
mod server;
mod tcp;
#[path = "../listeners/trust.rs"]
mod trust;

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;

use tokio::task::JoinSet;

use server::{Folder, Server};

/// The most that the program may hold, in KiB.
const MOST_KIB: u64 = 100 << 10;
/// How many clients there are, and how many connections each has: as many as the default limit lets one have.
const CLIENTS: u8 = 12;
const CLIENTS_BY_TCP: u8 = 45;
const CONNECTIONS_OF_CLIENT: usize = 20;
/// How many streams each tries to have.
const STREAMS: usize = 100;
/// What each stream sends of a message that does not end.
const BODY: usize = 60_000;

/// The program with its HTTPS and QUIC listeners.
struct Program {
    server: Server,
    _folder: Folder,
}

impl Program {
    fn start() -> Self {
        let folder = Folder::new();
        let made = rcgen::generate_simple_self_signed(["ns1.example.com".to_owned()]).unwrap();
        folder.write("cert.pem", made.cert.pem());
        folder.write("key.pem", made.signing_key.serialize_pem());
        let mut zone = "$TTL 60\n@ SOA ns1 h 1 3600 600 86400 60\n@ NS ns1\nns1 A 192.0.2.1\n".to_owned();
        for number in 0..100 {
            zone += &format!("big TXT {number:0200}\n");
        }
        folder.write("example.com.zone", zone);
        let config = folder.write(
            "understudy.toml",
            "version = 1\n[server]\nhttps-listen = [\"127.0.0.1:0\"]\nquic-listen = [\"127.0.0.1:0\"]\n\
             certificate = \"cert.pem\"\nkey = \"key.pem\"\n[[zone]]\nfile = \"example.com.zone\"\n",
        );
        let server = Server::program(&[&config], "none".as_ref()).argument("--static").start();
        server.answering();
        Self { server, _folder: folder }
    }

    fn address(&self, transport: &str) -> SocketAddr {
        if transport == "TCP" {
            return self.server.address();
        }
        let (_, line) = self.server.log.wait_from(0, &[&format!("listening on {transport}\"")]);
        line["listen"].as_str().unwrap().parse().unwrap()
    }

    fn resident_kib(&self) -> u64 {
        resident_kib(&self.server)
    }
}

/// The memory that is resident, in KiB.
fn resident_kib(server: &Server) -> u64 {
    let text = std::fs::read_to_string(format!("/proc/{}/status", server.id())).unwrap();
    let line = text.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}

/// What a crowd does.
#[derive(Clone, Copy, Debug)]
enum Conduct {
    /// It sends a part of many messages.
    UnfinishedQueries,
    /// It asks for long answers and takes none.
    UnreadAnswers,
}

/// Lets a crowd come, which opens its connections by `open`; returns how much memory it takes at most, in KiB.
async fn crowd<C, F>(
    conduct: Conduct,
    transport: &str,
    open: impl Fn(IpAddr, SocketAddr, Conduct) -> F + Copy + Send + 'static,
) -> u64
where
    C: Send + 'static,
    F: Future<Output = Option<C>> + Send,
{
    let program = Program::start();
    let server = program.address(transport);
    let before = program.resident_kib();
    let mut clients = JoinSet::new();
    for number in 1..=if transport == "TCP" { CLIENTS_BY_TCP } else { CLIENTS } {
        let client = Ipv4Addr::new(127, 31, 0, number).into();
        clients.spawn(async move {
            let mut connections = Vec::new();
            for _ in 0..CONNECTIONS_OF_CLIENT {
                connections.extend(open(client, server, conduct).await);
            }
            connections
        });
    }
    let (mut most, mut connections) = (before, Vec::new());
    let mut look = tokio::time::interval(Duration::from_millis(20));
    let mut left = 100;
    // For two seconds longer than the last one comes.
    while left > 0 {
        tokio::select! {
            Some(opened) = clients.join_next() => connections.extend(opened.unwrap()),
            _ = look.tick() => {
                most = most.max(program.resident_kib());
                left -= i32::from(clients.is_empty());
            }
        }
    }
    let count = connections.len();
    assert!(count >= 200, "only {count} connections came about");
    drop(connections);
    tokio::time::sleep(Duration::from_secs(1)).await;
    let after = program.resident_kib();
    println!("{transport}, {conduct:?}, {count} connections: {before} KiB before, {most} at most, {after} after");
    most
}

#[tokio::test(flavor = "multi_thread")]
async fn crowds_of_half_queries_by_tcp_hold_little() {
    let most = crowd(Conduct::UnfinishedQueries, "TCP", tcp::open).await;
    assert!(most <= MOST_KIB, "{most} KiB");
}

#[tokio::test(flavor = "multi_thread")]
async fn crowds_that_take_no_answers_by_tcp_hold_little() {
    let most = crowd(Conduct::UnreadAnswers, "TCP", tcp::open).await;
    assert!(most <= MOST_KIB, "{most} KiB");
}

#[tokio::test(flavor = "multi_thread")]
async fn crowds_of_half_queries_by_https_hold_little() {
    let most = crowd(Conduct::UnfinishedQueries, "HTTPS", https::open).await;
    assert!(most <= MOST_KIB, "{most} KiB");
}

#[tokio::test(flavor = "multi_thread")]
async fn crowds_that_take_no_answers_by_https_hold_little() {
    let most = crowd(Conduct::UnreadAnswers, "HTTPS", https::open).await;
    assert!(most <= MOST_KIB, "{most} KiB");
}

#[tokio::test(flavor = "multi_thread")]
async fn crowds_of_half_queries_by_quic_hold_little() {
    let most = crowd(Conduct::UnfinishedQueries, "QUIC", quic::open).await;
    assert!(most <= MOST_KIB, "{most} KiB");
}

#[tokio::test(flavor = "multi_thread")]
async fn crowds_that_take_no_answers_by_quic_hold_little() {
    let most = crowd(Conduct::UnreadAnswers, "QUIC", quic::open).await;
    assert!(most <= MOST_KIB, "{most} KiB");
}

/// `big.example.com. TXT`.
fn long_query() -> Vec<u8> {
    let mut packet = vec![0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0];
    packet.extend_from_slice(b"\x03big\x07example\x03com\0\0\x10\0\x01");
    packet
}
