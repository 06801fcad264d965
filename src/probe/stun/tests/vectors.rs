//! The test vectors of RFC 5769, and what must not be read.

use crate::probe::stun::attribute::{FINGERPRINT, MESSAGE_INTEGRITY, REALM, SOFTWARE, USERNAME, XOR_MAPPED_ADDRESS};
use crate::probe::stun::frame::{Unframed, length};
use crate::probe::stun::integrity::{Hash, Integrity, Key, Seal};
use crate::probe::stun::message::Class;
use crate::probe::stun::{MalformedStun, Message, Method, Request};

fn octets(hex: &str) -> Vec<u8> {
    let hex: String = hex.split_whitespace().collect();
    data_encoding::HEXLOWER.decode(hex.as_bytes()).unwrap()
}

/// RFC 5769 §2.1: SOFTWARE, PRIORITY, ICE-CONTROLLED, USERNAME, MESSAGE-INTEGRITY, FINGERPRINT.
fn request() -> Vec<u8> {
    octets(
        "00010058 2112a442 b7e7a701 bc34d686 fa87dfae
         80220010 5354554e 20746573 7420636c 69656e74
         00240004 6e0001ff 80290008 932ff9b1 51263b36
         00060009 6576746a 3a683676 59202020
         00080014 9aeaa70c bfd8cb56 781ef2b5 b2d3f249 c1b571a2
         80280004 e57a3bcf",
    )
}

/// RFC 5769 §2.2: SOFTWARE, XOR-MAPPED-ADDRESS, MESSAGE-INTEGRITY, FINGERPRINT.
fn answer_v4() -> Vec<u8> {
    octets(
        "0101003c 2112a442 b7e7a701 bc34d686 fa87dfae
         8022000b 74657374 20766563 746f7220
         00200008 0001a147 e112a643
         00080014 2b91f599 fd9e90c3 8c7489f9 2af9ba53 f06be7d7
         80280004 c07d4c96",
    )
}

/// RFC 5769 §2.3: the same with IPv6.
fn answer_v6() -> Vec<u8> {
    octets(
        "01010048 2112a442 b7e7a701 bc34d686 fa87dfae
         8022000b 74657374 20766563 746f7220
         00200014 0002a147 0113a9fa a5d3f179 bc25f4b5 bed2b9d9
         00080014 a382954e 4be67bf1 1784c97c 8292c275 bfe3ed41
         80280004 c8fb0b4c",
    )
}

/// RFC 5769 §2.4: USERNAME, NONCE, REALM, MESSAGE-INTEGRITY by long-term credentials.
fn request_signed() -> Vec<u8> {
    octets(
        "00010060 2112a442 78ad3433 c6ad72c0 29da412e
         00060012 e3839ee3 8388e383 aae38383 e382afe3 82b90000
         0015001c 662f2f34 39396b39 35346436 4f4c3334 6f4c3946 53547679 36347341
         0014000b 6578616d 706c652e 6f726700
         00080014 f6702465 6dd64a3e 02b8e071 2e85c9a2 8ca89666",
    )
}

fn short_term() -> Key {
    Key::short_term(b"VOkJxbRl1RmTxUk/WvJxBt", Integrity::Sha1)
}

#[test]
fn rfc_5769_2_1_the_sample_request_is_read() {
    let octets = request();
    let message = Message::parse(&octets).unwrap();
    assert_eq!((message.header().class, message.header().method), (Class::Request, 1));
    assert_eq!(message.value(SOFTWARE), Some(b"STUN test client".as_slice()));
    assert_eq!(message.value(USERNAME), Some(b"evtj:h6vY".as_slice()));
    assert_eq!(message.attributes().count(), 6);
    assert_eq!(short_term().judge(&message), Seal::Good);
    assert_eq!(Key::short_term(b"another", Integrity::Sha1).judge(&message), Seal::Wrong);
}

#[test]
fn rfc_5769_2_2_and_2_3_the_sample_answers_are_read() {
    for (octets, address) in
        [(answer_v4(), "192.0.2.1:32853"), (answer_v6(), "[2001:db8:1234:5678:11:2233:4455:6677]:32853")]
    {
        let message = Message::parse(&octets).unwrap();
        assert_eq!(message.header().class, Class::Success);
        assert_eq!(message.value(SOFTWARE), Some(b"test vector".as_slice()));
        assert_eq!(message.xor_address(XOR_MAPPED_ADDRESS), Some(address.parse().unwrap()));
        assert_eq!(short_term().judge(&message), Seal::Good);
    }
}

#[test]
fn rfc_5769_2_4_the_request_of_long_term_credentials_is_read_and_written() {
    let octets = request_signed();
    let message = Message::parse(&octets).unwrap();
    // U+30DE U+30C8 U+30EA U+30C3 U+30AF U+30B9; the password is "TheMatrIX" after SASLprep.
    let user = "\u{30de}\u{30c8}\u{30ea}\u{30c3}\u{30af}\u{30b9}".as_bytes();
    let key = Key::long_term(Hash::Md5, user, b"example.org", b"TheMatrIX", Integrity::Sha1);
    assert_eq!(key.judge(&message), Seal::Good);
    let written = Request::new(Method::Binding, message.header().transaction)
        .with(USERNAME, user)
        .with(0x0015, b"f//499k954d6OL34oL9FSTvy64sA")
        .with(REALM, b"example.org")
        .sealed(&key);
    assert_eq!(written.octets(), octets);
}

