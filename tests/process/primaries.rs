//! A primary that sends what it must not: the version that came before is served on, and the log tells why the new one is
//! refused.

use std::io::Write as _;
use std::net::{SocketAddr, TcpListener};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use understudy::base::clock::UnixTime;
use understudy::transfer::tsig::Signer;
use understudy::transfer::{Algorithm, Key};
use understudy::zone::{Name, Rtype};

use crate::client::{ask, metric, read_tcp, send};
use crate::server::{Folder, Network, Program, Server, eventually, stays};

/// A primary whose answers a test chooses.
struct Primary {
    address: SocketAddr,
    answer: Arc<Mutex<Answer>>,
}

/// What a primary answers.
#[derive(Clone)]
struct Answer {
    /// The records of each message, of an answer to AXFR and to IXFR.
    whole: Vec<Vec<Record>>,
    differences: Vec<Vec<Record>>,
    /// Which messages are signed, with which secret, and how many seconds too late they seem to be.
    signs: fn(usize) -> bool,
    secret: u8,
    late: u64,
    /// Whether the last message is sent by half.
    is_cut: bool,
}

type Record = (&'static str, Rtype, Vec<u8>);

const SECRET: u8 = 7;

fn key(secret: u8) -> Arc<Key> {
    Arc::new(Key::new(&"transfer.".parse().unwrap(), Algorithm::HmacSha256, &[secret; 32]))
}

fn soa(serial: u32) -> Record {
    let mut rdata = b"\x01n\0\x01h\0".to_vec();
    [serial, 3_600, 2, 86_400, 60].iter().for_each(|number| rdata.extend_from_slice(&number.to_be_bytes()));
    ("t.", Rtype::SOA, rdata)
}

fn address(owner: &'static str, last: u8) -> Record {
    (owner, Rtype::A, vec![192, 0, 2, last])
}

fn message(id: &[u8], records: &[Record]) -> Vec<u8> {
    let count = u8::try_from(records.len()).unwrap();
    let mut message = [id, &[0x84, 0, 0, 0, 0, count, 0, 0, 0, 0]].concat();
    for (owner, rtype, rdata) in records {
        let (owner, length) = (owner.parse::<Name>().unwrap(), u16::try_from(rdata.len()).unwrap());
        message.extend_from_slice(owner.wire());
        message.extend_from_slice(&rtype.0.to_be_bytes());
        message.extend_from_slice(&[0, 1, 0, 0, 0, 60]);
        message.extend_from_slice(&length.to_be_bytes());
        message.extend_from_slice(rdata);
    }
    message
}

impl Answer {
    /// A good one: the whole zone at a version, whatever is asked.
    fn version(serial: u32) -> Self {
        let servers = ("t.", Rtype::NS, b"\x01n\0".to_vec());
        let records = vec![servers, address("a.t.", 1), address("b.t.", 2)];
        let whole = vec![vec![soa(serial)], records, vec![soa(serial)]];
        Self { differences: whole.clone(), whole, signs: |_| true, secret: SECRET, late: 0, is_cut: false }
    }

    fn of(records: Vec<Vec<Record>>) -> Self {
        Self { differences: records.clone(), whole: records, ..Self::version(0) }
    }
}

impl Primary {
    fn start() -> Self {
        let listener = TcpListener::bind((Network::new().take(), 0)).unwrap();
        let (address, answer) = (listener.local_addr().unwrap(), Arc::new(Mutex::new(Answer::version(5))));
        let told = Arc::clone(&answer);
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let mut stream = stream.unwrap();
                let Some(query) = read_tcp(&mut stream) else { continue };
                let answer = told.lock().unwrap().clone();
                // The name is `t.`; the MAC of the query stands before its last six octets.
                let is_whole = query[15..17] == Rtype::AXFR.0.to_be_bytes();
                let mac = query[query.len() - 38..query.len() - 6].to_vec();
                let mut signer = Signer::answer(key(answer.secret), &mac);
                let messages = if is_whole { &answer.whole } else { &answer.differences };
                let mut octets = Vec::new();
                for (number, records) in messages.iter().enumerate() {
                    let mut message = message(&query[..2], records);
                    if (answer.signs)(number) {
                        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
                        signer.sign(UnixTime::from_secs(now.as_secs() - answer.late), &mut message);
                    }
                    octets.extend_from_slice(&u16::try_from(message.len()).unwrap().to_be_bytes());
                    octets.extend_from_slice(&message);
                }
                octets.truncate(octets.len() - if answer.is_cut { 9 } else { 0 });
                // Who refuses it leaves before the end.
                drop(stream.write_all(&octets));
            }
        });
        Self { address, answer }
    }
}

/// A NOTIFY of `t.` that tells no serial, signed.
fn notify() -> Vec<u8> {
    let mut message = b"\x12\x34\x24\0\0\x01\0\0\0\0\0\0\x01t\0\0\x06\0\x01".to_vec();
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    Signer::of(key(SECRET)).sign(UnixTime::from_secs(now.as_secs()), &mut message);
    message
}

