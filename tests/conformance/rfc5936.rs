//! Transfers of whole zones (RFC 5936), and of their differences (RFC 1995), without sockets.

use std::sync::Arc;

use hickory_proto::op::ResponseCode;
use understudy::base::table::RowId;
use understudy::serve::{Sent, Transport};
use understudy::snapshot::{Difference, History, SlotId, SlotValue, ZoneId};
use understudy::transfer::Rule;
use understudy::zone::diff::Diff;
use understudy::zone::serial::with_serial;
use understudy::zone::{Rrset, Rtype, Serial};

use crate::support::{Answer, Server, client, name, query};

const ZONE: &str = "t. 60 SOA n. h. 7 2 3 4 60\nt. 60 NS n.t.\nn.t. 60 A 192.0.2.1\na.t. 60 A 192.0.2.2\n\
                    a.t. 60 A 192.0.2.3\nsub.t. 60 NS n.sub.t.\nn.sub.t. 60 A 192.0.2.4\nbelow.sub.t. 60 TXT x";

/// A server whose zones everybody may transfer; one set and the SOA follow decisions.
fn server(text: &str) -> Server {
    let server = Server::with_slots(&[text], &[(0, "a.t.", Rtype::A), (0, "t.", Rtype::SOA)]);
    server.set(|settings| {
        let rule = Rule { network: "127.0.0.0/8".parse().unwrap(), key: None };
        settings.transfers = [(name("t."), [rule].into_iter().collect())].into();
    });
    server
}

fn begin(server: &Server, packet: &[u8], transport: Transport) -> (Vec<u8>, Sent) {
    let mut octets = Vec::new();
    let sent = server.responder.respond(packet, client(transport), &mut octets).unwrap();
    (octets, sent)
}

/// Takes the messages behind the first one.
fn take_rest(mut sent: Sent) -> Vec<Vec<u8>> {
    let mut messages = Vec::new();
    let mut next = Vec::new();
    while sent.rest.as_mut().is_some_and(|rest| rest.next(client(Transport::Tcp).now.wall, &mut next)) {
        messages.push(next.clone());
    }
    messages
}

/// Asks, and returns the records of all messages.
fn transfer(server: &Server, packet: &[u8]) -> Vec<String> {
    let (first, sent) = begin(server, packet, Transport::Tcp);
    let messages = [first].into_iter().chain(take_rest(sent));
    messages.flat_map(|message| Answer::read(message).answer()).collect()
}

/// A query for what changed since a serial (RFC 1995 §3).
fn query_since(serial: u32) -> Vec<u8> {
    let mut packet = query("t. IXFR", None);
    packet[9] = 1;
    packet.extend_from_slice(b"\xc0\x0c\0\x06\0\x01\0\0\0\0\0\x16\0\0");
    [serial, 0, 0, 0, 0].iter().for_each(|number| packet.extend_from_slice(&number.to_be_bytes()));
    packet
}

/// The zone's SOA with another serial.
fn soa(server: &Server, serial: u32) -> Arc<Rrset> {
    let zone = server.snapshot().zone(ZoneId::from_index(0)).unwrap();
    Arc::new(with_serial(zone.soa().unwrap(), Serial(serial)))
}

/// Lets the zone go from version 7 to 8 by a set of one address.
fn go_on(server: &mut Server) {
    let (was, is) = (soa(server, 7), soa(server, 8));
    let left = Rrset::new(Rtype::A, 60, [[192, 0, 2, 2]]);
    let stays = Arc::new(Rrset::new(Rtype::A, 60, [[192, 0, 2, 3]]));
    let origin = name("t.");
    let diff = Diff {
        removed: vec![(origin.clone(), Rrset::clone(&was)), (name("a.t."), left)],
        added: vec![(origin.clone(), Rrset::clone(&is))],
    };
    let zone = ZoneId::from_index(0);
    let mut history = History::open(&origin, Serial(7), Rrset::clone(&was), server.snapshot().digest(zone));
    let digest = history.digest().after(&diff);
    history.push(Difference { from: Serial(7), to: Serial(8), diff, digest });
    let values = [(0, stays), (1, is)].map(|(slot, set)| (SlotId::from_index(slot), SlotValue::Records(set)));
    server.publish_snapshot(server.snapshot().next(values).with_histories([(zone, history.view())]));
}

/// §2.2: the SOA first and last, between them everything else once, glue and what lies below cuts too (§3.5).
#[test]
fn a_whole_zone_is_all_its_records_between_two_soas() {
    let records = transfer(&server(ZONE), &query("t. AXFR", Some(1232)));
    let soa = "t. 60 SOA n. h. 7 2 3 4 60";
    assert_eq!((records.first().unwrap(), records.last().unwrap()), (&soa.to_owned(), &soa.to_owned()));
    let mut inner: Vec<&str> = records[1..records.len() - 1].iter().map(String::as_str).collect();
    let mut wanted: Vec<&str> = ZONE.lines().skip(1).collect();
    inner.sort_unstable();
    wanted.sort_unstable();
    assert_eq!(inner.len(), wanted.len());
    for (found, wanted) in inner.iter().zip(wanted) {
        assert!(found.starts_with(wanted.trim_end_matches(" x")), "{found} is not {wanted}");
    }
}

