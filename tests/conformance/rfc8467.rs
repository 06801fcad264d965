//! Padding of answers on encrypted transports.

use understudy::serve::Transport;

use crate::support::{Server, query, query_with};

const PADDING: u16 = 12;

/// RFC 7830 §4, RFC 8467 §4.1: whole blocks of 468 octets, if the query is padded and nobody else can read it.
#[test]
fn encrypted_answers_to_padded_queries_are_whole_blocks() {
    let mut zone = "t. 60 SOA n. h. 1 2 3 4 60\n".to_owned();
    for number in 0..20 {
        zone += &format!("big.t. 60 TXT {number:040}\n");
    }
    let server = Server::new(&[&zone]);
    for transport in Transport::ALL {
        for question in ["t. SOA", "big.t. TXT", "no.t. A"] {
            let answer = server.ask_octets(&query_with(question, &[(PADDING, &[0; 9])]), transport);
            assert_eq!(answer.option(PADDING).is_some(), transport.kind().is_encrypted, "{transport:?}");
            assert_eq!(
                answer.octets.len().is_multiple_of(468),
                transport.kind().is_encrypted,
                "{}",
                answer.octets.len()
            );
            assert!(answer.option(PADDING).unwrap_or_default().iter().all(|octet| *octet == 0));
            let bare = server.ask_octets(&query(question, Some(1232)), transport);
            // RFC 7830 §4: a server may pad whatever has EDNS; RFC 9250 §5.4 makes it a must.
            assert_eq!(bare.option(PADDING).is_some(), transport == Transport::Quic, "{transport:?}");
            assert_eq!(server.ask_octets(&query(question, None), transport).option(PADDING), None, "no EDNS");
        }
    }
}