/// A server whose zone comes from a primary, at version 5.
fn start(folder: &Folder, primary: &Primary) -> Server {
    let listen = SocketAddr::new(Network::new().take().into(), 0);
    let secret = data_encoding::BASE64.encode(&[SECRET; 32]);
    // NOTIFY comes from an address of its own here.
    let config = format!(
        "version = 1\n[server]\nlisten = [\"{listen}\"]\nmetrics-listen = \"{listen}\"\n[state]\ndir = \"state\"\n\
         [[zone]]\nname = \"t\"\nprimaries = [\"{} transfer\", \"127.0.0.1:1 transfer\"]\n\
         [[key]]\nname = \"transfer\"\nsecret-file = \"transfer.key\"\n",
        primary.address
    );
    let secret = folder.write("transfer.key", secret);
    std::fs::set_permissions(secret, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
    let config = folder.write("understudy.toml", config);
    let server = Program::new(&["serve"]).argument(config).start();
    server.answering();
    eventually("version 5 has come", || (version(server.address()) == Some(5)).then_some(()));
    server
}

fn version(server: SocketAddr) -> Option<u32> {
    ask(server, "t. SOA").records.first()?.split_whitespace().find_map(|word| word.parse().ok())
}

#[test]
fn what_a_primary_must_not_send_is_refused_with_its_reason_and_the_old_zone_is_served_on() {
    let (folder, primary) = (Folder::new(), Primary::start());
    let server = start(&folder, &primary);
    let at = server.address();
    let good = || Answer::version(6);
    let mut other_end = good();
    other_end.whole[2] = vec![soa(7)];
    other_end.differences[2] = vec![soa(7)];
    let outside = vec![vec![soa(6), address("a.u.", 1), soa(6)]];
    let not_there = vec![vec![soa(6), soa(5), address("x.t.", 9), soa(6), soa(6)]];
    let cases = [
        ("a signature is wrong", Answer { secret: 8, ..good() }),
        ("the clocks are too far apart", Answer { late: 1_000, ..good() }),
        // The next signature was made without it.
        ("a signature is wrong", Answer { signs: |number| number != 1, ..good() }),
        ("a message is not signed", Answer { signs: |number| number < 2, ..good() }),
        ("the transfer broke off", Answer { is_cut: true, ..good() }),
        ("the transfer broke off", Answer::of(vec![vec![soa(6)], vec![address("a.t.", 1)]])),
        ("the primary's serial 4 is behind ours, 5", Answer::version(4)),
        ("a.u. lies outside of the zone", Answer::of(outside)),
        ("ends with another SOA", other_end),
        // A zone that no reload would take.
        ("a zone from a primary cannot be kept", Answer::of(vec![vec![soa(6), address("a.t.", 9), soa(6)]])),
        ("deletes a record of x.t. that is not there", Answer { differences: not_there, ..Answer::version(4) }),
    ];
    for (reason, answer) in cases {
        *primary.answer.lock().unwrap() = answer;
        let from = server.log.len();
        assert!(send(at, &notify(), Duration::from_secs(60)).is_some_and(|answer| answer[3] & 15 == 0), "{reason}");
        server.log.wait_from(from, &[reason]);
        assert_eq!(version(at), Some(5), "{reason}");
        assert!(ask(at, "a.t. A").is(&["192.0.2.1"]), "{reason}");
    }
    assert!(metric(server.metrics(), "understudy_transfer_inbound_total{result=\"failed\"}") >= 9.0);
    // Nothing of it has spoilt what comes after, or what is kept.
    *primary.answer.lock().unwrap() = good();
    assert!(send(at, &notify(), Duration::from_secs(60)).is_some());
    eventually("version 6 has come", || (version(at) == Some(6)).then_some(()));
    assert!(ask(at, "b.t. A").is(&["192.0.2.2"]));
}

/// They become a query every 100 ms at most, and answers go on.
#[test]
fn a_flood_of_notifies_is_a_query_every_now_and_then() {
    let (folder, primary) = (Folder::new(), Primary::start());
    let server = start(&folder, &primary);
    let (at, packet) = (server.address(), notify());
    let asked =
        |word: &str| metric(server.metrics(), &format!("understudy_transfer_inbound_total{{result=\"{word}\"}}"));
    let (before, begin) = (asked("current"), std::time::Instant::now());
    for _ in 0..2_000 {
        send(at, &packet, Duration::from_millis(200));
    }
    let most = begin.elapsed().as_secs_f64() / 0.1 + 2.0;
    eventually("the last has come to something", || (asked("current") > before).then_some(()));
    let queries = asked("current") - before;
    assert!(queries <= most, "{queries} queries in {:?}", begin.elapsed());
    stays("the version is the same", || version(at) == Some(5));
    // Whoever is no primary tells nothing.
    let mut unsigned = b"\x12\x34\x24\0\0\x01\0\0\0\0\0\0\x01t\0\0\x06\0\x01".to_vec();
    assert_eq!(send(at, &unsigned, Duration::from_secs(60)).unwrap()[3] & 15, 5, "REFUSED");
    unsigned[13] = b'u';
    assert_eq!(send(at, &unsigned, Duration::from_secs(60)).unwrap()[3] & 15, 9, "NOTAUTH");
}
