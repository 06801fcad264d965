//! End to end: a served zone whose answer follows two Prosodys.

use std::net::{SocketAddr, UdpSocket};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use hickory_proto::op::{Message, MessageType, OpCode, Query};
use hickory_proto::rr::{RData, RecordType};

use super::lab::{C2S, C2S_DIRECT, DOMAIN, Folder, Shows};
use super::prosody;
use super::server::eventually;

const SERVER: &str = "127.0.21.20:21053";

/// The program, serving; ended with this value.
struct Serving(Child);

impl Drop for Serving {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

/// Asks for an SRV set: priorities with the first label of the hosts, sorted; nothing without an answer.
fn ask(owner: &str) -> Option<Vec<String>> {
    let mut message = Message::new(7, MessageType::Query, OpCode::Query);
    message.add_query(Query::query(format!("{owner}.{DOMAIN}.").parse().unwrap(), RecordType::SRV));
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    socket.set_read_timeout(Some(Duration::from_millis(500))).unwrap();
    socket.send_to(&message.to_vec().unwrap(), SERVER.parse::<SocketAddr>().unwrap()).unwrap();
    let mut answer = [0; 4096];
    let length = socket.recv(&mut answer).ok()?;
    let message = Message::from_vec(&answer[..length]).unwrap();
    let mut records: Vec<String> = message
        .answers
        .iter()
        .map(|record| {
            let RData::SRV(srv) = &record.data else { panic!("{record}") };
            format!("{} {}", srv.priority, srv.target.to_string().split('.').next().unwrap())
        })
        .collect();
    records.sort();
    Some(records)
}

#[track_caller]
fn becomes(owner: &str, records: &[&str]) {
    eventually(&format!("{owner} is {records:?}, not {:?}", ask(owner)), || {
        (ask(owner).as_deref()? == records).then_some(())
    });
}

#[test]
fn the_answer_leaves_a_hung_prosody_and_comes_back() {
    let (first, second) = (Folder::new("zone-a"), Folder::new("zone-b"));
    let a = prosody::start("127.0.21.21", Shows::Good, &first);
    let mut b = prosody::start("127.0.21.22", Shows::Good, &second);
    let zone = format!(
        "$ORIGIN {DOMAIN}.\n$TTL 30\n@ SOA ns1 hostmaster 1 3600 600 86400 30\n@ NS ns1\nns1 A 127.0.21.20\n\
         _xmpp-client._tcp SRV 10 0 {C2S} a\n_xmpp-client._tcp SRV 20 0 {C2S} b\n\
         _xmpps-client._tcp SRV 10 0 {C2S_DIRECT} a\n_xmpps-client._tcp SRV 20 0 {C2S_DIRECT} b\n\
         a A 127.0.21.21\nb A 127.0.21.22\n"
    );
    first.write("example.test.zone", &zone);
    let config = "version = 1\n[server]\nlisten = [\"127.0.21.20:21053\"]\n[state]\ndir = \"none\"\n[health]\n\
                  interval = \"500ms\"\nfast-interval = \"200ms\"\ndown-interval = \"500ms\"\ntimeout = \"500ms\"\n\
                  deep-interval = \"1h\"\nca-file = \"ca.pem\"\n[policy]\nhold = \"1s\"\n[[zone]]\n\
                  file = \"example.test.zone\"\n";
    let config = first.write("understudy.toml", config);
    let mut command = Command::new(env!("CARGO_BIN_EXE_understudy"));
    command.arg("serve").arg(config).env_remove("STATE_DIRECTORY");
    let log = std::fs::File::create(first.path("understudy.log")).unwrap();
    let _serving = Serving(command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log).spawn().unwrap());
    let both = ["10 a", "20 b"];
    for owner in ["_xmpp-client._tcp", "_xmpps-client._tcp"] {
        becomes(owner, &both);
    }
    eventually("shallow tests of clients' STARTTLS", || {
        let log = std::fs::read_to_string(first.path("prosody.log")).unwrap();
        let of_clients = |what: &str| log.lines().filter(|line| line.contains("c2s") && line.contains(what)).count();
        let (opened, secured) = (of_clients("Client connected"), of_clients("Stream encrypted"));
        (secured > 0 && opened > secured + 4).then_some(())
    });
    a.signal("STOP");
    for owner in ["_xmpp-client._tcp", "_xmpps-client._tcp"] {
        becomes(owner, &["20 b"]);
    }
    a.signal("CONT");
    becomes("_xmpp-client._tcp", &both);
    b.signal("TERM");
    b.wait();
    becomes("_xmpp-client._tcp", &["10 a"]);
}
