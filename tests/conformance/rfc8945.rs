//! TSIG: a key that is not known is told so to who signs with it; other keys are tried in `tests/interop_transfer`.

use understudy::serve::Transport;

use crate::support::{Server, client, query};

/// `key. TSIG` of hmac-sha256 with these octets as its MAC.
fn signature(owner: &[u8], mac: &[u8]) -> Vec<u8> {
    let algorithm = b"\x0bhmac-sha256\0";
    let length = u8::try_from(algorithm.len() + 16 + mac.len()).unwrap();
    let mut record =
        [owner, b"\0\xfa\0\xff\0\0\0\0\0", &[length], algorithm, b"\0\0\x6b\x01\x57\x9d\x01\x2c\0"].concat();
    record.push(u8::try_from(mac.len()).unwrap());
    [record.as_slice(), mac, b"\xab\xcd\0\0\0\0"].concat()
}

fn answer(records: &[Vec<u8>], edns: Option<u16>) -> Option<Vec<u8>> {
    let server = Server::new(&["t. 60 SOA n. h. 1 2 3 4 60\nt. 60 A 192.0.2.1"]);
    let mut packet = query("t. A", edns);
    packet[11] += u8::try_from(records.len()).unwrap();
    packet.extend(records.concat());
    let mut octets = Vec::new();
    server.responder.respond(&packet, client(Transport::Udp), &mut octets).map(|_| octets)
}

/// RFC 8945 §5.2.1, §5.3.2: NOTAUTH, BADKEY, and no MAC; the record is the last one.
#[test]
fn an_unknown_key_is_told_by_an_answer_that_is_not_signed() {
    for (edns, additionals) in [(None, 1), (Some(1232), 2)] {
        let octets = answer(&[signature(b"\x03KeY\0", &[7; 32])], edns).unwrap();
        assert_eq!((octets[3] & 15, &octets[6..12]), (9, [0, 0, 0, 0, 0, additionals].as_slice()));
        let mut expected = signature(b"\x03KeY\0", &[]);
        let error = expected.len() - 3;
        expected[error] = 17;
        assert!(octets.ends_with(&expected), "{octets:02x?}");
    }
}

/// RFC 8945 §5.1: another place, or another one beside it, is a format error.
#[test]
fn a_signature_is_the_last_record_and_alone() {
    let (key, other) = (signature(b"\x03key\0", &[7; 32]), b"\0\0\x01\0\x01\0\0\0\0\0\x04\x7f\0\0\x01".to_vec());
    for records in [vec![key.clone(), key.clone()], vec![key.clone(), other.clone()]] {
        assert_eq!(answer(&records, None).unwrap()[3] & 15, 1);
    }
    assert_eq!(answer(&[other, key], None).unwrap()[3] & 15, 9);
}

/// A compressed name of the key is told in full: it is read, and so it is unknown.
#[test]
fn an_unknown_key_whose_name_is_compressed_is_told_by_its_whole_name() {
    let octets = answer(&[signature(b"\x03key\xc0\x0c", &[7; 32])], None).unwrap();
    assert_eq!((octets[3] & 15, octets[11]), (9, 1));
    let mut expected = signature(b"\x03key\x01t\0", &[]);
    let error = expected.len() - 3;
    expected[error] = 17;
    assert!(octets.ends_with(&expected), "{octets:02x?}");
}

/// RFC 8945 §5.2: a record that cannot be understood is a format error.
#[test]
fn a_signature_that_cannot_be_read_is_a_format_error() {
    let mut short = signature(b"\x03key\0", &[]);
    short.truncate(short.len() - 6);
    short[14] -= 6;
    let mut class = signature(b"\x03key\0", &[7; 32]);
    class[8] = 1;
    let forward = signature(b"\xc0\xff", &[7; 32]);
    let itself = signature(b"\xc0\x13", &[7; 32]);
    for record in [short, class, forward, itself] {
        let octets = answer(&[record], None).unwrap();
        assert_eq!((octets[3] & 15, octets[11]), (1, 0));
    }
}
