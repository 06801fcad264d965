//! SRV, and what goes with it into the additional section.

use hickory_proto::op::ResponseCode::NoError;
use understudy::serve::{Context, QueryView, Secrets, Settings, Transport, answer, render};
use understudy::snapshot::SlotValue;
use understudy::zone::Rtype;

use crate::support::{Server, client, query, srv_set};

const ZONE: &str = "
    t. 60 SOA n. h. 1 2 3 4 60
    _sip._tcp.t. 60 SRV 10 1 5060 a.t.
    _sip._tcp.t. 60 SRV 10 1 5060 b.t.
    _sip._tcp.t. 60 SRV 20 1 5061 a.t.
    _sip._tcp.t. 60 SRV 20 1 5060 x.other.
    _sip._tcp.t. 60 SRV 20 1 5060 x.sub.t.
    _sip._tcp.t. 60 SRV 20 1 5060 x.nowhere.
    _off._tcp.t. 60 SRV 0 0 0 .
    t. 60 NAPTR 1 1 \"s\" \"SIP+D2T\" \"\" _sip._tcp.t.
    a.naptr.t. 60 NAPTR 1 1 \"a\" \"x\" \"\" a.t.
    u.naptr.t. 60 NAPTR 1 1 \"u\" \"x\" \"!.*!sip:x!\" a.t.
    next.naptr.t. 60 NAPTR 1 1 \"\" \"x\" \"\" a.naptr.t.
    t. 60 HTTPS 1 .
    alias.t. 60 HTTPS 0 t.
    plain.t. 60 HTTPS 0 a.t.
    t. 60 A 192.0.2.9
    a.t. 60 A 192.0.2.1
    a.t. 60 AAAA 2001:db8::1
    b.t. 60 A 192.0.2.2
    sub.t. 60 NS x.sub.t.
    x.sub.t. 60 A 192.0.2.3";
const OTHER: &str = "
    other. 60 SOA n. h. 1 2 3 4 60
    x.other. 60 A 192.0.2.4";
const ADDRESSES: [&str; 4] =
    ["a.t. 60 A 192.0.2.1", "a.t. 60 AAAA 2001:db8::1", "b.t. 60 A 192.0.2.2", "x.other. 60 A 192.0.2.4"];

#[test]
fn the_addresses_of_every_target_of_ours_come_along_once() {
    let answer = Server::new(&[ZONE, OTHER]).ask("_sip._tcp.t. SRV");
    assert_eq!((answer.rcode(), answer.answer().len()), (NoError, 6));
    assert_eq!(answer.additional(), ADDRESSES);
}

#[test]
fn minimal_responses_leave_them_off() {
    let server = Server::new(&[ZONE, OTHER]);
    server.set(|settings| settings.minimal_responses = true);
    assert_eq!(server.ask("_sip._tcp.t. SRV").additional(), [""; 0]);
}

#[test]
fn a_naptr_brings_what_its_flag_tells_and_https_its_host_s_addresses() {
    let server = Server::new(&[ZONE, OTHER]);
    let naptr = server.ask("t. NAPTR").additional();
    let (srv, addresses) = naptr.split_at(6);
    assert!(srv.iter().all(|line| line.starts_with("_sip._tcp.t. 60 SRV ")), "{srv:?}");
    assert_eq!(addresses, ADDRESSES);
    assert_eq!(server.ask("t. HTTPS").additional(), ["t. 60 A 192.0.2.9"]);
    assert_eq!(server.ask("alias.t. HTTPS").additional(), ["t. 60 HTTPS 1 .", "t. 60 A 192.0.2.9"]);
    assert_eq!(server.ask("plain.t. HTTPS").additional(), ADDRESSES[..2]);
    assert_eq!(server.ask("a.naptr.t. NAPTR").additional(), ADDRESSES[..2]);
    assert_eq!(server.ask("u.naptr.t. NAPTR").additional(), [""; 0]);
    assert_eq!(server.ask("next.naptr.t. NAPTR").additional().len(), 3);
    assert_eq!(server.ask("_off._tcp.t. SRV").additional(), [""; 0]);
}

#[test]
fn a_published_slot_is_answered_and_its_addresses_too() {
    let mut server = Server::with_slots(&[ZONE, OTHER], &[(0, "_sip._tcp.t.", Rtype::SRV), (0, "a.t.", Rtype::A)]);
    server.publish(0, SlotValue::Records(srv_set(5, &[(20, 1, 5061, "a.t.")])));
    server.publish(1, SlotValue::Empty { negative_ttl: 5 });
    server.ask("_sip._tcp.t. SRV").is(
        NoError,
        true,
        "_sip._tcp.t. 5 SRV 20 1 5061 a.t.",
        "",
        "a.t. 60 AAAA 2001:db8::1",
    );
}

