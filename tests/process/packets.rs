//! Packets that are no queries: FORMERR or silence, by UDP and TCP, and the server answers afterwards.

use std::io::Write as _;
use std::net::{SocketAddr, TcpStream, UdpSocket};
use std::time::Duration;

use hickory_proto::op::ResponseCode;

use crate::client::{DECLARED, SIP, ask, ask_within, query, read_tcp, send, send_tcp};
use crate::server::{Folder, SOON, Server, eventually, in_some_round};
use crate::target::Hosts;

struct Running {
    server: Server,
    address: SocketAddr,
    _folder: Folder,
}

impl Running {
    fn start() -> Self {
        let folder = Folder::new();
        let zone = folder.write("example.com.zone", Hosts::new().zone());
        let server = Server::program(&[&zone], "none".as_ref()).argument("--static").start();
        let address = server.address();
        server.answering();
        Self { server, address, _folder: folder }
    }

    /// It is whole: it answers by both listeners, and nothing has panicked.
    #[track_caller]
    fn is_whole(&self) {
        // What came before may still fill the queue of the socket: then a question is lost, and asked again.
        let answer = eventually("an answer", || ask_within(self.address, SIP, Duration::from_secs(1)));
        assert!(answer.is(DECLARED), "{answer:?}");
        assert!(send_tcp(self.address, &query(SIP), TIMEOUT).is_some());
        let log = self.server.log.text();
        assert!(!log.contains("panicked") && !log.contains("ERROR"), "{log}");
    }
}

/// What comes back for packets that are met by silence: nothing, so the answer to the question after them comes first.
#[track_caller]
fn are_met_by_silence(address: SocketAddr, packets: &[Vec<u8>]) {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    socket.connect(address).unwrap();
    socket.set_read_timeout(Some(TIMEOUT)).unwrap();
    for packet in packets {
        socket.send(packet).unwrap();
    }
    let mut last = query(SIP);
    last[0] = 0xee;
    socket.send(&last).unwrap();
    let mut octets = [0; 1500];
    let length = socket.recv(&mut octets).unwrap();
    assert_eq!(octets[..2], last[..2], "an answer to a packet before: {:02x?}", &octets[..length]);
}

/// Queries that are broken behind a sound header.
fn broken() -> Vec<Vec<u8>> {
    let sound = query(SIP);
    let with = |place: usize, octet: u8| {
        let mut packet = sound.clone();
        packet[place] = octet;
        packet
    };
    let header = sound[..12].to_vec();
    let body = |body: &[u8]| [header.as_slice(), body].concat();
    vec![
        header.clone(),
        sound[..sound.len() - 1].to_vec(),
        with(5, 0),
        with(5, 2),
        with(4, 255),
        with(7, 1),
        with(9, 1),
        with(11, 1),
        with(12, 63),
        with(12, 64),
        with(12, 0xc0),
        body(b"\xc0\x0c\x00\x01\x00\x01"),
        body(&[0xff; 64]),
        body(&[63; 400]),
    ]
}

/// Packets that must never be answered: too short for a header, or responses, sound or broken.
fn silent() -> Vec<Vec<u8>> {
    let responses = broken().into_iter().chain([query(SIP)]).map(|mut packet| {
        packet[2] |= 0x80;
        packet
    });
    let short = [vec![], vec![0], vec![0; 11], query(SIP)[..11].to_vec()];
    responses.chain(short).collect()
}

#[test]
fn a_broken_query_by_udp_is_answered_formerr() {
    let running = Running::start();
    for packet in broken() {
        let octets = send(running.address, &packet, TIMEOUT).unwrap_or_else(|| panic!("silence for {packet:02x?}"));
        assert_eq!(octets[..2], packet[..2]);
        assert_eq!((octets[2] & 0x80, octets[3] & 0x0f), (0x80, 1), "{packet:02x?} gives {octets:02x?}");
    }
    running.is_whole();
}

#[test]
fn a_response_or_a_stump_by_udp_is_met_by_silence() {
    let running = Running::start();
    are_met_by_silence(running.address, &silent());
    running.is_whole();
}

