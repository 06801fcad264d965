//! How long "no" may be cached.

use hickory_proto::op::ResponseCode::{NXDomain, NoError};
use understudy::snapshot::SlotValue;
use understudy::zone::Rtype;

use crate::support::{Server, name, rdata};

const ZONE: &str = "
    t. 300 SOA n. h. 1 2 3 4 60
    h.t. 300 A 192.0.2.1
    a.t. 300 CNAME h.t.";

#[test]
fn the_soa_of_a_no_lives_as_long_as_its_minimum() {
    let server = Server::new(&[ZONE, "u. 30 SOA n. h. 1 2 3 4 60"]);
    server.ask("x.t. A").is(NXDomain, true, "", "t. 60 SOA n. h. 1 2 3 4 60", "");
    server.ask("a.t. AAAA").is(NoError, true, "a.t. 300 CNAME h.t.", "t. 60 SOA n. h. 1 2 3 4 60", "");
    server.ask("x.u. A").is(NXDomain, true, "", "u. 30 SOA n. h. 1 2 3 4 60", "");
    server.ask("t. SOA").is(NoError, true, "t. 300 SOA n. h. 1 2 3 4 60", "", "");
}

#[test]
fn an_empty_slot_shortens_the_no_and_the_served_serial_is_the_slot_s() {
    let mut server = Server::with_slots(&[ZONE], &[(0, "h.t.", Rtype::A), (0, "t.", Rtype::SOA)]);
    server.ask("a.t. A").is(NoError, true, "a.t. 300 CNAME h.t.\nh.t. 300 A 192.0.2.1", "", "");

    server.publish(0, SlotValue::Empty { negative_ttl: 5 });
    let soa = rdata(Rtype::SOA, &["n.", "h.", "9", "2", "3", "4", "60"], &name("t."));
    server.publish(1, SlotValue::Records(understudy::zone::Rrset::new(Rtype::SOA, 300, [soa]).into()));

    let no = "t. 5 SOA n. h. 9 2 3 4 60";
    server.ask("a.t. A").is(NoError, true, "a.t. 300 CNAME h.t.", no, "");
    server.ask("h.t. ANY").is(NoError, true, "", no, "");
    server.ask("h.t. AAAA").is(NoError, true, "", "t. 60 SOA n. h. 9 2 3 4 60", "");
    assert_eq!(server.snapshot().generation(), 3);
}
