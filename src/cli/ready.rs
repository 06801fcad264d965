//! `ready`: asks a running server whether it is ready or live, with a query for `ready.understudy. CH TXT` or
//! `live.understudy. CH TXT`.

use std::io::ErrorKind;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};
use std::process::ExitCode;
use std::time::Duration;

use crate::base::terminal::sanitize;
use crate::config;
use crate::daemon::kept_listeners;
use crate::store;

use super::args::{self, Ready};
use super::{FINDINGS, input};

/// Runs the command.
pub(super) fn run(args: &Ready) -> ExitCode {
    let timeout = args.timeout;
    let server = args.server.unwrap_or_else(|| find_server(args));
    let (word, name) = if args.live { ("live", LIVE) } else { ("ready", READY) };
    match ask(server, name, timeout) {
        Ok(texts) => {
            let mut texts = texts.iter().map(|text| sanitize(text));
            let state = texts.next().unwrap_or_default();
            let is_so = state == word;
            // Why, a server tells on its own machine alone.
            let why = state.strip_prefix(&format!("not {word}")).unwrap_or_default().to_owned();
            input::say(&if is_so { format!("{server} is {word}\n") } else { format!("{server} is not {word}{why}\n") });
            texts.for_each(|remark| input::say(&format!("{remark}\n")));
            if is_so { ExitCode::SUCCESS } else { ExitCode::from(FINDINGS) }
        }
        // A time-out has either kind, by the system.
        Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {
            input::say(&format!("{server} gives no answer within {timeout:?}\n"));
            ExitCode::from(FINDINGS)
        }
        Err(error) => {
            input::say(&format!("{server} gives no answer: {error}\n"));
            ExitCode::from(FINDINGS)
        }
    }
}

/// Finds where the server answers: as the one that runs has noted in the state folder, else as the config says.
fn find_server(args: &Ready) -> SocketAddr {
    let (listen, folder) =
        config::own_server(input::state_choice(args.state.state.as_ref()), &input::ProcessEnvironment);
    let running = folder.filter(|folder| store::in_use(folder));
    let kept = running.and_then(|folder| store::read(&folder).ok()).map(|entries| kept_listeners(&entries));
    let first = kept.unwrap_or_default().first().copied().or_else(|| listen.first().copied());
    reachable(first.unwrap_or(args::DEFAULT_SERVER))
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

/// Asks for a name, and returns the texts of the answer.
fn ask(server: SocketAddr, name: &[u8], timeout: Duration) -> std::io::Result<Vec<String>> {
    let any: IpAddr = if server.is_ipv4() { Ipv4Addr::UNSPECIFIED.into() } else { Ipv6Addr::UNSPECIFIED.into() };
    let socket = UdpSocket::bind((any, 0))?;
    socket.connect(server)?;
    socket.set_read_timeout(Some(timeout))?;
    let id = socket.local_addr()?.port().to_be_bytes();
    socket.send(&question(name, id))?;
    let mut buffer = [0u8; 4096];
    let length = socket.recv(&mut buffer)?;
    let answer = buffer.get(..length).unwrap_or_default();
    read_texts(answer, name, id).ok_or_else(|| std::io::Error::other("an answer that is no answer to the question"))
}

/// `ready.understudy. CH TXT`, without recursion, with room for a long answer.
fn question(name: &[u8], id: [u8; 2]) -> Vec<u8> {
    let mut packet = id.to_vec();
    packet.extend_from_slice(&[0, 0, 0, 1, 0, 0, 0, 0, 0, 1]);
    packet.extend_from_slice(name);
    packet.extend_from_slice(&[0, 16, 0, 3]);
    // RFC 6891 §6.1.2: the root, OPT, and the size of the buffer.
    packet.extend_from_slice(&[0, 0, 41, 0x10, 0, 0, 0, 0, 0, 0, 0]);
    packet
}

/// Reads the strings of each answer; the answer repeats the question, so its length is known.
fn read_texts(packet: &[u8], name: &[u8], id: [u8; 2]) -> Option<Vec<String>> {
    let (header, rest) = packet.split_first_chunk::<12>()?;
    if header[..2] != id || header[2] & 0x80 == 0 || header[3] & 0x0f != 0 || header[6..8] == [0, 0] {
        return None;
    }
    let mut rest = rest.get(name.len() + 4..)?;
    let mut texts = Vec::new();
    for _ in 0..u16::from_be_bytes([header[6], header[7]]) {
        // The owner is a pointer of two octets, or the name in full.
        let owner = if rest.first()? & 0xc0 == 0xc0 { 2 } else { name.len() };
        let (fixed, data) = rest.get(owner..)?.split_first_chunk::<10>()?;
        let (mut strings, next) = data.split_at_checked(usize::from(u16::from_be_bytes([fixed[8], fixed[9]])))?;
        let mut text = Vec::new();
        while let Some((length, tail)) = strings.split_first() {
            let (string, tail) = tail.split_at_checked(usize::from(*length))?;
            text.extend_from_slice(string);
            strings = tail;
        }
        texts.push(String::from_utf8(text).ok()?);
        rest = next;
    }
    Some(texts)
}

const READY: &[u8] = b"\x05ready\x0aunderstudy\x00";
const LIVE: &[u8] = b"\x04live\x0aunderstudy\x00";