#[test]
fn each_octet_of_a_fingerprinted_message_counts() {
    for index in 0..answer_v4().len() {
        let mut octets = answer_v4();
        octets[index] ^= 0x01;
        // Nothing guards what stands behind the fingerprint's type: another attribute may do so.
        let read = Message::parse(&octets);
        let still_guarded = read.is_ok_and(|message| message.attribute(FINGERPRINT).is_some());
        assert!(!still_guarded, "octet {index}");
    }
}

#[test]
fn what_is_no_message_is_told_by_its_kind() {
    let good = answer_v4();
    let with = |at: usize, octet: u8| {
        let mut octets = good.clone();
        octets[at] = octet;
        octets
    };
    for (octets, wanted) in [
        (Vec::new(), MalformedStun::Short(0)),
        (good[..19].to_vec(), MalformedStun::Short(19)),
        (b"HTTP/1.1 400 Bad Request\r\n\r\n".to_vec(), MalformedStun::Foreign),
        (b"SIP/2.0 200 OK\r\n".to_vec(), MalformedStun::Foreign),
        (with(4, 0x20), MalformedStun::Foreign),
        (with(0, 0x81), MalformedStun::Foreign),
        (with(3, 0x3d), MalformedStun::Odd(61)),
        (with(3, 0x40), MalformedStun::Length { claimed: 64, there: 60 }),
        (with(3, 0x38), MalformedStun::Length { claimed: 56, there: 60 }),
        (with(23, 0xff), MalformedStun::Attribute),
        (with(22, 0xff), MalformedStun::Attribute),
        (with(79, 0x97), MalformedStun::Fingerprint),
    ] {
        assert_eq!(Message::parse(&octets), Err(wanted), "{octets:02x?}");
    }
    let early = super::message(0x0101, [7; 12], &[(FINGERPRINT, &[0; 4]), (SOFTWARE, b"behind")]);
    assert_eq!(Message::parse(&early), Err(MalformedStun::Fingerprint), "it must be the last attribute");
}

#[test]
fn behind_the_seal_only_seals_count() {
    let octets = super::message(
        0x0101,
        [7; 12],
        &[(SOFTWARE, b"first"), (SOFTWARE, b"second"), (MESSAGE_INTEGRITY, &[0; 20]), (REALM, b"forged")],
    );
    let message = Message::parse(&octets).unwrap();
    assert_eq!(message.value(SOFTWARE), Some(b"first".as_slice()));
    assert_eq!(message.value(REALM), None);
    assert_eq!(message.attributes().count(), 3);
}

#[test]
fn error_codes_are_three_hundred_to_six_hundred_ninety_nine() {
    for (value, code) in [
        (&[0_u8, 0, 4, 1][..], Some(401)),
        (&[0, 0, 3, 0, b'T'], Some(300)),
        (&[0, 0, 6, 99], Some(699)),
        // RFC 8489 §14.8: the upper five bits are reserved, and to be ignored.
        (&[0, 0, 0xfc, 86], Some(486)),
        (&[0, 0, 2, 0], None),
        (&[0, 0, 7, 0], None),
        (&[0, 0, 4, 100], None),
        (&[0, 0, 4], None),
        (&[], None),
    ] {
        let octets = super::message(0x0111, [7; 12], &[(0x0009, value)]);
        assert_eq!(Message::parse(&octets).unwrap().error().map(|error| error.code), code, "{value:?}");
    }
}

#[test]
fn addresses_of_a_wrong_shape_are_none() {
    for value in [
        &[][..],
        &[0, 1, 0],
        &[0, 1, 0, 0, 1, 2, 3],
        &[0, 1, 0, 0, 1, 2, 3, 4, 5],
        &[0, 2, 0, 0, 1, 2, 3, 4],
        &[0, 3, 0, 0, 1, 2, 3, 4],
    ] {
        let octets = super::message(0x0101, [7; 12], &[(XOR_MAPPED_ADDRESS, value)]);
        assert_eq!(Message::parse(&octets).unwrap().xor_address(XOR_MAPPED_ADDRESS), None, "{value:?}");
    }
}

#[test]
fn a_stream_is_cut_where_the_header_says() {
    let whole = answer_v4();
    for end in 0..20 {
        assert_eq!(length(&whole[..end]), Ok(None), "{end} octets");
    }
    let mut two = whole.clone();
    two.extend(answer_v6());
    assert_eq!((length(&whole[..20]), length(&two)), (Ok(Some(80)), Ok(Some(80))));
    assert_eq!(length(b"H"), Err(Unframed::MalformedStun(MalformedStun::Foreign)), "the first octet is enough");
    assert_eq!(length(&[0, 1, 0, 0, b'?']), Err(Unframed::MalformedStun(MalformedStun::Foreign)));
    assert_eq!(length(&super::message(0x0101, [7; 12], &[(SOFTWARE, &[0; 5000])])), Err(Unframed::Long(5024)));
}

#[test]
fn values_are_cut_at_their_limit() {
    let request = Request::new(Method::Allocate, [7; 12]).with(REALM, &[b'x'; 70_000]).fingerprinted();
    let message = Message::parse(request.octets()).unwrap();
    assert_eq!(message.value(REALM).map(<[u8]>::len), Some(768));
}
