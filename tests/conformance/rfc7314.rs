//! For how long a secondary may serve what it takes: the option EXPIRE.

use understudy::serve::Transport;
use understudy::transfer::Rule;

use crate::support::{Answer, Server, client, name, query, query_with};

const EXPIRE: u16 = 9;

/// RFC 7314 §2, §3.1: a primary tells what its SOA says, to who asks for it, in answers about the zone itself.
#[test]
fn a_primary_tells_the_expire_of_its_soa_where_it_is_asked_for() {
    let server = Server::new(&["t. 60 SOA n. h. 1 2 3 86400 60\na.t. 60 A 192.0.2.1\nsub.t. 60 NS n.sub.t."]);
    let ask = |question: &str, transport| server.ask_octets(&query_with(question, &[(EXPIRE, &[])]), transport);
    for transport in Transport::ALL {
        assert_eq!(ask("T. SOA", transport).option(EXPIRE), Some(86_400_u32.to_be_bytes().to_vec()), "{transport:?}");
    }
    for question in ["a.t. A", "a.t. SOA", "no.t. SOA", "x.sub.t. SOA", "t. NS", "u. SOA"] {
        assert_eq!(ask(question, Transport::Udp).option(EXPIRE), None, "{question}");
    }
    assert_eq!(server.ask_octets(&query("t. SOA", Some(1232)), Transport::Udp).option(EXPIRE), None);
}

/// RFC 7314 §3.3: with a transfer too, if it is granted.
#[test]
fn a_transfer_tells_it_too() {
    let server = Server::new(&["t. 60 SOA n. h. 1 2 3 86400 60\nt. 60 NS n.t."]);
    let ask = || {
        let mut octets = Vec::new();
        server
            .responder
            .respond(&query_with("t. AXFR", &[(EXPIRE, &[])]), client(Transport::Tcp), &mut octets)
            .unwrap();
        Answer::read(octets)
    };
    assert_eq!(ask().option(EXPIRE), None, "refused");
    server.set(|settings| {
        let rule = Rule { network: "127.0.0.0/8".parse().unwrap(), key: None };
        settings.transfers = [(name("t."), [rule].into_iter().collect())].into();
    });
    let answer = ask();
    assert_eq!(answer.option(EXPIRE), Some(86_400_u32.to_be_bytes().to_vec()));
    assert_eq!(answer.answer().len(), 3);
}
