//! What a primary may send, and what of it is refused: the zone stays as it was.

use std::sync::Arc;
use std::time::Duration;

use hickory_proto::op::Message;
use hickory_proto::rr::rdata::opt::EdnsCode;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

use super::assembly::{Assembly, Limits, Outcome, Refused};
use super::fetch::{FetchContext, FetchError, Primary, fetch, pad};
use crate::base::clock::{Clock, UnixTime};
use crate::base::tasks::Tasks;
use crate::transfer::tsig::{Signer, Unverified};
use crate::transfer::{Algorithm, Key};
use crate::zone::{Name, Rtype, Serial, Zone, ZoneBuilder};

type Record<'a> = (&'a str, Rtype, Vec<u8>);

fn name(text: &str) -> Name {
    text.parse().unwrap()
}

fn soa(serial: u32) -> Record<'static> {
    let mut rdata = b"\x01n\0\x01h\0".to_vec();
    [serial, 2, 3, 4, 5].iter().for_each(|number| rdata.extend_from_slice(&number.to_be_bytes()));
    ("t.", Rtype::SOA, rdata)
}

fn address(owner: &str, last: u8) -> Record<'_> {
    (owner, Rtype::A, vec![192, 0, 2, last])
}

/// One message of an answer with these records, uncompressed.
fn message(records: &[Record<'_>]) -> Vec<u8> {
    let count = u8::try_from(records.len()).unwrap();
    let mut message = vec![0, 7, 0x84, 0, 0, 0, 0, count, 0, 0, 0, 0];
    for (owner, rtype, rdata) in records {
        message.extend_from_slice(name(owner).wire());
        message.extend_from_slice(&rtype.0.to_be_bytes());
        message.extend_from_slice(&[0, 1, 0, 0, 0, 60]);
        message.extend_from_slice(&u16::try_from(rdata.len()).unwrap().to_be_bytes());
        message.extend_from_slice(rdata);
    }
    message
}

/// The version that we have: serial 5, and two addresses.
fn had() -> Arc<Zone> {
    let mut builder = ZoneBuilder::new(name("t."));
    for (owner, rtype, rdata) in [soa(5), address("a.t.", 1), address("b.t.", 2)] {
        builder.add(&name(owner), rtype, 60, &rdata).unwrap();
    }
    Arc::new(builder.finish().unwrap())
}

/// Takes messages until the end, or until one is refused.
fn take(is_incremental: bool, messages: &[Vec<u8>]) -> Result<Outcome, Refused> {
    let mut assembly = Assembly::new(name("t."), 7, Some(had()), is_incremental);
    let mut last = Ok(Outcome::More);
    for message in messages {
        last = assembly.take(message);
        if last.is_err() {
            break;
        }
    }
    last
}

/// The owners and last octets of the addresses of a zone.
fn addresses(outcome: Result<Outcome, Refused>) -> (u32, Vec<(String, u8)>) {
    let Ok(Outcome::New(zone)) = outcome else { panic!("{outcome:?}") };
    let sets = zone.sets_of(Rtype::A);
    let addresses = sets.flat_map(|(owner, set)| set.rdatas().map(move |rdata| (owner.to_string(), rdata[3])));
    (zone.serial().0, addresses.collect())
}

#[test]
fn a_whole_zone_comes_in_any_number_of_messages() {
    let owned = |list: &[(&str, u8)]| list.iter().map(|(owner, last)| ((*owner).to_owned(), *last)).collect::<Vec<_>>();
    let records = [soa(6), address("a.t.", 9), address("c.t.", 3), soa(6)];
    for parts in 1..=4 {
        let messages: Vec<Vec<u8>> = records.chunks(parts).map(message).collect();
        for is_incremental in [false, true] {
            let (serial, found) = addresses(take(is_incremental, &messages));
            assert_eq!((serial, found), (6, owned(&[("a.t.", 9), ("c.t.", 3)])), "{parts}");
        }
    }
}

/// RFC 1995 §4: some versions on the way, and names that come and leave again.
#[test]
fn differences_lead_from_our_version_to_the_newest() {
    let records = [
        soa(7),
        soa(5),
        address("a.t.", 1),
        soa(6),
        address("a.t.", 8),
        address("c.t.", 3),
        soa(6),
        address("a.t.", 8),
        soa(7),
        address("a.t.", 9),
        soa(7),
    ];
    for parts in [1, 2, 11] {
        let messages: Vec<Vec<u8>> = records.chunks(parts).map(message).collect();
        let (serial, found) = addresses(take(true, &messages));
        let wanted = [("a.t.", 9), ("b.t.", 2), ("c.t.", 3)].map(|(owner, last)| (owner.to_owned(), last));
        assert_eq!((serial, found), (7, wanted.to_vec()), "{parts}");
    }
    assert_eq!(take(true, &[message(&[soa(5)])]), Ok(Outcome::Current));
    let whole = message(&[soa(5), address("a.t.", 1), address("b.t.", 2), soa(5)]);
    assert_eq!(
        (take(true, std::slice::from_ref(&whole)), take(false, &[whole])),
        (Ok(Outcome::Current), Ok(Outcome::Current))
    );
}

#[test]
fn what_is_wrong_in_a_transfer_refuses_all_of_it() {
    let behind = |theirs| Refused::Behind { theirs: Serial(theirs), ours: Serial(5) };
    let there = |owner: &str| Refused::NotThere(name(owner));
    let mut other_id = message(&[soa(6), soa(6)]);
    other_id[1] = 8;
    let mut refused = message(&[]);
    refused[3] = 5;
    let mut truncated = message(&[soa(6), soa(6)]);
    truncated[2] |= 2;
    let mut short = message(&[soa(6), address("a.t.", 1)]);
    short.truncate(short.len() - 1);
    let mut class = message(&[soa(6), address("a.t.", 1)]);
    let place = class.len() - 11;
    class[place] = 3;
    for (is_incremental, messages, wanted) in [
        (true, vec![message(&[soa(4)])], behind(4)),
        (true, vec![message(&[soa(4), address("a.t.", 1), soa(4)])], behind(4)),
        (false, vec![message(&[soa(4), address("a.t.", 1), soa(4)])], behind(4)),
        (false, vec![message(&[address("a.t.", 1)])], Refused::NoSoa),
        (false, vec![message(&[])], Refused::NoSoa),
        (false, vec![message(&[soa(6), address("a.t.", 1), soa(7)])], Refused::OtherSoa),
        (false, vec![message(&[soa(6), address("a.u.", 1)])], Refused::Outside(name("a.u."))),
        (false, vec![message(&[soa(6), soa(6), address("a.t.", 1)])], Refused::BehindTheEnd),
        (true, vec![message(&[soa(6), soa(5), address("x.t.", 1)])], there("x.t.")),
        (true, vec![message(&[soa(6), soa(5), address("a.t.", 2)])], there("a.t.")),
        (true, vec![message(&[soa(6), soa(5), address("a.t.", 1), address("a.t.", 1)])], there("a.t.")),
        (true, vec![message(&[soa(8), soa(5), soa(6), soa(7)])], Refused::Gap(Serial(7))),
        (true, vec![message(&[soa(6), soa(5), soa(6), soa(5)])], Refused::Gap(Serial(5))),
        (false, vec![other_id], Refused::Malformed),
        (false, vec![truncated], Refused::Malformed),
        (false, vec![short], Refused::Malformed),
        (false, vec![refused], Refused::Rcode(5)),
        (false, vec![class], Refused::Class),
    ] {
        assert_eq!(take(is_incremental, &messages), Err(wanted));
    }
    let alias = (name("b.t."), Rtype::CNAME, b"\x01x\0".to_vec());
    let records = [soa(6), address("b.t.", 1), ("b.t.", alias.1, alias.2), soa(6)];
    assert!(matches!(take(false, &[message(&records)]), Err(Refused::Zone(_))), "no zone has such data");
}

/// Names in RDATA may be compressed by others, and stand in full in the zone.
#[test]
fn compressed_names_are_read_in_full() {
    let mut packet = message(&[soa(6)]);
    packet[7] = 3;
    packet.extend_from_slice(b"\x01m\xc0\x0c\0\x0f\0\x01\0\0\0\x3c\0\x06\0\x05\x01x\xc0\x0c");
    packet.extend_from_slice(&message(&[soa(6)])[12..]);
    let Ok(Outcome::New(zone)) = take(false, &[packet]) else { panic!("it is a zone") };
    let set = zone.rrset(&name("m.t."), Rtype::MX).unwrap();
    assert_eq!(set.rdatas().collect::<Vec<_>>(), [b"\0\x05\x01x\x01t\0"]);
}

/// Answers each query with what `answer` makes of it, then closes, or keeps silent.
async fn primary(answer: impl Fn(Vec<u8>) -> Vec<Vec<u8>> + Send + 'static, stays: bool) -> Primary {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(Tasks::new().spawn("primary", async move {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            let length = stream.read_u16().await.unwrap();
            let mut query = vec![0; usize::from(length)];
            stream.read_exact(&mut query).await.unwrap();
            for message in answer(query) {
                stream.write_all(&u16::try_from(message.len()).unwrap().to_be_bytes()).await.unwrap();
                stream.write_all(&message).await.unwrap();
            }
            if stays {
                std::future::pending::<()>().await;
            }
        }
    }));
    Primary { address, source: None, key: None, tls: None }
}

