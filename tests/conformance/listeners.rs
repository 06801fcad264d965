//! Both renderers and real sockets on loopback: what comes out of hickory's listeners is what our renderer writes.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::time::Duration;

use hickory_proto::op::Message;
use hickory_proto::serialize::binary::{BinDecodable, BinDecoder};
use proptest::prelude::*;
use proptest::test_runner::FileFailurePersistence;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use understudy::base::tasks::Tasks;
use understudy::serve::{Socket, Transport, hickory};
use understudy::zone::Rtype;
use understudy::zone::parse::{Origin, Sources, load};

use crate::generate::generate;
use crate::support::{Answer, Server, client, essence, query};

/// A server behind hickory's listeners, and a runtime for them.
struct Listeners {
    server: Server,
    address: SocketAddr,
    running: Option<JoinHandle<Result<(), hickory::Failed>>>,
    stop: CancellationToken,
    runtime: tokio::runtime::Runtime,
}

impl Listeners {
    fn open(server: Server) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        // A port that is free for TCP may be taken for UDP.
        let both = || {
            let listener = TcpListener::bind("127.0.0.1:0").unwrap();
            let address = listener.local_addr().unwrap();
            Some((UdpSocket::bind(address).ok()?, listener, address))
        };
        let (socket, listener, address) = (0..100).find_map(|_| both()).expect("a port for both");
        let stop = CancellationToken::new();
        let within = runtime.enter();
        let mut frame = hickory::Frame::new(&server.responder, Duration::from_secs(60));
        frame.add(Transport::Udp, Socket::Datagrams(vec![socket]), None).unwrap();
        frame.add(Transport::Tcp, Socket::Streams(listener), None).unwrap();
        let running = Tasks::new().spawn("frame", frame.run(stop.clone()));
        drop(within);
        Self { server, address, running: Some(running), stop, runtime }
    }

    fn client(&self) -> UdpSocket {
        let client = UdpSocket::bind("127.0.0.1:0").unwrap();
        client.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
        client.connect(self.address).unwrap();
        client
    }

    fn ask_udp(&self, packet: &[u8]) -> Vec<u8> {
        let client = self.client();
        client.send(packet).unwrap();
        let mut octets = vec![0; 65535];
        let length = client.recv(&mut octets).unwrap();
        octets.truncate(length);
        octets
    }

    fn ask_tcp(&self, packet: &[u8]) -> Vec<u8> {
        let mut stream = TcpStream::connect(self.address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
        let length = u16::try_from(packet.len()).unwrap().to_be_bytes();
        stream.write_all(&[length.as_slice(), packet].concat()).unwrap();
        let mut length = [0; 2];
        stream.read_exact(&mut length).unwrap();
        let mut octets = vec![0; usize::from(u16::from_be_bytes(length))];
        stream.read_exact(&mut octets).unwrap();
        octets
    }
}

impl Drop for Listeners {
    fn drop(&mut self) {
        if let Some(running) = self.running.take() {
            self.stop.cancel();
            self.runtime.block_on(running).unwrap().unwrap();
        }
    }
}

fn ours(server: &Server, packet: &[u8], transport: Transport) -> Vec<u8> {
    let mut octets = Vec::new();
    assert!(server.responder.respond(packet, client(transport), &mut octets).is_some());
    octets
}

const LABELS: [&str; 6] = ["a", "b", "*", "_sip", "ns", "C"];

const TYPES: [&str; 13] =
    ["A", "AAAA", "SRV", "NS", "MX", "TXT", "SOA", "CNAME", "DNAME", "DS", "ANY", "AXFR", "TYPE1000"];

/// Names of up to three labels below `t.`
fn owner() -> impl Strategy<Value = String> {
    proptest::collection::vec(proptest::sample::select(&LABELS[..]), 0..4)
        .prop_map(|labels| labels.iter().map(|label| format!("{label}.")).collect::<String>() + "t.")
}