#[test]
fn noise_by_udp_is_answered_in_form_or_met_by_silence_and_the_server_goes_on() {
    let running = Running::start();
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    socket.connect(running.address).unwrap();
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    for number in 0..2_000_u16 {
        let mut packet = query(SIP);
        packet.resize(packet.len() + usize::from(number % 7), 0);
        for _ in 0..1 + number % 9 {
            // An xorshift generator: the same noise in each run.
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            let [a, b, octet, ..] = state.to_be_bytes();
            let place = usize::from(u16::from_be_bytes([a, b])) % packet.len();
            packet[place] = octet;
        }
        socket.send(&packet).unwrap();
    }
    running.is_whole();
}

#[test]
fn a_broken_query_by_tcp_is_answered_formerr_or_the_connection_ends() {
    let running = Running::start();
    for packet in broken() {
        if let Some(octets) = send_tcp(running.address, &packet, TIMEOUT) {
            assert_eq!((octets[2] & 0x80, octets[3] & 0x0f), (0x80, 1), "{packet:02x?} gives {octets:02x?}");
        }
    }
    running.is_whole();
}

#[test]
fn a_query_after_a_broken_one_on_the_same_connection_is_answered() {
    let running = Running::start();
    let mut stream = TcpStream::connect(running.address).unwrap();
    stream.set_read_timeout(Some(TIMEOUT)).unwrap();
    for packet in [&broken()[1], &query(SIP)] {
        let length = u16::try_from(packet.len()).unwrap().to_be_bytes();
        stream.write_all(&[length.as_slice(), packet].concat()).unwrap();
    }
    assert_eq!(read_tcp(&mut stream).unwrap()[3] & 0x0f, 1);
    assert_eq!(read_tcp(&mut stream).unwrap()[3] & 0x0f, 0);
    running.is_whole();
}

#[test]
fn half_a_message_a_length_of_nothing_and_sudden_ends_by_tcp_do_no_harm() {
    let running = Running::start();
    for octets in [b"".as_slice(), &[0], &[0, 0], &[0, 0, 0, 0], &[255, 255, 1, 2, 3], &[0, 12, 0, 0]] {
        let mut stream = TcpStream::connect(running.address).unwrap();
        stream.write_all(octets).unwrap();
    }
    running.is_whole();
}

/// As NSD, Knot and BIND do it: no message is as short as that, so what stands behind it may be anything.
#[test]
fn a_message_too_short_for_a_header_ends_its_connection_when_what_came_before_is_answered() {
    let running = Running::start();
    let asked = query(SIP);
    let framed = |packet: &[u8]| [&u16::try_from(packet.len()).unwrap().to_be_bytes(), packet].concat();
    for short in [b"".as_slice(), &[7; 11]] {
        let mut stream = TcpStream::connect(running.address).unwrap();
        stream.set_read_timeout(Some(SOON)).unwrap();
        stream.write_all(&[framed(&asked), framed(short), framed(&asked)].concat()).unwrap();
        assert_eq!(read_tcp(&mut stream).unwrap()[3] & 0x0f, 0);
        assert_eq!(read_tcp(&mut stream), None, "{} octets", short.len());
    }
    running.is_whole();
}

#[test]
fn what_is_not_served_is_refused_and_other_opcodes_are_notimp() {
    let running = Running::start();
    assert_eq!(ask(running.address, "example.org. A").rcode, ResponseCode::Refused);
    let mut update = query("example.com. SOA");
    update[2] |= 5 << 3;
    let octets = send(running.address, &update, TIMEOUT).unwrap();
    assert_eq!(octets[3] & 0x0f, 4, "{octets:02x?}");
    running.is_whole();
}

#[test]
fn while_it_starts_noise_is_met_by_silence_too() {
    in_some_round("the last packet is asked before patience ends", || {
        let (folder, hosts) = (Folder::new(), Hosts::new());
        let zone = folder.write("example.com.zone", hosts.zone());
        let _deaf = hosts.deaf();
        let server = Server::serve(&[&zone], "none".as_ref());
        let address = server.address();
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        socket.connect(address).unwrap();
        socket.set_read_timeout(Some(TIMEOUT)).unwrap();
        for packet in broken().iter().chain(&silent()) {
            socket.send(packet).unwrap();
        }
        socket.send(&query("ready.understudy. TXT CH")).unwrap();
        let mut octets = [0; 1500];
        let length = socket.recv(&mut octets).unwrap();
        String::from_utf8_lossy(&octets[..length]).contains("not ready: starting")
    });
}

const TIMEOUT: Duration = SOON;