fn key(secret: u8) -> Arc<Key> {
    Arc::new(Key::new(&name("key."), Algorithm::HmacSha256, &[secret; 32]))
}

const RANDOM: fn() -> [u8; 16] = || [0, 7, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];

async fn ask(primary: &Primary, clock: Clock) -> Result<Outcome, FetchError> {
    let context = FetchContext { clock, random: RANDOM, limits: Limits { octets: 100_000, records: 1_000 } };
    fetch(primary, &name("t."), Some(&had()), context).await
}

#[tokio::test]
async fn differences_that_are_of_no_use_are_asked_for_as_a_whole() {
    let answer = |query: Vec<u8>| {
        let is_ixfr = query[16] == 251;
        let differences = [soa(6), soa(5), address("x.t.", 1)];
        vec![if is_ixfr { message(&differences) } else { message(&[soa(6), address("d.t.", 4), soa(6)]) }]
    };
    let primary = primary(answer, false).await;
    let outcome = ask(&primary, Clock::start()).await.unwrap();
    assert_eq!(addresses(Ok(outcome)), (6, vec![("d.t.".to_owned(), 4)]));
}

/// Signs the messages of an answer, but those that `signs` leaves out.
fn signed(query: &[u8], secret: u8, at: UnixTime, signs: fn(usize) -> bool) -> Vec<Vec<u8>> {
    let mac = query[query.len() - 38..query.len() - 6].to_vec();
    let mut signer = Signer::answer(key(secret), &mac);
    let messages = [message(&[soa(6)]), message(&[address("d.t.", 4)]), message(&[soa(6)])];
    let sign = |(number, mut message): (usize, Vec<u8>)| {
        if signs(number) {
            signer.sign(at, &mut message);
        }
        message
    };
    messages.into_iter().enumerate().map(sign).collect()
}

