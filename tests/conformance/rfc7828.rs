//! How long an idle connection is kept: edns-tcp-keepalive.

use understudy::serve::Transport;

use crate::support::{Server, query, query_with};

const KEEPALIVE: u16 = 11;

/// RFC 7828 §3.2.1, §3.3.2; RFC 9250 §5.5.2: QUIC and HTTP have their own means.
#[test]
fn the_time_is_told_to_who_asks_over_tcp_and_tls() {
    let server = Server::new(&["t. 60 SOA n. h. 1 2 3 4 60"]);
    let asking = query_with("t. SOA", &[(KEEPALIVE, b"")]);
    for transport in Transport::ALL {
        let told = matches!(transport, Transport::Tcp | Transport::Tls).then(|| vec![0, 100]);
        assert_eq!(server.ask_octets(&asking, transport).option(KEEPALIVE), told, "{transport:?}");
        assert_eq!(server.ask_octets(&query("t. SOA", Some(1232)), transport).option(KEEPALIVE), None);
    }
    server.set(|settings| settings.keepalive = std::time::Duration::from_secs(3));
    assert_eq!(server.ask_octets(&asking, Transport::Tcp).option(KEEPALIVE), Some(vec![0, 30]));
}
