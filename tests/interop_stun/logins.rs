//! `understudy probe` with credentials: what they get, what they leave behind, and where they fail.

use std::net::UdpSocket;
use std::time::Duration;

use understudy::probe::stun::attribute::{NONCE, REALM, REQUESTED_TRANSPORT, USERNAME};
use understudy::probe::stun::integrity::{Hash, Integrity, Key};
use understudy::probe::stun::message::Class;
use understudy::probe::stun::{Message, Method, Request};

use crate::coturn::{Coturn, DOMAIN, PORT};
use crate::foreign::text;
use crate::server::eventually;

/// An allocation that lives as long as coturn keeps it.
struct Held(#[expect(dead_code, reason = "its port is the allocation's")] UdpSocket);

/// Takes an allocation as the user `probe`.
fn hold(coturn: &Coturn) -> Held {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    socket.connect((coturn.address, PORT)).unwrap();
    socket.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
    let ask = |request: &Request| {
        socket.send(request.octets()).unwrap();
        let mut room = [0; 2048];
        let length = socket.recv(&mut room).unwrap();
        room[..length].to_vec()
    };
    let question = || Request::new(Method::Allocate, [7; 12]).with(REQUESTED_TRANSPORT, &[17, 0, 0, 0]);
    let challenge = ask(&question());
    let challenge = Message::parse(&challenge).unwrap();
    let nonce = challenge.value(NONCE).unwrap();
    let key = Key::long_term(Hash::Md5, b"probe", DOMAIN.as_bytes(), b"sesame", Integrity::Sha1);
    let signed = question().with(USERNAME, b"probe").with(REALM, DOMAIN.as_bytes()).with(NONCE, nonce).sealed(&key);
    let answer = ask(&signed);
    assert_eq!(Message::parse(&answer).unwrap().header().class, Class::Success);
    Held(socket)
}

#[test]
fn good_credentials_get_an_address_and_leave_nothing_behind() {
    let coturn = Coturn::start();
    for scheme in ["turn+udp", "turn+tcp", "turns"] {
        let told = coturn.log_in(scheme, "right");
        told.is("pass", "");
        let steps = told.steps();
        let [.., credentials, free] = steps.as_slice() else { panic!("{steps:?}") };
        assert!(credentials.starts_with(&format!("credentials: relays by {}:", coturn.address)), "{steps:?}");
        assert_eq!(free, "free: given back");
        assert!(!format!("{told:?}").contains("sesame"), "{told:?}");
    }
    let log = coturn.log();
    assert_eq!((log.matches("lifetime=600").count(), log.matches("lifetime=0").count()), (3, 3), "{log}");
    // It takes coturn up to a second to let go; kept ones would stay for ten minutes.
    let gone = || coturn.log().matches("delete: realm=<relay.example>, username=<probe>").count() == 3;
    eventually("all three are gone", || gone().then_some(()));
}

#[test]
fn a_shared_secret_makes_a_login_that_coturn_takes() {
    let coturn = Coturn::with("use-auth-secret\nstatic-auth-secret=sesame\n", (DOMAIN, 2100));
    let file = text(&coturn.folder.path("right"));
    for user in [&["--user", "probe"][..], &[]] {
        let told = coturn.probe("turn+udp", &[user, &["--secret-file", &file]].concat());
        told.is("pass", "");
        assert_eq!(told.steps().len(), 3, "{told:#?}");
    }
}

#[test]
fn bad_credentials_are_our_mistake_and_not_the_servers() {
    let coturn = Coturn::start();
    for scheme in ["turn+udp", "turn+tcp", "turns"] {
        let told = coturn.log_in(scheme, "wrong");
        told.is("pass", "");
        let warnings = told.warnings();
        assert!(warnings[0].starts_with("credentials refused: error 401 \"Unauthorized\""), "{warnings:?}");
        assert!(!format!("{told:?}").contains("swordfish"), "{told:?}");
    }
    assert_eq!(coturn.log().matches("credentials are incorrect").count(), 3, "each probe tried once");
}

#[test]
fn a_quota_that_is_reached_is_degraded() {
    let coturn = Coturn::with("lt-cred-mech\nuser=probe:sesame\nuser-quota=1\n", (DOMAIN, 2100));
    let _held = hold(&coturn);
    for scheme in ["turn+udp", "turn+tcp", "turns"] {
        coturn.log_in(scheme, "right").is("degraded", "error 486 \"Allocation Quota Reached\"");
        coturn.probe(scheme, &[]).is("pass", "");
    }
}

#[test]
fn coturn_that_asks_nobody_who_he_is_passes_with_a_warning() {
    let coturn = Coturn::with("no-auth\n", (DOMAIN, 2100));
    for scheme in ["turn+udp", "turn+tcp", "turns"] {
        let told = coturn.probe(scheme, &[]);
        told.is("pass", "");
        assert!(told.warnings()[0].contains("open relay"), "{told:#?}");
        assert_eq!(told.steps().pop().unwrap(), "free: given back");
    }
}
