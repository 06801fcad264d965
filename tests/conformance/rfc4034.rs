//! Signatures as they are written and told.

use crate::rfc1035::server;

/// RFC 4034 §3.1.5: times are numbers modulo 2^32, so that a signature may outlive the year 2106.
#[test]
fn signature_times_go_on_beyond_32_bits() {
    // 21060207062816 is 2^32 seconds after 1970 began.
    let server = server("www A 192.0.2.1\nwww RRSIG A 13 2 60 21060207062915 20260101000000 7 t. AAAA\n");
    let octets = server.ask("www.t. RRSIG").octets;
    let times = [[0, 0, 0, 59], 1_767_225_600u32.to_be_bytes()].concat();
    assert!(octets.windows(8).any(|window| window == times), "{octets:02x?}");
}