#[tokio::test]
async fn every_message_is_verified_to_the_last() {
    let clock = Clock::start();
    let now = clock.now().wall;
    let late = UnixTime::from_secs(now.as_secs() - 1_000);
    for (secret, at, signs, wanted) in [
        (1, now, (|_| true) as fn(usize) -> bool, None),
        (2, now, |_| true, Some(Unverified::WrongMac)),
        (1, late, |_| true, Some(Unverified::WrongTime)),
        (1, now, |number| number > 0, Some(Unverified::Unsigned)),
        (1, now, |number| number < 2, Some(Unverified::Unsigned)),
        // A message that is left unsigned counts for the next signature, which was made without it.
        (1, now, |number| number != 1, Some(Unverified::WrongMac)),
    ] {
        let mut primary = primary(move |query| signed(&query, secret, at, signs), false).await;
        primary.key = Some(key(1));
        match (ask(&primary, clock).await, wanted) {
            (Ok(Outcome::New(_)), None) => {}
            (Err(FetchError::Unverified(found)), Some(wanted)) => assert_eq!(found, wanted),
            (found, wanted) => panic!("{found:?} is not {wanted:?}"),
        }
    }
}

#[tokio::test]
async fn a_stream_that_breaks_off_is_given_up() {
    let clock = Clock::start();
    let broken = primary(|_| vec![message(&[soa(6), address("d.t.", 4)])], false).await;
    assert!(matches!(ask(&broken, clock).await, Err(FetchError::Broken(_))));
    let nobody = Primary { address: ([127, 0, 0, 1], 1).into(), source: None, key: None, tls: None };
    assert!(matches!(ask(&nobody, clock).await, Err(FetchError::Connect(_))));
}

