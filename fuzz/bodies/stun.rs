//! Reads octets as an answer of a STUN server: whole, as a stream, and with every attribute that is ever looked at.

use understudy::probe::stun::attribute::{ALTERNATE_SERVER, MAPPED_ADDRESS, XOR_MAPPED_ADDRESS, XOR_RELAYED_ADDRESS};
use understudy::probe::stun::frame::length;
use understudy::probe::stun::integrity::{Hash, Integrity, Key, Seal};
use understudy::probe::stun::{Message, Method, Request};

/// Runs one input.
pub(crate) fn run(octets: &[u8]) {
    let framed = length(octets);
    let Ok(message) = Message::parse(octets) else { return };
    assert!(framed == Ok(Some(octets.len())) || octets.len() > 4096);
    let mut end = 0;
    let mut rebuilt = Request::new(Method::Binding, message.header().transaction);
    for attribute in message.attributes() {
        assert!(attribute.at >= end, "attributes stand one behind the other");
        end = attribute.at + 4 + attribute.value.len();
        rebuilt = rebuilt.with(attribute.kind, attribute.value);
    }
    assert!(end <= message.header().length);
    if let Some(error) = message.error() {
        assert!((300..700).contains(&error.code));
    }
    for kind in [XOR_MAPPED_ADDRESS, XOR_RELAYED_ADDRESS] {
        assert_eq!(message.xor_address(kind).is_some(), message.address(kind).is_some());
    }
    for kind in [MAPPED_ADDRESS, ALTERNATE_SERVER] {
        let value = message.value(kind).map_or(0, <[u8]>::len);
        assert!(message.address(kind).is_none() || value == 8 || value == 20);
    }
    for (hash, integrity) in [(Hash::Md5, Integrity::Sha1), (Hash::Sha256, Integrity::Sha256)] {
        let key = Key::long_term(hash, b"fuzz", b"example.test", b"secret", integrity);
        assert_ne!(key.judge(&message), Seal::Good, "nobody knows this key");
        let sealed = Request::new(Method::Allocate, message.header().transaction).sealed(&key).fingerprinted();
        assert_eq!(key.judge(&Message::parse(sealed.octets()).expect("ours")), Seal::Good);
    }
    assert_eq!(rebuilt.octets().len() % 4, 0);
}
