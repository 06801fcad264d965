//! DSYNC: where to send notifications of changed keys.

use crate::rfc1035::server;

/// RFC 9859 §2.1: the scheme is a number or a mnemonic.
#[test]
fn the_scheme_may_be_written_as_a_word() {
    let told = |scheme: &str| server(&format!("*._dsync DSYNC CDS {scheme} 5359 n\n")).ask("a._dsync.t. DSYNC").octets;
    assert!(told("1").windows(5).any(|octets| octets == [0, 59, 1, 0x14, 0xef]));
    assert_eq!(told("NOTIFY"), told("1"));
    assert_eq!(told("notify"), told("1"));
}