#[test]
fn the_number_of_the_query_turns_the_records() {
    let server = Server::new(&[ZONE, OTHER]);
    let mut packet = query("_sip._tcp.t. SRV", None);
    packet[1] = 2;
    let answer = server.ask_octets(&packet, Transport::Tcp).answer();
    assert_eq!(answer[0], "_sip._tcp.t. 60 SRV 20 1 5061 a.t.");
    assert_eq!(answer.len(), 6);
}

/// The target is not compressed, but owners behind it may point to it.
#[test]
fn targets_stand_in_full() {
    let server = Server::new(&[ZONE, OTHER]);
    let octets = server.ask("_sip._tcp.t. SRV").octets;
    let times = |wire: &[u8]| octets.windows(wire.len()).filter(|window| *window == wire).count();
    assert_eq!((times(b"\x01a\x01t\x00"), times(b"\x01b\x01t\x00")), (2, 1));
}

/// RFC 2782: the addresses of all targets come along, as far as there is room.
#[test]
fn fifty_targets_have_their_addresses_with_them_where_there_is_room() {
    let mut zone = "t. 60 SOA n. h. 1 2 3 4 60\n".to_owned();
    for number in 0..50 {
        zone += &format!("_sip._tcp.t. 60 SRV 10 1 5060 h{number}.t.\nh{number}.t. 60 A 192.0.2.{number}\n");
        zone += &format!("h{number}.t. 60 AAAA 2001:db8::{number}\n");
    }
    let answer = Server::new(&[&zone]).ask("_sip._tcp.t. SRV");
    assert_eq!((answer.is_truncated(), answer.answer().len(), answer.additional().len()), (false, 50, 100));
}

/// Plans the answer to a question by one transport, and renders it within so many octets.
fn plan_and_render(server: &Server, packet: &[u8], transport: Transport, most: usize) -> (usize, Vec<u8>) {
    let query = QueryView::parse(packet).unwrap();
    let (settings, secrets) = (Settings::default(), Secrets::new([1; 16]));
    let status = server.responder.readiness().load();
    let client = client(transport);
    let context = Context { settings: &settings, status: &status, client, secrets: &secrets, rotation: 0 };
    let plan = answer(server.snapshot(), &query, &context);
    let mut octets = Vec::new();
    render(&plan, &query, most, &mut octets);
    (plan.additional.len(), octets)
}

/// So many services of one name, each on a host of its own with some addresses; some share a host.
fn many_targets(count: usize) -> Server {
    let mut zone = "t. 60 SOA n. h. 1 2 3 4 60\n".to_owned();
    for number in 0..count {
        zone += &format!("_sip._tcp.t. 60 SRV 10 1 {number} h{}.t.\n", number % (count * 3 / 4 + 1));
        for address in 0..number % 7 {
            zone += &format!("h{number}.t. 60 A 192.0.2.{address}\n");
        }
        zone += &format!("h{number}.t. 60 AAAA 2001:db8::{number}\n");
    }
    Server::new(&[&zone])
}

/// The work ends where the answer is full; what is sent is the same as if all addresses were looked up and then left out.
#[test]
fn addresses_that_cannot_fit_are_not_looked_up_and_nothing_else_changes() {
    for count in (1..60).step_by(2) {
        let server = many_targets(count);
        for size in [512, 800, 1232, 4096] {
            let packet = query("_sip._tcp.t. SRV", Some(size));
            let most = usize::from(size.min(1232));
            let (planned, whole) = plan_and_render(&server, &packet, Transport::Tcp, most);
            let (stopped, octets) = plan_and_render(&server, &packet, Transport::Udp, most);
            assert_eq!(octets, whole, "{count} targets, {size} octets");
            assert!(stopped <= planned && stopped * 16 <= most, "{stopped} sets for {most} octets");
        }
    }
    let server = many_targets(1_300);
    let packet = query("_sip._tcp.t. SRV", Some(1232));
    assert_eq!(plan_and_render(&server, &packet, Transport::Udp, 1232).0, 0, "the answer itself does not fit");
    let (planned, octets) = plan_and_render(&server, &packet, Transport::Tcp, usize::from(u16::MAX));
    assert!(planned > 500 && octets.len() > 60_000, "{planned} sets in {} octets", octets.len());
}