/// With time that passes at once when all wait.
#[tokio::test(start_paused = true)]
async fn a_primary_that_falls_silent_is_given_up() {
    let clock = Clock::start();
    let silent = primary(|_| vec![message(&[soa(6), address("d.t.", 4)])], true).await;
    let begun = clock.now();
    assert!(matches!(ask(&silent, clock).await, Err(FetchError::Slow)));
    assert!(clock.now().mono.since(begun.mono) < Duration::from_secs(60));
}

/// Sends the begin of a zone, then a record each time, without an end.
async fn endless(pause: Duration) -> Primary {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address_of = listener.local_addr().unwrap();
    drop(Tasks::new().spawn("endless", async move {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut next = message(&[soa(6)]);
            for last in (0..250).cycle() {
                let framed = [&u16::try_from(next.len()).unwrap().to_be_bytes(), next.as_slice()].concat();
                if stream.write_all(&framed).await.is_err() {
                    break;
                }
                tokio::time::sleep(pause).await;
                next = message(&[address("d.t.", last)]);
            }
        }
    }));
    Primary { address: address_of, source: None, key: None, tls: None }
}

#[tokio::test]
async fn a_stream_that_never_ends_is_given_up_at_the_limit() {
    let primary = endless(Duration::ZERO).await;
    let outcome = ask(&primary, Clock::start()).await;
    assert!(matches!(outcome, Err(FetchError::Refused(Refused::TooLong(_)))), "{outcome:?}");
}

/// Each message comes in time, and all of them never.
#[tokio::test(start_paused = true)]
async fn a_primary_that_dribbles_is_given_up() {
    let (primary, clock) = (endless(Duration::from_secs(9)).await, Clock::start());
    let begun = clock.now();
    assert!(matches!(ask(&primary, clock).await, Err(FetchError::Slow)));
    let took = clock.now().mono.since(begun.mono);
    assert!(took <= Duration::from_secs(901), "{took:?}");
}

/// RFC 8467 §4.1: their lengths tell nothing.
#[test]
fn queries_over_tls_are_padded_to_blocks() {
    for (origin, signature) in [("t.", 0), ("t.", 77), ("a.much.longer.name.of.a.zone.", 77)] {
        let mut query = Assembly::new(name(origin), 7, None, false).query();
        pad(&mut query, signature);
        assert_eq!((query.len() + signature) % 128, 0, "{origin}");
        let read = Message::from_vec(&query).unwrap();
        assert!(read.edns.is_some_and(|edns| edns.options().get(EdnsCode::Padding).is_some()), "{origin}");
    }
}
