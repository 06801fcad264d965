//! DNS cookies: what is told, what is malformed, what they are good for.

use hickory_proto::op::ResponseCode::{FormErr, NXDomain, NoError};
use understudy::serve::{Client, Rates, Transport};

use crate::support::{Answer, Server, client, query, query_with};

const COOKIE: u16 = 10;
const CLIENT: &[u8] = b"eight oc";

fn server() -> Server {
    Server::new(&["t. 60 SOA n. h. 1 2 3 4 60\nwww.t. 60 A 192.0.2.1"])
}

/// RFC 7873 §5.2.3: the client's cookie comes back with the server's.
#[test]
fn a_client_cookie_is_answered_with_a_server_cookie_over_every_transport() {
    for transport in Transport::ALL {
        let answer = server().ask_octets(&query_with("www.t. A", &[(COOKIE, CLIENT)]), transport);
        let cookie = answer.option(COOKIE).unwrap();
        assert_eq!((cookie.len(), &cookie[..8]), (24, CLIENT));
        assert_eq!((answer.rcode(), answer.answer().len()), (NoError, 1));
    }
    assert_eq!(server().ask_octets(&query("www.t. A", Some(1232)), Transport::Udp).option(COOKIE), None);
}

/// RFC 7873 §5.2.2.
#[test]
fn a_malformed_cookie_is_a_format_error() {
    for length in [0, 1, 7, 9, 15, 41] {
        let answer = server().ask_octets(&query_with("www.t. A", &[(COOKIE, &vec![1; length])]), Transport::Udp);
        assert_eq!((answer.rcode(), answer.option(COOKIE), answer.answer().len()), (FormErr, None, 0), "{length}");
    }
}

/// RFC 7873 §5.2.4, §5.2.5: a wrong or a right server cookie changes nothing of the answer but the cookie.
#[test]
fn the_first_cookie_counts_and_a_good_one_stays() {
    let server = server();
    let ask = |cookie: &[u8]| server.ask_octets(&query_with("www.t. A", &[(COOKIE, cookie)]), Transport::Udp);
    let told = ask(CLIENT).option(COOKIE).unwrap();
    assert_eq!(ask(&told).option(COOKIE), Some(told.clone()));
    let mut wrong = told.clone();
    wrong[23] ^= 1;
    assert_eq!(ask(&wrong).option(COOKIE), Some(told.clone()));
    assert_eq!(ask(&wrong).answer().len(), 1);
    let two = server.ask_octets(&query_with("www.t. A", &[(COOKIE, CLIENT), (COOKIE, b"x")]), Transport::Udp);
    assert_eq!(two.option(COOKIE), Some(told));
}

/// RFC 7873 §5.4: a cookie can be asked for without a question.
#[test]
fn no_question_is_needed_for_a_cookie() {
    let whole = query_with(". A", &[(COOKIE, CLIENT)]);
    let mut packet = [&whole[..12], &whole[17..]].concat();
    packet[5] = 0;
    let answer = server().ask_octets(&packet, Transport::Udp);
    assert_eq!((answer.rcode(), answer.message.queries.len()), (NoError, 0));
    assert_eq!(answer.option(COOKIE).unwrap().len(), 24);
    let without = [&packet[..12], &query(". A", Some(1232))[17..]].concat();
    let mut octets = Vec::new();
    server().responder.respond(&without, client(Transport::Udp), &mut octets).unwrap();
    assert_eq!(Answer::read(octets).rcode(), FormErr);
}

#[test]
fn who_holds_a_cookie_is_not_rate_limited() {
    let server = server();
    let told = server.ask_octets(&query_with("no.t. A", &[(COOKIE, CLIENT)]), Transport::Udp).option(COOKIE).unwrap();
    server.set(|settings| settings.rates = Rates { rate: 3, slip: 0, ..Rates::default() });
    let packet = query_with("no.t. A", &[(COOKIE, &told)]);
    for _ in 0..50 {
        assert_eq!(server.ask_octets(&packet, Transport::Udp).rcode(), NXDomain);
    }
    let bare = query("no.t. A", Some(1232));
    let stranger = Client { address: [198, 51, 100, 7].into(), ..client(Transport::Udp) };
    let answered = (0..50).filter(|_| server.responder.respond(&bare, stranger, &mut Vec::new()).is_some()).count();
    assert_eq!(answered, 3, "without one the rate holds");
    server.ask_octets(&bare, Transport::Tcp);
}

/// RFC 7873 §5.2.3: who has no cookie yet is given one, also where answers are not longer than queries.
#[test]
fn without_amplification_the_first_cookie_is_given_all_the_same() {
    let server = server();
    server.set(|settings| settings.amplification = false);
    let packet = query_with("www.t. A", &[(COOKIE, CLIENT)]);
    let first = server.ask_octets(&packet, Transport::Udp);
    let cookie = first.option(COOKIE).unwrap();
    assert_eq!((first.is_truncated(), first.octets.len()), (true, packet.len() + 16));
    let second = server.ask_octets(&query_with("www.t. A", &[(COOKIE, &cookie)]), Transport::Udp);
    assert_eq!((second.is_truncated(), second.answer().len()), (false, 1));
}
