//! A pause of the program itself: what its probes saw over it counts for nothing.

use std::collections::HashSet;
use std::net::{Ipv4Addr, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use crate::client::ask;
use crate::server::{Folder, Network, Server};

/// How many targets there are: some of them are being tested when the program is stopped.
const TARGETS: usize = 8;

/// A SIP server over UDP of which each first answer is lost: only requests that are sent again are answered.
fn lossy(address: Ipv4Addr, stop: Arc<AtomicBool>) -> std::thread::JoinHandle<()> {
    let socket = UdpSocket::bind((address, 5060)).unwrap();
    socket.set_read_timeout(Some(Duration::from_millis(100))).unwrap();
    std::thread::spawn(move || {
        let (mut seen, mut packet) = (HashSet::new(), [0; 2048]);
        while !stop.load(Ordering::Relaxed) {
            let Ok((length, peer)) = socket.recv_from(&mut packet) else { continue };
            let request = String::from_utf8_lossy(&packet[..length]).into_owned();
            let told =
                |line: &&str| ["Via:", "From:", "To:", "Call-ID:", "CSeq:"].iter().any(|name| line.starts_with(name));
            let told: String = request.lines().filter(told).map(|line| format!("{line}\r\n")).collect();
            if !seen.insert(told.clone()) {
                let answer = format!("SIP/2.0 200 OK\r\n{told}Content-Length: 0\r\n\r\n");
                // Whoever asked may be stopped.
                drop(socket.send_to(answer.as_bytes(), peer));
            }
        }
    })
}

#[test]
fn a_pause_of_the_program_takes_no_target_down() {
    let (folder, network) = (Folder::new(), Network::new());
    let addresses: Vec<Ipv4Addr> = (0..TARGETS).map(|_| network.take()).collect();
    let stop = Arc::new(AtomicBool::new(false));
    let servers: Vec<_> = addresses.iter().map(|address| lossy(*address, Arc::clone(&stop))).collect();
    let mut zone = "$ORIGIN example.com.\n$TTL 300\n@ SOA ns1 h 1 1 1 1 30\n@ NS ns1\nns1 A 127.0.0.1\n".to_owned();
    for (number, address) in addresses.iter().enumerate() {
        zone += &format!("_sip._udp SRV 10 0 5060 n{number}\nn{number} A {address}\n");
    }
    let zone = folder.write("example.com.zone", zone);
    let config = folder.write(
        "understudy.toml",
        "version = 1\n[health]\ninterval = \"700ms\"\nfast-interval = \"700ms\"\ntimeout = \"2s\"\nfall = 1\n",
    );
    let server = Server::serve(&[&config, &zone], "none".as_ref());
    let address = server.address();
    server.answering();
    let all = ask(address, "_sip._udp.example.com. SRV").records;
    assert_eq!(all.len(), TARGETS);
    let from = server.log.len();
    for _ in 0..3 {
        server.signal("STOP");
        std::thread::sleep(Duration::from_secs(3));
        server.signal("CONT");
        std::thread::sleep(Duration::from_secs(1));
    }
    let log = server.log.text();
    let fallen: Vec<&str> = log.lines().skip(from).filter(|line| line.contains("\"down\"")).collect();
    assert_eq!(fallen, [""; 0]);
    assert_eq!(ask(address, "_sip._udp.example.com. SRV").records, all);
    stop.store(true, Ordering::Relaxed);
    servers.into_iter().for_each(|server| server.join().unwrap());
}