/// §2.2: many messages, the question in the first alone, and the OPT record too; none is longer than pointers lead.
#[test]
fn a_large_zone_is_many_messages() {
    let names: String =
        (0..3_000).map(|number| format!("\nx{number}.t. 60 TXT {}", "y".repeat(number % 90 + 1))).collect();
    let server = server(&(ZONE.to_owned() + &names));
    let (first, sent) = begin(&server, &query("t. AXFR", Some(1232)), Transport::Tls);
    let rest = take_rest(sent);
    assert!(rest.len() > 5, "{} messages", rest.len());
    let mut records = Answer::read(first.clone()).answer();
    assert_eq!((first[5], first[11], first[2] & 4), (1, 1, 4));
    for message in rest {
        assert!((message[5], message[11]) == (0, 0) && message.len() <= 16 << 10 && message[2] & 0x84 == 0x84);
        records.extend(Answer::read(message).answer());
    }
    let count = records.len();
    records.sort_unstable();
    records.dedup();
    assert_eq!((count, records.len()), (3_009, 3_008), "each once, but for the SOA");
}

/// A transfer is of one version, whatever is published meanwhile.
#[test]
fn what_changes_during_a_transfer_is_not_in_it() {
    let names: String = (0..3_000).map(|number| format!("\nb{number}.t. 60 TXT {}", "y".repeat(90))).collect();
    // Names behind the first message, and the set that changes before and behind them.
    let mut server = server(&(ZONE.to_owned() + &names));
    let whole = transfer(&server, &query("t. AXFR", None));
    let (first, sent) = begin(&server, &query("t. AXFR", None), Transport::Tcp);
    go_on(&mut server);
    let messages = [first].into_iter().chain(take_rest(sent));
    assert_eq!(messages.flat_map(|message| Answer::read(message).answer()).collect::<Vec<_>>(), whole);
    let next = transfer(&server, &query("t. AXFR", None));
    assert_eq!((next.len(), next[0].as_str()), (whole.len() - 1, "t. 60 SOA n. h. 8 2 3 4 60"));
}

/// RFC 1995 §2, §4: differences from a version that is known; else the whole zone; the SOA alone for the newest one.
#[test]
fn a_known_version_gets_the_differences_and_another_one_the_whole_zone() {
    let mut server = server(ZONE);
    go_on(&mut server);
    let (was, is) = ("t. 60 SOA n. h. 7 2 3 4 60", "t. 60 SOA n. h. 8 2 3 4 60");
    assert_eq!(transfer(&server, &query_since(7)), [is, was, "a.t. 60 A 192.0.2.2", is, is]);
    assert_eq!(transfer(&server, &query_since(8)), [is]);
    assert_eq!(transfer(&server, &query_since(9)), [is], "a later one");
    assert_eq!(transfer(&server, &query_since(6)).len(), 8, "the whole zone");
    let (octets, sent) = begin(&server, &query_since(7), Transport::Udp);
    assert!(sent.rest.is_none() && Answer::read(octets).answer().len() == 5, "it fits into a datagram");
    let (octets, sent) = begin(&server, &query_since(6), Transport::Udp);
    assert!(sent.rest.is_none());
    assert_eq!(Answer::read(octets).answer().len(), 8, "so does this one");
}

/// RFC 1995 §2: what does not fit into a datagram is the SOA alone, so that the client comes by TCP.
#[test]
fn what_does_not_fit_into_a_datagram_is_the_soa_alone() {
    let names: String = (0..30).map(|number| format!("\nx{number}.t. 60 TXT {}", "y".repeat(90))).collect();
    let (octets, sent) = begin(&server(&(ZONE.to_owned() + &names)), &query_since(6), Transport::Udp);
    assert!(sent.rest.is_none() && octets.len() <= 512);
    assert_eq!(Answer::read(octets).answer(), ["t. 60 SOA n. h. 7 2 3 4 60"]);
}

/// Each reason not to has its own code; a query for differences without a version cannot be read.
#[test]
fn who_may_not_and_what_is_not_there_are_told_apart() {
    use ResponseCode::{FormErr, NotAuth, NotImp, Refused, ServFail};
    let server = server(ZONE);
    let rcode = |packet: &[u8], transport| {
        let (octets, sent) = begin(&server, packet, transport);
        assert!(sent.rest.is_none());
        Answer::read(octets).rcode()
    };
    for (question, transport, wanted) in [
        ("a.t. AXFR", Transport::Tcp, NotAuth),
        ("u. AXFR", Transport::Tcp, NotAuth),
        ("t. IXFR", Transport::Tcp, FormErr),
        ("t. AXFR", Transport::Udp, NotImp),
        ("t. AXFR", Transport::Https, Refused),
    ] {
        assert_eq!(rcode(&query(question, None), transport), wanted, "{question}");
    }
    let names: String = (0..3_000).map(|number| format!("\nx{number}.t. 60 TXT {}", "y".repeat(90))).collect();
    let large = self::server(&(ZONE.to_owned() + &names));
    large.set(|settings| settings.transfer_limit = 1);
    let (_, running) = begin(&large, &query("t. AXFR", None), Transport::Tcp);
    let (octets, _) = begin(&large, &query("t. AXFR", None), Transport::Tcp);
    assert_eq!(Answer::read(octets).rcode(), ServFail, "too many at once");
    drop(running);
    assert!(begin(&large, &query("t. AXFR", None), Transport::Tcp).1.rest.is_some());
    server.set(|settings| settings.transfers.clear());
    assert_eq!(rcode(&query("t. AXFR", None), Transport::Tcp), Refused);
}
