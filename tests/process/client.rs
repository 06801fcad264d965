//! A resolver's side: questions by UDP and TCP, answers as text.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream, UdpSocket};
use std::time::Duration;

use hickory_proto::op::{Message, MessageType, OpCode, Query, ResponseCode};
use hickory_proto::rr::{DNSClass, Name, RData, RecordType};

use crate::server::{SOON, eventually};

/// The declared set of the SIP zone.
pub(crate) const DECLARED: &[&str] = &["10 30 sip-node2", "10 70 sip-node1", "20 0 sip-dr"];

/// The standby alone.
pub(crate) const STANDBY: &[&str] = &["20 0 sip-dr"];

/// What an answer says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Answer {
    pub(crate) rcode: ResponseCode,
    /// The answer section: for SRV `priority weight host` with the first label of the host, sorted.
    pub(crate) records: Vec<String>,
    /// The TTL of the first answer, in seconds.
    pub(crate) ttl: Option<u32>,
}

impl Answer {
    /// Returns whether it holds exactly these records.
    pub(crate) fn is(&self, records: &[&str]) -> bool {
        self.rcode == ResponseCode::NoError && self.records == records
    }

    pub(crate) fn read(octets: &[u8]) -> Self {
        let message = Message::from_vec(octets).unwrap_or_else(|error| panic!("{error}: {octets:02x?}"));
        let mut records: Vec<String> = message.answers.iter().map(|record| text(&record.data)).collect();
        records.sort();
        let ttl = message.answers.first().map(|record| record.ttl);
        Self { rcode: message.metadata.response_code, records, ttl }
    }
}

fn text(data: &RData) -> String {
    if let RData::SRV(srv) = data {
        let host = srv.target.iter().next().map(|label| String::from_utf8_lossy(label).into_owned());
        format!("{} {} {}", srv.priority, srv.weight, host.unwrap_or_default())
    } else if let RData::SOA(soa) = data {
        soa.serial.to_string()
    } else {
        data.to_string()
    }
}

/// Makes a query from `name TYPE`, or `name TYPE CH`.
pub(crate) fn query(question: &str) -> Vec<u8> {
    let words: Vec<&str> = question.split_whitespace().collect();
    let name: Name = words[0].parse().unwrap();
    let rtype: RecordType = words[1].parse().unwrap();
    let mut query = Query::query(name, rtype);
    if words.get(2) == Some(&"CH") {
        query.set_query_class(DNSClass::CH);
    }
    let mut message = Message::new(0x1234, MessageType::Query, OpCode::Query);
    message.add_query(query);
    message.to_vec().unwrap()
}

/// Asks by UDP; nothing if there is no answer within `timeout`.
pub(crate) fn ask_within(server: SocketAddr, question: &str, timeout: Duration) -> Option<Answer> {
    send(server, &query(question), timeout).map(|octets| Answer::read(&octets))
}

/// Asks by UDP; silence fails the test.
#[track_caller]
pub(crate) fn ask(server: SocketAddr, question: &str) -> Answer {
    ask_within(server, question, SOON).unwrap_or_else(|| panic!("{question}: no answer"))
}

/// Asks for the service of the SIP zone.
#[track_caller]
pub(crate) fn ask_sip(server: SocketAddr) -> Answer {
    ask(server, SIP)
}

pub(crate) const SIP: &str = "_sip._tcp.example.com. SRV";

/// Waits for an answer with these records.
#[track_caller]
pub(crate) fn wait_sip(server: SocketAddr, records: &[&str]) -> Answer {
    let mut last = None;
    let wanted = format!("{records:?}");
    eventually(&wanted, || last.insert(ask_sip(server)).is(records).then_some(()));
    last.unwrap()
}

/// The serial of the SIP zone.
#[track_caller]
pub(crate) fn serial(server: SocketAddr) -> u32 {
    ask(server, "example.com. SOA").records[0].parse().unwrap()
}

/// Sends octets by UDP and returns what comes back, or nothing within `timeout`.
pub(crate) fn send(server: SocketAddr, packet: &[u8], timeout: Duration) -> Option<Vec<u8>> {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    socket.connect(server).unwrap();
    socket.set_read_timeout(Some(timeout)).unwrap();
    socket.send(packet).unwrap();
    let mut octets = vec![0; 65_535];
    let length = socket.recv(&mut octets).ok()?;
    octets.truncate(length);
    Some(octets)
}

/// Sends octets as one message by TCP and returns the message that comes back; nothing if the connection ends, or within
/// `timeout`.
pub(crate) fn send_tcp(server: SocketAddr, packet: &[u8], timeout: Duration) -> Option<Vec<u8>> {
    let mut stream = TcpStream::connect(server).unwrap();
    stream.set_read_timeout(Some(timeout)).unwrap();
    let length = u16::try_from(packet.len()).unwrap().to_be_bytes();
    stream.write_all(&[length.as_slice(), packet].concat()).unwrap();
    read_tcp(&mut stream)
}

/// Reads one message of a stream.
pub(crate) fn read_tcp(stream: &mut TcpStream) -> Option<Vec<u8>> {
    let mut length = [0; 2];
    stream.read_exact(&mut length).ok()?;
    let mut octets = vec![0; usize::from(u16::from_be_bytes(length))];
    stream.read_exact(&mut octets).ok()?;
    Some(octets)
}

/// Asks a server over HTTP.
pub(crate) fn fetch(server: SocketAddr, path: &str) -> String {
    let mut stream = TcpStream::connect(server).unwrap();
    stream.set_read_timeout(Some(SOON)).unwrap();
    stream.write_all(format!("GET {path} HTTP/1.1\r\nhost: x\r\n\r\n").as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

/// The value of one line of the metrics; 0 if there is none.
pub(crate) fn metric(server: SocketAddr, name: &str) -> f64 {
    let text = fetch(server, "/metrics");
    let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    line.map_or(0.0, |value| value.parse().unwrap())
}
