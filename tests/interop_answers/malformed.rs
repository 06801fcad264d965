//! Packets that are no proper queries: where two of the three say the same, so do we.

use std::net::{SocketAddr, UdpSocket};
use std::time::Duration;

use understudy::serve::Transport;
use understudy::zone::Rtype;

use crate::client::query;
use crate::compare::{PAGE, our_server};
use crate::foreign::{Scratch, start_all};
use crate::support::client;

/// What came back: nothing, or a response code.
type Reply = Option<u8>;

/// The packets, by what is wrong with them; and, where we differ from two others, the row of `docs/conformance.md`.
fn packets() -> Vec<(&'static str, Vec<u8>, Option<&'static str>)> {
    let good = query("www.m.test.", Rtype::A, false);
    let opt = good.len() - 11;
    let with = |change: &dyn Fn(&mut Vec<u8>)| {
        let mut packet = good.clone();
        change(&mut packet);
        packet
    };
    let header = |flags: u8, counts: [u8; 8], body: &[u8]| [&[0x12, 0x34, flags, 0], counts.as_slice(), body].concat();
    let pointer = b"\xc0\x0c\x00\x01\x00\x01";
    vec![
        ("a good query", good.clone(), None),
        ("eleven octets", good[..11].to_vec(), None),
        ("a response", with(&|p| p[2] |= 0x80), None),
        ("a response with scraps", with(&|p| (p[2], p[12]) = (0x80, 0xff)), None),
        ("a header alone that promises a question", good[..12].to_vec(), None),
        ("no question", header(0, [0; 8], b""), None),
        ("two questions", header(0, [0, 2, 0, 0, 0, 0, 0, 0], &[&good[12..opt], &good[12..opt]].concat()), None),
        ("a question cut short", good[..20].to_vec(), None),
        ("a question without type", good[..opt - 4].to_vec(), None),
        ("a name that points to itself", header(0, [0, 1, 0, 0, 0, 0, 0, 0], pointer), None),
        ("a label of type 01", header(0, [0, 1, 0, 0, 0, 0, 0, 0], b"\x40a\x00\x00\x01\x00\x01"), None),
        (
            "a name of 300 octets",
            header(0, [0, 1, 0, 0, 0, 0, 0, 0], &[[3, b'a', b'b', b'c'].repeat(75), vec![0, 0, 1, 0, 1]].concat()),
            None,
        ),
        ("more additional records than there are", with(&|p| p[11] = 9), None),
        (
            "two OPT records",
            with(&|p| {
                p[11] = 2;
                let opt = p[opt..].to_vec();
                p.extend(opt);
            }),
            None,
        ),
        (
            "an OPT record below a name",
            with(&|p| {
                let tail = p.split_off(opt);
                p.extend(b"\x01a");
                p.extend(tail);
            }),
            None,
        ),
        (
            "an option that is too long",
            with(&|p| {
                let end = p.len();
                p[end - 1] = 4;
                p.extend([0, 3, 0, 9]);
            }),
            None,
        ),
        ("an EDNS version of 1", with(&|p| p[opt + 6] = 1), None),
        ("opcode STATUS", with(&|p| p[2] = 2 << 3), None),
        ("opcode 15", with(&|p| p[2] = 15 << 3), None),
        ("octets behind the last record", with(&|p| p.extend(b"trailing")), None),
        ("the TC bit", with(&|p| p[2] |= 2), None),
        ("all reserved bits", with(&|p| p[3] = 0x70), None),
        ("class CHAOS", with(&|p| p[opt - 1] = 3), None),
        ("class 4660", with(&|p| (p[opt - 2], p[opt - 1]) = (0x12, 0x34)), None),
        ("class ANY", with(&|p| p[opt - 1] = 255), None),
        ("type 0", with(&|p| p[opt - 3] = 0), None),
        ("type OPT", with(&|p| p[opt - 3] = 41), Some("meta-types")),
        ("type MAILB", with(&|p| p[opt - 3] = 253), Some("meta-types")),
        ("type 200", with(&|p| p[opt - 3] = 200), None),
        ("type AXFR by datagram", with(&|p| p[opt - 3] = 252), None),
    ]
}

#[test]
fn where_two_agree_on_malformed_packets_so_do_we() {
    let scratch = Scratch::new("malformed");
    let text = "m.test. 60 IN SOA ns.m.test. h.m.test. 1 2 3 4 5\nm.test. 60 IN NS ns.m.test.\nns.m.test. 60 IN A 192.0.2.53\n\
                www.m.test. 60 IN A 192.0.2.1\n";
    let files = scratch.write(&[("m.test.".to_owned(), text.to_owned())]);
    let others = start_all(&scratch, &files);
    let ours = our_server(&files);
    let mut wrong = Vec::new();
    for (title, packet, row) in packets() {
        let mut octets = Vec::new();
        let we = ours.responder.respond(&packet, client(Transport::Udp), &mut octets).map(|_| octets[3] & 0x0f);
        let they: Vec<Reply> = others.iter().map(|other| ask(other.address, &packet)).collect();
        let majority = they.iter().find(|reply| they.iter().filter(|other| other == reply).count() >= 2);
        assert!(row.is_none_or(|row| PAGE.contains(&format!("\n| {row} |"))), "docs/conformance.md has no row {row:?}");
        if majority.is_some_and(|reply| *reply != we) != row.is_some() {
            wrong.push(format!("{title}: we {we:?}, NSD, Knot and BIND {they:?}, excused {row:?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

fn ask(address: SocketAddr, packet: &[u8]) -> Reply {
    let client = UdpSocket::bind("127.0.0.1:0").unwrap();
    client.connect(address).unwrap();
    client.set_read_timeout(Some(Duration::from_millis(700))).unwrap();
    client.send(packet).unwrap();
    let mut octets = [0; 4096];
    client.recv(&mut octets).ok().map(|_| octets[3] & 0x0f)
}
