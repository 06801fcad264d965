//! Large sets: what a message holds, and what none can hold.

use std::fmt::Write as _;

use hickory_proto::op::ResponseCode::NoError;
use understudy::serve::Transport;
use understudy::zone::parse::{NoSources, Origin, parse};

use crate::support::{Server, query};

/// Serves a zone `t.` with these lines of a master file.
pub(crate) fn server(records: &str) -> Server {
    let text = format!("$ORIGIN t.\n$TTL 60\n@ SOA n h 1 2 3 4 60\n@ NS n\nn A 192.0.2.53\n{records}");
    let parsed = parse("t", text.as_bytes(), Origin::Unknown, &mut NoSources);
    Server::of(vec![parsed.zone.unwrap_or_else(|| panic!("{:?}", parsed.findings))])
}

/// RFC 1035 §4.1.4: 2,000 names take more than 65,535 octets in full, and less when they are compressed.
#[test]
fn a_set_that_fits_when_it_is_compressed_is_served_whole_over_tcp() {
    let mut records = String::new();
    for number in 0..2_000 {
        writeln!(records, "ptr PTR host{number:04}.a.name.of.some.length").unwrap();
    }
    let answer = server(&records).ask("ptr.t. PTR");
    assert_eq!((answer.rcode(), answer.is_truncated(), answer.answer().len()), (NoError, false, 2_000));
}

/// RFC 2181 §9: what no message can carry is truncated by every transport; the rest of the zone is answered.
#[test]
fn a_set_that_no_message_carries_is_truncated_and_its_zone_served() {
    let mut records = "www A 192.0.2.1\n".to_owned();
    for number in 0..5_000 {
        writeln!(records, "big A 10.0.{}.{}", number >> 8, number & 255).unwrap();
    }
    let server = server(&records);
    for transport in [Transport::Tcp, Transport::Udp] {
        let answer = server.ask_octets(&query("big.t. A", Some(1232)), transport);
        assert_eq!((answer.rcode(), answer.is_truncated(), answer.answer().len()), (NoError, true, 0));
    }
    assert_eq!(server.ask("www.t. A").answer(), ["www.t. 60 A 192.0.2.1"]);
}
