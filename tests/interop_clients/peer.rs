//! Servers that are broken in a way of their own, and one SIP client: this program, called again inside of a room.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::time::Duration;

/// Plays a part for ever: `xmpp MODE` or `sip MODE`.
pub(crate) fn play(protocol: &str, mode: &str, address: SocketAddr) {
    match protocol {
        "xmpp" => xmpp(mode, address),
        _ => sip(mode, address),
    }
}

fn xmpp(mode: &str, address: SocketAddr) {
    let listener = TcpListener::bind(address).unwrap();
    let mut silent = Vec::new();
    while let Ok((mut stream, _)) = listener.accept() {
        match mode {
            "silent" => silent.push(stream),
            _ => {
                let mode = mode.to_owned();
                // A broken connection is what it is for.
                std::thread::spawn(move || drop(converse(&mode, &mut stream)));
            }
        }
    }
}

fn converse(mode: &str, stream: &mut TcpStream) -> std::io::Result<()> {
    stream.set_read_timeout(Some(Duration::from_secs(10)))?;
    let mut octets = [0; 4_096];
    let _header = stream.read(&mut octets)?;
    if mode == "closes" {
        return Ok(());
    }
    stream.write_all(HEADER.as_bytes())?;
    let error = |condition: &str| {
        format!(
            "<stream:error><{condition} xmlns='urn:ietf:params:xml:ns:xmpp-streams'/></stream:error></stream:stream>"
        )
    };
    match mode {
        "leaves" => stream.write_all(error("system-shutdown").as_bytes()),
        "unknown" => stream.write_all(error("host-unknown").as_bytes()),
        _ => {
            let tls = "urn:ietf:params:xml:ns:xmpp-tls";
            let features = format!("<stream:features><starttls xmlns='{tls}'><required/></starttls></stream:features>");
            stream.write_all(features.as_bytes())?;
            let _starttls = stream.read(&mut octets)?;
            stream.write_all(format!("<proceed xmlns='{tls}'/>").as_bytes())?;
            stream.read(&mut octets).map(drop)
        }
    }
}

fn sip(mode: &str, address: SocketAddr) {
    let socket = UdpSocket::bind(address).unwrap();
    let mut packet = [0; 4_096];
    while let Ok((length, from)) = socket.recv_from(&mut packet) {
        let text = String::from_utf8_lossy(packet.get(..length).unwrap_or_default()).into_owned();
        let status = match mode {
            "503" => "503 Service Unavailable",
            "well" => "200 OK",
            _ => continue,
        };
        let kept = ["via:", "from:", "to:", "call-id:", "cseq:"];
        let is_kept = |line: &&str| kept.iter().any(|name| line.to_ascii_lowercase().starts_with(name));
        let lines: String = text.lines().filter(is_kept).map(|line| format!("{line}\r\n")).collect();
        let answer = format!("SIP/2.0 {status}\r\n{lines}Content-Length: 0\r\n\r\n");
        drop(socket.send_to(answer.as_bytes(), from));
    }
}

/// Asks a proxy for a domain by OPTIONS, waits 12 s for a final answer and prints its status line.
pub(crate) fn ask(proxy: SocketAddr, domain: &str) {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    socket.connect(proxy).unwrap();
    socket.set_read_timeout(Some(Duration::from_secs(12))).unwrap();
    let own = socket.local_addr().unwrap();
    let request = format!(
        "OPTIONS sip:{domain} SIP/2.0\r\nVia: SIP/2.0/UDP {own};branch=z9hG4bK{port};rport\r\nMax-Forwards: 70\r\n\
         From: <sip:client@{own}>;tag={port}\r\nTo: <sip:{domain}>\r\nCall-ID: {port}@{own}\r\nCSeq: 1 OPTIONS\r\n\
         Content-Length: 0\r\n\r\n",
        port = own.port()
    );
    socket.send(request.as_bytes()).unwrap();
    let mut packet = [0; 4_096];
    let mut last = "nothing".to_owned();
    while let Ok(length) = socket.recv(&mut packet) {
        let text = String::from_utf8_lossy(packet.get(..length).unwrap_or_default()).into_owned();
        last = text.lines().next().unwrap_or_default().to_owned();
        if !last.starts_with("SIP/2.0 1") {
            break;
        }
    }
    println!("{last}");
}

const HEADER: &str = "<?xml version='1.0'?><stream:stream xmlns='jabber:server' \
    xmlns:stream='http://etherx.jabber.org/streams' xmlns:db='jabber:server:dialback' id='x' version='1.0' from='b.example'>";