fn record() -> impl Strategy<Value = String> {
    let data = (0..8u8, owner(), any::<u8>()).prop_map(|(kind, target, number)| match kind {
        0 | 1 => format!("60 A 192.0.2.{number}"),
        2 => format!("60 AAAA 2001:db8::{number:x}"),
        3 | 4 => format!("60 SRV {} 1 5060 {target}", number % 3 * 10),
        5 => format!("60 NS {target}"),
        6 => format!("60 MX 10 {target}"),
        _ => format!("60 TXT {number}"),
    });
    (owner(), data).prop_map(|(owner, data)| format!("{owner} {data}"))
}

/// Lines of a zone; aliases stand at names of their own, so that the zone is sound.
fn zone() -> impl Strategy<Value = String> {
    let aliases = proptest::collection::vec((any::<bool>(), owner()), 0..4);
    (proptest::collection::vec(record(), 0..30), aliases).prop_map(|(records, aliases)| {
        let mut zone = "t. 60 SOA n.t. h. 1 2 3 4 30\n".to_owned() + &records.join("\n") + "\n";
        for (number, (is_dname, target)) in aliases.iter().enumerate() {
            zone += &format!("alias{number}.t. 60 {} {target}\n", if *is_dname { "DNAME" } else { "CNAME" });
        }
        zone
    })
}

fn question() -> impl Strategy<Value = Vec<u8>> {
    let alias = (0..4u8, proptest::option::of(proptest::sample::select(&LABELS[..]))).prop_map(|(number, label)| {
        label.map_or(String::new(), |label| format!("{label}.")) + &format!("alias{number}.t.")
    });
    let payload = proptest::option::of(512u16..1400);
    (prop_oneof![owner(), alias], proptest::sample::select(&TYPES[..]), payload, any::<[u8; 2]>()).prop_map(
        |(name, rtype, payload, id)| {
            let mut packet = query(&format!("{name} {rtype}"), payload);
            packet[..2].copy_from_slice(&id);
            packet
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 64,
        failure_persistence: Some(Box::new(FileFailurePersistence::WithSource("regressions"))),
        ..ProptestConfig::default()
    })]

    #[test]
    fn both_renderers_say_the_same(zone in zone(), questions in proptest::collection::vec(question(), 1..12)) {
        let listeners = Listeners::open(Server::new(&[&zone]));
        for packet in &questions {
            prop_assert_eq!(essence(ours(&listeners.server, packet, Transport::Tcp)), essence(listeners.ask_tcp(packet)));
        }
    }

    #[test]
    fn a_mutated_query_is_answered_in_form_or_met_by_silence(
        mut packet in question(),
        changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..6),
        length in any::<prop::sample::Index>(),
        cut in any::<bool>(),
    ) {
        let server = Server::new(&["t. 60 SOA n.t. h. 1 2 3 4 30\n*.t. 60 A 192.0.2.1\nb.t. 60 NS ns.b.t."]);
        for (place, octet) in changes {
            let place = place.index(packet.len());
            packet[place] = octet;
        }
        if cut {
            packet.truncate(length.index(packet.len()));
        }
        let mut octets = Vec::new();
        if server.responder.respond(&packet, client(Transport::Udp), &mut octets).is_some() {
            prop_assert!(octets.len() >= 12 && octets.len() <= 1232);
            prop_assert_eq!((&octets[..2], octets[2] & 0x80), (&packet[..2], 0x80));
        } else {
            prop_assert!(packet.len() < 12 || packet[2] & 0x80 != 0);
        }
    }
}

