//! `ready`: asks a running server whether it is ready, with a query for `ready.understudy. CH TXT`.

use std::io::ErrorKind;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};
use std::process::ExitCode;
use std::time::Duration;

use crate::base::terminal::sanitize;
use crate::config;

use super::args::{self, Ready};
use super::{FINDINGS, input};

/// Runs the command.
pub(super) fn run(args: &Ready) -> ExitCode {
    let timeout = args.timeout;
    let server = args.server.unwrap_or_else(|| {
        let listen = config::listen(&input::ProcessEnvironment);
        reachable(listen.first().copied().unwrap_or(args::DEFAULT_SERVER))
    });
    match ask(server, timeout) {
        Ok(text) if text == "ready" => {
            input::print(&format!("{server} is ready\n"));
            ExitCode::SUCCESS
        }
        Ok(text) => {
            // Why, a server tells on its own machine alone.
            let why = text.strip_prefix("not ready: ").map_or_else(String::new, |why| format!(": {}", sanitize(why)));
            input::print(&format!("{server} is not ready{why}\n"));
            ExitCode::from(FINDINGS)
        }
        // A time-out has either kind, by the system.
        Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {
            input::print(&format!("{server} gives no answer within {timeout:?}\n"));
            ExitCode::from(FINDINGS)
        }
        Err(error) => {
            input::print(&format!("{server} gives no answer: {error}\n"));
            ExitCode::from(FINDINGS)
        }
    }
}

/// A server that listens on every address is asked on loopback.
fn reachable(listen: SocketAddr) -> SocketAddr {
    let ip = match listen.ip() {
        IpAddr::V4(v4) if v4.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(v6) if v6.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        IpAddr::V4(_) | IpAddr::V6(_) => listen.ip(),
    };
    SocketAddr::new(ip, listen.port())
}

fn ask(server: SocketAddr, timeout: Duration) -> std::io::Result<String> {
    let any: IpAddr = if server.is_ipv4() { Ipv4Addr::UNSPECIFIED.into() } else { Ipv6Addr::UNSPECIFIED.into() };
    let socket = UdpSocket::bind((any, 0))?;
    socket.connect(server)?;
    socket.set_read_timeout(Some(timeout))?;
    let id = socket.local_addr()?.port().to_be_bytes();
    socket.send(&question(id))?;
    let mut buffer = [0u8; 512];
    let length = socket.recv(&mut buffer)?;
    let answer = buffer.get(..length).unwrap_or_default();
    read_txt(answer, id).ok_or_else(|| std::io::Error::other("an answer that is no answer to the question"))
}

/// `ready.understudy. CH TXT`, without recursion.
fn question(id: [u8; 2]) -> Vec<u8> {
    let mut packet = id.to_vec();
    packet.extend_from_slice(&[0, 0, 0, 1, 0, 0, 0, 0, 0, 0]);
    packet.extend_from_slice(NAME);
    packet.extend_from_slice(&[0, 16, 0, 3]);
    packet
}

/// Reads the first string of the first answer; the answer repeats the question, so its length is known.
fn read_txt(packet: &[u8], id: [u8; 2]) -> Option<String> {
    let (header, rest) = packet.split_first_chunk::<12>()?;
    if header[..2] != id || header[2] & 0x80 == 0 || header[3] & 0x0f != 0 || header[6..8] == [0, 0] {
        return None;
    }
    let rest = rest.get(NAME.len() + 4..)?;
    // The owner is a pointer of two octets, or the name in full.
    let owner = if rest.first()? & 0xc0 == 0xc0 { 2 } else { NAME.len() };
    let rdata = rest.get(owner + 10..)?;
    let (length, text) = rdata.split_first()?;
    String::from_utf8(text.get(..usize::from(*length))?.to_vec()).ok()
}

const NAME: &[u8] = b"\x05ready\x0aunderstudy\x00";
