//! What is hostile from within: targets that flood whoever tests them, and files that are read anew without end.

use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread::JoinHandle;
use std::time::Duration;

use crate::Stop;
use crate::question;

/// How many targets there are of each kind.
const TARGETS: u8 = 15;
/// The ports of those that flood by HTTP/1.1 and by HTTP/2.
const PORTS: [(&str, u16); 2] = [("_http._tcp", 8_080), ("_grpc._tcp", 8_081)];
/// From reload to reload.
const RELOAD: Duration = Duration::from_millis(500);

/// The zone with the services of all targets.
pub(crate) fn zone(serial: u32) -> String {
    let mut zone = question::zone(serial);
    for number in 1..=TARGETS {
        for (service, port) in PORTS {
            zone += &format!("{service}.hostile{number} 60 IN SRV 0 0 {port} hostile{number}\n");
        }
        zone += &format!("hostile{number} 60 IN A {}\n", address(number));
    }
    zone
}

fn address(number: u8) -> Ipv4Addr {
    Ipv4Addr::new(127, 25, 1, number)
}

/// Starts all targets; they live as long as this process.
pub(crate) fn start_targets() {
    // An interim answer; a frame of an unknown type behind SETTINGS.
    let floods = [
        (Vec::new(), b"HTTP/1.1 100 Continue\r\n\r\n".repeat(1_000)),
        (vec![0, 0, 0, 4, 0, 0, 0, 0, 0], [0, 0, 0, 0xfa, 0, 0, 0, 0, 1].repeat(1_000)),
    ];
    for number in 1..=TARGETS {
        for ((_, port), flood) in PORTS.into_iter().zip(floods.clone()) {
            let listener = TcpListener::bind((address(number), port)).unwrap();
            std::thread::spawn(move || {
                for stream in listener.incoming().flatten() {
                    let (begin, pieces) = flood.clone();
                    std::thread::spawn(move || drop(pour(stream, &begin, &pieces)));
                }
            });
        }
    }
}

/// Reads what it is asked, then floods until nobody takes it.
fn pour(mut stream: TcpStream, begin: &[u8], pieces: &[u8]) -> std::io::Result<()> {
    stream.set_write_timeout(Some(Duration::from_secs(10)))?;
    let _asked = stream.read(&mut [0; 4_096])?;
    stream.write_all(begin)?;
    loop {
        stream.write_all(pieces)?;
    }
}

/// Has the server read a changed zone again and again; tells how often.
pub(crate) fn reload(process: u32, folder: &Path, stop: &Stop) -> JoinHandle<u32> {
    let (file, stop) = (folder.join("zone"), Arc::clone(stop));
    std::thread::spawn(move || {
        let mut serial = 1;
        while !stop.load(Ordering::Relaxed) {
            serial += 1;
            let new = file.with_extension("new");
            std::fs::write(&new, zone(serial)).unwrap();
            std::fs::rename(&new, &file).unwrap();
            drop(Command::new("kill").args(["-s", "HUP", &process.to_string()]).status());
            std::thread::sleep(RELOAD);
        }
        serial - 1
    })
}