/// The zones that are compared with other servers, too.
#[test]
fn both_renderers_say_the_same_of_zones_of_every_shape() {
    for seed in 0..12 {
        let case = generate(seed, "t.", "elsewhere.", 80);
        let parse = |(_, text): &(String, String)| {
            let parsed = load("zone", text.as_bytes(), Origin::Unknown, &mut Nothing);
            parsed.zone.unwrap_or_else(|| panic!("{:?}", parsed.findings))
        };
        let listeners = Listeners::open(Server::of(case.zones.iter().map(parse).collect()));
        for (number, (name, rtype)) in case.questions.iter().enumerate() {
            let mut packet = query(&format!("{name} {rtype}"), Some(1232));
            packet[..2].copy_from_slice(&u16::try_from(number).unwrap().to_be_bytes());
            let said = [ours(&listeners.server, &packet, Transport::Tcp), listeners.ask_tcp(&packet)].map(essence);
            assert_eq!(said[0], said[1], "seed {seed}: {name} {rtype}");
        }
    }
}

/// The signed zone of RFC 5155, with DO.
#[test]
fn both_renderers_tell_signatures_and_proofs() {
    let listeners = Listeners::open(crate::rfc5155::server());
    for (question, ..) in crate::rfc5155::APPENDIX_B {
        let mut packet = query(question, Some(1232));
        let flags = packet.len() - 4;
        packet[flags] = 0x80;
        let said = [ours(&listeners.server, &packet, Transport::Tcp), listeners.ask_tcp(&packet)];
        let said = said.map(|octets| crate::message::Said::read(&octets).unwrap());
        assert_eq!(said[0], said[1], "{question}");
        assert!(said[0].authority.iter().any(|record| record.rtype == Rtype::RRSIG), "{question}");
    }
}

struct Nothing;

impl Sources for Nothing {
    fn read(&mut self, _: &str, path: &str) -> Result<(String, Vec<u8>), String> {
        Err(path.to_owned())
    }
}

/// hickory's encoder would break OPT and leave scraps; so it must never come to its own truncation.
#[test]
fn the_udp_listener_keeps_every_limit() {
    let mut zone = "t. 60 SOA n.t. h. 1 2 3 4 30\n".to_owned();
    for number in 0..8 {
        zone += &format!("_s._tcp.t. 60 SRV 10 1 5060 host-{number}.t.\nhost-{number}.t. 60 A 192.0.2.{number}\n");
    }
    for number in 0..30 {
        zone += &format!("big.t. 60 TXT {number:040}\n");
    }
    let listeners = Listeners::open(Server::new(&[&zone]));
    for limit in (512..=1400).step_by(7) {
        for (question, needed) in [("_s._tcp.t. SRV", 8), ("big.t. TXT", 30)] {
            let octets = listeners.ask_udp(&query(question, Some(limit)));
            assert!(octets.len() <= usize::from(limit.min(1232)), "{question} {limit}");
            let answer = Answer::read(octets.clone());
            let mut decoder = BinDecoder::new(&octets);
            Message::read(&mut decoder).unwrap();
            assert!(decoder.is_empty(), "{question} {limit}: scraps behind the message");
            assert_eq!(answer.message.edns.as_ref().map(|edns| edns.max_payload()), Some(1232));
            let count = answer.message.answers.len();
            assert!(count == 0 || count == needed, "{question} {limit}: a set in pieces");
            assert_eq!(answer.is_truncated(), count == 0, "{question} {limit}");
        }
    }
    assert_eq!(Answer::read(listeners.ask_udp(&query("_s._tcp.t. SRV", None))).message.answers.len(), 8);
}

#[test]
fn a_server_that_starts_is_silent_but_for_its_readiness() {
    let listeners = Listeners::open(Server::new(&["t. 60 SOA n.t. h. 1 2 3 4 30"]));
    listeners.server.responder.readiness().set(understudy::serve::Status::default());
    let client = listeners.client();
    client.send(&query("t. SOA", None)).unwrap();
    client.send(&query("ready.understudy. TXT CH", None)).unwrap();
    let mut octets = [0; 512];
    let length = client.recv(&mut octets).unwrap();
    let answer = Answer::read(octets[..length].to_vec());
    assert_eq!(answer.answer(), ["ready.understudy. 0 TXT ready"], "the first answer is to the second query");
}
