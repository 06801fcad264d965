//! RFC 2181 §4.1: a listener on all addresses answers from the one that was asked, by each transport.
//!
//! Packages: `bind9-dnsutils`, `knot-dnsutils`, `iproute2`, `util-linux`.

use crate::lab::{Lab, Side};
use crate::server::{Folder, Program, Server, eventually};
use crate::{SERVICE, SIP, ZONE, sorted};

/// Addresses of the far side: the link's own, from which it would answer by itself, and others.
const ADDRESSES: [&str; 6] = ["10.77.0.2", "10.77.1.1", "10.77.2.1", "fd77::2", "fd77:1::1", "fd77:2::1"];

fn serve(lab: &Lab, folder: &Folder, frame: &str) -> Server {
    let made = rcgen::generate_simple_self_signed(["ns1.example.com".to_owned()]).unwrap();
    folder.write("cert.pem", made.cert.pem());
    folder.write("key.pem", made.signing_key.serialize_pem());
    folder.write("example.com.zone", ZONE);
    let both = |port: u16| format!("[\"0.0.0.0:{port}\", \"[::]:{port}\"]");
    let config = format!(
        "version = 1\n[server]\nframe = \"{frame}\"\nlisten = {}\ntls-listen = {}\nhttps-listen = {}\nquic-listen = {}\n\
         certificate = \"cert.pem\"\nkey = \"key.pem\"\n[[zone]]\nfile = \"example.com.zone\"\n",
        both(53),
        both(853),
        both(443),
        both(853),
    );
    let program = Program::new(&["serve", "--static", "--state", "none"]);
    let server = lab.program(Side::Far, program.argument(folder.write("understudy.toml", config))).start();
    server.answering();
    server
}

#[test]
fn each_transport_answers_from_the_address_that_was_asked() {
    let (lab, folder) = (Lab::new(&[1, 2]), Folder::new());
    let _server = serve(&lab, &folder, "native");
    // kdig, as dig, takes no answer from another address than it asked.
    for address in ADDRESSES {
        for words in ["+notcp", "+tcp", "+tls", "+https", "+quic"] {
            let words = format!("@{address} {words} +short +retry=0 +time=2 {SIP} SRV");
            let (_, answer) = lab.run(Side::Near, &["kdig"], &words);
            assert_eq!(sorted(&answer), SERVICE, "{words}");
        }
    }
    // RFC 4862 §5.4: an address of a link is used once it has proved to be the only one.
    eventually("the addresses of the link", || {
        let is_settled = |side| lab.run(side, &["ip"], "-6 address show tentative").1.trim().is_empty();
        (is_settled(Side::Near) && is_settled(Side::Far)).then_some(())
    });
    let (_, links) = lab.run(Side::Far, &["ip"], "-6 -brief address show dev far scope link");
    let link_local = links.split_whitespace().find_map(|word| word.strip_suffix("/64")).unwrap();
    assert_eq!(lab.dig(&format!("@{link_local}%near {SIP} SRV")), SERVICE, "{link_local}");
}

/// RFC 9715 §3.1: over IPv6 there are no fragments; what an interface does not take is truncated.
#[test]
fn an_answer_that_the_interface_does_not_take_is_truncated() {
    let (lab, folder) = (Lab::new(&[1]), Folder::new());
    lab.ip(Side::Far, "link set far mtu 1280");
    let text = "\"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef\" ".repeat(24);
    folder.write("example.com.zone", format!("{ZONE}long IN TXT {text}\n"));
    let config = folder.write(
        "understudy.toml",
        "version = 1\n[server]\nlisten = [\"0.0.0.0:53\", \"[::]:53\"]\nudp-size = 4096\n[[zone]]\nfile = \"example.com.zone\"\n",
    );
    let program = Program::new(&["serve", "--static", "--state", "none"]).argument(config);
    let server = lab.program(Side::Far, program).start();
    server.answering();
    let ask = |address: &str| {
        let words = format!("@{address} +ignore +bufsize=4096 +tries=1 +time=1 long.example.com TXT");
        lab.run(Side::Near, &["dig"], &words).1
    };
    assert!(ask("10.77.1.1").contains("ANSWER: 1"), "IPv4 sends fragments");
    for _ in 0..2 {
        let answer = ask("fd77:1::1");
        assert!(answer.contains("flags: qr aa tc rd"), "{answer}");
    }
}

/// As docs/listeners.md says of that frame.
#[test]
fn the_other_frame_answers_over_udp_from_the_address_of_the_link() {
    let (lab, folder) = (Lab::new(&[1]), Folder::new());
    let _server = serve(&lab, &folder, "hickory");
    for (address, words, expected) in [
        ("10.77.0.2", "+notcp", SERVICE.as_slice()),
        ("10.77.1.1", "+notcp", &[]),
        ("10.77.1.1", "+tcp", &SERVICE),
        ("10.77.1.1", "+quic", &SERVICE),
    ] {
        let words = format!("@{address} {words} +short +retry=0 +time=2 {SIP} SRV");
        let (_, answer) = lab.run(Side::Near, &["kdig"], &words);
        let answer: Vec<&str> = sorted(&answer).into_iter().filter(|line| !line.starts_with(";;")).collect();
        assert_eq!(answer, expected, "{words}");
    }
}
